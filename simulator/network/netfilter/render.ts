import type { NetworkNamespace } from '../namespace.ts'
import { chainEntries } from './chains.ts'
import { negation } from './match.ts'
import type { Match, Rule, Table, Target } from './rule.ts'

/** What `iptables-save` prints for a namespace: one table, or all that have something in them. Counters are not kept and print as 0. */
export function renderIptables(namespace: NetworkNamespace, only?: string): string {
  const tables = Object.values(namespace.netfilter.tables).filter((table) => table.iptables && (only === undefined || table.name === only))
  return tables.map(renderTable).join('')
}

function renderTable(table: Table): string {
  const chains = chainEntries(table.chains)
  // Base chains first; iptables-save prints user chains in the order of their names.
  const ordered = [
    ...chains.filter(([, chain]) => chain.hook),
    ...chains.filter(([, chain]) => !chain.hook).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]
  const lines = [`*${table.name}`]
  for (const [name, chain] of ordered) lines.push(`:${name} ${chain.policy ?? '-'} [0:0]`)
  for (const [name, chain] of ordered) for (const rule of chain.rules) lines.push(renderRule(name, rule))
  lines.push('COMMIT')
  return `${lines.join('\n')}\n`
}

/** One rule as `iptables-save` prints it: `-A CHAIN …`. */
export function renderRule(chain: string, rule: Rule): string {
  const words = ['-A', chain]
  const option = (flag: string, text: string | undefined) => {
    if (text === undefined) return
    const { value, negated } = negation(text)
    words.push(...(negated ? ['!'] : []), flag, value)
  }
  const network = (text: string | undefined) =>
    text === undefined || text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`
  option('-s', network(rule.source))
  option('-d', network(rule.destination))
  option('-i', rule.inInterface)
  option('-o', rule.outInterface)
  // Protocol 4 by its name in /etc/protocols.
  option('-p', rule.protocol?.replace('ipip', 'ipencap'))
  for (const match of rule.matches ?? []) words.push(...renderMatch(match))
  if (rule.target) words.push(...renderTarget(rule.target))
  return words.join(' ')
}

function renderMatch(match: Match): string[] {
  const not = 'invert' in match && match.invert ? ['!'] : []
  const port = (flag: string, text: string | undefined) => {
    if (text === undefined) return []
    const { value, negated } = negation(text)
    return [...(negated ? ['!'] : []), flag, value]
  }
  switch (match.match) {
    case 'comment':
      return ['-m', 'comment', '--comment', quote(match.comment)]
    case 'tcp':
      return [
        '-m',
        'tcp',
        ...port('--sport', match.sport),
        ...port('--dport', match.dport),
        ...(match.syn ? ['--tcp-flags', 'FIN,SYN,RST,ACK', 'SYN'] : []),
      ]
    case 'udp':
      return ['-m', 'udp', ...port('--sport', match.sport), ...port('--dport', match.dport)]
    case 'icmp':
      return ['-m', 'icmp', ...not, '--icmp-type', match.code === undefined ? `${match.type}` : `${match.type}/${match.code}`]
    case 'multiport': {
      const list = (flag: string, ports: readonly string[] | undefined) => (ports ? [...not, flag, ports.join(',')] : [])
      return ['-m', 'multiport', ...list('--sports', match.sports), ...list('--dports', match.dports), ...list('--ports', match.ports)]
    }
    case 'conntrack':
      if (match.asState) return ['-m', 'state', ...not, '--state', (match.ctstate ?? []).join(',')]
      return [
        '-m',
        'conntrack',
        ...(match.ctstate ? [...not, '--ctstate', match.ctstate.join(',')] : []),
        ...(match.ctorigdst ? ['--ctorigdst', match.ctorigdst] : []),
        ...(match.ctdir ? ['--ctdir', match.ctdir] : []),
      ]
    case 'mark':
    case 'connmark':
      return ['-m', match.match, ...not, '--mark', masked(match.value, match.mask)]
    case 'addrtype':
      return [
        '-m',
        'addrtype',
        ...(match.srcType ? [...not, '--src-type', match.srcType] : []),
        ...(match.dstType ? [...not, '--dst-type', match.dstType] : []),
        ...(match.limitIfaceOut ? ['--limit-iface-out'] : []),
      ]
    case 'statistic':
      return ['-m', 'statistic', '--mode', 'random', '--probability', (Math.round(match.probability * 2 ** 31) / 2 ** 31).toFixed(11)]
    case 'set':
      return ['-m', 'set', ...not, '--match-set', match.set, match.flags.join(',')]
    case 'recent':
      return [
        '-m',
        'recent',
        ...not,
        `--${match.action}`,
        ...(match.seconds === undefined ? [] : ['--seconds', `${match.seconds}`]),
        ...(match.reap ? ['--reap'] : []),
        '--name',
        match.name,
        '--mask',
        '255.255.255.255',
        match.side === 'dest' ? '--rdest' : '--rsource',
      ]
    case 'physdev':
      return [
        '-m',
        'physdev',
        ...(match.physdevIn ? [...not, '--physdev-in', match.physdevIn] : []),
        ...(match.physdevOut ? [...not, '--physdev-out', match.physdevOut] : []),
        ...(match.isBridged ? [...not, '--physdev-is-bridged'] : []),
      ]
    case 'rpfilter':
      return ['-m', 'rpfilter', ...(match.validmark ? ['--validmark'] : []), ...(match.invert ? ['--invert'] : [])]
    case 'owner':
      return ['-m', 'owner', ...not, '--uid-owner', `${match.uid}`]
    case 'iprange':
      return [
        '-m',
        'iprange',
        ...(match.src ? [...not, '--src-range', match.src] : []),
        ...(match.dst ? [...not, '--dst-range', match.dst] : []),
      ]
  }
}

function renderTarget(target: Target): string[] {
  switch (target.target) {
    case 'jump':
      return [target.goto ? '-g' : '-j', target.chain]
    case 'REJECT':
      return ['-j', 'REJECT', '--reject-with', target.with ?? 'icmp-port-unreachable']
    case 'DNAT':
      return ['-j', 'DNAT', '--to-destination', target.to]
    case 'SNAT':
      return ['-j', 'SNAT', '--to-source', target.to, ...(target.randomFully ? ['--random-fully'] : [])]
    case 'MASQUERADE':
      return ['-j', 'MASQUERADE', ...(target.randomFully ? ['--random-fully'] : [])]
    case 'REDIRECT':
      return ['-j', 'REDIRECT', '--to-ports', `${target.port}`]
    case 'MARK':
      return ['-j', 'MARK', '--set-xmark', `0x${target.value.toString(16)}/0x${(target.mask ?? 0xffffffff).toString(16)}`]
    case 'CONNMARK': {
      const mask = (target.mask ?? 0xffffffff).toString(16)
      return ['-j', 'CONNMARK', `--${target.action}-mark`, '--nfmask', `0x${mask}`, '--ctmask', `0x${mask}`]
    }
    case 'LOG':
      return [
        '-j',
        'LOG',
        ...(target.prefix ? ['--log-prefix', quote(target.prefix)] : []),
        ...(target.level === undefined ? [] : ['--log-level', `${target.level}`]),
      ]
    case 'NFLOG':
      return ['-j', 'NFLOG', '--nflog-group', `${target.group}`]
    case 'NFQUEUE':
      return ['-j', 'NFQUEUE', '--queue-num', `${target.queue}`, ...(target.bypass ? ['--queue-bypass'] : [])]
    case 'NOTRACK':
      return ['-j', 'CT', '--notrack']
    case 'TCPMSS':
      return ['-j', 'TCPMSS', ...(target.clampToPathMtu ? ['--clamp-mss-to-pmtu'] : ['--set-mss', `${target.mss}`])]
    default:
      return ['-j', target.target]
  }
}

function masked(value: number, mask: number | undefined): string {
  return mask === undefined || mask === 0xffffffff ? `0x${value.toString(16)}` : `0x${value.toString(16)}/0x${mask.toString(16)}`
}

/** As xtables_save_string: quotes what is more than a word. */
function quote(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}
