import type { Lease } from 'kubernetes-types/coordination/v1'
import type { NodeCondition, Taint } from 'kubernetes-types/core/v1'
import { sameJson } from '../json.ts'
import { type KubeObject, timestamp } from '../kubernetes.ts'
import { type Controller, keyOf, recorderOf, splitKey, workQueue } from './controller.ts'
import { type NodeObject, tolerates } from './placement.ts'
import type { PodObject } from './pods.ts'

/** How often a kubelet renews its lease, and how long it may be silent (--node-monitor-grace-period since 1.32). */
const beatMs = 10_000
const graceMs = 50_000

const notReady = 'node.kubernetes.io/not-ready'
const unreachable = 'node.kubernetes.io/unreachable'

/** A node condition and the taint that stands for it. */
const conditionTaints: readonly { type: string; status: string; key: string; effects: readonly string[] }[] = [
  { type: 'Ready', status: 'False', key: notReady, effects: ['NoSchedule', 'NoExecute'] },
  { type: 'Ready', status: 'Unknown', key: unreachable, effects: ['NoSchedule', 'NoExecute'] },
  { type: 'MemoryPressure', status: 'True', key: 'node.kubernetes.io/memory-pressure', effects: ['NoSchedule'] },
  { type: 'DiskPressure', status: 'True', key: 'node.kubernetes.io/disk-pressure', effects: ['NoSchedule'] },
  { type: 'PIDPressure', status: 'True', key: 'node.kubernetes.io/pid-pressure', effects: ['NoSchedule'] },
  { type: 'NetworkUnavailable', status: 'True', key: 'node.kubernetes.io/network-unavailable', effects: ['NoSchedule'] },
]
const ownKeys = new Set([...conditionTaints.map(({ key }) => key), 'node.kubernetes.io/unschedulable'])

