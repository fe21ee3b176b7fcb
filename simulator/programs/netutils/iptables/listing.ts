import { chainEntries } from '../../../network/netfilter/chains.ts'
import { negation } from '../../../network/netfilter/match.ts'
import { renderRule } from '../../../network/netfilter/render.ts'
import type { Chain, Rule, Table } from '../../../network/netfilter/rule.ts'

export interface ListOptions {
  readonly chain: string | undefined
  readonly verbose: boolean
  readonly lineNumbers: boolean
}

/** `iptables -L -n`, with -v and --line-numbers. Counters are not kept and show as 0. */
export function listing(table: Table, { chain: only, verbose, lineNumbers }: ListOptions): string {
  const chains = chainEntries(table.chains).filter(([name]) => only === undefined || name === only)
  const references = (name: string) =>
    chainEntries(table.chains)
      .flatMap(([, { rules }]) => rules)
      .filter(({ target }) => target?.target === 'jump' && target.chain === name).length
  return chains.map(([name, chain]) => chainText(name, chain, references(name), verbose, lineNumbers)).join('\n')
}

function chainText(name: string, chain: Chain, references: number, verbose: boolean, lineNumbers: boolean): string {
  const number = lineNumbers ? 'num  ' : ''
  const head = chain.policy ? `policy ${chain.policy}${verbose ? ' 0 packets, 0 bytes' : ''}` : `${references} references`
  const columns = verbose
    ? `${number} pkts bytes target     prot opt in     out     source               destination         `
    : `${number}target     prot opt source               destination         `
  const rows = chain.rules.map((rule, index) => `${lineNumbers ? String(index + 1).padEnd(5) : ''}${row(rule, verbose)}`)
  return `${[`Chain ${name} (${head})`, columns, ...rows].join('\n')}\n`
}

function row(rule: Rule, verbose: boolean): string {
  const target = rule.target?.target === 'jump' ? rule.target.chain : (rule.target?.target ?? '')
  const protocol = rule.protocol === undefined ? 'all' : rule.protocol
  const network = (text: string | undefined) => {
    if (text === undefined) return '0.0.0.0/0'
    const { value, negated } = negation(text)
    return `${negated ? '!' : ''}${value.replace(/\/32$/, '')}`
  }
  const source = network(rule.source).padEnd(20)
  const destination = network(rule.destination).padEnd(20)
  const extra = extensions(rule)
  const shown = target.length < 10 ? target.padEnd(10) : target
  if (!verbose) return `${shown} ${protocol.padEnd(4)} --  ${source} ${destination} ${extra}`
  const link = (text: string | undefined) => (text ?? '*').padEnd(6)
  return `    0     0 ${shown} ${protocol.padEnd(4)} --  ${link(rule.inInterface)} ${link(rule.outInterface)}  ${source} ${destination} ${extra}`
}

/** What stands behind the addresses: the matches and the target's own words. */
function extensions(rule: Rule): string {
  const words: string[] = []
  for (const match of rule.matches ?? []) {
    switch (match.match) {
      case 'comment':
        words.push(`/* ${match.comment} */`)
        break
      case 'tcp':
      case 'udp':
        words.push(match.match)
        if (match.sport !== undefined) words.push(`spt${match.sport.includes(':') ? 's' : ''}:${match.sport}`)
        if (match.dport !== undefined) words.push(`dpt${match.dport.includes(':') ? 's' : ''}:${match.dport}`)
        if (match.match === 'tcp' && match.syn) words.push('flags:0x17/0x02')
        break
      case 'icmp':
        words.push(`icmptype ${match.type}`)
        break
      case 'conntrack':
        if (match.ctstate) words.push(`${match.invert ? '! ' : ''}ctstate ${match.ctstate.join(',')}`)
        break
      case 'mark':
        words.push(
          `mark match ${match.invert ? '! ' : ''}0x${match.value.toString(16)}${match.mask === undefined ? '' : `/0x${match.mask.toString(16)}`}`,
        )
        break
      case 'addrtype':
        words.push(`ADDRTYPE match${match.srcType ? ` src-type ${match.srcType}` : ''}${match.dstType ? ` dst-type ${match.dstType}` : ''}`)
        break
      case 'statistic':
        words.push(`statistic mode random probability ${(Math.round(match.probability * 2 ** 31) / 2 ** 31).toFixed(11)}`)
        break
      case 'multiport':
        if (match.dports) words.push(`multiport dports ${match.dports.join(',')}`)
        if (match.sports) words.push(`multiport sports ${match.sports.join(',')}`)
        if (match.ports) words.push(`multiport ports ${match.ports.join(',')}`)
        break
      default:
        // The rest is shown in the words of iptables-save, without the leading -m NAME.
        words.push(renderRule('X', { matches: [match] }).replace(/^-A X -m \S+ ?/, ''))
    }
  }
  const { target } = rule
  if (target?.target === 'REJECT') words.push(`reject-with ${target.with ?? 'icmp-port-unreachable'}`)
  else if (target?.target === 'DNAT' || target?.target === 'SNAT') words.push(`to:${target.to}`)
  else if (target?.target === 'REDIRECT') words.push(`redir ports ${target.port}`)
  else if (target?.target === 'MARK')
    words.push(
      `MARK ${target.mask === undefined || target.mask === target.value ? 'or' : 'xset'} 0x${target.value.toString(16)}${target.mask === undefined || target.mask === target.value ? '' : `/0x${target.mask.toString(16)}`}`,
    )
  else if (target?.target === 'LOG') words.push(`LOG flags 0 level 4${target.prefix ? ` prefix "${target.prefix}"` : ''}`)
  else if (target?.target === 'MASQUERADE' && target.randomFully) words.push('random-fully')
  return words.join(' ')
}
