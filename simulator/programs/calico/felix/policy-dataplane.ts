import { chainEntries } from '../../../network/netfilter/chains.ts'
import type { Netfilter } from '../../../network/netfilter/netfilter.ts'
import type { Rule } from '../../../network/netfilter/rule.ts'
import type { IpSet } from '../../../network/netfilter/sets.ts'
import type { IndexedPolicy, PolicyIndex } from '../../../network-policy/policy-index.ts'
import type { PolicyPod } from '../../../network-policy/policy-pod.ts'
import type { Selection } from '../../../network-policy/selections.ts'
import { vethName } from '../names.ts'
import { type CalicoPolicies, compareTiers } from '../policies/calico-policies.ts'
import type { CalicoPolicy } from '../policies/calico-policy.ts'
import type { Found } from '../policies/labelled.ts'
import { calicoPolicyChains } from './calico-policy-chains.ts'
import { dispatchChains, type EndpointTier, endpointChains, profileChains } from './endpoint-chains.ts'
import { type FelixRule, hashOf, rendered } from './felix-rule.ts'
import { type PolicyChains, policyChains, type WantedSet } from './policy-chains.ts'

type RenderedChains = Readonly<Record<string, readonly Rule[]>>

/** Felix's rules for the pods of one node. */
export interface PolicyDataplane {
  /** Brings rules and sets to what the index now says, writing only what differs. */
  sync(): void
}

/**
 * `standing`: chains of the filter table that are Felix's but not of this part: they stand whatever the pods are.
 * `own`: Calico's own policies; without them only Kubernetes' are enforced.
 */
export function policyDataplane(
  netfilter: Netfilter,
  index: PolicyIndex,
  node: string,
  standing: ReadonlySet<string>,
  own?: CalicoPolicies,
): PolicyDataplane {
  const policies = new WeakMap<IndexedPolicy | CalicoPolicy, { made: PolicyChains; chains: RenderedChains }>()
  const endpoints = new Map<string, { signature: string; chains: RenderedChains }>()
  const profiles = new Map<string, RenderedChains>()
  const sets = new Map<string, { wanted: WantedSet; selection: Selection | Found }>()
  let dispatch: { signature: string; chains: RenderedChains } | undefined
  let programmed: ReadonlyMap<string, readonly Rule[]> | undefined

  const policyOf = (policy: IndexedPolicy | CalicoPolicy) => {
    let known = policies.get(policy)
    if (!known) {
      const made = 'policy' in policy ? policyChains(policy) : calicoPolicyChains(policy)
      known = { made, chains: renderAll(made.chains, made.origin) }
      policies.set(policy, known)
    }
    return known
  }
  const profileOf = (profile: string) => {
    let known = profiles.get(profile)
    if (!known) profiles.set(profile, (known = renderAll(profileChains(profile))))
    return known
  }
  const endpointOf = (pod: PolicyPod) => {
    const selecting = [...index.selecting(pod), ...(own?.selecting(pod.key) ?? [])].map(policyOf)
    const profilesOfPod = [`kns.${pod.namespace}`, `ksa.${pod.namespace}.${pod.account}`]
    const tiers = tiersOf(selecting.map(({ made }) => made))
    const said = tiers.map(({ name, passes, policies: list }) => {
      const each = list.map(({ id, selector, ingress, egress }) => `${id} ${selector} ${ingress} ${egress}`)
      return `${name} ${passes} ${each.join(';')}`
    })
    const signature = `${profilesOfPod}|${said.join('|')}`
    let known = endpoints.get(pod.key)
    if (known?.signature !== signature) {
      const chains = endpointChains({ interface: vethName(pod.namespace, pod.name), profiles: profilesOfPod, tiers })
      known = { signature, chains: renderAll(chains, { kind: 'Pod', namespace: pod.namespace, name: pod.name }) }
      endpoints.set(pod.key, known)
    }
    return { chains: known.chains, profiles: profilesOfPod, policies: selecting }
  }
  const dispatchOf = (interfaces: readonly string[]) => {
    const signature = interfaces.join(' ')
    if (dispatch?.signature !== signature) dispatch = { signature, chains: renderAll(dispatchChains(interfaces)) }
    return dispatch.chains
  }

  function sync(): void {
    const { selections, pods } = index.takeChanges()
    if (own) for (const key of pods) own.setPod(key, index.selections.pod(key))
    const changed = new Set<Selection | Found>([...selections, ...(own?.labelled.takeChanges() ?? [])])
    const local = [...index.selections.pods()].filter((pod) => pod.node === node)
    for (const key of endpoints.keys()) if (index.selections.pod(key)?.node !== node) endpoints.delete(key)
    const chains = new Map<string, readonly Rule[]>()
    const wanted = new Map<string, WantedSet>()
    const take = (more: RenderedChains) => {
      for (const [name, rules] of Object.entries(more)) chains.set(name, rules)
    }
    for (const pod of local) {
      const endpoint = endpointOf(pod)
      take(endpoint.chains)
      for (const profile of endpoint.profiles) take(profileOf(profile))
      for (const policy of endpoint.policies) {
        take(policy.chains)
        for (const set of policy.made.sets) wanted.set(set.name, set)
      }
    }
    take(dispatchOf(local.map((pod) => vethName(pod.namespace, pod.name)).sort()))
    fillSets(wanted, changed)
    program(chains)
    for (const name of Object.keys(netfilter.sets)) {
      if (!/^cali40[sn]:/.test(name) || wanted.has(name)) continue
      netfilter.removeSet(name)
      const known = sets.get(name)
      if (known) release(known.selection)
      sets.delete(name)
    }
  }

  function take({ members }: WantedSet): Selection | Found {
    if ('query' in members) return index.selections.take(members.query)
    if (!own) throw new Error(`nobody keeps what ${members.selector.text} finds`)
    return own.labelled.take(members.selector)
  }

  function release(selection: Selection | Found): void {
    if ('query' in selection) index.selections.release(selection)
    else own?.labelled.release(selection)
  }

  function tiersOf(selecting: readonly PolicyChains[]): EndpointTier[] {
    const byTier = new Map<string, PolicyChains[]>()
    for (const made of selecting) byTier.set(made.tier, [...(byTier.get(made.tier) ?? []), made])
    if (!own) return [...byTier].map(([name, list]) => ({ name, passes: false, policies: list }))
    return [...byTier.keys()]
      .map((name) => own.tier(name))
      .sort(compareTiers)
      .map(({ name, passes }) => ({ name, passes, policies: byTier.get(name)!.sort(byOrder) }))
  }

  function fillSets(wanted: ReadonlyMap<string, WantedSet>, changed: ReadonlySet<Selection | Found>): void {
    for (const [name, set] of wanted) {
      let known = sets.get(name)
      if (known && !changed.has(known.selection)) continue
      if (!known) sets.set(name, (known = { wanted: set, selection: take(set) }))
      const made = ipSet(set, known.selection)
      const before = netfilter.sets[name]
      if (before && sameList(before.members, made.members)) continue
      netfilter.setSet(made)
    }
  }

  /** At first against what stands in the kernel, whose rules Felix knows again by their hashes. */
  function program(chains: ReadonlyMap<string, readonly Rule[]>): void {
    const before = programmed ?? standingChains(netfilter, chains, standing)
    const declared: Record<string, readonly Rule[]> = {}
    for (const [name, rules] of chains) if (before.get(name) !== rules) declared[name] = rules
    const removed = [...before.keys()].filter((name) => !chains.has(name))
    if (Object.keys(declared).length > 0 || removed.length > 0) netfilter.restore('filter', declared, removed)
    programmed = chains
  }

  return { sync }
}

