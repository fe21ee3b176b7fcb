import type { FieldError } from '../definition.ts'
import { forbidden, invalid, notSupported, required } from '../fields.ts'
import { compileRule, usesOldSelf } from '../schema/rules.ts'
import { itemsOf, objectFields, type Schema, valuesOf } from '../schema/schema.ts'

/** What stands around a schema that matters for what may stand in it. */
interface Around {
  readonly root: boolean
  readonly insideMetadata: boolean
  /** Why defaults are forbidden here; undefined where they are not. */
  readonly noDefaults: string | undefined
  /** The nearest place whose elements cannot be told apart between two states, so that rules may not speak of `oldSelf`. */
  readonly uncorrelatable: string | undefined
}

const outermost: Around = { root: true, insideMetadata: false, noDefaults: undefined, uncorrelatable: undefined }
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const

/** What a CustomResourceDefinition's schema may not say, structural or not (pkg/apis/apiextensions/validation). */
export function schemaErrors(schema: Schema, field: string, around: Around = outermost): FieldError[] {
  const errors = plainErrors(schema, field, around)
  const below: Around = { ...around, root: false }
  const values = valuesOf(schema)
  if (schema.additionalProperties !== undefined) {
    if (Object.keys(schema.properties ?? {}).length > 0 && schema.additionalProperties !== true) {
      errors.push(forbidden(`${field}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
    }
    const noDefaults = around.insideMetadata ? 'inside additionalProperties applying to object metadata' : around.noDefaults
    if (values) errors.push(...schemaErrors(values, `${field}.additionalProperties`, { ...below, noDefaults }))
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const isMetadata = (around.root || schema['x-kubernetes-embedded-resource'] === true) && objectFields.has(name)
    errors.push(
      ...schemaErrors(inner, `${field}.properties[${name}]`, {
        root: false,
        insideMetadata: around.insideMetadata || isMetadata,
        noDefaults: isMetadata && around.root ? `in top-level ${name}` : around.noDefaults,
        uncorrelatable: around.uncorrelatable ?? (schema['x-kubernetes-map-type'] === 'atomic' ? field : undefined),
      }),
    )
  }
  if (schema.not) errors.push(...schemaErrors(schema.not, `${field}.not`, below))
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [index, inner] of (schema[name] ?? []).entries()) {
      errors.push(...schemaErrors(inner, `${field}.${name}[${index}]`, below))
    }
  }
  const items = itemsOf(schema)
  if (items) {
    const uncorrelatable = around.uncorrelatable ?? (schema['x-kubernetes-list-type'] === 'map' ? undefined : field)
    errors.push(...schemaErrors(items, `${field}.items`, { ...below, uncorrelatable }))
  }
  errors.push(...listErrors(schema, field), ...ruleDefinitionErrors(schema, field, around.uncorrelatable))
  return errors
}

function plainErrors(schema: Schema, field: string, around: Around): FieldError[] {
  const errors: FieldError[] = []
  const { type } = schema
  if (type === 'null') errors.push(forbidden(`${field}.type`, 'type cannot be set to null, use nullable as an alternative'))
  else if (type && !types.includes(type)) errors.push(notSupported(`${field}.type`, type, types))
  if (schema.default !== undefined && around.noDefaults !== undefined) {
    errors.push(forbidden(`${field}.default`, `must not be set ${around.noDefaults}`))
  }
  for (const name of unsupported) if (schema[name] !== undefined) errors.push(forbidden(`${field}.${name}`, `${name} is not supported`))
  if (Array.isArray(schema.items)) errors.push(forbidden(`${field}.items`, 'items must be a schema object and not an array'))
  if (around.insideMetadata && schema['x-kubernetes-embedded-resource']) {
    errors.push(forbidden(`${field}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'))
  }
  if (around.root && schema.nullable) errors.push(forbidden(`${field}.nullable`, 'nullable cannot be true at the root'))
  if (schema.uniqueItems) {
    errors.push(forbidden(`${field}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'))
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalid(`${field}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  }
  return errors
}

function listErrors(schema: Schema, field: string): FieldError[] {
  const errors: FieldError[] = []
  const mapType = schema['x-kubernetes-map-type']
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const items = itemsOf(schema)
  const ofType = (wanted: string, extension: string) => {
    const sentence = `must be ${wanted} if ${extension} is specified`
    if (schema.type !== wanted)
      errors.push(schema.type ? invalid(`${field}.type`, schema.type, sentence) : required(`${field}.type`, sentence))
  }
  if (mapType !== undefined) {
    ofType('object', 'x-kubernetes-map-type')
    if (!['atomic', 'granular'].includes(mapType))
      errors.push(notSupported(`${field}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
  }
  if (listType !== undefined) {
    ofType('array', 'x-kubernetes-list-type')
    if (!['atomic', 'set', 'map'].includes(listType)) {
      errors.push(notSupported(`${field}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']))
    }
  }
  const atomicItem = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  if (listType === 'set' && items?.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    errors.push(invalid(`${field}.items.x-kubernetes-map-type`, null, atomicItem))
  }
  if (listType === 'set' && items?.type === 'array' && !['atomic', undefined].includes(items['x-kubernetes-list-type'])) {
    errors.push(invalid(`${field}.items.x-kubernetes-list-type`, items['x-kubernetes-list-type'], atomicItem))
  }
  if (keys.length > 0 && listType !== 'map') {
    const sentence = 'must be map if x-kubernetes-list-map-keys is non-empty'
    const at = `${field}.x-kubernetes-list-type`
    errors.push(listType === undefined ? required(at, sentence) : invalid(at, listType, sentence))
  }
  if (items?.nullable && (listType === 'set' || listType === 'map')) {
    errors.push(forbidden(`${field}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`))
  }
  if (listType === 'map') errors.push(...mapErrors(keys, items, field))
  return errors
}

function mapErrors(keys: readonly string[], items: Schema | undefined, field: string): FieldError[] {
  const errors: FieldError[] = []
  const at = `${field}.x-kubernetes-list-map-keys`
  if (keys.length === 0) errors.push(required(at, 'must not be empty if x-kubernetes-list-type is map'))
  if (!items) return [...errors, required(`${field}.items`, 'must have a schema if x-kubernetes-list-type is map')]
  if (items.type !== 'object') {
    return [...errors, invalid(`${field}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map")]
  }
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key]
    const place = `${field}.items.properties[${key}]`
    if (!property) errors.push(invalid(at, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object') {
      errors.push(invalid(`${place}.type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"))
    }
    if (keys.indexOf(key) < index) errors.push(invalid(at, keys, 'must not contain duplicate entries'))
    if (property && !items.required?.includes(key) && property.default === undefined) {
      errors.push(
        required(`${place}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'),
      )
    }
    if (property?.nullable)
      errors.push(forbidden(`${place}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'))
  }
  return errors
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

function ruleDefinitionErrors(schema: Schema, field: string, uncorrelatable: string | undefined): FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) => {
    const errors: FieldError[] = []
    const at = `${field}.x-kubernetes-validations[${index}]`
    const text = rule.rule?.trim() ?? ''
    const message = rule.message?.trim() ?? ''
    if (text === '') errors.push(required(`${at}.rule`, 'rule is not specified'))
    else if (rule.message && message === '') errors.push(invalid(`${at}.message`, rule.message, 'message must be non-empty if specified'))
    else if (message.includes('\n')) errors.push(invalid(`${at}.message`, rule.message, 'message must not contain line breaks'))
    else if (text.includes('\n') && message === '')
      errors.push(required(`${at}.message`, 'message must be specified if rule contains line breaks'))
    if (rule.messageExpression && rule.messageExpression.trim() === '') {
      errors.push(required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified'))
    }
    if (rule.reason !== undefined && !reasons.includes(rule.reason)) errors.push(notSupported(`${at}.reason`, rule.reason, reasons))
    if (errors.length > 0) return errors
    const compiled = compileRule(text)
    if ('error' in compiled) errors.push(invalid(`${at}.rule`, rule, `compilation failed: ERROR: <input>:1:1: ${compiled.error}`))
    if (rule.messageExpression) {
      const expression = compileRule(rule.messageExpression)
      if ('error' in expression) {
        errors.push(
          invalid(`${at}.messageExpression`, rule, `messageExpression compilation failed: ERROR: <input>:1:1: ${expression.error}`),
        )
      }
    }
    if (usesOldSelf(text) && uncorrelatable !== undefined) {
      const sentence = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`
      errors.push(invalid(`${at}.rule`, rule.rule, sentence))
    }
    if (rule.optionalOldSelf !== undefined && !usesOldSelf(text)) {
      errors.push(invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'))
    }
    return errors
  })
}
