import type { Node } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../../kubernetes.ts'
import { parsePrefix, prefixContains } from '../../../network/address.ts'
import type { NetworkNamespace } from '../../../network/namespace.ts'
import type { NewRoute } from '../../../network/routing.ts'
import type { InformerCache } from '../../informers.ts'
import { type IPAMBlock, type IPPool, isUsable, resources } from '../datastore.ts'
import { vtepMac } from '../names.ts'
import { syncRoutes } from './kernel-routes.ts'
import { ownSets, type Tunnels, vxlanPort } from './static-chains.ts'

type NodeObject = Node & KubeObject
const vxlanDevice = 'vxlan.calico'
const ipipDevice = 'tunl0'
/** The kernel's number of Felix's own routes (dataplanedefs.VXLANDefaultProto). */
const felixProtocol = 80

/** A node as Calico knows it, from the annotations that its calico-node writes. */
interface Peer {
  readonly name: string
  readonly address: string
  /** With prefix length: `172.18.0.3/16`. */
  readonly cidr: string
  readonly vxlan: string | undefined
  readonly ipip: string | undefined
}

export function tunnelsOf(pools: readonly IPPool[]): Tunnels {
  const enabled = (mode: string | undefined) => mode === 'Always' || mode === 'CrossSubnet'
  return {
    vxlan: pools.some(({ spec }) => enabled(spec.vxlanMode)),
    ipip: pools.some(({ spec }) => enabled(spec.ipipMode)),
  }
}

/** Felix's tunnels: IPIP's device, whose routes are BIRD's, and VXLAN with its routes. */
export function syncTunnels(namespace: NetworkNamespace, api: InformerCache, node: string): void {
  const own = api
    .list<NodeObject>('nodes')
    .flatMap((object) => peerOf(object) ?? [])
    .find(({ name }) => name === node)
  const { ipip } = tunnelsOf(api.list<IPPool>(resources.pools).filter(isUsable))
  if (ipip && own?.ipip) ensureIpip(namespace, own.address, own.ipip)
  else if (!ipip) clearAddresses(namespace, ipipDevice)
  syncVxlan(namespace, api, node)
}

function clearAddresses(namespace: NetworkNamespace, device: string): void {
  for (const { address, length } of namespace.link(device)?.addresses ?? []) namespace.removeAddress(device, `${address}/${length}`)
}

function ensureIpip(namespace: NetworkNamespace, local: string, address: string): void {
  if (!namespace.link(ipipDevice)) {
    namespace.addIpip(ipipDevice, { local }, { mtu: (namespace.link('eth0')?.mtu ?? 1500) - 20 })
  }
  const device = namespace.needLink(ipipDevice)
  if (!device.up) namespace.setLink(ipipDevice, { up: true })
  for (const { address: other, length } of device.addresses) {
    if (other !== address) namespace.removeAddress(ipipDevice, `${other}/${length}`)
  }
  if (namespace.needLink(ipipDevice).addresses.length === 0) namespace.addAddress(ipipDevice, `${address}/32`)
}

/** Felix's VXLAN manager: the device, its neighbours and forwarding entries, and a route for each other node's block. */
function syncVxlan(namespace: NetworkNamespace, api: InformerCache, node: string): void {
  const pools = api.list<IPPool>(resources.pools).filter(isUsable)
  const peers = api.list<NodeObject>('nodes').flatMap((object) => peerOf(object) ?? [])
  const own = peers.find(({ name }) => name === node)
  syncSets(namespace, pools, peers, node)
  if (!tunnelsOf(pools).vxlan) {
    // Felix starts anew where the last pool with a tunnel is gone, and clears away the device.
    if (namespace.link(vxlanDevice)) namespace.removeLink(vxlanDevice)
    return syncRoutes(namespace, felixProtocol, [])
  }
  if (!own?.vxlan) return
  ensureDevice(namespace, own)
  const others = peers.filter(({ name, vxlan }) => name !== node && vxlan)
  syncNeighbours(namespace, others)
  const routes: NewRoute[] = []
  for (const { spec } of api.list<IPAMBlock>(resources.blocks)) {
    const pool = pools.find((candidate) => contains(candidate.spec.cidr, spec.cidr))
    if (pool?.spec.vxlanMode !== 'Always' && pool?.spec.vxlanMode !== 'CrossSubnet') continue
    if (spec.affinity === `host:${node}`) {
      // What goes to nobody of this block must not go out by the default route.
      routes.push({ dst: spec.cidr, type: 'blackhole' })
      continue
    }
    const peer = others.find(({ name }) => spec.affinity === `host:${name}`)
    if (!peer?.vxlan) continue
    const near = pool.spec.vxlanMode === 'CrossSubnet' && contains(own.cidr, peer.cidr)
    routes.push(
      near
        ? { dst: spec.cidr, via: peer.address, dev: 'eth0', onlink: true }
        : { dst: spec.cidr, via: peer.vxlan, dev: vxlanDevice, onlink: true },
    )
  }
  syncRoutes(namespace, felixProtocol, routes)
}

