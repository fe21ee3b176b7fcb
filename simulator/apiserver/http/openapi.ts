import { fnv32a } from '../../fnv.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import { objectMetaName } from '../extensions/published-schema.ts'
import { allows } from '../registry/definitions.ts'
import { notAcceptable, unknownResource } from '../status.ts'
import type { Discovery } from './discovery.ts'
import { jsonResponse } from './responses.ts'

const query = (name: string, description: string) => ({ name, in: 'query', description, schema: { type: 'string', uniqueItems: true } })
const inPath = (name: string) => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } })
const writing = [
  query('dryRun', 'When present, the change is checked but not stored. The only value is All.'),
  query('fieldManager', 'A name for the actor that makes the change.'),
  query('fieldValidation', 'What is done about unknown and duplicate fields: Ignore, Warn or Strict.'),
]

/** `/openapi/v3`: where the document of each group and version stands. */
export function openapiIndex(definitions: readonly ResourceDefinition[], discovery: Discovery, hash: string): unknown {
  const paths: Record<string, { serverRelativeURL: string }> = {}
  for (const { group, version } of discovery.groupVersions()) {
    const path = group ? `apis/${group}/${version}` : `api/${version}`
    const schemas = definitions.filter((one) => one.openapi && one.group === group && one.version === version).map((one) => one.openapi)
    paths[path] = {
      serverRelativeURL: `/openapi/v3/${path}?hash=${schemas.length > 0 ? fnv32a(JSON.stringify(schemas)).toString(16) : hash}`,
    }
  }
  return { paths }
}

/**
 * The OpenAPI v3 document of one group and version: paths with the parameters that clients look for, and a schema per kind that says no
 * more than that it is an object. Throws NotFound. It offers no strategic merge patch media type, since without field schemas a
 * client could not compute one from it; clients then fall back on the types that they know.
 */
export function openapiDocument(definitions: readonly ResourceDefinition[], group: string, version: string, gitVersion: string): unknown {
  const served = definitions.filter((definition) => definition.group === group && definition.version === version)
  if (served.length === 0) throw unknownResource()
  const paths: Record<string, unknown> = {}
  const schemas: Record<string, unknown> = {}
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`
  for (const definition of served) {
    const { kind, plural, namespaced } = definition
    const gvk = { group, kind, version }
    const schema = schemaName(group, version, kind)
    const { openapi = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } = definition
    schemas[schema] = { ...openapi, 'x-kubernetes-group-version-kind': [gvk] }
    if (definition.openapi) schemas[objectMetaName] ??= { type: 'object', description: 'What every object says about itself.' }
    const content = { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } }
    const operation = (action: string, verb: string, body?: Record<string, unknown>) => ({
      ...(body && { requestBody: { content: body, required: true }, parameters: writing }),
      responses: { '200': { description: 'OK', content } },
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': gvk,
      operationId: `${verb}${kind}`,
    })
    const anything = { schema: { type: 'object' } }
    const collection = {
      ...(allows(definition, 'list') && { get: operation('list', 'list') }),
      ...(allows(definition, 'create') && { post: operation('post', 'create', content) }),
      ...(namespaced && { parameters: [inPath('namespace')] }),
    }
    const item = {
      ...(allows(definition, 'get') && { get: operation('get', 'read') }),
      ...(allows(definition, 'update') && { put: operation('put', 'replace', content) }),
      ...(allows(definition, 'patch') && {
        patch: operation('patch', 'patch', {
          'application/json-patch+json': anything,
          'application/merge-patch+json': anything,
          'application/apply-patch+yaml': anything,
        }),
      }),
      ...(allows(definition, 'delete') && { delete: operation('delete', 'delete') }),
      parameters: namespaced ? [inPath('name'), inPath('namespace')] : [inPath('name')],
    }
    const base = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`
    paths[base] = collection
    paths[`${base}/{name}`] = item
  }
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: gitVersion }, paths, components: { schemas } }
}

/** What is sent; clients ask with `@` instead of the last dot, which no parser of media types takes. */
const protobufV2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/**
 * `/openapi/v2`, without definitions: a client that looks a kind up finds nothing, and takes the types it was built with. kubectl checks
 * lists and kinds that the server does not know against it (in protobuf: gnostic's openapi.v2.Document), and does nothing without it.
 * Throws NotAcceptable.
 */
export function openapiV2(accept: string | null, gitVersion: string): Response {
  const types = (accept ?? '*/*').split(',').map((type) => type.split(';')[0]!.trim())
  if (types.some((type) => type === 'application/json' || type === '*/*' || type === 'application/*')) {
    return jsonResponse({ swagger: '2.0', info: { title: 'Kubernetes', version: gitVersion }, paths: {} })
  }
  if (!types.some((type) => type.replace('@', '.') === protobufV2)) {
    throw notAcceptable(`application/json, ${protobufV2}`)
  }
  const text = (field: number, value: string) => part(field, new TextEncoder().encode(value))
  const info = [...text(1, 'Kubernetes'), ...text(2, gitVersion)]
  const document = new Uint8Array([...text(1, '2.0'), ...part(2, info), ...part(8, [])])
  return new Response(document, { headers: { 'Content-Type': protobufV2, 'Content-Length': String(document.length) } })
}

/** A length-delimited field, shorter than 128 bytes. */
function part(field: number, bytes: Iterable<number>): number[] {
  const content = [...bytes]
  return [(field << 3) | 2, content.length, ...content]
}

/** `io.k8s.api.apps.v1.Deployment`; groups with a domain are written backwards, as Go packages are. */
function schemaName(group: string, version: string, kind: string): string {
  if (!group.includes('.') || group.endsWith('.k8s.io')) return `io.k8s.api.${group.split('.')[0] || 'core'}.${version}.${kind}`
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`
}
