import type { ObjectMeta } from 'kubernetes-types/meta/v1'
import { sameBut, sameJson } from '../../json.ts'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import type { FieldError, ResourceDefinition, StrategyContext } from '../../resources/definition.ts'
import type { AdmissionRequest } from '../admission/admission.ts'
import { defaultAdmission } from '../admission/defaults.ts'
import type { DeleteOptions, PatchOptions } from '../api.ts'
import { customDefinitions } from '../extensions/served.ts'
import { jsonPatch } from '../patch/json.ts'
import { isObject, mergePatch } from '../patch/merge.ts'
import { strategicPatch } from '../patch/strategic.ts'
import {
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  modified,
  notFound,
  unknownError,
  unknownResource,
  unsupportedMediaType,
} from '../status.ts'
import { converted, createDefinitions, type Definitions, presented, requireVerb, resourceNameOf, storable, typed } from './definitions.ts'
import { type Deleted, deleteObject, settled } from './deletion.ts'
import { applyPatch, ownership, scaleOwnership } from './managed-fields.ts'
import { hasGeneration, metadataErrors, metadataUpdateErrors } from './metadata.ts'
import { type RegistryWorld, type RequestContext, strategyContext } from './world.ts'
import { written } from './writes.ts'

/**
 * The generic registry: what kube-apiserver's `registry/generic` does for every kind, over the definitions of the kinds.
 * Synchronous; every refusal is a StatusError; objects given and returned are never changed afterwards.
 */
export interface Registry {
  readonly world: RegistryWorld
  readonly definitions: Definitions
  find(definition: ResourceDefinition, namespace: string | undefined, name: string): KubeObject | undefined
  get(definition: ResourceDefinition, namespace: string | undefined, name: string): KubeObject
  create(definition: ResourceDefinition, object: KubeObject, context: RequestContext): KubeObject
  /** `subresource` is `status`, `approval`, `finalize`, `ephemeralcontainers`, `scale` or absent. */
  update(definition: ResourceDefinition, object: KubeObject, context: RequestContext, subresource?: string): KubeObject
  /** `created` where server-side apply made the object. */
  patch(
    definition: ResourceDefinition,
    namespace: string | undefined,
    name: string,
    patch: unknown,
    options: PatchOptions,
    context: RequestContext,
  ): { object: KubeObject; created: boolean }
  delete(
    definition: ResourceDefinition,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions,
    context: RequestContext,
  ): Deleted
}

/** Kinds that a PUT to a missing name creates (AllowCreateOnUpdate). */
const createdByUpdate = new Set(['endpoints', 'events', 'leases.coordination.k8s.io', 'limitranges'])
const suffixLength = 5
const longestBase = 63 - suffixLength
/** As upstream since 1.32: how often a generated name that is taken is drawn anew. */
const nameDraws = 8

