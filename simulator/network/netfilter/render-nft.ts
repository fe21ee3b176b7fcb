import { chainEntries } from './chains.ts'
import type { Chain, Match, Rule, Table, Target } from './rule.ts'
import type { IpSet } from './sets.ts'

/** One table as `nft list table` prints it. Only what agents that speak nft write here is rendered: iptables' tables are not nft's to show. */
export function renderNftTable(table: Table): string {
  const blocks = [
    ...Object.values(table.sets ?? {}).map(renderSet),
    ...chainEntries(table.chains).map(([name, chain]) => renderChain(name, chain, table)),
  ]
  return `table inet ${table.name} {\n${blocks.join('\n')}}\n`
}

function renderSet({ name, family, members }: IpSet): string {
  const lines = [`type ${family === 'inet6' ? 'ipv6_addr' : 'ipv4_addr'}`]
  if (members.length > 0) lines.push(`elements = { ${wrapped(members)} }`)
  return block(`set ${name}`, lines)
}

/** nft breaks a list of addresses so that each line holds two (32 columns of text and more). */
function wrapped(members: readonly string[]): string {
  const lines: string[] = []
  for (let at = 0; at < members.length; at += 2) lines.push(members.slice(at, at + 2).join(', '))
  return lines.join(`,\n\t\t\t     `)
}

function renderChain(name: string, chain: Chain, table: Table): string {
  const lines: string[] = []
  if (chain.hook) {
    const priority = priorityText(chain.priority ?? 0)
    lines.push(
      `type ${table.type} hook ${chain.hook.toLowerCase()} priority ${priority}; policy ${(chain.policy ?? 'ACCEPT').toLowerCase()};`,
    )
  }
  for (const rule of chain.rules) lines.push(renderNftRule(rule, table))
  return block(`chain ${name}`, lines)
}

function block(head: string, lines: readonly string[]): string {
  return `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`
}

const priorities = [
  ['raw', -300],
  ['mangle', -150],
  ['dstnat', -100],
  ['filter', 0],
  ['security', 50],
  ['srcnat', 100],
] as const

/** A name, or a name and up to 10 beside it, or the bare number. */
function priorityText(priority: number): string {
  for (const [name, value] of priorities) {
    const beside = priority - value
    if (beside === 0) return name
    if (Math.abs(beside) <= 10) return `${name} ${beside < 0 ? '-' : '+'} ${Math.abs(beside)}`
  }
  return String(priority)
}

/** One rule in nft's words. Throws for what no nft agent writes here. */
export function renderNftRule(rule: Rule, table: Table): string {
  const words: string[] = []
  const ported = rule.matches?.some(({ match }) => match === 'tcp' || match === 'udp')
  // `udp dport 53` says the protocol itself.
  if (rule.protocol && !ported) {
    const negated = rule.protocol.startsWith('!')
    words.push('meta l4proto', ...(negated ? ['!='] : []), rule.protocol.replace('!', ''))
  }
  for (const match of rule.matches ?? []) words.push(matchText(match, table))
  if (rule.target) words.push(targetText(rule.target))
  return words.join(' ')
}

function matchText(match: Match, table: Table): string {
  switch (match.match) {
    case 'tcp':
    case 'udp':
      return `${match.match} dport ${(match.dport ?? '').replace('!', '!= ').replace(':', '-')}`
    case 'owner':
      return `meta skuid ${match.invert ? '!= ' : ''}${match.uid}`
    case 'conntrack':
      return `ct state ${(match.ctstate ?? []).map((state) => state.toLowerCase()).join(',')}`
    case 'set': {
      const family = table.sets?.[match.set]?.family === 'inet6' ? 'ip6' : 'ip'
      return `${family} ${match.flags[0] === 'src' ? 'saddr' : 'daddr'} ${match.invert ? '!= ' : ''}@${match.set}`
    }
    default:
      throw new Error(`nft: the simulated nft does not show the match ${match.match}`)
  }
}

function targetText(target: Target): string {
  switch (target.target) {
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
      return target.target.toLowerCase()
    case 'jump':
      return `${target.goto ? 'goto' : 'jump'} ${target.chain}`
    case 'NFQUEUE':
      return `queue ${target.bypass ? 'flags bypass ' : ''}to ${target.queue}`
    default:
      throw new Error(`nft: the simulated nft does not show the target ${target.target}`)
  }
}
