import type { Node, Pod, Service } from 'kubernetes-types/core/v1'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1'
import { goDialError, joinHostPort } from '../../kubelet/runtime/dial.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { connect, DialTimeout } from '../../network/async.ts'
import { httpRequest } from '../../network/http.ts'
import type { HttpHeaders, HttpResponse } from '../../network/http-message.ts'
import { NetworkError, type Sockets } from '../../network/sockets.ts'
import type { NodeConnector } from '../api.ts'
import type { Registry } from '../registry/registry.ts'
import { badRequest, serviceUnavailable } from '../status.ts'
import { kubeletRefusal } from './containers.ts'
import type { ResourceRequest } from './resources.ts'

/** The proxy transport's dialer, ms. */
const dialTimeout = 30_000
/** Of RFC 9110, 7.6.1, and what is the connection's own here. */
const hopByHop = new Set(
  'connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade host content-length accept-encoding authorization'.split(
    ' ',
  ),
)

interface Location {
  readonly secure: boolean
  readonly host: string
  readonly port: number
}

/**
 * The proxy subresources of pods, services and nodes: the API server's own connection, over the cluster's network, to what the name stands for
 * (`[SCHEME:]NAME[:PORT]`). Refusals are those of the registries' ResourceLocation and of apimachinery's proxy.
 */
export async function proxyResponse(
  registry: Registry,
  nodes: NodeConnector,
  sockets: Sockets | undefined,
  given: ResourceRequest & { name: string },
): Promise<Response> {
  const { definition, request, query, namespace, name } = given
  const url = new URL(request.url)
  const path =
    /\/proxy(\/.*)?$/.exec(url.pathname.slice(url.pathname.indexOf(`/${definition.plural}/`) + definition.plural.length + 2))?.[1] ?? ''
  const target = schemeNamePort(name)
  if (!target) throw badRequest(`invalid ${definition.kind.toLowerCase()} request "${name}"`)
  const find = <T extends KubeObject>() => registry.get(definition, namespace, target.name) as T
  let location: Location
  if (definition.kind === 'Pod') location = podLocation(find<Pod & KubeObject>(), target)
  else if (definition.kind === 'Service') location = serviceLocation(registry, find<Service & KubeObject>(), target)
  else {
    const node = find<Node & KubeObject>()
    if (!target.port || target.port === '10250') return throughKubelet(nodes, node, request, path || '/', query)
    location = {
      ...targetAt(target, node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address),
      port: portNumber(target.port),
    }
  }
  if (path === '' && ['GET', 'HEAD'].includes(request.method)) {
    return new Response(null, { status: 301, headers: { Location: `${url.pathname}/${url.search}` } })
  }
  if (!sockets) throw serviceUnavailable('error trying to reach service: this API server has no network')
  return send(sockets, registry.world.clock, location, request, (path || '/') + url.search)
}

interface Target {
  readonly scheme: string
  readonly name: string
  readonly port: string
}

/** apimachinery's SplitSchemeNamePort. */
function schemeNamePort(id: string): Target | undefined {
  const [first = '', second = '', third = '', ...more] = id.split(':')
  if (more.length > 0) return undefined
  const parts = id.split(':').length
  const target = parts === 3 ? { scheme: first, name: second, port: third } : { scheme: '', name: first, port: second }
  if (!['', 'http', 'https'].includes(target.scheme) || target.name === '') return undefined
  return target
}

function targetAt({ scheme }: Target, address: string | undefined): { secure: boolean; host: string } {
  if (!address) throw badRequest('address not allowed')
  return { secure: scheme === 'https', host: address }
}

function portNumber(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badRequest(`invalid port "${text}"`)
  return port
}

function podLocation(pod: Pod, target: Target): Location {
  const declared = pod.spec?.containers.find(({ ports }) => ports?.length)?.ports?.[0]?.containerPort
  const at = targetAt(target, pod.status?.podIP)
  return { ...at, port: target.port ? portNumber(target.port) : (declared ?? (at.secure ? 443 : 80)) }
}

