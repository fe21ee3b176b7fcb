import type { KubeObject } from '../../kubernetes.ts'
import type { CustomKind, ResourceDefinition } from '../../resources/definition.ts'
import { prune } from '../../resources/schema/pruning.ts'
import { isObject } from '../patch/merge.ts'
import { messageFields, messageOf, type WireField } from '../protobuf/wire-types.ts'
import { apiVersionOf } from '../registry/definitions.ts'
import { badRequest } from '../status.ts'

export interface Conformed {
  readonly object: KubeObject
  /** `spec.replicaz`, in the order in which they were found. */
  readonly unknown: readonly string[]
}

/**
 * The object as Go's decoder would have it: fields that the type does not know and nulls are gone, and a value of another type is refused
 * (BadRequest). Kinds without a type pass as they are.
 */
export function conform(definition: ResourceDefinition, object: KubeObject): Conformed {
  const message = messageOf(apiVersionOf(definition), definition.kind)
  if (!message) return definition.custom ? conformCustom(definition, definition.custom, object) : { object, unknown: [] }
  const { apiVersion, kind, ...fields } = object
  const walk: Walk = { definition, unknown: [] }
  const conformed = struct(message, fields, '', walk)
  return {
    object: { ...(apiVersion !== undefined && { apiVersion }), ...(kind !== undefined && { kind }), ...conformed },
    unknown: walk.unknown,
  }
}

/** A custom resource: metadata as everybody's, the rest as its schema has it. Values of another type are for its validation to refuse. */
function conformCustom(definition: ResourceDefinition, { schema }: CustomKind, object: KubeObject): Conformed {
  const walk: Walk = { definition, unknown: [] }
  const metadata = isObject(object.metadata) ? struct('meta.ObjectMeta', object.metadata, 'metadata', walk) : object.metadata
  const { value, dropped } = prune(object, schema)
  return { object: metadata === undefined ? value : { ...value, metadata }, unknown: [...walk.unknown, ...dropped] }
}

/** Throws what strict field validation says, or returns the warnings of the lenient one. */
export function fieldWarnings(definition: ResourceDefinition, unknown: readonly string[], validation: string): string[] {
  const found = unknown.map((path) => `unknown field ${JSON.stringify(path)}`)
  if (validation === 'Ignore' || found.length === 0) return []
  if (validation === 'Strict') throw cannotHandle(definition, `strict decoding error: ${found.join(', ')}`)
  return found
}

interface Walk {
  readonly definition: ResourceDefinition
  readonly unknown: string[]
}

function cannotHandle({ kind, version }: ResourceDefinition, why: string): Error {
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`)
}

function struct(message: string, value: Record<string, unknown>, path: string, walk: Walk): Record<string, unknown> {
  const fields = messageFields(message)
  const result: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    const field = fields.get(name)
    const at = path === '' ? name : `${path}.${name}`
    if (!field) walk.unknown.push(at)
    else if (inner !== null && inner !== undefined) result[name] = shaped(field, inner, at, walk)
  }
  return result
}

function shaped(field: WireField, value: unknown, path: string, walk: Walk): unknown {
  if (field.list) {
    if (!Array.isArray(value)) throw mismatch(field, value, `[]${goType(field)}`, path, walk)
    return value.map((element, i) => single(field, element, `${path}[${i}]`, walk))
  }
  if (field.map) {
    if (!isObject(value)) throw mismatch(field, value, `map[string]${goType(field)}`, path, walk)
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, single(field, entry, `${path}.${key}`, walk)]))
  }
  return single(field, value, path, walk)
}

function single(field: WireField, value: unknown, path: string, walk: Walk): unknown {
  const { type } = field
  const check = (right: boolean) => {
    if (!right) throw mismatch(field, value, goType(field), path, walk)
    return value
  }
  switch (type) {
    case 's':
    case 'T':
    case 'U':
    case 'y':
      // Go reads null as the zero value.
      return value === null && type === 's' ? '' : check(typeof value === 'string')
    case 'b':
      return check(typeof value === 'boolean')
    case 'i':
      return check(Number.isInteger(value))
    case 'd':
      return check(typeof value === 'number')
    case 'Q':
      return typeof value === 'number' ? String(value) : check(typeof value === 'string')
    case 'I':
      return check(typeof value === 'string' || Number.isInteger(value))
    case 'E':
      return check(Array.isArray(value) && value.every((item) => typeof item === 'string'))
    case 'R':
    case 'F':
      return check(isObject(value))
  }
  if (type === 'J') return value
  if (type === 'S') {
    if (typeof value === 'boolean') return value
    const schema = (one: unknown, at: string) => {
      if (!isObject(one)) throw mismatch(field, one, 'v1.JSONSchemaProps', at, walk)
      return struct('apiextensions.JSONSchemaProps', one, at, walk)
    }
    return Array.isArray(value) ? value.map((one, index) => schema(one, `${path}[${index}]`)) : schema(value, path)
  }
  if (value === null) return {}
  check(isObject(value))
  return struct(type, value as Record<string, unknown>, path, walk)
}

const goTypes: Record<string, string> = {
  s: 'string',
  b: 'bool',
  i: 'int32',
  d: 'float64',
  y: '[]uint8',
  T: 'v1.Time',
  U: 'v1.MicroTime',
  Q: 'resource.Quantity',
  I: 'intstr.IntOrString',
  E: '[]string',
  R: 'runtime.RawExtension',
  F: 'v1.FieldsV1',
}

function goType({ type }: WireField): string {
  return goTypes[type] ?? `v1.${type.slice(type.indexOf('.') + 1)}`
}

function mismatch(field: WireField, value: unknown, type: string, path: string, walk: Walk): Error {
  const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  const where = `${field.owner}.${path.replaceAll(/\[\d+\]/g, '')}`
  return cannotHandle(walk.definition, `json: cannot unmarshal ${found} into Go struct field ${where} of type ${type}`)
}
