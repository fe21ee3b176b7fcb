import type { FieldError } from '../definition.ts'
import { duplicate, invalid } from '../fields.ts'
import { fieldOf, isFields, itemsOf, type Schema } from './schema.ts'

/** Lists of type `set` and `map` may not hold the same twice (pkg/apiserver/schema/listtype). */
export function listTypeErrors(value: unknown, schema: Schema | undefined, path = ''): FieldError[] {
  if (!schema) return []
  if (Array.isArray(value)) {
    const errors = repeated(value, schema, path)
    const items = itemsOf(schema)
    for (const [index, element] of value.entries()) errors.push(...listTypeErrors(element, items, `${path}[${index}]`))
    return errors
  }
  if (!isFields(value)) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const isProperty = schema.properties !== undefined && Object.hasOwn(schema.properties, name)
    const at = isProperty ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`
    return listTypeErrors(inner, fieldOf(schema, name), at)
  })
}

function repeated(list: readonly unknown[], schema: Schema, path: string): FieldError[] {
  if (schema['x-kubernetes-list-type'] === 'set') return repeats(list).map((index) => duplicate(`${path}[${index}]`, list[index]))
  if (schema['x-kubernetes-list-type'] !== 'map') return []
  const odd = list.findIndex((element) => element !== null && !isFields(element))
  if (odd >= 0) return [invalid(`${path}[${odd}]`, list[odd], 'must be an object for an array of list-type map')]
  const names = schema['x-kubernetes-list-map-keys'] ?? []
  const keys = list.map((element) =>
    isFields(element) ? Object.fromEntries(names.filter((name) => element[name] !== undefined).map((name) => [name, element[name]])) : {},
  )
  return repeats(keys).map((index) => duplicate(`${path}[${index}]`, keys[index]))
}

/** Where something stands the second time; later repeats of the same say nothing new. */
function repeats(list: readonly unknown[]): number[] {
  const seen = new Map<string, number>()
  return list.flatMap((element, index) => {
    const key = JSON.stringify(element)
    const times = (seen.get(key) ?? 0) + 1
    seen.set(key, times)
    return times === 2 ? [index] : []
  })
}
