import { parsePrefix } from '../address.ts'
import type { Packet } from '../packet.ts'

/** An ipset. Replaced whole when its members change; snapshots share it. */
export interface IpSet {
  readonly name: string
  readonly type: 'list:set' | 'hash:ip' | 'hash:net' | 'hash:ip,port' | 'hash:net,port' | 'hash:ip,port,ip'
  /** `10.244.1.3`, `10.0.0.0/8`, `10.244.1.3,tcp:80`; a trailing ` nomatch` excepts a narrower net. Of list:set, names of sets. */
  readonly members: readonly string[]
  /** IPv4 where absent. */
  readonly family?: 'inet6'
}

type Test = (packet: Packet, flags: readonly ('src' | 'dst')[]) => boolean
const compiled = new WeakMap<IpSet, Test>()

/** Whether `packet` is in `set`, its dimensions read from the sides that `flags` names (ipset(8)). */
export function inSet(
  set: IpSet,
  packet: Packet,
  flags: readonly ('src' | 'dst')[],
  others: Readonly<Record<string, IpSet>> = {},
): boolean {
  if (set.type === 'list:set') {
    return set.members.some((name) => {
      const member = others[name]
      return member !== undefined && inSet(member, packet, flags)
    })
  }
  let test = compiled.get(set)
  if (!test) {
    test = compile(set)
    compiled.set(set, test)
  }
  return test(packet, flags)
}

function compile(set: IpSet): Test {
  if (set.type === 'hash:net' || set.type === 'hash:net,port') return compileNets(set)
  const members = new Set(set.members)
  return (packet, flags) => {
    const parts = set.type.slice('hash:'.length).split(',')
    return members.has(parts.map((part, i) => (part === 'ip' ? address(packet, flags[i]) : port(packet, flags[i]))).join(','))
  }
}

/** The narrowest net that fits decides. A map for each length that occurs, so that the set's size costs nothing. */
function compileNets(set: IpSet): Test {
  const byLength = new Map<number, Map<string, { readonly port: string | undefined; readonly nomatch: boolean }[]>>()
  for (const member of set.members) {
    const [text = '', ...options] = member.split(' ')
    const [net = '', portText] = text.split(',')
    const prefix = parsePrefix(net)
    let nets = byLength.get(prefix.length)
    if (!nets) byLength.set(prefix.length, (nets = new Map()))
    const known = nets.get(prefix.text) ?? []
    nets.set(prefix.text, [...known, { port: portText, nomatch: options.includes('nomatch') }])
  }
  const lengths = [...byLength.keys()].sort((a, b) => b - a)
  return (packet, flags) => {
    const wanted = address(packet, flags[0])
    for (const length of lengths) {
      const nets = byLength.get(length)?.get(parsePrefix(`${wanted}/${length}`).text)
      const found = nets?.find((net) => net.port === undefined || net.port === port(packet, flags[1]))
      if (found) return !found.nomatch
    }
    return false
  }
}

const address = (packet: Packet, side: 'src' | 'dst' | undefined) => (side === 'src' ? packet.src : packet.dst)
const port = (packet: Packet, side: 'src' | 'dst' | undefined) => `${packet.protocol}:${side === 'src' ? packet.sport : packet.dport}`
