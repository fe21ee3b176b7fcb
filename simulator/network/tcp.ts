import type { Closer } from '../clock.ts'
import { socketPeer } from './bpf-hooks.ts'
import { errnoOf } from './icmp.ts'
import type { NetworkNamespace } from './namespace.ts'
import { type Packet, type TcpHeader, tcpPacket } from './packet.ts'
import { type Endpoint, type Errno, type HttpsService, NetworkError, type TcpConnection, type TcpHandlers } from './sockets.ts'

export type TcpSocketState =
  | 'SYN-SENT'
  | 'SYN-RECV'
  | 'ESTAB'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'
  | 'CLOSED'

/** What a TCP socket needs of the table that holds it. */
export interface TcpHost {
  readonly namespace: NetworkNamespace
  /** The socket has reached TIME-WAIT or is done for: it leaves the table, at once or later. */
  finished(socket: TcpSocket, linger: boolean): void
}

interface Segment {
  readonly seq: number
  readonly payload: Uint8Array | undefined
  readonly syn: boolean
  readonly fin: boolean
}

/** As Linux's initial send and receive window without scaling. */
const window = 65_535
/** TCP_RTO_MIN and TCP_RTO_MAX, ms. */
const minimumTimeout = 200
const maximumTimeout = 120_000
/** TCP_TIMEOUT_INIT: the first wait for an answer to a SYN, ms. */
const synTimeout = 1_000
/** What the peer may still send before it must be told to stop: beyond it, out-of-order segments are not kept. */
const reorderLimit = 64

/** One connection (RFC 9293), seen from one end. Windows do not close and there is no congestion control: only loss slows it. */
export class TcpSocket implements TcpConnection {
  readonly local: Endpoint
  /** The other end, as packets name it. */
  readonly peer: Endpoint
  readonly owner: string
  state: TcpSocketState
  service: HttpsService | undefined
  readonly #host: TcpHost
  /** What connect was asked for, where that is not where it went. */
  readonly #asked: Endpoint | undefined
  #handlers: TcpHandlers | undefined
  /** The application closed it: no callback any more. */
  #detached = false
  #errored = false
  readonly #initial: number
  #next: number
  #acknowledged: number
  #expected = 0
  #peerMss = 536
  #queue: Uint8Array[] = []
  #queued = 0
  #finQueued = false
  #finSent = false
  readonly #unacknowledged: Segment[] = []
  readonly #early = new Map<number, Segment>()
  #timer: Closer | undefined
  #retries = 0
  #sending = false
  #accepting: ((socket: TcpSocket) => TcpHandlers | undefined) | undefined
  /** Where this end serves TLS: goes along with the SYN-ACK. */
  readonly #offers: HttpsService | undefined

  constructor(
    host: TcpHost,
    owner: string,
    local: Endpoint,
    peer: Endpoint,
    role:
      | { handlers: TcpHandlers; asked?: Endpoint | undefined }
      | { accept: (socket: TcpSocket) => TcpHandlers | undefined; offers: HttpsService | undefined },
  ) {
    this.#host = host
    this.owner = owner
    this.local = local
    this.peer = peer
    const active = 'handlers' in role
    this.state = active ? 'SYN-SENT' : 'SYN-RECV'
    this.#handlers = active ? role.handlers : undefined
    this.#asked = active ? role.asked : undefined
    this.#accepting = active ? undefined : role.accept
    this.#offers = active ? undefined : role.offers
    this.#initial = host.namespace.network.random.below(0x1_0000_0000)
    this.#next = this.#initial
    this.#acknowledged = this.#initial
  }

  /** The other end, as its own program is told it (getpeername). */
  get remote(): Endpoint {
    return this.#asked ? socketPeer(this.#host.namespace, this.#asked, this.peer) : this.peer
  }

  /** Bytes that were written and that the peer has not acknowledged: `Send-Q`. */
  get sendQueue(): number {
    return this.#queued + this.#unacknowledged.reduce((sum, segment) => sum + (segment.payload?.length ?? 0), 0)
  }

  // --- the application's side

