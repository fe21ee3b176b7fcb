import { Failure, misuse, PlainFailure } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import type { Discovery } from '../client/discovery.ts'
import { findType } from '../client/discovery.ts'

export const explainVerb: Verb = {
  name: 'explain',
  about: 'Get documentation for a resource',
  more: "Prints what the server's OpenAPI says of a type or of one of its fields.",
  examples: ['kubectl explain pods', 'kubectl explain pods.spec.containers', 'kubectl explain networkpolicy --recursive'],
  usage: 'TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2] [options]',
  flags: [
    text('api-version', 'Version to explain: apps/v1.'),
    text('output', 'plaintext.', 'o', 'plaintext'),
    bool('recursive', 'Show the fields of fields.'),
  ],
  run,
}

type Schema = {
  type?: string
  description?: string
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  required?: string[]
  enum?: unknown[]
  allOf?: Schema[]
  $ref?: string
  format?: string
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
  'x-kubernetes-int-or-string'?: boolean
}

async function run(call: Call): Promise<undefined> {
  const [word, ...more] = call.args
  if (!word)
    throw new Failure(
      'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.\n',
    )
  if (more.length > 0) throw new Failure('We accept only this format: explain RESOURCE\n')
  if (call.flags.text('output') !== 'plaintext')
    throw misuse(call.path, `unrecognized format: ${call.flags.text('output')}; this kubectl knows plaintext`)
  const discovery = await call.discovery()
  const [head = '', ...path] = word.split('.')
  const wantedVersion = call.flags.text('api-version')
  const type = typeFor(discovery, head, wantedVersion)
  const schemas = await schemasOf(call, type.group, type.version)
  const root = Object.values(schemas).find((schema) =>
    schema['x-kubernetes-group-version-kind']?.some(
      (one) => one.group === type.group && one.version === type.version && one.kind === type.kind,
    ),
  )
  if (!root || (!root.properties && !root.description))
    throw new Failure(
      `the server's OpenAPI has no schema for ${type.kind} in version ${JSON.stringify(type.group ? `${type.group}/${type.version}` : type.version)}`,
    )
  const header = `${type.group ? `GROUP:      ${type.group}\n` : ''}KIND:       ${type.kind}\nVERSION:    ${type.version}\n\n`
  await call.out(header)
  await call.out(explain(root, path, schemas, call.flags.bool('recursive')))
}

function typeFor(discovery: Discovery, head: string, version: string) {
  const word = version ? `${head}.${version.split('/').reverse().join('.')}` : head
  const found = findType(discovery, word)
  if (!found) throw new PlainFailure(`the server doesn't have a resource type ${JSON.stringify(head)}`)
  return found
}

async function schemasOf(call: Call, group: string, version: string): Promise<Record<string, Schema>> {
  const index = await call.client().json('GET', '/openapi/v3')
  const entry = index.paths?.[group ? `apis/${group}/${version}` : `api/${version}`]
  if (!entry)
    throw new Failure(`couldn't find resource for "${group ? `${group}/` : ''}${version}": the server publishes no OpenAPI v3 for it`)
  const document = await call
    .client()
    .json('GET', new URL(entry.serverRelativeURL, 'http://server').pathname + new URL(entry.serverRelativeURL, 'http://server').search)
  return document.components?.schemas ?? {}
}

function explain(root: Schema, path: readonly string[], schemas: Record<string, Schema>, recursive: boolean): string {
  let schema = follow(root, schemas)
  let field: Schema | undefined
  for (const name of path) {
    const inner = element(schema, schemas)
    const next = inner.properties?.[name]
    if (!next) throw new Failure(`field ${JSON.stringify(name)} does not exist`)
    field = next
    schema = follow(next, schemas)
  }
  let out = ''
  const name = path.at(-1)
  if (field && name) out += `FIELD: ${name} <${typeText(field, schemas)}>\n${enumBlock(field)}\n`
  const described =
    field?.description && schema !== field && schema.description
      ? `${field.description}\n${schema.description}`
      : (field?.description ?? schema.description ?? '<empty>')
  out += `DESCRIPTION:\n${described === '<empty>' ? '    <empty>\n' : `${wrap(described, 4)}\n    \n`}`
  const inner = element(schema, schemas)
  if (inner.properties) out += `FIELDS:\n${fieldList(inner, schemas, recursive, 1)}`
  return `${out}\n`
}

function fieldList(
  schema: Schema,
  schemas: Record<string, Schema>,
  recursive: boolean,
  level: number,
  seen: readonly Schema[] = [],
): string {
  const indent = '  '.repeat(level)
  return Object.keys(schema.properties ?? {})
    .sort()
    .map((name) => {
      const field = schema.properties?.[name] as Schema
      const head = `${indent}${name}\t<${typeText(field, schemas)}>${schema.required?.includes(name) ? ' -required-' : ''}\n`
      const inner = element(follow(field, schemas), schemas)
      if (recursive)
        return (
          head +
          enumText(field, indent) +
          (inner.properties && !seen.includes(inner) ? fieldList(inner, schemas, true, level + 1, [...seen, inner]) : '')
        )
      return `${head}${enumText(field, indent)}${wrap(field.description ?? '<no description>', level * 2 + 2)}\n\n`
    })
    .join('')
}

/** The values of the one field that is explained. */
function enumBlock(field: Schema): string {
  if (!field.enum || field.enum.length === 0) return '\n'
  return `ENUM:\n${field.enum.map((value) => `    ${value}\n`).join('')}`
}

function enumText(field: Schema, indent: string): string {
  if (!field.enum || field.enum.length === 0) return ''
  return `${indent}enum: ${field.enum.map(String).join(', ')}\n`
}

function follow(schema: Schema, schemas: Record<string, Schema>): Schema {
  const reference = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]?.$ref : undefined)
  if (!reference) return schema
  const found = schemas[reference.slice(reference.lastIndexOf('/') + 1)]
  return found ? follow(found, schemas) : schema
}

/** The schema of what a list or a map holds. */
function element(schema: Schema, schemas: Record<string, Schema>): Schema {
  if (schema.items) return element(follow(schema.items, schemas), schemas)
  if (schema.additionalProperties && typeof schema.additionalProperties === 'object')
    return element(follow(schema.additionalProperties, schemas), schemas)
  return schema
}

function typeText(schema: Schema, schemas: Record<string, Schema>): string {
  if (schema.items) return `[]${typeText(schema.items, schemas)}`
  if (schema.additionalProperties && typeof schema.additionalProperties === 'object')
    return `map[string]${typeText(schema.additionalProperties, schemas)}`
  const reference = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]?.$ref : undefined)
  if (reference) {
    const found = schemas[reference.slice(reference.lastIndexOf('/') + 1)]
    if (found && found.type !== undefined && found.type !== 'object') return found.type
    return reference.slice(reference.lastIndexOf('.') + 1).replace(/^.*\//, '')
  }
  return schema.type === 'object' ? 'Object' : (schema.type ?? 'Object')
}

/** Folds each line of a text to 80 columns, moved in by `indent`. */
function wrap(text: string, indent: number): string {
  const pad = ' '.repeat(indent)
  return text
    .split('\n')
    .map((line) => {
      const rows: string[] = []
      let row = ''
      for (const word of line.split(/\s+/).filter(Boolean)) {
        if (row !== '' && row.length + 1 + word.length > 80 - indent) {
          rows.push(row)
          row = word
        } else row = row === '' ? word : `${row} ${word}`
      }
      rows.push(row)
      return rows.map((one) => (one === '' ? '' : pad + one)).join('\n')
    })
    .join('\n')
}
