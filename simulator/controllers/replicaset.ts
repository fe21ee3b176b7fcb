import { StatusError } from '../apiserver/api.ts'
import { timestamp } from '../kubernetes.ts'
import { type Controller, controllerReference, keyOf, recorderOf, splitKey, watchOwned, workQueue, writeStatus } from './controller.ts'
import { availableFrom, claim, deletionOrder, isActive, isReady, type PodObject, podFromTemplate, type ReplicaSetObject } from './pods.ts'

/** BurstReplicas: what one look makes or removes at most. The pods' own events bring the next look. */
const burst = 500

/** Keeps as many pods as a ReplicaSet asks for. Follows upstream's pkg/controller/replicaset. */
export const replicasetController: Controller = {
  name: 'replicaset-controller',
  start(world) {
    const { api, clock } = world
    const events = recorderOf(world, 'replicaset-controller')
    const queue = workQueue('replicaset', clock, reconcile)

    api.watch<ReplicaSetObject>('replicasets.apps', ({ object }) => queue.add(keyOf(object)), { initial: world.fresh })
    watchOwned(world, 'pods', 'ReplicaSet', queue, ({ type, object }) => {
      // An orphan may be taken in by any set of its namespace.
      if (type !== 'DELETED' && !object.metadata?.ownerReferences?.length) {
        for (const set of api.list('replicasets.apps', { namespace: object.metadata?.namespace })) queue.add(keyOf(set))
      }
    })

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const set = api.find<ReplicaSetObject>('replicasets.apps', namespace, name)
      if (!set) return
      const owner = controllerReference(set, 'apps/v1', 'ReplicaSet')
      const pods = claim<PodObject>(api, 'pods', namespace, set, owner, set.spec?.selector)
      const active = pods.filter(isActive)
      const wanted = set.spec?.replicas ?? 1
      let failure: StatusError | undefined
      if (!set.metadata?.deletionTimestamp) {
        failure = scale(set, active, wanted)
      }
      updateStatus(set, active, failure, wanted)
      if (failure) throw failure
    }

    function scale(set: ReplicaSetObject, active: PodObject[], wanted: number): StatusError | undefined {
      const namespace = set.metadata?.namespace ?? ''
      try {
        const next = Math.min(wanted, active.length + burst)
        while (active.length < next) {
          const pod = podFromTemplate(set.spec?.template ?? {}, namespace, controllerReference(set, 'apps/v1', 'ReplicaSet'))
          const made = api.create<PodObject>('pods', { ...pod, metadata: { ...pod.metadata, generateName: `${set.metadata?.name}-` } })
          active.push(made)
          events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata?.name}`)
        }
        for (const pod of deletionOrder(active).slice(0, Math.min(burst, Math.max(0, active.length - wanted)))) {
          api.delete('pods', namespace, pod.metadata?.name ?? '')
          active.splice(active.indexOf(pod), 1)
          events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata?.name}`)
        }
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        const doing = active.length < wanted ? 'FailedCreate' : 'FailedDelete'
        events.record(set, 'Warning', doing, `Error ${doing === 'FailedCreate' ? 'creating' : 'deleting'}: ${error.message}`)
        return error
      }
      return undefined
    }

    function updateStatus(set: ReplicaSetObject, active: PodObject[], failure: StatusError | undefined, wanted: number): void {
      const current = api.find<ReplicaSetObject>('replicasets.apps', set.metadata?.namespace, set.metadata?.name ?? '')
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
      // While it fails the condition stays as it was first written: the message names a pod that is another one at each attempt, and to write
      // it again would bring the next attempt at once.
      const conditions = failure && [
        previous ?? {
          type: 'ReplicaFailure',
          status: 'True',
          lastTransitionTime: timestamp(clock.now()),
          reason: active.length < wanted ? 'FailedCreate' : 'FailedDelete',
          message: failure.message,
        },
      ]
      writeStatus(api, 'replicasets.apps', current, {
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
