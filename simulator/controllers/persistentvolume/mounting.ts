import type { Volume } from 'kubernetes-types/core/v1'
import type { Api } from '../../apiserver/api.ts'
import type { ClaimObject, VolumeObject } from './matching.ts'

/**
 * What a kubelet mounts for a claim: the hostPath that its volume stands for, or the tail of the FailedMount event that says why there is
 * nothing to mount yet. Follows the kubelet's desired state of world populator.
 */
export function mountedFor(
  api: Api,
  namespace: string,
  claimName: string,
): { hostPath: NonNullable<Volume['hostPath']> } | { why: string } {
  const failed = (why: string) => ({ why: `error processing PVC ${namespace}/${claimName}: ${why}` })
  const claim = api.find<ClaimObject>('persistentvolumeclaims', namespace, claimName)
  if (!claim) return failed(`failed to fetch PVC from API server: persistentvolumeclaims "${claimName}" not found`)
  if (claim.metadata?.deletionTimestamp) return failed('PVC is being deleted')
  const volumeName = claim.spec?.volumeName
  if (claim.status?.phase !== 'Bound' || !volumeName) return failed('PVC is not bound')
  const volume = api.find<VolumeObject>('persistentvolumes', undefined, volumeName)
  if (!volume) return failed(`failed to fetch PV ${volumeName} from API server: persistentvolumes "${volumeName}" not found`)
  if (volume.spec?.hostPath) return { hostPath: volume.spec.hostPath }
  if (volume.spec?.local) return { hostPath: { path: volume.spec.local.path, type: 'Directory' } }
  const known = new Set([
    'accessModes',
    'capacity',
    'claimRef',
    'nodeAffinity',
    'persistentVolumeReclaimPolicy',
    'storageClassName',
    'volumeMode',
  ])
  const kind = Object.keys(volume.spec ?? {}).find((field) => !known.has(field)) ?? 'unknown'
  return { why: `the simulated cluster does not model ${kind} volumes ("${volumeName}")` }
}
