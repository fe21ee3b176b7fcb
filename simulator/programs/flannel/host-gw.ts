import { KernelError } from '../../network/kernel-error.ts'
import type { Backend, BackendMaker } from './flanneld.ts'

/** Flannel's host-gw backend: plain routes by the other nodes' addresses; works only where all nodes share a segment. */
export const hostGateway: BackendMaker = ({ namespace, log }): Backend => {
  const link = namespace.needLink('eth0')
  return {
    type: 'host-gw',
    mtu: link.mtu,
    data: 'null',
    watching: () => log('I', 'route_network.go:56', 'Watching for new subnet leases'),
    foreign: ({ backendType }) => log('W', 'route_network.go:88', `Ignoring non-host-gw subnet: type=${backendType}`),
    join({ subnet, publicIp }) {
      log('I', 'route_network.go:93', `Subnet added: ${subnet} via ${publicIp}`)
      try {
        namespace.routing.add({ dst: subnet, via: publicIp, dev: 'eth0', protocol: 'boot' }, true)
      } catch (error) {
        if (!(error instanceof KernelError)) throw error
        const route = `{Ifindex: ${link.index} Dst: ${subnet} Src: <nil> Gw: ${publicIp} Flags: [] Table: 0 Realm: 0}`
        log('E', 'route_network.go:168', `Error adding route to ${route}: ${error.strerror.toLowerCase()}`)
      }
    },
    leave({ subnet, publicIp }) {
      log('I', 'route_network.go:113', `Subnet removed: ${subnet}`)
      if (namespace.routing.routes.some(({ dst, via }) => dst === subnet && via === publicIp)) namespace.routing.remove({ dst: subnet })
      else log('E', 'route_network.go:120', `Error deleting route to ${subnet}: no such process`)
    },
  }
}
