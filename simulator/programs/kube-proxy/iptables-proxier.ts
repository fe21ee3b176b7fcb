import { sameJson } from '../../json.ts'
import type { Netfilter } from '../../network/netfilter/netfilter.ts'
import type { Rule } from '../../network/netfilter/rule.ts'
import type { InformerCache } from '../informers.ts'
import { type PortRules, portRules } from './rules.ts'
import { type ServiceObject, type ServicePort, type SliceObject, servicePorts } from './service-ports.ts'
import { forgetStaleFlows } from './stale-flows.ts'

/** A Service as it is programmed, with the objects that it was made from. */
interface Programmed {
  readonly node: string
  readonly clusterCidr: string | undefined
  readonly slices: readonly SliceObject[]
  readonly ports: readonly ServicePort[]
  readonly rules: readonly PortRules[]
}

type Shared = Exclude<keyof PortRules, 'chains'>

/** Chains that all Services share: table, chain, where its rules come from, and what stands last in it. */
const sharedChains: readonly (readonly [table: 'filter' | 'nat', chain: string, field: Shared, last?: Rule])[] = [
  ['filter', 'KUBE-SERVICES', 'rejected'],
  ['filter', 'KUBE-EXTERNAL-SERVICES', 'rejectedOutside'],
  ['filter', 'KUBE-PROXY-FIREWALL', 'firewall'],
  ['filter', 'KUBE-NODEPORTS', 'healthChecks'],
  [
    'nat',
    'KUBE-SERVICES',
    'services',
    {
      matches: [
        { match: 'comment', comment: 'kubernetes service nodeports; NOTE: this must be the last rule in this chain' },
        { match: 'addrtype', dstType: 'LOCAL' },
      ],
      target: { target: 'jump', chain: 'KUBE-NODEPORTS' },
    },
  ],
  ['nat', 'KUBE-NODEPORTS', 'nodePorts'],
]

/**
 * What Services came to. Objects are immutable and forks share their template's, so a fork's kube-proxies find here what they would
 * have to make again only to know what stands in their rules already.
 */
const programs = new WeakMap<ServiceObject, readonly Programmed[]>()
/** As many nodes as one Service is remembered for, while its endpoints stay the same. */
const mostPrograms = 8

export const serviceLabel = 'kubernetes.io/service-name'

/** `namespace/name` of the Service that a slice is of. */
export function serviceOf({ metadata }: SliceObject): string {
  return `${metadata?.namespace}/${metadata?.labels?.[serviceLabel]}`
}

/**
 * Keeps the rules of all Services. A change rewrites only the chains of the Services that changed, and a shared chain only where
 * one of its rules did, as upstream's partial syncs do.
 */
export class IptablesProxier {
  readonly #cache: InformerCache
  readonly #netfilter: Netfilter
  readonly #node: string
  readonly #clusterCidr: string | undefined
  readonly #programmed = new Map<string, Programmed>()
  readonly #slices = new Map<string, Map<string, SliceObject>>()
  /** The shared chains hold what `#programmed` says. */
  #complete = false

  constructor(parts: { cache: InformerCache; netfilter: Netfilter; node: string; clusterCidr: string | undefined }) {
    this.#cache = parts.cache
    this.#netfilter = parts.netfilter
    this.#node = parts.node
    this.#clusterCidr = parts.clusterCidr
    for (const slice of this.#cache.list<SliceObject>('endpointslices.discovery.k8s.io')) this.keep(slice)
  }

  /** A slice as it is now. */
  keep(slice: SliceObject): void {
    const key = serviceOf(slice)
    const known = this.#slices.get(key) ?? new Map<string, SliceObject>()
    this.#slices.set(key, known.set(slice.metadata?.name ?? '', slice))
  }

  /** A slice that is gone. */
  drop(slice: SliceObject): void {
    const key = serviceOf(slice)
    const known = this.#slices.get(key)
    known?.delete(slice.metadata?.name ?? '')
    if (known?.size === 0) this.#slices.delete(key)
  }

  /** Every port of every Service, as it is programmed. */
  ports(): ServicePort[] {
    return [...this.#programmed.values()].flatMap(({ ports }) => ports)
  }

  /** What stands in the rules already, after a restore of the cluster: known again without writing anything. */
  adopt(): void {
    for (const key of this.#keys()) {
      const made = this.#make(key)
      if (made) this.#programmed.set(key, made)
    }
    this.#complete = true
  }

  syncAll(): void {
    this.sync(this.#keys())
  }

  /** Brings the rules of the Services in `changed` up to date. */
  sync(changed: Iterable<string>): void {
    const declared: Record<string, readonly Rule[]> = {}
    const removed = new Set<string>()
    const before: PortRules[] = []
    const after: PortRules[] = []
    const oldPorts: ServicePort[] = []
    const newPorts: ServicePort[] = []
    for (const key of changed) {
      const old = this.#programmed.get(key)
      const next = this.#make(key)
      if (next === old) continue
      before.push(...(old?.rules ?? []))
      after.push(...(next?.rules ?? []))
      oldPorts.push(...(old?.ports ?? []))
      newPorts.push(...(next?.ports ?? []))
      if (next) this.#programmed.set(key, next)
      else this.#programmed.delete(key)
    }
    for (const { chains } of before) for (const chain of Object.keys(chains)) removed.add(chain)
    for (const { chains } of after) Object.assign(declared, chains)
    for (const chain of Object.keys(declared)) removed.delete(chain)
    const shared = this.#sharedChains(before, after)
    if (Object.keys(shared.filter).length > 0) this.#netfilter.restore('filter', shared.filter)
    this.#netfilter.restore('nat', { ...declared, ...shared.nat }, [...removed])
    this.#complete = true
    forgetStaleFlows(this.#netfilter.conntrack, oldPorts, newPorts)
  }

  /** The shared chains that the difference between `before` and `after` leaves different. */
  #sharedChains(before: readonly PortRules[], after: readonly PortRules[]): Record<'filter' | 'nat', Record<string, readonly Rule[]>> {
    const found = { filter: {}, nat: {} } as Record<'filter' | 'nat', Record<string, readonly Rule[]>>
    for (const [table, chain, field, last] of sharedChains) {
      const of = (rules: readonly PortRules[]) => rules.flatMap((one) => one[field])
      if (this.#complete && sameJson(of(before), of(after))) continue
      const all = [...this.#programmed.values()].flatMap(({ rules }) => of(rules))
      found[table][chain] = last ? [...all, last] : all
    }
    return found
  }

  #keys(): string[] {
    return this.#cache.list<ServiceObject>('services').map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`)
  }

  #make(key: string): Programmed | undefined {
    const [namespace = '', name = ''] = key.split('/')
    const service = this.#cache.find<ServiceObject>('services', namespace, name)
    if (!service) return undefined
    const slices = [...(this.#slices.get(key)?.values() ?? [])]
    const [node, clusterCidr] = [this.#node, this.#clusterCidr]
    const known = programs
      .get(service)
      ?.find((one) => one.node === node && one.clusterCidr === clusterCidr && sameItems(one.slices, slices))
    if (known) return known
    const ports = servicePorts(service, slices, node)
    // Nodes differ only where a traffic policy keeps to the node.
    const others = programs.get(service) ?? []
    const alike = others.find((one) => one.clusterCidr === clusterCidr && sameItems(one.slices, slices) && sameJson(one.ports, ports))
    const made = { node, clusterCidr, slices, ports, rules: alike?.rules ?? ports.map((port) => portRules(port, clusterCidr)) }
    programs.set(service, [made, ...others].slice(0, mostPrograms))
    return made
  }
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
