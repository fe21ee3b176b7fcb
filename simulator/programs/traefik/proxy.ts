import type { Respond, ServedRequest } from '../../network/http.ts'
import { type HttpHeaders, header, percentDecoded } from '../../network/http-message.ts'
import type { Endpoint } from '../../network/sockets.ts'
import { type Attempt, attempt } from '../ingress/upstream.ts'
import type { DaemonContext } from '../process.ts'
import type { DynamicConfiguration, LoadBalancer, Router } from './dynamic-configuration.ts'
import type { TraefikLog } from './log.ts'
import type { EntryPoint, StaticConfiguration } from './static-configuration.ts'

/** forwardingTimeouts.dialTimeout, ms. */
const dialMs = 30_000
/** There is no limit for answers; ms that outlast any client's patience. */
const forEver = 24 * 3600_000

export interface Proxying {
  readonly context: Pick<DaemonContext<unknown>, 'clock' | 'sockets' | 'log' | 'hostname'>
  readonly configuration: StaticConfiguration
  readonly log: TraefikLog
  /** Whose turn it is, by service, and requests so far: plain data. */
  readonly traffic: { turns: Record<string, number>; requests: number }
  dynamic(): DynamicConfiguration
}

/** The router of a request on an entry point: of those that speak its protocol, the first by priority whose rule fits. */
export function routerFor(
  { routers }: Pick<DynamicConfiguration, 'routers'>,
  entryPoint: EntryPoint,
  secure: boolean,
  host: string,
  path: string,
): Router | undefined {
  const name = host.toLowerCase().replace(/:\d+$/, '')
  return routers.find((router) => {
    const here = router.entryPoints.length > 0 ? router.entryPoints.includes(entryPoint.name) : entryPoint.asDefault
    return here && (router.tls || entryPoint.tls) === secure && router.matches(name, path)
  })
}

/** What Traefik does with a request. */
export function serveRequest(proxying: Proxying, entryPoint: EntryPoint, request: ServedRequest, respond: Respond): void {
  const { context, configuration, traffic } = proxying
  const began = context.clock.now()
  const number = ++traffic.requests
  const dynamic = proxying.dynamic()
  const [path = '/'] = request.target.replace(/^https?:\/\/[^/]*/, '').split('?')
  const router = routerFor(dynamic, entryPoint, request.tls !== undefined, header(request, 'host') ?? '', percentDecoded(path))
  const finish = (status: number, headers: HttpHeaders, body: Uint8Array | string, server?: string) => {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
    const own: [string, string][] = header({ headers }, 'date') === undefined ? [['Date', new Date(context.clock.now()).toUTCString()]] : []
    const length = status === 204 || status === 304 ? [] : ([['Content-Length', String(bytes.length)]] as const)
    respond({ status, headers: [...headers, ...own, ...length], body: bytes })
    if (!configuration.accessLog) return
    const named = router ? `"${entryPoint.tls && !router.tls ? `${entryPoint.name}-` : ''}${router.name}"` : '"-"'
    context.log(accessLine(proxying, request, { status, bytes: bytes.length, began, number, router: named, server }))
  }
  if (!router) return finish(404, plainText, '404 page not found\n')
  const service = dynamic.services.get(router.service)
  if (!service || service.servers.length === 0) return finish(503, plainText, 'no available server\n')
  forward(proxying, request, service, (status, headers, body, server) => finish(status, headers, body, server))
}

/** As Go's http.Error and NotFound say it. */
const plainText: HttpHeaders = [
  ['Content-Type', 'text/plain; charset=utf-8'],
  ['X-Content-Type-Options', 'nosniff'],
]
/** As Go guesses the type of what an error handler writes. */
const guessed: HttpHeaders = [['Content-Type', 'text/plain; charset=utf-8']]

