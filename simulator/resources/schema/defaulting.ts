import { type Fields, fieldOf, isFields, itemsOf, type Schema, valuesOf } from './schema.ts'

/**
 * A value with the defaults of its schema filled in, at every depth that exists in it; the very same value where there was nothing to do.
 * A null that the schema does not allow counts as absent. Follows apiextensions-apiserver's pkg/apiserver/schema/defaulting.
 */
export function withDefaults<T>(value: T, schema: Schema | undefined): T {
  if (!schema) return value
  if (Array.isArray(value)) return defaultedList(value, schema) as T
  return isFields(value) ? (defaultedFields(value, schema) as T) : value
}

function defaultedList(list: readonly unknown[], schema: Schema): readonly unknown[] {
  const items = itemsOf(schema)
  if (!items) return list
  const result = list.map((element) => withDefaults(isForbiddenNull(element, items) ? (items.default ?? element) : element, items))
  return result.every((element, index) => element === list[index]) ? list : result
}

function defaultedFields(fields: Fields, schema: Schema): Fields {
  let result = fields
  const set = (name: string, value: unknown) => {
    if (result[name] === value) return
    if (result === fields) result = { ...fields }
    if (value === undefined) delete result[name]
    else result[name] = value
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const value = fields[name]
    if (value === undefined || isForbiddenNull(value, property)) set(name, property.default)
  }
  const values = valuesOf(schema)
  for (const [name, value] of Object.entries(fields)) {
    if (values && !Object.hasOwn(schema.properties ?? {}, name) && isForbiddenNull(value, values)) set(name, values.default)
  }
  for (const [name, value] of Object.entries(result)) {
    const inner = fieldOf(schema, name)
    if (inner) set(name, withDefaults(value, inner))
  }
  return result
}

function isForbiddenNull(value: unknown, schema: Schema): boolean {
  return value === null && !schema.nullable && !schema['x-kubernetes-preserve-unknown-fields']
}
