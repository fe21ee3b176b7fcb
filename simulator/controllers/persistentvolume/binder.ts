import { defaultStorageClassOf, leavesClassOpen } from '../../apiserver/admission/default-storage-class.ts'
import { timestamp } from '../../kubernetes.ts'
import { type Controller, keyOf, recorderOf, splitKey, workQueue, writeStatus } from '../controller.ts'
import type { PodObject } from '../pods.ts'
import { claimsOf, consumersOf, consumingNode } from './consumers.ts'
import {
  bindCompleted,
  boundByController,
  type ClaimObject,
  type ClassObject,
  classOf,
  isBoundTo,
  matchingVolume,
  mismatch,
  provisionedBy,
  provisionerAnnotations,
  selectedNodeAnnotation,
  type VolumeObject,
} from './matching.ts'

/**
 * Binds claims and volumes to each other. Follows upstream's pkg/controller/volume/persistentvolume. For classes that wait for the
 * first consumer it also does the scheduler's part (volume binding): it takes the node from the first pod that has one.
 */
export const persistentVolumeBinder: Controller = {
  name: 'persistentvolume-binder-controller',
  start(world) {
    const { api, clock, fresh } = world
    const events = recorderOf(world, 'persistentvolume-controller')
    const claims = workQueue('persistentvolume-claims', clock, syncClaim)
    const volumes = workQueue('persistentvolume-volumes', clock, syncVolume)

    api.watch<ClaimObject>(
      'persistentvolumeclaims',
      ({ type, object }) => {
        if (type !== 'DELETED') claims.add(keyOf(object))
        else if (object.spec?.volumeName) volumes.add(object.spec.volumeName)
      },
      { initial: fresh },
    )
    api.watch<VolumeObject>(
      'persistentvolumes',
      ({ type, object }) => {
        if (type !== 'DELETED') volumes.add(keyOf(object))
        const reference = object.spec?.claimRef
        if (reference) claims.add(`${reference.namespace}/${reference.name}`)
        else if (type !== 'DELETED') queueUnbound()
      },
      { initial: fresh },
    )
    api.watch<ClassObject>('storageclasses.storage.k8s.io', ({ type }) => type !== 'DELETED' && queueUnbound())
    api.watch<PodObject>('pods', ({ type, object, previous }) => {
      if (type === 'DELETED' || (previous && previous.spec?.nodeName === object.spec?.nodeName)) return
      for (const name of claimsOf(object)) claims.add(`${object.metadata?.namespace}/${name}`)
    })

    function queueUnbound(): void {
      for (const claim of api.list<ClaimObject>('persistentvolumeclaims')) {
        if (!claim.metadata?.annotations?.[bindCompleted]) claims.add(keyOf(claim))
      }
    }

    function syncClaim(key: string): void {
      const [namespace, name] = splitKey(key)
      const claim = api.find<ClaimObject>('persistentvolumeclaims', namespace, name)
      if (!claim || claim.metadata?.deletionTimestamp) return
      if (claim.metadata?.annotations?.[bindCompleted]) return syncBound(claim)
      if (claim.spec?.volumeName) return syncNamed(claim, claim.spec.volumeName)
      const waits = delays(claim)
      const all = api.list<VolumeObject>('persistentvolumes')
      const node = waits ? consumingNode(api, claim) : undefined
      const volume = matchingVolume(claim, all, { reservedOnly: waits && !node, ...(node ? { node } : {}) })
      if (volume) return bind(volume, claim)
      if (waits && !claim.metadata?.annotations?.[selectedNodeAnnotation]) {
        if (!node) return sayWaiting(claim)
        return annotate(claim, { [selectedNodeAnnotation]: node.metadata?.name ?? '' })
      }
      provision(claim)
    }

    function delays(claim: ClaimObject): boolean {
      const name = classOf(claim)
      if (!name) return false
      return api.find<ClassObject>('storageclasses.storage.k8s.io', undefined, name)?.volumeBindingMode === 'WaitForFirstConsumer'
    }

    function sayWaiting(claim: ClaimObject): void {
      const { waiting } = consumersOf(api, claim)
      if (waiting.length === 0) {
        events.record(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
        return
      }
      const names = waiting.map(({ metadata }) => metadata?.name).join(',')
      const sentence = `waiting for ${waiting.length > 1 ? 'pods' : 'pod'} ${names} to be scheduled`
      events.record(claim, 'Normal', 'WaitForPodScheduled', sentence)
    }

    /** Asks the class's provisioner, which works outside of this controller. */
    function provision(claim: ClaimObject): void {
      const name = classOf(claim)
      if (!name) {
        // A default class that came after the claim is still given to it.
        const late = leavesClassOpen(claim) && defaultStorageClassOf(api.list<ClassObject>('storageclasses.storage.k8s.io'))
        if (late) {
          api.update<ClaimObject>('persistentvolumeclaims', { ...claim, spec: { ...claim.spec, storageClassName: late.metadata?.name } })
          return
        }
        const sentence = 'no persistent volumes available for this claim and no storage class is set'
        return events.record(claim, 'Normal', 'FailedBinding', sentence)
      }
      const found = api.find<ClassObject>('storageclasses.storage.k8s.io', undefined, name)
      if (!found) return events.record(claim, 'Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${name}" not found`)
      if (found.provisioner.startsWith('kubernetes.io/')) {
        return events.record(claim, 'Warning', 'ProvisioningFailed', `no volume plugin matched name: ${found.provisioner}`)
      }
      if (provisionerAnnotations.some((annotation) => claim.metadata?.annotations?.[annotation] !== found.provisioner)) {
        // The write brings the claim back here.
        return annotate(claim, Object.fromEntries(provisionerAnnotations.map((annotation) => [annotation, found.provisioner])))
      }
      const sentence = `Waiting for a volume to be created either by the external provisioner '${found.provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
      events.record(claim, 'Normal', 'ExternalProvisioning', sentence)
    }

    function annotate(claim: ClaimObject, annotations: Record<string, string>): void {
      const metadata = { ...claim.metadata, annotations: { ...claim.metadata?.annotations, ...annotations } }
      api.update<ClaimObject>('persistentvolumeclaims', { ...claim, metadata })
    }

    function syncNamed(claim: ClaimObject, volumeName: string): void {
      const volume = api.find<VolumeObject>('persistentvolumes', undefined, volumeName)
      if (!volume) return
      if (volume.spec?.claimRef && !isBoundTo(volume, claim)) {
        return events.record(claim, 'Warning', 'FailedBinding', `volume "${volumeName}" already bound to a different claim.`)
      }
      const wrong = mismatch(volume, claim)
      if (wrong && !volume.spec?.claimRef) {
        return events.record(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume "${volumeName}": ${wrong}`)
      }
      bind(volume, claim)
    }

    function syncBound(claim: ClaimObject): void {
      const volumeName = claim.spec?.volumeName ?? ''
      const volume = volumeName ? api.find<VolumeObject>('persistentvolumes', undefined, volumeName) : undefined
      if (!volume) return lose(claim, 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
      if (!volume.spec?.claimRef) return bind(volume, claim)
      if (!isBoundTo(volume, claim)) {
        return lose(claim, 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
      }
      bind(volume, claim)
    }

    function lose(claim: ClaimObject, reason: string, sentence: string): void {
      if (claim.status?.phase === 'Lost') return
      writeStatus(api, 'persistentvolumeclaims', claim, { ...claim.status, phase: 'Lost' })
      events.record(claim, 'Warning', reason, sentence)
    }

    /** Each half only where it is not done yet, so that it can be taken up again after any of its writes. */
    function bind(given: VolumeObject, claim: ClaimObject): void {
      const { namespace, name, uid, resourceVersion } = claim.metadata ?? {}
      let volume = given
      if (volume.spec?.claimRef?.uid !== uid) {
        const byHand = volume.spec?.claimRef !== undefined
        const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion }
        const annotations = { ...volume.metadata?.annotations, ...(byHand ? {} : { [boundByController]: 'yes' }) }
        volume = api.update<VolumeObject>('persistentvolumes', {
          ...volume,
          metadata: { ...volume.metadata, ...(Object.keys(annotations).length ? { annotations } : {}) },
          spec: { ...volume.spec, claimRef },
        })
      }
      setPhase(volume, 'Bound')
      let current = claim
      const volumeName = volume.metadata?.name ?? ''
      if (current.spec?.volumeName !== volumeName || !current.metadata?.annotations?.[bindCompleted]) {
        const annotations = {
          ...current.metadata?.annotations,
          [bindCompleted]: 'yes',
          ...(current.spec?.volumeName ? {} : { [boundByController]: 'yes' }),
        }
        current = api.update<ClaimObject>('persistentvolumeclaims', {
          ...current,
          metadata: { ...current.metadata, annotations },
          spec: { ...current.spec, volumeName },
        })
      }
      writeStatus(api, 'persistentvolumeclaims', current, {
        ...current.status,
        phase: 'Bound',
        accessModes: volume.spec?.accessModes,
        capacity: volume.spec?.capacity,
      })
    }

    function setPhase(volume: VolumeObject, phase: string, message?: string): void {
      if (volume.status?.phase === phase && volume.status.message === message) return
      const { message: _old, ...status } = volume.status ?? {}
      const next = { ...status, phase, lastPhaseTransitionTime: timestamp(clock.now()), ...(message ? { message } : {}) }
      writeStatus(api, 'persistentvolumes', volume, next)
    }

    function syncVolume(name: string): void {
      const volume = api.find<VolumeObject>('persistentvolumes', undefined, name)
      if (!volume || volume.metadata?.deletionTimestamp) return
      const reference = volume.spec?.claimRef
      if (!reference?.uid) return setPhase(volume, 'Available')
      const claim = api.find<ClaimObject>('persistentvolumeclaims', reference.namespace, reference.name ?? '')
      if (claim?.metadata?.uid === reference.uid) {
        if (!claim.metadata.annotations?.[bindCompleted]) claims.add(keyOf(claim))
        return
      }
      if (volume.status?.phase !== 'Failed') setPhase(volume, 'Released')
      reclaim(volume)
    }

    /** A released volume is kept, or deleted by who made it; nobody deletes one that was made by hand. */
    function reclaim(volume: VolumeObject): void {
      const policy = volume.spec?.persistentVolumeReclaimPolicy
      if (policy === 'Retain' || volume.metadata?.annotations?.[provisionedBy] || volume.status?.phase === 'Failed') return
      const current = api.find<VolumeObject>('persistentvolumes', undefined, volume.metadata?.name ?? '')
      if (!current) return
      if (policy === 'Recycle') {
        const sentence = 'the simulated cluster does not model the Recycle reclaim policy'
        setPhase(current, 'Failed', sentence)
        return events.record(current, 'Warning', 'VolumeFailedRecycle', sentence)
      }
      const sentence = `error getting deleter volume plugin for volume "${current.metadata?.name}": no deletable volume plugin matched`
      setPhase(current, 'Failed', sentence)
      events.record(current, 'Warning', 'VolumeFailedDelete', sentence)
    }
  },
}
