import type { Random } from '../../random.ts'
import type { Packet } from '../packet.ts'
import { type Connection, type Conntrack, invert, type Tuple } from './conntrack.ts'

export type Manip = 'dst' | 'src'

/** Gives a connection that is not yet confirmed its new destination. Undefined keeps that part. */
export function setDestination(connection: Connection, address: string | undefined, port: number | undefined): void {
  const current = invert(connection.protocol, connection.reply)
  const changed: Tuple = {
    ...current,
    dst: address ?? current.dst,
    dport: connection.protocol === 'icmp' ? current.dport : (port ?? current.dport),
  }
  if (changed.dst === current.dst && changed.dport === current.dport) return
  connection.reply = invert(connection.protocol, changed)
  connection.dnat = true
}

/**
 * Gives it its new source. The source port is kept where the reply tuple is free, otherwise (or when asked) one is drawn at random,
 * as nf_nat_l4proto_unique_tuple does. False where no port is left.
 */
export function setSource(
  connection: Connection,
  address: string | undefined,
  port: number | undefined,
  randomly: boolean,
  conntrack: Conntrack,
  random: Random,
): boolean {
  const { protocol } = connection
  const current = invert(protocol, connection.reply)
  const wanted: Tuple = { ...current, src: address ?? current.src, sport: port ?? current.sport }
  const free = (tuple: Tuple) => conntrack.isFree(protocol, invert(protocol, tuple), connection)
  let chosen: Tuple | undefined = !randomly && free(wanted) ? wanted : undefined
  const low = wanted.sport >= 1024 || protocol === 'icmp' ? 1024 : wanted.sport >= 512 ? 600 : 1
  const high = low === 1024 ? 65_535 : low === 600 ? 1023 : 511
  for (let attempt = 0; !chosen && attempt < 128; attempt++) {
    const candidate = { ...wanted, sport: low + random.below(high - low + 1) }
    if (free(candidate)) chosen = candidate
  }
  if (!chosen) return false
  if (chosen.src === current.src && chosen.sport === current.sport) return true
  connection.reply = invert(protocol, chosen)
  connection.snat = true
  return true
}

/**
 * Rewrites a packet as its connection says (nf_nat_packet): destinations before routing, sources after it; for replies the other way round.
 * Returns whether something changed. Doing it twice changes nothing more.
 */
export function translate(packet: Packet, manip: Manip): boolean {
  const tracking = packet.tracking
  const connection = tracking?.connection
  if (!tracking || !connection) return false
  const applies = tracking.reply === (manip === 'dst') ? connection.snat : connection.dnat
  if (!applies) return false
  const target = invert(connection.protocol, tracking.reply ? connection.original : connection.reply)
  return packet.icmp?.about ? translateError(packet, packet.icmp.about, target, manip) : translateHeader(packet, target, manip)
}

function translateHeader(packet: Packet, target: Tuple, manip: Manip): boolean {
  const { src, dst, sport, dport } = packet
  if (manip === 'dst') packet.dst = target.dst
  else packet.src = target.src
  if (packet.protocol === 'icmp') packet.sport = target.sport
  else if (manip === 'dst') packet.dport = target.dport
  else packet.sport = target.sport
  return src !== packet.src || dst !== packet.dst || sport !== packet.sport || dport !== packet.dport
}

/** An ICMP error is for the one whose packet is quoted, so the quoted header is undone with the same manipulation seen from behind. */
function translateError(packet: Packet, about: Packet, target: Tuple, manip: Manip): boolean {
  const before = `${packet.src} ${packet.dst} ${about.src} ${about.sport} ${about.dst} ${about.dport}`
  if (manip === 'dst') {
    packet.dst = target.dst
    about.src = target.dst
    if (about.protocol === 'icmp') about.sport = target.sport
    else about.sport = target.dport
  } else {
    packet.src = target.src
    about.dst = target.src
    if (about.protocol !== 'icmp') about.dport = target.sport
  }
  return before !== `${packet.src} ${packet.dst} ${about.src} ${about.sport} ${about.dst} ${about.dport}`
}
