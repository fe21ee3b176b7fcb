import type { NetworkNamespace } from '../../network/namespace.ts'
import type { Backend, NetworkConfiguration } from './flanneld.ts'

/** Flannel's host-gw backend: plain routes by the other nodes' addresses; works only where all nodes share a segment. */
export function hostGateway(namespace: NetworkNamespace, _network: NetworkConfiguration, _cidr: string, _resumed: boolean): Backend {
  return {
    type: 'host-gw',
    mtu: namespace.link('eth0')?.mtu ?? 1500,
    data: 'null',
    join: (lease) => namespace.routing.add({ dst: lease.subnet, via: lease.publicIp, dev: 'eth0', protocol: 'boot' }, true),
    leave: (lease) => namespace.routing.remove({ dst: lease.subnet }),
  }
}
