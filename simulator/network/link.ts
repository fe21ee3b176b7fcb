import type { TcHook } from './bpf.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { Neighbour } from './neighbour.ts'
import type { Segment } from './segment.ts'

export type LinkKind = 'loopback' | 'ethernet' | 'veth' | 'bridge' | 'vxlan' | 'ipip' | 'dummy' | 'openvswitch'

export interface LinkAddress {
  readonly address: string
  readonly length: number
  readonly scope: 'global' | 'link' | 'host'
  readonly broadcast?: string
}

/** `ip link add … type vxlan id ID local LOCAL dev DEV dstport PORT [nolearning]`. */
export interface VxlanSettings {
  /** `external`: network and tunnel end come with each packet (`Packet.tunnel`), and an arriving one brings them along. */
  readonly external?: true
  readonly id: number
  readonly local: string
  /** 8472 is the kernel's default, 4789 IANA's. */
  readonly port: number
  readonly dev?: string
  readonly learning: boolean
  /** The outer header says "don't fragment", as Open vSwitch's tunnels are told to. */
  readonly df?: true
}

/** `ip link add … type ipip local LOCAL [remote REMOTE]`; without a remote the next hop is the tunnel's far end, as on Calico's tunl0. */
export interface IpipSettings {
  readonly local?: string
  readonly remote?: string
}

export interface FdbEntry {
  readonly mac: string
  /** A bridge's port, by interface name. */
  readonly port?: string
  /** The tunnel end behind which the MAC lives. The MAC of zeros is where VXLAN floods. */
  readonly remote?: string
  /** What goes there is wrapped into ESP besides, which costs its bytes. */
  readonly esp?: true
  readonly permanent: boolean
}

export const floodMac = '00:00:00:00:00:00'

export interface LinkCounters {
  rxPackets: number
  rxBytes: number
  rxDropped: number
  txPackets: number
  txBytes: number
  txDropped: number
}

/** A network interface. Changed only through its namespace, which keeps routes and neighbours in step. */
export interface Link {
  /** Unique in the network. */
  readonly id: number
  index: number
  name: string
  readonly kind: LinkKind
  namespace: NetworkNamespace
  mac: string
  mtu: number
  up: boolean
  addresses: readonly LinkAddress[]
  readonly neighbours: Map<string, Neighbour>
  /** The other end of a veth pair. */
  peer: Link | undefined
  /** Where an Ethernet card is plugged in. */
  segment: Segment | undefined
  /** The bridge that this interface is a port of. */
  master: Link | undefined
  /** As a bridge port: frames may leave by the port they came in. */
  hairpin: boolean
  /** `ip link set … arp off`: next hops have the interface's own MAC, and nobody asks. */
  noarp: boolean
  /** Programs at its tc hooks, by name. Replaced, never changed. */
  tc: Readonly<Partial<Record<TcHook, string>>>
  readonly ports: Link[]
  /** A bridge's or VXLAN's forwarding database by MAC; VXLAN's flood MAC may have several remotes, so each MAC holds a list. */
  readonly fdb: Map<string, readonly FdbEntry[]>
  readonly vxlan: VxlanSettings | undefined
  readonly ipip: IpipSettings | undefined
  readonly counters: LinkCounters
}

export function newLink(init: Pick<Link, 'id' | 'index' | 'name' | 'kind' | 'namespace' | 'mac' | 'mtu'> & Partial<Link>): Link {
  return {
    up: false,
    addresses: [],
    neighbours: new Map(),
    peer: undefined,
    segment: undefined,
    master: undefined,
    hairpin: false,
    noarp: false,
    tc: {},
    ports: [],
    fdb: new Map(),
    vxlan: undefined,
    ipip: undefined,
    counters: { rxPackets: 0, rxBytes: 0, rxDropped: 0, txPackets: 0, txBytes: 0, txDropped: 0 },
    ...init,
  }
}

/** Administratively up and with something at the other end (`LOWER_UP`). */
export function hasCarrier(link: Link): boolean {
  if (!link.up) return false
  if (link.kind === 'veth') return link.peer?.up === true
  if (link.kind === 'ethernet') return link.segment !== undefined && !link.segment.down
  if (link.kind === 'bridge') return link.ports.some((port) => hasCarrier(port))
  return true
}

/** Names that Linux accepts (`dev_valid_name`): 1 to 15 characters without slash or space, not a dot name. */
export function isLinkName(name: string): boolean {
  return name.length > 0 && name.length < 16 && name !== '.' && name !== '..' && !/[/:\s]/.test(name)
}
