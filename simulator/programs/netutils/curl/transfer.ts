import { isAddress } from '../../../network/address.ts'
import { type Connection, connect, DialTimeout } from '../../../network/async.ts'
import { type HttpHead, HttpParseError } from '../../../network/http-parser.ts'
import { NetworkError } from '../../../network/sockets.ts'
import type { Process } from '../../process.ts'
import { lookup, type Resolution } from '../../resolver/resolver.ts'
import { strerror } from '../command.ts'
import { CutOff, exchange } from '../http-exchange.ts'
import { type CurlSettings, curlVersion } from './arguments.ts'
import { CurlFailure } from './failure.ts'
import { secured } from './tls.ts'

/** What is known about one transfer, for `--write-out`. Times in ms since its start. */
export interface Transfer {
  url: string
  began: number
  name: number
  connected: number
  first: number
  total: number
  status: number
  received: number
  sent: number
  headerBytes: number
  redirects: number
  connects: number
  contentType: string
  redirect: string
  method: string
  remote: { address: string; port: number } | undefined
  local: { address: string; port: number } | undefined
  version: string
}

export interface TransferHandlers {
  /** A line of `-v`: its mark (`*`, `>`, `<`) and text. */
  note(mark: '*' | '>' | '<', text: string): void
  head(head: HttpHead): Promise<void> | void
  body(bytes: Uint8Array): Promise<void>
}

/** One request and its answer. Throws CurlFailure; lets the process's signal through. */
export async function transferOnce(
  process: Process,
  settings: CurlSettings,
  url: URL,
  method: string,
  transfer: Transfer,
  handlers: TransferHandlers,
): Promise<HttpHead> {
  const { clock } = process
  const began = transfer.began
  const elapsed = () => clock.now() - began
  const total = () => (settings.maxTimeMs === undefined ? undefined : Math.max(1, settings.maxTimeMs - elapsed()))
  const scheme = url.protocol.replace(':', '')
  if (scheme !== 'http' && scheme !== 'https') throw new CurlFailure(1, `Protocol "${scheme}" not supported`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (scheme === 'https' ? 443 : 80))
  const to = connectTo(settings, host, port, handlers)
  const addresses = await addressesOf(process, settings, to.host, to.port, total(), handlers)
  transfer.name = elapsed()
  let connection = await dial(process, settings, to.host, to.port, addresses, elapsed, total, handlers)
  transfer.connects++
  transfer.connected = elapsed()
  transfer.remote = connection.remote
  transfer.local = connection.local
  try {
    if (scheme === 'https') connection = await secured(process, settings, connection, host, total(), (text) => handlers.note('*', text))
    handlers.note('*', 'using HTTP/1.x')
    const request = requestOf(settings, url, host, port, scheme, method)
    for (const line of [`${method} ${request.target} HTTP/1.1`, ...request.headers.map(([name, value]) => `${name}: ${value}`), '']) {
      handlers.note('>', line)
    }
    handlers.note(
      '*',
      settings.body === undefined || method === 'GET' || method === 'HEAD'
        ? 'Request completely sent off'
        : `upload completely sent off: ${settings.body.length} bytes`,
    )
    transfer.sent += request.body?.length ?? 0
    let head: HttpHead | undefined
    let pending: Promise<void> = Promise.resolve()
    await exchange(
      process,
      connection,
      url.href,
      request,
      {
        head: (received) => {
          if (transfer.first === 0) transfer.first = elapsed()
          head = received
          transfer.status = received.status ?? 0
          transfer.version = received.version.replace('HTTP/', '')
          const lines = headLines(received)
          for (const line of [...lines, '']) handlers.note('<', line)
          transfer.headerBytes += lines.reduce((sum, line) => sum + line.length + 2, 2)
          pending = pending.then(() => handlers.head(received))
        },
        body: async (bytes) => {
          await pending
          transfer.received += bytes.length
          await handlers.body(bytes)
        },
      },
      total,
    )
    await pending
    handlers.note('*', `Connection #0 to host ${host} left intact`)
    return head as HttpHead
  } catch (error) {
    throw failureOf(error, elapsed(), transfer)
  } finally {
    connection.close()
    transfer.total = elapsed()
  }
}

