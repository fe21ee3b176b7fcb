import { describe, expect, it } from 'vitest'
import { openapiSchemas } from '../../../scripts/openapi/cache.ts'
import { resources } from '../../resources/catalogue.ts'
import type { PublishedKind } from './paths.ts'
import { type OpenapiSchema, referencesOf } from './schema.ts'
import { type OpenapiSource, serveOpenapi } from './serve.ts'

const widgets: PublishedKind = {
  group: 'shop.example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
  openapi: {
    type: 'object',
    description: 'A thing of the shop.',
    properties: {
      metadata: { allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }] },
      spec: { type: 'object', properties: { size: { type: 'integer' } } },
    },
  },
}
const full: OpenapiSource = {
  kinds: () => [...resources, widgets],
  schemas: openapiSchemas,
  gitVersion: 'v1.34.2',
  now: () => Date.parse('2025-01-01T00:00:00Z'),
}
const without: OpenapiSource = { ...full, schemas: undefined }

function get(path: string, headers: Record<string, string> = {}, source = full): Response {
  const url = new URL(`https://cluster.local${path}`)
  return serveOpenapi(source, new Request(url, { headers }), url.pathname.split('/').slice(2))
}
const json = async (response: Response): Promise<any> => response.json()
const urlOf = async (path: string, source = full) => (await json(get('/openapi/v3', {}, source))).paths[path].serverRelativeURL as string
const document = async (path: string, source = full) => json(get(await urlOf(path, source), {}, source))

describe('OpenAPI v3', () => {
  it('is whole: every reference resolves within the document', async () => {
    const { paths } = await json(get('/openapi/v3'))
    for (const path of Object.keys(paths)) {
      const { components } = await document(path)
      for (const [name, schema] of Object.entries<OpenapiSchema>(components.schemas)) {
        for (const reference of referencesOf(schema)) expect(components.schemas, `${path} ${name}`).toHaveProperty([reference])
      }
    }
  })

  it('tells what clients look for: the kind of an operation, its parameters, and that strategic patches are taken', async () => {
    const { paths, components } = await document('apis/apps/v1')
    const { patch } = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']
    expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' })
    expect(patch.parameters.map(({ name }: { name: string }) => name)).toEqual(['dryRun', 'fieldManager', 'fieldValidation', 'force'])
    expect(patch.requestBody.content).toHaveProperty(['application/strategic-merge-patch+json'])
    expect(paths).toHaveProperty(['/apis/apps/v1/deployments', 'get', 'operationId'], 'listAppsV1DeploymentForAllNamespaces')
    const scale = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale'].get
    expect(scale['x-kubernetes-group-version-kind'].kind).toBe('Scale')
    expect(components.schemas).toHaveProperty(['io.k8s.api.core.v1.PodSpec'])
    expect(components.schemas).not.toHaveProperty(['io.k8s.api.core.v1.Service'])
  })

  it('publishes the schema that a definition brings, which is never patched strategically', async () => {
    const { paths, components } = await document('apis/shop.example.com/v1')
    const schema = components.schemas['com.example.shop.v1.Widget']
    expect(schema).toMatchObject({
      description: 'A thing of the shop.',
      properties: { spec: { properties: { size: { type: 'integer' } } } },
    })
    expect(schema['x-kubernetes-group-version-kind']).toEqual([{ group: 'shop.example.com', version: 'v1', kind: 'Widget' }])
    expect(components.schemas).toHaveProperty(['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'])
    const { patch } = paths['/apis/shop.example.com/v1/namespaces/{namespace}/widgets/{name}']
    expect(patch.requestBody.content).not.toHaveProperty(['application/strategic-merge-patch+json'])
  })

  it('may be kept by its hash, and leads from an old hash to the present one', async () => {
    const url = await urlOf('api/v1')
    const kept = get(url)
    expect(kept.headers.get('cache-control')).toBe('public, immutable')
    expect(kept.headers.get('expires')).toBe('Thu, 01 Jan 2026 00:00:00 GMT')
    expect(url).toBe(`/openapi/v3/api/v1?hash=${kept.headers.get('etag')!.replaceAll('"', '')}`)
    const plain = get('/openapi/v3/api/v1')
    expect(plain.headers.get('cache-control')).toBeNull()
    expect(get('/openapi/v3/api/v1', { 'If-None-Match': plain.headers.get('etag')! }).status).toBe(304)
    const old = get('/openapi/v3/api/v1?hash=0')
    expect(old.status).toBe(301)
    expect(new URL(old.headers.get('location')!, 'https://cluster.local/clusters/a/openapi/v3/api/v1?hash=0').pathname).toBe(
      '/clusters/a/openapi/v3/api/v1',
    )
  })

  it('has another hash once something else is served', async () => {
    const changed = { ...full, kinds: () => [...resources, { ...widgets, openapi: { ...widgets.openapi, description: 'Another.' } }] }
    expect(await urlOf('apis/shop.example.com/v1', changed)).not.toBe(await urlOf('apis/shop.example.com/v1'))
    expect(await urlOf('apis/apps/v1', changed)).toBe(await urlOf('apis/apps/v1'))
  })

  it('refuses what it does not have', () => {
    expect(() => get('/openapi/v3/apis/nope/v1')).toThrow(expect.objectContaining({ code: 404 }))
    expect(() => get('/openapi/v3/api')).toThrow(expect.objectContaining({ code: 404 }))
    const accept = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf'
    expect(() => get('/openapi/v3/api/v1', { Accept: accept })).toThrow(expect.objectContaining({ code: 406 }))
    expect(get('/openapi/v3/api/v1', { Accept: `${accept}, application/json` }).status).toBe(200)
  })

  it('without schemas names kinds and no fields, so that clients take the types that they know', async () => {
    const { paths, components } = await document('apis/apps/v1', without)
    expect(components.schemas['io.k8s.api.apps.v1.Deployment']).toEqual({
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind: 'Deployment' }],
    })
    const { patch } = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']
    expect(patch.requestBody.content).not.toHaveProperty(['application/strategic-merge-patch+json'])
  })
})

