import { compareAddresses, parseAddress, parsePrefix, prefixContains } from '../address.ts'
import type { Link } from '../link.ts'
import type { NetworkNamespace } from '../namespace.ts'
import type { Packet } from '../packet.ts'
import type { AddressType, Hook, Match, Rule, Table } from './rule.ts'
import { inSet } from './sets.ts'

/** What a rule may look at. */
export interface Context {
  readonly namespace: NetworkNamespace
  readonly hook: Hook
  readonly packet: Packet
  readonly in: Link | undefined
  readonly out: Link | undefined
  readonly physOut: string | undefined
}

export type Test = (context: Context, table: Table) => boolean

/** A rule's matches as functions, cheapest first; all must hold. */
export function compileMatches(rule: Rule): Test[] {
  const tests: Test[] = []
  if (rule.protocol !== undefined) {
    const { value, negated } = negation(rule.protocol)
    tests.push(({ packet }) => (packet.protocol === value) !== negated)
  }
  if (rule.inInterface !== undefined) tests.push(interfaceTest(rule.inInterface, (context) => context.in?.name))
  if (rule.outInterface !== undefined) tests.push(interfaceTest(rule.outInterface, (context) => context.out?.name))
  if (rule.source !== undefined) tests.push(addressTest(rule.source, (packet) => packet.src))
  if (rule.destination !== undefined) tests.push(addressTest(rule.destination, (packet) => packet.dst))
  for (const match of rule.matches ?? []) {
    const test = compileMatch(match)
    if (test) tests.push(test)
  }
  return tests
}

function compileMatch(match: Match): Test | undefined {
  switch (match.match) {
    case 'comment':
      return undefined
    case 'tcp':
    case 'udp': {
      const ports = portTests(match.sport, match.dport)
      const syn = match.match === 'tcp' ? match.syn : undefined
      return ({ packet }) => packet.protocol === match.match && ports(packet) && (syn === undefined || isOpening(packet) === syn)
    }
    case 'icmp':
      return ({ packet: { icmp } }) =>
        icmp !== undefined &&
        (icmp.type === match.type && (match.code === undefined || icmp.code === match.code)) !== (match.invert ?? false)
    case 'multiport':
      return multiport(match)
    case 'conntrack':
      return conntrack(match)
    case 'mark': {
      const mask = match.mask ?? 0xffffffff
      return ({ packet }) => ((packet.mark & mask) >>> 0 === match.value >>> 0) !== (match.invert ?? false)
    }
    case 'connmark': {
      const mask = match.mask ?? 0xffffffff
      return ({ packet }) => (((packet.tracking?.connection?.mark ?? 0) & mask) >>> 0 === match.value >>> 0) !== (match.invert ?? false)
    }
    case 'addrtype':
      return (context) => {
        const { packet } = context
        const holds =
          (match.srcType === undefined || addressType(context, packet.src, match.limitIfaceOut) === match.srcType) &&
          (match.dstType === undefined || addressType(context, packet.dst, match.limitIfaceOut) === match.dstType)
        return holds !== (match.invert ?? false)
      }
    case 'statistic':
      return ({ namespace }) => namespace.network.random.next() < match.probability
    case 'set':
      return ({ namespace, packet }, table) => {
        const set = table.sets?.[match.set] ?? namespace.netfilter.sets[match.set]
        return set !== undefined && inSet(set, packet, match.flags, namespace.netfilter.sets) !== (match.invert ?? false)
      }
    case 'rpfilter':
      return (context) => comesBack(context, match.validmark ?? false) !== (match.invert ?? false)
    case 'owner':
      return ({ packet }) => (packet.uid === match.uid) !== (match.invert ?? false)
    case 'recent':
      return recent(match)
    case 'physdev':
      return (context) => {
        const { packet, physOut } = context
        const holds =
          (match.physdevIn === undefined || interfaceFits(match.physdevIn, packet.physIn)) &&
          (match.physdevOut === undefined || interfaceFits(match.physdevOut, physOut)) &&
          (match.isBridged === undefined || (packet.physIn !== undefined && context.in === context.out) === match.isBridged)
        return holds !== (match.invert ?? false)
      }
    case 'iprange': {
      const within = (range: string | undefined, address: string) => {
        if (range === undefined) return true
        const [low = '', high = low] = range.split('-')
        return compareAddresses(address, low) >= 0 && compareAddresses(address, high) <= 0
      }
      return ({ packet }) => (within(match.src, packet.src) && within(match.dst, packet.dst)) !== (match.invert ?? false)
    }
  }
}

function isOpening({ tcp }: Packet): boolean {
  return tcp?.syn === true && !tcp.isAck && !tcp.fin && !tcp.rst
}

function addressTest(text: string, side: (packet: Packet) => string): Test {
  const { value, negated } = negation(text)
  const prefixes = value.split(',').map((part) => parsePrefix(part.trim()))
  const only = prefixes.length === 1 ? prefixes[0]! : undefined
  if (only && only.length === only.words.length * 32) {
    const address = only.text.slice(0, only.text.indexOf('/'))
    return ({ packet }) => (side(packet) === address) !== negated
  }
  if (only?.words.length === 1) {
    const mask = only.length === 0 ? 0 : (0xffffffff << (32 - only.length)) >>> 0
    const base = only.words[0]!
    return ({ packet }) => {
      const word = ipv4Word(side(packet))
      return (word !== undefined && (word & mask) >>> 0 === base) !== negated
    }
  }
  return ({ packet }) => prefixes.some((prefix) => prefixContains(prefix, side(packet))) !== negated
}

