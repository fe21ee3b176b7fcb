import { StatusError } from '../../apiserver/api.ts'
import { sameJson } from '../../json.ts'
import { timestamp } from '../../kubernetes.ts'
import { type Controller, keyOf, recorderOf, splitKey, workQueue } from '../controller.ts'
import { claimsProblem, volumesConflict } from '../persistentvolume/scheduling.ts'
import type { NodeObject } from '../placement.ts'
import { isTerminal, type PodObject } from '../pods.ts'
import { filters, type NodeView, removalCouldHelp } from './filters.ts'
import { score } from './scores.ts'

const schedulerName = 'default-scheduler'

/** Assigns pods to nodes. Follows kube-scheduler's default plugins, as far as filters.ts and scores.ts go; preemption is not modelled. */
export const scheduler: Controller = {
  name: 'kube-scheduler',
  start(world) {
    const { api, clock, random } = world
    const events = recorderOf(world, schedulerName)
    const queue = workQueue('scheduler', clock, schedule)
    const unschedulable = new Set<string>()
    const retry = () => {
      for (const key of unschedulable) queue.add(key)
      unschedulable.clear()
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
      const views = nodeViews()
      // What is wrong with a claim is wrong on every node.
      const claims = claimsProblem(api, pod)
      if (claims !== undefined)
        return refuse(pod, unplaceable(views.length, claims, `${views.length} Preemption is not helpful for scheduling`))
      const reasons = new Map<string, number>()
      let helpless = 0
      const feasible = views.filter((view) => {
        for (const filter of filters) {
          const why = filter(pod, view, views)
          if (why.length === 0) continue
          for (const reason of why) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
          if (!removalCouldHelp(pod, view, filter)) helpless++
          return false
        }
        const conflict = volumesConflict(api, pod, view.node)
        if (conflict === undefined) return true
        reasons.set(conflict, (reasons.get(conflict) ?? 0) + 1)
        helpless++
        return false
      })
      if (feasible.length === 0) return refuse(pod, refusal(views.length, reasons, helpless))
      const scored = feasible.map((view) => ({ view, score: score(pod, view, views) }))
      const best = Math.max(...scored.map((entry) => entry.score))
      const top = scored.filter((entry) => entry.score === best)
      const chosen = top[random.below(top.length)]?.view.node.metadata?.name ?? ''
      api.bind(namespace, name, chosen)
      events.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${chosen}`)
    }

    function nodeViews(): NodeView[] {
      const byNode = new Map<string, PodObject[]>()
      for (const pod of api.list<PodObject>('pods')) {
        const node = pod.spec?.nodeName
        if (!node) continue
        const pods = byNode.get(node)
        if (pods) pods.push(pod)
        else byNode.set(node, [pod])
      }
      return api.list<NodeObject>('nodes').map((node) => ({ node, pods: byNode.get(node.metadata?.name ?? '') ?? [] }))
    }

    function refuse(pod: PodObject, message: string): void {
      unschedulable.add(keyOf(pod))
      events.record(pod, 'Warning', 'FailedScheduling', message)
      const old = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
      if (old?.message === message) return
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
        api.updateStatus('pods', { ...pod, status: { ...pod.status, conditions } })
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

/**
 * `0/3 nodes are available: …`, as upstream's FitError with the sentence of preemption. Pods of a lower priority are not looked for, so
 * where removing pods could help, there is nobody to remove.
 */
function refusal(nodes: number, reasons: Map<string, number>, helpless: number): string {
  if (nodes === 0) return 'no nodes available to schedule pods'
  const list = (counts: Iterable<[string, number]>) =>
    [...counts]
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${count} ${reason}`)
      .sort()
      .join(', ')
  const preemption = list([
    ['Preemption is not helpful for scheduling', helpless],
    ['No preemption victims found for incoming pod', nodes - helpless],
  ])
  return unplaceable(nodes, list(reasons), preemption)
}

function unplaceable(nodes: number, why: string, preemption: string): string {
  return `0/${nodes} nodes are available: ${why}. no new claims to deallocate, preemption: 0/${nodes} nodes are available: ${preemption}.`
}
