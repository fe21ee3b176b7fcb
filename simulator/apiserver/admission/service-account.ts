import type { Container, Pod, ServiceAccount, Volume } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { forbidden } from '../status.ts'
import type { Admission } from './admission.ts'

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** ServiceAccount: gives every pod an account and, unless one of them declines, its projected token. */
export const serviceAccount: Admission = {
  name: 'ServiceAccount',
  mutate(request, context) {
    if (request.resource !== 'pods' || request.subresource || request.operation !== 'CREATE') return request.object
    const pod = request.object as Pod & KubeObject
    const refuse = (why: string) => forbidden({ group: '', resource: 'pods', name: request.name }, why)
    if (pod.metadata?.annotations?.[mirrorAnnotation] !== undefined) {
      if (pod.spec?.serviceAccountName) throw refuse('a mirror pod may not reference service accounts')
      return pod
    }
    // A pod without a spec is for validation to refuse.
    if (!pod.spec || !Array.isArray(pod.spec.containers)) return pod

    const name = pod.spec.serviceAccountName || pod.spec.serviceAccount || 'default'
    const account = context.find<ServiceAccount & KubeObject>('serviceaccounts', request.namespace, name)
    if (!account) {
      throw refuse(`error looking up service account ${request.namespace}/${name}: serviceaccount "${name}" not found`)
    }
    const spec = { ...pod.spec, serviceAccountName: name, serviceAccount: name }
    if (account.imagePullSecrets?.length && !spec.imagePullSecrets?.length) spec.imagePullSecrets = account.imagePullSecrets

    if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) {
      const existing = spec.volumes?.find((volume) => volume.name?.startsWith('kube-api-access-') && volume.projected)
      const volumeName = existing?.name ?? `kube-api-access-${context.random.suffix(5)}`
      let used = false
      const mount = (container: Container): Container => {
        if (container.volumeMounts?.some((at) => at.mountPath === mountPath)) return container
        used = true
        const volumeMounts = [...(container.volumeMounts ?? []), { name: volumeName, readOnly: true, mountPath }]
        return { ...container, volumeMounts }
      }
      if (spec.initContainers) spec.initContainers = spec.initContainers.map(mount)
      spec.containers = spec.containers.map(mount)
      if (used && !existing) spec.volumes = [...(spec.volumes ?? []), tokenVolume(volumeName)]
    }
    return { ...pod, spec }
  },
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        // An hour and seven seconds marks the tokens that were not asked for by the pod's author, as upstream does.
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
      defaultMode: 420,
    },
  }
}
