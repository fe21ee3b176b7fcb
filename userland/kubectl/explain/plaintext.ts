import { referenced, type Schema, type Schemas, valuesOf } from './schema.ts'
import { indent, wrap } from './wrap.ts'

type Seen = ReadonlySet<string>
const none: Seen = new Set()

/**
 * What `explain` prints of the field at `path` below `root`, as kubectl's template plaintext.tmpl does; empty where there is no such field.
 */
export function explained(root: Schema, path: readonly string[], schemas: Schemas, recursive: boolean): string {
  return output(root, path, schemas, recursive, none)
}

function output(schema: Schema, path: readonly string[], schemas: Schemas, recursive: boolean, seen: Seen): string {
  const resolved = referenced(schema, schemas) ?? schema
  const [name, ...rest] = path
  if (name === undefined) {
    const fields = fieldList(resolved, 1, schemas, recursive, none)
    const text = description(resolved, schemas) || '<empty>'
    return `DESCRIPTION:\n${indent(wrap(text, 76), 4)}\n${fields && `FIELDS:\n${fields}`}`
  }
  if (schema.$ref && seen.has(schema.$ref)) return ''
  const next = schema.$ref ? new Set([...seen, schema.$ref]) : seen
  const field = resolved.properties?.[name]
  if (field) {
    const head = rest.length === 0 ? `FIELD: ${name} <${typeName(field, schemas)}>\n${longEnum(field)}\n\n` : ''
    return head + output(field, rest, schemas, recursive, none)
  }
  if (resolved.items) return output(resolved.items, path, schemas, recursive, next)
  const values = valuesOf(resolved)
  if (values) return output(values, path, schemas, recursive, next)
  for (const alternative of resolved.allOf ?? []) {
    const found = output(alternative, path, schemas, recursive, next)
    if (found) return found
  }
  return ''
}

/** The texts of a schema and of those that it wraps, one to a line. */
function description(schema: Schema, schemas: Schemas): string {
  const resolved = referenced(schema, schemas) ?? schema
  const values = valuesOf(resolved)
  const wrapped = [...(resolved.allOf ?? []), ...(resolved.items ? [resolved.items] : []), ...(values ? [values] : [])]
  return `${resolved.description ? `${resolved.description}\n` : ''}${wrapped.map((inner) => description(inner, schemas)).join('')}`
}

function fieldList(schema: Schema, level: number, schemas: Schemas, recursive: boolean, seen: Seen): string {
  if (schema.$ref && seen.has(schema.$ref)) return ''
  const next = schema.$ref ? new Set([...seen, schema.$ref]) : seen
  const resolved = referenced(schema, schemas) ?? schema
  const list = (inner: Schema, deeper = 0) => fieldList(inner, level + deeper, schemas, recursive, next)
  const own = Object.entries(resolved.properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const values = valuesOf(resolved)
  return [
    ...own.map(([name, field]) => fieldDetail(name, field, resolved, level, schemas, recursive) + (recursive ? list(field, 1) : '')),
    ...(resolved.allOf ?? []).map((inner) => list(inner)),
    resolved.items ? list(resolved.items) : '',
    values ? list(values) : '',
  ].join('')
}

function fieldDetail(name: string, field: Schema, holder: Schema, level: number, schemas: Schemas, short: boolean): string {
  const columns = level * 2
  const required = holder.required?.includes(name) ? ' -required-' : ''
  const head = `${indent(name, columns)}\t<${typeName(field, schemas)}>${required}${shortEnum(field, columns)}\n`
  if (short) return head
  return `${head}${indent(wrap(field.description || '<no description>', 78 - columns), columns + 2)}\n\n`
}

function typeName(schema: Schema, schemas: Schemas): string {
  if (schema.items) return `[]${typeName(schema.items, schemas)}`
  const values = valuesOf(schema)
  if (values) return `map[string]${typeName(values, schemas)}`
  if (schema.allOf?.length === 1 && !schema.properties) return typeName(schema.allOf[0]!, schemas)
  if (schema.$ref !== undefined) {
    const type = referenced(schema, schemas)?.type
    if (type && type !== 'object') return type
    return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1).replace(/^.*\./, '') || 'Object'
  }
  return schema.type === 'object' || !schema.type ? 'Object' : schema.type
}

const shown = (value: unknown) => (value === '' ? '""' : String(value))
/** In the list of fields, more values than this are an ellipsis. */
const mostValues = 4

function shortEnum({ enum: values }: Schema, columns: number): string {
  if (!values || values.length === 0) return ''
  const more = values.length > mostValues ? ', ....' : ''
  return `\n${' '.repeat(columns)}enum: ${values.slice(0, mostValues).map(shown).join(', ')}${more}`
}

function longEnum({ enum: values }: Schema): string {
  if (!values || values.length === 0) return ''
  return `ENUM:${values.map((value) => `\n    ${shown(value)}`).join('')}`
}