function standingChains(netfilter: Netfilter, wanted: ReadonlyMap<string, readonly Rule[]>, standing: ReadonlySet<string>) {
  const found = new Map<string, readonly Rule[]>()
  for (const [name, { rules }] of chainEntries(netfilter.table('filter')!.chains)) {
    if (!name.startsWith('cali-') || (standing.has(name) && !wanted.has(name))) continue
    const own = wanted.get(name)
    found.set(name, own && sameRules(own, rules) ? own : rules)
  }
  return found
}

/** Whether a chain holds what it should, by the hashes in its rules' comments. */
export function sameRules(wanted: readonly Rule[], there: readonly Rule[]): boolean {
  return wanted.length === there.length && wanted.every((rule, at) => hashOf(rule) !== undefined && hashOf(rule) === hashOf(there[at]!))
}

function renderAll(chains: Readonly<Record<string, readonly FelixRule[]>>, origin?: NonNullable<Rule['origin']>): RenderedChains {
  return Object.fromEntries(Object.entries(chains).map(([name, rules]) => [name, rendered(name, rules, origin ? { origin } : {})]))
}

function ipSet({ name, port }: WantedSet, selection: Selection | Found): IpSet {
  const members = [...selection.members].map((one) => ('pod' in one ? one.pod : 'addresses' in one ? one : undefined))
  if (!port) {
    const nets = [...selection.members].flatMap((one) => ('nets' in one ? one.nets : one.addresses))
    return { name, type: 'hash:net', members: [...new Set(nets.flatMap(halved))].sort() }
  }
  const found = members.flatMap((pod) =>
    (pod?.namedPorts ?? [])
      .filter((one) => one.name === port.name && one.protocol === port.protocol)
      .flatMap((one) => pod!.addresses.map((address) => `${address},${one.protocol.toLowerCase()}:${one.port}`)),
  )
  return { name, type: 'hash:ip,port', members: found.sort() }
}

/** A set of the kernel's cannot hold everything as one net. */
function halved(net: string): string[] {
  return net === '0.0.0.0/0' ? ['0.0.0.0/1', '128.0.0.0/1'] : [net]
}

function byOrder(a: PolicyChains, b: PolicyChains): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1
  return a.id < b.id ? -1 : 1
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at])
}
