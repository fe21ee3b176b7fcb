import type { LabelSelector } from 'kubernetes-types/meta/v1'
import { type Prefix, parsePrefix, prefixContains } from '../../../network/address.ts'
import type { AddressBlock } from '../../../network-policy/policy.ts'
import type { Direction, EndpointPolicy, L4Protocol, PolicyEntry } from '../datapath/maps.ts'
import { reserved } from '../identity.ts'
import { type SecurityLabels, selects } from './labels.ts'
import type { Clause, Peers, Rule, RulePort } from './rule.ts'

export interface NamedPort {
  readonly name: string
  readonly port: number
  readonly protocol: L4Protocol
}

/** All identities that there are, with the answers to selectors that were asked before. Replaced when an identity comes or goes. */
export class Identities {
  readonly labels: ReadonlyMap<number, SecurityLabels>
  /** Identities of blocks of addresses, by their prefix. */
  readonly blocks: ReadonlyMap<string, number>
  readonly #answers = new WeakMap<LabelSelector, readonly number[]>()

  constructor(labels: ReadonlyMap<number, SecurityLabels>, blocks: ReadonlyMap<string, number>) {
    this.labels = labels
    this.blocks = blocks
  }

  selected(selector: LabelSelector): readonly number[] {
    let found = this.#answers.get(selector)
    if (!found) {
      found = [...this.labels].filter(([, labels]) => selects(selector, labels)).map(([id]) => id)
      this.#answers.set(selector, found)
    }
    return found
  }

  /** Blocks within a block and outside of its exceptions; the whole world's own identity is in the block of everything. */
  inBlock({ cidr, except }: AddressBlock): number[] {
    const inside = (outer: Prefix, inner: Prefix) => inner.length >= outer.length && prefixContains(outer, inner.text.split('/')[0]!)
    const found = cidr.length === 0 && except.every(({ length }) => length > 0) ? [reserved.world as number] : []
    for (const [text, id] of this.blocks) {
      const block = parsePrefix(text)
      if (inside(cidr, block) && !except.some((hole) => inside(hole, block))) found.push(id)
    }
    return found
  }
}

/** Every block that rules name, with its exceptions: each is an identity of its own, so that the longest prefix decides. */
export function blocksOf(rules: readonly Rule[]): Set<string> {
  const blocks = new Set<string>()
  for (const { ingress, egress } of rules) {
    for (const { peers } of [ingress, egress].flatMap((side) => (side ? [...side.allow, ...side.deny] : []))) {
      for (const { cidr, except } of peers?.blocks ?? []) for (const { text, length } of [cidr, ...except]) if (length > 0) blocks.add(text)
    }
  }
  return blocks
}

/**
 * The policy map of one endpoint: of each rule whose subject it is, an entry for every identity and port (pkg/policy/mapstate.go).
 * The endpoint's own host may always in (`allow-localhost: auto`, in a Kubernetes cluster).
 */
export function resolvePolicy(
  rules: readonly Rule[],
  endpoint: { readonly labels: SecurityLabels; readonly namedPorts: readonly NamedPort[] },
  identities: Identities,
  allNamedPorts: readonly NamedPort[],
  mode: 'default' | 'always' | 'never',
): EndpointPolicy {
  const enforcing = { ingress: mode === 'always', egress: mode === 'always' }
  const entries: PolicyEntry[] = []
  if (mode === 'never') return { enforcing, entries }
  for (const rule of rules) {
    if (!selects(rule.subject, endpoint.labels)) continue
    for (const direction of ['ingress', 'egress'] as const) {
      const side = rule[direction]
      if (!side) continue
      if (side.isolates) enforcing[direction] = true
      const named = direction === 'ingress' ? endpoint.namedPorts : allNamedPorts
      for (const clause of side.deny) entries.push(...entriesOf(clause, direction, true, identities, named, rule))
      for (const clause of side.allow) entries.push(...entriesOf(clause, direction, false, identities, named, rule))
    }
  }
  if (enforcing.ingress) entries.push({ direction: 'ingress', identity: reserved.host, protocol: 'any', deny: false })
  return { enforcing, entries }
}

function entriesOf(
  { peers, ports }: Clause,
  direction: Direction,
  deny: boolean,
  identities: Identities,
  named: readonly NamedPort[],
  { origin }: Rule,
): PolicyEntry[] {
  const keys = ports ? ports.flatMap((port) => numbered(port, named)) : [{ protocol: 'any' as const }]
  return peersOf(peers, identities).flatMap((identity) => keys.map((key) => ({ direction, identity, ...key, deny, origin })))
}

function peersOf(peers: Peers | undefined, identities: Identities): number[] {
  if (!peers) return [0]
  const found = new Set<number>()
  for (const selector of peers.selectors) for (const id of identities.selected(selector)) found.add(id)
  for (const block of peers.blocks) for (const id of identities.inBlock(block)) found.add(id)
  return [...found]
}

function numbered({ protocol, range, name }: RulePort, named: readonly NamedPort[]): Pick<PolicyEntry, 'protocol' | 'ports'>[] {
  if (name === undefined) return [{ protocol, ...(range ? { ports: range } : {}) }]
  const numbers = new Set(named.filter((port) => port.name === name && port.protocol === protocol).map(({ port }) => port))
  return [...numbers].map((port) => ({ protocol, ports: { first: port, last: port } }))
}
