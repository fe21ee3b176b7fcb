import { floodMac } from '../../network/link.ts'
import type { NetworkNamespace } from '../../network/namespace.ts'

export const weaveBridge = 'weave'
const datapath = 'datapath'
const tunnel = 'vxlan-6784'
const sleeve = 'sleeve'
export const meshPort = 6783
export const fastPort = meshPort + 1

/** What the kernel gives the device of an Open vSwitch VXLAN port. */
const portMtu = 65_535
/** Open vSwitch tells flows apart by who sends to whom; one number does for a device that learns. */
const network = 1

export type Overlay = 'fastdp' | 'sleeve'

/**
 * The devices of a node: the bridge `weave` for pods, and behind it the datapath with its VXLAN port. Follows weave 2.8's net/bridge (type
 * bridged_fastdp). What weaver's user space carries in sleeve mode goes through a device of its own.
 */
export function ensureDevices(namespace: NetworkNamespace, mac: string, mtu: number, local: string): void {
  if (!namespace.link(datapath)) namespace.addDatapath(datapath, { mtu })
  namespace.setLink(datapath, { mtu })
  if (!namespace.link(weaveBridge)) namespace.addBridge(weaveBridge, { mtu, mac })
  if (!namespace.link('vethwe-bridge')) {
    namespace.addVeth('vethwe-bridge', namespace, 'vethwe-datapath', { mtu })
    namespace.setLink('vethwe-bridge', { master: weaveBridge })
    namespace.setLink('vethwe-datapath', { up: true, master: datapath })
    namespace.setLink('vethwe-bridge', { up: true })
  }
  namespace.setLink(datapath, { up: true })
  // A restarted weaver takes the old ports away, and with them all that they had learnt.
  for (const name of [tunnel, sleeve]) if (namespace.link(name)) namespace.removeLink(name)
  addTunnel(namespace, tunnel, local, fastPort)
  namespace.setLink(weaveBridge, { up: true })
}

function addTunnel(namespace: NetworkNamespace, name: string, local: string, port: number): void {
  const df = port === fastPort ? ({ df: true } as const) : {}
  namespace.addVxlan(name, { id: network, local, port, learning: true, ...df }, { mtu: portMtu })
  namespace.setLink(name, { master: datapath, up: true })
}

/** Frames for pods of a peer, and those for everybody, go there from now on. */
export function joinPeer(namespace: NetworkNamespace, overlay: Overlay, local: string, remote: string, encrypted: boolean): void {
  leavePeer(namespace, remote)
  if (overlay === 'sleeve' && !namespace.link(sleeve)) addTunnel(namespace, sleeve, local, meshPort)
  const esp = encrypted && overlay === 'fastdp' ? ({ esp: true } as const) : {}
  namespace.addFdb(overlay === 'fastdp' ? tunnel : sleeve, { mac: floodMac, remote, ...esp })
}

/** Nothing goes to a peer any more, and what was learnt of it is forgotten. */
export function leavePeer(namespace: NetworkNamespace, remote: string): void {
  for (const name of [tunnel, sleeve]) {
    const link = namespace.link(name)
    if (!link) continue
    const macs = [...link.fdb].filter(([, entries]) => entries.some((entry) => entry.remote === remote)).map(([mac]) => mac)
    for (const mac of macs) {
      namespace.removeFdb(name, mac, remote)
      const switched = namespace.link(datapath)
      if (mac !== floodMac && switched?.fdb.has(mac)) namespace.removeFdb(datapath, mac)
    }
  }
}

export function datapathMtu(namespace: NetworkNamespace): number {
  return namespace.link(datapath)?.mtu ?? 1500
}