function serviceLocation(registry: Registry, service: Service & KubeObject, target: Target): Location {
  const { name, namespace } = service.metadata!
  let portName = target.port
  if (/^\d+$/.test(portName)) {
    const port = service.spec?.ports?.find((one) => one.port === Number(target.port))
    if (!port) throw serviceUnavailable(`no service port ${target.port} found for service "${name}"`)
    portName = port.name ?? ''
  }
  const ready: Location[] = []
  for (const object of registry.world.store.list('endpointslices.discovery.k8s.io', namespace)) {
    const slice = object as unknown as EndpointSlice & KubeObject
    if (slice.metadata?.labels?.['kubernetes.io/service-name'] !== name) continue
    const port = slice.ports?.find((one) => (one.name ?? '') === portName)?.port
    if (port === undefined) continue
    for (const { addresses, conditions } of slice.endpoints ?? [])
      if (conditions?.ready !== false) ready.push({ ...targetAt(target, addresses[0]), port })
  }
  if (ready.length === 0) throw serviceUnavailable(`no endpoints available for service "${target.port ? `${name}:${target.port}` : name}"`)
  return ready[registry.world.random.below(ready.length)]!
}

/** The kubelet's own HTTP API, with the API server's credentials. */
async function throughKubelet(
  nodes: NodeConnector,
  node: Node & KubeObject,
  request: Request,
  path: string,
  query: URLSearchParams,
): Promise<Response> {
  const kubelet = nodes.kubelet(node.metadata!.name!)
  if (!kubelet) throw serviceUnavailable(`error trying to reach service: ${kubeletRefusal(node)}`)
  return kubelet.serve(request.method, path, query)
}

async function send(
  sockets: Sockets,
  clock: Registry['world']['clock'],
  to: Location,
  request: Request,
  target: string,
): Promise<Response> {
  const headers: [string, string][] = [['Host', joinHostPort(to.host, to.port)]]
  request.headers.forEach((value, key) => {
    if (!hopByHop.has(key)) headers.push([key, value])
  })
  const url = new URL(request.url)
  headers.push(['X-Forwarded-Host', url.host], ['X-Forwarded-Proto', 'https'], ['X-Forwarded-Uri', url.pathname])
  const body = new Uint8Array(await request.arrayBuffer())
  const endpoint = { address: to.host, port: to.port }
  try {
    // The service's answer is a stream of its own; plain HTTP is read whole.
    if (to.secure) {
      const connection = await connect(sockets, endpoint, { clock, timeoutMs: dialTimeout, signal: request.signal })
      if (!connection.service) throw new Error('http: server gave HTTP response to HTTPS client')
      const sent = body.length > 0 ? { body } : {}
      return await connection.service
        .fetch(new Request(`https://${joinHostPort(to.host, to.port)}${target}`, { method: request.method, headers, ...sent }))
        .finally(() => connection.close())
    }
    return responseOf(
      await exchange(sockets, clock, endpoint, { method: request.method, target, headers, body }, request.signal),
      request.method,
    )
  } catch (error) {
    request.signal.throwIfAborted()
    throw serviceUnavailable(`error trying to reach service: ${words(error, to)}`)
  }
}

function exchange(
  sockets: Sockets,
  clock: Registry['world']['clock'],
  to: { address: string; port: number },
  request: { method: string; target: string; headers: HttpHeaders; body: Uint8Array },
  signal: AbortSignal,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => {
      timer.close()
      signal.removeEventListener('abort', abort)
      act()
    }
    const abort = () =>
      finish(() => {
        open.close()
        reject(signal.reason)
      })
    const timer = clock.after(dialTimeout, () =>
      finish(() => {
        open.close()
        reject(new DialTimeout(dialTimeout))
      }),
    )
    const open = httpRequest(sockets, to, request, {
      response: (response) => finish(() => resolve(response)),
      error: (error) => finish(() => reject(error)),
    })
    signal.addEventListener('abort', abort, { once: true })
  })
}

function words(error: unknown, to: Location): string {
  const dial = `dial tcp ${joinHostPort(to.host, to.port)}`
  if (error instanceof DialTimeout) return `${dial}: i/o timeout`
  if (error instanceof NetworkError && error.message !== 'EOF') return goDialError(error, dial).message
  return error instanceof Error ? error.message : String(error)
}

function responseOf(answer: HttpResponse, method: string): Response {
  const headers = new Headers()
  for (const [name, value] of answer.headers) if (!hopByHop.has(name.toLowerCase())) headers.append(name, value)
  const bodiless = method === 'HEAD' || answer.status === 204 || answer.status === 304
  return new Response(bodiless ? null : new Uint8Array(answer.body), { status: answer.status, headers })
}
