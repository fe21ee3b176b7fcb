import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from 'kubernetes-types/policy/v1'
import type { Api } from '../apiserver/api.ts'
import { type KubeObject, timestamp } from '../kubernetes.ts'
import { matchesSelector } from '../resources/selectors.ts'
import {
  type Controller,
  type ControllerWorld,
  controllerOf,
  keyOf,
  recorderOf,
  splitKey,
  unhandled,
  workQueue,
  writeStatus,
} from './controller.ts'
import { scaled } from './deployment/replicas.ts'
import { isReady, type PodObject } from './pods.ts'

export type BudgetObject = PodDisruptionBudget & KubeObject

/** How long an eviction that was granted is waited for. */
const evictionTimeoutMs = 120_000

/** What stands behind the pods of a budget. */
export interface Expectation {
  /** How many pods there should be. */
  readonly expected: number
  /** How many of them must stay healthy. */
  readonly desired: number
}

/**
 * `replicas` is the sum over the controllers of the pods; for a budget with a plain number as minAvailable it does not matter.
 * An absent minAvailable and maxUnavailable ask for nothing.
 */
export function expectation(budget: PodDisruptionBudget, pods: number, replicas: number): Expectation {
  const { minAvailable, maxUnavailable } = budget.spec ?? {}
  if (maxUnavailable !== undefined) {
    return { expected: replicas, desired: Math.max(0, replicas - scaled(maxUnavailable, replicas, 'up')) }
  }
  if (typeof minAvailable === 'string') return { expected: replicas, desired: scaled(minAvailable, replicas, 'up') }
  return { expected: pods, desired: minAvailable ?? 0 }
}

/** Whether the number of pods that there should be comes from their controllers. */
export function needsReplicas(budget: PodDisruptionBudget): boolean {
  return budget.spec?.maxUnavailable !== undefined || typeof budget.spec?.minAvailable === 'string'
}

/** The evictions that were granted and whose pods are still there, and those that came to nothing. `now` is ms since the epoch. */
export function pendingEvictions(
  disrupted: Readonly<Record<string, unknown>> | undefined,
  pods: readonly PodObject[],
  now: number,
): { pending: Record<string, string>; overdue: PodObject[]; recheckAt: number | undefined } {
  const pending: Record<string, string> = {}
  const overdue: PodObject[] = []
  let recheckAt: number | undefined
  for (const pod of pods) {
    const name = pod.metadata?.name ?? ''
    const since = disrupted?.[name] as string | undefined
    if (since === undefined || pod.metadata?.deletionTimestamp) continue
    const until = Date.parse(since) + evictionTimeoutMs
    if (until < now) overdue.push(pod)
    else {
      pending[name] = since
      recheckAt = Math.min(recheckAt ?? until, until)
    }
  }
  return { pending, overdue, recheckAt: recheckAt === undefined ? undefined : recheckAt + 1 }
}

/** The status without its conditions. */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly PodObject[],
  { expected, desired }: Expectation,
  pending: Record<string, string>,
): PodDisruptionBudgetStatus {
  const healthy = pods.filter((pod) => {
    const { name = '', deletionTimestamp } = pod.metadata ?? {}
    return isReady(pod) && !deletionTimestamp && pending[name] === undefined
  }).length
  return {
    currentHealthy: healthy,
    desiredHealthy: desired,
    disruptionsAllowed: expected <= 0 ? 0 : Math.max(0, healthy - desired),
    ...(Object.keys(pending).length ? { disruptedPods: pending as never } : {}),
    expectedPods: expected,
    observedGeneration: budget.metadata?.generation ?? 0,
  }
}

