import type { NetworkNamespace } from './namespace.ts'
import type { Connection, Tracking } from './netfilter/conntrack.ts'
import { type Packet, type Protocol, tcpFlags } from './packet.ts'

export interface ObjectName {
  readonly kind: string
  /** Absent for objects without a namespace. */
  readonly namespace?: string
  readonly name: string
}

/** The Kubernetes object because of which a rule exists. */
export interface Origin extends ObjectName {
  /** The object that the rule sends to: an endpoint's pod. */
  readonly target?: ObjectName
  /** Objects of the same kind that stand behind it equally: the other policies of which none let the packet pass. */
  readonly others?: readonly ObjectName[]
}

export type Stage =
  | 'send'
  | 'route'
  | 'PREROUTING'
  | 'INPUT'
  | 'FORWARD'
  | 'OUTPUT'
  | 'POSTROUTING'
  | 'conntrack'
  | 'neighbour'
  | 'transmit'
  | 'receive'
  | 'bridge'
  | 'bpf'
  | 'encapsulate'
  | 'decapsulate'
  | 'forward'
  | 'deliver'

/** A packet's headers at one moment. */
export interface Header {
  readonly protocol: Protocol
  readonly src: string
  readonly dst: string
  /** TCP, UDP: ports. ICMP echo: `sport` is the identifier. */
  readonly sport?: number
  readonly dport?: number
  readonly ttl: number
  /** Of the whole IP packet. */
  readonly bytes: number
  /** Don't fragment. */
  readonly df?: true
  /** Into how many it was cut; absent where it was not. */
  readonly fragments?: number
  /** As tcpdump writes them: `S`, `S.`, `.`, `P.`, `F.`, `R`. */
  readonly flags?: string
  readonly icmp?: { readonly type: number; readonly code: number; readonly mtu?: number; readonly about?: Header }
  /** fwmark, where one is set. */
  readonly mark?: number
  /** VXLAN network identifier. */
  readonly vni?: number
  /** What a tunnel carries. */
  readonly inner?: Header
}

/** A flow as addresses and ports; of ICMP echo, `sport` is the identifier. */
export interface Flow {
  readonly src: string
  readonly sport: number
  readonly dst: string
  readonly dport: number
}

/** What conntrack of that namespace knows of the packet. */
export interface ConntrackView {
  readonly state: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED'
  readonly direction?: 'original' | 'reply'
  /** In hops of stage `conntrack`, where it is looked up or made. */
  readonly entry?: {
    readonly original: Flow
    /** What replies look like: where it is no mirror of `original`, the connection is translated. */
    readonly reply: Flow
    readonly tcp?: string
    /** In the table; before that it is only on the packet. */
    readonly confirmed: boolean
  }
}

/** The socket at which a packet ended. */
export interface SocketView {
  /** The process that holds it. */
  readonly owner: string
  readonly state: string
}

/** One thing that happened to one packet in one place. */
export interface Hop {
  /** ms since the epoch, with the packet's time on the wire. */
  readonly at: number
  readonly machine: string
  /** Empty for the machine's root namespace. */
  readonly namespace: string
  readonly stage: Stage
  /** The interface that it is about: in at a receive, out at a transmit; at a netfilter hook `in` or else `out`. */
  readonly interface?: string
  /** Both, at a hook that has both. */
  readonly in?: string
  readonly out?: string
  /** Which packet of the walk: a reply has another serial than its question, what a tunnel wraps around it has the same. */
  readonly serial: number
  /** After what this hop did to it. */
  readonly packet: Header
  /** What happened and why, for people. */
  readonly detail: string
  /** The line of `ip route` that decided. */
  readonly route?: string
  readonly table?: string
  readonly chain?: string
  /** As `iptables-save` prints it; of tables that nft made, as `nft list` does. */
  readonly rule?: string
  readonly origin?: Origin
  readonly conntrack?: ConntrackView
  /** Set where addresses or ports were rewritten: the packet before. */
  readonly before?: Header
  /** Of the neighbour step: who was asked for, and the answer where there was one. */
  readonly neighbour?: { readonly address: string; readonly mac?: string }
  readonly socket?: SocketView
  /** Set where this hop ended the packet's walk, or let it go on because of a rule. */
  readonly verdict?: 'ACCEPT' | 'DROP' | 'REJECT' | 'DELIVERED' | 'LOST'
}

export type HopDetails = Omit<Partial<Hop>, 'at' | 'machine' | 'namespace' | 'stage' | 'serial' | 'packet' | 'conntrack'> & {
  readonly detail: string
}

/** Listens to all walks of a network while it is open. */
export interface Recorder {
  readonly hops: Hop[]
  close(): void
}

/** Notes a hop with every open recorder. Callers on a packet's path ask `network.recorders.length` first, so that it costs nothing when off. */
export function note(namespace: NetworkNamespace, stage: Stage, packet: Packet, details: HopDetails): void {
  const hop: Hop = {
    at: namespace.network.clock.now() + packet.latency,
    machine: namespace.machine.name,
    namespace: namespace.name,
    stage,
    serial: packet.serial,
    packet: headerOf(packet),
    ...(packet.tracking ? { conntrack: conntrackOf(packet.tracking, stage === 'conntrack') } : {}),
    ...details,
  }
  for (const recorder of namespace.network.recorders) recorder.hops.push(hop)
}

export function headerOf(packet: Packet): Header {
  const { protocol, src, dst, sport, dport, ttl, size, df, fragments, tcp, icmp, mark, vni, inner } = packet
  const ported = protocol === 'tcp' || protocol === 'udp' || (icmp && !icmp.about)
  return {
    protocol,
    src,
    dst,
    ...(ported ? { sport, dport } : {}),
    ttl,
    bytes: size,
    ...(df ? { df } : {}),
    ...(fragments > 1 ? { fragments } : {}),
    ...(tcp ? { flags: tcpFlags(tcp) } : {}),
    ...(icmp ? { icmp: icmpOf(icmp) } : {}),
    ...(mark === 0 ? {} : { mark }),
    ...(vni === undefined ? {} : { vni }),
    ...(inner ? { inner: headerOf(inner) } : {}),
  }
}

function icmpOf({ type, code, mtu, about }: NonNullable<Packet['icmp']>): NonNullable<Header['icmp']> {
  return { type, code, ...(mtu === undefined ? {} : { mtu }), ...(about ? { about: headerOf(about) } : {}) }
}

function conntrackOf({ connection, reply, state }: Tracking, whole: boolean): ConntrackView {
  if (!connection) return { state }
  return { state, direction: reply ? 'reply' : 'original', ...(whole ? { entry: entryOf(connection) } : {}) }
}

function entryOf({ original, reply, tcp, confirmed }: Connection): NonNullable<ConntrackView['entry']> {
  return { original: { ...original }, reply: { ...reply }, ...(tcp ? { tcp } : {}), confirmed }
}
