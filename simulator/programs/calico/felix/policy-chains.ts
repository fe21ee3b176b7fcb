import type { Origin } from '../../../network/trace.ts'
import type { Direction, PodQuery, PolicyPort } from '../../../network-policy/policy.ts'
import type { IndexedPolicy, IndexedRule } from '../../../network-policy/policy-index.ts'
import { chainName, setName, uniqueId } from '../names.ts'
import { policySelectorText, queryText } from '../selector-text.ts'
import { act, type FelixRule, marks, type Part, when } from './felix-rule.ts'

/** An IP set that a rule looks at: pods' addresses, or with `port` the addresses and numbers of the ports of that name. */
export interface WantedSet {
  readonly name: string
  readonly query: PodQuery
  readonly port?: { readonly name: string; readonly protocol: 'TCP' | 'UDP' | 'SCTP' }
}

export interface PolicyChains {
  /** `NAMESPACE/knp.default.NAME`, as Felix names a Kubernetes policy. */
  readonly id: string
  readonly origin: Origin
  readonly selector: string
  readonly inbound: string
  readonly outbound: string
  readonly chains: Readonly<Record<string, readonly FelixRule[]>>
  readonly sets: readonly WantedSet[]
}

/** Every pod of every namespace: where a named port stands without a selector. */
const everyPod: PodQuery = { namespaces: {}, pods: {} }

/** A policy's two chains, which mark what they accept. Follows libcalico-go's conversion of NetworkPolicy and felix/rules/policy.go. */
export function policyChains({ policy, ingress, egress }: IndexedPolicy): PolicyChains {
  const id = `${policy.namespace}/knp.default.${policy.name}`
  const inbound = chainName('cali-pi-', `default/${id}`)
  const outbound = chainName('cali-po-', `default/${id}`)
  const sets: WantedSet[] = []
  const chain = (direction: Direction, rules: readonly IndexedRule[] | undefined) =>
    closed(
      (rules ?? []).flatMap((rule) => ruleChains(rule, direction, sets)),
      `Policy ${id} ${direction}`,
    )
  return {
    id,
    origin: { kind: 'NetworkPolicy', namespace: policy.namespace, name: policy.name },
    selector: policySelectorText(policy.namespace, policy.target.pods),
    inbound,
    outbound,
    chains: { [inbound]: chain('ingress', ingress), [outbound]: chain('egress', egress) },
    sets,
  }
}

/** The last returns do nothing, so Felix leaves them out; and it says at the first rule what the chain is for. */
export function closed(rules: readonly FelixRule[], comment: string): FelixRule[] {
  let end = rules.length
  while (end > 0 && rules[end - 1]!.action === act.back) end--
  const [first = {}, ...rest] = rules.slice(0, end)
  return [{ ...first, comments: [...(first.comments ?? []), comment] }, ...rest]
}

/** Marks what matches as accepted, and leaves the chain with it. */
export function allow(match: readonly Part[]): FelixRule[] {
  return [
    { match, action: act.mark(marks.accept) },
    { match: [when.markSet(marks.accept)], action: act.back },
  ]
}

/** One Kubernetes rule: a Calico rule for each protocol and peer. */
function ruleChains({ rule, peers }: IndexedRule, direction: Direction, sets: WantedSet[]): FelixRule[] {
  const rules: FelixRule[] = []
  for (const [protocol, ports] of byProtocol(rule.ports)) {
    for (const index of peers ? peers.keys() : [undefined]) {
      rules.push(...calicoRule(direction, protocol, ports, index === undefined ? undefined : rule.peers![index], sets))
    }
  }
  return rules
}