export function createRegistry(world: RegistryWorld): Registry {
  const { store } = world
  const definitions = createDefinitions(world.definitions, () => customDefinitions(store))
  const admission = world.admission ?? defaultAdmission
  const list: StrategyContext['list'] = <T>(resource: string, namespace?: string) => store.list(resource, namespace) as readonly T[]
  const contextNow = () => strategyContext(world, list)

  const stored = (definition: ResourceDefinition, namespace: string | undefined, name: string) =>
    store.get(resourceNameOf(definition), scope(definition, namespace), name)
  const put = (definition: ResourceDefinition, object: KubeObject) =>
    presented(definition, written(store, resourceNameOf(definition), storable(definition, object)))

  const find: Registry['find'] = (definition, namespace, name) => {
    const found = stored(definition, namespace, name)
    return found && presented(definition, found)
  }
  const get: Registry['get'] = (definition, namespace, name) => {
    const object = find(definition, namespace, name)
    if (!object) throw notFound({ group: definition.group, resource: definition.plural, name })
    return object
  }

  function mutated(request: Omit<AdmissionRequest, 'object'> & { object: KubeObject }, context: StrategyContext): KubeObject {
    let object = request.object
    for (const plugin of admission) if (plugin.mutate) object = plugin.mutate({ ...request, object }, context)
    return object
  }

  function admitted(request: AdmissionRequest, context: StrategyContext): void {
    for (const plugin of admission) plugin.validate?.(request, context)
  }

  const create: Registry['create'] = (definition, given, who) => {
    const { conversion } = definition
    if (conversion) return conversion.fromStored(create(conversion.stored, converted(definition, typed(definition, given)), who))
    if (definition.custom?.terminating) requireVerb(definition, 'create')
    const resource = resourceNameOf(definition)
    const context = contextNow()
    const incoming = typed(definition, given)
    if (incoming.metadata?.resourceVersion) throw unknownError('resourceVersion should not be set on objects to be created')
    const namespace = scope(definition, incoming.metadata?.namespace)
    const generated = !incoming.metadata?.name && Boolean(incoming.metadata?.generateName)

    for (let draw = 1; ; draw++) {
      const name = generated
        ? `${incoming.metadata!.generateName!.slice(0, longestBase)}${world.random.suffix(suffixLength)}`
        : (incoming.metadata?.name ?? '')
      const existing = name ? store.get(resource, namespace, name) : undefined
      if (generated && existing && draw < nameDraws) continue

      const metadata: ObjectMeta = {
        ...withoutEmpty(clientMetadata(incoming.metadata)),
        name,
        ...(namespace && { namespace }),
        uid: world.random.uuid(),
        creationTimestamp: timestamp(context.now),
        ...(hasGeneration(resource) && { generation: 1 }),
      }

      let object: KubeObject = { ...incoming, metadata }
      const request = {
        operation: 'CREATE' as const,
        definition,
        resource,
        subresource: undefined,
        namespace,
        name,
        previous: undefined,
        user: who.user,
      }
      // Nothing may be said about an object in a namespace that is not there, not even that it is invalid: NamespaceLifecycle comes first.
      object = mutated({ ...request, object }, context)
      object = definition.prepareForCreate?.(object, context) ?? object
      object = definition.defaults?.(object, context) ?? object
      if (resource === 'namespaces') object = withNamespaceFinalizer(object)
      const errors = [...metadataErrors(resource, object.metadata!), ...(definition.validate?.(object, context) ?? [])]
      if (errors.length > 0) throw invalid(definition.group, definition.kind, name, errors)
      admitted({ ...request, object }, context)
      if (existing) throw alreadyExists({ group: definition.group, resource: definition.plural, name })
      object = ownership(undefined, object, definition, who, undefined, context.now)
      return who.dryRun ? object : put(definition, object)
    }
  }

  const update: Registry['update'] = (definition, given, who, subresource) => {
    const { conversion } = definition
    if (conversion) {
      return conversion.fromStored(update(conversion.stored, converted(definition, typed(definition, given)), who, subresource))
    }
    const incoming = typed(definition, given)
    const name = incoming.metadata?.name ?? ''
    const namespace = scope(definition, incoming.metadata?.namespace)
    const resource = resourceNameOf(definition)
    const previous = name ? find(definition, namespace, name) : undefined
    if (!previous) {
      if (name && createdByUpdate.has(resource) && !subresource) return create(definition, withoutVersion(incoming), who)
      throw notFound({ group: definition.group, resource: definition.plural, name })
    }
    return write(definition, incoming, previous, who, subresource, subresource === 'scale' ? scaleOwnership : ownership)
  }

  function write(
    definition: ResourceDefinition,
    incoming: KubeObject,
    previous: KubeObject,
    who: RequestContext,
    subresource: string | undefined,
    own = ownership,
  ): KubeObject {
    const resource = resourceNameOf(definition)
    const context = contextNow()
    const before = previous.metadata!
    const name = before.name!
    const subject = { group: definition.group, resource: definition.plural, name }
    if (incoming.metadata?.uid && incoming.metadata.uid !== before.uid) {
      throw conflict(subject, `Precondition failed: UID in precondition: ${incoming.metadata.uid}, UID in object meta: ${before.uid}`)
    }
    if (incoming.metadata?.resourceVersion && incoming.metadata.resourceVersion !== before.resourceVersion) throw modified(subject)

    const metadata: ObjectMeta = withoutEmpty({ ...incoming.metadata })
    for (const field of systemFields) {
      if (before[field] === undefined) delete metadata[field]
      else (metadata as Record<string, unknown>)[field] = before[field]
    }

    // A client may edit the record of owners (kubectl does, to take over from client-side apply), but not from a stale copy.
    const fresh = subresource === undefined && incoming.metadata?.resourceVersion !== undefined
    const managedFields = (fresh ? incoming.metadata?.managedFields : undefined) ?? before.managedFields
    if (managedFields?.length) metadata.managedFields = managedFields
    else delete metadata.managedFields

    let object = merged(definition, { ...incoming, metadata }, previous, subresource)
    const request = {
      operation: 'UPDATE' as const,
      definition,
      resource,
      subresource,
      namespace: before.namespace,
      name,
      previous,
      user: who.user,
    }
    object = mutated({ ...request, object }, context)
    let errors: FieldError[] = []
    if (subresource === 'status') {
      object = definition.prepareForStatusUpdate?.(object, previous, context) ?? object
      errors = definition.validateStatusUpdate?.(object, previous, context) ?? []
    } else if (subresource === 'ephemeralcontainers') {
      object = definition.defaults?.(object, context) ?? object
      errors = definition.validateEphemeralContainers?.(object, previous, context) ?? []
    } else if (subresource === 'approval') {
      object = definition.approval!.prepare(object, previous, context)
      errors = definition.approval!.validate(object, previous, context)
    } else if (!subresource || subresource === 'scale') {
      object = definition.prepareForUpdate?.(object, previous, context) ?? object
      object = definition.defaults?.(object, context) ?? object
      errors = definition.validateUpdate?.(object, previous, context) ?? definition.validate?.(object, context) ?? []
    }
    if (!sameJson(object.metadata, previous.metadata)) {
      errors = [...metadataErrors(resource, object.metadata!), ...metadataUpdateErrors(object.metadata!, before), ...errors]
    }
    if (errors.length > 0) throw invalid(definition.group, definition.kind, name, errors)
    admitted({ ...request, object }, context)

    // Without the subresource, a custom resource's status is a field as any other.
    const unversioned = definition.custom && !definition.status ? ['metadata'] : ['metadata', 'status']
    if (hasGeneration(resource) && before.generation !== undefined && !sameBut(object, previous, unversioned)) {
      object = { ...object, metadata: { ...object.metadata, generation: before.generation + 1 } }
    }
    object = own(previous, object, definition, who, subresource, context.now)
    // A write that changes nothing is none: no revision, no event. One that only brings the stored version up to date is one.
    const unchanged = definition.custom
      ? sameJson(storable(definition, object), stored(definition, before.namespace, name))
      : sameJson(object, previous)
    if (unchanged) return settled(store, resource, previous, who.dryRun) ?? previous
    if (who.dryRun) return object
    return settled(store, resource, object, false) ?? put(definition, object)
  }

  const patch: Registry['patch'] = (shownAs, namespace, name, body, options, who) => {
    // Whatever version is patched, what is written and owned is the stored one.
    const definition = shownAs.conversion?.stored ?? shownAs
    const shown = (object: KubeObject) => presented(shownAs, object)
    const previous = find(definition, namespace, name)
    if (options.subresource === 'status' && !definition.status) throw unknownResource()
    const manager = { ...who, ...(options.fieldManager !== undefined && { fieldManager: options.fieldManager }) }
    if (options.type === 'apply') {
      const applied = applyPatch(
        definition,
        previous,
        isObject(body) && who.decode ? converted(shownAs, who.decode(body as KubeObject)) : body,
        { name, namespace: scope(definition, namespace) },
        options,
        manager,
        world.clock.now(),
      )
      if (!previous) {
        if (options.subresource) throw notFound({ group: definition.group, resource: definition.plural, name })
        const made = create(definition, applied.object, { ...manager, dryRun: true })
        const object = applied.own(made)
        return { object: shown(who.dryRun ? object : put(definition, object)), created: true }
      }
      const object = write(definition, applied.object, previous, manager, options.subresource, (_before, after) => applied.own(after))
      return { object: shown(object), created: false }
    }
    if (!previous) throw notFound({ group: definition.group, resource: definition.plural, name })
    if (options.type === 'strategic' && definition.custom) {
      throw unsupportedMediaType(
        'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
      )
    }
    let next: unknown
    const before = presented(shownAs, previous)
    if (options.type === 'json') next = jsonPatch(before, body)
    else if (options.type === 'merge') next = mergePatch(before, body)
    else next = strategicPatch(before, body, definition.kind)
    if (!isObject(next)) throw badRequest('the patch does not leave an object')
    const object = converted(shownAs, typed(shownAs, who.decode?.(next as KubeObject) ?? (next as KubeObject)))
    if (object.metadata !== undefined && !isObject(object.metadata)) throw badRequest('metadata must be an object')
    if (object.metadata?.name !== name) {
      throw badRequest(`the name of the object (${object.metadata?.name ?? ''}) does not match the name on the URL (${name})`)
    }
    return { object: shown(write(definition, object, previous, manager, options.subresource)), created: false }
  }

  const remove: Registry['delete'] = (definition, namespace, name, options, who) => {
    const object = get(definition, namespace, name)
    const resource = resourceNameOf(definition)
    admitted(
      {
        operation: 'DELETE',
        definition,
        resource,
        subresource: undefined,
        namespace: scope(definition, namespace),
        name,
        object: undefined,
        previous: object,
        user: who.user,
      },
      contextNow(),
    )
    const deleted = deleteObject(world, definition, stored(definition, namespace, name) ?? object, options, who.dryRun ?? false)
    return { ...deleted, object: presented(definition, deleted.object) }
  }

  return { world, definitions, find, get, create, update, patch, delete: remove }
}

