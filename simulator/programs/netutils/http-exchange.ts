import { type Connection, DialTimeout } from '../../network/async.ts'
import { encodeRequest, type HttpHeaders } from '../../network/http-message.ts'
import { type HttpHead, HttpParseError, HttpParser } from '../../network/http-parser.ts'
import { NetworkError } from '../../network/sockets.ts'
import type { Process } from '../process.ts'

export interface ExchangeRequest {
  readonly method: string
  readonly target: string
  /** In the order in which they are sent; Host included. */
  readonly headers: HttpHeaders
  readonly body?: Uint8Array | string
}

export interface ExchangeHandlers {
  /** Each head as it arrives; interim ones (1xx) too. */
  head(head: HttpHead): void
  /** Bytes of the body, as they arrive; the exchange waits for the promise. */
  body(bytes: Uint8Array): Promise<void> | void
}

/** The server closed the connection before its answer was complete. */
export class CutOff extends Error {
  /** Whether nothing at all had come. */
  readonly empty: boolean
  /** Bytes of the body that were still to come, where its length was known. */
  readonly missing: number | undefined
  constructor(empty: boolean, missing: number | undefined) {
    super('connection closed prematurely')
    this.name = 'CutOff'
    this.empty = empty
    this.missing = missing
  }
}

/**
 * Sends one request on an open connection and reads its answer. An https URL's goes whole to the `service` that the peer offers.
 * `patience()` is how long the next bytes may take, ms; undefined: for ever.
 * Rejects with DialTimeout, NetworkError, CutOff, HttpParseError or `signal.reason`.
 */
export async function exchange(
  process: Process,
  connection: Connection,
  url: string,
  request: ExchangeRequest,
  handlers: ExchangeHandlers,
  patience: () => number | undefined,
): Promise<void> {
  if (connection.service && url.startsWith('https:')) return exchangeTls(process, connection, url, request, handlers, patience)
  connection.write(encodeRequest(request))
  let done = false
  let any = false
  let body: Uint8Array[] = []
  let missing: number | undefined
  const parser = new HttpParser(
    { kind: 'response', withoutBody: () => request.method === 'HEAD' },
    {
      head: (head) => {
        handlers.head(head)
        const length = head.headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1]
        missing = length === undefined ? undefined : Number(length)
        interim = head.status !== undefined && head.status < 200 && head.status !== 101
      },
      body: (bytes) => {
        body.push(bytes.slice())
        if (missing !== undefined) missing -= bytes.length
      },
      end: () => {
        if (!interim) done = true
      },
    },
  )
  let interim = false
  while (!done) {
    const wait = patience()
    const bytes = await connection.read({ ...(wait === undefined ? {} : { timeoutMs: wait }), signal: process.signal })
    if (bytes === undefined) {
      try {
        parser.finish()
      } catch (error) {
        if (error instanceof HttpParseError) throw new CutOff(!any, missing)
        throw error
      }
      if (!done) throw new CutOff(!any, missing)
    } else {
      any = true
      parser.push(bytes)
    }
    const arrived = body
    body = []
    for (const piece of arrived) await handlers.body(piece)
  }
}

async function exchangeTls(
  process: Process,
  connection: Connection,
  url: string,
  { method, headers, body }: ExchangeRequest,
  handlers: ExchangeHandlers,
  patience: () => number | undefined,
): Promise<void> {
  const service = connection.service
  if (!service) throw new NetworkError('ECONNRESET')
  const sent = headers.filter(([name]) => !['host', 'connection', 'content-length'].includes(name.toLowerCase()))
  const init = { method, headers: sent.map(([name, value]): [string, string] => [name, value]) }
  const request = new Request(
    url,
    body === undefined || method === 'GET' || method === 'HEAD'
      ? init
      : { ...init, body: typeof body === 'string' ? body : new Uint8Array(body) },
  )
  const response = await within(process, service.fetch(request), patience())
  const received: [string, string][] = []
  response.headers.forEach((value, name) => {
    received.push([name, value])
  })
  handlers.head({ version: 'HTTP/1.1', status: response.status, reason: response.statusText || phrase(response.status), headers: received })
  const reader = response.body?.getReader()
  if (!reader) return
  for (;;) {
    const part = await within(process, reader.read(), patience())
    if (part.done) return
    await handlers.body(part.value)
  }
}

function phrase(status: number): string {
  return (
    { 200: 'OK', 201: 'Created', 204: 'No Content', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found' }[status] ??
    ''
  )
}

/** Waits for a promise as long as patience and the process last. */
async function within<T>({ clock, signal }: Process, task: Promise<T>, timeoutMs: number | undefined): Promise<T> {
  const over = new AbortController()
  const waiting: Promise<T>[] = [
    task,
    new Promise<T>((_, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    }),
  ]
  if (timeoutMs !== undefined) {
    waiting.push(
      clock.sleep(timeoutMs, over.signal).then(() => {
        throw new DialTimeout(timeoutMs)
      }),
    )
  }
  for (const promise of waiting) promise.catch(() => {})
  try {
    return await Promise.race(waiting)
  } finally {
    over.abort()
  }
}
