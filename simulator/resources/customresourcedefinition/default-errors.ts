import { sameJson } from '../../json.ts'
import type { FieldError } from '../definition.ts'
import { invalid } from '../fields.ts'
import { pruneValue } from '../schema/pruning.ts'
import { ruleErrors } from '../schema/rules.ts'
import { itemsOf, type Schema, valuesOf } from '../schema/schema.ts'
import { valueErrors } from '../schema/values.ts'

/** Defaults have to be what their own schema allows, and hold nothing that it does not know (pkg/apiserver/schema/defaulting/validation.go). */
export function defaultErrors(schema: Schema, field: string): FieldError[] {
  const errors: FieldError[] = []
  const items = itemsOf(schema)
  const values = valuesOf(schema)
  if (schema.default !== undefined) {
    const at = `${field}.default`
    if (!sameJson(pruneValue(schema.default, schema).value, schema.default)) errors.push(invalid(at, schema.default, 'must be pruned'))
    errors.push(...valueErrors(schema.default, schema, undefined, at))
    if (errors.length === 0) errors.push(...ruleErrors(schema.default, schema, undefined).map((error) => ({ ...error, field: at })))
  }
  if (items) errors.push(...defaultErrors(items, `${field}.items`))
  for (const [name, inner] of Object.entries(schema.properties ?? {})) errors.push(...defaultErrors(inner, `${field}.properties[${name}]`))
  if (values) errors.push(...defaultErrors(values, `${field}.additionalProperties`))
  return errors
}
