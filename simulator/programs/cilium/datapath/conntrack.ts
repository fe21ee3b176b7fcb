import type { Packet } from '../../../network/packet.ts'
import type { Backend, Direction, FlowEntry, Maps } from './maps.ts'

/** CT_CONNECTION_LIFETIME_TCP and _NONTCP, CT_SYN_TIMEOUT, CT_CLOSE_TIMEOUT, ms. */
const lifetime = { tcp: 8_000_000, other: 60_000, syn: 60_000, closing: 10_000 }
/** How exactly lifetimes are kept, ms; and how often an open connection is told of. */
const coarseness = 1000
const reportEvery = 5000
/** Far above what a lab has open; the oldest make room, as in an LRU map. */
const mostFlows = 16_384

interface Tuple {
  readonly protocol: string
  readonly src: string
  readonly sport: number
  readonly dst: string
  readonly dport: number
}

/** How a packet stands to what was seen before at one endpoint, in one direction. */
export interface Standing {
  readonly state: 'new' | 'established' | 'reply' | 'related'
  /** The front end by which the connection came. */
  readonly service?: Backend | undefined
  /** Worth an event: the first of its direction, or the first after five seconds (monitor aggregation). */
  readonly fresh: boolean
  /** Under which `remember` keeps it. */
  readonly key: string
}

const newlyRelated: Standing = { state: 'new', fresh: true, key: '' }

/**
 * Whether a packet in `direction` belongs to a connection (bpf/lib/conntrack.h, ct_lookup4): an answer to one that went the other way,
 * an ICMP error about one, the next of one, or the first. Answers keep their connection alive.
 */
export function standing(maps: Maps, packet: Packet, direction: Direction, now: number): Standing {
  const about = packet.icmp?.about
  if (about) {
    // An error is about a packet that went the other way, or about an answer to one that came this way.
    const found = live(maps, keyOf(opposite(direction), about), now) ?? live(maps, keyOf(direction, turned(about)), now)
    return found ? { state: 'related', service: found.service, fresh: true, key: '' } : newlyRelated
  }
  const answeredKey = keyOf(opposite(direction), turned(packet))
  const answered = live(maps, answeredKey, now)
  if (answered) {
    const fresh = now - (answered.answered ?? Number.NEGATIVE_INFINITY) >= reportEvery
    touch(maps, answeredKey, answered, packet, now, fresh ? { answered: now } : undefined)
    return { state: 'reply', service: answered.service, fresh, key: answeredKey }
  }
  const key = keyOf(direction, packet)
  const known = live(maps, key, now)
  if (!known) return { state: 'new', fresh: true, key }
  return { state: 'established', fresh: now - (known.seen ?? Number.NEGATIVE_INFINITY) >= reportEvery, key }
}

/** Notes that a packet passed; `service` is what its answers are to be shown to come from. */
export function remember(maps: Maps, packet: Packet, { key, fresh }: Standing, now: number, service?: Backend): void {
  if (key === '') return
  const known = maps.flows.get(key)
  if (!known && maps.flows.size >= mostFlows) {
    const [oldest] = maps.flows.entries().next().value ?? []
    if (oldest !== undefined) maps.flows.delete(oldest)
  }
  const told = fresh || service ? { ...(fresh ? { seen: now } : {}), ...(service ? { service } : {}) } : undefined
  touch(maps, key, known ?? { expires: 0, closing: false }, packet, now, told)
}

function touch(maps: Maps, key: string, entry: FlowEntry, packet: Packet, now: number, change: Partial<FlowEntry> | undefined): void {
  const opening = packet.tcp?.syn === true && !packet.tcp.isAck
  const closing = packet.tcp?.fin || packet.tcp?.rst || (entry.closing && !opening) || false
  const ms = !packet.tcp ? lifetime.other : closing ? lifetime.closing : opening ? lifetime.syn : lifetime.tcp
  const expires = now + ms
  // Most packets change nothing but a moment's worth of lifetime, which is not written down again.
  if (!change && closing === entry.closing && Math.abs(expires - entry.expires) < coarseness) return
  maps.flows.set(key, { ...entry, ...change, closing, expires })
}

function live(maps: Maps, key: string, now: number): FlowEntry | undefined {
  const entry = maps.flows.get(key)
  if (!entry || entry.expires > now) return entry
  maps.flows.delete(key)
  return undefined
}

function opposite(direction: Direction): Direction {
  return direction === 'ingress' ? 'egress' : 'ingress'
}

/** The tuple of an answer. An ICMP echo keeps its identifier; its type is the other one. */
function turned({ protocol, src, sport, dst, dport }: Tuple): Tuple {
  if (protocol === 'icmp') return { protocol, src: dst, dst: src, sport, dport: dport === 0 ? 8 : dport === 8 ? 0 : dport }
  return { protocol, src: dst, sport: dport, dst: src, dport: sport }
}

function keyOf(direction: Direction, { protocol, src, sport, dst, dport }: Tuple): string {
  return `${direction} ${protocol} ${src}:${sport} ${dst}:${dport}`
}
