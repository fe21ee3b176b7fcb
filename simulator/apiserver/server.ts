import type { Sockets } from '../network/sockets.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import type { Aggregator } from './aggregation/aggregator.ts'
import type { ApiServer, NodeConnector, Peer, UserInfo } from './api.ts'
import { StatusError } from './api.ts'
import type { Authenticator } from './authentication/authenticator.ts'
import { effectiveUser } from './authorization/impersonation.ts'
import { readObject } from './http/bodies.ts'
import { conform } from './http/conform.ts'
import { createDiscovery, type Discovery, type VirtualResource } from './http/discovery.ts'
import { healthResponse } from './http/health.ts'
import { negotiateDiscovery } from './http/negotiate.ts'
import { dryRunOf } from './http/options.ts'
import { parseResourcePath, type ResourcePath, segments } from './http/paths.ts'
import { isWatch, type ResourceRequest, serveCollection, serveObject } from './http/resources.ts'
import { failure, jsonResponse, warningHeader } from './http/responses.ts'
import { type Attributes, type Authorize, answerReview, refusalOf, reviews } from './http/reviews.ts'
import { openStream } from './http/streams.ts'
import { bindingTarget, serveSubresource } from './http/subresources.ts'
import type { OpenapiSchemas } from './openapi/schema.ts'
import { serveOpenapi } from './openapi/serve.ts'
import { bindPod } from './registry/pods.ts'
import { createRegistry } from './registry/registry.ts'
import type { RegistryWorld } from './registry/world.ts'
import { forbidden, methodNotAllowed, notImplemented, unauthorized, unknownResource } from './status.ts'

export interface ApiServerWorld extends RegistryWorld {
  readonly nodes: NodeConnector
  /** The API server's own sockets, for the proxy subresources; absent: it has no network. */
  readonly sockets?: () => Sockets
  /** Undefined: 401. */
  /** What the cluster's authority says of a client certificate. Absent: nobody can, and none is asked for. */
  readonly handshake?: NonNullable<ApiServer['handshake']>
  authenticate(request: Request, peer?: Peer): UserInfo | undefined | Promise<UserInfo | undefined>
  /** For TokenReview; absent: no token is anybody's. */
  readonly reviewToken?: Authenticator['review']
  /** Absent: everybody may do everything. */
  readonly authorize?: Authorize
  readonly rulesFor?: (user: UserInfo, namespace: string) => object
  /** Groups that other servers serve. */
  readonly aggregator?: Aggregator
  /** Default `v1.34.2`. */
  readonly gitVersion?: string
  /** The schemas of Kubernetes' own types, asked for at the first request for OpenAPI. Absent: documents name kinds without their fields. */
  readonly openapi?: () => OpenapiSchemas
}

const bindings: VirtualResource = {
  group: '',
  version: 'v1',
  plural: 'bindings',
  singular: 'binding',
  kind: 'Binding',
  namespaced: true,
  verbs: ['create'],
}

const keyDocuments = new Set(['/openid/v1/jwks', '/.well-known/openid-configuration'])
const noPublicKeys = 'the simulated cluster signs service account tokens with a key of its own (HS256), so it has no public keys to show'

