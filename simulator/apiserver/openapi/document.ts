import { kindPaths, type PublishedKind } from './paths.ts'
import { describes, type OpenapiSchema, type OpenapiSchemas, referencePrefix, referencesOf } from './schema.ts'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'

/**
 * The OpenAPI v3 document of the kinds of one group and version: their paths, and the schemas that these need. A kind's schema is the one
 * that its definition brings (`openapi`), or Kubernetes' own; where there is neither, it says no more than that it is an object, and no
 * strategic merge patch is offered, so that clients fall back on the types that they know. Custom resources never take such patches.
 */
export function openapiDocument(kinds: readonly PublishedKind[], builtIn: OpenapiSchemas | undefined, gitVersion: string): object {
  const known = builtIn?.schemas ?? {}
  const paths: Record<string, unknown> = {}
  const roots: Record<string, OpenapiSchema> = {}
  for (const published of kinds) {
    const own = kindSchema(published, known)
    roots[own.name] = own.schema
    const listName = `${own.name}List`
    const list = own.builtIn && known[listName] ? { $ref: `${referencePrefix}${listName}` } : undefined
    const contents = {
      object: { $ref: `${referencePrefix}${own.name}` },
      list: list ?? listOf(own.name),
      scale: refer('io.k8s.api.autoscaling.v1.Scale'),
      status: refer(`${meta}.Status`),
      deleteOptions: refer(`${meta}.DeleteOptions`),
    }
    Object.assign(paths, kindPaths(published, contents, own.builtIn))
    for (const used of Object.values(contents)) for (const name of referencesOf(used)) if (known[name]) roots[name] ??= known[name]
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: gitVersion }, paths, components: { schemas: closure(roots, known) } }

  function refer(name: string): OpenapiSchema {
    return known[name] ? { $ref: `${referencePrefix}${name}` } : { type: 'object' }
  }
}

/** The schema of a kind, and by what name it is published. */
export function kindSchema(
  published: PublishedKind,
  known: OpenapiSchemas['schemas'],
): { name: string; schema: OpenapiSchema; builtIn: boolean } {
  const { group, version, kind, openapi } = published
  const gvk = { group, version, kind }
  if (openapi) {
    const name = `${group.split('.').reverse().join('.')}.${version}.${kind}`
    return { name, schema: { ...openapi, 'x-kubernetes-group-version-kind': [gvk] }, builtIn: false }
  }
  const name = Object.keys(known).find((one) => one.endsWith(`.${kind}`) && describes(known[one]!, gvk))
  if (name) return { name, schema: known[name]!, builtIn: true }
  return {
    name: plainName(group, version, kind),
    schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, 'x-kubernetes-group-version-kind': [gvk] },
    builtIn: false,
  }
}

/** The given schemas with all that they refer to, sorted by name. */
export function closure(roots: Record<string, OpenapiSchema>, known: OpenapiSchemas['schemas']): Record<string, OpenapiSchema> {
  const found = new Map(Object.entries(roots))
  const open = Object.values(roots)
  for (let schema = open.pop(); schema; schema = open.pop()) {
    for (const name of referencesOf(schema)) {
      const next = known[name]
      if (found.has(name) || !next) continue
      found.set(name, next)
      open.push(next)
    }
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** What the list of a custom resource is: upstream names that schema, too, and nobody asks for it by name. */
function listOf(name: string): OpenapiSchema {
  return {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      items: { type: 'array', items: { $ref: `${referencePrefix}${name}` } },
      kind: { type: 'string' },
      metadata: { $ref: `${referencePrefix}${meta}.ListMeta` },
    },
  }
}

/** `io.k8s.api.apps.v1.Deployment`; groups with a domain are written backwards, as Go packages are. */
function plainName(group: string, version: string, kind: string): string {
  if (!group.includes('.') || group.endsWith('.k8s.io')) return `io.k8s.api.${group.split('.')[0] || 'core'}.${version}.${kind}`
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`
}
