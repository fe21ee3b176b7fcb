import { httpConversation, type Respond, type ServedRequest } from '../../network/http.ts'
import { type HttpHeaders, header, percentDecoded } from '../../network/http-message.ts'
import type { Endpoint, Errno, TcpConnection, TcpHandlers } from '../../network/sockets.ts'
import { cidrContains, parseAddress, parseCidr } from '../../resources/addresses.ts'
import { type Attempt, attempt } from '../ingress/upstream.ts'
import { errorPage, phrase } from '../nginx/answer.ts'
import type { DaemonContext } from '../process.ts'
import type { Defaults } from './annotations.ts'
import type { Configuration, Location, Server, Upstream } from './configuration.ts'
import { accessLine, errorLine, type Tried } from './request-log.ts'
import { lacksSlash, locationFor, rewritten, serverFor } from './routing.ts'

/** Counters of the workers: plain data. */
export interface Traffic {
  connections: number
  /** Whose turn it is, by upstream. */
  turns: Record<string, number>
}

export interface Proxying {
  readonly context: Pick<DaemonContext<unknown>, 'clock' | 'random' | 'sockets' | 'log'>
  readonly traffic: Traffic
  configuration(): Configuration
  defaults(): Defaults
}

const errnos: Readonly<Partial<Record<Errno, string>>> = {
  ECONNREFUSED: '111: Connection refused',
  ECONNRESET: '104: Connection reset by peer',
  EHOSTUNREACH: '113: Host is unreachable',
  ENETUNREACH: '101: Network unreachable',
}
/** musl's words. */
const timedOut = '110: Operation timed out'

interface Answer {
  readonly status: number
  readonly headers?: HttpHeaders
  readonly body?: Uint8Array | string
}

/** What nginx with the controller's configuration does with a request (rootfs/etc/nginx/template/nginx.tmpl and its Lua). */
export function serveRequest(proxying: Proxying, request: ServedRequest, respond: Respond): void {
  const { context, traffic } = proxying
  const { clock } = context
  const began = clock.now()
  const connection = ++traffic.connections
  const id = context.random.hex(32)
  const configuration = proxying.configuration()
  const defaults = proxying.defaults()
  const host = (header(request, 'host') ?? '').toLowerCase()
  const server = serverFor(configuration, host)
  const [raw = '/', query] = splitTarget(request.target)
  const path = percentDecoded(raw)
  const location = locationFor(server, path)
  const upstream = location && configuration.upstreams.get(location.upstream)
  const tried: Tried[] = []
  const finish = ({ status, headers = [], body = '' }: Answer) => {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
    const lasting = /(^|,\s*)close$/i.test(header(request, 'connection') ?? '') ? 'close' : 'keep-alive'
    const rest = headers.filter(([name]) => name.toLowerCase() !== 'content-type')
    const type = header({ headers }, 'content-type')
    const hsts = request.tls && defaults.hsts && server.certificate !== undefined
    respond({
      status,
      reason: phrase(status),
      headers: [
        ['Date', new Date(clock.now()).toUTCString()],
        ...(type === undefined ? [] : ([['Content-Type', type]] as const)),
        ...(status === 204 || status === 304 ? [] : ([['Content-Length', String(bytes.length)]] as const)),
        ['Connection', lasting],
        ...rest,
        ...(hsts ? ([['Strict-Transport-Security', 'max-age=31536000; includeSubDomains']] as const) : []),
      ],
      body: bytes,
    })
    // The catch-all server's own location has no access log.
    if (!location?.annotations?.accessLog) return
    const sent = request.method === 'HEAD' ? 0 : bytes.length
    context.log(accessLine(clock, request, { status, bytes: sent, began, upstream: location.upstream, tried, id }))
  }
  const page = (status: number, headers: HttpHeaders = []) =>
    finish({ status, headers: [['Content-Type', 'text/html'], ...headers], body: errorPage(status) })
  const complain = (what: string, to?: string) => context.log(errorLine(clock, connection, request, server.host, what, to), 'stderr')

  if (host === '' && request.version === 'HTTP/1.1') return page(400)
  if (server.host === '_' && path === '/healthz') return finish({ status: 200 })
  if (!location || !upstream) return page(404)
  if (lacksSlash(server, location, path)) return page(301, [['Location', `${request.tls ? 'https' : 'http'}://${host}${path}/${query}`]])
  const { annotations } = location
  if (annotations?.appRoot && path === '/') {
    return page(302, [['Location', `${request.tls ? 'https' : 'http'}://${host}${annotations.appRoot}`]])
  }
  if (annotations?.denied !== undefined) return page(503)
  if (redirectsToHttps(request, server, location)) {
    const uri = annotations?.preserveTrailingSlash ? request.target : request.target.replace(/\/$/, '')
    return page(defaults.redirectCode, [['Location', `https://${host.replace(/:\d+$/, '')}${uri}`]])
  }
  if (annotations && !isAllowed(request.remote.address, annotations)) {
    complain('access forbidden by rule')
    return page(403)
  }
  if (annotations?.redirect) return page(annotations.redirect.code, [['Location', annotations.redirect.url]])
  if (annotations && annotations.bodySize > 0 && request.body.length > annotations.bodySize) {
    complain(`client intended to send too large body: ${request.body.length} bytes`)
    return page(413)
  }
  // The balancer knows no upstream without endpoints.
  if (upstream.endpoints.length === 0) return page(503)
  const target = `${encoded(rewritten(location, path), path, raw)}${query}`
  pass(proxying, request, { server, location, upstream, target, host: header(request, 'host') ?? '', id }, tried, complain, (result) =>
    typeof result === 'number' ? page(result) : finish(result),
  )
}

