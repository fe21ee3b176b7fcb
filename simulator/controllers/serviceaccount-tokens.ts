import type { Secret } from 'kubernetes-types/core/v1'
import { encodeBase64 } from '../base64.ts'
import type { KubeObject } from '../kubernetes.ts'
import { type Controller, keyOf, splitKey, workQueue } from './controller.ts'

type SecretObject = Secret & KubeObject

export const tokenSecretType = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'

/**
 * Fills Secrets of type kubernetes.io/service-account-token, and deletes those whose account is gone or another of the same name
 * (pkg/controller/serviceaccount/tokens_controller.go). `issue` signs with the key that the API server verifies with.
 */
export function serviceAccountTokenController(issue: (serviceAccount: KubeObject, secret: KubeObject) => string): Controller {
  return {
    name: 'serviceaccount-token-controller',
    start({ api, clock, rootCertificate, fresh }) {
      const queue = workQueue('serviceaccount-token', clock, (key) => {
        const [namespace, name] = splitKey(key)
        const secret = api.find<SecretObject>('secrets', namespace, name)
        if (secret?.type !== tokenSecretType || secret.metadata?.deletionTimestamp) return
        const { annotations = {} } = secret.metadata ?? {}
        const account = api.find('serviceaccounts', namespace, annotations[nameAnnotation] ?? '')
        const uid = account?.metadata?.uid
        if (!account || (annotations[uidAnnotation] && annotations[uidAnnotation] !== uid))
          return api.delete('secrets', namespace, name, { preconditions: { uid: secret.metadata?.uid ?? '' } })
        const wanted = { 'ca.crt': base64(rootCertificate), namespace: base64(namespace) }
        const { data = {} } = secret
        const complete = data['token'] && data['ca.crt'] === wanted['ca.crt'] && data['namespace'] === wanted.namespace
        if (complete && annotations[uidAnnotation]) return
        api.update<SecretObject>('secrets', {
          ...secret,
          metadata: { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: uid ?? '' } },
          data: { ...data, ...wanted, token: data['token'] || base64(issue(account, secret)) },
        })
      })
      const ofType = (object: KubeObject) => (object as SecretObject).type === tokenSecretType
      api.watch('secrets', ({ type, object }) => type !== 'DELETED' && ofType(object) && queue.add(keyOf(object)), { initial: fresh })
      api.watch('serviceaccounts', ({ type, object: { metadata } }) => {
        if (type === 'MODIFIED') return
        for (const secret of api.list('secrets', { namespace: metadata?.namespace ?? '' }))
          if (ofType(secret) && secret.metadata?.annotations?.[nameAnnotation] === metadata?.name) queue.add(keyOf(secret))
      })
    },
  }
}

function base64(text: string): string {
  return encodeBase64(new TextEncoder().encode(text))
}
