import type { NetworkNamespace } from './namespace.ts'
import { describePacket, type Packet } from './packet.ts'

/** The Kubernetes object because of which a rule exists. */
export interface Origin {
  readonly kind: string
  readonly namespace?: string
  readonly name: string
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
  | 'encapsulate'
  | 'decapsulate'
  | 'forward'
  | 'deliver'
  | 'socket'

/** One thing that happened to one packet in one place. */
export interface Hop {
  readonly machine: string
  /** Empty for the machine's root namespace. */
  readonly namespace: string
  readonly stage: Stage
  readonly interface?: string
  /** Which packet of the walk: a reply has another serial than its question. */
  readonly serial: number
  /** The packet at that moment, after what this hop did to it. */
  readonly packet: string
  readonly detail: string
  /** As `iptables-save` prints it, with its table. */
  readonly table?: string
  readonly rule?: string
  readonly origin?: Origin
  /** Set where addresses or ports were rewritten: the packet before. */
  readonly before?: string
  /** Set where this hop ended the packet's walk, or let it go on because of a rule. */
  readonly verdict?: 'ACCEPT' | 'DROP' | 'REJECT' | 'DELIVERED' | 'LOST'
}

export type HopDetails = Omit<Partial<Hop>, 'machine' | 'namespace' | 'stage' | 'serial' | 'packet'> & { readonly detail: string }

/** Listens to all walks of a network while it is open. */
export interface Recorder {
  readonly hops: Hop[]
  close(): void
}

/** Notes a hop with every open recorder. Callers on a packet's path ask `network.recorders.length` first, so that it costs nothing when off. */
export function note(namespace: NetworkNamespace, stage: Stage, packet: Packet, details: HopDetails): void {
  const hop: Hop = {
    machine: namespace.machine.name,
    namespace: namespace.name,
    stage,
    serial: packet.serial,
    packet: describePacket(packet),
    ...details,
  }
  for (const recorder of namespace.network.recorders) recorder.hops.push(hop)
}
