import { expect, it } from 'vitest'
import { openapiSchemas } from '../../scripts/openapi/cache.ts'
import { type OpenapiSchema, referencePrefix } from '../../simulator/apiserver/openapi/schema.ts'
import { resources } from '../../simulator/resources/catalogue.ts'
import { listMerge, retainsKeys } from '../../userland/kubectl/patch/merge-keys.ts'

const { schemas } = openapiSchemas()

/** Every field of a kind, down to where a type holds itself: its path without list indexes, and what the document says of it. */
function* fields(schema: OpenapiSchema, path: readonly string[], within: readonly string[]): Generator<[readonly string[], OpenapiSchema]> {
  const name = (schema.$ref ?? schema.allOf?.[0]?.$ref)?.slice(referencePrefix.length)
  if (name !== undefined) {
    const inner = schemas[name]
    if (inner && !within.includes(name)) yield* fields(inner, path, [...within, name])
    return
  }
  if (schema.items) yield* fields(schema.items, path, within)
  for (const [field, one] of Object.entries(schema.properties ?? {})) {
    const at = [...path, field]
    yield [at, one]
    yield* fields(one, at, within)
  }
}

const kinds = resources.flatMap(({ kind, group, version }) => {
  const found = Object.values(schemas).find((schema) =>
    (schema['x-kubernetes-group-version-kind'] as { group: string; version: string; kind: string }[] | undefined)?.some(
      (one) => one.kind === kind && one.group === group && one.version === version,
    ),
  )
  // The aggregator's own types: their tags are not in the document.
  return found && kind !== 'APIService' ? [[`${group}/${version} ${kind}`, kind, found] as const] : []
})

it('the documents describe nearly every kind that is served', () => {
  expect(kinds.length).toBeGreaterThanOrEqual(35)
})

it.each(kinds)('%s: lists merge by the keys of the OpenAPI document', (_, kind, schema) => {
  const said: Record<string, unknown> = {}
  const known: Record<string, unknown> = {}
  for (const [path, field] of fields(schema, [], [])) {
    const at = path.join('.')
    const strategies = String(field['x-kubernetes-patch-strategy'] ?? '').split(',')
    if (field.type === 'array') {
      const merge = listMerge([kind, ...path])
      said[at] = strategies.includes('merge') ? (field['x-kubernetes-patch-merge-key'] ?? 'set') : undefined
      known[at] = typeof merge === 'object' ? merge.key : merge
    }
    said[`${at} retains keys`] = strategies.includes('retainKeys')
    known[`${at} retains keys`] = retainsKeys(field.type === 'array' ? [kind, ...path.slice(0, -1), `*${path.at(-1)}`] : [kind, ...path])
  }
  expect(known).toEqual(said)
})
