import type { Tracking } from './netfilter/conntrack.ts'
import type { HttpsService } from './sockets.ts'

export type Protocol = 'tcp' | 'udp' | 'icmp' | 'ipip' | 'arp'

export interface TcpHeader {
  /** Not wrapped at 2^32, which spares modular arithmetic; `>>> 0` is what the wire would show. */
  readonly seq: number
  readonly ack: number
  readonly syn: boolean
  readonly fin: boolean
  readonly rst: boolean
  readonly isAck: boolean
  readonly psh: boolean
  readonly window: number
  /** The option of a SYN. A TCPMSS rule on the way may lower it. */
  mss?: number
}

export interface IcmpHeader {
  readonly type: number
  readonly code: number
  readonly sequence?: number
  /** Next-hop MTU of "fragmentation needed" (RFC 1191). */
  readonly mtu?: number
  /** The header of the packet that an error is about, as the one who complains saw it; NAT rewrites it on the way back. */
  about?: Packet
}

export interface ArpHeader {
  readonly request: boolean
  readonly senderMac: string
  readonly targetMac?: string
}

/**
 * One IP packet (or ARP message, whose `src` and `dst` are the sender's and target's protocol address) with the kernel's notes on it.
 * Mutable: NAT, TTL and marks change it on its walk; what has to keep one copies it (`copyPacket`).
 */
export interface Packet {
  /** Unique in a network: tells the packets of a trace apart. */
  serial: number
  protocol: Protocol
  src: string
  dst: string
  ttl: number
  df: boolean
  /** TCP, UDP: ports. ICMP echo: `sport` the identifier, `dport` the type (8 request, 0 reply), as conntrack's tuple has it. */
  sport: number
  dport: number
  tcp: TcpHeader | undefined
  icmp: IcmpHeader | undefined
  arp: ArpHeader | undefined
  payload: Uint8Array | undefined
  /** What a tunnel carries: VXLAN a frame, IPIP a packet. */
  inner: Packet | undefined
  /** VXLAN network identifier of `inner`. */
  vni: number | undefined
  /** Metadata of a tunnel (`skb_tunnel_info`): where an external VXLAN device sends it, or whence one got it. */
  tunnel: { readonly remote: string; readonly vni: number } | undefined
  /** Bytes of the whole IP packet, header included. */
  size: number
  /** Into how many fragments it was cut on its way; 1 where it was not. */
  fragments: number
  srcMac: string
  dstMac: string
  /** fwmark; stays within one namespace. */
  mark: number
  /** conntrack's verdict on it; stays within one namespace. */
  tracking: Tracking | undefined
  /** Owner of the socket that sent it; only while it is in the namespace of that socket. Every process counts as root. */
  uid: number | undefined
  /** The bridge port through which it came, for `physdev`. */
  physIn: string | undefined
  /** Time on the wire so far, ms: for round-trip times and capture timestamps. */
  latency: number
  /** Devices crossed. Bounds what loops below IP, where no TTL would. */
  crossed: number
  /** On a SYN-ACK: what the listener serves over TLS. */
  service: HttpsService | undefined
}

const ipHeader = 20
export const tcpHeaderSize = 20
export const udpHeaderSize = 8
export const icmpHeaderSize = 8

const blank: Packet = {
  serial: 0,
  protocol: 'tcp',
  src: '',
  dst: '',
  ttl: 64,
  df: false,
  sport: 0,
  dport: 0,
  tcp: undefined,
  icmp: undefined,
  arp: undefined,
  payload: undefined,
  inner: undefined,
  vni: undefined,
  tunnel: undefined,
  size: ipHeader,
  fragments: 1,
  srcMac: '',
  dstMac: '',
  mark: 0,
  tracking: undefined,
  uid: undefined,
  physIn: undefined,
  latency: 0,
  crossed: 0,
  service: undefined,
}

export function tcpPacket(src: string, sport: number, dst: string, dport: number, tcp: TcpHeader, payload?: Uint8Array): Packet {
  const options = tcp.mss === undefined ? 0 : 4
  const size = ipHeader + tcpHeaderSize + options + (payload?.length ?? 0)
  return { ...blank, protocol: 'tcp', src, sport, dst, dport, tcp, payload, size, df: true }
}

