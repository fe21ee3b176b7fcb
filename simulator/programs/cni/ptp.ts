import { type CniCall, CniError, type CniPlugin, type CniResult } from '../process.ts'
import { defaultMtu, vethPair } from './veth.ts'

/** A veth pair per pod, routed: the gateway's address sits on every host end. Follows containernetworking/plugins' ptp. */
export const ptp: CniPlugin = {
  kind: 'cni',
  id: 'cni/ptp',
  add(call): CniResult {
    const { config, namespace, host, interfaceName } = call
    const ipam = config['ipam'] as { type: string } | undefined
    if (!ipam?.type) throw new CniError(7, 'missing ipam type')
    const leased = call.delegate(ipam.type, config)
    const pair = vethPair(call, Number(config['mtu'] || defaultMtu(call)))
    for (const { address, gateway } of leased.ips) {
      if (!gateway) throw new CniError(100, `no gateway for ${address}`)
      const [own] = address.split('/') as [string]
      namespace.addAddress(interfaceName, address)
      // The kernel's route to the whole subnet would make the pod look for its neighbours on the wire; all goes through the gateway instead.
      const subnet = namespace.routing.routes.find(
        (route) => route.dev === interfaceName && route.protocol === 'kernel' && route.table === 'main',
      )
      if (subnet) namespace.routing.remove({ dst: subnet.dst, dev: interfaceName })
      namespace.routing.add({ dst: `${gateway}/32`, dev: interfaceName, scope: 'link', src: own, protocol: 'boot' })
      if (subnet) namespace.routing.add({ dst: subnet.dst, via: gateway, dev: interfaceName, src: own, protocol: 'boot' })
      host.addAddress(pair.host, `${gateway}/32`)
      host.routing.add({ dst: `${own}/32`, dev: pair.host, scope: 'host', protocol: 'boot' })
      for (const { dst, gw } of leased.routes) namespace.routing.add({ dst, via: gw ?? gateway, dev: interfaceName, protocol: 'boot' })
    }
    host.setSysctl('net.ipv4.ip_forward', '1')
    return { ...leased, interfaces: [{ name: pair.host }, { name: interfaceName, mac: pair.mac, sandbox: namespace.name }] }
  },
  del(call: CniCall) {
    const ipam = call.config['ipam'] as { type: string } | undefined
    if (ipam?.type) call.delegateDel(ipam.type, call.config)
    if (call.namespace.link(call.interfaceName)) call.namespace.removeLink(call.interfaceName)
  },
}
