import type { BpfMap, BpfMaps } from '../../../network/bpf.ts'
import type { Packet } from '../../../network/packet.ts'
import { tcpFlags } from '../../../network/packet.ts'
import type { Direction, Maps } from './maps.ts'

/** Where a packet was seen, or why it went no further. */
export type Observation =
  | 'to-endpoint'
  | 'to-stack'
  | 'to-overlay'
  | 'to-network'
  | 'policy-verdict:none'
  | 'policy-verdict:all'
  | 'policy-verdict:L3-Only'
  | 'policy-verdict:L3-L4'
  | 'policy-verdict:L4-Only'

/** One event of the ring that the datapath writes and Hubble reads. */
export interface FlowEvent {
  /** ms since the epoch. */
  readonly at: number
  readonly observation: Observation
  readonly verdict: 'FORWARDED' | 'DROPPED' | 'ALLOWED' | 'DENIED'
  readonly direction?: Direction
  readonly protocol: string
  readonly source: string
  readonly sport: number
  readonly destination: string
  readonly dport: number
  readonly sourceIdentity: number
  readonly destinationIdentity: number
  /** `SYN, ACK`; `EchoRequest` for ICMP. */
  readonly summary: string
  /** Of a drop. */
  readonly reason?: string
  readonly endpoint?: number
}

/** Hubble's smallest usual buffer (sizes are powers of two less one); its default of 4095 is more than anybody reads in a lab. */
const capacity = 255
const ringName = 'cilium_events'

export function ringOf(maps: BpfMaps): BpfMap<FlowEvent> {
  return maps.map<FlowEvent>(ringName)
}

export interface Seen {
  readonly observation: Observation
  readonly verdict: FlowEvent['verdict']
  readonly identities: readonly [source: number, destination: number]
  readonly direction?: Direction
  readonly reason?: string
  readonly endpoint?: number
}

/** Writes an event where somebody may want it: nothing is kept while Hubble is off. */
export function emit(kernel: BpfMaps, maps: Maps, now: number, packet: Packet, seen: Seen): void {
  if (!maps.config.get('')?.hubble) return
  const ring = ringOf(kernel)
  const place = placeIn(ring)
  if (ring.size >= capacity) ring.delete(String(place.first++))
  const [sourceIdentity, destinationIdentity] = seen.identities
  ring.set(String(place.next++), {
    at: now,
    observation: seen.observation,
    verdict: seen.verdict,
    ...(seen.direction ? { direction: seen.direction } : {}),
    protocol: packet.protocol,
    source: packet.src,
    sport: packet.sport,
    destination: packet.dst,
    dport: packet.dport,
    sourceIdentity,
    destinationIdentity,
    summary: summaryOf(packet),
    ...(seen.reason ? { reason: seen.reason } : {}),
    ...(seen.endpoint === undefined ? {} : { endpoint: seen.endpoint }),
  })
}

const places = new WeakMap<BpfMap<FlowEvent>, { first: number; next: number }>()

/** The numbers of the oldest event and of the one to come. */
function placeIn(ring: BpfMap<FlowEvent>): { first: number; next: number } {
  let place = places.get(ring)
  if (!place) {
    const numbers = [...ring.entries()].map(([key]) => Number(key))
    place = { first: numbers[0] ?? 0, next: (numbers.at(-1) ?? -1) + 1 }
    places.set(ring, place)
  }
  return place
}

/** Told of whatever was told before: the packets that open or end a connection (monitor aggregation `medium`). */
export function isNotable({ tcp }: Packet): boolean {
  return tcp !== undefined && (tcp.syn || tcp.fin || tcp.rst)
}

function summaryOf(packet: Packet): string {
  if (packet.tcp) {
    const words: Readonly<Record<string, string>> = { S: 'SYN', F: 'FIN', R: 'RST', P: 'PSH', '.': 'ACK' }
    return [...tcpFlags(packet.tcp)].map((letter) => words[letter]).join(', ')
  }
  if (!packet.icmp) return ''
  const { type, code } = packet.icmp
  return { 0: 'EchoReply', 3: `DestinationUnreachable(${code})`, 8: 'EchoRequest', 11: 'TimeExceeded(TTLExceeded)' }[type] ?? `type ${type}`
}