export function udpPacket(src: string, sport: number, dst: string, dport: number, payload: Uint8Array): Packet {
  return { ...blank, protocol: 'udp', src, sport, dst, dport, payload, size: ipHeader + udpHeaderSize + payload.length }
}

/** `bytes` is the echo's data, as ping's `-s`. */
export function echoPacket(src: string, dst: string, icmp: IcmpHeader, id: number, payload: Uint8Array): Packet {
  const size = ipHeader + icmpHeaderSize + payload.length
  return { ...blank, protocol: 'icmp', src, dst, sport: id, dport: icmp.type, icmp, payload, size }
}

/** An ICMP error quotes the offender's IP header and the first 8 bytes behind it (RFC 792); Linux quotes up to 548 bytes in all. */
export function icmpErrorPacket(src: string, dst: string, icmp: IcmpHeader & { about: Packet }): Packet {
  const quoted = Math.min(icmp.about.size, 576 - ipHeader - icmpHeaderSize)
  return { ...blank, protocol: 'icmp', src, dst, dport: icmp.type, icmp, size: ipHeader + icmpHeaderSize + quoted }
}

export function arpPacket(src: string, dst: string, arp: ArpHeader): Packet {
  return { ...blank, protocol: 'arp', src, dst, arp, ttl: 0, size: 28 }
}

/** VXLAN (RFC 7348): outer IP 20, UDP 8, VXLAN 8 and the inner Ethernet header 14: 50 bytes. */
export function vxlanPacket(src: string, sport: number, dst: string, dport: number, vni: number, inner: Packet): Packet {
  const size = inner.size + 50
  return { ...blank, protocol: 'udp', src, sport, dst, dport, inner, vni, size, latency: inner.latency, crossed: inner.crossed }
}

/** IP in IP (RFC 2003): 20 bytes. */
export function ipipPacket(src: string, dst: string, inner: Packet): Packet {
  return {
    ...blank,
    protocol: 'ipip',
    src,
    dst,
    inner,
    size: inner.size + 20,
    df: inner.df,
    latency: inner.latency,
    crossed: inner.crossed,
  }
}

export function copyPacket(packet: Packet): Packet {
  const copy = { ...packet }
  if (packet.icmp?.about) copy.icmp = { ...packet.icmp, about: { ...packet.icmp.about } }
  if (packet.tcp?.mss !== undefined) copy.tcp = { ...packet.tcp }
  if (packet.inner) copy.inner = copyPacket(packet.inner)
  return copy
}

/** What Linux's `skb_scrub_packet` clears when a packet leaves a namespace. */
export function scrub(packet: Packet): void {
  packet.mark = 0
  packet.tracking = undefined
  packet.uid = undefined
  packet.physIn = undefined
  packet.tunnel = undefined
}

export function tcpFlags(tcp: TcpHeader): string {
  let flags = ''
  if (tcp.syn) flags += 'S'
  if (tcp.fin) flags += 'F'
  if (tcp.rst) flags += 'R'
  if (tcp.psh) flags += 'P'
  if (tcp.isAck) flags += '.'
  return flags
}

/** One line about a packet, for traces and error texts. */
export function describePacket(packet: Packet): string {
  if (packet.arp) {
    return packet.arp.request ? `arp who-has ${packet.dst} tell ${packet.src}` : `arp reply ${packet.src} is-at ${packet.arp.senderMac}`
  }
  if (packet.icmp) {
    const { type, code } = packet.icmp
    return `icmp ${packet.src} > ${packet.dst} type ${type} code ${code}${packet.icmp.about ? ` about (${describePacket(packet.icmp.about)})` : ''}`
  }
  if (packet.protocol === 'ipip') return `ipip ${packet.src} > ${packet.dst}`
  const flags = packet.tcp ? ` [${tcpFlags(packet.tcp)}]` : ''
  const tunnel = packet.vni === undefined ? '' : ` vxlan vni ${packet.vni}`
  return `${packet.protocol} ${packet.src}:${packet.sport} > ${packet.dst}:${packet.dport}${flags}${tunnel}`
}