// One packet is held against many rules in a row: its two addresses are read once, not once a rule.
let [latest, previous] = ['', '']
let [latestWord, previousWord]: (number | undefined)[] = [undefined, undefined]

function ipv4Word(address: string): number | undefined {
  if (address === latest) return latestWord
  if (address === previous) return previousWord
  previous = latest
  previousWord = latestWord
  const words = parseAddress(address)
  latest = address
  latestWord = words?.length === 1 ? words[0] : undefined
  return latestWord
}

function interfaceTest(text: string, name: (context: Context) => string | undefined): Test {
  const { value, negated } = negation(text)
  if (!value.endsWith('+')) return (context) => (name(context) === value) !== negated
  const prefix = value.slice(0, -1)
  return (context) => (name(context)?.startsWith(prefix) ?? false) !== negated
}

function interfaceFits(pattern: string, name: string | undefined): boolean {
  if (name === undefined) return false
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

/** A leading `!` (and spaces behind it) negates. */
export function negation(text: string): { value: string; negated: boolean } {
  return text.startsWith('!') ? { value: text.slice(1).trim(), negated: true } : { value: text, negated: false }
}

function portTests(sport: string | undefined, dport: string | undefined): (packet: Packet) => boolean {
  const source = sport === undefined ? undefined : portTest(sport)
  const destination = dport === undefined ? undefined : portTest(dport)
  return (packet) => (!source || source(packet.sport)) && (!destination || destination(packet.dport))
}

function portTest(text: string): (port: number) => boolean {
  const { value, negated } = negation(text)
  const [low = '', high = low] = value.split(':')
  const [first, last] = [low === '' ? 0 : Number(low), high === '' ? 65_535 : Number(high)]
  if (!Number.isInteger(first) || !Number.isInteger(last))
    throw new Error(`"${text}" is not a port or port range (expected 80 or 8000:8080)`)
  return (port) => (port >= first && port <= last) !== negated
}

function multiport(match: Extract<Match, { match: 'multiport' }>): Test {
  const any = (ports: readonly string[] | undefined) => {
    const tests = ports?.map(portTest)
    return tests && ((port: number) => tests.some((test) => test(port)))
  }
  const [sports, dports, ports] = [any(match.sports), any(match.dports), any(match.ports)]
  return ({ packet }) => {
    if (packet.protocol !== 'tcp' && packet.protocol !== 'udp') return false
    const fits =
      (!sports || sports(packet.sport)) && (!dports || dports(packet.dport)) && (!ports || ports(packet.sport) || ports(packet.dport))
    return fits !== (match.invert ?? false)
  }
}

function conntrack(match: Extract<Match, { match: 'conntrack' }>): Test {
  const { ctstate, ctdir } = match
  const origin = match.ctorigdst === undefined ? undefined : parsePrefix(match.ctorigdst)
  const inverted = match.invert ?? false
  // Nearly every rule asks for plain states.
  if (ctstate && !ctdir && !origin && !ctstate.includes('DNAT') && !ctstate.includes('SNAT')) {
    return ({ packet: { tracking } }) => ctstate.includes(tracking?.state ?? 'INVALID') !== inverted
  }
  return ({ packet: { tracking } }) => {
    let holds = true
    if (ctstate) {
      const state = tracking?.state ?? 'INVALID'
      const connection = tracking?.connection
      holds = ctstate.some(
        (wanted) =>
          wanted === state || (wanted === 'DNAT' && connection?.dnat === true) || (wanted === 'SNAT' && connection?.snat === true),
      )
    }
    if (ctdir) holds &&= tracking?.connection !== undefined && tracking.reply === (ctdir === 'REPLY')
    if (origin) holds &&= tracking?.connection !== undefined && prefixContains(origin, tracking.connection.original.dst)
    return holds !== (match.invert ?? false)
  }
}

function recent(match: Extract<Match, { match: 'recent' }>): Test {
  return ({ namespace, packet }) => {
    const seen = namespace.netfilter.recent(match.name)
    const address = match.side === 'dest' ? packet.dst : packet.src
    const now = namespace.network.clock.now()
    const last = seen.get(address)
    let holds = last !== undefined && (match.seconds === undefined || now - last <= match.seconds * 1000)
    if (match.reap && match.seconds !== undefined) {
      for (const [other, at] of seen) if (now - at > match.seconds * 1000) seen.delete(other)
    }
    if (match.action === 'set') {
      seen.set(address, now)
      holds = true
    } else if (match.action === 'update' && holds) seen.set(address, now)
    else if (match.action === 'remove') seen.delete(address)
    return holds !== (match.invert ?? false)
  }
}

/** `--limit-iface-out`: an address is local only where the outgoing interface has it. */
function addressType({ namespace, out }: Context, address: string, limited: true | undefined): AddressType {
  if (limited) return out?.addresses.some((own) => own.address === address) ? 'LOCAL' : 'UNICAST'
  return typeOf(namespace, address)
}

/** xt_rpfilter: a packet to the source would leave by the interface that this one came by. */
function comesBack({ namespace, packet, in: link }: Context, validmark: boolean): boolean {
  if (!link || link.kind === 'loopback') return true
  const back = namespace.routing.lookup({ dst: packet.src, ...(validmark ? { mark: packet.mark } : {}) })
  return back?.route.type === 'unicast' && back.link === link
}

function typeOf(namespace: NetworkNamespace, address: string): AddressType {
  const type = namespace.routing.lookup({ dst: address })?.route.type
  return type === 'local' ? 'LOCAL' : type === 'broadcast' ? 'BROADCAST' : 'UNICAST'
}