/** Plain HTTP on the port of HTTPS: nginx's page 497, under the status 400. */
export function plainOnTls(proxying: Proxying, connection: TcpConnection): TcpHandlers {
  const what = 'The plain HTTP request was sent to HTTPS port'
  const body = `<html>\r\n<head><title>400 ${what}</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>${what}</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
  return httpConversation(connection, (_, respond) =>
    respond({
      status: 400,
      headers: [
        ['Date', new Date(proxying.context.clock.now()).toUTCString()],
        ['Content-Type', 'text/html'],
        ['Content-Length', String(body.length)],
        ['Connection', 'close'],
      ],
      body,
    }),
  )
}

interface Passing {
  readonly server: Server
  readonly location: Location
  readonly upstream: Upstream
  readonly target: string
  readonly host: string
  readonly id: string
}

/** One upstream server after another, as proxy_next_upstream `error timeout` goes on: what was sent and may not be repeated is not sent again. */
function pass(
  { context, traffic, defaults }: Proxying,
  request: ServedRequest,
  { server, location, upstream, target, host, id }: Passing,
  tried: Tried[],
  complain: (what: string, upstream?: string) => void,
  done: (result: Answer | number) => void,
): void {
  const settings = location.annotations ?? { ...defaults(), backendProtocol: 'HTTP', upstreamVhost: '' }
  const tls = settings.backendProtocol === 'HTTPS'
  const headers = upstreamHeaders(request, settings.upstreamVhost || host, id)
  const repeatable = !['POST', 'LOCK', 'PATCH'].includes(request.method)
  const tries = settings.nextUpstreamTries || upstream.endpoints.length
  const next = () => {
    const turn = traffic.turns[upstream.name] ?? 0
    traffic.turns[upstream.name] = turn + 1
    const to = upstream.endpoints[turn % upstream.endpoints.length] as Endpoint
    const began = context.clock.now()
    attempt(
      context,
      to,
      { method: request.method, target, headers, body: request.body, tls },
      { connectMs: settings.connectTimeoutMs, readMs: settings.readTimeoutMs },
      (result) => {
        const ms = context.clock.now() - began
        if ('response' in result) {
          const { status, headers: received, body } = result.response
          tried.push({ to, ms, status, length: body.length })
          return done({ status, headers: received.filter(([name]) => !hidden.has(name.toLowerCase())), body })
        }
        const status = result.failed === 'timeout' ? 504 : 502
        tried.push({ to, ms, status, length: 0 })
        complain(complaintOf(result), `${tls ? 'https' : 'http'}://${to.address}:${to.port}${target}`)
        if (tried.length < tries && (repeatable || !result.connected)) return next()
        done(status)
      },
    )
  }
  if (server) next()
}

