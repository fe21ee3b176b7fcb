import type { Closer } from '../clock.ts'
import type { Packet } from './packet.ts'
import type { Origin } from './trace.ts'

/** errno names as programs see them. */
export type Errno =
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'ETIMEDOUT'
  | 'EHOSTUNREACH'
  | 'ENETUNREACH'
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EACCES'
  | 'EMSGSIZE'
  | 'EPERM'
  | 'ENOENT'

export class NetworkError extends Error {
  readonly code: Errno
  constructor(code: Errno, message: string = code) {
    super(message)
    this.name = 'NetworkError'
    this.code = code
  }
}

export interface Endpoint {
  readonly address: string
  readonly port: number
}

export interface TcpHandlers {
  /** The handshake is done. */
  connected?(): void
  data?(bytes: Uint8Array): void
  /** The peer closed its side. */
  end?(): void
  /** Refused, reset, unreachable, or the kernel's own time-out (about 127 s of SYN retries); nothing follows. */
  error?(error: NetworkError): void
}

/**
 * The short way of HTTPS: a listener offers its service whole, and a connection that reached it over the network may call it, without a
 * handshake (the other way is network/tls). Structurally an `ApiServer`.
 */
export interface HttpsService {
  /** Its certificate leads to an authority that everybody knows, as those of public sites do. */
  readonly publiclyTrusted?: boolean
  /**
   * The handshake with a client that shows a certificate: what the server makes of it, which goes with every request of the connection.
   * Rejects where the client's own half fails: its key is not the certificate's. Absent: the server asks for no certificates.
   */
  handshake?(shown: ClientIdentity): Promise<unknown>
  fetch(request: Request, peer?: unknown): Promise<Response>
  upgrade(
    request: Request,
    protocols: readonly string[],
    from?: { readonly peer?: unknown },
  ): Promise<Response | { protocol: string; run(socket: any): Promise<void> }>
}

/** A TLS handshake that the client itself gave up, in Go's words. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError'
}

/** What a client shows in a TLS handshake: PEM texts. */
export interface ClientIdentity {
  readonly certificate: string
  readonly key: string
}

export interface TcpConnection extends Closer {
  /** What the listener at the other end serves over TLS; undefined before `connected`, or where it speaks plain bytes. */
  readonly service: HttpsService | undefined
  readonly local: Endpoint
  readonly remote: Endpoint
  /** Bytes walk as segments: what a firewall or an MTU drops is not delivered, as in real. */
  write(bytes: Uint8Array): void
  /** Sends FIN; the other direction stays open. */
  end(): void
  /** RST. */
  reset(): void
}

export interface UdpSocket extends Closer {
  readonly local: Endpoint
  /** `dontFragment` is IP_MTU_DISCOVER's IP_PMTUDISC_PROBE: what is too big for the way is lost. */
  send(bytes: Uint8Array, to: Endpoint, options?: { dontFragment?: boolean }): void
}

export interface UdpHandlers {
  datagram(bytes: Uint8Array, from: Endpoint): void
  /** An ICMP error came back for something this socket sent. */
  error?(error: NetworkError): void
}

export interface EchoReply {
  readonly from: string
  readonly ttl: number
  readonly bytes: number
  /** ms, with a fraction. */
  readonly rtt: number
}

/** What a program says of a packet that was queued to it; `reason` and `origin` are for traces. */
export interface QueueVerdict {
  readonly accept: boolean
  readonly reason: string
  readonly origin?: Origin
}

export interface PlainAnswer {
  readonly status: number
  readonly body: string
}

/**
 * The sockets of one network namespace: the only way in which anything in a cluster talks.
 * Callback style and synchronous: a reply may arrive before the call returns to the event loop, never before the call itself returns.
 */
export interface Sockets {
  /** Throws NetworkError EADDRINUSE, EADDRNOTAVAIL. `address` defaults to every address. */
  listenTcp(at: { address?: string; port: number; service?: HttpsService }, accept: (connection: TcpConnection) => TcpHandlers): Closer
  connectTcp(to: Endpoint, handlers: TcpHandlers): TcpConnection
  /** Port 0 or absent: an ephemeral one. Throws EADDRINUSE, EADDRNOTAVAIL. */
  bindUdp(at: { address?: string; port?: number }, handlers: UdpHandlers): UdpSocket
  /** One ICMP echo request. `reply` or `error` (host unreachable, time to live exceeded, …) or neither: nothing came back. */
  ping(
    to: string,
    options: { bytes: number; ttl: number; sequence: number; id: number; dontFragment?: boolean },
    handlers: { reply(reply: EchoReply): void; error?(from: string, message: string, type: number, code: number): void },
  ): Closer
  /**
   * NFQUEUE's user space: `decide` is asked about each packet that a rule sends to the queue. Throws EPERM where another program is bound
   * to that queue.
   */
  bindQueue(queue: number, decide: (packet: Packet) => QueueVerdict): Closer
  /** NFLOG's user space: hears of each packet that a rule logs to the group. */
  bindLog(group: number, hear: (packet: Packet) => void): Closer
  /**
   * Answers requests to this host's `port` from callers that cannot wait for a packet: CNI plugins, which run within one call. Throws
   * EADDRINUSE.
   */
  answerAtOnce(port: number, answer: (method: string, path: string) => PlainAnswer): Closer
  /**
   * A Unix socket at a path of the machine, until the process ends; `answer` is asked synchronously, plain data both ways.
   * Throws EADDRINUSE.
   */
  listenUnix(path: string, answer: (request: unknown) => unknown): Closer
  /** Asks who listens there. Throws ENOENT where nobody does. */
  askUnix(path: string, request: unknown): unknown
  /** Addresses of this namespace's interfaces, loopback last; the first is what a pod calls its address. */
  addresses(): string[]
}
