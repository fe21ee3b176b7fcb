import type { Origin } from '../trace.ts'
import { type Chains, chainsOf } from './chains.ts'
import type { IpSet } from './sets.ts'

export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING'
export type ConntrackState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED' | 'DNAT' | 'SNAT'

/**
 * One iptables rule as data. Never changed once made: snapshots and forks share it.
 * Values may be negated with a leading `!` as in `!10.244.0.0/16`; interfaces may end in `+` for any that begin so.
 */
export interface Rule {
  readonly source?: string
  readonly destination?: string
  readonly inInterface?: string
  readonly outInterface?: string
  readonly protocol?: 'tcp' | 'udp' | 'icmp' | 'ipip' | 'sctp' | 'ipv6-icmp' | '!tcp' | '!udp' | '!icmp' | '!sctp' | '!ipip'
  readonly matches?: readonly Match[]
  /** Absent: it only counts (or marks `recent`). */
  readonly target?: Target
  /** The Kubernetes object that caused it, for traces. Not part of the rule's text. */
  readonly origin?: Origin
}

/** Extension matches, named as in iptables-extensions(8). */
export type Match =
  | { readonly match: 'comment'; readonly comment: string }
  /** `80`, `8000:8080`, `!80`. */
  | { readonly match: 'tcp'; readonly sport?: string; readonly dport?: string; readonly syn?: boolean }
  | { readonly match: 'udp'; readonly sport?: string; readonly dport?: string }
  | { readonly match: 'icmp'; readonly type: number; readonly code?: number; readonly invert?: boolean }
  | {
      readonly match: 'multiport'
      readonly sports?: readonly string[]
      readonly dports?: readonly string[]
      readonly ports?: readonly string[]
      readonly invert?: boolean
    }
  | {
      readonly match: 'conntrack'
      readonly ctstate?: readonly ConntrackState[]
      readonly invert?: boolean
      /** Written as the older match `state`, which means the same. */
      readonly asState?: true
      readonly ctorigdst?: string
      readonly ctdir?: 'ORIGINAL' | 'REPLY'
    }
  | { readonly match: 'mark' | 'connmark'; readonly value: number; readonly mask?: number; readonly invert?: boolean }
  | {
      readonly match: 'addrtype'
      readonly srcType?: AddressType
      readonly dstType?: AddressType
      readonly limitIfaceOut?: true
      readonly invert?: boolean
    }
  | { readonly match: 'statistic'; readonly mode: 'random'; readonly probability: number }
  | { readonly match: 'set'; readonly set: string; readonly flags: readonly ('src' | 'dst')[]; readonly invert?: boolean }
  | {
      readonly match: 'recent'
      readonly action: 'set' | 'rcheck' | 'update' | 'remove'
      readonly name: string
      readonly seconds?: number
      readonly reap?: boolean
      readonly side?: 'source' | 'dest'
      readonly invert?: boolean
    }
  | {
      readonly match: 'physdev'
      readonly physdevIn?: string
      readonly physdevOut?: string
      readonly isBridged?: boolean
      readonly invert?: boolean
    }
  | { readonly match: 'iprange'; readonly src?: string; readonly dst?: string; readonly invert?: boolean }
  /** Whether the way back to the source is the interface it came by; `invert`: whether it is not. */
  | { readonly match: 'rpfilter'; readonly validmark?: true; readonly invert?: true }
  /** Sent by a socket of this host whose owner is `uid`; what is forwarded has no socket. nft's `meta skuid`. */
  | { readonly match: 'owner'; readonly uid: number; readonly invert?: boolean }

export type AddressType = 'LOCAL' | 'UNICAST' | 'BROADCAST'

export type RejectWith =
  | 'icmp-port-unreachable'
  | 'icmp-host-unreachable'
  | 'icmp-net-unreachable'
  | 'icmp-proto-unreachable'
  | 'icmp-host-prohibited'
  | 'icmp-net-prohibited'
  | 'icmp-admin-prohibited'
  | 'tcp-reset'