/** Of an upstream's answer these are its connection's, or nginx's own to say. */
const hidden = new Set(['connection', 'keep-alive', 'date', 'server', 'content-length', 'transfer-encoding', 'x-pad'])

function complaintOf(failed: Exclude<Attempt, { response: unknown }>): string {
  const errno = failed.errno && errnos[failed.errno]
  switch (failed.failed) {
    case 'timeout':
      return `upstream timed out (${timedOut}) while ${failed.connected ? 'reading response header from' : 'connecting to'} upstream`
    case 'refused':
    case 'unreachable':
      return `connect() failed (${errno ?? failed.message}) while connecting to upstream`
    case 'tls':
      return 'SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream'
    case 'malformed':
      return 'upstream sent no valid HTTP/1.0 header while reading response header from upstream'
    case 'closed':
      return failed.message === 'EOF'
        ? 'upstream prematurely closed connection while reading response header from upstream'
        : `recv() failed (${errno ?? failed.message}) while reading response header from upstream`
  }
}

/** `use` of certificate.lua and lua_ingress.lua: whoever has a certificate of their own is sent to HTTPS. */
function redirectsToHttps(request: ServedRequest, server: Server, { annotations }: Location): boolean {
  if (request.tls || !annotations) return false
  return annotations.forceSslRedirect || (annotations.sslRedirect && server.host !== '_' && server.certificate !== undefined)
}

function isAllowed(address: string, { allow, deny }: { readonly allow: readonly string[]; readonly deny: readonly string[] }): boolean {
  const from = parseAddress(address)
  const within = (ranges: readonly string[]) =>
    ranges.some((range) => {
      const cidr = parseCidr(range)
      return cidr !== undefined && from !== undefined && cidrContains(cidr, from)
    })
  return !within(deny) && (allow.length === 0 || within(allow))
}

function upstreamHeaders(request: ServedRequest, host: string, id: string): HttpHeaders {
  const scheme = request.tls ? 'https' : 'http'
  const set: [string, string][] = [
    ['Host', host],
    ['X-Request-ID', id],
    ['X-Real-IP', request.remote.address],
    ['X-Forwarded-For', request.remote.address],
    ['X-Forwarded-Host', header(request, 'host') ?? ''],
    ['X-Forwarded-Port', request.tls ? '443' : String(request.local.port)],
    ['X-Forwarded-Proto', scheme],
    ['X-Forwarded-Scheme', scheme],
    ['X-Scheme', scheme],
  ]
  const earlier = header(request, 'x-forwarded-for')
  if (earlier !== undefined) set.push(['X-Original-Forwarded-For', earlier])
  const replaced = new Set([
    ...set.map(([name]) => name.toLowerCase()),
    'connection',
    'keep-alive',
    'content-length',
    'transfer-encoding',
    'proxy',
    'upgrade',
  ])
  return [...set, ...request.headers.filter(([name]) => !replaced.has(name.toLowerCase()))]
}

function splitTarget(target: string): [string, string] {
  const own = target.replace(/^https?:\/\/[^/]*/, '')
  const mark = own.indexOf('?')
  return mark < 0 ? [own, ''] : [own.slice(0, mark), own.slice(mark)]
}

/** A path that was not rewritten goes on as it came. */
function encoded(path: string, before: string, raw: string): string {
  return path === before ? raw : encodeURI(path)
}
