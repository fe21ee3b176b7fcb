import type { MessageSocket } from '../../apiserver/api.ts'
import type { FileSystem } from '../../files.ts'
import { isAddress } from '../../network/address.ts'
import {
  type ClientIdentity,
  type Errno,
  HandshakeError,
  type HttpsService,
  NetworkError,
  type Sockets,
  type TcpConnection,
} from '../../network/sockets.ts'

const strerror: Record<Errno, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
  EMSGSIZE: 'message too long',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
}

export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The error a Go program prints: `dial tcp 10.244.1.2:80: connect: connection refused`. The code stays. */
export function goDialError(error: NetworkError, during: string): NetworkError {
  return new NetworkError(error.code, `${during}: connect: ${strerror[error.code]}`)
}

/** `host` itself where it is an address, else what `/etc/hosts` says. */
export function hostsFileAddress(files: FileSystem, host: string): string | undefined {
  if (isAddress(host)) return host
  if (files.exists('/etc/hosts')) {
    for (const line of files.readText('/etc/hosts').split('\n')) {
      const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
      if (address && names.includes(host)) return address
    }
  }
  return host === 'localhost' ? '127.0.0.1' : undefined
}

export interface Dialling {
  readonly sockets: Sockets
  readonly files: FileSystem
  readonly signal: AbortSignal
  /** Asks the resolver; empty where the name does not exist. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

/** Connects and waits for the handshake. Rejects with a NetworkError in Go's words, or with the signal's reason. */
async function dialService(
  dialling: Dialling,
  url: URL,
): Promise<{ connection: TcpConnection; service: HttpsService; lost: Promise<never> }> {
  if (url.protocol !== 'https:' && url.protocol !== 'wss:') {
    throw new Error(`${url.protocol}//${url.host}: a process fetches https:// addresses only; plain HTTP goes over its sockets`)
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || 443)
  const address = hostsFileAddress(dialling.files, host) ?? (await dialling.resolve?.(host))?.[0]
  if (address === undefined) throw new NetworkError('EHOSTUNREACH', `dial tcp: lookup ${host}: no such host`)
  dialling.signal.throwIfAborted()
  let lose: (error: unknown) => void = () => {}
  const lost = new Promise<never>((_, reject) => {
    lose = reject
  })
  // Whoever still waits for the service hears of the loss; with nobody waiting it is no unhandled rejection.
  lost.catch(() => {})
  const connection = await new Promise<TcpConnection>((resolve, reject) => {
    const abort = () => {
      opened?.reset()
      reject(dialling.signal.reason)
      lose(dialling.signal.reason)
    }
    let connected = false
    let opened: TcpConnection | undefined
    const settled = () => {
      connected = true
      if (opened) resolve(opened)
    }
    opened = dialling.sockets.connectTcp(
      { address, port },
      {
        connected: settled,
        end: () => lose(new NetworkError('ECONNRESET', 'unexpected EOF')),
        error: (error) => {
          dialling.signal.removeEventListener('abort', abort)
          const during = connected ? `read tcp ${joinHostPort(address, port)}` : `dial tcp ${joinHostPort(address, port)}`
          const worded = connected ? new NetworkError(error.code, `${during}: read: ${strerror[error.code]}`) : goDialError(error, during)
          reject(worded)
          lose(worded)
        },
      },
    )
    if (connected) resolve(opened)
    dialling.signal.addEventListener('abort', abort, { once: true })
  })
  const { service } = connection
  if (service) return { connection, service, lost }
  connection.reset()
  throw new Error('tls: first record does not look like a TLS handshake')
}

/** What the server takes `shown` for; it goes with the requests of the connection. */
async function shakeHands(service: HttpsService, shown: ClientIdentity | undefined): Promise<unknown> {
  if (!shown || !service.handshake) return undefined
  return service.handshake(shown).catch((error: unknown) => {
    throw new HandshakeError(error instanceof Error ? error.message : String(error))
  })
}

/** HTTPS over the simulated network. The connection stays open until the body has been read or given up. */
export async function fetchOver(dialling: Dialling, request: Request, shown?: ClientIdentity): Promise<Response> {
  const { connection, service, lost } = await dialService(dialling, new URL(request.url))
  const answer = async () => service.fetch(request, await shakeHands(service, shown))
  const response = await Promise.race([answer(), lost]).catch((error) => {
    connection.close()
    throw error
  })
  const body = response.body
  if (!body) {
    connection.close()
    return response
  }
  const reader = body.getReader()
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const read = await Promise.race([reader.read(), lost])
          if (!read.done) {
            controller.enqueue(read.value)
            return
          }
          controller.close()
        } catch (error) {
          controller.error(error)
          await reader.cancel(error).catch(() => {})
        }
        connection.close()
      },
      async cancel(reason) {
        connection.close()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(stream, { status: response.status, statusText: response.statusText, headers: response.headers })
}

export async function websocketOver(
  dialling: Dialling,
  request: Request,
  protocols: readonly string[],
  shown?: ClientIdentity,
): Promise<Response | { protocol: string; socket: MessageSocket }> {
  const { connection, service, lost } = await dialService(dialling, new URL(request.url))
  const answer = async () => service.upgrade(request, protocols, { peer: await shakeHands(service, shown) })
  const upgraded = await Promise.race([answer(), lost]).catch((error) => {
    connection.close()
    throw error
  })
  if ('status' in upgraded) {
    connection.close()
    return upgraded
  }
  const [client, server] = messagePair()
  const over = () => {
    client.close()
    server.close()
    connection.close()
  }
  upgraded.run(server).then(over, over)
  lost.catch(over)
  return { protocol: upgraded.protocol, socket: client }
}

/** How many messages may wait unread before `send` waits: bounds memory, keeps a stream flowing. */
const messageWindow = 32

/** Two ends of one WebSocket. */
export function messagePair(): [MessageSocket, MessageSocket] {
  const ways = [oneWay(), oneWay()] as const
  const end = (inward: OneWay, outward: OneWay): MessageSocket => ({
    receive: inward.receive,
    send: outward.send,
    close: () => {
      outward.finish()
      inward.finish()
    },
  })
  return [end(ways[0], ways[1]), end(ways[1], ways[0])]
}

type OneWay = ReturnType<typeof oneWay>

function oneWay() {
  const queue: (Uint8Array | string)[] = []
  let waitingReaders: (() => void)[] = []
  let waitingWriters: (() => void)[] = []
  let finished = false
  const wake = () => {
    const woken = [...waitingReaders, ...waitingWriters]
    waitingReaders = []
    waitingWriters = []
    for (const resolve of woken) resolve()
  }
  return {
    async receive() {
      while (queue.length === 0 && !finished) await new Promise<void>((resolve) => waitingReaders.push(resolve))
      const message = queue.shift()
      wake()
      return message
    },
    async send(message: Uint8Array | string) {
      while (queue.length >= messageWindow && !finished) await new Promise<void>((resolve) => waitingWriters.push(resolve))
      if (finished) throw new Error('the WebSocket is closed')
      queue.push(message)
      wake()
    },
    finish() {
      finished = true
      wake()
    },
  }
}
