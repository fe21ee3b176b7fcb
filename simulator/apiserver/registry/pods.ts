import type { Pod } from 'kubernetes-types/core/v1'
import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import type { DeleteOptions } from '../api.ts'
import { badRequest, conflict, forbidden, internalError, tooManyRequests } from '../status.ts'
import type { Deleted } from './deletion.ts'
import type { Registry } from './registry.ts'
import type { RequestContext } from './world.ts'
import { written } from './writes.ts'

/** The binding subresource: sets `spec.nodeName` and the PodScheduled condition, once (pod storage's setPodHostAndAnnotations). */
export function bindPod(registry: Registry, namespace: string, name: string, node: string, who: RequestContext): void {
  const definition = registry.definitions.named('pods')
  const pod = registry.get(definition, namespace, name) as Pod & KubeObject
  const subject = { group: '', resource: 'pods/binding', name }
  if (pod.metadata?.deletionTimestamp) throw conflict(subject, `pod ${name} is being deleted, cannot be assigned to a host`)
  if (pod.spec?.nodeName) throw conflict(subject, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`)
  if (!node) throw badRequest('Binding: target.name: Required value')
  if (pod.spec?.schedulingGates?.length) throw conflict(subject, `pod ${name} has non-empty .spec.schedulingGates`)
  const others = pod.status?.conditions?.filter((condition) => condition.type !== 'PodScheduled') ?? []
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null as never,
    lastTransitionTime: timestamp(registry.world.clock.now()),
  }
  const bound = { ...pod, spec: { ...pod.spec!, nodeName: node }, status: { ...pod.status, conditions: [...others, scheduled] } }
  if (who.dryRun) return
  const metadata = { ...pod.metadata, generation: (pod.metadata?.generation ?? 1) + 1 }
  written(registry.world.store, 'pods', { ...bound, metadata })
}

/** The eviction subresource (policy/v1): a delete that asks the pod's disruption budget first. */
export function evictPod(registry: Registry, namespace: string, name: string, options: DeleteOptions, who: RequestContext): Deleted {
  const definition = registry.definitions.named('pods')
  const pod = registry.get(definition, namespace, name) as Pod & KubeObject
  const phase = pod.status?.phase
  // Pods that no longer run, or never did, disturb nobody.
  if (phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || pod.metadata?.deletionTimestamp) {
    return registry.delete(definition, namespace, name, options, who)
  }
  const budgetDefinition = registry.definitions.find('poddisruptionbudgets.policy')
  const budgets = budgetDefinition
    ? (registry.world.store.list('poddisruptionbudgets.policy', namespace) as readonly (PodDisruptionBudget & KubeObject)[]).filter(
        (budget) => selects(budget.spec?.selector, pod.metadata?.labels ?? {}),
      )
    : []
  if (budgets.length > 1)
    throw internalError('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.')
  const budget = budgets[0]
  if (budget && budgetDefinition) takeDisruption(registry, budget, pod, who)
  const target = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastProbeTime: null as never,
    lastTransitionTime: timestamp(registry.world.clock.now()),
  }
  const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== target.type), target]
  const { resourceVersion: _, ...metadata } = pod.metadata ?? {}
  registry.update(definition, { ...pod, metadata, status: { ...pod.status, conditions } }, who, 'status')
  return registry.delete(definition, namespace, name, options, who)
}

function takeDisruption(registry: Registry, budget: PodDisruptionBudget & KubeObject, pod: Pod & KubeObject, who: RequestContext): void {
  const status = budget.status
  const name = budget.metadata?.name ?? ''
  const ready = pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')
  if (
    !ready &&
    (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow' ||
      (status && status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0))
  )
    return
  const refuse = (message: string) =>
    tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", [{ reason: 'DisruptionBudget', message }])
  if ((status?.observedGeneration ?? 0) < (budget.metadata?.generation ?? 0))
    throw refuse(`The disruption budget ${name} is still being processed by the server.`)
  if (!status || status.disruptionsAllowed < 0)
    throw forbidden({ group: 'policy', resource: 'poddisruptionbudgets', name }, 'pdb disruptions allowed is negative')
  if (status.disruptionsAllowed === 0) {
    throw refuse(`The disruption budget ${name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`)
  }
  const disruptedPods = { ...status.disruptedPods, [pod.metadata!.name!]: timestamp(registry.world.clock.now()) }
  const definition = registry.definitions.named('poddisruptionbudgets.policy')
  const next = { ...budget, status: { ...status, disruptionsAllowed: status.disruptionsAllowed - 1, disruptedPods } }
  registry.update(definition, next, who, 'status')
}

/** An empty selector selects every pod, an absent one none. */
function selects(selector: LabelSelector | undefined, labels: Record<string, string>): boolean {
  if (!selector) return false
  if (Object.entries(selector.matchLabels ?? {}).some(([key, value]) => labels[key] !== value)) return false
  return (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
    const value = labels[key]
    if (operator === 'Exists') return value !== undefined
    if (operator === 'DoesNotExist') return value === undefined
    const within = value !== undefined && (values ?? []).includes(value)
    return operator === 'In' ? within : !within
  })
}
