import type { StatefulSet } from 'kubernetes-types/apps/v1'
import { StatusError } from '../apiserver/api.ts'
import type { KubeObject } from '../kubernetes.ts'
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
import { templateHash } from './hash.ts'
import { availableFrom, claim, isReady, isTerminal, type PodObject, podFromTemplate } from './pods.ts'

type StatefulSetObject = StatefulSet & KubeObject
const revisionLabel = 'controller-revision-hash'

/** Pods with a stable name, in order. Follows upstream's pkg/controller/statefulset; volume claims are made, binding them is the binder's. */
export const statefulsetController: Controller = {
  name: 'statefulset-controller',
  start(world) {
    const { api, clock } = world
    const events = recorderOf(world, 'statefulset-controller')
    const queue = workQueue('statefulset', clock, reconcile, {
      retrying: unhandled(world, 'stateful_set.go:438', (key, why) => `error syncing StatefulSet ${key}, requeuing: ${why}`),
    })
    const pace = paceOf(world, 'statefulset-controller')
    api.watch<StatefulSetObject>('statefulsets.apps', ({ object }) => queue.add(keyOf(object)), { initial: world.fresh })
    watchOwned(world, 'pods', 'StatefulSet', queue)

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const set = api.find<StatefulSetObject>('statefulsets.apps', namespace, name)
      if (!set) return
      const owner = controllerReference(set, 'apps/v1', 'StatefulSet')
      const pods = claim<PodObject>(api, 'pods', namespace, set, owner, set.spec?.selector).filter(
        (pod) => ordinalOf(set, pod) !== undefined,
      )
      const updateRevision = keepRevision(set, namespace)
      if (!set.metadata?.deletionTimestamp) step(set, pods, updateRevision)
      updateStatus(set, updateRevision)
    }

    /** One step towards the wanted set: OrderedReady goes one pod at a time and waits for each to be ready. */
    function step(set: StatefulSetObject, pods: PodObject[], revision: string): void {
      const start = set.spec?.ordinals?.start ?? 0
      const wanted = set.spec?.replicas ?? 1
      const ordered = set.spec?.podManagementPolicy !== 'Parallel'
      const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod) as number, pod]))
      for (const pod of pods) if (isTerminal(pod) && !pod.metadata?.deletionTimestamp) remove(set, pod)
      for (let ordinal = start; ordinal < start + wanted; ordinal++) {
        const pod = byOrdinal.get(ordinal)
        if (!pod) {
          if (!pace.take()) return queue.addAt(keyOf(set), pace.next())
          create(set, ordinal, revision)
          if (ordered) return
        } else if (ordered && (!isReady(pod) || pod.metadata?.deletionTimestamp)) {
          // A broken pod of an older revision is not replaced by itself: upstream's known limitation of OrderedReady.
          return
        }
      }
      const surplus = pods
        .filter((pod) => outside(ordinalOf(set, pod) as number, start, wanted))
        .sort((a, b) => (ordinalOf(set, b) as number) - (ordinalOf(set, a) as number))
      for (const pod of surplus) {
        if (!pod.metadata?.deletionTimestamp) remove(set, pod)
        if (ordered) return
      }
      if (surplus.length || set.spec?.updateStrategy?.type === 'OnDelete') return
      const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0
      for (let ordinal = start + wanted - 1; ordinal >= start + partition; ordinal--) {
        const pod = byOrdinal.get(ordinal)
        if (!pod || pod.metadata?.deletionTimestamp) return
        if (pod.metadata?.labels?.[revisionLabel] !== revision) return remove(set, pod)
        if (!isReady(pod)) return
      }
    }

    function create(set: StatefulSetObject, ordinal: number, revision: string): void {
      const namespace = set.metadata?.namespace ?? ''
      const podName = `${set.metadata?.name}-${ordinal}`
      const volumes = (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
        name: template.metadata?.name ?? '',
        persistentVolumeClaim: { claimName: `${template.metadata?.name}-${podName}` },
      }))
      for (const template of set.spec?.volumeClaimTemplates ?? []) {
        const claimName = `${template.metadata?.name}-${podName}`
        if (api.find('persistentvolumeclaims', namespace, claimName)) continue
        api.create('persistentvolumeclaims', {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { namespace, name: claimName, labels: { ...template.metadata?.labels, ...set.spec?.selector?.matchLabels } },
          spec: template.spec,
        })
        events.record(
          set,
          'Normal',
          'SuccessfulCreate',
          `create Claim ${claimName} Pod ${podName} in StatefulSet ${set.metadata?.name} success`,
        )
      }
      const pod = podFromTemplate(set.spec?.template ?? {}, namespace, controllerReference(set, 'apps/v1', 'StatefulSet'), {
        [revisionLabel]: revision,
        'statefulset.kubernetes.io/pod-name': podName,
        'apps.kubernetes.io/pod-index': String(ordinal),
      })
      try {
        api.create('pods', {
          ...pod,
          metadata: { ...pod.metadata, name: podName },
          spec: {
            ...pod.spec!,
            hostname: podName,
            ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}),
            ...(volumes.length ? { volumes: [...(pod.spec?.volumes ?? []), ...volumes] } : {}),
          },
        })
        events.record(set, 'Normal', 'SuccessfulCreate', `create Pod ${podName} in StatefulSet ${set.metadata?.name} successful`)
      } catch (error) {
        if (error instanceof StatusError)
          events.record(
            set,
            'Warning',
            'FailedCreate',
            `create Pod ${podName} in StatefulSet ${set.metadata?.name} failed error: ${error.message}`,
          )
        throw error
      }
    }

    function remove(set: StatefulSetObject, pod: PodObject): void {
      api.delete('pods', pod.metadata?.namespace, pod.metadata?.name ?? '')
      events.record(set, 'Normal', 'SuccessfulDelete', `delete Pod ${pod.metadata?.name} in StatefulSet ${set.metadata?.name} successful`)
    }

    function updateStatus(set: StatefulSetObject, updateRevision: string): void {
      const current = api.find<StatefulSetObject>('statefulsets.apps', set.metadata?.namespace, set.metadata?.name ?? '')
      if (!current) return
      const pods = api
        .list<PodObject>('pods', { namespace: set.metadata?.namespace })
        .filter((pod) => pod.metadata?.ownerReferences?.some(({ uid }) => uid === set.metadata?.uid))
      const living = pods.filter((pod) => !pod.metadata?.deletionTimestamp)
      const updated = living.filter((pod) => pod.metadata?.labels?.[revisionLabel] === updateRevision).length
      const before = current.status?.currentRevision
      const done = updated === living.length && living.length === (set.spec?.replicas ?? 1) && living.every(isReady)
      const currentRevision = done || !before ? updateRevision : before
      const onCurrent = living.filter((pod) => pod.metadata?.labels?.[revisionLabel] === currentRevision).length
      const available = living.filter((pod) => {
        const from = availableFrom(pod, set.spec?.minReadySeconds ?? 0)
        if (from !== undefined && from > clock.now()) queue.addAt(keyOf(set), from)
        return from !== undefined && from <= clock.now()
      }).length
      writeStatus(api, 'statefulsets.apps', current, {
        observedGeneration: set.metadata?.generation,
        replicas: pods.length,
        ...(living.some(isReady) ? { readyReplicas: living.filter(isReady).length } : {}),
        ...(onCurrent ? { currentReplicas: onCurrent } : {}),
        ...(updated ? { updatedReplicas: updated } : {}),
        currentRevision,
        updateRevision,
        collisionCount: 0,
        availableReplicas: available,
      })
    }

    function keepRevision(set: StatefulSetObject, namespace: string): string {
      const name = `${set.metadata?.name}-${templateHash(set.spec?.template)}`
      if (!api.find('controllerrevisions.apps', namespace, name)) {
        const owned = api
          .list<KubeObject & { revision?: number }>('controllerrevisions.apps', { namespace })
          .filter((revision) => revision.metadata?.ownerReferences?.some(({ uid }) => uid === set.metadata?.uid))
        api.create('controllerrevisions.apps', {
          apiVersion: 'apps/v1',
          kind: 'ControllerRevision',
          metadata: {
            namespace,
            name,
            labels: set.spec?.template?.metadata?.labels,
            ownerReferences: [controllerReference(set, 'apps/v1', 'StatefulSet')],
          },
          data: { spec: { template: { ...set.spec?.template, $patch: 'replace' } } },
          revision: Math.max(0, ...owned.map(({ revision }) => revision ?? 0)) + 1,
        })
      }
      return name
    }
  },
}

function ordinalOf(set: StatefulSetObject, pod: PodObject): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(pod.metadata?.name ?? '')
  return match && match[1] === set.metadata?.name ? Number(match[2]) : undefined
}

function outside(ordinal: number, start: number, count: number): boolean {
  return ordinal < start || ordinal >= start + count
}
