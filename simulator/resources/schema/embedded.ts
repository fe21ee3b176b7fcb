import type { FieldError } from '../definition.ts'
import { required } from '../fields.ts'
import { fieldOf, isFields, itemsOf, type Schema } from './schema.ts'

/** Objects inside objects (`x-kubernetes-embedded-resource`) say what they are (pkg/apiserver/schema/objectmeta). */
export function embeddedErrors(value: unknown, schema: Schema | undefined, path = ''): FieldError[] {
  if (!schema) return []
  if (Array.isArray(value)) return value.flatMap((element, index) => embeddedErrors(element, itemsOf(schema), `${path}[${index}]`))
  if (!isFields(value)) return []
  const errors: FieldError[] = []
  if (path !== '' && schema['x-kubernetes-embedded-resource']) {
    for (const name of ['apiVersion', 'kind']) if (!value[name]) errors.push(required(`${path}.${name}`, 'must not be empty'))
  }
  for (const [name, inner] of Object.entries(value)) {
    errors.push(...embeddedErrors(inner, fieldOf(schema, name), path === '' ? name : `${path}.${name}`))
  }
  return errors
}
