import type { LabelSelector } from 'kubernetes-types/meta/v1'
import { StatusError } from '../apiserver/api.ts'
import { timestamp } from '../kubernetes.ts'
import {
  type Controller,
  controllerReference,
  keyOf,
  paceOf,
  recorderOf,
  splitKey,
  unhandled,
  watchOwned,
  workQueue,
  writeStatus,
} from './controller.ts'
import { availableFrom, claim, deletionOrder, isActive, isReady, type PodObject, podFromTemplate, type ReplicaSetObject } from './pods.ts'

/** BurstReplicas: what one look makes or removes at most. The pods' own events bring the next look. */
const burst = 500

/** A kind that keeps a number of pods. A ReplicationController is looked at as if it were a ReplicaSet, as upstream does. */
interface ReplicaKind {
  readonly name: string
  readonly queue: string
  /** What stands under From of its events. */
  readonly component: string
  readonly resource: string
  readonly apiVersion: string
  readonly kind: string
  selector(set: ReplicaSetObject): LabelSelector | undefined
}

export const replicasetController = replicaController({
  name: 'replicaset-controller',
  queue: 'replicaset',
  component: 'replicaset-controller',
  resource: 'replicasets.apps',
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  selector: ({ spec }) => spec?.selector,
})

export const replicationController = replicaController({
  name: 'replicationcontroller-controller',
  queue: 'replicationmanager',
  component: 'replication-controller',
  resource: 'replicationcontrollers',
  apiVersion: 'v1',
  kind: 'ReplicationController',
  selector: ({ spec }) => ({ matchLabels: (spec?.selector ?? {}) as Record<string, string> }),
})

