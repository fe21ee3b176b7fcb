import type { Node } from 'kubernetes-types/core/v1'
import type { Api } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { isTerminal, type PodObject } from '../pods.ts'
import type { ClaimObject } from './matching.ts'

/** Names of the claims that a pod mounts; a generic ephemeral volume has one named after the pod. */
export function claimsOf(pod: PodObject): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [volume.persistentVolumeClaim.claimName]
    return volume.ephemeral ? [`${pod.metadata?.name}-${volume.name}`] : []
  })
}

/** The pods that want a claim and have not ended: those with a node, and those without. */
export function consumersOf(api: Api, claim: ClaimObject): { placed: PodObject[]; waiting: PodObject[] } {
  const placed: PodObject[] = []
  const waiting: PodObject[] = []
  for (const pod of api.list<PodObject>('pods', { namespace: claim.metadata?.namespace })) {
    if (isTerminal(pod) || pod.metadata?.deletionTimestamp || !claimsOf(pod).includes(claim.metadata?.name ?? '')) continue
    ;(pod.spec?.nodeName ? placed : waiting).push(pod)
  }
  return { placed, waiting }
}

/** The node of the first pod that wants the claim and has one. */
export function consumingNode(api: Api, claim: ClaimObject): (Node & KubeObject) | undefined {
  const [pod] = consumersOf(api, claim).placed
  return pod && api.find<Node & KubeObject>('nodes', undefined, pod.spec?.nodeName ?? '')
}
