import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { Origin } from '../../../network/trace.ts'
import type { AddressBlock } from '../../../network-policy/policy.ts'
import type { L4Protocol } from '../datapath/maps.ts'

/** Identities by their labels, and addresses outside of the cluster by their block. */
export interface Peers {
  readonly selectors: readonly LabelSelector[]
  readonly blocks: readonly AddressBlock[]
}

/** Ports of a protocol, one by a container port's name, or all of it; for ICMP types. */
export interface RulePort {
  readonly protocol: L4Protocol
  readonly range?: { readonly first: number; readonly last: number }
  readonly name?: string
}

export interface Clause {
  /** Undefined: everybody. */
  readonly peers: Peers | undefined
  /** Undefined: every port of every protocol. */
  readonly ports: readonly RulePort[] | undefined
}

export interface Side {
  /** What is not allowed is denied (default deny). */
  readonly isolates: boolean
  readonly allow: readonly Clause[]
  /** Comes before all that allows. */
  readonly deny: readonly Clause[]
}

/** What Cilium makes of any policy: Kubernetes' own and its two kinds (pkg/policy/api.Rule). */
export interface Rule {
  readonly origin: Origin
  readonly subject: LabelSelector
  readonly ingress: Side | undefined
  readonly egress: Side | undefined
}
