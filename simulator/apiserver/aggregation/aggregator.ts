import type { Service } from 'kubernetes-types/core/v1'
import type { Clock } from '../../clock.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { type HttpsService, NetworkError, type Sockets, type TcpConnection } from '../../network/sockets.ts'
import type { APIServiceObject } from '../../resources/apiregistration/apiservice.ts'
import type { Api, UserInfo } from '../api.ts'
import { plainText } from '../http/responses.ts'

/** One resource as an APIResourceList names it. */
export interface RemoteResource {
  readonly name: string
  readonly singularName?: string
  readonly namespaced: boolean
  readonly kind: string
  readonly verbs: readonly string[]
  readonly shortNames?: readonly string[]
}

export interface RemoteGroup {
  readonly group: string
  readonly version: string
  /** Undefined while the server behind it cannot be reached. */
  readonly resources: readonly RemoteResource[] | undefined
}

/** Groups that other servers serve, reached through their Services (kube-aggregator). */
export interface Aggregator {
  /** The APIService that leads elsewhere for this group and version. */
  find(group: string, version: string): APIServiceObject | undefined
  /** Sends a request on, as `user`. Failures are plain text with 503, as upstream's proxy answers. */
  proxy(service: APIServiceObject, request: Request, user: UserInfo): Promise<Response>
  /** What the groups hold, asked for anew where it is not known. */
  groups(): Promise<RemoteGroup[]>
  /** `GET path` of the service as the aggregator itself. Throws with Go's words where it cannot be reached. */
  get(service: APIServiceObject, path: string): Promise<Response>
  learned(service: APIServiceObject, resources: readonly RemoteResource[]): void
  /** The network place of the API server's process; while none runs, nothing can be reached. */
  place: { readonly sockets: Sockets; readonly clock: Clock } | undefined
}

/** How long another server may take to answer, ms. */
const patience = 5000

export const apiServiceResource = 'apiservices.apiregistration.k8s.io'

export function createAggregator(api: Api): Aggregator {
  const known = new Map<string, readonly RemoteResource[]>()

  const aggregator: Aggregator = {
    place: undefined,
    find(group, version) {
      const found = api.find<APIServiceObject>(apiServiceResource, undefined, `${version}.${group}`)
      return found?.spec?.service ? found : undefined
    },
    async proxy(service, request, user) {
      if (!isAvailable(service)) return plainText('service unavailable\n', 503)
      const url = new URL(request.url)
      const headers = new Headers(request.headers)
      headers.delete('authorization')
      headers.set('X-Remote-User', user.username)
      for (const group of user.groups) headers.append('X-Remote-Group', group)
      const body = request.method === 'GET' || request.method === 'HEAD' ? null : new Uint8Array(await request.arrayBuffer())
      try {
        return await send(service, `${url.pathname}${url.search}`, { method: request.method, headers, body })
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error
        return plainText(`error trying to reach service: ${error.message}\n`, 503)
      }
    },
    get: (service, path) =>
      send(service, path, { headers: { 'X-Remote-User': 'system:kube-aggregator', 'X-Remote-Group': 'system:masters' } }),
    async groups() {
      const services = api.list<APIServiceObject>(apiServiceResource).filter(({ spec }) => spec?.service)
      return Promise.all(
        services.map(async (service) => {
          const { group = '', version = '' } = service.spec ?? {}
          return { group, version, resources: isAvailable(service) ? await resourcesOf(service) : undefined }
        }),
      )
    },
    learned: (service, resources) => void known.set(service.metadata?.name ?? '', resources),
  }
  return aggregator

  async function resourcesOf(service: APIServiceObject): Promise<readonly RemoteResource[] | undefined> {
    const resources = known.get(service.metadata?.name ?? '')
    if (resources) return resources
    try {
      const response = await aggregator.get(service, discoveryPath(service))
      if (!response.ok) return undefined
      aggregator.learned(service, ((await response.json()) as { resources: RemoteResource[] }).resources)
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
    }
    return known.get(service.metadata?.name ?? '')
  }

  /** Dials the Service's cluster IP, as a kube-apiserver without --enable-aggregator-routing does. */
  async function send(
    service: APIServiceObject,
    path: string,
    options: { method?: string; headers: HeadersInit; body?: Uint8Array<ArrayBuffer> | null },
  ): Promise<Response> {
    const { name = '', namespace = '', port = 443 } = service.spec?.service ?? {}
    const address = api.find<Service & KubeObject>('services', namespace, name)?.spec?.clusterIP
    if (!address || address === 'None') throw new NetworkError('EHOSTUNREACH', `no service ${namespace}/${name} with a cluster IP`)
    const { connection, over } = await dial(address, port)
    try {
      const url = `https://${name}.${namespace}.svc:${port}${path}`
      const answered = await Promise.race([
        (connection.service as HttpsService).fetch(new Request(url, { ...options, body: options.body ?? null })),
        over,
      ])
      // Whole, because the connection ends here: what is served this way is small.
      const body = new Uint8Array(await answered.arrayBuffer())
      return new Response(body, { status: answered.status, headers: answered.headers })
    } finally {
      connection.close()
    }
  }

  async function dial(address: string, port: number): Promise<{ connection: TcpConnection; over: Promise<never> }> {
    const { place } = aggregator
    const where = `${address}:${port}`
    if (!place) throw new NetworkError('ENETUNREACH', `dial tcp ${where}: connect: network is unreachable`)
    let fail: (error: Error) => void = () => {}
    const over = new Promise<never>((_, reject) => {
      fail = reject
    })
    over.catch(() => {})
    const timer = place.clock.after(patience, () => fail(new NetworkError('ETIMEDOUT', `dial tcp ${where}: i/o timeout`)))
    const connected = new Promise<TcpConnection>((resolve) => {
      const connection = place.sockets.connectTcp(
        { address, port },
        {
          connected: () => place.clock.soon(() => resolve(connection)),
          end: () => fail(new NetworkError('ECONNRESET', 'unexpected EOF')),
          error: (error) => fail(new NetworkError(error.code, `dial tcp ${where}: ${wordsOf(error)}`)),
        },
      )
    })
    const connection = await Promise.race([connected, over]).finally(() => timer.close())
    if (connection.service) return { connection, over }
    connection.reset()
    throw new NetworkError('ECONNRESET', 'tls: first record does not look like a TLS handshake')
  }
}

export function isAvailable(service: APIServiceObject): boolean {
  return service.status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True') ?? false
}

export function discoveryPath({ spec }: APIServiceObject): string {
  return `/apis/${spec?.group}/${spec?.version}`
}

function wordsOf(error: NetworkError): string {
  const words: Partial<Record<NetworkError['code'], string>> = {
    ECONNREFUSED: 'connect: connection refused',
    ECONNRESET: 'read: connection reset by peer',
    ETIMEDOUT: 'i/o timeout',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
  }
  return words[error.code] ?? error.message
}