function calicoRule(
  direction: Direction,
  protocol: 'TCP' | 'UDP' | 'SCTP' | undefined,
  ports: readonly PolicyPort[],
  peer: NonNullable<IndexedRule['rule']['peers']>[number] | undefined,
  sets: WantedSet[],
): FelixRule[] {
  const source = direction === 'ingress'
  const main: Part[] = protocol ? [when.protocol(protocol.toLowerCase() as 'tcp')] : []
  const blocks = matchBlocks()
  const want = (set: Omit<WantedSet, 'name'>, id: string) => {
    sets.push({ ...set, name: setName(id) })
    return setName(id)
  }

  const query = peer?.kind === 'pods' ? peer.query : undefined
  const selectorId = query && uniqueId('s', queryText(query))
  const numbers = splits(ports.flatMap(({ range }) => (range ? [range] : [])))
  const named = ports.flatMap(({ name }) => (name === undefined || !protocol ? [] : [name]))
  // A named port is on the destination: on the peer in egress, whom its set then already selects.
  const destinationQuery = source ? undefined : query
  const namedSets = named.map((name) => {
    const of = destinationQuery ? selectorId! : uniqueId('s', 'all()')
    const set = { query: destinationQuery ?? everyPod, port: { name, protocol: protocol! } }
    return want(set, uniqueId('n', `${of},${protocol!.toLowerCase()},${name}`))
  })
  if (numbers.length + namedSets.length > 1) {
    blocks.any([
      ...numbers.map((split) => [when.protocol(protocol!.toLowerCase() as 'tcp'), when.destinationPorts(split)]),
      ...namedSets.map((set) => [when.destinationPortSet(set)]),
    ])
  }

  if (peer?.kind === 'block') {
    const { cidr, except } = peer.block
    main.push(source ? when.sourceNet(cidr.text) : when.destinationNet(cidr.text))
    if (except.length > 0) blocks.none(except.map(({ text }) => [source ? when.sourceNet(text) : when.destinationNet(text)]))
  } else if (query) {
    const covered = !source && named.length > 0 && numbers.length === 0
    if (!covered) {
      const set = want({ query }, selectorId!)
      main.push(source ? when.sourceSet(set) : when.destinationSet(set))
    }
  }
  if (numbers.length + namedSets.length === 1) {
    if (numbers[0]) main.push(when.destinationPorts(numbers[0]))
    if (namedSets[0]) main.push(when.destinationPortSet(namedSets[0]))
  }
  if (blocks.rules.length > 0) main.push(when.markSet(marks.scratch))
  return [...blocks.rules, ...allow(main)]
}

/**
 * iptables can say neither "or" nor two nets in one rule, so what needs that is said before by rules that leave a mark:
 * of a first list any must match, of each further one too, of a last one none (felix/rules matchBlockBuilder).
 */
function matchBlocks() {
  const rules: FelixRule[] = []
  let positive = 0
  const begin = (value: number) => {
    if (rules.length === 0) rules.push({ action: act.setMasked(value, marks.scratch | marks.scratch1) })
  }
  return {
    rules,
    any(alternatives: readonly (readonly Part[])[]) {
      begin(0)
      const bit = positive++ === 0 ? marks.scratch : marks.scratch1
      for (const match of alternatives) rules.push({ match, action: act.mark(bit) })
      if (bit === marks.scratch1) rules.push({ match: [when.markClear(marks.scratch1)], action: act.clearMark(marks.scratch) })
    },
    none(alternatives: readonly (readonly Part[])[]) {
      begin(marks.scratch)
      for (const match of alternatives) rules.push({ match, action: act.clearMark(marks.scratch) })
    },
  }
}

/** Ports by protocol, in the order of names; a protocol of which everything is allowed has none. */
function byProtocol(ports: readonly PolicyPort[] | undefined): [PolicyPort['protocol'] | undefined, readonly PolicyPort[]][] {
  if (!ports) return [[undefined, []]]
  const found = new Map<PolicyPort['protocol'], PolicyPort[]>()
  const whole = new Set<PolicyPort['protocol']>()
  for (const port of ports) {
    if (!port.range && port.name === undefined) whole.add(port.protocol)
    found.set(port.protocol, [...(found.get(port.protocol) ?? []), port])
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([protocol, list]): [PolicyPort['protocol'], readonly PolicyPort[]] => [protocol, whole.has(protocol) ? [] : list])
}

/** Neighbouring and overlapping ranges as one, and no more than iptables' multiport can hold in each list: 15, a range counting twice. */
function splits(ranges: readonly { readonly first: number; readonly last: number }[]): string[][] {
  const merged: { first: number; last: number }[] = []
  for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1)
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last)
    else merged.push({ first, last })
  }
  const lists: string[][] = []
  let left = 0
  for (const { first, last } of merged) {
    const slots = first === last ? 1 : 2
    if (left < slots) {
      lists.push([])
      left = 15
    }
    lists.at(-1)!.push(first === last ? `${first}` : `${first}:${last}`)
    left -= slots
  }
  return lists
}