/** Turns node conditions into taints, and marks the pods of a node that is not ready. Follows pkg/controller/nodelifecycle. */
export const nodeLifecycleController: Controller = {
  name: 'node-lifecycle-controller',
  start(world) {
    const { api, clock } = world
    const events = recorderOf(world, 'node-controller')
    const queue = workQueue('node-lifecycle', clock, reconcile)
    const monitor = clock.timers('controller/node-monitor', judge)
    // Instead of looking at every lease each five seconds: told when one ceases, and once at the start. A restore brings the timers back.
    world.heartbeats?.ceased(expect)
    if (world.heartbeats && world.fresh) {
      world.heartbeats.renew()
      for (const node of api.list<NodeObject>('nodes')) if (clock.now() - lastBeat(node) > beatMs) expect(node.metadata?.name ?? '')
    }
    api.watch<NodeObject>(
      'nodes',
      ({ type, object }) => {
        if (type === 'ADDED' && world.fresh) {
          events.record(
            object,
            'Normal',
            'RegisteredNode',
            `Node ${object.metadata?.name} event: Registered Node ${object.metadata?.name} in Controller`,
          )
        }
        if (type !== 'DELETED') queue.add(object.metadata?.name ?? '')
      },
      { initial: world.fresh },
    )

    function reconcile(name: string): void {
      const node = api.find<NodeObject>('nodes', undefined, name)
      if (!node) return
      const wanted = wantedTaints(node)
      const current = node.spec?.taints ?? []
      const others = current.filter(({ key }) => !ownKeys.has(key))
      const kept = wanted.map((taint) => {
        const same = current.find(({ key, effect }) => key === taint.key && effect === taint.effect)
        return same ?? (taint.effect === 'NoExecute' ? { ...taint, timeAdded: timestamp(clock.now()) } : taint)
      })
      const taints = [...others, ...kept]
      if (!sameJson(taints, current)) api.update('nodes', { ...node, spec: { ...node.spec, taints: taints.length ? taints : undefined } })
    }

    /** When the node's kubelet last renewed its lease, ms since the epoch; a node without one counts from its creation. */
    function lastBeat({ metadata }: NodeObject): number {
      const lease = api.find<Lease & KubeObject>('leases.coordination.k8s.io', 'kube-node-lease', metadata?.name ?? '')
      return Date.parse((lease?.spec?.renewTime as string | undefined) ?? (metadata?.creationTimestamp as string | undefined) ?? '')
    }

    function expect(name: string): void {
      const node = api.find<NodeObject>('nodes', undefined, name)
      if (node) monitor.set(name, Math.max(clock.now(), lastBeat(node) + graceMs))
    }

    /** The grace is over: a kubelet that has not come back is not heard of. */
    function judge(name: string): void {
      world.heartbeats?.renew()
      const node = api.find<NodeObject>('nodes', undefined, name)
      if (!node || clock.now() < lastBeat(node) + graceMs) return
      const now = timestamp(clock.now())
      const before = node.status?.conditions ?? []
      const lost = (type: string): NodeCondition => {
        const known = before.find((one) => one.type === type)
        if (!known) {
          return {
            type,
            status: 'Unknown',
            reason: 'NodeStatusNeverUpdated',
            message: 'Kubelet never posted node status.',
            lastTransitionTime: now,
          }
        }
        if (known.status === 'Unknown') return known
        return {
          ...known,
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'Kubelet stopped posting node status.',
          lastTransitionTime: now,
        }
      }
      const own = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']
      const conditions = [...before.filter(({ type }) => !own.includes(type)), ...own.map(lost)]
      if (sameJson(conditions, before)) return
      const wasReady = before.find(({ type }) => type === 'Ready')?.status === 'True'
      if (wasReady) events.record(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
      api.updateStatus('nodes', { ...node, status: { ...node.status, conditions } })
      if (wasReady) markPods(name)
    }

    /**
     * Pods of a node that is not heard of do not count as ready: Services leave them out. Where a kubelet itself says that its node is not
     * ready (no network plugin), it goes on speaking for its pods, and they stay as they are (monitorNodeHealth of pkg/controller/nodelifecycle).
     */
    function markPods(node: string): void {
      for (const pod of api.list<PodObject>('pods', { fieldSelector: `spec.nodeName=${node}` })) {
        const conditions = pod.status?.conditions ?? []
        const ready = conditions.find(({ type }) => type === 'Ready')
        if (ready?.status !== 'True') continue
        const changed = { ...ready, status: 'False', lastTransitionTime: timestamp(clock.now()), reason: 'NodeNotReady' }
        api.updateStatus('pods', {
          ...pod,
          status: { ...pod.status, conditions: conditions.map((condition) => (condition === ready ? changed : condition)) },
        })
        events.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
      }
    }
  },
}

/** Evicts pods from nodes with a NoExecute taint that they do not tolerate (any longer). Follows pkg/controller/tainteviction. */
export const taintEvictionController: Controller = {
  name: 'taint-eviction-controller',
  start(world) {
    const { api, clock } = world
    const events = recorderOf(world, 'taint-eviction-controller')
    const queue = workQueue('taint-eviction', clock, reconcile)
    api.watch<NodeObject>('nodes', ({ object, previous }) => {
      if (sameJson(object.spec?.taints, previous?.spec?.taints)) return
      for (const pod of api.list('pods', { fieldSelector: `spec.nodeName=${object.metadata?.name}` })) queue.add(keyOf(pod))
    })
    api.watch<PodObject>('pods', ({ type, object, previous }) => {
      if (type !== 'DELETED' && object.spec?.nodeName && !previous?.spec?.nodeName) queue.add(keyOf(object))
    })

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const pod = api.find<PodObject>('pods', namespace, name)
      const node = pod?.spec?.nodeName ? api.find<NodeObject>('nodes', undefined, pod.spec.nodeName) : undefined
      if (!pod || !node || pod.metadata?.deletionTimestamp) return
      const at = evictionTime(node.spec?.taints ?? [], pod, clock.now())
      if (at === undefined) return
      if (at > clock.now()) return queue.addAt(key, at)
      events.record(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`)
      const target = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByTaintManager',
        message: 'Taint manager: deleting due to NoExecute taint',
        lastProbeTime: null as unknown as string,
        lastTransitionTime: timestamp(clock.now()),
      }
      const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== target.type), target]
      api.updateStatus('pods', { ...pod, status: { ...pod.status, conditions } })
      api.delete('pods', namespace, name)
    }
  },
}

function wantedTaints(node: NodeObject): Taint[] {
  const taints: Taint[] = []
  for (const { type, status, key, effects } of conditionTaints) {
    const condition = node.status?.conditions?.find((candidate) => candidate.type === type)
    if (condition?.status === status) for (const effect of effects) taints.push({ key, effect })
  }
  if (node.spec?.unschedulable) taints.push({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' })
  return taints
}

/** When a pod must leave its node, ms since the epoch; undefined where it may stay for good. */
function evictionTime(taints: readonly Taint[], pod: PodObject, now: number): number | undefined {
  let soonest: number | undefined
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue
    const tolerating = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint))
    if (tolerating.length === 0) return now
    const limits = tolerating.flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [tolerationSeconds]))
    if (limits.length === 0) continue
    const since = taint.timeAdded ? Date.parse(taint.timeAdded) : now
    const at = since + Math.max(0, Math.min(...limits)) * 1000
    soonest = soonest === undefined ? at : Math.min(soonest, at)
  }
  return soonest
}
