import { isMessage, messageFields, messagesByKind, type WireField } from '../protobuf/wire-types.ts'

/** How a field merges: what the merge tags of the API types say (see wire-types.ts). */
export interface FieldMerge {
  /** Strategic merge patch: absent where a list is replaced and an object simply merges. */
  readonly patch?: 'merge' | 'merge,retainKeys' | 'retainKeys'
  /** The merge key of a list; absent for plain values. */
  readonly key?: string
  /** Server-side apply. */
  readonly list: 'map' | 'set' | 'atomic'
  readonly keys?: readonly string[]
  /** Values for keys that an element leaves out (`protocol` of a port). */
  readonly keyDefaults: Readonly<Record<string, string>>
  /** An object that is owned as a whole. */
  readonly atomic: boolean
}

const merges = new WeakMap<WireField, FieldMerge>()

export function mergeOf(field: WireField): FieldMerge {
  let merge = merges.get(field)
  if (!merge) merges.set(field, (merge = parse(field)))
  return merge
}

function parse(field: WireField): FieldMerge {
  const tags = tagsOf(field)
  const patch = ['merge', 'retainKeys'].filter((tag) => tags.has(tag)).join(',')
  const key = tags.get('merge')
  const keys = tags.get('keys')?.split('+')
  const elements = isMessage(field.type) ? messageFields(field.type) : undefined
  const keyDefaults = (keys ?? []).flatMap((name) => {
    const element = elements?.get(name)
    const value = element && tagsOf(element).get('default')
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...(patch && { patch: patch as FieldMerge['patch'] }),
    ...(key && { key }),
    list: keys ? 'map' : tags.has('set') ? 'set' : 'atomic',
    ...(keys && { keys }),
    keyDefaults: Object.fromEntries(keyDefaults),
    // Go's own types have no fields to tell: a time, an amount, a raw object.
    atomic: tags.has('atomic') || !(field.map || isMessage(field.type)),
  }
}

/** `merge=name,keys=name` by their names; undefined for those without a value. */
function tagsOf({ tags }: WireField): Map<string, string | undefined> {
  return new Map(
    tags.split(',').map((tag) => {
      const [name = '', value] = tag.split('=')
      return [name, value]
    }),
  )
}

/** What merges the list at a path, for one of the two kinds of patch. */
export interface ListStrategy {
  /** Undefined for a list of plain values that merges as a set. */
  readonly key: string | undefined
  /** Server-side apply's keys. */
  readonly applyKeys?: readonly string[]
  readonly keyDefaults?: Readonly<Record<string, unknown>>
}

interface Strategies {
  readonly patch: ListStrategy | undefined
  readonly apply: ListStrategy | undefined
}

const strategies = new WeakMap<WireField, Strategies>()
const none: Strategies = { patch: undefined, apply: undefined }

/** Strategic merge patch: the strategy of the list at `path` (field names, list indexes left out) of `kind`; undefined: replaced as a whole. */
export function listStrategy(kind: string, path: readonly string[]): ListStrategy | undefined {
  return strategiesAt(kind, path).patch
}

/** Server-side apply: likewise; undefined: atomic. */
export function applyStrategy(kind: string, path: readonly string[]): ListStrategy | undefined {
  return strategiesAt(kind, path).apply
}

/** Server-side apply: whether the object at `path` is owned as a whole. */
export function isAtomic(kind: string, path: readonly string[]): boolean {
  const field = fieldAt(kind, path)
  return field !== undefined && !field.list && mergeOf(field).atomic
}

/** Whether a map from names to values stands at `path`, rather than a struct. */
export function isMap(kind: string, path: readonly string[]): boolean {
  return fieldAt(kind, path)?.map ?? false
}

function strategiesAt(kind: string, path: readonly string[]): Strategies {
  const field = fieldAt(kind, path)
  if (!field?.list) return none
  let known = strategies.get(field)
  if (!known) {
    const { patch, key, list, keys, keyDefaults } = mergeOf(field)
    known = {
      patch: patch && { key },
      apply: list === 'map' ? { key: keys![0], applyKeys: keys!, keyDefaults } : list === 'set' ? { key: undefined } : undefined,
    }
    strategies.set(field, known)
  }
  return known
}

/** By kind alone: no two kinds of one name differ in how they merge. */
const roots = new Map([...messagesByKind].map(([name, message]) => [name.slice(name.lastIndexOf('/') + 1), message]))

/** Kinds without a message (custom resources) have metadata and nothing else that merges. */
function fieldAt(kind: string, path: readonly string[]): WireField | undefined {
  let message = roots.get(kind)
  let from = 0
  if (message === undefined) {
    if (path[0] !== 'metadata') return undefined
    message = 'meta.ObjectMeta'
    from = 1
  }
  const last = path.length - 1
  for (let i = from; i < last; i++) {
    const field = messageFields(message).get(path[i]!)
    if (field === undefined || !isMessage(field.type)) return undefined
    message = field.type
    if (field.map && ++i >= last) return undefined
  }
  return from > last ? undefined : messageFields(message).get(path[last]!)
}