describe('OpenAPI v2', () => {
  const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'

  it('has the schemas of everything that is served', async () => {
    const { swagger, definitions } = await json(get('/openapi/v2'))
    expect(swagger).toBe('2.0')
    const { targetPort, port } = definitions['io.k8s.api.core.v1.ServicePort'].properties
    expect(port).toMatchObject({ type: 'integer' })
    expect(targetPort).toEqual({
      $ref: '#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString',
      description: expect.stringMatching(/^Number or name/),
    })
    expect(definitions['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).toMatchObject({ type: 'string', format: 'int-or-string' })
    expect(definitions).toHaveProperty(['com.example.shop.v1.Widget'])
    expect(JSON.stringify(definitions)).not.toContain('#/components/')
  })

  it('says the same in the protobuf that client-go asks for', async () => {
    const answer = get('/openapi/v2', { Accept: accept })
    expect(answer.headers.get('content-type')).toBe(accept.replace('@', '.'))
    const fields = read(new Uint8Array(await answer.arrayBuffer()))
    expect(text(fields.get(1)![0]!)).toBe('2.0')
    const named = read(fields.get(9)![0]!)
      .get(1)!
      .map((bytes) => read(bytes))
    const { definitions } = await json(get('/openapi/v2'))
    expect(named.map((entry) => text(entry.get(1)![0]!))).toEqual(Object.keys(definitions))
    for (const entry of named) {
      const definition: OpenapiSchema = definitions[text(entry.get(1)![0]!)]
      const schema = read(entry.get(2)![0]!)
      // Field numbers of openapi.v2.Schema: description, required, properties.
      expect(schema.get(4)?.map(text)[0]).toBe(definition.description)
      expect(schema.get(19)?.map(text)).toEqual(definition.required)
      const properties =
        schema.get(25) &&
        read(schema.get(25)![0]!)
          .get(1)!
          .map((bytes) => text(read(bytes).get(1)![0]!))
      expect(properties).toEqual(definition.properties && Object.keys(definition.properties))
    }
  })

  it('is empty without schemas', async () => {
    expect(text(new Uint8Array(await get('/openapi/v2', { Accept: accept }, { ...without, kinds: () => resources }).arrayBuffer()))).toBe(
      '\n\x032.0\x12\x15\n\nKubernetes\x12\x07v1.34.2B\x00',
    )
    expect(() => get('/openapi/v2', { Accept: 'text/html' })).toThrow(expect.objectContaining({ code: 406 }))
  })
})

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** The length-delimited fields of a protobuf message, by number. */
function read(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>()
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    if ((key & 7) !== 2) throw new Error(`wire type ${key & 7} at ${at}`)
    const length = varint()
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), bytes.subarray(at, at + length)])
    at += length
  }
  return fields
}
