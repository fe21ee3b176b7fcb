import type { ConntrackState, Match, Rule, Target } from '../../../network/netfilter/rule.ts'
import type { Origin } from '../../../network/trace.ts'
import { ruleHashes } from '../names.ts'

/** A part of a rule in Felix's own words (from which its hash is made) and as netfilter has it. */
export interface Part {
  readonly text: string
  readonly fields?: Partial<Rule>
  readonly match?: Match
}

export interface FelixRule {
  readonly match?: readonly Part[]
  readonly action?: { readonly text: string; readonly target: Target }
  readonly comments?: readonly string[]
  /** Where it is another than that of the chain. */
  readonly origin?: Origin
}

/**
 * The mark bits that Felix hands out from IptablesMarkMask 0xffff0000 in its order: accept, pass, drop, two scratch bits; the rest is
 * the endpoint mark, which only IPVS needs.
 */
export const marks = { accept: 0x10000, pass: 0x20000, drop: 0x40000, scratch: 0x80000, scratch1: 0x100000, all: 0x1b0000 } as const

const hex = (value: number) => (value === 0 ? '0' : `0x${value.toString(16)}`)

export type Side = 'source' | 'destination'
export interface IcmpType {
  readonly type: number
  readonly code?: number
}
const flagOf = { source: 'src', destination: 'dst' } as const

/** What Felix's match builder (felix/iptables/match_builder.go) can say, as far as it is needed here. */
export const when = {
  markClear: (bits: number): Part => ({ text: `-m mark --mark 0/${hex(bits)}`, match: { match: 'mark', value: 0, mask: bits } }),
  markNotClear: (bits: number): Part => ({
    text: `-m mark ! --mark 0/${hex(bits)}`,
    match: { match: 'mark', value: 0, mask: bits, invert: true },
  }),
  markSet: (bit: number): Part => ({ text: `-m mark --mark ${hex(bit)}/${hex(bit)}`, match: { match: 'mark', value: bit, mask: bit } }),
  inInterface: (name: string): Part => ({ text: `--in-interface ${name}`, fields: { inInterface: name } }),
  outInterface: (name: string): Part => ({ text: `--out-interface ${name}`, fields: { outInterface: name } }),
  tracked: (...states: ConntrackState[]): Part => ({
    text: `-m conntrack --ctstate ${states.join(',')}`,
    match: { match: 'conntrack', ctstate: states },
  }),
  notTracked: (...states: ConntrackState[]): Part => ({
    text: `-m conntrack ! --ctstate ${states.join(',')}`,
    match: { match: 'conntrack', ctstate: states, invert: true },
  }),
  protocol: (name: 'tcp' | 'udp' | 'sctp'): Part => ({ text: `-p ${name}`, fields: { protocol: name } }),
  /** `text` is a name or a number, as the policy had it. */
  protocolAs: (text: string, protocol: NonNullable<Rule['protocol']>): Part => ({ text: `-p ${text}`, fields: { protocol } }),
  notProtocolAs: (text: string, protocol: NonNullable<Rule['protocol']>): Part => ({ text: `! -p ${text}`, fields: { protocol } }),
  ports: (side: Side, ports: readonly string[], invert: boolean): Part => ({
    text: `-m multiport ${invert ? '! ' : ''}--${side}-ports ${ports.join(',')}`,
    match: { match: 'multiport', [side === 'source' ? 'sports' : 'dports']: ports, ...(invert && { invert }) },
  }),
  net: (side: Side, net: string): Part => ({ text: `--${side} ${net}`, fields: { [side]: net } }),
  notNet: (side: Side, net: string): Part => ({ text: `! --${side} ${net}`, fields: { [side]: `!${net}` } }),
  set: (side: Side, set: string, invert: boolean): Part => ({
    text: `-m set ${invert ? '! ' : ''}--match-set ${set} ${flagOf[side]}`,
    match: { match: 'set', set, flags: [flagOf[side]], ...(invert && { invert }) },
  }),
  portSet: (side: Side, set: string, invert: boolean): Part => ({
    text: `-m set ${invert ? '! ' : ''}--match-set ${set} ${flagOf[side]},${flagOf[side]}`,
    match: { match: 'set', set, flags: [flagOf[side], flagOf[side]], ...(invert && { invert }) },
  }),
  icmp: ({ type, code }: IcmpType, invert: boolean): Part => ({
    text: `-m icmp ${invert ? '! ' : ''}--icmp-type ${type}${code === undefined ? '' : `/${code}`}`,
    match: { match: 'icmp', type, ...(code === undefined ? {} : { code }), ...(invert && { invert }) },
  }),
  protocolNumber: (number: 4 | 17): Part => ({ text: `-p ${number}`, fields: { protocol: number === 4 ? 'ipip' : 'udp' } }),
  destinationPort: (port: number): Part => ({ text: `--dport ${port}`, match: { match: 'udp', dport: String(port) } }),
  destinationPorts: (ports: readonly string[]): Part => ({
    text: `-m multiport --destination-ports ${ports.join(',')}`,
    match: { match: 'multiport', dports: ports },
  }),
  sourceSet: (set: string): Part => ({ text: `-m set --match-set ${set} src`, match: { match: 'set', set, flags: ['src'] } }),
  destinationSet: (set: string): Part => ({ text: `-m set --match-set ${set} dst`, match: { match: 'set', set, flags: ['dst'] } }),
  notDestinationSet: (set: string): Part => ({
    text: `-m set ! --match-set ${set} dst`,
    match: { match: 'set', set, flags: ['dst'], invert: true },
  }),
  sourceLocal: { text: '-m addrtype --src-type LOCAL', match: { match: 'addrtype', srcType: 'LOCAL' } } as Part,
  sourceNotOfInterface: {
    text: '-m addrtype ! --src-type LOCAL --limit-iface-out',
    match: { match: 'addrtype', srcType: 'LOCAL', limitIfaceOut: true, invert: true },
  } as Part,
  destinationLocal: { text: '-m addrtype --dst-type LOCAL', match: { match: 'addrtype', dstType: 'LOCAL' } } as Part,
  reversePathFails: { text: '-m rpfilter --invert --validmark', match: { match: 'rpfilter', validmark: true, invert: true } } as Part,
}

