import { act, type FelixRule, type IcmpType, marks, type Part, type Side, when } from './felix-rule.ts'

export interface PortRange {
  readonly first: number
  readonly last: number
}

/** What a rule asks of one end. All parts must hold; of a list one member suffices, of a `not` list none may. */
export interface RuleSide {
  readonly nets: readonly string[]
  /** Names of IP sets: addresses, and addresses with named ports. */
  readonly sets: readonly string[]
  readonly ports: readonly PortRange[]
  readonly namedPorts: readonly string[]
  readonly notNets: readonly string[]
  readonly notSets: readonly string[]
  readonly notPorts: readonly PortRange[]
  readonly notNamedPorts: readonly string[]
}

/** A rule of a policy as Felix has it, whoever wrote the policy (felix/proto's Rule). */
export interface PolicyRule {
  readonly action: 'allow' | 'deny' | 'log' | 'pass'
  readonly protocol?: Part
  readonly notProtocol?: Part
  readonly source: RuleSide
  readonly destination: RuleSide
  readonly icmp?: IcmpType
  readonly notIcmp?: IcmpType
  /** `key=value` of the rule's annotations. */
  readonly comments?: readonly string[]
}

export const anySide: RuleSide = {
  nets: [],
  sets: [],
  ports: [],
  namedPorts: [],
  notNets: [],
  notSets: [],
  notPorts: [],
  notNamedPorts: [],
}

const logPrefix = 'calico-packet'
const sides = ['source', 'destination'] as const

/** The rules of one rule (felix/rules/policy.go, ProtoRuleToIptablesRules). */
export function ruleRules(rule: PolicyRule): FelixRule[] {
  const blocks = matchBlocks()
  const ends = { source: rule.source, destination: rule.destination }
  for (const side of sides) {
    const { ports, namedPorts } = ends[side]
    const split = splits(ports)
    if (split.length + namedPorts.length < 2) continue
    blocks.any([
      ...split.map((list) => [...(rule.protocol ? [rule.protocol] : []), when.ports(side, list, false)]),
      ...namedPorts.map((set) => [when.portSet(side, set, false)]),
    ])
    ends[side] = { ...ends[side], ports: [], namedPorts: [] }
  }
  for (const side of sides) {
    const { nets } = ends[side]
    if (nets.length < 2) continue
    blocks.any(nets.map((net) => [when.net(side, net)]))
    ends[side] = { ...ends[side], nets: [] }
  }
  for (const side of sides) {
    const { nets, notNets } = ends[side]
    if (notNets.length === 0 || nets.length + notNets.length < 2) continue
    blocks.none(notNets.map((net) => [when.net(side, net)]))
    ends[side] = { ...ends[side], notNets: [] }
  }
  const match = [
    ...(rule.protocol ? [rule.protocol] : []),
    ...sides.flatMap((side) => positive(side, ends[side])),
    ...(rule.icmp ? [when.icmp(rule.icmp, false)] : []),
    ...(rule.notProtocol ? [rule.notProtocol] : []),
    ...sides.flatMap((side) => negative(side, ends[side])),
    ...(rule.notIcmp ? [when.icmp(rule.notIcmp, true)] : []),
    ...(blocks.rules.length > 0 ? [when.markSet(marks.scratch)] : []),
  ]
  const rules = [...blocks.rules, ...deciding(rule.action, match)]
  const { comments = [] } = rule
  return comments.length === 0 ? rules : rules.map((one) => ({ ...one, comments: [...(one.comments ?? []), ...comments] }))
}

/** Marks what the action is to be, and acts where it is marked: a rule has one target. */
function deciding(action: PolicyRule['action'], match: readonly Part[]): FelixRule[] {
  switch (action) {
    case 'allow':
      return marked(match, marks.accept, act.back)
    case 'pass':
      return marked(match, marks.pass, act.back)
    case 'deny':
      return marked(match, marks.drop, act.drop)
    case 'log':
      return [{ match, action: act.log(logPrefix) }]
  }
}

function marked(match: readonly Part[], mark: number, action: NonNullable<FelixRule['action']>): FelixRule[] {
  return [
    { match, action: act.mark(mark) },
    { match: [when.markSet(mark)], action },
  ]
}

function positive(side: Side, { nets, sets, ports, namedPorts }: RuleSide): Part[] {
  return [
    ...nets.map((net) => when.net(side, net)),
    ...sets.map((set) => when.set(side, set, false)),
    ...splits(ports).map((list) => when.ports(side, list, false)),
    ...namedPorts.map((set) => when.portSet(side, set, false)),
  ]
}

function negative(side: Side, { notNets, notSets, notPorts, notNamedPorts }: RuleSide): Part[] {
  return [
    ...notNets.map((net) => when.notNet(side, net)),
    ...notSets.map((set) => when.set(side, set, true)),
    ...splits(notPorts).map((list) => when.ports(side, list, true)),
    ...notNamedPorts.map((set) => when.portSet(side, set, true)),
  ]
}

/**
 * iptables can say neither "or" nor two nets in one rule, so what needs that is said before by rules that leave a mark:
 * of a first list any must match, of each further one too, of a last one none (felix/rules matchBlockBuilder).
 */
function matchBlocks() {
  const rules: FelixRule[] = []
  let positives = 0
  const begin = (value: number) => {
    if (rules.length === 0) rules.push({ action: act.setMasked(value, marks.scratch | marks.scratch1) })
  }
  return {
    rules,
    any(alternatives: readonly (readonly Part[])[]) {
      begin(0)
      const bit = positives++ === 0 ? marks.scratch : marks.scratch1
      for (const match of alternatives) rules.push({ match, action: act.mark(bit) })
      if (bit === marks.scratch1) rules.push({ match: [when.markClear(marks.scratch1)], action: act.clearMark(marks.scratch) })
    },
    none(alternatives: readonly (readonly Part[])[]) {
      begin(marks.scratch)
      for (const match of alternatives) rules.push({ match, action: act.clearMark(marks.scratch) })
    },
  }
}

/** No more than iptables' multiport can hold in each list: 15, a range counting twice. */
function splits(ranges: readonly PortRange[]): string[][] {
  const lists: string[][] = []
  let left = 0
  for (const { first, last } of ranges) {
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