export function headLines(head: HttpHead): string[] {
  return [`${head.version} ${head.status} ${head.reason ?? ''}`, ...head.headers.map(([name, value]) => `${name}: ${value}`)]
}

/** `--connect-to HOST1:PORT1:HOST2:PORT2`: where an empty part fits, or keeps, what the URL says. The first that fits counts. */
function connectTo(settings: CurlSettings, host: string, port: number, { note }: TransferHandlers): { host: string; port: number } {
  for (const entry of settings.all('connect-to')) {
    const [from = '', at = '', name = '', other = ''] = entry.split(':')
    if ((from !== '' && from.toLowerCase() !== host.toLowerCase()) || (at !== '' && Number(at) !== port)) continue
    if (name !== '') note('*', `Connecting to hostname: ${name}`)
    if (other !== '') note('*', `Connecting to port: ${other}`)
    return { host: name === '' ? host : name, port: other === '' ? port : Number(other) }
  }
  return { host, port }
}

async function addressesOf(
  process: Process,
  settings: CurlSettings,
  host: string,
  port: number,
  timeoutMs: number | undefined,
  handlers: TransferHandlers,
): Promise<readonly string[]> {
  if (isAddress(host)) return [host]
  for (const entry of settings.all('resolve')) {
    const [name, at, list] = entry.replace(/^\+/, '').split(':')
    if (name === undefined || at === undefined || list === undefined) {
      throw new CurlFailure(49, `Could not parse CURLOPT_RESOLVE entry '${entry}'`)
    }
    if (name.toLowerCase() !== host.toLowerCase() || Number(at) !== port) continue
    handlers.note('*', `Added ${name}:${at}:${list} to DNS cache`)
    handlers.note('*', `Hostname ${host} was found in DNS cache`)
    return list.split(',')
  }
  const found = await within(process, lookup(process, host), timeoutMs)
  if (found === 'late') throw new CurlFailure(28, `Resolving timed out after ${timeoutMs} milliseconds`)
  if (!('addresses' in found)) {
    handlers.note('*', `Could not resolve host: ${host}`)
    throw new CurlFailure(6, `Could not resolve host: ${host}`)
  }
  const v4 = found.addresses.filter((address) => !address.includes(':'))
  const v6 = found.addresses.filter((address) => address.includes(':'))
  handlers.note('*', `Host ${host}:${port} was resolved.`)
  handlers.note('*', `IPv6: ${v6.join(', ') || '(none)'}`)
  handlers.note('*', `IPv4: ${v4.join(', ') || '(none)'}`)
  return v4
}

async function within(process: Process, task: Promise<Resolution>, timeoutMs: number | undefined): Promise<Resolution | 'late'> {
  if (timeoutMs === undefined) return task
  const over = new AbortController()
  try {
    return await Promise.race([task, process.clock.sleep(timeoutMs, over.signal).then(() => 'late' as const)])
  } finally {
    over.abort()
  }
}