/** Keeps as many pods as an object asks for. Follows upstream's pkg/controller/replicaset and pkg/controller/replication. */
function replicaController(of: ReplicaKind): Controller {
  return {
    name: of.name,
    start(world) {
      const { api, clock } = world
      const events = recorderOf(world, of.component)
      const queue = workQueue(of.queue, clock, reconcile, {
        retrying: unhandled(world, 'replica_set.go:562', (key, why) => `sync ${JSON.stringify(key)} failed with ${why}`),
      })
      const pace = paceOf(world, of.name)
      /** Sets whose pods wait for the client's pace: until then their worker is at it, and what happens meanwhile is seen afterwards. */
      const busy = new Map<string, number>()

      api.watch<ReplicaSetObject>(of.resource, ({ object }) => queue.add(keyOf(object)), { initial: world.fresh })
      watchOwned(world, 'pods', of.kind, queue, ({ type, object }) => {
        // An orphan may be taken in by any set of its namespace.
        if (type !== 'DELETED' && !object.metadata?.ownerReferences?.length) {
          for (const set of api.list(of.resource, { namespace: object.metadata?.namespace })) queue.add(keyOf(set))
        }
      })

      function reconcile(key: string): void {
        const until = busy.get(key) ?? 0
        if (until > clock.now()) return queue.addAt(key, until)
        busy.delete(key)
        const [namespace, name] = splitKey(key)
        const set = api.find<ReplicaSetObject>(of.resource, namespace, name)
        if (!set) return
        const owner = controllerReference(set, of.apiVersion, of.kind)
        const pods = claim<PodObject>(api, 'pods', namespace, set, owner, of.selector(set))
        const active = pods.filter(isActive)
        const wanted = set.spec?.replicas ?? 1
        const failure = set.metadata?.deletionTimestamp ? undefined : scale(set, active, wanted)
        updateStatus(set, active, failure, wanted)
        if (failure) throw failure
      }

      /** Brings `active` nearer to what is wanted, and returns the first refusal. */
      function scale(set: ReplicaSetObject, active: PodObject[], wanted: number): StatusError | undefined {
        const missing = Math.min(burst, wanted - active.length)
        return missing > 0 ? create(set, active, missing) : remove(set, active, Math.min(burst, active.length - wanted))
      }

      /** In batches that double as long as all goes well (slowStartBatch), so that what will be refused is not asked for 500 times. */
      function create(set: ReplicaSetObject, active: PodObject[], count: number): StatusError | undefined {
        let failure: StatusError | undefined
        for (let batch = 1, left = count; left > 0 && !failure; left -= batch, batch *= 2) {
          for (let one = 0; one < Math.min(batch, left); one++) {
            if (!pace.take()) {
              waitFor(set, left - one)
              return failure
            }
            const error = tried(() => active.push(createOne(set)))
            // Nothing that is made in a namespace that ends would last.
            if (!error || error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')) continue
            events.record(set, 'Warning', 'FailedCreate', `Error creating: ${error.message}`)
            failure ??= error
          }
        }
        return failure
      }

      function waitFor(set: ReplicaSetObject, requests: number): void {
        const key = keyOf(set)
        busy.set(key, pace.next(requests))
        queue.addAt(key, pace.next(requests))
      }

      function createOne(set: ReplicaSetObject): PodObject {
        const owner = controllerReference(set, of.apiVersion, of.kind)
        const pod = podFromTemplate(set.spec?.template ?? {}, set.metadata?.namespace ?? '', owner)
        const made = api.create<PodObject>('pods', { ...pod, metadata: { ...pod.metadata, generateName: `${set.metadata?.name}-` } })
        events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata?.name}`)
        return made
      }

      function remove(set: ReplicaSetObject, active: PodObject[], count: number): StatusError | undefined {
        let failure: StatusError | undefined
        let removed = 0
        for (const pod of count > 0 ? deletionOrder(active).slice(0, count) : []) {
          if (!pace.take()) {
            waitFor(set, count - removed)
            return failure
          }
          removed++
          const name = pod.metadata?.name ?? ''
          const error = tried(() => api.delete('pods', set.metadata?.namespace, name))
          if (!error || error.reason === 'NotFound') active.splice(active.indexOf(pod), 1)
          if (!error) events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
          else if (error.reason !== 'NotFound') {
            events.record(set, 'Warning', 'FailedDelete', `Error deleting: ${error.message}`)
            failure ??= error
          }
        }
        return failure
      }

      function updateStatus(set: ReplicaSetObject, active: PodObject[], failure: StatusError | undefined, wanted: number): void {
        const current = api.find<ReplicaSetObject>(of.resource, set.metadata?.namespace, set.metadata?.name ?? '')
        if (!current) return
        const minReady = set.spec?.minReadySeconds ?? 0
        const templateLabels = Object.entries(set.spec?.template?.metadata?.labels ?? {})
        let available = 0
        for (const pod of active) {
          const from = availableFrom(pod, minReady)
          if (from === undefined) continue
          if (from <= clock.now()) available++
          else queue.addAt(keyOf(set), from)
        }
        const ready = active.filter(isReady).length
        const labelled = active.filter((pod) => templateLabels.every(([label, value]) => pod.metadata?.labels?.[label] === value)).length
        const previous = current.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
        // While it fails the condition stays as it was first written: the message names a pod that is another one at each attempt, and to
        // write it again would bring the next attempt at once.
        const conditions = failure && [
          previous ?? {
            type: 'ReplicaFailure',
            status: 'True',
            lastTransitionTime: timestamp(clock.now()),
            reason: active.length < wanted ? 'FailedCreate' : 'FailedDelete',
            message: failure.message,
          },
        ]
        writeStatus(api, of.resource, current, {
          replicas: active.length,
          ...(labelled ? { fullyLabeledReplicas: labelled } : {}),
          ...(ready ? { readyReplicas: ready } : {}),
          ...(available ? { availableReplicas: available } : {}),
          observedGeneration: set.metadata?.generation,
          ...(conditions ? { conditions } : {}),
        })
      }
    },
  }
}

/** What the API server refuses; any other error is a defect. */
function tried(act: () => unknown): StatusError | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    return error
  }
}
