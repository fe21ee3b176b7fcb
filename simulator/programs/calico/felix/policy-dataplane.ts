import { chainEntries } from '../../../network/netfilter/chains.ts'
import type { Netfilter } from '../../../network/netfilter/netfilter.ts'
import type { Rule } from '../../../network/netfilter/rule.ts'
import type { IpSet } from '../../../network/netfilter/sets.ts'
import type { IndexedPolicy, PolicyIndex } from '../../../network-policy/policy-index.ts'
import type { PolicyPod } from '../../../network-policy/policy-pod.ts'
import type { Selection } from '../../../network-policy/selections.ts'
import { vethName } from '../names.ts'
import { dispatchChains, endpointChains, profileChains } from './endpoint-chains.ts'
import { type FelixRule, hashOf, rendered } from './felix-rule.ts'
import { type PolicyChains, policyChains, type WantedSet } from './policy-chains.ts'

type RenderedChains = Readonly<Record<string, readonly Rule[]>>

/** Felix's rules for the pods of one node. */
export interface PolicyDataplane {
  /** Brings rules and sets to what the index now says, writing only what differs. */
  sync(): void
}

/** Chains of the filter table that are Felix's but not of this part: they stand whatever the pods are. */
export function policyDataplane(netfilter: Netfilter, index: PolicyIndex, node: string, standing: ReadonlySet<string>): PolicyDataplane {
  const policies = new WeakMap<IndexedPolicy, { made: PolicyChains; chains: RenderedChains }>()
  const endpoints = new Map<string, { signature: string; chains: RenderedChains }>()
  const profiles = new Map<string, RenderedChains>()
  const sets = new Map<string, { wanted: WantedSet; selection: Selection }>()
  let dispatch: { signature: string; chains: RenderedChains } | undefined
  let programmed: ReadonlyMap<string, readonly Rule[]> | undefined

  const policyOf = (policy: IndexedPolicy) => {
    let known = policies.get(policy)
    if (!known) {
      const made = policyChains(policy)
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
    const selecting = index.selecting(pod)
    const ingress = selecting.filter((policy) => policy.ingress).map((policy) => policyOf(policy).made)
    const egress = selecting.filter((policy) => policy.egress).map((policy) => policyOf(policy).made)
    const own = [`kns.${pod.namespace}`, `ksa.${pod.namespace}.${pod.account}`]
    const named = (list: readonly PolicyChains[]) => list.map(({ id, selector }) => `${id} ${selector}`).join(';')
    const signature = `${own}|${named(ingress)}|${named(egress)}`
    let known = endpoints.get(pod.key)
    if (known?.signature !== signature) {
      const chains = endpointChains({ interface: vethName(pod.namespace, pod.name), profiles: own, ingress, egress })
      known = { signature, chains: renderAll(chains, { kind: 'Pod', namespace: pod.namespace, name: pod.name }) }
      endpoints.set(pod.key, known)
    }
    return { chains: known.chains, profiles: own, policies: selecting }
  }
  const dispatchOf = (interfaces: readonly string[]) => {
    const signature = interfaces.join(' ')
    if (dispatch?.signature !== signature) dispatch = { signature, chains: renderAll(dispatchChains(interfaces)) }
    return dispatch.chains
  }

  function sync(): void {
    const { selections } = index.takeChanges()
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
        const { made, chains: own } = policyOf(policy)
        take(own)
        for (const set of made.sets) wanted.set(set.name, set)
      }
    }
    take(dispatchOf(local.map((pod) => vethName(pod.namespace, pod.name)).sort()))
    fillSets(wanted, selections)
    program(chains)
    for (const name of Object.keys(netfilter.sets)) {
      if (!/^cali40[sn]:/.test(name) || wanted.has(name)) continue
      netfilter.removeSet(name)
      const known = sets.get(name)
      if (known) index.selections.release(known.selection)
      sets.delete(name)
    }
  }

  function fillSets(wanted: ReadonlyMap<string, WantedSet>, changed: ReadonlySet<Selection>): void {
    for (const [name, set] of wanted) {
      let known = sets.get(name)
      if (known && !changed.has(known.selection)) continue
      if (!known) sets.set(name, (known = { wanted: set, selection: index.selections.take(set.query) }))
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

function ipSet({ name, port }: WantedSet, { members }: Selection): IpSet {
  const pods = [...members]
  if (!port) return { name, type: 'hash:net', members: pods.flatMap(({ addresses }) => addresses).sort() }
  const found = pods.flatMap(({ addresses, namedPorts }) =>
    namedPorts
      .filter((one) => one.name === port.name && one.protocol === port.protocol)
      .flatMap((one) => addresses.map((address) => `${address},${one.protocol.toLowerCase()}:${one.port}`)),
  )
  return { name, type: 'hash:ip,port', members: found.sort() }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at])
}
