import type { BpfSnapshot, TcHook } from './bpf.ts'
import {
  type FdbEntry,
  type IpipSettings,
  type Link,
  type LinkAddress,
  type LinkCounters,
  type LinkKind,
  newLink,
  type VxlanSettings,
} from './link.ts'
import type { Machine } from './machine.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { Connection } from './netfilter/conntrack.ts'
import type { Table } from './netfilter/rule.ts'
import type { IpSet } from './netfilter/sets.ts'
import type { Network } from './network.ts'
import type { Route, RoutingRule } from './routing.ts'

/** JSON-able. Arrays and records in it are shared with the network that made it and must not be changed. */
export interface NetworkSnapshot {
  readonly counters: { readonly links: number }
  readonly segments: readonly { readonly name: string; readonly mtu: number; readonly latency: number; readonly down: boolean }[]
  readonly machines: readonly MachineSnapshot[]
}

interface MachineSnapshot {
  readonly name: string
  readonly down: boolean
  /** Absent where nothing was ever loaded. */
  readonly bpf?: BpfSnapshot
  readonly namespaces: readonly NamespaceSnapshot[]
}

interface NamespaceSnapshot {
  readonly name: string
  readonly nextIndex: number
  readonly links: readonly LinkSnapshot[]
  readonly routes: readonly Route[]
  readonly rules: readonly RoutingRule[]
  readonly sysctls: Readonly<Record<string, string>>
  readonly tables: Readonly<Record<string, Table>>
  readonly sets: Readonly<Record<string, IpSet>>
  readonly recent: Record<string, [string, number][]>
  readonly conntrack: readonly Connection[]
  readonly pathMtus: readonly { address: string; mtu: number; expires: number }[]
}

interface LinkSnapshot {
  readonly id: number
  readonly index: number
  readonly name: string
  readonly kind: LinkKind
  readonly mac: string
  readonly mtu: number
  readonly up: boolean
  readonly hairpin: boolean
  readonly noarp?: true
  readonly tc?: Readonly<Partial<Record<TcHook, string>>>
  readonly addresses: readonly LinkAddress[]
  readonly neighbours: readonly { address: string; mac: string; permanent: boolean; heard: number; current: boolean }[]
  readonly fdb: readonly (readonly [string, readonly FdbEntry[]])[]
  readonly peer?: number
  readonly segment?: string
  /** The master's id. */
  readonly master?: number
  readonly vxlan?: VxlanSettings
  readonly ipip?: IpipSettings
  readonly counters: LinkCounters
}

export function snapshotNetwork(network: Network): NetworkSnapshot {
  return {
    counters: network.counters(),
    segments: network.segments().map(({ name, mtu, latency, down }) => ({ name, mtu, latency, down })),
    machines: network.machines().map((machine) => ({
      name: machine.name,
      down: machine.down,
      ...(machine.bpf.maps.names().length > 0 ? { bpf: machine.bpf.save() } : {}),
      namespaces: machine.namespaces().map(snapshotNamespace),
    })),
  }
}

function snapshotNamespace(namespace: NetworkNamespace): NamespaceSnapshot {
  const { routing, netfilter } = namespace
  return {
    name: namespace.name,
    nextIndex: namespace.nextIndex,
    links: namespace.links().map(snapshotLink),
    routes: routing.routes,
    rules: routing.rules,
    sysctls: namespace.sysctls(),
    tables: netfilter.tables,
    sets: netfilter.sets,
    recent: netfilter.recentLists(),
    conntrack: netfilter.conntrack.list().map((connection) => ({ ...connection })),
    pathMtus: namespace.ip.pathMtus(),
  }
}

