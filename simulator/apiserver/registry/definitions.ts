import type { KubeObject, ResourceName } from '../../kubernetes.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import { isObject } from '../patch/merge.ts'
import { badRequest, methodNotAllowed, unknownResource } from '../status.ts'

export function resourceNameOf(definition: { group: string; plural: string }): ResourceName {
  return definition.group ? `${definition.plural}.${definition.group}` : definition.plural
}

export function apiVersionOf(definition: { group: string; version: string }): string {
  return definition.group ? `${definition.group}/${definition.version}` : definition.version
}

export const defaultVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const

export function allows(definition: ResourceDefinition, verb: string): boolean {
  return (definition.verbs ?? defaultVerbs).includes(verb)
}

/** Throws MethodNotAllowed where the kind does not offer the verb. */
export function requireVerb(definition: ResourceDefinition, verb: string): void {
  if (allows(definition, verb)) return
  if (definition.custom?.terminating) throw methodNotAllowed(`${verb} not allowed while custom resource definition is terminating`)
  throw methodNotAllowed()
}

/** What the store holds, as this version of the kind shows it. */
export function presented(definition: ResourceDefinition, stored: KubeObject): KubeObject {
  if (definition.conversion) return definition.conversion.fromStored(stored)
  return definition.custom ? definition.custom.present(stored) : stored
}

/** Whether what the store holds is what this version shows. */
export function isShownAsStored(definition: ResourceDefinition): boolean {
  return !definition.custom && !definition.conversion
}

/** The object in the version that the store holds. Throws BadRequest where it cannot be converted. */
export function converted({ conversion, kind, version }: ResourceDefinition, object: KubeObject): KubeObject {
  if (!conversion) return object
  try {
    return conversion.toStored(object)
  } catch (error) {
    throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${(error as Error).message}`)
  }
}

/** How the store is to hold it. */
export function storable(definition: ResourceDefinition, object: KubeObject): KubeObject {
  const apiVersion = definition.custom?.storedAs
  return apiVersion === undefined || object.apiVersion === apiVersion ? object : { ...object, apiVersion }
}

/** What is served now, found by name or by path. Where a kind stands in several versions, the first is the one that is stored. */
export interface Definitions {
  /** The same array for as long as the same kinds are served. */
  readonly all: readonly ResourceDefinition[]
  /** Throws NotFound. */
  named(resource: ResourceName): ResourceDefinition
  find(resource: ResourceName): ResourceDefinition | undefined
  at(group: string, version: string, plural: string): ResourceDefinition | undefined
}

interface Index {
  readonly all: readonly ResourceDefinition[]
  readonly byName: ReadonlyMap<ResourceName, ResourceDefinition>
  readonly byPath: ReadonlyMap<string, ResourceDefinition>
}

const nothing: readonly ResourceDefinition[] = []

/** `custom` gives what is served besides; as long as it gives the same array, nothing is looked at again. */
export function createDefinitions(
  builtIn: readonly ResourceDefinition[],
  custom: () => readonly ResourceDefinition[] = () => nothing,
): Definitions {
  const own = indexOf(builtIn)
  let known: readonly ResourceDefinition[] = nothing
  let current = own
  const now = (): Index => {
    const besides = custom()
    if (besides.length === 0) return own
    if (besides !== known) [known, current] = [besides, indexOf([...builtIn, ...besides])]
    return current
  }
  return {
    get all() {
      return now().all
    },
    find: (resource) => own.byName.get(resource) ?? now().byName.get(resource),
    named: (resource) => {
      const definition = own.byName.get(resource) ?? now().byName.get(resource)
      if (!definition) throw unknownResource()
      return definition
    },
    at: (group, version, plural) => {
      const path = `${group}/${version}/${plural}`
      return own.byPath.get(path) ?? now().byPath.get(path)
    },
  }
}

function indexOf(all: readonly ResourceDefinition[]): Index {
  const byName = new Map<ResourceName, ResourceDefinition>()
  const byPath = new Map<string, ResourceDefinition>()
  for (const definition of all) {
    const name = resourceNameOf(definition)
    if (!byName.has(name)) byName.set(name, definition)
    byPath.set(`${definition.group}/${definition.version}/${definition.plural}`, definition)
  }
  return { all, byName, byPath }
}

/** The object with the kind's own apiVersion and kind; BadRequest where it claims to be something else. */
export function typed(definition: ResourceDefinition, object: KubeObject): KubeObject {
  for (const field of ['apiVersion', 'kind'] as const) {
    const value = object[field] as unknown
    if (value === undefined || typeof value === 'string') continue
    throw badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonType(value)} into Go struct field .${field} of type string`,
    )
  }
  checkMetadata(object.metadata)
  const apiVersion = apiVersionOf(definition)
  if (object.apiVersion === apiVersion && object.kind === definition.kind) return object
  if (object.apiVersion !== undefined && object.apiVersion !== '' && object.apiVersion !== apiVersion) {
    throw badRequest(`the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersion})`)
  }
  if (object.kind !== undefined && object.kind !== '' && object.kind !== definition.kind) {
    throw badRequest(
      `${object.kind} in version "${definition.version}" cannot be handled as a ${definition.kind}: no kind "${object.kind}"`,
    )
  }
  const { apiVersion: _version, kind: _kind, ...rest } = object
  return { apiVersion, kind: definition.kind, ...rest }
}

/** Metadata has the same types in every kind, so what does not decode is refused here, as Go's decoder does. */
function checkMetadata(metadata: unknown): void {
  if (metadata === undefined) return
  if (!isObject(metadata)) throw cannotDecode(metadata, '', 'v1.ObjectMeta')
  for (const field of ['name', 'generateName', 'namespace', 'resourceVersion', 'uid'] as const) {
    const value = metadata[field]
    if (value !== undefined && value !== null && typeof value !== 'string') throw cannotDecode(value, field, 'string')
  }
  for (const field of ['labels', 'annotations'] as const) {
    const value = metadata[field]
    if (value === undefined || value === null) continue
    if (!isObject(value)) throw cannotDecode(value, field, 'map[string]string')
    for (const inner of Object.values(value)) if (typeof inner !== 'string') throw cannotDecode(inner, field, 'string')
  }
  for (const [field, element] of [
    ['finalizers', 'string'],
    ['ownerReferences', 'v1.OwnerReference'],
    ['managedFields', 'v1.ManagedFieldsEntry'],
  ] as const) {
    const value = metadata[field]
    if (value === undefined || value === null) continue
    if (!Array.isArray(value)) throw cannotDecode(value, field, `[]${element}`)
    for (const inner of value) {
      if (element === 'string' ? typeof inner !== 'string' : !isObject(inner)) throw cannotDecode(inner, field, element)
    }
  }
}

function jsonType(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
}

function cannotDecode(value: unknown, field: string, type: string): Error {
  const found = jsonType(value)
  return badRequest(`json: cannot unmarshal ${found} into Go struct field ObjectMeta.metadata${field && `.${field}`} of type ${type}`)
}
