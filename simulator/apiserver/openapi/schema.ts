/** One schema of an OpenAPI v3 document, as far as Kubernetes uses the format. */
export interface OpenapiSchema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, OpenapiSchema>>
  readonly items?: OpenapiSchema
  readonly additionalProperties?: OpenapiSchema | boolean
  readonly allOf?: readonly OpenapiSchema[]
  readonly oneOf?: readonly OpenapiSchema[]
  readonly [extension: `x-kubernetes-${string}`]: unknown
}

export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** The schemas of Kubernetes' own types, made from the installed client library (scripts/openapi). */
export interface OpenapiSchemas {
  /** Another text for other schemas. */
  readonly version: string
  /** By upstream's name: `io.k8s.api.core.v1.Pod`. References are `#/components/schemas/NAME`. */
  readonly schemas: Readonly<Record<string, OpenapiSchema>>
}

export const referencePrefix = '#/components/schemas/'

/** The names of the schemas that `schema` refers to itself. */
export function referencesOf(schema: OpenapiSchema, found: string[] = []): string[] {
  if (schema.$ref?.startsWith(referencePrefix)) found.push(schema.$ref.slice(referencePrefix.length))
  for (const inner of Object.values(schema.properties ?? {})) referencesOf(inner, found)
  if (schema.items) referencesOf(schema.items, found)
  if (typeof schema.additionalProperties === 'object') referencesOf(schema.additionalProperties, found)
  for (const inner of [...(schema.allOf ?? []), ...(schema.oneOf ?? [])]) referencesOf(inner, found)
  return found
}

/** Whether `schema` describes that kind (`x-kubernetes-group-version-kind`). */
export function describes(schema: OpenapiSchema, { group, version, kind }: GroupVersionKind): boolean {
  const kinds = (schema['x-kubernetes-group-version-kind'] ?? []) as readonly GroupVersionKind[]
  return kinds.some((one) => one.group === group && one.version === version && one.kind === kind)
}
