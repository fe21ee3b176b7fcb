import type { NetworkNamespace } from '../../../network/namespace.ts'
import type { Rule } from '../../../network/netfilter/rule.ts'
import type { NewRoute, Route } from '../../../network/routing.ts'
import { tunnelDevice } from '../datapath/deliver.ts'
import { fromNetdev, toNetdev } from '../datapath/node-port.ts'
import { fromHost, fromOverlay } from '../datapath/overlay.ts'
import { socketServices } from '../datapath/services.ts'

export const hostDevice = 'cilium_host'
const netDevice = 'cilium_net'
/** What VXLAN costs. */
export const tunnelOverhead = 50

export interface NodeNetwork {
  readonly router: string
  readonly podCidr: string
  readonly device: string
  readonly tunnelPort: number
}

/** The node's own devices with the programs at them, as pkg/datapath/loader leaves them. What is there already stays. */
export function installDevices(host: NetworkNamespace, { router, device, tunnelPort }: NodeNetwork): void {
  const mtu = host.link(device)?.mtu ?? 1500
  if (!host.link(hostDevice)) {
    host.addVeth(hostDevice, host, netDevice, { mtu })
    for (const name of [hostDevice, netDevice]) host.setLink(name, { up: true, noarp: true })
  }
  const known = host.needLink(hostDevice).addresses
  for (const { address, length } of known) if (address !== router) host.removeAddress(hostDevice, `${address}/${length}`)
  if (!known.some(({ address }) => address === router)) host.addAddress(hostDevice, `${router}/32`)
  if (!host.link(tunnelDevice)) {
    host.addVxlan(tunnelDevice, { external: true, id: 0, local: '', port: tunnelPort, learning: false }, { mtu })
    host.setLink(tunnelDevice, { up: true })
  }
  for (const name of [hostDevice, netDevice, tunnelDevice]) host.setSysctl(`net.ipv4.conf.${name}.rp_filter`, '0')
  host.setSysctl('net.ipv4.conf.all.rp_filter', '0')
  host.setSysctl('net.ipv4.ip_forward', '1')
  host.attachTc(hostDevice, 'egress', fromHost.id)
  host.attachTc(tunnelDevice, 'ingress', fromOverlay.id)
  host.attachTc(device, 'ingress', fromNetdev.id)
  host.attachTc(device, 'egress', toNetdev.id)
  for (const hook of ['connect4', 'getpeername4', 'sendmsg4', 'recvmsg4'] as const) host.machine.bpf.attachCgroup(hook, socketServices.id)
}

/** Routes to the pods of every node: all lead to cilium_host, whose program knows the tunnel ends. */
export function syncRoutes(host: NetworkNamespace, { router, podCidr, device }: NodeNetwork, others: readonly string[]): void {
  const mtu = (host.link(device)?.mtu ?? 1500) - tunnelOverhead
  const common = { dev: hostDevice, protocol: 'kernel', src: router } as const
  const wanted: NewRoute[] = [
    { dst: `${router}/32`, dev: hostDevice, protocol: 'kernel', scope: 'link' },
    { ...common, dst: podCidr, via: router },
    ...others.map((dst): NewRoute => ({ ...common, dst, via: router, mtu })),
  ]
  const same = (route: Route, one: NewRoute) =>
    route.dst === one.dst && route.via === one.via && route.mtu === one.mtu && route.src === one.src
  const own = host.routing.routes.filter(({ dev, table }) => dev === hostDevice && table === 'main')
  for (const route of own) if (!wanted.some((one) => same(route, one))) host.routing.remove(route)
  for (const one of wanted) if (!own.some((route) => same(route, one))) host.routing.add(one, true)
}

const comment = (text: string) => ({ match: 'comment', comment: text }) as const
const accept = { target: 'ACCEPT' } as const

/** Cilium's few rules of iptables (pkg/datapath/iptables): what leaves the cluster does so under the node's address. */
export function installRules({ netfilter }: NetworkNamespace, { router, podCidr }: NodeNetwork, clusterCidr: string): void {
  const forward: Rule[] = [
    { outInterface: hostDevice, matches: [comment('cilium: any->cluster on cilium_host forward accept')], target: accept },
    { inInterface: hostDevice, matches: [comment('cilium: cluster->any on cilium_host forward accept (nodeport)')], target: accept },
    { inInterface: 'lxc+', matches: [comment('cilium: cluster->any on lxc+ forward accept')], target: accept },
    { inInterface: netDevice, matches: [comment('cilium: cluster->any on cilium_net forward accept (nodeport)')], target: accept },
  ]
  const masquerade: Rule[] = [
    {
      source: podCidr,
      destination: `!${clusterCidr}`,
      outInterface: '!cilium_+',
      matches: [comment('cilium masquerade non-cluster')],
      target: { target: 'MASQUERADE' },
    },
    {
      source: '127.0.0.1/32',
      outInterface: hostDevice,
      matches: [comment('cilium host->cluster from 127.0.0.1 masquerade')],
      target: { target: 'SNAT', to: router },
    },
  ]
  keep('filter', 'FORWARD', 'CILIUM_FORWARD', forward)
  keep('nat', 'POSTROUTING', 'CILIUM_POST_nat', masquerade)

  function keep(table: 'filter' | 'nat', base: string, chain: string, rules: readonly Rule[]): void {
    const there = netfilter.chain(table, chain)
    if (!there) netfilter.addChain(table, chain)
    if (JSON.stringify(there?.rules) !== JSON.stringify(rules)) netfilter.setRules(table, chain, rules)
    const feeder: Rule = { matches: [comment(`cilium-feeder: ${chain}`)], target: { target: 'jump', chain } }
    const hooks = netfilter.chain(table, base)?.rules ?? []
    if (!hooks.some((rule) => rule.target?.target === 'jump' && rule.target.chain === chain))
      netfilter.setRules(table, base, [feeder, ...hooks])
  }
}