function peerOf({ metadata }: NodeObject): Peer | undefined {
  const cidr = metadata?.annotations?.['projectcalico.org/IPv4Address']
  if (!cidr) return undefined
  return {
    name: metadata?.name ?? '',
    cidr,
    address: cidr.split('/')[0]!,
    vxlan: metadata?.annotations?.['projectcalico.org/IPv4VXLANTunnelAddr'],
    ipip: metadata?.annotations?.['projectcalico.org/IPv4IPIPTunnelAddr'],
  }
}

function ensureDevice(namespace: NetworkNamespace, own: Peer): void {
  if (!namespace.link(vxlanDevice)) {
    namespace.addVxlan(
      vxlanDevice,
      { id: 4096, local: own.address, port: vxlanPort, dev: 'eth0', learning: false },
      { mac: vtepMac(own.name) },
    )
  }
  const device = namespace.needLink(vxlanDevice)
  if (!device.up) namespace.setLink(vxlanDevice, { up: true })
  for (const { address, length } of device.addresses) {
    if (address !== own.vxlan) namespace.removeAddress(vxlanDevice, `${address}/${length}`)
  }
  if (namespace.needLink(vxlanDevice).addresses.length === 0) namespace.addAddress(vxlanDevice, `${own.vxlan}/32`)
}

function syncNeighbours(namespace: NetworkNamespace, others: readonly Peer[]): void {
  const device = namespace.needLink(vxlanDevice)
  const wanted = new Map(others.map((peer) => [peer.vxlan!, peer]))
  for (const [address, { mac }] of [...device.neighbours]) {
    if (wanted.has(address)) continue
    namespace.removeNeighbour(vxlanDevice, address)
    if (mac && device.fdb.has(mac)) namespace.removeFdb(vxlanDevice, mac)
  }
  for (const [address, peer] of wanted) {
    const mac = vtepMac(peer.name)
    if (device.neighbours.get(address)?.mac !== mac) namespace.setNeighbour(vxlanDevice, address, mac)
    const [entry] = device.fdb.get(mac) ?? []
    if (entry?.remote !== peer.address) namespace.addFdb(vxlanDevice, { mac, remote: peer.address }, true)
  }
}

function syncSets(namespace: NetworkNamespace, pools: readonly IPPool[], peers: readonly Peer[], node: string): void {
  const set = (name: string, members: readonly string[]) => {
    const sorted = [...members].sort()
    const before = namespace.netfilter.sets[name]
    if (before?.members.join() !== sorted.join() || !before) namespace.netfilter.setSet({ name, type: 'hash:net', members: sorted })
  }
  set(
    ownSets.allPools,
    pools.map(({ spec }) => spec.cidr),
  )
  set(
    ownSets.masqueradedPools,
    pools.filter(({ spec }) => spec.natOutgoing).map(({ spec }) => spec.cidr),
  )
  set(
    ownSets.vxlanHosts,
    peers.filter(({ name, vxlan }) => name !== node && vxlan).map(({ address }) => address),
  )
  set(
    ownSets.hosts,
    peers.map(({ address }) => address),
  )
}

function contains(cidr: string, other: string): boolean {
  return prefixContains(parsePrefix(cidr), other.split('/')[0]!)
}
