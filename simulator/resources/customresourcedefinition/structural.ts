import { goPattern } from '../../go-pattern.ts'
import type { FieldError } from '../definition.ts'
import { forbidden, invalid, required } from '../fields.ts'
import { itemsOf, type Schema, valuesOf } from '../schema/schema.ts'

type Level = 'root' | 'item' | 'field'

/** What keeps a schema from being structural, sorted (pkg/apiserver/schema/validation.go and complete.go). */
export function structuralErrors(schema: Schema, field: string): FieldError[] {
  const errors = [...invariants(schema, 'root', field), ...incomplete(schema, schema, field)]
  const text = ({ field: at, message }: FieldError) => `${at}: ${message}`
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : 1))
}

const emptyType: Record<Level, string> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

function invariants(schema: Schema, level: Level, field: string): FieldError[] {
  const errors: FieldError[] = []
  const { type, properties = {} } = schema
  const items = itemsOf(schema)
  const values = valuesOf(schema)
  if (type === 'array' && !schema.items) errors.push(required(`${field}.items`, 'must be specified'))
  if (items) errors.push(...invariants(items, 'item', `${field}.items`))
  for (const [name, inner] of Object.entries(properties)) errors.push(...invariants(inner, 'field', `${field}.properties[${name}]`))
  if (schema.additionalProperties !== undefined) {
    if (level === 'root') errors.push(forbidden(`${field}.additionalProperties`, 'must not be used at the root'))
    if (values) errors.push(...invariants(values, 'field', `${field}.additionalProperties`))
  }
  errors.push(...extensionErrors(schema, field))
  errors.push(...junctorErrors(schema, field))
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  if (embedded && type !== 'object') {
    const sentence = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type ? invalid(`${field}.type`, type, sentence) : required(`${field}.type`, sentence))
  } else if (!type && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields']) {
    errors.push(required(`${field}.type`, emptyType[level]))
  }
  if (embedded && schema.additionalProperties !== undefined) {
    errors.push(forbidden(`${field}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'))
  }
  if (level === 'root' && type && type !== 'object') errors.push(invalid(`${field}.type`, type, 'must be object at the root'))
  if (level === 'root' || embedded) errors.push(...metadataErrors(schema, level, field))
  if (embedded && !schema['x-kubernetes-preserve-unknown-fields'] && Object.keys(properties).length === 0) {
    const sentence = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    errors.push(required(`${field}.properties`, sentence))
  }
  return errors
}

function extensionErrors(schema: Schema, field: string): FieldError[] {
  if (!schema['x-kubernetes-int-or-string']) return []
  return (['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
    .filter((name) => schema[name])
    .map((name) => invalid(`${field}.${name}`, true, 'must be false if x-kubernetes-int-or-string is true'))
}

function metadataErrors(schema: Schema, level: Level, field: string): FieldError[] {
  const errors: FieldError[] = []
  for (const name of ['kind', 'apiVersion']) {
    const inner = schema.properties?.[name]
    if (inner && inner.type !== 'string') errors.push(invalid(`${field}.properties[${name}].type`, inner.type ?? '', 'must be string'))
  }
  const metadata = schema.properties?.['metadata']
  if (!metadata) return errors
  const at = `${field}.properties[metadata]`
  if (metadata.type !== 'object') errors.push(invalid(`${at}.type`, metadata.type ?? '', 'must be object'))
  const { type: _type, properties = {}, description: _text, ...more } = metadata
  const names = Object.keys(properties)
  if (level === 'root' && (Object.keys(more).length > 0 || names.some((name) => name !== 'name' && name !== 'generateName'))) {
    errors.push(forbidden(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified'))
  }
  return errors
}

const isIntOrString = (anyOf: readonly Schema[] | undefined) =>
  anyOf?.length === 2 && anyOf[0]?.type === 'integer' && anyOf[1]?.type === 'string'

function junctorErrors(schema: Schema, field: string): FieldError[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema
  const intOrString = schema['x-kubernetes-int-or-string'] === true
  const errors: FieldError[] = []
  const within = (schemas: readonly Schema[], name: string) => {
    for (const [index, inner] of schemas.entries()) {
      errors.push(...nestedErrors(inner, `${field}.${name}[${index}]`, intOrString && name === 'allOf' && index === 0))
    }
  }
  if (!(intOrString && isIntOrString(anyOf))) within(anyOf, 'anyOf')
  within(allOf, 'allOf')
  within(oneOf, 'oneOf')
  if (not) errors.push(...nestedErrors(not, `${field}.not`, false))
  if (pattern && !goPattern(pattern)) {
    errors.push(invalid(`${field}.pattern`, pattern, "must be a valid regular expression, but isn't: error parsing regexp"))
  }
  return errors
}

/** What may not stand under a junctor, with what is said of it. */
const generic: readonly (readonly [keyof Schema, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['externalDocs', 'must be undefined to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
]

function nestedErrors(schema: Schema, field: string, mayBeIntOrString: boolean): FieldError[] {
  const errors: FieldError[] = []
  const lenient = mayBeIntOrString && isIntOrString(schema.anyOf)
  errors.push(...junctorErrors(lenient ? { ...schema, anyOf: [] } : schema, field))
  const items = itemsOf(schema)
  if (items) errors.push(...nestedErrors(items, `${field}.items`, false))
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    errors.push(...nestedErrors(inner, `${field}.properties[${name}]`, false))
  }
  for (const [name, sentence] of generic) {
    const value = schema[name]
    const empty = value === undefined || value === false || value === '' || (Array.isArray(value) && value.length === 0)
    if (!empty) errors.push(forbidden(`${field}.${name}`, sentence))
  }
  if (schema.properties?.['metadata']) errors.push(forbidden(`${field}.properties[metadata]`, 'must not be specified in a nested context'))
  return errors
}

/** Every field that value validation reasons about has to be specified by the structure too. */
function incomplete(schema: Schema, structure: Schema, field: string): FieldError[] {
  const errors: FieldError[] = []
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [index, inner] of (schema[name] ?? []).entries()) {
      errors.push(...missing(inner, structure, `${field}.${name}[${index}]`, field))
    }
  }
  if (schema.not) errors.push(...missing(schema.not, structure, `${field}.not`, field))
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    errors.push(...incomplete(inner, inner, `${field}.properties[${name}]`))
  const items = itemsOf(schema)
  if (items) errors.push(...incomplete(items, items, `${field}.items`))
  const values = valuesOf(schema)
  if (values) errors.push(...incomplete(values, values, `${field}.additionalProperties`))
  return errors
}

function missing(nested: Schema, structure: Schema | undefined, field: string, main: string): FieldError[] {
  const errors: FieldError[] = []
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [index, inner] of (nested[name] ?? []).entries()) {
      errors.push(...missing(inner, structure, `${field}.${name}[${index}]`, main))
    }
  }
  if (nested.not) errors.push(...missing(nested.not, structure, `${field}.not`, main))
  const because = (at: string) => `because it is defined in ${at}`
  for (const [name, inner] of Object.entries(nested.properties ?? {})) {
    const at = `${field}.properties[${name}]`
    const place = `${main}.properties[${name}]`
    const found = structure?.properties?.[name]
    if (found) errors.push(...missing(inner, found, at, place))
    else errors.push(required(place, because(at)))
  }
  const items = itemsOf(nested)
  if (items) {
    const found = itemsOf(structure)
    if (found) errors.push(...missing(items, found, `${field}.items`, `${main}.items`))
    else errors.push(required(`${main}.items`, because(`${field}.items`)))
  }
  return errors
}
