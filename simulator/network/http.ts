import type { Closer } from '../clock.ts'
import { encodeRequest, encodeResponse, type HttpHeaders, type HttpRequest, type HttpResponse, header } from './http-message.ts'
import { gatherBody, type HttpHead, HttpParseError, HttpParser, keepsAlive } from './http-parser.ts'
import { type Endpoint, NetworkError, type Sockets, type TcpConnection, type TcpHandlers } from './sockets.ts'
import type { TlsClientEvents, TlsError } from './tls/client.ts'
import { connectTls, type SecureHandlers } from './tls/connect.ts'
import { type SecuredConnection, type TlsServer, tlsServer } from './tls/server.ts'

export interface ServedRequest extends HttpRequest {
  readonly version: string
  readonly local: Endpoint
  readonly remote: Endpoint
  /** It came over TLS; the name is what the client asked for (SNI). */
  readonly tls?: { readonly serverName: string | undefined }
}

export interface HttpServing {
  /** Absent: plain HTTP. */
  readonly tls?: TlsServer
  /** What is answered to bytes that are no request; the connection is closed behind it. */
  malformed?(error: HttpParseError): Parameters<Respond>[0]
}

export type Respond = (response: { status: number; reason?: string; headers?: HttpHeaders; body?: Uint8Array | string }) => void

/** Go's and most others' limit on a request's body here: what a simulated server holds in memory, bytes. */
const bodyLimit = 8 * 1024 * 1024

/**
 * Serves HTTP/1.1 with keep-alive. `respond` may be called at once or later, once per request; answers leave in the order of the requests.
 * Throws what listening throws.
 */
export function serveHttp(
  sockets: Sockets,
  at: number | { address?: string; port: number },
  handler: (request: ServedRequest, respond: Respond) => void,
  serving: HttpServing = {},
): Closer {
  const { tls } = serving
  return sockets.listenTcp(typeof at === 'number' ? { port: at } : at, (connection) =>
    tls
      ? tlsServer(connection, tls, (secured) => httpConversation(secured, handler, serving))
      : httpConversation(connection, handler, serving),
  )
}

/** One accepted connection's requests and answers. */
export function httpConversation(
  connection: TcpConnection | SecuredConnection,
  handler: (request: ServedRequest, respond: Respond) => void,
  serving: Pick<HttpServing, 'malformed'> = {},
): TcpHandlers {
  const tls = 'serverName' in connection ? { tls: { serverName: connection.serverName } } : {}
  // One slot per request that has begun; a slot is filled by its answer, and leaves when all before it have.
  const slots: { answer: Uint8Array | undefined; close: boolean }[] = []
  const flush = () => {
    while (slots[0]?.answer) {
      const { answer, close } = slots.shift()!
      if (answer) connection.write(answer)
      if (close) return connection.end()
    }
  }
  const answer = (close: boolean, withoutBody: boolean): Respond => {
    const slot: (typeof slots)[number] = { answer: undefined, close }
    slots.push(slot)
    return (response) => {
      if (slot.answer) return
      const headers = response.headers ?? []
      if (/(^|,\s*)close$/i.test(header({ headers }, 'connection') ?? '')) slot.close = true
      else if (close) response = { ...response, headers: [...headers, ['Connection', 'close']] }
      slot.answer = encodeResponse(response, withoutBody)
      flush()
    }
  }
  const body = gatherBody()
  let head: HttpHead | undefined
  let size = 0
  const parser = new HttpParser(
    { kind: 'request' },
    {
      head: (received) => {
        head = received
        size = 0
      },
      body: (bytes) => {
        size += bytes.length
        if (size > bodyLimit) throw new HttpParseError(413, 'the body is too large')
        body.add(bytes)
      },
      end: () => {
        const { method = '', target = '', version, headers } = head!
        const { local, remote } = connection
        handler(
          { method, target, version, headers, body: body.take(), local, remote, ...tls },
          answer(!keepsAlive(head!), method === 'HEAD'),
        )
      },
    },
  )
  const fail = (error: unknown) => {
    if (!(error instanceof HttpParseError)) throw error
    const headers = [['Content-Type', 'text/plain; charset=utf-8']] as const
    answer(true, false)(serving.malformed?.(error) ?? { status: error.status, headers, body: `${error.status} ${error.message}` })
  }
  return {
    data: (bytes) => {
      try {
        parser.push(bytes)
      } catch (error) {
        fail(error)
      }
    },
    end: () => {
      // The client may have closed its side only: what is still being answered is answered.
      if (slots.length === 0) connection.end()
      else slots[slots.length - 1]!.close = true
    },
  }
}

export interface HttpRequestHandlers {
  response(response: HttpResponse): void
  /** The connection stands, with TLS where that was asked for. */
  connected?(): void
  /** The dial's error, a reset, no TLS where that was asked for, or a malformed or cut off answer. */
  error(error: NetworkError | HttpParseError | TlsError): void
}

/**
 * One request on a connection of its own. Host, User-Agent and the like are the caller's, except that Host and `Connection: close` are added
 * where missing. Exactly one handler is called, at most once; closing calls none.
 */
export function httpRequest(
  sockets: Sockets,
  to: Endpoint,
  request: {
    method?: string
    target: string
    headers?: HttpHeaders
    body?: Uint8Array | string
    /** Over TLS; without `check`, whoever the server is. */
    tls?: { serverName?: string | undefined; check?: TlsClientEvents['certificates'] }
  },
  handlers: HttpRequestHandlers,
): Closer {
  const { method = 'GET', target, body: sent } = request
  const headers: [string, string][] = [...(request.headers ?? [])].map(([name, value]) => [name, value])
  if (header({ headers }, 'host') === undefined) headers.unshift(['Host', to.port === 80 ? to.address : `${to.address}:${to.port}`])
  if (header({ headers }, 'connection') === undefined) headers.push(['Connection', 'close'])
  let done = false
  const settle = (task: () => void) => {
    if (done) return
    done = true
    connection.close()
    task()
  }
  const body = gatherBody()
  let head: HttpHead | undefined
  const parser = new HttpParser(
    { kind: 'response', withoutBody: () => method === 'HEAD' },
    {
      head: (received) => {
        head = received
      },
      body: body.add,
      end: () => {
        // An interim answer (100 Continue) is not the one that was asked for.
        if (!head || (head.status! < 200 && head.status !== 101)) return
        const { status = 0, reason = '', headers: received } = head
        settle(() => handlers.response({ status, reason, headers: received, body: body.take() }))
      },
    },
  )
  const attempt = (task: () => void) => {
    try {
      task()
    } catch (error) {
      if (!(error instanceof HttpParseError)) throw error
      settle(() => handlers.error(error))
    }
  }
  const { tls } = request
  const dial = (heard: SecureHandlers) =>
    tls ? connectTls(sockets, to, tls.serverName, tls.check ?? (() => undefined), heard) : sockets.connectTcp(to, heard)
  const connection = dial({
    connected: () => {
      handlers.connected?.()
      connection.write(encodeRequest({ method, target, headers, ...(sent === undefined ? {} : { body: sent }) }))
    },
    data: (bytes) => {
      if (!done) attempt(() => parser.push(bytes))
    },
    end: () => {
      if (done) return
      attempt(() => parser.finish())
      settle(() => handlers.error(new NetworkError('ECONNRESET', 'EOF')))
    },
    error: (error: NetworkError | TlsError) => settle(() => handlers.error(error)),
  })
  return {
    close: () => {
      done = true
      connection.close()
    },
  }
}
