import type { NetworkNamespace } from '../../network/namespace.ts'
import type { Backend, NetworkConfiguration } from './flanneld.ts'

/** Flannel's VXLAN backend: one device, and per other node a route, a permanent neighbour and a forwarding entry. */
export function vxlan(namespace: NetworkNamespace, network: NetworkConfiguration, cidr: string, resumed: boolean): Backend {
  const id = network.Backend?.VNI ?? 1
  const name = `flannel.${id}`
  const base = cidr.split('/')[0] as string
  if (!resumed && !namespace.link(name)) {
    const local = namespace.link('eth0')?.addresses[0]?.address ?? ''
    namespace.addVxlan(name, { id, local, port: network.Backend?.Port ?? 8472, dev: 'eth0', learning: false })
    namespace.addAddress(name, `${base}/32`)
    namespace.setLink(name, { up: true })
  }
  const device = namespace.needLink(name)
  return {
    type: 'vxlan',
    mtu: device.mtu,
    data: JSON.stringify({ VNI: id, VtepMAC: device.mac }),
    join(lease) {
      const gateway = lease.subnet.split('/')[0] as string
      const { VtepMAC: mac } = JSON.parse(lease.backendData) as { VtepMAC: string }
      namespace.setNeighbour(name, gateway, mac)
      namespace.addFdb(name, { mac, remote: lease.publicIp }, true)
      namespace.routing.add({ dst: lease.subnet, via: gateway, dev: name, onlink: true, protocol: 'boot' }, true)
    },
    leave(lease) {
      const gateway = lease.subnet.split('/')[0] as string
      const { VtepMAC: mac } = JSON.parse(lease.backendData) as { VtepMAC: string }
      namespace.routing.remove({ dst: lease.subnet })
      namespace.removeFdb(name, mac, lease.publicIp)
      namespace.removeNeighbour(name, gateway)
    },
  }
}
