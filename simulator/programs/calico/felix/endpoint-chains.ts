import type { Origin } from '../../../network/trace.ts'
import { chainName, groupChainName } from '../names.ts'
import { act, type FelixRule, marks, type Part, when } from './felix-rule.ts'
import { allow, closed, type PolicyChains } from './policy-chains.ts'
import { vxlanPort } from './static-chains.ts'

type Chains = Record<string, readonly FelixRule[]>

/** A pod of this node, with the policies that hold for it in each direction, in order. */
export interface Endpoint {
  readonly interface: string
  /** `kns.NAMESPACE`, `ksa.NAMESPACE.ACCOUNT`: what is allowed where no policy isolates. */
  readonly profiles: readonly string[]
  readonly tiers: readonly EndpointTier[]
}

/** The policies of one tier that select a pod, in order; whether what none of them decides goes on. */
export interface EndpointTier {
  readonly name: string
  readonly passes: boolean
  readonly policies: readonly PolicyChains[]
}

/** `cali-tw-…` for what goes to the pod and `cali-fw-…` for what comes from it (felix/rules/endpoints.go). */
export function endpointChains(endpoint: Endpoint): Chains {
  const chains: Chains = {}
  for (const direction of ['ingress', 'egress'] as const) {
    const ingress = direction === 'ingress'
    const rules = endpoint.tiers.flatMap(({ name: tier, passes, policies }) => {
      const jumps: string[] = []
      for (const group of grouped(policies.filter((policy) => policy[direction]))) {
        const names = group.map(({ inbound, outbound }) => (ingress ? inbound : outbound))
        if (group.length === 1) {
          jumps.push(names[0]!)
          continue
        }
        const name = groupChainName({
          tier,
          selector: group[0]!.selector,
          direction: ingress ? 'inbound' : 'outbound',
          policies: group.map(({ id }) => id),
        })
        chains[name] = groupRules(names)
        jumps.push(name)
      }
      const origins = policies.filter((policy) => policy[direction]).map(({ origin }) => origin)
      return tierRules(tier, passes, jumps, origins)
    })
    chains[chainName(ingress ? 'cali-tw-' : 'cali-fw-', endpoint.interface)] = [
      { match: [when.tracked('RELATED', 'ESTABLISHED')], action: act.accept },
      { match: [when.tracked('INVALID')], action: act.drop },
      { action: act.clearMark(marks.accept | marks.pass) },
      ...(ingress ? [] : noTunnels),
      ...rules,
      ...endpoint.profiles.flatMap((profile) => [
        { action: act.jump(chainName(ingress ? 'cali-pri-' : 'cali-pro-', profile)) },
        { match: [when.markSet(marks.accept)], action: act.back, comments: ['Return if profile accepted'] },
      ]),
      { action: act.drop, comments: ['Drop if no profiles matched'] },
    ]
  }
  return chains
}

/** A profile's chains: a namespace's own allows all, a service account's says nothing. */
export function profileChains(profile: string): Chains {
  const rules = profile.startsWith('kns.') ? allow([]) : []
  return {
    [chainName('cali-pri-', profile)]: closed(rules, `Profile ${profile} ingress`),
    [chainName('cali-pro-', profile)]: closed(rules, `Profile ${profile} egress`),
  }
}

// A pod that wraps its packets itself could pass by every policy.
const noTunnels: readonly FelixRule[] = [
  {
    match: [when.protocolNumber(17), when.destinationPorts([String(vxlanPort)])],
    action: act.drop,
    comments: ['Drop VXLAN encapped packets originating in workloads'],
  },
  { match: [when.protocolNumber(4)], action: act.drop, comments: ['Drop IPinIP encapped packets originating in workloads'] },
]

/** What no policy of the tier passed is dropped because of all of them. */
function tierRules(tier: string, passes: boolean, jumps: readonly string[], [origin, ...others]: readonly Origin[]): FelixRule[] {
  if (jumps.length === 0 || !origin) return []
  const end: FelixRule = {
    match: [when.markClear(marks.pass)],
    action: act.drop,
    comments: [`End of tier ${tier}. Drop if no policies passed packet`],
    origin: { ...origin, ...(others.length > 0 ? { others } : {}) },
  }
  return [
    { action: act.clearMark(marks.pass), comments: [`Start of tier ${tier}`] },
    ...jumps.flatMap((chain) => [
      { match: [when.markClear(marks.pass)], action: act.jump(chain) },
      { match: [when.markSet(marks.accept)], action: act.back, comments: ['Return if policy accepted'] },
    ]),
    ...(passes ? [] : [end]),
  ]
}

/** Policies in a row with one selector share a chain, so that the pods that they select need not each list them. */
function grouped(policies: readonly PolicyChains[]): PolicyChains[][] {
  const groups: PolicyChains[][] = []
  for (const policy of policies) {
    const last = groups.at(-1)
    if (last?.[0]?.selector === policy.selector) last.push(policy)
    else groups.push([policy])
  }
  return groups
}

/** Looks after every fifth policy whether one has decided. */
function groupRules(names: readonly string[]): FelixRule[] {
  const stride = 5
  const decided = marks.pass | marks.accept
  return names.flatMap((name, index) => {
    const first = index % stride === 0
    const back: FelixRule = { match: [when.markNotClear(decided)], action: act.back, comments: ['Return on verdict'] }
    const jump: FelixRule = { match: first ? [] : [when.markClear(decided)], action: act.jump(name) }
    return first && index > 0 ? [back, jump] : [jump]
  })
}

/**
 * From an interface to its pod's chain. Names with the same next letter get a chain of their own, so that no packet is held against all
 * pods of the node; an interface that is not known is closed (felix/rules/dispatch.go).
 */
export function dispatchChains(interfaces: readonly string[]): Chains {
  return {
    ...dispatch('cali-from-wl-dispatch', interfaces, when.inInterface, 'cali-fw-'),
    ...dispatch('cali-to-wl-dispatch', interfaces, when.outInterface, 'cali-tw-'),
  }
}

function dispatch(root: string, interfaces: readonly string[], match: (name: string) => Part, prefix: string): Chains {
  const names = [...interfaces].sort()
  const common = commonPrefix(names)
  const bins = new Map<string, string[]>()
  for (const name of names) {
    const bin = name.slice(0, common.length + 1)
    bins.set(bin, [...(bins.get(bin) ?? []), name])
  }
  const unknown: FelixRule = { action: act.drop, comments: ['Unknown interface'] }
  const toPod = (name: string): FelixRule => ({ match: [match(name)], action: act.goto(chainName(prefix, name)) })
  const chains: Chains = {}
  const rules: FelixRule[] = []
  for (const [bin, members] of bins) {
    if (members.length === 1) {
      rules.push(toPod(members[0]!))
      continue
    }
    const child = `${root}-${bin.slice(common.length)}`
    rules.push({ match: [match(`${bin}+`)], action: act.goto(child) })
    chains[child] = [...members.map(toPod), unknown]
  }
  chains[root] = [...rules, unknown]
  return chains
}

function commonPrefix(names: readonly string[]): string {
  let prefix = names[0] ?? ''
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix
}
