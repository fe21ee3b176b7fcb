import type { Node } from 'kubernetes-types/core/v1'
import type { Api } from '../../apiserver/api.ts'
import type { PodObject } from '../pods.ts'
import { claimsOf } from './consumers.ts'
import { bindCompleted, type ClaimObject, type ClassObject, classOf, matchingVolume, reachableFrom, type VolumeObject } from './matching.ts'

/**
 * Why a pod cannot go anywhere for the sake of its claims, as one sentence for all nodes; undefined where they do not stand in the way
 * (the VolumeBinding plugin's PreFilter).
 */
export function claimsProblem(api: Api, pod: PodObject): string | undefined {
  for (const name of claimsOf(pod)) {
    const claim = api.find<ClaimObject>('persistentvolumeclaims', pod.metadata?.namespace, name)
    if (!claim) return `persistentvolumeclaim "${name}" not found`
    if (claim.status?.phase === 'Lost') {
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"`
    }
    if (claim.metadata?.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`
    if (!isBound(claim) && !waitingClass(api, claim)) return 'pod has unbound immediate PersistentVolumeClaims'
  }
  return undefined
}

/** Why a pod cannot go to one node for the sake of its volumes; undefined where it can (the plugin's Filter). */
export function volumesConflict(api: Api, pod: PodObject, node: Node): string | undefined {
  for (const name of claimsOf(pod)) {
    const claim = api.find<ClaimObject>('persistentvolumeclaims', pod.metadata?.namespace, name)
    if (!claim) continue
    if (isBound(claim)) {
      const volume = api.find<VolumeObject>('persistentvolumes', undefined, claim.spec?.volumeName ?? '')
      if (!volume) return 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'
      if (!reachableFrom(volume, node)) return "node(s) didn't match PersistentVolume's node affinity"
      continue
    }
    const storageClass = waitingClass(api, claim)
    if (!storageClass?.provisioner.startsWith('kubernetes.io/')) continue
    // Nobody will make a volume, so one must stand ready within the node's reach.
    if (!matchingVolume(claim, api.list<VolumeObject>('persistentvolumes'), { node })) {
      return "node(s) didn't find available persistent volumes to bind"
    }
  }
  return undefined
}

function isBound(claim: ClaimObject): boolean {
  return claim.spec?.volumeName !== undefined && claim.metadata?.annotations?.[bindCompleted] !== undefined
}

function waitingClass(api: Api, claim: ClaimObject): ClassObject | undefined {
  const found = api.find<ClassObject>('storageclasses.storage.k8s.io', undefined, classOf(claim))
  return found?.volumeBindingMode === 'WaitForFirstConsumer' ? found : undefined
}
