import type { Status } from 'kubernetes-types/meta/v1'
import type { MessageSocket } from '../../../simulator/apiserver/api.ts'
import type { HttpHeaders } from '../../../simulator/network/http-message.ts'
import { HandshakeError, NetworkError } from '../../../simulator/network/sockets.ts'
import type { Process } from '../../../simulator/programs/process.ts'
import { ConnectionFailure, Failure, StatusFailure } from '../cli/failure.ts'
import type { Target } from './kubeconfig.ts'
import { bytesOf, race } from './streaming.ts'

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined> | [string, string][]
  body?: unknown
  contentType?: string
  accept?: string
  mayEnd?: boolean
}

/** The API server over HTTPS. Every method throws `StatusFailure` for a refusal and `ConnectionFailure` where no answer comes. */
export interface Client {
  json<T = any>(method: string, path: string, options?: RequestOptions): Promise<T>
  text(method: string, path: string, options?: RequestOptions): Promise<string>
  /** The body as it arrives. One that `mayEnd` is over, without a word, when the request's time is. */
  stream(method: string, path: string, options?: RequestOptions): Promise<AsyncIterable<Uint8Array>>
  /** Somebody else's request as it is, with these credentials where it has none; a refusal is an answer like others. */
  forward(request: { method: string; target: string; headers: HttpHeaders; body: Uint8Array }): Promise<Response>
  websocket(path: string, query: [string, string][], protocols: string[]): Promise<{ protocol: string; socket: MessageSocket }>
}

/** client-go dials for this long (net.Dialer in transport). */
const dialTimeout = 30_000

/** `warn` gets the text of each Warning header once. */
export function createClient(process: Process, target: Target, warn: (text: string) => Promise<void>): Client {
  const host = target.server.replace(/^[a-z]+:\/\//, '').split('/')[0] as string
  const warned = new Set<string>()

  function build(method: string, path: string, options: RequestOptions): Request {
    const headers = new Headers({ Accept: options.accept ?? 'application/json', 'User-Agent': userAgent, ...target.headers })
    if (target.token) headers.set('Authorization', `Bearer ${target.token}`)
    let body: string | undefined
    if (options.body !== undefined) {
      body = typeof options.body === 'string' ? options.body : JSON.stringify(options.body)
      headers.set('Content-Type', options.contentType ?? 'application/json')
    }
    return new Request(target.server + path + queryText(options.query), { method, headers, body: body ?? null, signal: process.signal })
  }

  /** client-go looks at a certificate in the kubeconfig before it dials, at one in files while it does. */
  const noHandshake = (error: unknown): never => {
    if (!(error instanceof HandshakeError)) throw error
    throw target.identity?.fromFiles ? new ConnectionFailure(host, false, error.message) : new Failure(error.message)
  }

  async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
    const limit = target.timeout > 0 ? Math.min(target.timeout, dialTimeout) : dialTimeout
    const response = await dial(process, host, limit, target.timeout > 0 && target.timeout < dialTimeout, () =>
      process.fetch(build(method, path, options), target.identity).catch(noHandshake),
    )
    for (const text of warningsOf(response.headers.get('warning'))) {
      if (warned.has(text)) continue
      warned.add(text)
      await warn(text)
    }
    if (response.status >= 400) throw await refusal(response, method, path)
    return response
  }

  return {
    async json(method, path, options = {}) {
      const response = await send(method, path, options)
      return race(response.json(), process.signal)
    },
    async text(method, path, options = {}) {
      const response = await send(method, path, options)
      return race(response.text(), process.signal)
    },
    async stream(method, path, options = {}) {
      const response = await send(method, path, options)
      const bytes = bytesOf(response.body, process.signal)
      return options.mayEnd && target.timeout > 0 ? until(process, target.timeout, bytes) : bytes
    },
    async forward({ method, target: path, headers: given, body }) {
      const headers = new Headers({ ...target.headers })
      for (const [name, value] of given)
        if (!/^(host|connection|content-length|transfer-encoding)$/i.test(name)) headers.append(name, value)
      if (target.token && !headers.has('Authorization')) headers.set('Authorization', `Bearer ${target.token}`)
      const bodiless = body.length === 0 || method === 'GET' || method === 'HEAD'
      const request = new Request(target.server + path, {
        method,
        headers,
        body: bodiless ? null : new Uint8Array(body),
        signal: process.signal,
      })
      return dial(process, host, dialTimeout, false, () => process.fetch(request, target.identity).catch(noHandshake))
    },
    async websocket(path, query, protocols) {
      const request = build('GET', path, { query })
      const answer = await dial(process, host, dialTimeout, false, () =>
        process.websocket(request, protocols, target.identity).catch(noHandshake),
      )
      if ('socket' in answer) return answer
      throw await refusal(answer, 'GET', path)
    },
  }
}

