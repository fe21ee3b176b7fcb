import type { Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import type { Sockets } from '../../network/sockets.ts'
import { ageColumn, column, nameColumn } from '../../resources/columns.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import type { DeleteOptions, NodeConnector, ScaleObject } from '../api.ts'
import type { ServiceAccountTokens } from '../authentication/service-account-tokens.ts'
import { answerTokenRequest } from '../authentication/token-request.ts'
import { jsonPatch } from '../patch/json.ts'
import { isObject, mergePatch } from '../patch/merge.ts'
import { bindPod, evictPod } from '../registry/pods.ts'
import type { Registry } from '../registry/registry.ts'
import { scaleOf, updateScale } from '../registry/scale.ts'
import { badRequest, methodNotAllowed, notImplemented, unknownResource, unsupportedMediaType } from '../status.ts'
import { readObject, readPatch } from './bodies.ts'
import { conform, unreadablePatch } from './conform.ts'
import { logResponse } from './logs.ts'
import { dryRunOf } from './options.ts'
import { proxyResponse } from './proxy.ts'
import { objectResponse, type ResourceRequest, serveObject, writeContext } from './resources.ts'
import { jsonResponse } from './responses.ts'

/** What subresources need beyond the registry. */
interface SubresourceWorld {
  readonly registry: Registry
  readonly nodes: NodeConnector
  readonly tokens: ServiceAccountTokens | undefined
  /** The API server's own, for the proxies; undefined: it has no network. */
  readonly sockets: Sockets | undefined
}

export async function serveSubresource(
  world: SubresourceWorld,
  given: ResourceRequest & { name: string },
  subresource: string,
): Promise<Response> {
  const { registry, nodes } = world
  const { definition, request, query, namespace, name } = given
  const isPod = definition.kind === 'Pod' && definition.group === ''
  switch (subresource) {
    case 'status':
      if (!definition.status) throw unknownResource()
      return serveObject(registry, given, 'status')
    case 'approval':
      if (!definition.approval) throw unknownResource()
      return serveObject(registry, given, 'approval')
    case 'scale':
      return serveScale(registry, given)
    case 'finalize':
      if (definition.kind !== 'Namespace' || request.method !== 'PUT') throw unknownResource()
      return serveObject(registry, given, 'finalize')
    case 'proxy':
      if (definition.group !== '' || !['Pod', 'Service', 'Node'].includes(definition.kind)) throw unknownResource()
      return proxyResponse(registry, nodes, world.sockets, given)
    case 'token':
      if (definition.kind !== 'ServiceAccount') throw unknownResource()
      if (request.method !== 'POST') throw methodNotAllowed()
      return serveTokenRequest(registry, world.tokens, given)
  }
  if (!isPod) throw unknownResource()
  switch (subresource) {
    case 'ephemeralcontainers':
      return serveObject(registry, given, 'ephemeralcontainers')
    case 'log': {
      if (request.method !== 'GET') throw methodNotAllowed()
      const pod = registry.get(definition, namespace, name) as Pod & KubeObject
      return logResponse(registry, nodes, pod, query, request.signal)
    }
    case 'binding': {
      if (request.method !== 'POST') throw methodNotAllowed()
      const context = writeContext(given, 'CreateOptions')
      const body = await readObject(request)
      bindPod(registry, namespace!, name, bindingTarget(body), context)
      return jsonResponse({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, { status: 201 })
    }
    case 'eviction': {
      if (request.method !== 'POST') throw methodNotAllowed()
      const body = await readObject(request, 'Eviction')
      if (body.kind !== undefined && body.kind !== 'Eviction') throw badRequest(`expected an Eviction, got ${body.kind}`)
      const { deleteOptions = {} } = conform(evictions, body).object as { deleteOptions?: DeleteOptions & { dryRun?: string[] } }
      const dryRun = dryRunOf([...query.getAll('dryRun'), ...(deleteOptions.dryRun ?? [])], 'CreateOptions')
      evictPod(registry, namespace!, name, deleteOptions, { user: given.user, dryRun })
      return jsonResponse({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, { status: 201 })
    }
    case 'exec':
    case 'attach':
    case 'portforward':
      registry.get(definition, namespace, name)
      throw badRequest('Upgrade request required')
    default:
      throw unknownResource()
  }
}

const evictions = { group: 'policy', version: 'v1', kind: 'Eviction' }
const tokenRequests = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' }

async function serveTokenRequest(
  registry: Registry,
  tokens: ServiceAccountTokens | undefined,
  { request, namespace, name }: ResourceRequest & { name: string },
): Promise<Response> {
  if (!tokens) throw notImplemented('this API server issues no tokens')
  const body = await readObject(request, 'TokenRequest')
  if (body.kind !== undefined && body.kind !== 'TokenRequest') throw badRequest(`${body.kind} cannot be handled as a TokenRequest`)
  return jsonResponse(answerTokenRequest(registry, tokens, namespace!, name, conform(tokenRequests, body).object), { status: 201 })
}

export function bindingTarget(body: Record<string, unknown> | undefined): string {
  const target = body?.target as { name?: unknown; kind?: unknown } | undefined
  return typeof target?.name === 'string' ? target.name : ''
}

/** How a Scale looks as a table; it is no resource of its own (printScale of kube-apiserver's printers). */
const scaleView: ResourceDefinition<ScaleObject> = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  plural: 'scales',
  singular: 'scale',
  namespaced: true,
  columns: [
    nameColumn,
    column('Desired', 'Wanted replicas.', ({ spec }) => spec?.replicas ?? 0, 'integer'),
    column('Available', 'Replicas that there are.', ({ status }) => status?.replicas ?? 0, 'integer'),
    ageColumn,
  ],
}

async function serveScale(registry: Registry, given: ResourceRequest & { name: string }): Promise<Response> {
  const { definition, request, namespace, name } = given
  const object = registry.get(definition, namespace, name)
  const current = scaleOf(definition, object)
  if (request.method === 'GET') return objectResponse(registry, { ...given, definition: scaleView }, current)
  let scale: KubeObject
  if (request.method === 'PUT') {
    scale = conform(scaleView, (await readObject(request, 'Scale')) as KubeObject).object
  } else if (request.method === 'PATCH') {
    const { type, patch } = await readPatch(request)
    if (type === 'apply') throw unsupportedMediaType('the simulated cluster does not model server-side apply of the scale subresource')
    const patched = type === 'json' ? jsonPatch(current, patch) : mergePatch(current, patch)
    if (!isObject(patched)) throw badRequest('the body of the request must be a Scale')
    scale = conform(scaleView, patched, unreadablePatch(patched)).object
  } else {
    throw methodNotAllowed()
  }
  const named = { ...scale, metadata: { ...scale.metadata, name, ...(namespace !== undefined && { namespace }) } }
  return jsonResponse(updateScale(registry, definition, named, writeContext(given, 'UpdateOptions')))
}
