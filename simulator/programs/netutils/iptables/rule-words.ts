import { isAddress } from '../../../network/address.ts'
import type { Match, RejectWith, Rule, Target } from '../../../network/netfilter/rule.ts'
import { UsageError } from '../options.ts'

const protocols = ['tcp', 'udp', 'icmp', 'sctp', 'ipip'] as const
const jumps = ['ACCEPT', 'DROP', 'RETURN'] as const

/** A rule from the words of `iptables -A CHAIN …`. Extensions that are not modelled are refused by name. Throws UsageError (2). */
export function ruleFromWords(words: readonly string[], tool: string): Rule {
  const fail = (message: string) =>
    new UsageError(`${tool} v1.8.9 (nf_tables): ${message}\nTry \`${tool} -h' or '${tool} --help' for more information.`, 2)
  let rule: Mutable<Rule> = {}
  const matches: Match[] = []
  const last = <K extends Match['match']>(match: K) => matches.findLast((one): one is Extract<Match, { match: K }> => one.match === match)
  const put = <K extends Match['match']>(match: K, change: object) => {
    const known = last(match)
    if (known) matches[matches.indexOf(known)] = { ...known, ...change } as Match
    else matches.push({ match, ...change } as Match)
  }
  let negated = false
  let target: Target | undefined
  const values = [...words]
  while (values.length > 0) {
    const word = values.shift() as string
    if (word === '!') {
      negated = true
      continue
    }
    const not = negated ? '!' : ''
    negated = false
    const value = () => {
      const next = values.shift()
      if (next === undefined) throw fail(`option "${word}" requires an argument`)
      return next
    }
    switch (word) {
      case '-s':
      case '--source':
      case '--src':
        rule.source = not + network(value(), tool)
        break
      case '-d':
      case '--destination':
      case '--dst':
        rule.destination = not + network(value(), tool)
        break
      case '-i':
      case '--in-interface':
        rule.inInterface = not + value()
        break
      case '-o':
      case '--out-interface':
        rule.outInterface = not + value()
        break
      case '-p':
      case '--protocol': {
        const name = value().toLowerCase().replace('ipencap', 'ipip')
        if (name === 'all') break
        if (!(protocols as readonly string[]).includes(name)) throw fail(`unknown protocol "${name}" specified`)
        rule.protocol = (not + name) as NonNullable<Rule['protocol']>
        break
      }
      case '-m':
      case '--match':
        if (
          !['tcp', 'udp', 'icmp', 'comment', 'conntrack', 'state', 'multiport', 'addrtype', 'mark', 'statistic'].includes(values[0] ?? '')
        )
          throw new UsageError(`${tool}: the simulated ${tool} does not model the match "${values[0] ?? ''}"`, 2)
        values.shift()
        break
      case '--dport':
      case '--destination-port':
      case '--sport':
      case '--source-port': {
        const protocol = rule.protocol
        if (protocol !== 'tcp' && protocol !== 'udp') throw fail(`unknown option "${word}"`)
        put(protocol, { [word.includes('d') && word.startsWith('--d') ? 'dport' : 'sport']: not + value() })
        break
      }
      case '--syn':
        put('tcp', { syn: not === '' })
        break
      case '--dports':
      case '--sports':
      case '--ports':
        put('multiport', { [word.slice(2)]: value().split(',') })
        break
      case '--icmp-type': {
        const name = value()
        const type = { 'echo-request': 8, 'echo-reply': 0, 'destination-unreachable': 3, 'time-exceeded': 11 }[name] ?? Number(name)
        put('icmp', { type })
        break
      }
      case '--comment':
        put('comment', { comment: value() })
        break
      case '--ctstate':
      case '--state':
        put('conntrack', { ctstate: value().split(','), ...(not ? { invert: true } : {}) })
        break
      case '--src-type':
        put('addrtype', { srcType: value(), ...(not ? { invert: true } : {}) })
        break
      case '--dst-type':
        put('addrtype', { dstType: value(), ...(not ? { invert: true } : {}) })
        break
      case '--mark': {
        const [mark, mask] = value().split('/')
        put('mark', { value: Number(mark), ...(mask === undefined ? {} : { mask: Number(mask) }), ...(not ? { invert: true } : {}) })
        break
      }
      case '--mode':
        if (value() !== 'random') throw fail('the simulated statistic match has the mode random only')
        break
      case '--probability':
        put('statistic', { mode: 'random', probability: Number(value()) })
        break
      case '-j':
      case '--jump':
        target = targetOf(value())
        break
      case '-g':
      case '--goto':
        target = { target: 'jump', chain: value(), goto: true }
        break
      case '--reject-with':
        target = { target: 'REJECT', with: value() as RejectWith }
        break
      case '--to-destination':
        target = { target: 'DNAT', to: value() }
        break
      case '--to-source':
        target = { target: 'SNAT', to: value() }
        break
      case '--to-ports':
        target = { target: 'REDIRECT', port: Number(value()) }
        break
      case '--set-mark':
      case '--set-xmark': {
        const [mark, mask] = value().split('/')
        target = { target: 'MARK', value: Number(mark), ...(mask === undefined ? {} : { mask: Number(mask) }) }
        break
      }
      case '--log-prefix':
        target = { target: 'LOG', prefix: value() }
        break
      case '--clamp-mss-to-pmtu':
        target = { target: 'TCPMSS', clampToPathMtu: true }
        break
      case '--set-mss':
        target = { target: 'TCPMSS', mss: Number(value()) }
        break
      default:
        throw fail(`unknown option "${word}"`)
    }
  }
  if (matches.length > 0) rule = { ...rule, matches }
  if (target) rule = { ...rule, target }
  return rule
}

function targetOf(name: string): Target {
  if ((jumps as readonly string[]).includes(name)) return { target: name as (typeof jumps)[number] }
  switch (name) {
    case 'REJECT':
      return { target: 'REJECT' }
    case 'MASQUERADE':
      return { target: 'MASQUERADE' }
    case 'LOG':
      return { target: 'LOG' }
    case 'DNAT':
    case 'SNAT':
      return { target: name, to: '' }
    case 'REDIRECT':
      return { target: 'REDIRECT', port: 0 }
    case 'MARK':
      return { target: 'MARK', value: 0 }
    case 'TCPMSS':
      return { target: 'TCPMSS', clampToPathMtu: true }
    case 'NOTRACK':
      return { target: 'NOTRACK' }
    default:
      return { target: 'jump', chain: name }
  }
}

function network(text: string, tool: string): string {
  const [address = '', length] = text.split('/')
  if (!isAddress(address))
    throw new UsageError(
      `${tool} v1.8.9 (nf_tables): host/network \`${text}' not found\nTry \`${tool} -h' or '${tool} --help' for more information.`,
      2,
    )
  return length === undefined ? `${address}/32` : text
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
