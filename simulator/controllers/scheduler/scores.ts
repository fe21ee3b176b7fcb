import { quantityNumber } from '../../resources/quantity.ts'
import { matchesSelector } from '../../resources/selectors.ts'
import { controllerOf } from '../controller.ts'
import { termMatches, tolerates } from '../placement.ts'
import type { PodObject } from '../pods.ts'
import { type NodeView, requests } from './filters.ts'

/**
 * How well a node suits a pod; more is better. The plugins that decide in a training cluster, with upstream's weights:
 * spread over nodes (2), least allocated resources (1), preferred node affinity (2), preferred taints (3).
 */
export function score(pod: PodObject, view: NodeView, all: readonly NodeView[]): number {
  return 2 * spread(pod, view, all) + leastAllocated(pod, view) + 2 * preferredAffinity(pod, view) + 3 * preferredTaints(pod, view)
}

/** 100 for the node with the fewest siblings (pods of the same controller or matching preferred spread constraints). */
function spread(pod: PodObject, view: NodeView, all: readonly NodeView[]): number {
  const owner = controllerOf(pod)?.uid
  const soft = pod.spec?.topologySpreadConstraints?.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway') ?? []
  const anti = pod.spec?.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const siblings = ({ pods }: NodeView) =>
    pods.filter(
      (other) =>
        !other.metadata?.deletionTimestamp &&
        other.metadata?.namespace === pod.metadata?.namespace &&
        ((owner !== undefined && controllerOf(other)?.uid === owner) ||
          soft.some(({ labelSelector }) => matchesSelector(labelSelector, other.metadata?.labels)) ||
          anti.some(({ podAffinityTerm }) => matchesSelector(podAffinityTerm.labelSelector, other.metadata?.labels))),
    ).length
  const most = Math.max(...all.map(siblings))
  return most === 0 ? 100 : (100 * (most - siblings(view))) / most
}

function leastAllocated(pod: PodObject, { node, pods }: NodeView): number {
  let total = 0
  // Pods without requests count as upstream's defaults, so that they too are spread.
  const defaults: Record<string, number> = { cpu: 0.1, memory: 200 * 1024 * 1024 }
  for (const resource of ['cpu', 'memory']) {
    const capacity = quantityNumber(node.status?.allocatable?.[resource] ?? '0')
    if (capacity === 0) continue
    const used = [...pods, pod].reduce((sum, other) => sum + (requests(other).get(resource) || (defaults[resource] ?? 0)), 0)
    total += Math.max(0, (100 * (capacity - used)) / capacity)
  }
  return total / 2
}

function preferredAffinity(pod: PodObject, { node }: NodeView): number {
  const preferences = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const all = preferences.reduce((sum, { weight }) => sum + weight, 0)
  if (all === 0) return 0
  return (100 * preferences.reduce((sum, { weight, preference }) => sum + (termMatches(preference, node) ? weight : 0), 0)) / all
}

function preferredTaints(pod: PodObject, { node }: NodeView): number {
  const disliked = node.spec?.taints?.filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint)),
  ).length
  return disliked ? 0 : 100
}
