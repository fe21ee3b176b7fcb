import type { Service } from 'kubernetes-types/core/v1'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1'
import type { KubeObject } from '../../../kubernetes.ts'
import { readPolicy } from '../../../network-policy/policy.ts'
import { matchesSelector } from '../../../resources/selectors.ts'
import type { InformerCache } from '../../informers.ts'
import type { CacheEntry, L4Protocol } from '../datapath/maps.ts'
import { reserved } from '../identity.ts'
import { type CiliumPolicy, PolicyError, readCiliumPolicy, type ServiceWorld } from '../policy/cilium-policy.ts'
import { reservedLabels } from '../policy/entities.ts'
import type { SecurityLabels } from '../policy/labels.ts'
import { fromNetworkPolicy } from '../policy/network-policy.ts'
import type { NamedPort } from '../policy/resolve.ts'
import type { Rule } from '../policy/rule.ts'
import { addressOf, type CiliumEndpoint, type CiliumIdentity, type CiliumNode, resources } from '../resources.ts'

type SliceObject = EndpointSlice & KubeObject

export const serviceLabel = 'kubernetes.io/service-name'

/** Where the API server answers: its identity is told from those of other nodes. */
export function apiServerAddresses(cache: InformerCache): Set<string> {
  const slices = cache.list<SliceObject>('endpointslices.discovery.k8s.io', {
    namespace: 'default',
    labelSelector: `${serviceLabel}=kubernetes`,
  })
  return new Set(slices.flatMap(({ endpoints = [] }) => endpoints.flatMap(({ addresses }) => addresses)))
}

/** cilium_ipcache of a node: its own addresses, the other nodes and what is behind them, every pod, and the blocks of policies. */
export function ipcache(cache: InformerCache, node: string, blocks: ReadonlyMap<string, number>): Map<string, CacheEntry> {
  const entries = new Map<string, CacheEntry>()
  const apiServers = apiServerAddresses(cache)
  const nodes = cache.list<CiliumNode>(resources.nodes)
  for (const [block, identity] of blocks) entries.set(block.replace(/\/32$/, ''), { identity })
  for (const address of apiServers) entries.set(address, { identity: reserved['kube-apiserver'] })
  const own = nodes.find(({ metadata }) => metadata?.name === node)
  for (const one of nodes) {
    const [address, router] = [addressOf(one, 'InternalIP'), addressOf(one, 'CiliumInternalIP')]
    if (!address) continue
    if (one === own) {
      for (const local of [address, router]) if (local) entries.set(local, { identity: reserved.host })
      continue
    }
    const identity = apiServers.has(address) ? reserved['kube-apiserver'] : reserved['remote-node']
    entries.set(address, { identity })
    if (router) entries.set(router, { identity, tunnel: address })
    for (const cidr of one.spec.ipam.podCIDRs ?? []) entries.set(cidr, { identity: reserved.world, tunnel: address })
  }
  const here = own && addressOf(own, 'InternalIP')
  for (const { status } of cache.list<CiliumEndpoint>(resources.endpoints)) {
    const identity = status?.identity?.id
    const at = status?.networking?.node
    if (identity === undefined) continue
    for (const { ipv4 } of status?.networking?.addressing ?? []) {
      if (ipv4) entries.set(ipv4, { identity, ...(at && at !== here ? { tunnel: at } : {}) })
    }
  }
  return entries
}

/** Every identity with its labels. */
export function identityLabels(
  cache: InformerCache,
  nodeAddress: string,
  blocks: ReadonlyMap<string, number>,
): Map<number, SecurityLabels> {
  const labels = reservedLabels(apiServerAddresses(cache).has(nodeAddress))
  for (const identity of cache.list<CiliumIdentity>(resources.identities))
    labels.set(Number(identity.metadata?.name), identity['security-labels'])
  for (const [block, id] of blocks) labels.set(id, { [`cidr:${block}`]: '', 'reserved:world': '' })
  return labels
}

/** Names of ports of all pods: what a name in an egress rule may mean. */
export function namedPorts(cache: InformerCache): NamedPort[] {
  const found = new Map<string, NamedPort>()
  for (const { status } of cache.list<CiliumEndpoint>(resources.endpoints)) {
    for (const { name, port, protocol } of status?.['named-ports'] ?? []) {
      found.set(`${name} ${port} ${protocol}`, { name, port, protocol: protocol.toLowerCase() as L4Protocol })
    }
  }
  return [...found.values()]
}

/** Services as policies ask for them. */
export function serviceWorld(cache: Pick<InformerCache, 'list' | 'find'>): ServiceWorld {
  return {
    service(namespace, name) {
      const service = cache.find<Service & KubeObject>('services', namespace, name)
      if (!service) return undefined
      const { selector } = service.spec ?? {}
      if (selector) {
        const matchLabels = Object.fromEntries(Object.entries(selector).map(([key, value]) => [`k8s:${key}`, value]))
        return { selector: { matchLabels }, addresses: [] }
      }
      const slices = cache.list<SliceObject>('endpointslices.discovery.k8s.io', { namespace, labelSelector: `${serviceLabel}=${name}` })
      return { addresses: slices.flatMap(({ endpoints = [] }) => endpoints.flatMap(({ addresses }) => addresses)) }
    },
    services: (namespace, selector) =>
      cache
        .list<Service & KubeObject>('services', namespace === undefined ? {} : { namespace })
        .filter(({ metadata }) => matchesSelector(selector, metadata?.labels ?? {}))
        .map(({ metadata }) => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' })),
  }
}

const kubernetesRules = new WeakMap<KubeObject, Rule>()

/** The rules of all policies, in the order of their kinds. Those that cannot be are told to `invalid` and left out. */
export function rulesOf(cache: InformerCache, invalid: (policy: CiliumPolicy, message: string) => void): Rule[] {
  const rules: Rule[] = []
  for (const policy of cache.list<NetworkPolicy & KubeObject>('networkpolicies.networking.k8s.io')) {
    let rule = kubernetesRules.get(policy)
    if (!rule) kubernetesRules.set(policy, (rule = fromNetworkPolicy(readPolicy(policy))))
    rules.push(rule)
  }
  const world = serviceWorld(cache)
  for (const policy of [...cache.list<CiliumPolicy>(resources.policies), ...cache.list<CiliumPolicy>(resources.clusterwidePolicies)]) {
    try {
      rules.push(...readCiliumPolicy(policy, world))
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      invalid(policy, error.message)
    }
  }
  return rules
}
