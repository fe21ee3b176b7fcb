import { type CniCall, CniError, type CniPlugin, type CniResult } from '../process.ts'
import { defaultMtu, vethPair } from './veth.ts'

interface BridgeConfig {
  readonly bridge?: string
  readonly isGateway?: boolean
  readonly isDefaultGateway?: boolean
  readonly hairpinMode?: boolean
  readonly ipMasq?: boolean
  readonly mtu?: number
  readonly ipam?: { readonly type: string }
}

/** Pods of a node on one bridge. Follows containernetworking/plugins' bridge; VLANs and promiscuous mode are refused. */
export const bridge: CniPlugin = {
  kind: 'cni',
  id: 'cni/bridge',
  add(call): CniResult {
    const { namespace, host, interfaceName } = call
    const config = call.config as unknown as BridgeConfig & Record<string, unknown>
    for (const option of ['vlan', 'vlanTrunk', 'promiscMode', 'macspoofchk', 'ipMasq'] as const) {
      if (config[option]) throw new CniError(7, `the simulated cluster does not model the bridge plugin's option ${option}`)
    }
    if (!config.ipam?.type) throw new CniError(7, 'missing ipam type')
    const name = config.bridge ?? 'cni0'
    const mtu = Number(config.mtu || defaultMtu(call))
    const made = ensureBridge(call, name, mtu)
    const leased = call.delegate(config.ipam.type, call.config)
    const pair = vethPair(call, mtu)
    host.setLink(pair.host, { master: name, hairpin: config.hairpinMode ?? false })
    const gatewayWanted = config.isGateway || config.isDefaultGateway
    for (const { address, gateway } of leased.ips) {
      namespace.addAddress(interfaceName, address)
      if (!gateway) continue
      if (gatewayWanted) {
        const length = address.split('/')[1]
        const wanted = `${gateway}/${length}`
        const existing = host.needLink(name).addresses.find((known) => known.scope === 'global')
        if (!existing) host.addAddress(name, wanted)
        else if (existing.address !== gateway) {
          throw new CniError(100, `failed to set bridge addr: "${name}" already has an IP address different from ${wanted}`)
        }
      }
      if (config.isDefaultGateway) namespace.routing.add({ dst: '0.0.0.0/0', via: gateway, dev: interfaceName, protocol: 'boot' })
      for (const { dst, gw } of leased.routes) {
        if (dst === '0.0.0.0/0' && config.isDefaultGateway) continue
        namespace.routing.add({ dst, via: gw ?? gateway, dev: interfaceName, protocol: 'boot' })
      }
    }
    if (gatewayWanted) host.setSysctl('net.ipv4.ip_forward', '1')
    return {
      ...leased,
      interfaces: [{ name, mac: made }, { name: pair.host }, { name: interfaceName, mac: pair.mac, sandbox: namespace.name }],
    }
  },
  del(call: CniCall) {
    const ipam = (call.config as unknown as BridgeConfig).ipam
    if (ipam?.type) call.delegateDel(ipam.type, call.config)
    if (call.namespace.link(call.interfaceName)) call.namespace.removeLink(call.interfaceName)
  },
}

function ensureBridge({ host }: CniCall, name: string, mtu: number): string {
  const found = host.link(name)
  if (found && found.kind !== 'bridge') throw new CniError(100, `"${name}" already exists but is not a bridge`)
  const link = found ?? host.addBridge(name, { mtu })
  host.setLink(name, { up: true })
  return link.mac
}
