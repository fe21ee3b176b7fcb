import type { Schema } from '../../resources/schema/schema.ts'

/** Words for schemas of CustomResourceDefinitions, so that a kind reads as a list of its fields. */
export const text: Schema = { type: 'string' }
export const whole: Schema = { type: 'integer' }
export const number: Schema = { type: 'number' }
export const truth: Schema = { type: 'boolean' }
export const wholeOrText: Schema = {
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  pattern: '^.*',
  'x-kubernetes-int-or-string': true,
}
/** Whatever it is, it is kept. */
export const anything: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

export const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values })
export const list = (items: Schema): Schema => ({ type: 'array', items })
export const map = (values: Schema): Schema => ({ type: 'object', additionalProperties: values })

export function fields(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: 'object', properties, ...(required.length > 0 && { required }) }
}

/**
 * The simulated Calico's own addition: a field that it would have to obey and cannot is refused where it is written. A switch may be off.
 */
export function refused(schema: Schema, what = 'it'): Schema {
  const rule = schema.type === 'boolean' ? '!self' : 'false'
  return { ...schema, 'x-kubernetes-validations': [{ rule, message: `the simulated Calico does not model ${what}` }] }
}