/** Says how many pods of a budget may be evicted. Follows upstream's pkg/controller/disruption. */
export const disruptionController: Controller = {
  name: 'disruption-controller',
  start(world) {
    const { api, clock } = world
    const events = recorderOf(world, 'controllermanager')
    const queue = workQueue('disruption', clock, reconcile, {
      retrying: unhandled(world, 'disruption.go:636', (key, why) => `Error syncing PodDisruptionBudget ${key}, requeuing: ${why}`),
    })
    api.watch<BudgetObject>('poddisruptionbudgets.policy', ({ type, object }) => type !== 'DELETED' && queue.add(keyOf(object)), {
      initial: world.fresh,
    })
    api.watch<PodObject>('pods', ({ object, previous }) => {
      for (const budget of api.list<BudgetObject>('poddisruptionbudgets.policy', { namespace: object.metadata?.namespace })) {
        const selector = budget.spec?.selector
        if (matchesSelector(selector, object.metadata?.labels) || (previous && matchesSelector(selector, previous.metadata?.labels))) {
          queue.add(keyOf(budget))
        }
      }
    })
    for (const resource of ['deployments.apps', 'replicasets.apps', 'statefulsets.apps']) {
      api.watch(resource, ({ object, previous }) => {
        // Only what was asked for matters here; what became of it shows in the pods.
        if (object.metadata?.generation === previous?.metadata?.generation) return
        for (const budget of api.list<BudgetObject>('poddisruptionbudgets.policy', { namespace: object.metadata?.namespace })) {
          queue.add(keyOf(budget))
        }
      })
    }

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const budget = api.find<BudgetObject>('poddisruptionbudgets.policy', namespace, name)
      if (!budget) return
      const pods = api.list<PodObject>('pods', { namespace }).filter((pod) => matchesSelector(budget.spec?.selector, pod.metadata?.labels))
      if (pods.length === 0) events.record(budget, 'Normal', 'NoPods', 'No matching pods found')
      let replicas = 0
      if (needsReplicas(budget)) {
        const found = replicasBehind(world, pods)
        if (found.unmanaged.length > 0) {
          events.record(budget, 'Warning', 'UnmanagedPods', unmanagedSentence(budget))
        }
        if (found.error) return failed(budget, found.error)
        replicas = found.replicas
      }
      const { pending, overdue, recheckAt } = pendingEvictions(budget.status?.disruptedPods, pods, clock.now())
      for (const pod of overdue) {
        const sentence = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`
        events.record(pod, 'Warning', 'NotDeleted', sentence)
      }
      if (recheckAt !== undefined) queue.addAt(key, recheckAt)
      const status = budgetStatus(budget, pods, expectation(budget, pods.length, replicas), pending)
      const sufficient = status.disruptionsAllowed > 0
      write(budget, status, sufficient ? 'True' : 'False', sufficient ? 'SufficientPods' : 'InsufficientPods', '')
    }

    /** Where it is not known what may be disrupted, nothing may. */
    function failed(budget: BudgetObject, message: string): void {
      events.record(budget, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${message}`)
      const { observedGeneration: _old, ...status } = budget.status ?? { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }
      write(
        budget,
        { ...status, disruptionsAllowed: 0, observedGeneration: budget.metadata?.generation ?? 0 },
        'False',
        'SyncFailed',
        message,
      )
    }

    function write(budget: BudgetObject, status: PodDisruptionBudgetStatus, value: string, reason: string, message: string): void {
      const before = budget.status?.conditions?.find(({ type }) => type === 'DisruptionAllowed')
      const condition = {
        type: 'DisruptionAllowed',
        status: value,
        observedGeneration: budget.metadata?.generation ?? 0,
        lastTransitionTime: before?.status === value ? before.lastTransitionTime : (timestamp(clock.now()) as never),
        reason,
        message,
      }
      const others = budget.status?.conditions?.filter((one) => one !== before) ?? []
      writeStatus(api, 'poddisruptionbudgets.policy', budget, { ...status, conditions: [...others, condition] })
    }
  },
}

/** The replicas that the controllers of the pods want, each controller once; a ReplicaSet of a Deployment speaks for the Deployment. */
function replicasBehind(
  { api }: ControllerWorld,
  pods: readonly PodObject[],
): { replicas: number; unmanaged: PodObject[]; error?: string } {
  const counted = new Map<string, number>()
  const unmanaged: PodObject[] = []
  for (const pod of pods) {
    let owner = controllerOf(pod)
    if (!owner) {
      unmanaged.push(pod)
      continue
    }
    if (counted.has(owner.uid)) continue
    const seen = owner.uid
    const namespace = pod.metadata?.namespace
    let object = findOwner(api, namespace, owner)
    const above = owner.kind === 'ReplicaSet' && object ? controllerOf(object) : undefined
    if (above?.kind === 'Deployment') {
      owner = above
      object = findOwner(api, namespace, above)
    }
    if (!scalable.has(owner.kind)) {
      const resource = api.served().find(({ kind, apiVersion }) => kind === owner!.kind && apiVersion === owner!.apiVersion)?.name
      return { replicas: 0, unmanaged, error: `${resource ?? owner.kind} does not implement the scale subresource` }
    }
    counted.set(seen, 0)
    // A controller that is gone wants nothing.
    if (object) counted.set(owner.uid, (object as { spec?: { replicas?: number } }).spec?.replicas ?? 1)
  }
  let replicas = 0
  for (const count of counted.values()) replicas += count
  return { replicas, unmanaged }
}

const scalable = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController'])

function findOwner(
  api: Api,
  namespace: string | undefined,
  owner: { kind: string; apiVersion: string; name: string; uid: string },
): KubeObject | undefined {
  const resource = api.served().find(({ kind, apiVersion }) => kind === owner.kind && apiVersion === owner.apiVersion)
  if (!resource) return undefined
  const object = api.find(resource.name, namespace, owner.name)
  return object?.metadata?.uid === owner.uid ? object : undefined
}

function unmanagedSentence({ spec }: BudgetObject): string {
  const labels = Object.entries(spec?.selector?.matchLabels ?? {})
    .map(([key, value]) => `${key}: ${value},`)
    .sort()
    .join('')
  const expressions = (spec?.selector?.matchExpressions ?? [])
    .map(({ key, operator, values }) => `{${key} ${operator} [${(values ?? []).join(' ')}]}`)
    .join(' ')
  const selector = `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`
  return `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`
}
