import { closure, kindSchema } from './document.ts'
import type { PublishedKind } from './paths.ts'
import { type OpenapiSchema, type OpenapiSchemas, referencePrefix } from './schema.ts'

/** A document of OpenAPI v2, as far as it is published. */
export interface OpenapiV2 {
  readonly swagger: '2.0'
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, never>>
  readonly definitions: Readonly<Record<string, OpenapiSchema>>
}

/**
 * `/openapi/v2`: the schemas of every kind that is served. Its paths are left out: clients read those of v3. kubectl checks lists and kinds
 * that the server does not know against it, and `explain --output plaintext-openapiv2` reads it.
 */
export function openapiV2(kinds: readonly PublishedKind[], builtIn: OpenapiSchemas | undefined, gitVersion: string): OpenapiV2 {
  const known = builtIn?.schemas ?? {}
  const roots: Record<string, OpenapiSchema> = {}
  for (const published of kinds) {
    const own = kindSchema(published, known)
    // Without fields a client would take every field for unknown.
    if (own.builtIn || published.openapi) roots[own.name] = own.schema
    if (own.builtIn && known[`${own.name}List`]) roots[`${own.name}List`] = known[`${own.name}List`]!
  }
  const definitions = Object.entries(closure(roots, known)).map(([name, schema]) => [name, older(schema)])
  return { swagger: '2.0', info: { title: 'Kubernetes', version: gitVersion }, paths: {}, definitions: Object.fromEntries(definitions) }
}

/** v2 has no `oneOf`, and says what it says of a reference beside it. */
function older({ allOf, oneOf, ...schema }: OpenapiSchema): OpenapiSchema {
  const { properties, items, additionalProperties, $ref, ...rest } = schema
  const only = allOf?.length === 1 ? older(allOf[0]!) : {}
  return {
    ...only,
    ...rest,
    ...(oneOf && rest.type === undefined && { type: 'string' }),
    ...($ref && { $ref: $ref.replace(referencePrefix, '#/definitions/') }),
    ...(properties && { properties: Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, older(inner)])) }),
    ...(items && { items: older(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties: typeof additionalProperties === 'object' ? older(additionalProperties) : additionalProperties,
    }),
  }
}