function forward(
  { context, configuration, traffic, log }: Proxying,
  request: ServedRequest,
  service: LoadBalancer,
  done: (status: number, headers: HttpHeaders, body: Uint8Array | string, server?: string) => void,
): void {
  const turn = traffic.turns[service.name] ?? 0
  traffic.turns[service.name] = turn + 1
  const to = service.servers[turn % service.servers.length] as Endpoint
  const server = `${service.scheme}://${to.address}:${to.port}`
  const tls = service.scheme === 'https'
  const fail = (status: number, text: string, error: string, asError = false) => {
    log(asError ? 'ERROR' : 'DEBUG', `${status} ${text}`, { error })
    done(status, guessed, text, server)
  }
  attempt(
    context,
    to,
    {
      method: request.method,
      target: request.target,
      headers: forwardedHeaders(context, request, service.passHost ? (header(request, 'host') ?? '') : `${to.address}:${to.port}`),
      body: request.body,
      tls,
      // Without a store of public authorities nobody's certificate can be trusted.
      ...(configuration.insecureBackends ? {} : { untrusted: true }),
    },
    { connectMs: dialMs, readMs: forEver },
    (result) => {
      if ('response' in result) {
        const { status, headers, body } = result.response
        return done(
          status,
          headers.filter(([name]) => !hopByHop.has(name.toLowerCase())),
          body,
          server,
        )
      }
      const { status, error } = problemOf(result, to)
      fail(status, { 502: 'Bad Gateway', 504: 'Gateway Timeout' }[status] ?? 'Internal Server Error', error, result.failed === 'tls')
    },
  )
}

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'te',
  'trailer',
  'upgrade',
  'proxy-connection',
])

/** httputil.ComputeStatusCode: what timed out is 504, other errors of the network 502, and the rest 500. */
function problemOf(failed: Exclude<Attempt, { response: unknown }>, to: Endpoint): { status: number; error: string } {
  const where = `dial tcp ${to.address}:${to.port}`
  switch (failed.failed) {
    case 'timeout':
      return { status: 504, error: failed.connected ? 'context deadline exceeded' : `${where}: i/o timeout` }
    case 'refused':
      return { status: 502, error: `${where}: connect: connection refused` }
    case 'unreachable':
      return { status: 502, error: `${where}: connect: ${failed.errno === 'ENETUNREACH' ? 'network is unreachable' : 'no route to host'}` }
    case 'closed':
      return { status: 502, error: failed.message === 'EOF' ? 'EOF' : 'read: connection reset by peer' }
    case 'tls':
      return {
        status: 500,
        error:
          failed.message === 'refused'
            ? 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
            : 'tls: first record does not look like a TLS handshake',
      }
    case 'malformed':
      return { status: 500, error: 'net/http: HTTP/1.x transport connection broken: malformed HTTP response' }
  }
}

function forwardedHeaders({ hostname }: Pick<DaemonContext<unknown>, 'hostname'>, request: ServedRequest, host: string): HttpHeaders {
  const asked = header(request, 'host') ?? ''
  const scheme = request.tls ? 'https' : 'http'
  const set: [string, string][] = [
    ['Host', host],
    ['X-Forwarded-For', request.remote.address],
    ['X-Forwarded-Host', asked],
    ['X-Forwarded-Port', /:(\d+)$/.exec(asked)?.[1] ?? (request.tls ? '443' : '80')],
    ['X-Forwarded-Proto', scheme],
    ['X-Forwarded-Server', hostname],
    ['X-Real-Ip', request.remote.address],
  ]
  const replaced = new Set([...set.map(([name]) => name.toLowerCase()), ...hopByHop])
  return [...set, ...request.headers.filter(([name]) => !replaced.has(name.toLowerCase()))]
}

/** The common log format with Traefik's additions. */
function accessLine(
  { context }: Proxying,
  request: ServedRequest,
  answered: { status: number; bytes: number; began: number; number: number; router: string; server: string | undefined },
): string {
  const now = context.clock.now()
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(now).toUTCString()) ?? []
  const { status, bytes, began, number, router, server } = answered
  const field = (name: string) => `"${header(request, name) ?? '-'}"`
  return (
    `${request.remote.address} - - [${day}/${month}/${year}:${time} +0000] "${request.method} ${request.target} ${request.version}" ` +
    `${status} ${bytes} ${field('referer')} ${field('user-agent')} ${number} ${router} "${server ?? '-'}" ${now - began}ms`
  )
}
