import type { ControllerRevision, DaemonSet } from 'kubernetes-types/apps/v1'
import type { Toleration } from 'kubernetes-types/core/v1'
import { StatusError } from '../apiserver/api.ts'
import { sameJson } from '../json.ts'
import type { KubeObject } from '../kubernetes.ts'
import {
  type Controller,
  controllerReference,
  keyOf,
  recorderOf,
  splitKey,
  unhandled,
  watchOwned,
  workQueue,
  writeStatus,
} from './controller.ts'
import { scaled } from './deployment/replicas.ts'
import { templateHash } from './hash.ts'
import { type NodeObject, nodeMatches, untolerated } from './placement.ts'
import { availableFrom, claim, isReady, type PodObject, podFromTemplate } from './pods.ts'

type DaemonSetObject = DaemonSet & KubeObject
const hashLabel = 'controller-revision-hash'

/** One pod of a DaemonSet on every node that takes it. Follows upstream's pkg/controller/daemon. */
export const daemonsetController: Controller = {
  name: 'daemonset-controller',
  start(world) {
    const { api, clock } = world
    const events = recorderOf(world, 'daemonset-controller')
    const queue = workQueue('daemonset', clock, reconcile, {
      retrying: unhandled(world, 'daemon_controller.go:329', (key, why) => `${key} failed with : ${why}`),
    })
    const all = () => {
      for (const set of api.list('daemonsets.apps')) queue.add(keyOf(set))
    }
    api.watch<DaemonSetObject>('daemonsets.apps', ({ object }) => queue.add(keyOf(object)), { initial: world.fresh })
    watchOwned(world, 'pods', 'DaemonSet', queue)
    api.watch<NodeObject>('nodes', ({ type, object, previous }) => {
      const same =
        type === 'MODIFIED' && sameJson(object.metadata?.labels, previous?.metadata?.labels) && sameJson(object.spec, previous?.spec)
      if (!same) all()
    })

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const set = api.find<DaemonSetObject>('daemonsets.apps', namespace, name)
      if (!set) return
      const owner = controllerReference(set, 'apps/v1', 'DaemonSet')
      const pods = claim<PodObject>(api, 'pods', namespace, set, owner, set.spec?.selector)
      if (set.metadata?.deletionTimestamp) return
      const hash = keepRevision(set, namespace)
      const nodes = api.list<NodeObject>('nodes')
      const byNode = new Map<string, PodObject[]>()
      for (const pod of pods) {
        const node = pod.spec?.nodeName ?? pinnedTo(pod)
        if (node) byNode.set(node, [...(byNode.get(node) ?? []), pod])
      }
      const wanted = nodes.filter((node) => placeable(set, node).run)
      for (const node of nodes) settleNode(set, node, byNode.get(node.metadata?.name ?? '') ?? [], hash)
      for (const [node, stray] of byNode) {
        if (!nodes.some(({ metadata }) => metadata?.name === node)) for (const pod of stray) remove(set, pod)
      }
      if (set.spec?.updateStrategy?.type !== 'OnDelete') roll(set, wanted, byNode, hash)
      updateStatus(set, nodes, byNode, hash)
    }

    /** What should be on this node, and what is: makes the missing pod, removes the surplus or failed ones. */
    function settleNode(set: DaemonSetObject, node: NodeObject, pods: PodObject[], hash: string): void {
      const { run, keep } = placeable(set, node)
      const living = pods.filter((pod) => !pod.metadata?.deletionTimestamp)
      const failed = living.filter((pod) => pod.status?.phase === 'Failed')
      for (const pod of failed) {
        events.record(
          set,
          'Warning',
          'FailedDaemonPod',
          `Found failed daemon pod ${pod.metadata?.namespace}/${pod.metadata?.name} on node ${node.metadata?.name}, will try to kill it`,
        )
        remove(set, pod)
      }
      const good = living.filter((pod) => !failed.includes(pod))
      if (!keep) for (const pod of good) remove(set, pod)
      else for (const pod of good.slice(1)) remove(set, pod)
      if (run && pods.length === 0) create(set, node.metadata?.name ?? '', hash)
    }

    function create(set: DaemonSetObject, node: string, hash: string): void {
      const namespace = set.metadata?.namespace ?? ''
      const pod = podFromTemplate(set.spec?.template ?? {}, namespace, controllerReference(set, 'apps/v1', 'DaemonSet'), {
        [hashLabel]: hash,
        'pod-template-generation': String(set.metadata?.generation ?? 1),
      })
      const pinned = {
        ...pod,
        metadata: { ...pod.metadata, generateName: `${set.metadata?.name}-` },
        spec: {
          ...pod.spec!,
          affinity: pinTo(node, pod.spec?.affinity),
          tolerations: [...(pod.spec?.tolerations ?? []), ...standing(pod)],
        },
      }
      try {
        const made = api.create<PodObject>('pods', pinned)
        events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata?.name}`)
      } catch (error) {
        if (error instanceof StatusError) events.record(set, 'Warning', 'FailedCreate', `Error creating: ${error.message}`)
        throw error
      }
    }

    function remove(set: DaemonSetObject, pod: PodObject): void {
      api.delete('pods', pod.metadata?.namespace, pod.metadata?.name ?? '')
      events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata?.name}`)
    }

    /** Replaces outdated pods, no more at a time than maxUnavailable allows; a pod that is not available anyway goes at once. */
    function roll(set: DaemonSetObject, wanted: NodeObject[], byNode: Map<string, PodObject[]>, hash: string): void {
      const limit = Math.max(1, scaled(set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, wanted.length, 'up'))
      let unavailable = 0
      const candidates: PodObject[] = []
      for (const node of wanted) {
        const pod = byNode.get(node.metadata?.name ?? '')?.find(({ metadata }) => !metadata?.deletionTimestamp)
        const available = pod && isAvailable(set, pod)
        if (!available) unavailable++
        if (!pod || pod.metadata?.labels?.[hashLabel] === hash) continue
        if (available) candidates.push(pod)
        else remove(set, pod)
      }
      for (const pod of candidates.slice(0, Math.max(0, limit - unavailable))) remove(set, pod)
    }

    function isAvailable(set: DaemonSetObject, pod: PodObject): boolean {
      const from = availableFrom(pod, set.spec?.minReadySeconds ?? 0)
      if (from === undefined) return false
      if (from > clock.now()) queue.addAt(keyOf(set), from)
      return from <= clock.now()
    }

    function updateStatus(set: DaemonSetObject, nodes: readonly NodeObject[], byNode: Map<string, PodObject[]>, hash: string): void {
      const current = api.find<DaemonSetObject>('daemonsets.apps', set.metadata?.namespace, set.metadata?.name ?? '')
      if (!current) return
      const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 }
      for (const node of nodes) {
        const { run } = placeable(set, node)
        const pods = byNode.get(node.metadata?.name ?? '') ?? []
        if (!run) {
          if (pods.length) count.misscheduled++
          continue
        }
        count.desired++
        const pod = pods.find(({ metadata }) => !metadata?.deletionTimestamp) ?? pods[0]
        if (!pod) continue
        count.current++
        if (isReady(pod)) count.ready++
        if (isAvailable(set, pod)) count.available++
        if (pod.metadata?.labels?.[hashLabel] === hash) count.updated++
      }
      writeStatus(api, 'daemonsets.apps', current, {
        currentNumberScheduled: count.current,
        numberMisscheduled: count.misscheduled,
        desiredNumberScheduled: count.desired,
        numberReady: count.ready,
        observedGeneration: set.metadata?.generation,
        ...(count.updated ? { updatedNumberScheduled: count.updated } : {}),
        ...(count.available ? { numberAvailable: count.available } : {}),
        ...(count.desired - count.available ? { numberUnavailable: count.desired - count.available } : {}),
      })
    }

    /** The template's revision, kept as a ControllerRevision so that it can be rolled back; returns its hash. */
    function keepRevision(set: DaemonSetObject, namespace: string): string {
      const data = { spec: { template: { ...set.spec?.template, $patch: 'replace' } } }
      const hash = templateHash(set.spec?.template)
      const owned = api
        .list<ControllerRevision & KubeObject>('controllerrevisions.apps', { namespace })
        .filter((revision) => revision.metadata?.ownerReferences?.some(({ uid }) => uid === set.metadata?.uid))
      const newest = Math.max(0, ...owned.map(({ revision }) => revision))
      const same = owned.find((revision) => revision.metadata?.labels?.[hashLabel] === hash)
      if (same && same.revision < newest) api.update('controllerrevisions.apps', { ...same, revision: newest + 1 })
      if (same) return hash
      api.create('controllerrevisions.apps', {
        apiVersion: 'apps/v1',
        kind: 'ControllerRevision',
        metadata: {
          namespace,
          name: `${set.metadata?.name}-${hash}`,
          labels: { ...set.spec?.template?.metadata?.labels, [hashLabel]: hash },
          annotations: { ...set.metadata?.annotations, 'deprecated.daemonset.template.generation': String(set.metadata?.generation ?? 1) },
          ownerReferences: [controllerReference(set, 'apps/v1', 'DaemonSet')],
        },
        revision: newest + 1,
        data,
      })
      return hash
    }
  },
}

