import type { Pod } from 'kubernetes-types/core/v1'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import type { FieldError } from '../../resources/definition.ts'
import { invalid as invalidField } from '../../resources/fields.ts'
import type { Registry } from '../registry/registry.ts'
import { badRequest, conflict, invalid } from '../status.ts'
import { issuer, type TokenSubject } from './claims.ts'
import { nodeOfPod, type ServiceAccountTokens } from './service-account-tokens.ts'

interface TokenRequestSpec {
  readonly audiences?: readonly string[]
  readonly expirationSeconds?: number
  readonly boundObjectRef?: { readonly kind?: string; readonly apiVersion?: string; readonly name?: string; readonly uid?: string }
}

const group = 'authentication.k8s.io'
const defaultSeconds = 3600
const leastSeconds = 600

/**
 * Answers `serviceaccounts/NAME/token` (pkg/registry/core/serviceaccount/storage/token.go). Throws NotFound of the account and of the
 * object that the token is to be bound to, BadRequest, Invalid, and Conflict where that object has another UID.
 */
export function answerTokenRequest(
  registry: Registry,
  tokens: ServiceAccountTokens,
  namespace: string,
  name: string,
  body: KubeObject,
): KubeObject {
  const given = body.metadata ?? {}
  if (given.name && given.name !== name) throw mismatch(name, 'name', given.name, 'must match the service account name if specified')
  if (given.namespace && given.namespace !== namespace)
    throw mismatch(name, 'namespace', given.namespace, 'must match the service account namespace if specified')
  const serviceAccount = registry.get(registry.definitions.named('serviceaccounts'), namespace, name)
  const { metadata } = serviceAccount
  const spec = (body.spec ?? {}) as TokenRequestSpec
  const audiences = spec.audiences?.length ? spec.audiences : [issuer]
  const expirationSeconds = spec.expirationSeconds ?? defaultSeconds
  const errors: FieldError[] = []
  const field = 'spec.expirationSeconds'
  if (expirationSeconds < leastSeconds)
    errors.push(invalidField(field, expirationSeconds, 'may not specify a duration less than 10 minutes'))
  if (expirationSeconds > 2 ** 32)
    errors.push(invalidField(field, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'))
  if (errors.length > 0) throw invalid(group, 'TokenRequest', '', errors)

  const bound = spec.boundObjectRef ? boundTo(registry, namespace, name, spec.boundObjectRef) : {}
  const now = registry.world.clock.now()
  const { token } = tokens.issue({ serviceAccount, audiences, expirationSeconds, ...bound })
  return {
    kind: 'TokenRequest',
    apiVersion: `${group}/v1`,
    metadata: { name, namespace, uid: metadata?.uid ?? '', creationTimestamp: timestamp(now) },
    spec: { audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token, expirationTimestamp: timestamp(now + expirationSeconds * 1000) },
  }
}

function boundTo(
  registry: Registry,
  namespace: string,
  account: string,
  reference: NonNullable<TokenRequestSpec['boundObjectRef']>,
): Partial<TokenSubject> {
  const { kind = '', apiVersion = '', name = '', uid } = reference
  const [bareGroup, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  const find = (resource: string, where: string | undefined) => registry.get(registry.definitions.named(resource), where, name)
  const same = (object: KubeObject) => {
    if (!uid || uid === object.metadata?.uid) return
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw conflict({ group: '', resource: kind, name }, why)
  }
  if (bareGroup === '' && kind === 'Pod') {
    const pod = find('pods', namespace) as Pod & KubeObject
    if (pod.spec?.serviceAccountName !== account) {
      const why = `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`
      throw badRequest(why)
    }
    same(pod)
    const node = nodeOfPod(registry.world.store, pod)
    return { pod, ...(node && { node }) }
  }
  if (bareGroup === '' && kind === 'Node') {
    const node = find('nodes', undefined)
    same(node)
    return { node: { name, uid: node.metadata?.uid ?? '' } }
  }
  if (bareGroup === '' && kind === 'Secret') {
    const secret = find('secrets', namespace)
    same(secret)
    return { secret }
  }
  throw badRequest(`cannot bind token to object of type ${bareGroup}/${version}, Kind=${kind}`)
}

function mismatch(name: string, field: string, value: string, why: string) {
  return invalid(group, 'TokenRequest', name, [invalidField(`metadata.${field}`, value, why)])
}
