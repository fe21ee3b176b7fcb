import type { Link } from '../../network/link.ts'
import type { NetworkNamespace } from '../../network/namespace.ts'
import type { Backend, BackendMaker } from './flanneld.ts'
import type { Lease } from './lease.ts'

/** IP 20, UDP 8, VXLAN 8 and the inner Ethernet header 14. */
const overhead = 50
const kernelPort = 8472

/** Flannel's VXLAN backend: one device, and per other node a route, a permanent neighbour and a forwarding entry. */
export const vxlan: BackendMaker = ({ namespace, network, cidr, resumed, log }): Backend => {
  const { vni, port, directRouting, learning } = network
  const name = `flannel.${vni}`
  if (!resumed) {
    log('I', 'vxlan.go:128', `VXLAN config: VNI=${vni} Port=${port} GBP=false Learning=${learning} DirectRouting=${directRouting}`)
    const mtu = (network.mtu ?? namespace.needLink('eth0').mtu) - overhead
    const local = namespace.link('eth0')?.addresses[0]?.address ?? ''
    const wanted = { id: vni, local, port: port || kernelPort, dev: 'eth0', learning }
    const found = namespace.link(name)
    const difference = found && incompatible(found, port)
    if (difference) {
      log('W', 'device.go:102', `"${name}" already exists with incompatible configuration: ${difference}; recreating device`)
      namespace.removeLink(name)
    }
    if (!found || difference) namespace.addVxlan(name, wanted, { mtu })
    const address = `${cidr.split('/')[0]}/32`
    const device = namespace.needLink(name)
    for (const other of device.addresses) {
      if (`${other.address}/${other.length}` !== address) namespace.removeAddress(name, `${other.address}/${other.length}`)
    }
    if (device.addresses.length === 0) namespace.addAddress(name, address)
    namespace.setLink(name, { up: true })
  }
  const device = namespace.needLink(name)
  return {
    type: 'vxlan',
    mtu: device.mtu,
    data: JSON.stringify({ VNI: vni, VtepMAC: device.mac }),
    watching() {
      log('I', 'vxlan_network.go:68', 'watching for new subnet leases')
      log('I', 'vxlan_network.go:115', 'starting vxlan device watcher')
    },
    foreign: ({ subnet, backendType }) =>
      log('W', 'vxlan_network.go:267', `ignoring non-vxlan v4Subnet(${subnet}) v6Subnet(::/0): type=${backendType}`),
    join(lease) {
      log(
        'I',
        'vxlan_network.go:265',
        `Received Subnet Event with VxLan: BackendType: vxlan, PublicIP: ${lease.publicIp}, PublicIPv6: (nil), BackendData: ${lease.backendData}, BackendV6Data: (nil)`,
      )
      if (directRouting && isDirect(namespace, lease.publicIp)) {
        namespace.routing.add({ dst: lease.subnet, via: lease.publicIp, protocol: 'boot' }, true)
        return
      }
      const { gateway, mac } = vtepOf(lease)
      namespace.setNeighbour(name, gateway, mac)
      namespace.addFdb(name, { mac, remote: lease.publicIp }, true)
      namespace.routing.add({ dst: lease.subnet, via: gateway, dev: name, onlink: true, protocol: 'boot' }, true)
    },
    leave(lease) {
      namespace.routing.remove({ dst: lease.subnet })
      if (directRouting && isDirect(namespace, lease.publicIp)) return
      const { gateway, mac } = vtepOf(lease)
      namespace.removeFdb(name, mac, lease.publicIp)
      namespace.removeNeighbour(name, gateway)
    },
  }
}

/** What of an existing device does not fit; ports are compared where one is asked for (vxlanLinksIncompat). */
function incompatible({ vxlan: existing }: Link, port: number): string | undefined {
  if (!existing) return 'link type: not vxlan'
  return port > 0 && existing.port !== port ? `port: ${port} vs ${existing.port}` : undefined
}

function vtepOf({ subnet, backendData }: Lease): { gateway: string; mac: string } {
  const { VtepMAC: mac } = JSON.parse(backendData) as { VtepMAC: string }
  return { gateway: subnet.split('/')[0] as string, mac }
}

/** On the same segment: no gateway on the way. */
function isDirect(namespace: NetworkNamespace, address: string): boolean {
  const decision = namespace.routing.lookup({ dst: address })
  return decision !== undefined && decision.route.via === undefined
}