  /** Sends the SYN. */
  connect(): void {
    const error = this.#emit({ seq: this.#next, payload: undefined, syn: true, fin: false })
    if (this.state !== 'SYN-SENT') return
    // A SYN that the own firewall ate is tried again like one that was lost; without a route there is nothing to try.
    if (error !== undefined && error !== 'EPERM' && error !== 'EMSGSIZE') return this.#die(error)
    this.#arm()
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#finQueued || this.#detached) return
    if (this.state === 'CLOSED' || this.state === 'TIME-WAIT') return
    this.#queue.push(bytes.slice())
    this.#queued += bytes.length
    this.#flush()
  }

  end(): void {
    if (this.#finQueued || this.state === 'CLOSED') return
    this.#finQueued = true
    this.#flush()
  }

  reset(): void {
    if (this.state === 'CLOSED') return
    this.#detached = true
    if (this.state !== 'SYN-SENT' && this.state !== 'TIME-WAIT') this.#sendReset()
    this.#finish(false)
  }

  close(): void {
    if (this.#detached) return
    this.#detached = true
    if (this.state === 'SYN-SENT') this.#finish(false)
    else this.end()
  }

  /** Its machine or namespace is gone: no packet, no callback. */
  drop(): void {
    this.#detached = true
    this.state = 'CLOSED'
    this.#timer?.close()
    this.#timer = undefined
  }

  // --- the network's side

  receive(packet: Packet): void {
    const { tcp } = packet
    if (!tcp || this.state === 'CLOSED') return
    if (this.state === 'SYN-SENT') return this.#answered(packet, tcp)
    if (tcp.rst) {
      if (tcp.seq === this.#expected || (this.state === 'SYN-RECV' && tcp.seq >= this.#expected)) this.#resetByPeer()
      return
    }
    if (tcp.syn) {
      // Our SYN-ACK was lost (say it again), or a stranger's SYN: a challenge ACK.
      if (this.state === 'SYN-RECV') this.#emitAll()
      else this.#acknowledge()
      return
    }
    if (tcp.isAck) this.#acknowledgedUpTo(tcp.ack)
    if (this.#isClosed()) return
    const length = packet.payload?.length ?? 0
    if (length > 0 || tcp.fin) this.#take({ seq: tcp.seq, payload: packet.payload, syn: false, fin: tcp.fin })
    this.#flush()
  }

  /** Answers a SYN: sent by the table when a listener takes it. */
  passive(packet: Packet): void {
    const tcp = packet.tcp!
    this.#expected = tcp.seq + 1
    this.#peerMss = tcp.mss ?? 536
    this.#emit({ seq: this.#next, payload: undefined, syn: true, fin: false })
    if (this.state === 'SYN-RECV') this.#arm()
  }

  /** An ICMP error about one of our segments. Fatal only while connecting; a smaller path MTU makes what is unanswered go again in smaller pieces. */
  icmpError(type: number, code: number): void {
    if (type === 3 && code === 4) {
      if (this.#unacknowledged.length > 0) this.#emitAll()
      return
    }
    if (this.state === 'SYN-SENT' && type === 3) this.#die(errnoOf(type, code))
  }

  #answered(packet: Packet, tcp: TcpHeader): void {
    if (tcp.isAck && tcp.ack !== this.#next) return
    if (tcp.rst) {
      if (tcp.isAck) this.#die('ECONNREFUSED')
      return
    }
    if (!tcp.syn || !tcp.isAck) return
    this.#expected = tcp.seq + 1
    this.#peerMss = tcp.mss ?? 536
    this.service = packet.service
    this.state = 'ESTAB'
    this.#acknowledgedUpTo(tcp.ack)
    this.#call(() => this.#handlers?.connected?.())
    this.#acknowledge()
    this.#flush()
  }

  #acknowledgedUpTo(ack: number): void {
    if (ack <= this.#acknowledged || ack > this.#next) return
    this.#acknowledged = ack
    this.#retries = 0
    while (this.#unacknowledged.length > 0) {
      const first = this.#unacknowledged[0]!
      if (first.seq + lengthOf(first) > ack) break
      this.#unacknowledged.shift()
    }
    this.#timer?.close()
    this.#timer = undefined
    if (this.state === 'SYN-RECV') this.#established()
    if (this.#finSent && this.#unacknowledged.length === 0) this.#finAcknowledged()
    else if (this.#unacknowledged.length > 0 && !this.#sending) this.#arm()
  }

  #established(): void {
    this.state = 'ESTAB'
    const accept = this.#accepting
    this.#accepting = undefined
    this.#call(() => {
      const handlers = accept?.(this)
      if (handlers) this.#handlers = handlers
      else this.reset()
    })
  }

  #finAcknowledged(): void {
    if (this.state === 'FIN-WAIT-1') this.state = 'FIN-WAIT-2'
    else if (this.state === 'CLOSING') this.#finish(true)
    else if (this.state === 'LAST-ACK') this.#finish(false)
  }

  #take(segment: Segment): void {
    const end = segment.seq + lengthOf(segment)
    if (segment.seq > this.#expected) {
      if (this.#early.size < reorderLimit) this.#early.set(segment.seq, segment)
      return this.#acknowledge()
    }
    if (end > this.#expected) {
      this.#accept(segment)
      let next = this.#early.get(this.#expected)
      while (next) {
        this.#early.delete(next.seq)
        this.#accept(next)
        next = this.#early.get(this.#expected)
      }
      if (this.#isClosed()) return
    }
    this.#acknowledge()
  }

  #accept(segment: Segment): void {
    const skip = this.#expected - segment.seq
    const bytes = segment.payload && skip < segment.payload.length ? segment.payload.subarray(skip) : undefined
    this.#expected = segment.seq + lengthOf(segment)
    if (bytes) {
      // Data for an application that has closed: nobody will ever read it, and the peer is told so.
      if (this.#detached) {
        this.#sendReset()
        return this.#finish(false)
      }
      this.#call(() => this.#handlers?.data?.(bytes))
    }
    if (!segment.fin) return
    this.#call(() => this.#handlers?.end?.())
    if (this.state === 'ESTAB' || this.state === 'SYN-RECV') this.state = 'CLOSE-WAIT'
    else if (this.state === 'FIN-WAIT-1') this.state = 'CLOSING'
    else if (this.state === 'FIN-WAIT-2') {
      this.#acknowledge()
      this.#finish(true)
    }
  }

  #flush(): void {
    if (this.#sending || this.state === 'SYN-SENT' || this.state === 'SYN-RECV') return
    this.#sending = true
    try {
      while (this.#queue.length > 0 && this.#next - this.#acknowledged < window && !this.#isClosed()) {
        this.#emit({ seq: this.#next, payload: this.#dequeue(this.#mss()), syn: false, fin: false })
      }
      if (this.#finQueued && !this.#finSent && this.#queue.length === 0 && !this.#isClosed()) {
        this.#finSent = true
        if (this.state === 'ESTAB') this.state = 'FIN-WAIT-1'
        else if (this.state === 'CLOSE-WAIT') this.state = 'LAST-ACK'
        this.#emit({ seq: this.#next, payload: undefined, syn: false, fin: true })
      }
    } finally {
      this.#sending = false
    }
    if (this.#unacknowledged.length > 0 && !this.#timer && !this.#isClosed()) this.#arm()
  }

  #dequeue(limit: number): Uint8Array {
    const first = this.#queue[0]!
    const chunk = first.length <= limit ? first : first.subarray(0, limit)
    if (first.length <= limit) this.#queue.shift()
    else this.#queue[0] = first.subarray(limit)
    this.#queued -= chunk.length
    return chunk
  }

  #mss(): number {
    const mtu = this.#host.namespace.ip.pathMtu(this.peer.address) ?? 1500
    return Math.max(48, Math.min(this.#peerMss, mtu - 40))
  }

  /** Remembers a segment until it is acknowledged, and sends it. */
  #emit(segment: Segment): Errno | undefined {
    this.#unacknowledged.push(segment)
    this.#next = segment.seq + lengthOf(segment)
    return this.#send(segment)
  }

  #send(segment: Segment): Errno | undefined {
    const mss = segment.syn ? { mss: Math.max(48, (this.#host.namespace.ip.pathMtu(this.peer.address) ?? 1500) - 40) } : {}
    const header: TcpHeader = {
      seq: segment.seq,
      ack: this.#expected,
      syn: segment.syn,
      fin: segment.fin,
      rst: false,
      isAck: this.state !== 'SYN-SENT',
      psh: segment.payload !== undefined && this.#queue.length === 0,
      window,
      ...mss,
    }
    const packet = tcpPacket(this.local.address, this.local.port, this.peer.address, this.peer.port, header, segment.payload)
    if (segment.syn && this.#offers) packet.service = this.#offers
    return this.#host.namespace.ip.output(packet)
  }

  /** Sends again everything that is unanswered, cut to what the path carries now. */
  #emitAll(): void {
    const mss = this.#mss()
    const pieces = this.#unacknowledged.splice(0).flatMap((segment) => split(segment, mss))
    this.#unacknowledged.push(...pieces)
    const sending = this.#sending
    this.#sending = true
    for (const segment of pieces) {
      if (this.#isClosed()) break
      // Answered meanwhile, or the answer to an earlier piece brought a smaller MTU and this one went already.
      if (!this.#unacknowledged.includes(segment)) continue
      this.#send(segment)
    }
    this.#sending = sending
    if (this.#unacknowledged.length > 0 && !this.#timer && !this.#isClosed()) this.#arm()
  }

  #acknowledge(): void {
    const header: TcpHeader = { seq: this.#next, ack: this.#expected, syn: false, fin: false, rst: false, isAck: true, psh: false, window }
    this.#host.namespace.ip.output(tcpPacket(this.local.address, this.local.port, this.peer.address, this.peer.port, header))
  }

  #sendReset(): void {
    const header: TcpHeader = {
      seq: this.#next,
      ack: this.#expected,
      syn: false,
      fin: false,
      rst: true,
      isAck: true,
      psh: false,
      window: 0,
    }
    this.#host.namespace.ip.output(tcpPacket(this.local.address, this.local.port, this.peer.address, this.peer.port, header))
  }

  /** Waits for an answer; SYNs after 1, 3, 7 … s, data after 0.2, 0.6, 1.4 … s. */
  #arm(): void {
    this.#timer?.close()
    const handshake = this.state === 'SYN-SENT' || this.state === 'SYN-RECV'
    const wait = Math.min((handshake ? synTimeout : minimumTimeout) * 2 ** this.#retries, maximumTimeout)
    this.#timer = this.#host.namespace.network.clock.after(wait, () => this.#expired())
  }

  #expired(): void {
    this.#timer = undefined
    if (this.#isClosed() || this.#unacknowledged.length === 0) return
    const { namespace } = this.#host
    const limit =
      this.state === 'SYN-SENT'
        ? 'net.ipv4.tcp_syn_retries'
        : this.state === 'SYN-RECV'
          ? 'net.ipv4.tcp_synack_retries'
          : 'net.ipv4.tcp_retries2'
    if (this.#retries >= Number(namespace.sysctl(limit))) {
      this.#die('ETIMEDOUT')
      return
    }
    this.#retries++
    this.#send(this.#unacknowledged[0]!)
    // Where the first was the only gap, its answer covers the rest; what is still missing goes one by one, as answers come.
    if (this.#unacknowledged.length > 0 && !this.#isClosed()) {
      if (this.#retries === 0) this.#emitAll()
      else this.#arm()
    }
  }

  #resetByPeer(): void {
    this.#die('ECONNRESET')
  }

  #die(errno: Errno): void {
    if (this.#accepting) this.#detached = true
    this.#call(() => {
      if (this.#errored) return
      this.#errored = true
      this.#handlers?.error?.(new NetworkError(errno))
      this.#detached = true
    })
    this.#finish(false)
  }

  #finish(linger: boolean): void {
    this.#timer?.close()
    this.#timer = undefined
    this.#queue = []
    this.#queued = 0
    this.#unacknowledged.length = 0
    this.#early.clear()
    this.state = linger ? 'TIME-WAIT' : 'CLOSED'
    this.#host.finished(this, linger)
  }

  #isClosed(): boolean {
    return this.state === 'CLOSED' || this.state === 'TIME-WAIT'
  }

  /** Callbacks never run inside the call that caused them. */
  #call(task: () => void): void {
    if (this.#detached) return
    this.#host.namespace.network.clock.soon(() => {
      if (!this.#detached) task()
    })
  }
}

function lengthOf(segment: Segment): number {
  return (segment.payload?.length ?? 0) + (segment.syn || segment.fin ? 1 : 0)
}

function split(segment: Segment, mss: number): Segment[] {
  const { payload } = segment
  if (!payload || payload.length <= mss) return [segment]
  const pieces: Segment[] = []
  for (let at = 0; at < payload.length; at += mss) {
    pieces.push({ ...segment, seq: segment.seq + at, payload: payload.subarray(at, at + mss) })
  }
  return pieces
}
