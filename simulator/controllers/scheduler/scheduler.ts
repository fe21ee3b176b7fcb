import { StatusError } from '../../apiserver/api.ts'
import { sameJson } from '../../json.ts'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import { type Controller, keyOf, recorderOf, splitKey, workQueue } from '../controller.ts'
import { claimsProblem, volumesConflict } from '../persistentvolume/scheduling.ts'
import type { NodeObject } from '../placement.ts'
import { isTerminal, type PodObject } from '../pods.ts'
import { type NodeView, type Refusal, refusalOf } from './filters.ts'
import { countReasons, noPreemption, unplaceable } from './messages.ts'
import { type BudgetObject, ineligible, preempt, priorityOf } from './preemption.ts'
import { score } from './scores.ts'

const schedulerName = 'default-scheduler'

/** Assigns pods to nodes. Follows kube-scheduler's default plugins, as far as filters.ts, scores.ts and preemption.ts go. */
export const scheduler: Controller = {
  name: 'kube-scheduler',
  start(world) {
    const { api, clock, random } = world
    const events = recorderOf(world, schedulerName)
    const queue = workQueue('scheduler', clock, schedule)
    const unschedulable = new Set<string>()
    const retry = () => {
      if (unschedulable.size === 0) return
      const priority = (key: string) => {
        const pod = api.find<PodObject>('pods', ...splitKey(key))
        return pod ? priorityOf(pod) : 0
      }
      const keys = unschedulable.size === 1 ? unschedulable : [...unschedulable].sort((a, b) => priority(b) - priority(a))
      for (const key of [...keys]) queue.add(key)
      unschedulable.clear()
    }
    const around = {
      namespaceLabels: (name: string) => api.find<KubeObject>('namespaces', undefined, name)?.metadata?.labels,
    }

    api.watch<PodObject>(
      'pods',
      ({ type, object, previous }) => {
        if (isWaiting(object) && type !== 'DELETED') {
          // A new status of a pod that waits is the scheduler's own doing.
          if (type === 'ADDED' || !sameJson(object.spec, previous?.spec) || !sameJson(object.metadata?.labels, previous?.metadata?.labels))
            queue.add(keyOf(object))
        } else if (type === 'DELETED' || isTerminal(object)) retry()
      },
      { initial: world.fresh },
    )
    if (!world.fresh) for (const pod of api.list<PodObject>('pods')) if (isWaiting(pod)) unschedulable.add(keyOf(pod))
    api.watch<NodeObject>('nodes', ({ type, object, previous }) => {
      const same =
        type === 'MODIFIED' &&
        sameJson(object.spec, previous?.spec) &&
        sameJson(object.metadata?.labels, previous?.metadata?.labels) &&
        sameJson(object.status?.allocatable, previous?.status?.allocatable)
      if (!same) retry()
    })

    // A claim that was bound, or a volume that appeared, may be what a pod waits for.
    for (const resource of ['persistentvolumeclaims', 'persistentvolumes', 'storageclasses.storage.k8s.io']) api.watch(resource, retry)

    function schedule(key: string): void {
      const [namespace, name] = splitKey(key)
      const pod = api.find<PodObject>('pods', namespace, name)
      if (!pod || !isWaiting(pod)) return
      const views = nodeViews(pod)
      // What is wrong with a claim is wrong on every node.
      const claims = claimsProblem(api, pod)
      if (claims !== undefined)
        return refuse(
          pod,
          unplaceable(
            views.length,
            claims,
            `0/${views.length} nodes are available: ${views.length} Preemption is not helpful for scheduling.`,
          ),
        )
      const problem = (view: NodeView, all: readonly NodeView[]) => {
        const refusal = refusalOf(pod, view, all, around)
        if (refusal) return refusal
        const conflict = volumesConflict(api, pod, view.node)
        return conflict === undefined ? undefined : { reasons: [conflict], resolvable: false }
      }
      const nominated = views.find(({ node }) => node.metadata?.name === pod.status?.nominatedNodeName)
      const problems = new Map(views.map((view) => [view, problem(view, views)]))
      const all = views.filter((view) => problems.get(view) === undefined)
      if (all.length === 0)
        return makeRoom(
          pod,
          views,
          problems,
          nominated,
          (changed, view) =>
            problem(
              changed,
              views.map((one) => (one === view ? changed : one)),
            )?.reasons ?? [],
        )
      // The node on which room was made for it comes first.
      const feasible = nominated && all.includes(nominated) ? [nominated] : all
      const scored = feasible.map((view) => ({ view, score: score(pod, view, views) }))
      const best = Math.max(...scored.map((entry) => entry.score))
      const top = scored.filter((entry) => entry.score === best)
      const chosen = top[random.below(top.length)]?.view.node.metadata?.name ?? ''
      api.bind(namespace, name, chosen)
      events.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${chosen}`)
    }

    /** No node will do as it is: makes pods of lower priority go where that helps, and says so. */
    function makeRoom(
      pod: PodObject,
      views: readonly NodeView[],
      problems: ReadonlyMap<NodeView, Refusal | undefined>,
      nominated: NodeView | undefined,
      fits: (changed: NodeView, view: NodeView) => readonly string[],
    ): void {
      const why = countReasons([...problems.values()].flatMap((one) => one?.reasons ?? []))
      const barred = ineligible(pod, nominated)
      if (barred !== undefined) return refuse(pod, unplaceable(views.length, why, barred))
      const helpful = views.filter((view) => problems.get(view)?.resolvable)
      const budgets = api.list<BudgetObject>('poddisruptionbudgets.policy')
      const found = preempt(pod, helpful, budgets, (changed) => {
        const view = helpful.find(({ node }) => node === changed.node) as NodeView
        return fits(changed, view)
      })
      if (!found.candidate) {
        return refuse(pod, unplaceable(views.length, why, noPreemption(views.length, views.length - helpful.length, found.reasons)))
      }
      for (const victim of found.candidate.victims) evict(victim, pod, found.candidate.node)
      refuse(pod, unplaceable(views.length, why, undefined), found.candidate.node)
    }

    function evict(victim: PodObject, preemptor: PodObject, node: string): void {
      const { namespace, name = '' } = victim.metadata ?? {}
      try {
        const newest = api.find<PodObject>('pods', namespace, name)
        if (!newest || newest.metadata?.uid !== victim.metadata?.uid || newest.metadata?.deletionTimestamp) return
        const target = {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'PreemptionByScheduler',
          message: `${schedulerName}: preempting to accommodate a higher priority pod`,
          lastProbeTime: null as unknown as string,
          lastTransitionTime: timestamp(clock.now()),
        }
        const conditions = [...(newest.status?.conditions ?? []).filter(({ type }) => type !== target.type), target]
        api.updateStatus('pods', { ...newest, status: { ...newest.status, conditions } })
        api.delete('pods', namespace, name)
        events.record(victim, 'Normal', 'Preempted', `Preempted by pod ${preemptor.metadata?.uid} on node ${node}`)
      } catch (error) {
        // Gone meanwhile: that is as good.
        if (!(error instanceof StatusError) || error.reason !== 'NotFound') throw error
      }
    }

    /** Nodes with their pods; those that room was made for count as there already for pods that are no more important. */
    function nodeViews(pending: PodObject): NodeView[] {
      const byNode = new Map<string, PodObject[]>()
      for (const pod of api.list<PodObject>('pods')) {
        const promised = isWaiting(pod) && pod.metadata?.uid !== pending.metadata?.uid && priorityOf(pod) >= priorityOf(pending)
        const node = pod.spec?.nodeName || (promised ? pod.status?.nominatedNodeName : undefined)
        if (!node) continue
        const pods = byNode.get(node)
        if (pods) pods.push(pod)
        else byNode.set(node, [pod])
      }
      return api.list<NodeObject>('nodes').map((node) => ({ node, pods: byNode.get(node.metadata?.name ?? '') ?? [] }))
    }

    function refuse(pod: PodObject, message: string, nominatedNodeName?: string): void {
      unschedulable.add(keyOf(pod))
      events.record(pod, 'Warning', 'FailedScheduling', message)
      const old = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
      if (old?.message === message && nominatedNodeName === undefined) return
      const condition = {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message,
        lastProbeTime: null as unknown as string,
        lastTransitionTime: old?.status === 'False' ? old.lastTransitionTime : timestamp(clock.now()),
      }
      const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled'), condition]
      try {
        api.updateStatus('pods', { ...pod, status: { ...pod.status, conditions, ...(nominatedNodeName ? { nominatedNodeName } : {}) } })
      } catch (error) {
        if (!(error instanceof StatusError) || error.reason !== 'NotFound') throw error
      }
    }
  },
}

function isWaiting(pod: PodObject): boolean {
  return (
    !pod.spec?.nodeName &&
    !pod.metadata?.deletionTimestamp &&
    (pod.spec?.schedulerName ?? schedulerName) === schedulerName &&
    !pod.spec?.schedulingGates?.length &&
    !isTerminal(pod)
  )
}
