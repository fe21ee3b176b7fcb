/** `x-kubernetes-validations`: a rule in CEL. */
export interface ValidationRule {
  readonly rule: string
  readonly message?: string
  readonly messageExpression?: string
  readonly reason?: string
  readonly fieldPath?: string
  readonly optionalOldSelf?: boolean
}

/**
 * A structural schema as a CustomResourceDefinition holds it (apiextensions.k8s.io/v1 JSONSchemaProps). What structural schemas may not
 * have is here too, because it has to be refused by name. The object of the API is used as it is, never converted.
 */
export interface Schema {
  readonly type?: string
  readonly format?: string
  readonly title?: string
  readonly description?: string
  readonly nullable?: boolean
  readonly default?: unknown
  readonly example?: unknown
  readonly externalDocs?: unknown
  readonly enum?: readonly unknown[]
  readonly maximum?: number
  readonly exclusiveMaximum?: boolean
  readonly minimum?: number
  readonly exclusiveMinimum?: boolean
  readonly multipleOf?: number
  readonly maxLength?: number
  readonly minLength?: number
  readonly pattern?: string
  readonly maxItems?: number
  readonly minItems?: number
  readonly uniqueItems?: boolean
  readonly maxProperties?: number
  readonly minProperties?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema | readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly not?: Schema
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[]
  readonly $ref?: string
  readonly $schema?: string
  readonly id?: string
  readonly additionalItems?: unknown
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly definitions?: Readonly<Record<string, Schema>>
  readonly dependencies?: Readonly<Record<string, unknown>>
}

export type Fields = Record<string, unknown>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a list's elements are to be; undefined where that is not said (or said as a list of schemas, which no structural schema does). */
export function itemsOf(schema: Schema | undefined): Schema | undefined {
  const items = schema?.items
  return items === undefined || Array.isArray(items) ? undefined : (items as Schema)
}

/** What the values of a map are to be; undefined for `true`, `false` and nothing. */
export function valuesOf(schema: Schema | undefined): Schema | undefined {
  const values = schema?.additionalProperties
  return typeof values === 'object' ? values : undefined
}

/** The schema of one field: a property's own, or that of a map's values. */
export function fieldOf(schema: Schema | undefined, name: string): Schema | undefined {
  const { properties } = schema ?? {}
  return properties && Object.hasOwn(properties, name) ? properties[name] : valuesOf(schema)
}

/** The fields that every object has, whatever its schema says. */
export const objectFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

/** Whether a schema or any below it, of the structure and of value validations alike, is of some sort. */
export function someSchema(schema: Schema | undefined, is: (schema: Schema) => boolean): boolean {
  if (!schema) return false
  if (is(schema)) return true
  const below = [
    itemsOf(schema),
    valuesOf(schema),
    schema.not,
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...Object.values(schema.properties ?? {}),
  ]
  return below.some((inner) => someSchema(inner, is))
}
