import type { Packet } from '../../../network/packet.ts'
import type { Origin } from '../../../network/trace.ts'
import type { Direction, EndpointPolicy, PolicyEntry } from './maps.ts'

export interface PolicyVerdict {
  readonly allowed: boolean
  /** As Hubble says it: how precise the entry was that decided. */
  readonly match: 'none' | 'L3-Only' | 'L3-L4' | 'L4-Only' | 'all'
  readonly denied: boolean
  readonly origin?: Origin
}

/** The entries of an endpoint by direction and identity: a policy is replaced as a whole, so they are sorted once. */
const sorted = new WeakMap<EndpointPolicy, Map<number, readonly PolicyEntry[]>>()

/**
 * Whether an endpoint may exchange a packet with an identity (bpf/lib/policy.h, __policy_can_access): whatever denies comes first, then
 * whatever allows; where nothing does, it depends on whether the direction is enforced.
 */
export function judge(policy: EndpointPolicy | undefined, direction: Direction, identity: number, packet: Packet): PolicyVerdict {
  if (!policy) return { allowed: false, match: 'none', denied: false }
  let decisive: PolicyEntry | undefined
  for (const entries of [entriesOf(policy, direction, identity), entriesOf(policy, direction, 0)]) {
    for (const entry of entries) {
      if (decisive && !entry.deny) continue
      if (fits(entry, packet)) decisive = entry
      if (decisive?.deny) break
    }
    if (decisive?.deny) break
  }
  if (!decisive) return { allowed: !policy.enforcing[direction], match: policy.enforcing[direction] ? 'none' : 'all', denied: false }
  const { origin } = decisive
  return { allowed: !decisive.deny, denied: decisive.deny, match: precision(decisive), ...(origin ? { origin } : {}) }
}

function entriesOf(policy: EndpointPolicy, direction: Direction, identity: number): readonly PolicyEntry[] {
  let index = sorted.get(policy)
  if (!index) {
    const lists = new Map<number, PolicyEntry[]>()
    for (const entry of policy.entries) {
      const key = keyOf(entry.direction, entry.identity)
      const list = lists.get(key)
      if (list) list.push(entry)
      else lists.set(key, [entry])
    }
    sorted.set(policy, (index = lists))
  }
  return index.get(keyOf(direction, identity)) ?? none
}

const none: readonly PolicyEntry[] = []

function keyOf(direction: Direction, identity: number): number {
  return direction === 'ingress' ? identity * 2 : identity * 2 + 1
}

function fits({ protocol, ports }: PolicyEntry, packet: Packet): boolean {
  if (protocol === 'any') return true
  if (protocol !== packet.protocol) return false
  if (!ports) return true
  const value = packet.icmp ? packet.icmp.type : packet.dport
  return value >= ports.first && value <= ports.last
}

function precision({ identity, protocol }: PolicyEntry): PolicyVerdict['match'] {
  if (identity === 0) return protocol === 'any' ? 'all' : 'L4-Only'
  return protocol === 'any' ? 'L3-Only' : 'L3-L4'
}
