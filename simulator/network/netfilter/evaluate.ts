import { isAddress } from '../address.ts'
import { type Header, headerOf, note } from '../trace.ts'
import { chainIn } from './chains.ts'
import { untracked } from './conntrack.ts'
import { type Context, compileMatches, type Test } from './match.ts'
import { setDestination, setSource } from './nat.ts'
import { renderRule } from './render.ts'
import { renderNftRule } from './render-nft.ts'
import type { Chain, Rule, Table, Target } from './rule.ts'

interface Compiled {
  readonly rule: Rule
  readonly target: Target | undefined
  readonly tests: readonly Test[]
}

type Verdict = 'ACCEPT' | 'DROP' | 'RETURN' | undefined

// Chains are immutable, so what was compiled once serves every namespace and every fork that shares the chain.
const compiledChains = new WeakMap<Chain, readonly Compiled[]>()
const compiledRules = new WeakMap<Rule, Compiled>()

/** Linux's own limit is the size of its jump stack; anything deeper than this is a loop. */
const jumpLimit = 512

/** Walks a base chain. True: accepted by a rule or by the policy. */
export function evaluate(context: Context, table: Table, name: string): boolean {
  const chain = chainIn(table.chains, name)
  if (!chain) return true
  const verdict = walk(context, table, name, chain, 0)
  if (verdict === 'ACCEPT' || verdict === 'DROP') return verdict === 'ACCEPT'
  if (chain.policy === 'DROP' && context.namespace.network.recorders.length > 0) {
    note(context.namespace, context.hook, context.packet, {
      ...interfacesOf(context),
      table: table.name,
      chain: name,
      detail: `policy of ${name} is DROP`,
      rule: `-P ${name} DROP`,
      verdict: 'DROP',
    })
  }
  return chain.policy !== 'DROP'
}

function walk(context: Context, table: Table, name: string, chain: Chain, depth: number): Verdict {
  if (depth > jumpLimit) return 'DROP'
  const recording = context.namespace.network.recorders.length > 0
  const compiled = compileChain(chain)
  for (let index = 0; index < compiled.length; index++) {
    const { rule, target, tests } = compiled[index]!
    if (!all(tests, context, table) || !target) continue
    if (target.target === 'jump') {
      if (recording) noteRule(context, table, name, rule, `${target.goto ? 'goes' : 'jumps'} to ${target.chain}`)
      const next = chainIn(table.chains, target.chain)
      if (!next || next.rules.length === 0) continue
      const verdict = walk(context, table, target.chain, next, depth + 1)
      if (verdict === 'ACCEPT' || verdict === 'DROP') return verdict
      if (target.goto) return 'RETURN'
      continue
    }
    if (target.target === 'NFQUEUE') return ask(context, table, name, rule, target)
    if (!recording) {
      const verdict = act(context, target)
      if (verdict) return verdict
      continue
    }
    const before = headerOf(context.packet)
    // What a rule sends back comes after the rule in the record.
    if (target.target === 'REJECT') noteRule(context, table, name, rule, describeTarget(target), 'DROP')
    const verdict = act(context, target)
    if (target.target !== 'REJECT') noteRule(context, table, name, rule, describeTarget(target), verdict, before)
    if (verdict) return verdict
  }
  return undefined
}

function all(tests: readonly Test[], context: Context, table: Table): boolean {
  for (let index = 0; index < tests.length; index++) if (!tests[index]!(context, table)) return false
  return true
}

/** Hands the packet to the queue's program, whose word goes for this base chain; with nobody bound, `bypass` decides. */
function ask(context: Context, table: Table, chain: string, rule: Rule, target: Extract<Target, { target: 'NFQUEUE' }>): Verdict {
  const { namespace, packet } = context
  const answer = namespace.table.askQueue(target.queue, packet)
  const verdict = (answer?.accept ?? target.bypass) ? 'ACCEPT' : 'DROP'
  if (namespace.network.recorders.length > 0) {
    note(namespace, context.hook, packet, {
      ...interfacesOf(context),
      table: table.name,
      chain,
      detail: answer ? `queue ${target.queue}: ${answer.reason}` : `nobody listens on queue ${target.queue}`,
      rule: ruleText(table, chain, rule),
      ...(answer?.origin ? { origin: answer.origin } : {}),
      verdict,
    })
  }
  return verdict
}

function compileChain(chain: Chain): readonly Compiled[] {
  let compiled = compiledChains.get(chain)
  if (!compiled) {
    compiled = chain.rules.map((rule) => {
      let known = compiledRules.get(rule)
      if (!known) {
        known = { rule, target: rule.target, tests: compileMatches(rule) }
        compiledRules.set(rule, known)
      }
      return known
    })
    compiledChains.set(chain, compiled)
  }
  return compiled
}

