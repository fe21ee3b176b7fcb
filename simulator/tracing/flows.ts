import { icmpMessage } from '../network/icmp.ts'
import type { Header, Hop } from '../network/trace.ts'
import type { Leg, LegEnd } from './document.ts'
import type { Opened } from './watched-sockets.ts'

/** Where the client's sockets are. */
interface Origin {
  readonly machine: string
  readonly namespace: string
}

interface Walk {
  readonly serial: number
  /** The first packet, as it left. */
  readonly first: Header
  readonly direction: Leg['direction']
  readonly hops: Hop[]
}

/**
 * The packets of one socket, out of everything that happened on the network meanwhile: what left it, whatever NAT made of that, the answers to
 * it, and ICMP about either. A packet belongs by its addresses and ports; NAT adds new ones to those that belong, and so does an eBPF program
 * that gives a socket another destination before there is a packet: what it did stands at the head of the packet that left then.
 */
export function legsOf(hops: readonly Hop[], socket: Opened, client: Origin, began: number): Leg[] {
  const forward = new Set<string>()
  const backward = new Set<string>()
  const add = (header: Header, direction: Leg['direction']) => {
    const [there, back] = direction === 'request' ? [forward, backward] : [backward, forward]
    there.add(keyOf(header))
    back.add(keyOf(mirrored(header)))
  }
  const walks = new Map<number, Walk>()
  const reached = [socket.to]
  let atSocket: Hop[] = []
  let refusals = 0
  for (const hop of hops) {
    const header = carried(hop.packet)
    if (hop.stage === 'bpf' && isAt(hop, client) && isAbout(carried(hop.before ?? hop.packet), socket)) {
      if (hop.verdict === 'REJECT') {
        refusals++
        walks.set(-refusals, { serial: -refusals, direction: 'request', first: header, hops: [hop] })
      } else {
        reached.push({ address: header.dst, port: header.dport ?? 0 })
        atSocket = [hop]
      }
      continue
    }
    const known = walks.get(hop.serial)
    if (known) {
      known.hops.push(hop)
      if (!header.icmp?.about) add(header, known.direction)
      continue
    }
    const own = (hop.stage === 'send' || hop.stage === 'route') && isAt(hop, client) && isFrom(header, socket, reached)
    if (own) add(header, 'request')
    const direction = directionOf(header, forward, backward)
    if (!direction) continue
    walks.set(hop.serial, { serial: hop.serial, direction, first: header, hops: own ? [...atSocket, hop] : [hop] })
    if (own) atSocket = []
  }
  return folded([...walks.values()].map((walk) => legOf(walk, began)))
}

function legOf({ serial, direction, first, hops }: Walk, began: number): Leg {
  return { direction, serial, what: whatOf(first), at: round(hops[0]!.at - began), hops, end: endOf(hops) }
}

/** A frame that a bridge flooded ends in several places; it arrived if one of them is the right one. */
function endOf(hops: readonly Hop[]): LegEnd {
  const find = (accepts: (verdict: NonNullable<Hop['verdict']>) => boolean) =>
    hops.findLastIndex(({ verdict, stage }) => verdict !== undefined && stage !== 'encapsulate' && accepts(verdict))
  const delivered = find((verdict) => verdict === 'DELIVERED')
  if (delivered >= 0) return { verdict: 'DELIVERED', hop: delivered }
  const ended = hops.findLastIndex(({ verdict }) => verdict === 'DROP' || verdict === 'REJECT' || verdict === 'LOST')
  if (ended >= 0) return { verdict: hops[ended]!.verdict as 'DROP', hop: ended }
  return { verdict: 'waiting', hop: hops.length - 1 }
}

/** Leaves out retransmissions that went through the same places to the same end as one before. */
function folded(legs: readonly Leg[]): Leg[] {
  const kept: Leg[] = []
  const known = new Map<string, number>()
  for (const leg of legs) {
    const { stage, rule, detail } = leg.hops[leg.end.hop]!
    const places = [...new Set(leg.hops.map(({ machine, namespace }) => `${machine}/${namespace}`))].join(' ')
    const key = `${leg.direction} ${leg.what} ${leg.end.verdict} ${stage} ${rule ?? detail} ${places}`
    const same = known.get(key)
    if (same === undefined || leg.end.verdict === 'DELIVERED') {
      known.set(key, kept.push(leg) - 1)
    } else kept[same] = { ...kept[same]!, repeats: (kept[same]!.repeats ?? 0) + 1 }
  }
  return kept
}

/** Of what a tunnel carries, the innermost. */
export function carried(header: Header): Header {
  return header.inner ? carried(header.inner) : header
}

function isAt(hop: Hop, { machine, namespace }: Origin): boolean {
  return hop.machine === machine && hop.namespace === namespace
}

function isFrom({ protocol, sport, dport, dst }: Header, socket: Opened, reached: readonly Opened['to'][]): boolean {
  if (protocol !== socket.protocol || sport !== socket.port) return false
  return reached.some(({ address, port }) => dst === address && (protocol === 'icmp' ? dport === 8 : dport === port))
}

/** A system call about the destination that the socket asked for. */
function isAbout({ protocol, sport, dst, dport }: Header, { protocol: own, to }: Opened): boolean {
  return !sport && protocol === own && dst === to.address && dport === to.port
}

function directionOf(header: Header, forward: ReadonlySet<string>, backward: ReadonlySet<string>): Leg['direction'] | undefined {
  const about = header.icmp?.about
  if (about) {
    const key = keyOf(carried(about))
    return forward.has(key) ? 'reply' : backward.has(key) ? 'request' : undefined
  }
  const key = keyOf(header)
  return forward.has(key) ? 'request' : backward.has(key) ? 'reply' : undefined
}

/** An echo and its reply differ in their type alone, which their direction says already. */
function keyOf({ protocol, src, dst, sport, dport }: Header): string {
  return protocol === 'icmp' ? `icmp ${src} ${dst} ${sport}` : `${protocol} ${src} ${sport} ${dst} ${dport}`
}

function mirrored(header: Header): Header {
  const { src, dst, sport, dport, protocol } = header
  if (protocol === 'icmp') return { ...header, src: dst, dst: src }
  return {
    ...header,
    src: dst,
    dst: src,
    ...(dport === undefined ? {} : { sport: dport }),
    ...(sport === undefined ? {} : { dport: sport }),
  }
}

function whatOf({ protocol, flags, icmp, bytes }: Header): string {
  if (icmp) {
    if (icmp.type === 8) return 'echo request'
    if (icmp.type === 0) return 'echo reply'
    return `ICMP ${icmpMessage(icmp.type, icmp.code, icmp.mtu)}`
  }
  if (protocol === 'udp') return `datagram of ${bytes - 28} bytes`
  switch (flags) {
    case 'S':
      return 'SYN'
    case 'S.':
      return 'SYN-ACK'
    case '.':
      return bytes > 40 ? `${bytes - 40} bytes of data` : 'ACK'
    default:
      if (flags?.includes('R')) return 'RST'
      if (flags?.includes('F')) return 'FIN'
      return `${bytes - 40} bytes of data`
  }
}

export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
