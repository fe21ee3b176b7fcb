import type { ObjectMeta } from 'kubernetes-types/meta/v1'
import { type KubeObject, type ResourceName, timestamp } from '../../kubernetes.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import type { Store } from '../../store/store.ts'
import type { DeleteOptions } from '../api.ts'
import { badRequest, conflict } from '../status.ts'
import { resourceNameOf } from './definitions.ts'
import { hasGeneration } from './metadata.ts'
import type { RegistryWorld } from './world.ts'
import { written } from './writes.ts'

export interface Deleted {
  readonly object: KubeObject
  /** False: it stands with a deletionTimestamp until its finalizers are gone or the kubelet is done. */
  readonly removed: boolean
}

const foreground = 'foregroundDeletion'
const orphan = 'orphan'

/**
 * DELETE of one object: preconditions, grace period, finalizers, propagation policy (registry/rest.BeforeDelete and
 * registry/generic/registry.Store.Delete). What depends on the object is the garbage collector's work.
 */
export function deleteObject(
  world: RegistryWorld,
  definition: ResourceDefinition,
  object: KubeObject,
  options: DeleteOptions,
  dryRun: boolean,
): Deleted {
  const { store } = world
  const resource = resourceNameOf(definition)
  const metadata = object.metadata!
  checkPreconditions(definition, metadata, options)
  if (options.gracePeriodSeconds !== undefined && options.gracePeriodSeconds < 0) options = { ...options, gracePeriodSeconds: 1 }
  const now = world.clock.now()
  const grace = definition.gracePeriodSeconds?.(object, options.gracePeriodSeconds) ?? 0
  const finalizers = finalizersAfter(metadata.finalizers ?? [], options.propagationPolicy ?? defaultPolicy(definition, metadata))
  const held = finalizers.length > 0 || namespaceHeld(definition, object)

  let next = object
  if (definition.prepareForDelete && !metadata.deletionTimestamp) {
    next = withFinalizers(object, finalizers)
    next = definition.prepareForDelete(next, { now }) as KubeObject
    return { object: dryRun ? next : written(store, resource, next), removed: false }
  }
  if (metadata.deletionTimestamp) {
    const standing = metadata.deletionGracePeriodSeconds ?? 0
    if (grace < standing) {
      // A shorter wish counts from the first deletion, as if it had been made then.
      const asked = Date.parse(metadata.deletionTimestamp) - standing * 1000
      next = withMetadata(object, { deletionTimestamp: timestamp(asked + grace * 1000), deletionGracePeriodSeconds: grace })
    } else if (standing > 0) {
      return { object, removed: false }
    }
    next = withFinalizers(next, finalizers)
  } else if (grace > 0 || held) {
    const marks: ObjectMeta = {
      deletionTimestamp: timestamp(now + grace * 1000),
      deletionGracePeriodSeconds: grace,
      ...(hasGeneration(resource) && metadata.generation && { generation: metadata.generation + 1 }),
    }
    next = withMetadata(withFinalizers(object, finalizers), marks)
    if (resource === 'namespaces') {
      // As the namespaces' own registry does: a namespace ends through its phase, and carries no grace period.
      const { deletionGracePeriodSeconds: _none, ...kept } = next.metadata!
      next = { ...next, metadata: kept, status: { ...(object.status as object), phase: 'Terminating' } }
    }
  }

  if (grace > 0 || held) {
    if (next === object) return { object, removed: false }
    return { object: dryRun ? next : written(store, resource, next), removed: false }
  }
  if (dryRun) return { object, removed: true }
  return { object: store.remove(resource, metadata.namespace, metadata.name!) ?? object, removed: true }
}

function checkPreconditions(
  definition: ResourceDefinition,
  metadata: ObjectMeta,
  { preconditions, propagationPolicy }: DeleteOptions,
): void {
  const subject = { group: definition.group, resource: definition.plural, name: metadata.name! }
  if (preconditions?.uid && preconditions.uid !== metadata.uid) {
    throw conflict(subject, `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${metadata.uid}`)
  }
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      subject,
      `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`,
    )
  }
  if (propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)) {
    throw badRequest(
      `invalid DeleteOptions: propagationPolicy: Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Background", "Foreground", "Orphan", "nil"`,
    )
  }
}

/** What a finalizer of the object has decided already stands. */
function defaultPolicy({ orphansDependents }: ResourceDefinition, { finalizers = [] }: ObjectMeta): DeleteOptions['propagationPolicy'] {
  const decided = finalizers.includes(foreground) || finalizers.includes(orphan)
  return orphansDependents && !decided ? 'Orphan' : undefined
}

function finalizersAfter(finalizers: readonly string[], policy: DeleteOptions['propagationPolicy']): string[] {
  if (policy === undefined) return [...finalizers]
  const others = finalizers.filter((name) => name !== foreground && name !== orphan)
  if (policy === 'Foreground') return [...others, foreground]
  if (policy === 'Orphan') return [...others, orphan]
  return others
}

function withFinalizers(object: KubeObject, finalizers: string[]): KubeObject {
  const before = object.metadata!.finalizers ?? []
  if (before.length === finalizers.length && before.every((name, i) => name === finalizers[i])) return object
  return withMetadata(object, { finalizers: finalizers.length > 0 ? finalizers : undefined })
}

function withMetadata(object: KubeObject, more: ObjectMeta): KubeObject {
  return { ...object, metadata: { ...object.metadata, ...more } }
}

/** A namespace stands until its controller has emptied it and taken `kubernetes` from `spec.finalizers`. */
function namespaceHeld(definition: ResourceDefinition, object: KubeObject): boolean {
  if (definition.kind !== 'Namespace' || definition.group !== '') return false
  return ((object.spec as { finalizers?: string[] } | undefined)?.finalizers ?? []).length > 0
}

/**
 * Removes an object that only waited for its last finalizer and returns its last state; undefined where it is to stay
 * (registry/generic/registry.ShouldDeleteDuringUpdate).
 */
export function settled(store: Store, resource: ResourceName, object: KubeObject, dryRun: boolean | undefined): KubeObject | undefined {
  const metadata = object.metadata!
  if (!metadata.deletionTimestamp || metadata.finalizers?.length || (metadata.deletionGracePeriodSeconds ?? 0) > 0) return undefined
  if (resource === 'namespaces' && ((object.spec as { finalizers?: string[] } | undefined)?.finalizers ?? []).length > 0) return undefined
  if (dryRun) return object
  return store.remove(resource, metadata.namespace, metadata.name!)
}