/** Undefined: the next rule is looked at. */
function act(context: Context, target: Exclude<Target, { target: 'jump' | 'NFQUEUE' }>): Verdict {
  const { namespace, packet, hook } = context
  const connection = packet.tracking?.connection
  const { conntrack } = namespace.netfilter
  const { random } = namespace.network
  switch (target.target) {
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
      return target.target
    case 'REJECT':
      namespace.ip.reject(packet, target.with ?? 'icmp-port-unreachable', hook)
      return 'DROP'
    case 'MARK':
      packet.mark = ((packet.mark & ~(target.mask ?? 0xffffffff)) ^ target.value) >>> 0
      return undefined
    case 'CONNMARK': {
      if (!connection) return undefined
      const mask = target.mask ?? 0xffffffff
      if (target.action === 'save') connection.mark = ((connection.mark & ~mask) | (packet.mark & mask)) >>> 0
      else packet.mark = ((packet.mark & ~mask) | (connection.mark & mask)) >>> 0
      return undefined
    }
    case 'DNAT': {
      const { address, port } = addressAndPort(target.to)
      if (connection) setDestination(connection, address, port)
      return 'ACCEPT'
    }
    case 'REDIRECT': {
      const own = hook === 'OUTPUT' ? '127.0.0.1' : context.in?.addresses[0]?.address
      if (!own) return 'DROP'
      if (connection) setDestination(connection, own, target.port)
      return 'ACCEPT'
    }
    case 'SNAT': {
      const { address, port } = addressAndPort(target.to)
      if (connection && !setSource(connection, address, port, target.randomFully ?? false, conntrack, random)) return 'DROP'
      return 'ACCEPT'
    }
    case 'MASQUERADE': {
      const address = context.out && namespace.masqueradeAddress(context.out, packet.dst)
      if (address === undefined) return 'DROP'
      if (connection && !setSource(connection, address, undefined, target.randomFully ?? false, conntrack, random)) return 'DROP'
      return 'ACCEPT'
    }
    case 'LOG':
      namespace.machine.log(
        `${target.prefix ?? ''}IN=${context.in?.name ?? ''} OUT=${context.out?.name ?? ''} SRC=${packet.src} DST=${packet.dst} LEN=${packet.size} TTL=${packet.ttl} PROTO=${packet.protocol.toUpperCase()}${packet.protocol === 'icmp' ? '' : ` SPT=${packet.sport} DPT=${packet.dport}`}`,
      )
      return undefined
    case 'NFLOG':
      namespace.table.tellLog(target.group, packet)
      return undefined
    case 'NOTRACK':
      packet.tracking = untracked
      return undefined
    case 'TCPMSS': {
      const mss = target.mss ?? Math.min(context.out?.mtu ?? 1500, context.in?.mtu ?? 1500) - 40
      if (packet.tcp?.syn && packet.tcp.mss !== undefined && packet.tcp.mss > mss) packet.tcp.mss = mss
      return undefined
    }
  }
}

export function addressAndPort(to: string): { address: string | undefined; port: number | undefined } {
  const colon = to.lastIndexOf(':')
  const address = colon < 0 ? to : to.slice(0, colon)
  const port = colon < 0 ? undefined : Number(to.slice(colon + 1))
  if ((address !== '' && !isAddress(address)) || (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))) {
    throw new Error(`"${to}" is not a NAT destination (expected 10.244.1.3:80, 10.244.1.3 or :80; ranges are not modelled)`)
  }
  return { address: address === '' ? undefined : address, port }
}

function noteRule(context: Context, table: Table, chain: string, rule: Rule, detail: string, verdict?: Verdict, before?: Header): void {
  const rejected = rule.target?.target === 'REJECT'
  const marked = before !== undefined && (before.mark ?? 0) !== context.packet.mark
  note(context.namespace, context.hook, context.packet, {
    ...interfacesOf(context),
    table: table.name,
    chain,
    detail,
    rule: ruleText(table, chain, rule),
    ...(rule.origin ? { origin: rule.origin } : {}),
    ...(marked ? { before } : {}),
    ...(verdict === 'ACCEPT' || verdict === 'DROP' ? { verdict: rejected ? 'REJECT' : verdict } : {}),
  })
}

/** As the program prints it that made the table. */
function ruleText(table: Table, chain: string, rule: Rule): string {
  return table.iptables ? renderRule(chain, rule) : renderNftRule(rule, table)
}

function describeTarget(target: Exclude<Target, { target: 'jump' | 'NFQUEUE' }>): string {
  switch (target.target) {
    case 'DNAT':
    case 'SNAT':
      return `${target.target} to ${target.to}`
    case 'REDIRECT':
      return `REDIRECT to port ${target.port}`
    case 'REJECT':
      return `REJECT with ${target.with ?? 'icmp-port-unreachable'}`
    case 'MARK':
      return `MARK set 0x${target.value.toString(16)}/0x${(target.mask ?? 0xffffffff).toString(16)}`
    case 'CONNMARK':
      return `CONNMARK ${target.action}`
    default:
      return target.target
  }
}

export function interfacesOf({ in: inLink, out }: Context): { interface?: string; in?: string; out?: string } {
  const name = (inLink ?? out)?.name
  return { ...(name === undefined ? {} : { interface: name }), ...(inLink ? { in: inLink.name } : {}), ...(out ? { out: out.name } : {}) }
}
