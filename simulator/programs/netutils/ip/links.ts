import { lastAddress, parsePrefix } from '../../../network/address.ts'
import { hasCarrier, type Link } from '../../../network/link.ts'
import type { NetworkNamespace } from '../../../network/namespace.ts'

/** `<BROADCAST,MULTICAST,UP,LOWER_UP>`. */
function flags(link: Link): string {
  const words: string[] = []
  const carrier = hasCarrier(link)
  if (link.up && !carrier) words.push('NO-CARRIER')
  if (link.kind === 'loopback') words.push('LOOPBACK')
  else if (link.kind === 'ipip') words.push('NOARP')
  else words.push('BROADCAST', ...(link.kind === 'dummy' ? ['NOARP'] : link.noarp ? ['MULTICAST', 'NOARP'] : ['MULTICAST']))
  if (link.up) words.push('UP', ...(carrier ? ['LOWER_UP'] : []))
  return words.join(',')
}

/** loopback and tunnels have no operational state of their own. */
export function state(link: Link): string {
  if (!link.up) return 'DOWN'
  if (['loopback', 'vxlan', 'ipip', 'dummy', 'openvswitch'].includes(link.kind)) return 'UNKNOWN'
  return hasCarrier(link) ? 'UP' : link.kind === 'veth' ? 'LOWERLAYERDOWN' : 'DOWN'
}

/** `eth0@if12` where the peer is in another namespace, `veth@eth0` where it is here. */
export function shownName(link: Link): string {
  if (link.kind === 'ipip') return `${link.name}@NONE`
  if (!link.peer) return link.name
  return link.peer.namespace === link.namespace ? `${link.name}@${link.peer.name}` : `${link.name}@if${link.peer.index}`
}

/** DEFAULT_TX_QUEUE_LEN. */
const queueLength = 1000

export function linkLines(link: Link, details: boolean): string[] {
  const discipline =
    ['ethernet', 'loopback', 'veth', 'bridge', 'vxlan', 'ipip', 'dummy', 'openvswitch'].includes(link.kind) && link.up ? 'noqueue' : 'noop'
  const master = link.master ? ` master ${link.master.name}` : ''
  const head = `${link.index}: ${shownName(link)}: <${flags(link)}> mtu ${link.mtu} qdisc ${discipline}${master} state ${state(link)} mode DEFAULT group default qlen ${queueLength}`
  return [head, `    ${hardware(link)}`, ...(details ? detailLines(link) : [])]
}

function hardware(link: Link): string {
  if (link.kind === 'loopback') return 'link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00'
  if (link.kind === 'ipip') return `link/ipip ${link.ipip?.local ?? '0.0.0.0'} brd ${link.ipip?.remote ?? '0.0.0.0'}`
  const namespace = link.peer && link.peer.namespace !== link.namespace ? ` link-netns ${namespaceName(link.peer.namespace)}` : ''
  return `link/ether ${link.mac} brd ff:ff:ff:ff:ff:ff${namespace}`
}

function namespaceName(namespace: NetworkNamespace): string {
  return namespace.name === '' ? '0' : namespace.name
}

function detailLines(link: Link): string[] {
  if (link.vxlan?.external) {
    return [
      `    vxlan external id 0 srcport 0 0 dstport ${link.vxlan.port} nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx`,
    ]
  }
  if (link.vxlan) {
    const { id, local, dev, port, learning } = link.vxlan
    return [
      `    vxlan id ${id} local ${local}${dev ? ` dev ${dev}` : ''} srcport 0 0 dstport ${port} ${learning ? '' : 'nolearning '}ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx`,
    ]
  }
  if (link.ipip) return [`    ipip remote ${link.ipip.remote ?? 'any'} local ${link.ipip.local ?? 'any'} ttl inherit nopmtudisc`]
  if (link.kind === 'openvswitch') return ['    openvswitch']
  if (link.kind === 'veth' || link.kind === 'bridge') return [`    ${link.kind}${link.hairpin ? ' hairpin on' : ''}`]
  return []
}

/** `ip -s link`. */
export function statisticsLines({ counters }: Link): string[] {
  const row = (values: number[]) => `    ${values.map((value, index) => String(value).padEnd(index === 0 ? 10 : 8)).join(' ')}`.trimEnd()
  return [
    '    RX:  bytes packets errors dropped  missed   mcast',
    row([counters.rxBytes, counters.rxPackets, 0, counters.rxDropped, 0, 0]),
    '    TX:  bytes packets errors dropped carrier collsns',
    row([counters.txBytes, counters.txPackets, 0, counters.txDropped, 0, 0]),
  ]
}

export function addressLines(link: Link): string[] {
  const [head = '', hard = ''] = linkLines(link, false)
  return [head.replace(' mode DEFAULT', ''), hard, ...link.addresses.flatMap((address) => inetLines(link, address))]
}

function inetLines(link: Link, { address, length, scope, broadcast }: Link['addresses'][number]): string[] {
  const brd = broadcast ?? (link.kind === 'loopback' || length >= 31 ? undefined : lastAddress(parsePrefix(`${address}/${length}`)))
  return [
    `    inet ${address}/${length}${brd ? ` brd ${brd}` : ''} scope ${scope} ${link.name}`,
    '       valid_lft forever preferred_lft forever',
  ]
}

/** `ip -br addr`, `ip -br link`. */
export function briefLine(link: Link, what: 'addr' | 'link'): string {
  const mac = link.kind === 'loopback' ? '00:00:00:00:00:00' : link.kind === 'ipip' ? (link.ipip?.local ?? '0.0.0.0') : link.mac
  const rest = what === 'addr' ? link.addresses.map(({ address, length }) => `${address}/${length} `).join('') : `${mac} <${flags(link)}> `
  return `${shownName(link).padEnd(16)} ${state(link).padEnd(14)} ${rest}`
}
