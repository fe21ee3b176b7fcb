import type { ReplicaSet } from 'kubernetes-types/apps/v1'
import type { Pod, PodTemplateSpec } from 'kubernetes-types/core/v1'
import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { Api } from '../apiserver/api.ts'
import type { KubeObject, OwnerReference } from '../kubernetes.ts'
import { matchesSelector } from '../resources/selectors.ts'
import { controllerOf } from './controller.ts'

export type PodObject = Pod & KubeObject
export type ReplicaSetObject = ReplicaSet & KubeObject

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
}

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

/** Neither ended nor being deleted: what a controller counts. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && !pod.metadata?.deletionTimestamp
}

/** When a pod became ready, ms since the epoch; undefined while it is not. */
export function readySince(pod: Pod): number | undefined {
  const condition = pod.status?.conditions?.find(({ type }) => type === 'Ready')
  return condition?.status === 'True' && condition.lastTransitionTime ? Date.parse(condition.lastTransitionTime) : undefined
}

/** When a pod counts as available, ms since the epoch (it may lie ahead); undefined while it is not ready. */
export function availableFrom(pod: Pod, minReadySeconds: number): number | undefined {
  const since = readySince(pod)
  return since === undefined ? undefined : minReadySeconds === 0 ? 0 : since + minReadySeconds * 1000
}

/** A new pod of a template, as every workload controller makes one. Name or generateName is the caller's. */
export function podFromTemplate(
  template: PodTemplateSpec,
  namespace: string,
  owner: OwnerReference,
  labels: Record<string, string> = {},
): PodObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace,
      labels: { ...template.metadata?.labels, ...labels },
      ...(template.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
      ...(template.metadata?.finalizers ? { finalizers: template.metadata.finalizers } : {}),
      ownerReferences: [owner],
    },
    spec: template.spec,
  }
}

/**
 * The objects that an owner controls, after taking in orphans that its selector matches and letting go of those that it no longer matches
 * (upstream's ControllerRefManager).
 */
export function claim<T extends KubeObject>(
  api: Api,
  resource: string,
  namespace: string,
  owner: KubeObject,
  reference: OwnerReference,
  selector: LabelSelector | undefined,
): T[] {
  const claimed: T[] = []
  // A patch, because the roles of some controllers have no update of pods.
  const own = ({ metadata }: T, ownerReferences: OwnerReference[]) =>
    api.patch<T>(resource, namespace, metadata?.name ?? '', { metadata: { uid: metadata?.uid, ownerReferences } }, { type: 'merge' })
  for (const object of api.list<T>(resource, { namespace })) {
    const controller = controllerOf(object)
    const matches = matchesSelector(selector, object.metadata?.labels)
    if (controller?.uid === reference.uid) {
      if (matches) claimed.push(object)
      else if (!owner.metadata?.deletionTimestamp) {
        const others = object.metadata?.ownerReferences?.filter(({ uid }) => uid !== reference.uid) ?? []
        own(object, others)
      }
    } else if (!controller && matches && !owner.metadata?.deletionTimestamp && !object.metadata?.deletionTimestamp) {
      const owners = [...(object.metadata?.ownerReferences ?? []), reference]
      claimed.push(own(object, owners))
    }
  }
  return claimed
}

/**
 * Which of the pods to delete first, upstream's ActivePodsWithRanks: unassigned, pending, unready, cheaper, crowded, younger ready,
 * more restarts, younger.
 */
export function deletionOrder(pods: readonly PodObject[]): PodObject[] {
  const onNode = new Map<string, number>()
  for (const pod of pods) if (pod.spec?.nodeName) onNode.set(pod.spec.nodeName, (onNode.get(pod.spec.nodeName) ?? 0) + 1)
  const phases: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }
  const restarts = (pod: Pod) => Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount))
  const cost = (pod: Pod) => Number(pod.metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0)
  const rank = (pod: PodObject): number[] => [
    pod.spec?.nodeName ? 1 : 0,
    phases[pod.status?.phase ?? 'Pending'] ?? 0,
    isReady(pod) ? 1 : 0,
    cost(pod),
    -(onNode.get(pod.spec?.nodeName ?? '') ?? 0),
    -(readySince(pod) ?? 0),
    -restarts(pod),
    -Date.parse(pod.metadata?.creationTimestamp ?? ''),
  ]
  return pods
    .map((pod) => ({ pod, rank: rank(pod) }))
    .sort((a, b) => {
      for (const [index, value] of a.rank.entries()) {
        const difference = value - (b.rank[index] ?? 0)
        if (difference !== 0) return difference
      }
      return 0
    })
    .map(({ pod }) => pod)
}