export type Target =
  | { readonly target: 'ACCEPT' | 'DROP' | 'RETURN' }
  | { readonly target: 'REJECT'; readonly with?: RejectWith }
  /** A user chain; `goto` does not come back. */
  | { readonly target: 'jump'; readonly chain: string; readonly goto?: boolean }
  /** `10.244.1.3:80`, `10.244.1.3`, `:8080`. */
  | { readonly target: 'DNAT'; readonly to: string }
  | { readonly target: 'SNAT'; readonly to: string; readonly randomFully?: boolean }
  | { readonly target: 'MASQUERADE'; readonly randomFully?: boolean }
  | { readonly target: 'REDIRECT'; readonly port: number }
  /** `--set-xmark value/mask`: clears the mask's bits, then XORs the value. */
  | { readonly target: 'MARK'; readonly value: number; readonly mask?: number }
  | { readonly target: 'CONNMARK'; readonly action: 'save' | 'restore'; readonly mask?: number }
  | { readonly target: 'LOG'; readonly prefix?: string; readonly level?: number }
  /** Tells the programs that are bound to the group. */
  | { readonly target: 'NFLOG'; readonly group: number }
  | { readonly target: 'NOTRACK' }
  /** Asks the program that is bound to the queue. With nobody there the packet is dropped, or with `bypass` accepted. */
  | { readonly target: 'NFQUEUE'; readonly queue: number; readonly bypass?: boolean }
  | { readonly target: 'TCPMSS'; readonly clampToPathMtu?: true; readonly mss?: number }

export interface Chain {
  readonly rules: readonly Rule[]
  /** A base chain's own verdict; user chains have none. */
  readonly policy?: 'ACCEPT' | 'DROP'
  /** Where a base chain is hooked in, and at which priority (lower runs first). */
  readonly hook?: Hook
  readonly priority?: number
}

export type ChainType = 'filter' | 'nat'

/** A table: iptables' four are there from the start, nftables agents add their own. */
export interface Table {
  readonly name: string
  /** Chains of type `nat` see only the first packet of a connection. */
  readonly type: ChainType
  /** Made by iptables rather than by nft. */
  readonly iptables: boolean
  readonly chains: Chains
  /** nft's sets, which belong to their table; iptables' rules look at ipsets. */
  readonly sets?: Readonly<Record<string, IpSet>>
}

const base = (hook: Hook, priority: number): Chain => ({ rules: [], policy: 'ACCEPT', hook, priority })

/** iptables' tables with the priorities of `nf_ip_hook_priorities`. The order is `iptables-save`'s own. */
export const emptyTables: Readonly<Record<string, Table>> = {
  mangle: {
    name: 'mangle',
    type: 'filter',
    iptables: true,
    chains: chainsOf({
      PREROUTING: base('PREROUTING', -150),
      INPUT: base('INPUT', -150),
      FORWARD: base('FORWARD', -150),
      OUTPUT: base('OUTPUT', -150),
      POSTROUTING: base('POSTROUTING', -150),
    }),
  },
  raw: {
    name: 'raw',
    type: 'filter',
    iptables: true,
    chains: chainsOf({ PREROUTING: base('PREROUTING', -300), OUTPUT: base('OUTPUT', -300) }),
  },
  filter: {
    name: 'filter',
    type: 'filter',
    iptables: true,
    chains: chainsOf({ INPUT: base('INPUT', 0), FORWARD: base('FORWARD', 0), OUTPUT: base('OUTPUT', 0) }),
  },
  nat: {
    name: 'nat',
    type: 'nat',
    iptables: true,
    chains: chainsOf({
      PREROUTING: base('PREROUTING', -100),
      INPUT: base('INPUT', 100),
      OUTPUT: base('OUTPUT', -100),
      POSTROUTING: base('POSTROUTING', 100),
    }),
  },
}

/** nf_conntrack's own place. */
export const conntrackPriority = -200