async function* until(process: Process, limit: number, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]()
  let timer: { close(): void } | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = process.clock.after(limit, () => resolve(undefined))
  })
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), late])
      if (!next || next.done) return
      yield next.value
    }
  } finally {
    timer?.close()
  }
}

export const userAgent = 'kubectl/v1.35.2 (linux/amd64) kubernetes/faultline'

export async function dial<T>(process: Process, host: string, limit: number, own: boolean, open: () => Promise<T>): Promise<T> {
  let timer: { close(): void } | undefined
  const late = new Promise<never>((_, reject) => {
    timer = process.clock.after(limit, () => {
      const cause = own
        ? 'net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)'
        : `dial tcp ${host}: i/o timeout`
      reject(new ConnectionFailure(host, false, cause))
    })
  })
  try {
    return await race(Promise.race([open(), late]), process.signal)
  } catch (error) {
    if (error instanceof NetworkError) throw connectionFailure(host, error)
    throw error
  } finally {
    timer?.close()
  }
}

const dialWords: Partial<Record<NetworkError['code'], string>> = {
  ECONNREFUSED: 'connect: connection refused',
  ECONNRESET: 'read: connection reset by peer',
  ETIMEDOUT: 'i/o timeout',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  EACCES: 'connect: permission denied',
  EPERM: 'connect: operation not permitted',
}

function connectionFailure(host: string, error: NetworkError): ConnectionFailure {
  // A name that does not resolve comes with the resolver's own sentence.
  const words = error.message.includes('lookup') ? undefined : dialWords[error.code]
  return new ConnectionFailure(host, error.code === 'ECONNREFUSED', words ? `dial tcp ${host}: ${words}` : error.message)
}

async function refusal(response: Response, method: string, path: string): Promise<Failure> {
  const text = await response.text()
  try {
    const status = JSON.parse(text) as Status & { kind?: string }
    if (status.kind === 'Status') return new StatusFailure(status)
  } catch {
    // No Status: the words client-go finds for a bare HTTP code.
  }
  return new StatusFailure(bareStatus(response.status, method, path, text))
}

function bareStatus(code: number, method: string, path: string, text: string): Status {
  const known: Record<number, [string, string]> = {
    400: ['BadRequest', 'the server rejected our request for an unknown reason'],
    401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
    403: ['Forbidden', text.trim() || 'forbidden'],
    404: ['NotFound', 'the server could not find the requested resource'],
    405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
    406: ['NotAcceptable', 'the server was unable to respond with a content type that the client supports'],
    429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
    500: ['InternalError', `an error on the server ("${text.trim().slice(0, 200)}") has prevented the request from succeeding`],
    503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
    504: ['Timeout', 'the server was unable to return a response in the time allotted, but may still be processing the request'],
  }
  const [reason, message] = known[code] ?? ['', `the server responded with the status code ${code} but did not return more information`]
  const subject = code === 403 || code === 500 ? '' : resourceOf(method, path)
  return { status: 'Failure', code, reason, message: message + subject }
}

/** client-go adds what was asked for to its own words: ` (get pods web)`. */
function resourceOf(method: string, path: string): string {
  const parts = path.split('/').filter((part) => part !== '')
  const rest = parts[0] === 'api' ? parts.slice(2) : parts[0] === 'apis' ? parts.slice(3) : []
  const group = parts[0] === 'apis' ? parts[1] : ''
  const [resource, name] = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest
  if (!resource) return ''
  return ` (${method.toLowerCase()} ${group ? `${resource}.${group}` : resource}${name ? ` ${name}` : ''})`
}

function queryText(query: RequestOptions['query']): string {
  if (!query) return ''
  const pairs = Array.isArray(query)
    ? query
    : Object.entries(query).flatMap(([key, value]): [string, string][] =>
        value === undefined || value === '' ? [] : [[key, String(value)]],
      )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`
}

/** The texts of `299 - "…"` warnings (RFC 7234, 5.5). */
export function warningsOf(header: string | null): string[] {
  if (!header) return []
  return [...header.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] as string).replace(/\\(.)/g, '$1'))
}
