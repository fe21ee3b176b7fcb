import type { Netfilter } from '../../network/netfilter/netfilter.ts'
import type { Match, Rule } from '../../network/netfilter/rule.ts'
import { type CniCall, CniError, type CniPlugin } from '../process.ts'

interface Mapping {
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: string
  readonly hostIP?: string
}

const comment = (text: string): Match => ({ match: 'comment', comment: text })
const mark = 0x2000

/** Container ports with a `hostPort` on the node. Follows containernetworking/plugins' portmap over iptables. */
export const portmap: CniPlugin = {
  kind: 'cni',
  id: 'cni/portmap',
  add(call) {
    const { previous } = call
    if (!previous) throw new CniError(7, 'must be called as chained plugin')
    const mappings = (call.config['runtimeConfig'] as { portMappings?: Mapping[] } | undefined)?.portMappings ?? []
    if (mappings.length === 0) return previous
    const address = previous.ips[0]?.address.split('/')[0]
    if (!address) throw new CniError(7, 'required prevResult has no IP address')
    const { netfilter } = call.host
    install(netfilter)
    const chain = chainOf(call)
    netfilter.addChain('nat', chain)
    netfilter.setRules(
      'nat',
      chain,
      mappings.flatMap((mapping) => rulesOf(mapping, address)),
    )
    netfilter.append('nat', 'CNI-HOSTPORT-DNAT', {
      matches: [
        comment(`dnat name: "${call.config['name']}" id: "${call.containerId}"`),
        { match: 'multiport', dports: mappings.map(({ hostPort }) => String(hostPort)) },
      ],
      protocol: 'tcp',
      target: { target: 'jump', chain },
    })
    return previous
  },
  del(call) {
    const { netfilter } = call.host
    const chain = chainOf(call)
    if (!netfilter.chain('nat', chain)) return
    netfilter.delete('nat', 'CNI-HOSTPORT-DNAT', ({ target }) => target?.target === 'jump' && target.chain === chain)
    netfilter.removeChain('nat', chain)
  },
}

function install(netfilter: Netfilter): void {
  if (netfilter.chain('nat', 'CNI-HOSTPORT-DNAT')) return
  for (const chain of ['CNI-HOSTPORT-DNAT', 'CNI-HOSTPORT-SETMARK', 'CNI-HOSTPORT-MASQ']) netfilter.addChain('nat', chain)
  netfilter.setRules('nat', 'CNI-HOSTPORT-SETMARK', [
    { matches: [comment('CNI portfwd masquerade mark')], target: { target: 'MARK', value: mark, mask: mark } },
  ])
  netfilter.setRules('nat', 'CNI-HOSTPORT-MASQ', [
    { matches: [{ match: 'mark', value: mark, mask: mark }], target: { target: 'MASQUERADE' } },
  ])
  const local: Match = { match: 'addrtype', dstType: 'LOCAL' }
  for (const chain of ['PREROUTING', 'OUTPUT'])
    netfilter.append('nat', chain, { matches: [local], target: { target: 'jump', chain: 'CNI-HOSTPORT-DNAT' } })
  netfilter.append('nat', 'POSTROUTING', {
    matches: [comment('CNI portfwd requiring masquerade')],
    target: { target: 'jump', chain: 'CNI-HOSTPORT-MASQ' },
  })
}

function rulesOf({ hostPort, containerPort, protocol }: Mapping, address: string): Rule[] {
  const kind = protocol.toLowerCase() === 'udp' ? 'udp' : 'tcp'
  const port: Match = { match: kind, dport: String(hostPort) }
  const setMark = { target: 'jump', chain: 'CNI-HOSTPORT-SETMARK' } as const
  return [
    { protocol: kind, source: `${address}/32`, matches: [port], target: setMark },
    { protocol: kind, source: '127.0.0.1/32', matches: [port], target: setMark },
    { protocol: kind, matches: [port], target: { target: 'DNAT', to: `${address}:${containerPort}` } },
  ]
}

function chainOf({ containerId }: CniCall): string {
  return `CNI-DN-${containerId.slice(0, 20)}`
}