/** The Kubernetes HTTP API over a store. Every failure becomes a Status; nothing escapes. */
export function createApiServer(world: ApiServerWorld): ApiServer {
  const registry = createRegistry(world)
  const virtual = [bindings, ...reviews]
  /** Made anew when a custom kind came or went. */
  let described: readonly ResourceDefinition[] = registry.definitions.all
  let ownDiscovery = createDiscovery(described, virtual)
  const gitVersion = world.gitVersion ?? 'v1.34.2'
  const [major, minor] = gitVersion.slice(1).split('.')
  const version = {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'go1.24.9',
    compiler: 'gc',
    platform: 'linux/amd64',
  }
  const openapi = {
    kinds: () => [...registry.definitions.all, ...virtual],
    schemas: world.openapi,
    gitVersion,
    now: () => world.clock.now(),
  }
  const authorize: Authorize = world.authorize ?? (() => ({ allowed: true }))

  async function authenticated(request: Request, peer: Peer | undefined): Promise<UserInfo> {
    const user = await world.authenticate(request, peer)
    if (!user) throw unauthorized()
    return effectiveUser(request.headers, user, authorize)
  }

  function authorized(user: UserInfo, attributes: Attributes): void {
    const decision = authorize(user, attributes)
    if (decision.allowed) return
    if (attributes.path !== undefined) {
      const message = `forbidden: ${refusalOf(user, attributes)}`
      throw new StatusError({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message,
        reason: 'Forbidden',
        details: {},
        code: 403,
      })
    }
    const why = refusalOf(user, attributes) + (decision.reason ? `: ${decision.reason}` : '')
    throw forbidden(
      { group: attributes.group ?? '', resource: attributes.resource!, ...(attributes.name && { name: attributes.name }) },
      why,
    )
  }

  async function serve(request: Request, peer: Peer | undefined): Promise<Response> {
    const url = new URL(request.url)
    const query = url.searchParams
    const pathname = url.pathname.length > 1 ? url.pathname.replace(/\/+$/, '') : url.pathname
    const user = await authenticated(request, peer)
    const path = parseResourcePath(pathname)
    if (path) return serveResource(request, query, path, user)
    authorized(user, { verb: request.method.toLowerCase(), path: pathname })
    const health = healthResponse(pathname, query)
    if (health) return health
    if (pathname === '/version') return jsonResponse(version)
    const [root, group = '', served = ''] = pathname.split('/').slice(1)
    const remote = root === 'apis' && served ? world.aggregator?.find(group, served) : undefined
    if (remote) return world.aggregator!.proxy(remote, request, user)
    return serveDocument(request, pathname)
  }

  /** With the groups of other servers, where there are any. */
  async function currentDiscovery(): Promise<Discovery> {
    const remote = await world.aggregator?.groups()
    const { all } = registry.definitions
    if (remote?.length) return createDiscovery(all, virtual, remote)
    if (all !== described) [described, ownDiscovery] = [all, createDiscovery(all, virtual)]
    return ownDiscovery
  }

  async function serveDocument(request: Request, pathname: string): Promise<Response> {
    const discovery = await currentDiscovery()
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed()
    const parts = segments(pathname)
    if (!parts) throw unknownResource()
    const [root, second, third, ...rest] = parts
    if (root === undefined) return jsonResponse({ paths: rootPaths(discovery) })
    if ((root === 'api' || root === 'apis') && second === undefined) {
      const form = negotiateDiscovery(request.headers.get('accept'))
      if (form) {
        const type = `application/json;g=apidiscovery.k8s.io;v=${form.version};as=APIGroupDiscoveryList`
        return jsonResponse(discovery.aggregated(form.version, root === 'api'), { type })
      }
      if (root === 'apis') return jsonResponse(discovery.groups())
      return jsonResponse({
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: new URL(request.url).host }],
      })
    }
    if (root === 'api' && second === 'v1' && third === undefined) return jsonResponse(discovery.resources('', 'v1'))
    if (root === 'apis' && third === undefined) return jsonResponse(discovery.group(second!))
    if (root === 'apis' && rest.length === 0) return jsonResponse(discovery.resources(second!, third!))
    if (root === 'openapi') return serveOpenapi(openapi, request, parts.slice(1))
    if (keyDocuments.has(pathname)) throw notImplemented(noPublicKeys)
    throw unknownResource()
  }

  function rootPaths(discovery: Discovery): string[] {
    const groups = discovery.groupVersions().filter(({ group }) => group !== '')
    return [
      '/api',
      '/api/v1',
      '/apis',
      ...new Set(groups.flatMap(({ group, version }) => [`/apis/${group}`, `/apis/${group}/${version}`])),
      '/healthz',
      '/livez',
      '/openapi/v2',
      '/openapi/v3',
      '/readyz',
      '/version',
    ].sort()
  }

  async function serveResource(request: Request, query: URLSearchParams, path: ResourcePath, user: UserInfo): Promise<Response> {
    const review = virtual.find(({ group, version, plural }) => group === path.group && version === path.version && plural === path.plural)
    if (review) return serveVirtual(request, query, path, review, user)
    const remote = world.aggregator?.find(path.group, path.version)
    if (remote) {
      authorized(user, attributesOf(request, query, path))
      return world.aggregator!.proxy(remote, request, user)
    }
    const given = target(request, query, path, user)
    authorized(user, attributesOf(request, query, path))
    if (path.plural === 'leases' && request.method === 'GET') world.nodes.renewLeases?.()
    const response = await serveTarget(given, path.subresource)
    const { custom } = given.definition
    if (custom?.deprecation !== undefined) response.headers.append('Warning', warningHeader(custom.deprecation))
    return response
  }

  function serveTarget(given: ResourceRequest, subresource: string | undefined): Promise<Response> {
    const { name } = given
    if (name === undefined) return serveCollection(registry, given)
    const named = { ...given, name }
    if (subresource === undefined) return serveObject(registry, named)
    return serveSubresource({ registry, nodes: world.nodes, tokens: world.tokens, sockets: world.sockets?.() }, named, subresource)
  }

  function target(request: Request, query: URLSearchParams, path: ResourcePath, user: UserInfo): ResourceRequest {
    const definition = registry.definitions.at(path.group, path.version, path.plural)
    if (!definition) throw unknownResource()
    if (!definition.namespaced && path.namespace !== undefined) throw unknownResource()
    if (definition.namespaced && path.namespace === undefined && (path.name !== undefined || request.method === 'POST'))
      throw unknownResource()
    return { request, query, definition, namespace: path.namespace, name: path.name, user }
  }

  async function serveVirtual(
    request: Request,
    query: URLSearchParams,
    path: ResourcePath,
    review: VirtualResource,
    user: UserInfo,
  ): Promise<Response> {
    if (request.method !== 'POST' || path.name !== undefined) throw methodNotAllowed()
    if (review.namespaced !== (path.namespace !== undefined)) throw unknownResource()
    const { object: body } = conform(review, await readObject(request, review.kind))
    authorized(user, attributesOf(request, query, path))
    if (review !== bindings) {
      const { rulesFor, reviewToken } = world
      return jsonResponse(answerReview(review, body, user, { authorize, now: world.clock.now(), rulesFor, reviewToken }), { status: 201 })
    }
    const name = (body.metadata as { name?: string } | undefined)?.name ?? ''
    bindPod(registry, path.namespace!, name, bindingTarget(body), { user, dryRun: dryRunOf(query.getAll('dryRun'), 'CreateOptions') })
    return jsonResponse({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, { status: 201 })
  }

  return {
    ...(world.handshake && { handshake: world.handshake }),
    fetch: async (request, peer) => {
      try {
        return await serve(request, peer)
      } catch (error) {
        return failure(error)
      }
    },
    upgrade: async (request, protocols, { transport = 'websocket', peer } = {}) => {
      try {
        const user = await authenticated(request, peer)
        const url = new URL(request.url)
        const path = parseResourcePath(url.pathname)
        if (!path?.subresource || path.name === undefined) throw unknownResource()
        const given = target(request, url.searchParams, path, user)
        authorized(user, { ...attributesOf(request, url.searchParams, path), verb: 'create' })
        return openStream(registry, world.nodes, { ...given, name: path.name }, path.subresource, protocols, transport)
      } catch (error) {
        return failure(error)
      }
    },
  }
}

function attributesOf(request: Request, query: URLSearchParams, path: ResourcePath): Attributes {
  const { group, version, plural: resource, namespace, name, subresource } = path
  return {
    verb: verbOf(request.method, name !== undefined, isWatch(query)),
    group,
    version,
    resource,
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...selectionOf(query, name),
  }
}

function verbOf(method: string, named: boolean, watch: boolean): string {
  switch (method) {
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return named ? 'delete' : 'deletecollection'
    default:
      return named ? 'get' : watch ? 'watch' : 'list'
  }
}

/** A selector of one name is that name to the authorizer (RequestInfo), so that `get -w NAME` needs no more than that name. */
function selectionOf(query: URLSearchParams, name: string | undefined): Partial<Attributes> {
  const fieldSelector = query.get('fieldSelector')
  if (!fieldSelector || name !== undefined) return {}
  const one = /^metadata\.name==?([^,]+)$/.exec(fieldSelector)?.[1]
  return { fieldSelector, ...(one && { name: one }) }
}
