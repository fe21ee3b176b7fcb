import type { WatchEvent } from '../apiserver/api.ts'
import type { KubeObject, OwnerReference, ResourceName } from '../kubernetes.ts'
import { type Controller, type ControllerWorld, eachResource, workQueue } from './controller.ts'

const foreground = 'foregroundDeletion'
const orphan = 'orphan'
/** As upstream's cache of absent owners. */
const goneAtMost = 500

interface Place {
  readonly resource: ResourceName
  readonly namespace: string | undefined
  readonly name: string
}

/**
 * Deletes what nobody owns any more, and carries out foreground and orphan deletion. Follows upstream's pkg/controller/garbagecollector:
 * an object goes when every owner it names is gone.
 */
export const garbageCollector: Controller = {
  name: 'garbage-collector-controller',
  start(world) {
    const { api, clock } = world
    /** Owner's uid to the places of those that name it. */
    const dependents = new Map<string, Map<string, Place>>()
    const queue = workQueue('garbage-collector', clock, (key) => reconcile(JSON.parse(key) as Place))

    /** Owners that were seen to go: what names them is theirs even when their kind has gone with them. */
    const gone = new Set<string>()
    let started = false

    eachResource(api, ({ name }) => {
      if (name === 'events' || name.startsWith('events.')) return
      for (const object of api.list(name)) index(name, undefined, object)
      api.watch(name, (event) => observe(name, event))
      // An owner of this kind may have been looked for in vain.
      if (started) queueAll()
    })
    started = true
    if (world.fresh) queueAll()

    function queueAll(): void {
      for (const places of dependents.values()) for (const place of places.values()) queue.add(JSON.stringify(place))
    }

    function observe(resource: ResourceName, { type, object, previous }: WatchEvent): void {
      index(resource, previous, type === 'DELETED' ? undefined : object)
      const place = placeOf(resource, object)
      if (type === 'DELETED') {
        remember(object.metadata?.uid ?? '')
        for (const dependent of dependents.get(object.metadata?.uid ?? '')?.values() ?? []) queue.add(JSON.stringify(dependent))
        // An owner in foreground deletion may have waited for this one.
        for (const owner of object.metadata?.ownerReferences ?? []) {
          const at = ownerPlace(world, owner as OwnerReference, object.metadata?.namespace)
          if (at) queue.add(JSON.stringify(at))
        }
      } else if (object.metadata?.ownerReferences?.length || object.metadata?.deletionTimestamp) {
        if (object.metadata.deletionTimestamp || type === 'ADDED') queue.add(JSON.stringify(place))
      }
    }

    function index(resource: ResourceName, before: KubeObject | undefined, after: KubeObject | undefined): void {
      const object = after ?? before
      if (!object) return
      const place = placeOf(resource, object)
      const key = `${resource}/${place.namespace ?? ''}/${place.name}`
      for (const owner of before?.metadata?.ownerReferences ?? []) {
        const places = dependents.get(owner.uid)
        places?.delete(key)
        if (places?.size === 0) dependents.delete(owner.uid)
      }
      for (const owner of after?.metadata?.ownerReferences ?? []) {
        const places = dependents.get(owner.uid) ?? new Map<string, Place>()
        places.set(key, place)
        dependents.set(owner.uid, places)
      }
    }

    function reconcile(place: Place): void {
      const object = api.find(place.resource, place.namespace, place.name)
      if (!object) return
      if (object.metadata?.deletionTimestamp) return finish(place, object)
      const owners = (object.metadata?.ownerReferences ?? []) as OwnerReference[]
      if (owners.length === 0) return
      // A kind that nobody serves says nothing about its objects: upstream tries again until somebody does.
      if (owners.some((owner) => !gone.has(owner.uid) && !isServed(owner))) return
      const states = owners.map((owner) => ({ owner, found: findOwner(owner, place.namespace) }))
      if (states.every(({ found }) => !found)) {
        api.delete(place.resource, place.namespace, place.name, {
          propagationPolicy: 'Background',
          preconditions: { uid: object.metadata?.uid ?? '' },
        })
        return
      }
      const waiting = states.some(
        ({ owner, found }) =>
          owner.blockOwnerDeletion && found?.metadata?.deletionTimestamp && found.metadata.finalizers?.includes(foreground),
      )
      if (waiting && states.every(({ found }) => !found || found.metadata?.deletionTimestamp)) {
        api.delete(place.resource, place.namespace, place.name, {
          propagationPolicy: 'Foreground',
          preconditions: { uid: object.metadata?.uid ?? '' },
        })
      }
    }

    /** The object itself is being deleted: does what its finalizer of ours stands for, then takes the finalizer off. */
    function finish(place: Place, object: KubeObject): void {
      const finalizers = object.metadata?.finalizers ?? []
      const places = [...(dependents.get(object.metadata?.uid ?? '')?.values() ?? [])]
      if (finalizers.includes(orphan)) {
        for (const dependent of places) {
          const child = api.find(dependent.resource, dependent.namespace, dependent.name)
          if (!child) continue
          const left = child.metadata?.ownerReferences?.filter(({ uid }) => uid !== object.metadata?.uid)
          api.update(dependent.resource, { ...child, metadata: { ...child.metadata, ownerReferences: left } })
        }
        release(place, object, orphan)
      } else if (finalizers.includes(foreground)) {
        const blocking = places.filter((dependent) => {
          const child = api.find(dependent.resource, dependent.namespace, dependent.name)
          return child?.metadata?.ownerReferences?.some((owner) => owner.uid === object.metadata?.uid && owner.blockOwnerDeletion)
        })
        if (blocking.length === 0) release(place, object, foreground)
        else for (const dependent of blocking) queue.add(JSON.stringify(dependent))
      }
    }

    function release(place: Place, object: KubeObject, finalizer: string): void {
      const finalizers = object.metadata?.finalizers?.filter((name) => name !== finalizer)
      api.update(place.resource, { ...object, metadata: { ...object.metadata, finalizers } })
    }

    function isServed(owner: OwnerReference): boolean {
      return api.served().some(({ kind, apiVersion }) => kind === owner.kind && apiVersion === owner.apiVersion)
    }

    function remember(uid: string): void {
      gone.add(uid)
      const [oldest] = gone
      if (gone.size > goneAtMost && oldest !== undefined) gone.delete(oldest)
    }

    function findOwner(owner: OwnerReference, namespace: string | undefined): KubeObject | undefined {
      const at = ownerPlace(world, owner, namespace)
      const found = at && api.find(at.resource, at.namespace, at.name)
      return found?.metadata?.uid === owner.uid ? found : undefined
    }
  },
}

function placeOf(resource: ResourceName, object: KubeObject): Place {
  return { resource, namespace: object.metadata?.namespace, name: object.metadata?.name ?? '' }
}

function ownerPlace(world: ControllerWorld, owner: OwnerReference, namespace: string | undefined): Place | undefined {
  const resource = world.api.served().find(({ kind, apiVersion }) => kind === owner.kind && apiVersion === owner.apiVersion)
  return resource && { resource: resource.name, namespace: resource.namespaced ? namespace : undefined, name: owner.name }
}
