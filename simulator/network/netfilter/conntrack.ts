import type { Clock } from '../../clock.ts'
import type { Packet, Protocol, TcpHeader } from '../packet.ts'
import { TupleIndex } from './tuple-index.ts'

export interface Tuple {
  readonly src: string
  readonly sport: number
  readonly dst: string
  readonly dport: number
}

export type TcpState = 'SYN_SENT' | 'SYN_RECV' | 'ESTABLISHED' | 'FIN_WAIT' | 'CLOSE_WAIT' | 'LAST_ACK' | 'TIME_WAIT' | 'CLOSE'

/** One connection as netfilter knows it; what `conntrack -L` lists. */
export interface Connection {
  readonly protocol: Protocol
  readonly original: Tuple
  /** What replies look like before NAT is undone. */
  reply: Tuple
  confirmed: boolean
  seenReply: boolean
  assured: boolean
  dnat: boolean
  snat: boolean
  tcp: TcpState | undefined
  mark: number
  /** ms since the epoch; looked at when someone asks, no timer runs. */
  expires: number
}

/** What conntrack noted on a packet. */
export interface Tracking {
  readonly connection: Connection | undefined
  readonly reply: boolean
  readonly state: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED'
}

/** Seconds, the defaults of nf_conntrack_*_timeout. */
const timeouts = {
  SYN_SENT: 120,
  SYN_RECV: 60,
  ESTABLISHED: 432_000,
  FIN_WAIT: 120,
  CLOSE_WAIT: 60,
  LAST_ACK: 30,
  TIME_WAIT: 120,
  CLOSE: 10,
  udp: 30,
  udpStream: 120,
  icmp: 30,
  generic: 600,
}

/** nf_conntrack_max of a small machine. */
const maximum = 262_144

export const invalid: Tracking = { connection: undefined, reply: false, state: 'INVALID' }
export const untracked: Tracking = { connection: undefined, reply: false, state: 'UNTRACKED' }

/** The connection table of one namespace. */
export class Conntrack {
  readonly #clock: Clock
  /** Oldest first. */
  readonly #connections = new Set<Connection>()
  readonly #byTuple = new Map<Protocol, TupleIndex<Connection>>()
  #sweepAt = 512

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Connections that have not expired, oldest first. */
  list(): Connection[] {
    this.#sweep()
    return [...this.#connections]
  }

  get size(): number {
    return this.list().length
  }

  load(connections: readonly Connection[]): void {
    this.#connections.clear()
    this.#byTuple.clear()
    for (const connection of connections) this.#insert({ ...connection })
  }

  /** `conntrack -D`: forgets what `selects` says; returns how many. */
  remove(selects: (connection: Connection) => boolean): number {
    const chosen = this.list().filter(selects)
    for (const connection of chosen) this.#delete(connection)
    return chosen.length
  }

  /** nf_conntrack_in: finds or begins the packet's connection and notes it on the packet. */
  track(packet: Packet): Tracking {
    if (packet.icmp?.about) return this.#related(packet.icmp.about)
    const now = this.#clock.now()
    const found = this.find(packet)
    if (found) {
      const reply = isReply(found, packet)
      if (!this.#advance(found, packet, reply, now)) return invalid
      if (found.expires !== 0) return { connection: found, reply, state: reply || found.seenReply ? 'ESTABLISHED' : 'NEW' }
    }
    const connection = begin(packet, now)
    return connection ? { connection, reply: false, state: 'NEW' } : invalid
  }

  find(tuple: Tuple & { protocol: Protocol }): Connection | undefined {
    const connection = this.#byTuple.get(tuple.protocol)?.get(tuple)
    if (!connection) return undefined
    if (connection.expires > this.#clock.now()) return connection
    this.#delete(connection)
    return undefined
  }

  /** Whether a reply tuple is still nobody else's. */
  isFree(protocol: Protocol, reply: Tuple, own: Connection): boolean {
    const other = this.find({ protocol, ...reply })
    return other === undefined || other === own
  }

  /** nf_conntrack_confirm: the first packet got through, so the connection is remembered. False: it clashes with another. */
  confirm(connection: Connection): boolean {
    if (connection.confirmed) return true
    if (this.find({ protocol: connection.protocol, ...connection.original })) return false
    if (this.#connections.size >= this.#sweepAt) {
      this.#sweep()
      this.#sweepAt = Math.max(512, this.#connections.size * 2)
    }
    if (this.#connections.size >= maximum) return false
    connection.confirmed = true
    this.#insert(connection)
    return true
  }

  #related(about: Packet): Tracking {
    // The quoted header went the other way than the error does, and is already translated where this host translates.
    const inverted = { protocol: about.protocol, ...invert(about.protocol, about) }
    const connection = this.find(inverted)
    if (!connection) return invalid
    return { connection, reply: isReply(connection, inverted), state: 'RELATED' }
  }

  #advance(connection: Connection, packet: Packet, reply: boolean, now: number): boolean {
    if (connection.protocol === 'tcp' && packet.tcp) {
      const next = nextTcpState(connection.tcp ?? 'SYN_SENT', packet.tcp, reply)
      if (next === 'INVALID') return false
      if (next === 'REOPEN') {
        this.#delete(connection)
        connection.expires = 0
        return true
      }
      if (reply) connection.seenReply = true
      connection.tcp = next
      if (next === 'ESTABLISHED') connection.assured = true
      connection.expires = now + timeouts[next] * 1000
      return true
    }
    if (reply) connection.seenReply = true
    if (connection.protocol === 'udp') {
      // A stream only once it goes on after the first answer.
      if (!reply && connection.seenReply) connection.assured = true
      connection.expires = now + (connection.assured ? timeouts.udpStream : timeouts.udp) * 1000
    } else connection.expires = now + (connection.protocol === 'icmp' ? timeouts.icmp : timeouts.generic) * 1000
    return true
  }

  #insert(connection: Connection): void {
    let index = this.#byTuple.get(connection.protocol)
    if (!index) this.#byTuple.set(connection.protocol, (index = new TupleIndex()))
    index.set(connection.original, connection)
    index.set(connection.reply, connection)
    this.#connections.add(connection)
  }

  #delete(connection: Connection): void {
    const index = this.#byTuple.get(connection.protocol)
    for (const tuple of [connection.original, connection.reply]) if (index?.get(tuple) === connection) index.delete(tuple)
    this.#connections.delete(connection)
  }

