import { goPattern } from '../../go-pattern.ts'
import { sameJson } from '../../json.ts'
import type { FieldError } from '../definition.ts'
import { invalid, notSupported, tooLong } from '../fields.ts'
import { isOfFormat } from './formats.ts'
import type { Schema } from './schema.ts'

/** The type of a JSON value as OpenAPI names it, with the format that Go's decoded value would have. */
function typeOf(value: unknown): { type: string; format: string } {
  if (value === null) return { type: 'null', format: '' }
  if (Array.isArray(value)) return { type: 'array', format: '' }
  switch (typeof value) {
    case 'boolean':
    case 'string':
      return { type: typeof value, format: '' }
    case 'number':
      return Number.isInteger(value) ? { type: 'integer', format: 'int64' } : { type: 'number', format: 'float64' }
    default:
      return { type: 'object', format: '' }
  }
}

/** The wrong type, in the words of kube-openapi's type validator. */
export function typeErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  const wanted = schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : schema.type ? [schema.type] : []
  if (wanted.length === 0 && !schema.format) return []
  const { type, format } = typeOf(value)
  if (value === null) return schema.nullable || wanted.length === 0 ? [] : [ofType(path, wanted.join(','), 'null')]
  const numeric = wanted.includes('number') || wanted.includes('integer')
  const isText = type === 'string' || type === 'array'
  const fits = wanted.includes(type) || (type === 'integer' && wanted.includes('number'))
  if (!isText && schema.format && !fits && format !== schema.format) return [ofType(path, schema.format, format)]
  // A format says what a text is to be; the format's own check follows.
  if (!numeric && schema.format && isText) return []
  return fits || wanted.length === 0 ? [] : [ofType(path, wanted.join(','), type)]
}

function ofType(path: string, wanted: string, found: string): FieldError {
  const message = `Invalid value: ${JSON.stringify(found)}: ${path} in body must be of type ${wanted}: ${JSON.stringify(found)}`
  return { reason: 'FieldValueTypeInvalid', field: path || '<nil>', message }
}

export function textErrors(text: string, schema: Schema, path: string): FieldError[] {
  const { maxLength, minLength, pattern } = schema
  // One complaint at a time, as upstream's string validator.
  const length = maxLength !== undefined || minLength !== undefined ? [...text].length : 0
  if (maxLength !== undefined && length > maxLength) return [tooLong(path, maxLength)]
  if (minLength !== undefined && length < minLength) {
    return [invalid(path, text, `${path} in body should be at least ${minLength} chars long`)]
  }
  if (pattern && !goPattern(pattern)?.test(text)) return [invalid(path, text, `${path} in body should match '${pattern}'`)]
  return []
}

export function formatErrors(text: string, schema: Schema, path: string): FieldError[] {
  return !schema.format || isOfFormat(schema.format, text) ? [] : [ofType(path, schema.format, text)]
}

export function numberErrors(value: number, schema: Schema, path: string): FieldError[] {
  const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = schema
  const errors: FieldError[] = []
  const should = (what: string) => errors.push(invalid(path, value, `${path} in body should be ${what}`))
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) should(`a multiple of ${multipleOf}`)
  if (maximum !== undefined) {
    if (exclusiveMaximum && value >= maximum) should(`less than ${maximum}`)
    if (!exclusiveMaximum && value > maximum) should(`less than or equal to ${maximum}`)
  }
  if (minimum !== undefined) {
    if (exclusiveMinimum && value <= minimum) should(`greater than ${minimum}`)
    if (!exclusiveMinimum && value < minimum) should(`greater than or equal to ${minimum}`)
  }
  return errors
}

export function enumErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  if (!schema.enum?.length || schema.enum.some((one) => sameJson(one, value)) || (value === null && schema.nullable)) return []
  const supported = schema.enum.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
  return [notSupported(path || '<nil>', value, supported)]
}