/** Addresses in turn, as one address family gives them. */
async function dial(
  process: Process,
  settings: CurlSettings,
  host: string,
  port: number,
  addresses: readonly string[],
  elapsed: () => number,
  total: () => number | undefined,
  handlers: TransferHandlers,
): Promise<Connection> {
  let last: NetworkError | undefined
  const begun = elapsed()
  for (const address of addresses) {
    handlers.note('*', `  Trying ${address}:${port}...`)
    const connectLeft = settings.connectTimeoutMs === undefined ? undefined : Math.max(1, settings.connectTimeoutMs - (elapsed() - begun))
    const left = total()
    const byConnect = connectLeft !== undefined && (left === undefined || connectLeft <= left)
    const timeoutMs = byConnect ? connectLeft : left
    try {
      const connection = await connect(
        process.sockets,
        { address, port },
        {
          clock: process.clock,
          signal: process.signal,
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
        },
      )
      handlers.note('*', `Connected to ${host} (${address}) port ${port}`)
      return connection
    } catch (error) {
      if (error instanceof DialTimeout) {
        const after = Math.round(elapsed()) + 1
        const message = byConnect
          ? `Failed to connect to ${host} port ${port} after ${after} ms: Timeout was reached`
          : `Connection timed out after ${after} milliseconds`
        handlers.note('*', message)
        handlers.note('*', 'closing connection #0')
        throw new CurlFailure(28, message)
      }
      if (!(error instanceof NetworkError)) throw error
      last = error
      handlers.note('*', `connect to ${address} port ${port} failed: ${strerror(process, error)}`)
    }
  }
  const message = `Failed to connect to ${host} port ${port} after ${Math.round(elapsed())} ms: Could not connect to server`
  handlers.note('*', message)
  handlers.note('*', 'closing connection #0')
  throw new CurlFailure(last?.code === 'ETIMEDOUT' ? 28 : 7, message)
}

function requestOf(settings: CurlSettings, url: URL, host: string, port: number, scheme: string, method: string) {
  const extra: [string, string][] = []
  const removed = new Set<string>()
  const lines = settings.has('json')
    ? ['Content-Type: application/json', 'Accept: application/json', ...settings.all('header')]
    : settings.all('header')
  for (const line of lines) {
    const colon = line.search(/[:;]/)
    if (colon < 0) continue
    const name = line.slice(0, colon).trim()
    const value = line.slice(colon + 1).trim()
    if (value === '' && line[colon] === ':') removed.add(name.toLowerCase())
    else extra.push([name, value])
  }
  const given = (name: string) => removed.has(name) || extra.some(([key]) => key.toLowerCase() === name)
  const usual = scheme === 'https' ? 443 : 80
  const headers: [string, string][] = []
  if (given('host'))
    headers.push(
      ...extra.splice(
        extra.findIndex(([key]) => key.toLowerCase() === 'host'),
        1,
      ),
    )
  else headers.push(['Host', port === usual ? host : `${host}:${port}`])
  const user = settings.value('user')
  if (user !== undefined && !given('authorization')) headers.push(['Authorization', `Basic ${btoa(user)}`])
  if (!given('user-agent')) headers.push(['User-Agent', settings.value('user-agent') ?? `curl/${curlVersion}`])
  if (!given('accept')) headers.push(['Accept', '*/*'])
  const referer = settings.value('referer')
  if (referer !== undefined) headers.push(['Referer', referer])
  const cookie = settings.value('cookie')
  if (cookie !== undefined) headers.push(['Cookie', cookie])
  headers.push(...extra)
  const body = method === 'GET' || method === 'HEAD' ? undefined : settings.body
  if (body !== undefined) {
    headers.push(['Content-Length', `${new TextEncoder().encode(body).length}`])
    if (!given('content-type')) headers.push(['Content-Type', 'application/x-www-form-urlencoded'])
  }
  return { method, target: `${url.pathname}${url.search}`, headers, ...(body === undefined ? {} : { body }) }
}

function failureOf(error: unknown, elapsed: number, { received }: Transfer): unknown {
  if (error instanceof DialTimeout) {
    return new CurlFailure(28, `Operation timed out after ${Math.round(elapsed) + 1} milliseconds with ${received} bytes received`)
  }
  if (error instanceof CutOff) {
    if (error.empty) return new CurlFailure(52, 'Empty reply from server')
    return new CurlFailure(
      18,
      error.missing ? `end of response with ${error.missing} bytes missing` : 'transfer closed with outstanding read data remaining',
    )
  }
  if (error instanceof NetworkError) return new CurlFailure(56, 'Recv failure: Connection reset by peer')
  if (error instanceof HttpParseError) return new CurlFailure(1, 'Received HTTP/0.9 when not allowed')
  return error
}
