import type { Closer } from '../../../simulator/clock.ts'
import { encodeResponse, type HttpHeaders, header } from '../../../simulator/network/http-message.ts'
import { gatherBody, type HttpHead, HttpParseError, HttpParser, keepsAlive } from '../../../simulator/network/http-parser.ts'
import type { Sockets, TcpConnection, TcpHandlers } from '../../../simulator/network/sockets.ts'

export interface ProxiedRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: HttpHeaders
  readonly body: Uint8Array
}

export interface ProxiedResponse {
  readonly status: number
  readonly headers: HttpHeaders
  readonly body: string | ReadableStream<Uint8Array> | null
}

/** Fields of one connection, not of what it carries (RFC 9110, 7.6.1); the body comes out of its framing, too. */
const ofConnection = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
])
/** As the API server's own limit, bytes. */
const largestBody = 3 * 1024 * 1024
const encoder = new TextEncoder()

/**
 * An HTTP/1.1 server whose answers may go on for as long as they like (a watch). Requests of one connection are answered one after the
 * other. Throws what listening throws.
 */
export function serveProxy(
  sockets: Sockets,
  at: { address: string; port: number },
  answer: (request: ProxiedRequest) => Promise<ProxiedResponse>,
): Closer {
  return sockets.listenTcp(at, (connection) => converse(connection, answer))
}

function converse(connection: TcpConnection, answer: (request: ProxiedRequest) => Promise<ProxiedResponse>): TcpHandlers {
  let head: HttpHead | undefined
  let size = 0
  let over = false
  let open: ReadableStreamDefaultReader<Uint8Array> | undefined
  let answering: Promise<void> = Promise.resolve()
  const body = gatherBody()
  const finish = () => {
    over = true
    open?.cancel().catch(() => {})
  }
  const parser = new HttpParser(
    { kind: 'request' },
    {
      head(received) {
        head = received
        size = 0
      },
      body(bytes) {
        size += bytes.length
        if (size > largestBody) throw new HttpParseError(413, 'the body is too large')
        body.add(bytes)
      },
      end() {
        const { method = '', target = '', headers } = head as HttpHead
        const last = !keepsAlive(head as HttpHead)
        const request = { method, target, headers, body: body.take() }
        answering = answering.then(() => respond(request, last)).catch(() => connection.reset())
      },
    },
  )

  async function respond(request: ProxiedRequest, last: boolean): Promise<void> {
    if (over) return
    const response = await answer(request)
    const headers: [string, string][] = response.headers.filter(([name]) => !ofConnection.has(name.toLowerCase())).map(([a, b]) => [a, b])
    if (last) headers.push(['Connection', 'close'])
    const { status, body } = response
    if (body === null || typeof body === 'string' || request.method === 'HEAD') {
      connection.write(encodeResponse({ status, headers, body: typeof body === 'string' ? body : '' }, request.method === 'HEAD'))
    } else await pour(status, headers, body)
    if (last) connection.end()
  }

  /** Chunked: how long the answer will be is not known. */
  async function pour(status: number, headers: HttpHeaders, body: ReadableStream<Uint8Array>): Promise<void> {
    connection.write(encodeResponse({ status, headers: [...headers, ['Transfer-Encoding', 'chunked']] }, true))
    open = body.getReader()
    for (let read = await open.read(); !read.done && !over; read = await open.read()) {
      if (read.value.length === 0) continue
      connection.write(encoder.encode(`${read.value.length.toString(16)}\r\n`))
      connection.write(read.value)
      connection.write(encoder.encode('\r\n'))
    }
    open = undefined
    if (!over) connection.write(encoder.encode('0\r\n\r\n'))
  }

  return {
    data(bytes) {
      try {
        parser.push(bytes)
      } catch (error) {
        if (!(error instanceof HttpParseError)) throw error
        connection.write(
          encodeResponse({ status: error.status, headers: [['Connection', 'close']], body: `${error.status} ${error.message}` }),
        )
        connection.end()
      }
    },
    end() {
      finish()
      void answering.then(() => connection.end())
    },
    error: finish,
  }
}

/** The host of a Host field, without its port (net.SplitHostPort). */
export function hostOf(request: { readonly headers: HttpHeaders }): string {
  const field = header(request, 'host') ?? ''
  return /^\[([^\]]*)\]:\d*$/.exec(field)?.[1] ?? /^([^:[\]]*):\d*$/.exec(field)?.[1] ?? field
}
