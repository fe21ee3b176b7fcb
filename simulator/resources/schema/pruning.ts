import { type Fields, fieldOf, isFields, itemsOf, objectFields, type Schema } from './schema.ts'

export interface Pruned<T> {
  /** The very same value where there was nothing to drop. */
  readonly value: T
  /** `spec.colour`, `spec.parts[0].size`: what was dropped, sorted. */
  readonly dropped: readonly string[]
}

/**
 * An object less the fields that its schema does not specify. Follows apiextensions-apiserver's pkg/apiserver/schema/pruning:
 * `x-kubernetes-preserve-unknown-fields` keeps what stands right below it and whatever that holds.
 */
export function prune<T extends Fields>(object: T, schema: Schema): Pruned<T> {
  const dropped: string[] = []
  const value = pruneFields(object, schema, '', true, dropped) as T
  return { value, dropped: dropped.sort() }
}

/** As `prune`, for a value that is no object of the API by itself: a default. */
export function pruneValue(value: unknown, schema: Schema): Pruned<unknown> {
  const dropped: string[] = []
  return { value: pruneAny(value, schema, '', dropped), dropped }
}

function pruneAny(value: unknown, schema: Schema | undefined, path: string, dropped: string[]): unknown {
  if (Array.isArray(value)) return pruneList(value, schema, path, dropped)
  return isFields(value) ? pruneFields(value, schema, path, schema?.['x-kubernetes-embedded-resource'] === true, dropped) : value
}

function pruneList(list: readonly unknown[], schema: Schema | undefined, path: string, dropped: string[]): readonly unknown[] {
  if (schema?.['x-kubernetes-preserve-unknown-fields'] && !itemsOf(schema)) return list
  const items = itemsOf(schema)
  const pruned = list.map((element, index) => pruneAny(element, items, `${path}[${index}]`, dropped))
  return pruned.every((element, index) => element === list[index]) ? list : pruned
}

function pruneFields(fields: Fields, schema: Schema | undefined, path: string, isObject: boolean, dropped: string[]): Fields {
  let result = fields
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || (isObject && objectFields.has(name))) continue
    const at = path === '' ? name : `${path}.${name}`
    const inner = fieldOf(schema, name)
    if (!inner && schema?.['x-kubernetes-preserve-unknown-fields']) continue
    if (!inner && !schema?.additionalProperties) {
      if (result === fields) result = { ...fields }
      delete result[name]
      dropped.push(at)
      continue
    }
    const pruned = pruneAny(value, inner, at, dropped)
    if (pruned === value) continue
    if (result === fields) result = { ...fields }
    result[name] = pruned
  }
  return result
}