function snapshotLink(link: Link): LinkSnapshot {
  const { id, index, name, kind, mac, mtu, up, hairpin, addresses } = link
  const neighbours = []
  for (const { address, mac: known, state, heard, topology } of link.neighbours.values()) {
    const current = topology === link.namespace.network.topology
    // What is being asked for, or was in vain, is asked anew.
    if (known !== undefined && (state === 'PERMANENT' || state === 'REACHABLE'))
      neighbours.push({ address, mac: known, permanent: state === 'PERMANENT', heard, current })
  }
  return {
    id,
    index,
    name,
    kind,
    mac,
    mtu,
    up,
    hairpin,
    addresses,
    neighbours,
    fdb: [...link.fdb],
    ...(link.noarp ? { noarp: true as const } : {}),
    ...(link.tc.ingress !== undefined || link.tc.egress !== undefined ? { tc: link.tc } : {}),
    ...(link.peer ? { peer: link.peer.id } : {}),
    ...(link.segment ? { segment: link.segment.name } : {}),
    ...(link.master ? { master: link.master.id } : {}),
    ...(link.vxlan ? { vxlan: link.vxlan } : {}),
    ...(link.ipip ? { ipip: link.ipip } : {}),
    counters: { ...link.counters },
  }
}

export function restoreNetwork(network: Network, snapshot: NetworkSnapshot): void {
  network.reset(snapshot.counters)
  restoreSegments(network, snapshot)
  for (const machine of network.machines()) {
    if (!snapshot.machines.some(({ name }) => name === machine.name)) network.removeMachine(machine.name)
  }
  const links = new Map<number, Link>()
  const pending: (() => void)[] = []
  for (const saved of snapshot.machines) {
    const machine = network.machine(saved.name) ?? network.addMachine(saved.name)
    restoreMachine(network, machine, saved, links, pending)
  }
  // Peers, masters and segments once every interface is there.
  for (const task of pending) task()
  network.reset(snapshot.counters)
}

function restoreSegments(network: Network, snapshot: NetworkSnapshot): void {
  for (const segment of network.segments())
    if (!snapshot.segments.some(({ name }) => name === segment.name)) network.removeSegment(segment.name)
  for (const { name, mtu, latency, down } of snapshot.segments) {
    const segment = network.segment(name) ?? network.addSegment(name, { latency })
    segment.links.length = 0
    segment.mtu = mtu
    segment.latency = latency
    segment.down = down
  }
}

function restoreMachine(
  network: Network,
  machine: Machine,
  saved: MachineSnapshot,
  links: Map<number, Link>,
  pending: (() => void)[],
): void {
  for (const namespace of machine.namespaces()) {
    if (saved.namespaces.some(({ name }) => name === namespace.name)) continue
    namespace.dropSockets()
    machine.removeNamespace(namespace.name)
  }
  for (const data of saved.namespaces) {
    const namespace = machine.namespace(data.name) ?? machine.addNamespace(data.name)
    const restored = data.links.map((link) => restoreLink(network, namespace, link, links, pending))
    namespace.load(restored, data.nextIndex, data.sysctls)
    namespace.routing.load(data.routes, data.rules)
    namespace.netfilter.load(data.tables, data.sets, data.recent)
    namespace.netfilter.conntrack.load(data.conntrack)
    namespace.ip.load(data.pathMtus)
  }
  machine.bpf.load(saved.bpf)
  machine.down = saved.down
}

function restoreLink(
  network: Network,
  namespace: NetworkNamespace,
  saved: LinkSnapshot,
  links: Map<number, Link>,
  pending: (() => void)[],
): Link {
  const { id, index, name, kind, mac, mtu, up, hairpin, noarp = false, tc = {}, addresses, vxlan, ipip } = saved
  const link = newLink({
    id,
    index,
    name,
    kind,
    namespace,
    mac,
    mtu,
    up,
    hairpin,
    noarp,
    tc,
    addresses,
    vxlan,
    ipip,
    counters: { ...saved.counters },
  })
  for (const { address, mac: known, permanent, heard, current } of saved.neighbours) {
    const state = permanent ? 'PERMANENT' : 'REACHABLE'
    // What was up to date then still is, until the next change.
    const topology = current ? network.topology + 1 : -1
    link.neighbours.set(address, { address, mac: known, state, heard, topology, waiting: [], timer: undefined })
  }
  for (const [key, entries] of saved.fdb) link.fdb.set(key, entries)
  links.set(id, link)
  pending.push(() => {
    if (saved.peer !== undefined) link.peer = links.get(saved.peer)
    if (saved.segment !== undefined) {
      link.segment = network.segment(saved.segment)
      link.segment?.links.push(link)
    }
    if (saved.master !== undefined) {
      link.master = links.get(saved.master)
      link.master?.ports.push(link)
    }
  })
  return link
}
