import { type Gvk, referenced, type Schema, type Schemas, valuesOf } from './schema.ts'

/** kubectl's pkg/explain (Formatter, modelPrinter, fieldsPrinter): indents of the text of a model, of the fields and of a field's text. */
const width = 80
const textIndent = 5
const fieldIndent = 3
const fieldTextIndent = 2
const recursiveIndent = 3

/** The schema at `path`, or the name of the first field that does not exist. A plain value ends the path. */
export function lookUp(root: Schema, path: readonly string[], schemas: Schemas): Schema | { readonly missing: string } {
  let schema = root
  let rest = path
  for (;;) {
    if (rest.length === 0) return schema
    const inner = passed(schema, schemas)
    if (inner) schema = inner
    else if (schema.properties) {
      const [name = '', ...others] = rest
      const field = schema.properties[name]
      if (!field) return { missing: name }
      schema = field
      rest = others
    } else return schema
  }
}

/** What `explain --output plaintext-openapiv2` prints of a schema. */
export function explainedV2(name: string, schema: Schema, gvk: Gvk, schemas: Schemas, recursive: boolean): string {
  const texts: string[] = []
  let type = ''
  let last = schema
  for (let inner = passed(last, schemas); inner; inner = passed(last, schemas)) {
    texts.push(last.description ?? '')
    if (type === '' && last.$ref === undefined) type = typeName(last, schemas)
    last = inner
  }
  type ||= typeName(last, schemas)
  const head = `KIND:     ${gvk.kind}\nVERSION:  ${gvk.group ? `${gvk.group}/${gvk.version}` : gvk.version}\n\n`
  const text = descriptions([...texts, last.description ?? ''])
  if (last.properties) {
    const resource = name ? `RESOURCE: ${name} <${type}>\n\n` : ''
    const fields = recursive ? recursiveFields(last, fieldIndent, schemas, new Set()) : fieldTexts(last, schemas)
    return `${head}${resource}${text}\nFIELDS:\n${fields}`
  }
  return last.type ? `${head}FIELD:    ${name} <${type}>\n\n${text}` : `${head}${text}`
}

/** The schema behind a reference, or of the elements of a list or map. */
function passed(schema: Schema, schemas: Schemas): Schema | undefined {
  if (schema.$ref !== undefined) return referenced(schema, schemas)
  if (schema.type === 'array') return schema.items
  // A map of anything hands its text on, as kube-openapi's model does.
  return schema.type === 'object' && !schema.properties ? (valuesOf(schema) ?? { description: schema.description ?? '' }) : undefined
}

function descriptions(texts: readonly string[]): string {
  const parts = texts.map((text, i) => (text === '' ? '' : `${i === 0 ? '' : '\n'}${folded(text, textIndent)}`))
  return `DESCRIPTION:\n${parts.join('') || folded('<empty>', textIndent)}`
}

function fieldTexts(schema: Schema, schemas: Schemas): string {
  return sorted(schema)
    .map(([name, field]) => {
      const required = schema.required?.includes(name) ? ' -required-' : ''
      const head = `${' '.repeat(fieldIndent)}${name}\t<${typeName(field, schemas)}>${required}\n`
      return `${head}${folded(field.description ?? '', fieldIndent + fieldTextIndent)}\n`
    })
    .join('')
}

function recursiveFields(schema: Schema, columns: number, schemas: Schemas, seen: Set<string>): string {
  if (schema.$ref !== undefined) {
    if (seen.has(schema.$ref)) return ''
    const inner = referenced(schema, schemas)
    return inner ? recursiveFields(inner, columns, schemas, new Set([...seen, schema.$ref])) : ''
  }
  const inner = passed(schema, schemas)
  if (inner) return recursiveFields(inner, columns, schemas, seen)
  return sorted(schema)
    .map(
      ([name, field]) =>
        `${' '.repeat(columns)}${name}\t<${typeName(field, schemas)}>\n${recursiveFields(field, columns + recursiveIndent, schemas, seen)}`,
    )
    .join('')
}

function typeName(schema: Schema, schemas: Schemas): string {
  const inner = passed(schema, schemas)
  if (!inner) return schema.properties ? 'Object' : (schema.type ?? '')
  if (schema.$ref !== undefined) return typeName(inner, schemas)
  return `${schema.type === 'array' ? '[]' : 'map[string]'}${typeName(inner, schemas)}`
}

function sorted({ properties = {} }: Schema): [string, Schema][] {
  return Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Folds words into lines, and keeps empty lines, lists, what follows a colon, and code (four spaces) on lines of their own. */
function folded(text: string, columns: number): string {
  const lines: string[] = []
  let words: string[] = []
  let lastWord = ''
  const flush = () => {
    if (words.length === 0) return
    lastWord = ''
    lines.push(words.join(' '))
    words = []
  }
  for (const line of text.split('\n')) {
    const bare = line.trim()
    if (line.startsWith('    ') || (lines.length > 0 && bare === '')) {
      flush()
      lines.push(line.startsWith('    ') ? line : '')
      continue
    }
    if (lastWord.endsWith(':') || bare === '' || /^(\d+\.?|-|\*)\s/.test(bare)) flush()
    for (const word of bare.split(/\s+/).filter(Boolean)) {
      lastWord = word
      if (words.length > 0 && [...words, word].join(' ').length > width - columns) flush()
      words.push(word)
    }
  }
  flush()
  return lines.map((line) => (line === '' ? '\n' : `${' '.repeat(columns)}${line}\n`)).join('')
}
