/** A schema of an OpenAPI document (v3, and v2 as far as they are alike), as `explain` reads it. */
export interface Schema {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly allOf?: readonly Schema[]
  readonly $ref?: string
  readonly 'x-kubernetes-group-version-kind'?: readonly Gvk[]
}

export interface Gvk {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** By name, without the way to it (`#/components/schemas/`, `#/definitions/`). */
export type Schemas = Readonly<Record<string, Schema>>

export function referenced(schema: Schema, schemas: Schemas): Schema | undefined {
  return schema.$ref === undefined ? undefined : schemas[schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)]
}

/** The schema of the values of a map; undefined where the object is none, or says nothing of them. */
export function valuesOf({ additionalProperties }: Schema): Schema | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined
}

export function schemaOf(schemas: Schemas, gvk: Gvk): Schema | undefined {
  return Object.keys(schemas)
    .sort()
    .map((name) => schemas[name]!)
    .find((schema) =>
      schema['x-kubernetes-group-version-kind']?.some(
        (one) => one.group === gvk.group && one.version === gvk.version && one.kind === gvk.kind,
      ),
    )
}
