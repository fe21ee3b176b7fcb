import type { KubeObject } from '../../kubernetes.ts'
import type { CustomKind, ResourceDefinition } from '../../resources/definition.ts'
import { parseQuantity, quantityFormatSentence } from '../../resources/quantity.ts'
import { prune } from '../../resources/schema/pruning.ts'
import { isObject } from '../patch/merge.ts'
import { messageFields, messageOf, messagesByKind, type WireField } from '../protobuf/wire-types.ts'
import { apiVersionOf } from '../registry/definitions.ts'
import { badRequest, invalid } from '../status.ts'
import { timeError } from './times.ts'

/** What has a type of its own: resources, and the reviews and requests that no store holds. */
type Typed = Pick<ResourceDefinition, 'group' | 'version' | 'kind' | 'custom'>
type Refuse = (why: string) => Error

export interface Conformed {
  readonly object: KubeObject
  /** `spec.replicaz`, in the order in which they were found. */
  readonly unknown: readonly string[]
}

/**
 * The object as Go's decoder would have it: fields that the type does not know and nulls are gone, and a value of another type is refused
 * (BadRequest). Kinds without a type pass as they are.
 */
export function conform(definition: Typed, object: KubeObject, refuse: Refuse = (why) => cannotHandle(definition, why)): Conformed {
  const message = messageOf(apiVersionOf(definition), definition.kind)
  if (!message) return definition.custom ? conformCustom(definition.custom, object, refuse) : { object, unknown: [] }
  const { apiVersion, kind, ...fields } = object
  const walk: Walk = { refuse, unknown: [] }
  const conformed = struct(message, fields, '', walk)
  return {
    object: { ...(apiVersion !== undefined && { apiVersion }), ...(kind !== undefined && { kind }), ...conformed },
    unknown: walk.unknown,
  }
}

/** A custom resource: metadata as everybody's, the rest as its schema has it. Values of another type are for its validation to refuse. */
function conformCustom({ schema }: CustomKind, object: KubeObject, refuse: Refuse): Conformed {
  const walk: Walk = { refuse, unknown: [] }
  const metadata = isObject(object.metadata) ? struct('meta.ObjectMeta', object.metadata, 'metadata', walk) : object.metadata
  const { value, dropped } = prune(object, schema)
  return { object: metadata === undefined ? value : { ...value, metadata }, unknown: [...walk.unknown, ...dropped] }
}

/** A patched object (JSON and merge patches) that is none of its type: upstream's jsonPatcher shows the whole of it. */
export function unreadablePatch(patched: KubeObject): Refuse {
  const text = JSON.stringify(JSON.stringify(patched))
  return (why) => invalid('', '', '', [{ reason: 'FieldValueInvalid', field: 'patch', message: `Invalid value: ${text}: ${why}` }])
}

/** Throws what strict field validation says, or returns the warnings of the lenient one. */
export function fieldWarnings(definition: ResourceDefinition, unknown: readonly string[], validation: string): string[] {
  const found = unknown.map((path) => `unknown field ${JSON.stringify(path)}`)
  if (validation === 'Ignore' || found.length === 0) return []
  if (validation === 'Strict') throw cannotHandle(definition, `strict decoding error: ${found.join(', ')}`)
  return found
}

const typeMeta = new Set(['apiVersion', 'kind'])
const embeddable = new Set(messagesByKind.values())

interface Walk {
  readonly refuse: Refuse
  readonly unknown: string[]
}

function cannotHandle({ kind, version }: Typed, why: string): Error {
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`)
}

function struct(message: string, value: Record<string, unknown>, path: string, walk: Walk): Record<string, unknown> {
  const fields = messageFields(message)
  const result: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    const field = fields.get(name)
    const at = path === '' ? name : `${path}.${name}`
    if (!field) {
      // An object inside another (a volume claim template) may say what it is, as any object.
      if (path !== '' && embeddable.has(message) && typeMeta.has(name) && typeof inner === 'string') result[name] = inner
      else walk.unknown.push(at)
    } else if (inner !== null && inner !== undefined) {
      const value = shaped(field, inner, at, walk)
      if (field.keepsZero || !isEmpty(field, value)) result[name] = value
    }
  }
  return result
}

/** What Go's `omitempty` leaves out: such a field comes back as if it had never been written. A struct is never empty. */
function isEmpty(field: WireField, value: unknown): boolean {
  if (field.list) return (value as unknown[]).length === 0
  if (field.map) return Object.keys(value as object).length === 0
  return value === false || value === 0 || (value === '' && (field.type === 's' || field.type === 'y'))
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
    case 'T':
    case 'U': {
      check(typeof value === 'string')
      const wrong = timeError(value as string, type === 'T' ? 'time' : 'micro')
      if (wrong) throw walk.refuse(wrong)
      return value
    }
    case 's':
    case 'y':
      // Go reads null as the zero value.
      return value === null && type === 's' ? '' : check(typeof value === 'string')
    case 'b':
      return check(typeof value === 'boolean')
    case 'i':
      if (typeof value === 'number' && !fits(field, value)) throw mismatch(field, value, goType(field), path, walk)
      return check(typeof value === 'number')
    case 'd':
      return check(typeof value === 'number')
    case 'Q':
      if (typeof value !== 'number') check(typeof value === 'string')
      if (!parseQuantity(value as string | number)) throw walk.refuse(quantityFormatSentence)
      return String(value)
    case 'I':
      if (typeof value === 'number' && !isInt32(value)) throw mismatch(field, value, 'int32', path, walk)
      return check(typeof value === 'string' || typeof value === 'number')
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

/** Whole numbers of 64 bits in the API types; all others have 32. */
const wide = new Set([
  'activeDeadlineSeconds',
  'deletionGracePeriodSeconds',
  'expirationSeconds',
  'fsGroup',
  'generation',
  'gid',
  'gracePeriodSeconds',
  'observedGeneration',
  'remainingItemCount',
  'revision',
  'runAsGroup',
  'runAsUser',
  'seconds',
  'sizeBytes',
  'startingDeadlineSeconds',
  'supplementalGroups',
  'terminationGracePeriodSeconds',
  'tolerationSeconds',
  'uid',
])

function isInt32(value: number): boolean {
  return value === (value | 0)
}

/** As Go's decoder; beyond 2^53 a number of JSON is not exact here, and is refused too. */
function fits({ name }: WireField, value: number): boolean {
  return wide.has(name) ? Number.isSafeInteger(value) : isInt32(value)
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

function goType({ type, name }: WireField): string {
  if (type === 'i' && wide.has(name)) return 'int64'
  return goTypes[type] ?? `v1.${type.slice(type.indexOf('.') + 1)}`
}

function mismatch(field: WireField, value: unknown, type: string, path: string, walk: Walk): Error {
  const found =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'array'
        : typeof value === 'boolean'
          ? 'bool'
          : typeof value === 'number' && (field.type === 'i' || field.type === 'I')
            ? `number ${value}`
            : typeof value
  // Go names the field and not the key of a map in it.
  const named = field.map ? path.slice(0, path.lastIndexOf(`.${field.name}`) + field.name.length + 1) : path
  const where = `${field.owner}.${named.replaceAll(/\[\d+\]/g, '')}`
  return walk.refuse(`json: cannot unmarshal ${found} into Go struct field ${where} of type ${type}`)
}