export const act = {
  accept: { text: '--jump ACCEPT', target: { target: 'ACCEPT' } } as const,
  drop: { text: '--jump DROP', target: { target: 'DROP' } } as const,
  reject: { text: '--jump REJECT', target: { target: 'REJECT' } } as const,
  back: { text: '--jump RETURN', target: { target: 'RETURN' } } as const,
  untracked: { text: '--jump NOTRACK', target: { target: 'NOTRACK' } } as const,
  masquerade: { text: '--jump MASQUERADE --random-fully', target: { target: 'MASQUERADE', randomFully: true } } as const,
  log: (prefix: string) => ({
    text: `--jump LOG --log-prefix "${prefix}: " --log-level 5`,
    target: { target: 'LOG', prefix: `${prefix}: `, level: 5 } as const,
  }),
  jump: (chain: string) => ({ text: `--jump ${chain}`, target: { target: 'jump', chain } as const }),
  goto: (chain: string) => ({ text: `--goto ${chain}`, target: { target: 'jump', chain, goto: true } as const }),
  mark: (bits: number) => ({
    text: `--jump MARK --set-mark ${hex(bits)}/${hex(bits)}`,
    target: { target: 'MARK', value: bits, mask: bits } as const,
  }),
  clearMark: (bits: number) => ({
    text: `--jump MARK --set-mark 0/${hex(bits)}`,
    target: { target: 'MARK', value: 0, mask: bits } as const,
  }),
  /** Sets the bits of `mask` to `value`. */
  setMasked: (value: number, mask: number) => ({
    text: `--jump MARK --set-mark ${hex(value)}/${hex(mask)}`,
    target: { target: 'MARK', value, mask } as const,
  }),
}

/** The rules with Felix's comments: each one's hash, then what Felix says of it. `hashedAs`: `CHAIN*appends*` for what it appends. */
export function rendered(chain: string, rules: readonly FelixRule[], options: { hashedAs?: string; origin?: Origin } = {}): Rule[] {
  const named = options.hashedAs ?? chain
  const hashes = ruleHashes(
    named,
    rules.map(({ match = [], action, comments = [] }) =>
      [
        '-A',
        named,
        'HASH',
        ...comments.map((comment) => `-m comment --comment "${escaped(comment)}"`),
        ...match.map(({ text }) => text),
        ...(action ? [action.text] : []),
      ].join(' '),
    ),
  )
  return rules.map(({ match = [], action, comments = [], origin = options.origin }, index) => {
    const said = [`cali:${hashes[index]}`, ...comments.map(escaped)].map((comment): Match => ({ match: 'comment', comment }))
    return {
      ...Object.assign({}, ...match.map(({ fields }) => fields)),
      matches: [...said, ...match.flatMap((part) => part.match ?? [])],
      ...(action ? { target: action.target } : {}),
      ...(origin ? { origin } : {}),
    }
  })
}

/** Felix lets only what a shell would leave alone into a comment, and no more than 256 characters. */
function escaped(comment: string): string {
  return comment.replace(/[^\w @%+=:,./-]/g, '_').slice(0, 256)
}

/** The hash in a rule's comment, by which Felix knows its own rules again. */
export function hashOf(rule: Rule): string | undefined {
  const first = rule.matches?.find((match) => match.match === 'comment')
  return first?.match === 'comment' && first.comment.startsWith('cali:') ? first.comment : undefined
}