  #sweep(): void {
    const now = this.#clock.now()
    for (const connection of this.#connections) if (connection.expires <= now) this.#delete(connection)
  }
}

/** The tuple of the opposite direction. An ICMP echo keeps its identifier and swaps request and reply. */
export function invert(protocol: Protocol, tuple: Tuple): Tuple {
  if (protocol === 'icmp')
    return { src: tuple.dst, dst: tuple.src, sport: tuple.sport, dport: tuple.dport === 8 ? 0 : tuple.dport === 0 ? 8 : tuple.dport }
  return { src: tuple.dst, sport: tuple.dport, dst: tuple.src, dport: tuple.sport }
}

/** Whether a tuple of this connection runs against its first packet. */
function isReply(connection: Connection, packet: Tuple): boolean {
  const { original } = connection
  return !(packet.src === original.src && packet.dst === original.dst && packet.sport === original.sport && packet.dport === original.dport)
}

function begin(packet: Packet, now: number): Connection | undefined {
  const { protocol, src, sport, dst, dport } = packet
  let tcp: TcpState | undefined
  let seconds = protocol === 'udp' ? timeouts.udp : protocol === 'icmp' ? timeouts.icmp : timeouts.generic
  if (packet.tcp) {
    // nf_conntrack_tcp_loose: a connection may be picked up in its middle, but only by a plain ACK.
    if (packet.tcp.rst || (packet.tcp.syn && packet.tcp.isAck) || (packet.tcp.fin && !packet.tcp.isAck)) return undefined
    tcp = packet.tcp.syn ? 'SYN_SENT' : packet.tcp.fin ? undefined : 'ESTABLISHED'
    if (!tcp) return undefined
    // Picked up loosely it must prove itself within 5 minutes.
    seconds = tcp === 'SYN_SENT' ? timeouts.SYN_SENT : 300
  } else if (protocol === 'icmp' && packet.icmp?.type !== 8) return undefined
  const original = { src, sport, dst, dport }
  return {
    protocol,
    original,
    reply: invert(protocol, original),
    confirmed: false,
    seenReply: false,
    assured: false,
    dnat: false,
    snat: false,
    tcp,
    mark: 0,
    expires: now + seconds * 1000,
  }
}

/** The part of nf_conntrack_proto_tcp's state table that well-formed peers can reach. */
function nextTcpState(state: TcpState, tcp: TcpHeader, reply: boolean): TcpState | 'INVALID' | 'REOPEN' {
  if (tcp.rst) return 'CLOSE'
  if (tcp.syn && !tcp.isAck) {
    if (reply) return state === 'SYN_SENT' ? 'SYN_RECV' : 'INVALID'
    if (state === 'TIME_WAIT' || state === 'CLOSE' || state === 'LAST_ACK') return 'REOPEN'
    // In an open connection the peer answers it with a challenge ACK; conntrack lets it pass and stays.
    return state
  }
  if (tcp.syn) return !reply ? 'INVALID' : state === 'SYN_SENT' ? 'SYN_RECV' : state
  if (tcp.fin) {
    if (state === 'SYN_RECV' || state === 'ESTABLISHED') return 'FIN_WAIT'
    if (state === 'FIN_WAIT' || state === 'CLOSE_WAIT') return 'LAST_ACK'
    return state === 'SYN_SENT' ? 'INVALID' : state
  }
  switch (state) {
    case 'SYN_SENT':
      return reply ? 'INVALID' : state
    case 'SYN_RECV':
      return reply ? state : 'ESTABLISHED'
    case 'FIN_WAIT':
      return 'CLOSE_WAIT'
    case 'LAST_ACK':
      return 'TIME_WAIT'
    default:
      return state
  }
}
