import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { builtinKinds, groupPath } from '../kubernetes/kinds.ts'
import type { KubeObject, ResourceKind } from '../kubernetes/object.ts'

/** The objects of a fake cluster; plain data, so that a test can keep them over a "restart". */
export interface FakeState {
  revision: number
  readonly objects: Map<string, KubeObject>
}

/** A Kubernetes API for tests of the platform: objects, watches and merge patches over HTTP, and workloads that are ready at once. */
export interface FakeApi {
  readonly url: string
  readonly state: FakeState
  get(kind: string, name: string, namespace?: string): KubeObject | undefined
  list(kind: string): KubeObject[]
  /** Merges, or creates. */
  write(object: KubeObject): KubeObject
  remove(kind: string, name: string, namespace?: string): void
  close(): Promise<void>
}

interface Watching {
  readonly kind: ResourceKind
  readonly matches: (object: KubeObject) => boolean
  readonly response: ServerResponse
}

export async function startFakeApi(state: FakeState): Promise<FakeApi> {
  const watching = new Set<Watching>()
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) status(response, 500, 'InternalError', String(error))
      else response.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  function write(object: KubeObject): KubeObject {
    const key = keyOf(object.kind, object.metadata.name, object.metadata.namespace)
    const before = state.objects.get(key)
    const merged = before === undefined ? object : (mergePatch(before, object) as KubeObject)
    return put(key, before, merged)
  }

  function put(key: string, before: KubeObject | undefined, wanted: KubeObject): KubeObject {
    state.revision++
    const changed = JSON.stringify(before?.['spec']) !== JSON.stringify(wanted['spec'])
    const generation = Number(before?.metadata['generation'] ?? 0) + (changed ? 1 : 0)
    const object = withStatus({
      ...wanted,
      metadata: {
        ...wanted.metadata,
        uid: before?.metadata.uid ?? `uid-${state.revision}`,
        resourceVersion: String(state.revision),
        generation,
      },
    })
    state.objects.set(key, object)
    tell(before === undefined ? 'ADDED' : 'MODIFIED', object)
    return object
  }

  function remove(kind: string, name: string, namespace?: string): void {
    const key = keyOf(kind, name, namespace)
    const object = state.objects.get(key)
    if (object === undefined) return
    state.revision++
    state.objects.delete(key)
    tell('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(state.revision) } })
  }

  function tell(type: string, object: KubeObject): void {
    for (const each of watching) {
      if (each.kind.kind === object.kind && each.matches(object)) each.response.write(`${JSON.stringify({ type, object })}\n`)
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = new URL(request.url ?? '/', url)
    if (at.pathname === '/version') return json(response, 200, { major: '1', minor: '34', gitVersion: 'v1.34.0' })
    const discovered = builtinKinds.filter((kind) => at.pathname === groupPath(kind.apiVersion))
    if (discovered.length > 0) {
      const resources = discovered.map(({ kind, plural, namespaced }) => ({
        name: plural,
        kind,
        namespaced,
        singularName: '',
        verbs: ['get'],
      }))
      return json(response, 200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: discovered[0]?.apiVersion, resources })
    }
    const target = parsePath(at.pathname)
    if (target === undefined) return status(response, 404, 'NotFound', 'the server could not find the requested resource')
    const { kind, namespace, name } = target
    const body = await bodyOf(request)
    const key = name === undefined ? '' : keyOf(kind.kind, name, namespace)
    const found = state.objects.get(key)
    const missing = () => status(response, 404, 'NotFound', `${kind.plural} "${name}" not found`)
    switch (request.method) {
      case 'GET': {
        if (name !== undefined) return found === undefined ? missing() : json(response, 200, found)
        const matches = selection(kind, namespace, at.searchParams.get('labelSelector'))
        const items = [...state.objects.values()].filter(matches)
        if (at.searchParams.get('watch') === 'true') return watch(response, { kind, matches, response }, items)
        return json(response, 200, {
          apiVersion: kind.apiVersion,
          kind: `${kind.kind}List`,
          metadata: { resourceVersion: String(state.revision) },
          items,
        })
      }
      case 'POST': {
        const object = { ...(body as KubeObject), apiVersion: kind.apiVersion, kind: kind.kind }
        const own = kind.namespaced ? { ...object, metadata: { ...object.metadata, namespace: namespace ?? 'default' } } : object
        const place = keyOf(kind.kind, own.metadata.name, own.metadata.namespace)
        if (kind.namespaced && !state.objects.has(keyOf('Namespace', own.metadata.namespace ?? ''))) {
          return status(response, 404, 'NotFound', `namespaces "${own.metadata.namespace}" not found`)
        }
        if (state.objects.has(place)) return status(response, 409, 'AlreadyExists', `${kind.plural} "${own.metadata.name}" already exists`)
        return json(response, 201, put(place, undefined, own))
      }
      case 'PATCH':
        return found === undefined ? missing() : json(response, 200, put(key, found, mergePatch(found, body) as KubeObject))
      case 'PUT':
        return found === undefined ? missing() : json(response, 200, put(key, found, body as KubeObject))
      case 'DELETE':
        if (found === undefined) return missing()
        remove(kind.kind, found.metadata.name, found.metadata.namespace)
        return json(response, 200, { kind: 'Status', apiVersion: 'v1', status: 'Success' })
      default:
        return status(response, 405, 'MethodNotAllowed', `${request.method} is not allowed`)
    }
  }

  function watch(response: ServerResponse, entry: Watching, items: readonly KubeObject[]): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for (const object of items) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)
    watching.add(entry)
    response.on('close', () => watching.delete(entry))
  }

  return {
    url,
    state,
    get: (kind, name, namespace) => state.objects.get(keyOf(kind, name, namespace)),
    list: (kind) => [...state.objects.values()].filter((object) => object.kind === kind),
    write,
    remove,
    close: () => closeServer(server),
  }
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

