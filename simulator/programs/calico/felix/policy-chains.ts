import type { Origin } from '../../../network/trace.ts'
import type { Direction, PodQuery, PolicyPort } from '../../../network-policy/policy.ts'
import type { IndexedPolicy, IndexedRule } from '../../../network-policy/policy-index.ts'
import { chainName, setName, uniqueId } from '../names.ts'
import { policySelectorText, queryText } from '../selector-text.ts'
import type { Selector } from '../selectors/selector.ts'
import { act, type FelixRule, marks, type Part, when } from './felix-rule.ts'
import { anySide, type PolicyRule, type PortRange, type RuleSide, ruleRules } from './policy-rule.ts'

/** An IP set that a rule looks at: addresses, or with `port` the addresses and numbers of the ports of that name. */
export interface WantedSet {
  readonly name: string
  /** Kubernetes' selectors, or one of Calico's language. */
  readonly members: { readonly query: PodQuery } | { readonly selector: Selector }
  readonly port?: { readonly name: string; readonly protocol: 'TCP' | 'UDP' | 'SCTP' }
}

export interface PolicyChains {
  /** `NAMESPACE/knp.default.NAME`, as Felix names a Kubernetes policy. */
  readonly id: string
  readonly origin: Origin
  readonly tier: string
  readonly order: number
  readonly selector: string
  /** Which directions it is about. */
  readonly ingress: boolean
  readonly egress: boolean
  readonly inbound: string
  readonly outbound: string
  readonly chains: Readonly<Record<string, readonly FelixRule[]>>
  readonly sets: readonly WantedSet[]
}

/** Where Kubernetes' policies stand among Calico's. */
const kubernetesOrder = 1000

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
    tier: 'default',
    order: kubernetesOrder,
    selector: policySelectorText(policy.namespace, policy.target.pods),
    ingress: ingress !== undefined,
    egress: egress !== undefined,
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
      rules.push(...ruleRules(calicoRule(direction, protocol, ports, index === undefined ? undefined : rule.peers![index], sets)))
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
): PolicyRule {
  const ingress = direction === 'ingress'
  const query = peer?.kind === 'pods' ? peer.query : undefined
  const block = peer?.kind === 'block' ? peer.block : undefined
  const selectorId = query && uniqueId('s', queryText(query))
  const want = (set: Omit<WantedSet, 'name'>, id: string) => {
    sets.push({ ...set, name: setName(id) })
    return setName(id)
  }
  const ranges = merged(ports.flatMap(({ range }) => (range ? [range] : [])))
  const names = ports.flatMap(({ name }) => (name === undefined || !protocol ? [] : [name]))
  // A named port is on the destination: on the peer in egress, whom its set then already selects.
  const destinationQuery = ingress ? undefined : query
  const namedPorts = names.map((name) => {
    const of = destinationQuery ? selectorId! : uniqueId('s', 'all()')
    const set = { members: { query: destinationQuery ?? everyPod }, port: { name, protocol: protocol! } }
    return want(set, uniqueId('n', `${of},${protocol!.toLowerCase()},${name}`))
  })
  const covered = !ingress && names.length > 0 && ranges.length === 0
  const other: RuleSide = {
    ...anySide,
    nets: block ? [block.cidr.text] : [],
    notNets: block ? block.except.map(({ text }) => text) : [],
    sets: query && !covered ? [want({ members: { query } }, selectorId!)] : [],
  }
  return {
    action: 'allow',
    ...(protocol && { protocol: when.protocol(protocol.toLowerCase() as 'tcp') }),
    source: ingress ? other : anySide,
    destination: { ...(ingress ? anySide : other), ports: ranges, namedPorts },
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

/** Neighbouring and overlapping ranges as one. */
function merged(ranges: readonly PortRange[]): PortRange[] {
  const list: { first: number; last: number }[] = []
  for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = list.at(-1)
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last)
    else list.push({ first, last })
  }
  return list
}
