import { type CniCall, CniError, type CniPlugin, type CniResult } from '../process.ts'
import { weaveBridge } from './datapath.ts'

const weaver = { host: '127.0.0.1', port: 6784 }

/**
 * weave-net: a veth pair on the bridge `weave`, with an address that weaver gives. Follows weave 2.8's plugin/net. What must wait for other
 * peers fails here, and the kubelet tries again.
 */
export const weaveNet: CniPlugin = {
  kind: 'cni',
  id: 'weave/weave-net',
  add(call): CniResult {
    const { config, containerId, host, interfaceName, namespace } = call
    for (const option of ['isGateway', 'ipMasq'] as const) {
      const what = option === 'isGateway' ? 'Gateway' : 'IP Masquerading'
      if (config[option]) throw new CniError(100, `${what} functionality not supported`)
    }
    const bridgeName = String(config['bridge'] ?? weaveBridge)
    const address = allocated(call, containerId)
    const bridge = host.link(bridgeName)
    if (!bridge) throw new CniError(100, `Failed to get netdev for "${bridgeName}" bridge: Link not found`)
    const gateway = bridge.addresses[0]?.address
    if (!gateway) throw new CniError(100, 'unable to allocate IP address for bridge: the simulated weaver has not exposed its bridge yet')
    const mtu = Number(config['mtu'] || bridge.mtu)
    const name = `vethwepl${containerId.slice(0, 7)}`
    const link = host.addVeth(name, namespace, interfaceName, { mtu })
    host.setLink(name, { master: bridgeName, hairpin: config['hairpinMode'] !== false })
    namespace.setLink(interfaceName, { up: true })
    host.setLink(name, { up: true })
    namespace.addAddress(interfaceName, address)
    namespace.routing.add({ dst: '0.0.0.0/0', via: gateway, dev: interfaceName, protocol: 'boot' })
    return {
      interfaces: [{ name }, { name: interfaceName, mac: link.peer?.mac ?? '', sandbox: namespace.name }],
      ips: [{ address, gateway }],
      routes: [],
    }
  },
  del(call) {
    if (call.namespace.link(call.interfaceName)) call.namespace.removeLink(call.interfaceName)
    const { status, body } = asked(call, 'DELETE', `/ip/${call.containerId}`)
    if (status >= 300 && !body.includes('no addresses for')) throw new CniError(100, `${status}: ${body}`)
  },
}

function allocated(call: CniCall, ident: string): string {
  const prefix = 'unable to allocate IP address: '
  const { status, body } = asked(call, 'POST', `/ip/${ident}`, prefix)
  if (status !== 200) throw new CniError(100, `${prefix}${status === 503 ? 'the simulated weaver waits for other peers' : body}`)
  return body
}

function asked(call: CniCall, method: string, path: string, prefix = '') {
  try {
    return call.request(weaver, method, path)
  } catch (error) {
    throw new CniError(100, `${prefix}${error instanceof Error ? error.message : String(error)}`)
  }
}