function keyOf(kind: string, name: string, namespace = ''): string {
  return `${kind} ${namespace}/${name}`
}

function parsePath(path: string): { kind: ResourceKind; namespace: string | undefined; name: string | undefined } | undefined {
  for (const kind of builtinKinds) {
    const prefix = `${groupPath(kind.apiVersion)}/`
    if (!path.startsWith(prefix)) continue
    const parts = path.slice(prefix.length).split('/').map(decodeURIComponent)
    const scoped = kind.namespaced && parts[0] === 'namespaces' && parts.length >= 3
    const [plural, name] = scoped ? parts.slice(2) : parts
    if (plural === kind.plural) return { kind, namespace: scoped ? parts[1] : undefined, name }
  }
  return undefined
}

function selection(kind: ResourceKind, namespace: string | undefined, selector: string | null): (object: KubeObject) => boolean {
  const pairs = (selector ?? '')
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split('='))
  return (object) =>
    object.kind === kind.kind &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    pairs.every(([label = '', value]) => object.metadata.labels?.[label] === value)
}

/** RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const out: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key]
    else out[key] = mergePatch(out[key], value)
  }
  return out
}

/** Workloads are rolled out, and pods ready, as soon as they are written. */
function withStatus(object: KubeObject): KubeObject {
  const replicas = (object['spec'] as { replicas?: number } | undefined)?.replicas ?? 1
  const observedGeneration = object.metadata['generation']
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet':
      return { ...object, status: { observedGeneration, replicas, updatedReplicas: replicas, readyReplicas: replicas } }
    case 'DaemonSet':
      return { ...object, status: { observedGeneration, desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberReady: 1 } }
    case 'Pod':
      return { ...object, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }
    default:
      return object
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

function json(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function status(response: ServerResponse, code: number, reason: string, message: string): void {
  json(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code })
}