/** Metadata that only the server writes. */
const systemFields = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
  'generateName',
] as const

/** Empty maps and lists are not kept, as Go's `omitempty` has it. */
function withoutEmpty(metadata: ObjectMeta): ObjectMeta {
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    const value = metadata[field]
    if (value === null || (value && Object.keys(value).length === 0)) delete metadata[field]
  }
  return metadata
}

/** Which parts of what the client sent count, by subresource. */
function merged(definition: ResourceDefinition, incoming: KubeObject, previous: KubeObject, subresource: string | undefined): KubeObject {
  switch (subresource) {
    case undefined:
    case 'scale': {
      if (!definition.status) return incoming
      const object = { ...incoming }
      if (previous.status === undefined) delete object.status
      else object.status = previous.status
      // Only the finalize subresource ends a namespace.
      if (definition.kind === 'Namespace' && definition.group === '') object.spec = previous.spec
      return object
    }
    case 'status': {
      if (!definition.status) throw unknownResource()
      const object: KubeObject = { ...previous, metadata: incoming.metadata! }
      if (incoming.status === undefined) delete object.status
      else object.status = incoming.status
      return object
    }
    case 'approval': {
      if (!definition.approval) throw unknownResource()
      return { ...previous, metadata: incoming.metadata!, status: incoming.status }
    }
    case 'finalize': {
      if (definition.kind !== 'Namespace') throw unknownResource()
      return { ...previous, spec: incoming.spec }
    }
    case 'ephemeralcontainers': {
      if (definition.kind !== 'Pod') throw unknownResource()
      const ephemeralContainers = (incoming.spec as { ephemeralContainers?: unknown } | undefined)?.ephemeralContainers
      return { ...previous, spec: { ...(previous.spec as object), ephemeralContainers } }
    }
    default:
      throw unknownResource()
  }
}

function scope(definition: ResourceDefinition, namespace: string | undefined): string | undefined {
  if (!definition.namespaced) return undefined
  if (!namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  return namespace
}

function withoutVersion(object: KubeObject): KubeObject {
  const { resourceVersion: _version, uid: _uid, ...metadata } = object.metadata ?? {}
  return { ...object, metadata }
}

/** Every namespace starts with `kubernetes` among its finalizers, so that its controller can empty it before it goes. */
function withNamespaceFinalizer(object: KubeObject): KubeObject {
  const spec = (object.spec ?? {}) as { finalizers?: string[] }
  if (spec.finalizers?.includes('kubernetes')) return object
  return { ...object, spec: { ...spec, finalizers: [...(spec.finalizers ?? []), 'kubernetes'] } }
}

/** Metadata of a new object as far as a client has a say in it. */
function clientMetadata(metadata: ObjectMeta | undefined): ObjectMeta {
  const {
    namespace: _namespace,
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    selfLink: _link,
    generation: _generation,
    managedFields: _fields,
    resourceVersion: _version,
    ...rest
  } = metadata ?? {}
  return rest
}
