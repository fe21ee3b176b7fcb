import { parsePrefix, prefixContains } from '../../../network/address.ts'
import type { BpfMap, BpfMaps } from '../../../network/bpf.ts'
import type { Origin } from '../../../network/trace.ts'
import { reserved } from '../identity.ts'

/** cilium_ipcache: who is behind an address or a longer prefix, and the node to which packets for it are tunnelled. */
export interface CacheEntry {
  readonly identity: number
  readonly tunnel?: string
}

/** cilium_lxc: a pod of this node, by its address. */
export interface EndpointEntry {
  readonly id: number
  readonly identity: number
  readonly address: string
  readonly link: string
  /** Of the pod's interface, and of the host's end. */
  readonly mac: string
  readonly nodeMac: string
  readonly name: string
}

export type Direction = 'ingress' | 'egress'
/** As the policy map has them; `any` is protocol 0. */
export type L4Protocol = 'any' | 'tcp' | 'udp' | 'sctp' | 'icmp'

/** One key of a policy map. Identity 0 is everybody. For ICMP the ports are types. */
export interface PolicyEntry {
  readonly direction: Direction
  readonly identity: number
  readonly protocol: L4Protocol
  /** Absent: every port. */
  readonly ports?: { readonly first: number; readonly last: number }
  readonly deny: boolean
  readonly origin?: Origin
}

/** cilium_policy_v2_ID of one endpoint. */
export interface EndpointPolicy {
  readonly enforcing: Readonly<Record<Direction, boolean>>
  readonly entries: readonly PolicyEntry[]
}

/** cilium_lb4_services_v2 and _backends_v3 in one: a front end and where it leads. */
export interface ServiceEntry {
  /** rev_nat_index */
  readonly id: number
  readonly type: 'ClusterIP' | 'NodePort' | 'ExternalIPs' | 'LoadBalancer' | 'HostPort'
  readonly backends: readonly Backend[]
  /** Those for who comes from outside where only the node's own may serve (externalTrafficPolicy: Local). */
  readonly outside: readonly Backend[]
  /** Seconds. */
  readonly affinity?: number
  readonly sourceRanges?: readonly string[]
  readonly origin: Origin
}

export interface Backend {
  readonly address: string
  readonly port: number
}

/** What a flow was at its first packet, for its answers. */
export interface FlowEntry {
  readonly expires: number
  readonly closing: boolean
  /** When an event told of it last, and of its answers. */
  readonly seen?: number
  readonly answered?: number
  /** Of an answer the sender is shown as this. */
  readonly service?: Backend
}

/** cilium_snat_v4_external: how an answer becomes the client's again. */
export interface TranslationEntry {
  readonly expires: number
  readonly client: Backend
  readonly service: Backend
  readonly backend: Backend
}

/** What a compiled program has as constants (`CONFIG`): the node's own addresses. */
export interface NodeConfig {
  readonly nodeAddress: string
  readonly device: string
  readonly router: string
  readonly podCidr: string
  readonly hubble: boolean
  /** serviceNoBackendResponse */
  readonly rejectsWithoutBackend: boolean
}

export const names = {
  cache: 'cilium_ipcache_v2',
  endpoints: 'cilium_lxc',
  policy: 'cilium_policy_v2',
  services: 'cilium_lb4_services_v2',
  affinity: 'cilium_lb_affinity_match',
  flows: 'cilium_ct4_global',
  translations: 'cilium_snat_v4_external',
  reverse: 'cilium_lb4_reverse_sk',
  config: 'cilium_runtime_config',
  drops: 'cilium_metrics',
} as const

/** The datapath's maps. Policy is one map here, by endpoint. */
export interface Maps {
  readonly cache: BpfMap<CacheEntry>
  readonly endpoints: BpfMap<EndpointEntry>
  readonly policy: BpfMap<EndpointPolicy>
  readonly services: BpfMap<ServiceEntry>
  readonly affinity: BpfMap<Backend & { readonly until: number }>
  readonly flows: BpfMap<FlowEntry>
  readonly translations: BpfMap<TranslationEntry>
  readonly reverse: BpfMap<Backend>
  readonly config: BpfMap<NodeConfig>
  /** Packets dropped, by `REASON DIRECTION`. */
  readonly drops: BpfMap<number>
}

const opened = new WeakMap<BpfMaps, { readonly generation: number; readonly maps: Maps }>()

export function mapsOf(maps: BpfMaps): Maps {
  let open = opened.get(maps)
  if (open?.generation !== maps.generation) {
    const all = Object.fromEntries(Object.entries(names).map(([key, name]) => [key, maps.map(name)])) as unknown as Maps
    open = { generation: maps.generation, maps: all }
    opened.set(maps, open)
  }
  return open.maps
}

/** The longest prefix that holds an address; nobody is `world`. Pods and nodes are there as their own address, so those win. */
export function lookUp({ cache }: Maps, address: string): CacheEntry {
  const own = cache.get(address)
  if (own) return own
  let best: CacheEntry = world
  let length = -1
  for (const [text, entry] of blocksOf(cache)) {
    const prefix = parsePrefix(text)
    if (prefix.length > length && prefixContains(prefix, address)) [best, length] = [entry, prefix.length]
  }
  return best
}

const world: CacheEntry = { identity: reserved.world }

const blocks = new WeakMap<BpfMap<CacheEntry>, { of: unknown; list: readonly [string, CacheEntry][] }>()

/** The entries that are no single address: few, and kept until the map changes. */
function blocksOf(cache: BpfMap<CacheEntry>): readonly [string, CacheEntry][] {
  const of = cache.save()
  const known = blocks.get(cache)
  if (known?.of === of) return known.list
  const list = [...cache.entries()].filter(([text]) => text.includes('/'))
  blocks.set(cache, { of, list })
  return list
}
