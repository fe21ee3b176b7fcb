import { type Fields, isFields, itemsOf, type Schema, valuesOf } from './schema.ts'

/** Words of CEL that a field can only be named by in underscores (`self.__namespace__`). */
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)
const escapes: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }

/** A field's name as an identifier of CEL (k8s.io/apiserver/pkg/cel/escaping.go). */
export function celName(name: string): string {
  return reserved.has(name) ? `__${name}__` : name.replaceAll(/__|[./-]/g, (found) => escapes[found]!)
}

/**
 * A value as the rules at its schema see it: integers are ints, fields have their CEL names, times are timestamps. Fields that the schema does not
 * specify are not there. `root` is true for an object of the API, of whose metadata only the names can be seen.
 */
export function celValue(value: unknown, schema: Schema | undefined, root = false): unknown {
  if (typeof value === 'number') return schema?.type !== 'number' && Number.isInteger(value) ? BigInt(value) : value
  if (typeof value === 'string') return schema?.format === 'date' || schema?.format === 'date-time' ? new Date(value) : value
  if (Array.isArray(value)) return value.map((element) => celValue(element, itemsOf(schema)))
  if (!isFields(value)) return value
  const result: Fields = {}
  const values = valuesOf(schema)
  for (const [name, inner] of Object.entries(value)) {
    const property = schema?.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
    if (property) result[celName(name)] = celValue(inner, property)
    // Keys of a map are data, not identifiers.
    else if (values || schema === undefined) result[name] = celValue(inner, values)
  }
  if (root) {
    const { name, generateName } = (value['metadata'] ?? {}) as { name?: string; generateName?: string }
    result['apiVersion'] = value['apiVersion']
    result['kind'] = value['kind']
    result['metadata'] = { ...(name !== undefined && { name }), ...(generateName !== undefined && { generateName }) }
  }
  return result
}
