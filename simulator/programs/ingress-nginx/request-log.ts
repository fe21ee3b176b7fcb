import type { Clock } from '../../clock.ts'
import type { ServedRequest } from '../../network/http.ts'
import { encodeRequest, header } from '../../network/http-message.ts'
import type { Endpoint } from '../../network/sockets.ts'

/** One attempt at an upstream, as the access log's lists have it. */
export interface Tried {
  readonly to: Endpoint
  readonly ms: number
  readonly status: number
  readonly length: number
}

export interface Answered {
  readonly status: number
  readonly bytes: number
  readonly began: number
  readonly upstream: string
  readonly tried: readonly Tried[]
  readonly id: string
}

/** A line in the controller's format `upstreaminfo` (config.go, logFormatUpstream). */
export function accessLine(clock: Clock, request: ServedRequest, answered: Answered): string {
  const { status, bytes, began, upstream, tried, id } = answered
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(clock.now()).toUTCString()) ?? []
  const field = (name: string) => header(request, name) ?? '-'
  const list = (of: (one: Tried) => string) => (tried.length === 0 ? '-' : tried.map(of).join(', '))
  const { method, target, version, headers, body } = request
  const line = `"${method} ${target} ${version}" ${status} ${bytes} "${field('referer')}" "${field('user-agent')}"`
  const size = encodeRequest({ method, target, headers, body }).length
  return (
    `${request.remote.address} - - [${day}/${month}/${year}:${time} +0000] ${line} ${size} ${seconds(clock.now() - began)} ` +
    `[${upstream}] [] ${list(({ to }) => `${to.address}:${to.port}`)} ${list(({ length }) => String(length))} ` +
    `${list(({ ms }) => seconds(ms))} ${list((one) => String(one.status))} ${id}`
  )
}

/** A line of nginx's error log. */
export function errorLine(
  clock: Clock,
  connection: number,
  request: ServedRequest,
  server: string,
  what: string,
  upstream?: string,
): string {
  const stamp = new Date(clock.now()).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')
  const parts = [
    what,
    `client: ${request.remote.address}`,
    `server: ${server}`,
    `request: "${request.method} ${request.target} ${request.version}"`,
    ...(upstream === undefined ? [] : [`upstream: "${upstream}"`]),
    `host: "${header(request, 'host') ?? ''}"`,
  ]
  return `${stamp} [error] 29#29: *${connection} ${parts.join(', ')}`
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