/** Whether a node should get a pod of the set, and whether one that is there may stay (NoExecute decides that alone). */
function placeable(set: DaemonSetObject, node: NodeObject): { run: boolean; keep: boolean } {
  const spec = set.spec?.template?.spec
  if (!nodeMatches(spec, node) || (spec?.nodeName && spec.nodeName !== node.metadata?.name)) return { run: false, keep: false }
  const tolerations = [...(spec?.tolerations ?? []), ...standing({ spec })]
  return {
    run: !untolerated(node, tolerations, ['NoSchedule', 'NoExecute']),
    keep: !untolerated(node, tolerations, ['NoExecute']),
  }
}

/** Tolerations that every daemon pod gets. */
function standing(pod: Pick<PodObject, 'spec'>): Toleration[] {
  const exists = (key: string, effect: string): Toleration => ({ key, operator: 'Exists', effect })
  return [
    exists('node.kubernetes.io/not-ready', 'NoExecute'),
    exists('node.kubernetes.io/unreachable', 'NoExecute'),
    exists('node.kubernetes.io/disk-pressure', 'NoSchedule'),
    exists('node.kubernetes.io/memory-pressure', 'NoSchedule'),
    exists('node.kubernetes.io/pid-pressure', 'NoSchedule'),
    exists('node.kubernetes.io/unschedulable', 'NoSchedule'),
    ...(pod.spec?.hostNetwork ? [exists('node.kubernetes.io/network-unavailable', 'NoSchedule')] : []),
  ]
}

function pinTo(node: string, affinity: NonNullable<PodObject['spec']>['affinity']) {
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
      },
    },
  }
}

function pinnedTo(pod: PodObject): string | undefined {
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return terms?.[0]?.matchFields?.find(({ key }) => key === 'metadata.name')?.values?.[0]
}
