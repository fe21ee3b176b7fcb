import type { Netfilter } from '../../network/netfilter/netfilter.ts'
import type { Match, Rule, Target } from '../../network/netfilter/rule.ts'

const jump = (chain: string): Target => ({ target: 'jump', chain })
const comment = (text: string): Match => ({ match: 'comment', comment: text })
const fresh: Match = { match: 'conntrack', ctstate: ['NEW'] }
const masqueradeMark = 0x4000

/** Where kube-proxy's own chains hang in the built-in ones: table, chain, rule. Upstream's iptablesJumpChains. */
const jumps: readonly (readonly [table: string, chain: string, rule: Rule])[] = [
  [
    'filter',
    'INPUT',
    { matches: [fresh, comment('kubernetes externally-visible service portals')], target: jump('KUBE-EXTERNAL-SERVICES') },
  ],
  [
    'filter',
    'FORWARD',
    { matches: [fresh, comment('kubernetes externally-visible service portals')], target: jump('KUBE-EXTERNAL-SERVICES') },
  ],
  ['filter', 'INPUT', { matches: [comment('kubernetes health check service ports')], target: jump('KUBE-NODEPORTS') }],
  ['filter', 'FORWARD', { matches: [fresh, comment('kubernetes service portals')], target: jump('KUBE-SERVICES') }],
  ['filter', 'OUTPUT', { matches: [fresh, comment('kubernetes service portals')], target: jump('KUBE-SERVICES') }],
  ['filter', 'FORWARD', { matches: [comment('kubernetes forwarding rules')], target: jump('KUBE-FORWARD') }],
  ['filter', 'INPUT', { matches: [fresh, comment('kubernetes load balancer firewall')], target: jump('KUBE-PROXY-FIREWALL') }],
  ['filter', 'OUTPUT', { matches: [fresh, comment('kubernetes load balancer firewall')], target: jump('KUBE-PROXY-FIREWALL') }],
  ['filter', 'FORWARD', { matches: [fresh, comment('kubernetes load balancer firewall')], target: jump('KUBE-PROXY-FIREWALL') }],
  ['filter', 'INPUT', { target: jump('KUBE-FIREWALL') }],
  ['filter', 'OUTPUT', { target: jump('KUBE-FIREWALL') }],
  ['nat', 'OUTPUT', { matches: [comment('kubernetes service portals')], target: jump('KUBE-SERVICES') }],
  ['nat', 'PREROUTING', { matches: [comment('kubernetes service portals')], target: jump('KUBE-SERVICES') }],
  ['nat', 'POSTROUTING', { matches: [comment('kubernetes postrouting rules')], target: jump('KUBE-POSTROUTING') }],
]

const filterChains = [
  'KUBE-SERVICES',
  'KUBE-EXTERNAL-SERVICES',
  'KUBE-NODEPORTS',
  'KUBE-FORWARD',
  'KUBE-PROXY-FIREWALL',
  'KUBE-FIREWALL',
  'KUBE-PROXY-CANARY',
]
const natChains = ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ', 'KUBE-PROXY-CANARY']

/** Makes kube-proxy's standing chains and hangs them in, where they are missing. */
export function installBase(netfilter: Netfilter): void {
  for (const chain of filterChains) if (!netfilter.chain('filter', chain)) netfilter.addChain('filter', chain)
  for (const chain of natChains) if (!netfilter.chain('nat', chain)) netfilter.addChain('nat', chain)
  for (const [table, chain, rule] of jumps) {
    const target = rule.target?.target === 'jump' ? rule.target.chain : ''
    const there = netfilter.chain(table, chain)?.rules.some((other) => other.target?.target === 'jump' && other.target.chain === target)
    // Upstream prepends each, so that its own come before whatever else is there.
    if (!there) netfilter.insert(table, chain, rule)
  }
  netfilter.setRules('filter', 'KUBE-FORWARD', [
    { matches: [{ match: 'conntrack', ctstate: ['INVALID'] }], target: { target: 'DROP' } },
    {
      matches: [comment('kubernetes forwarding rules'), { match: 'mark', value: masqueradeMark, mask: masqueradeMark }],
      target: { target: 'ACCEPT' },
    },
    {
      matches: [comment('kubernetes forwarding conntrack rule'), { match: 'conntrack', ctstate: ['RELATED', 'ESTABLISHED'] }],
      target: { target: 'ACCEPT' },
    },
  ])
  netfilter.setRules('filter', 'KUBE-FIREWALL', [
    {
      source: '!127.0.0.0/8',
      destination: '127.0.0.0/8',
      matches: [
        comment('block incoming localnet connections'),
        { match: 'conntrack', ctstate: ['RELATED', 'ESTABLISHED', 'DNAT'], invert: true },
      ],
      target: { target: 'DROP' },
    },
  ])
  netfilter.setRules('nat', 'KUBE-MARK-MASQ', [{ target: { target: 'MARK', value: masqueradeMark, mask: masqueradeMark } }])
  netfilter.setRules('nat', 'KUBE-POSTROUTING', [
    { matches: [{ match: 'mark', value: masqueradeMark, mask: masqueradeMark, invert: true }], target: { target: 'RETURN' } },
    // The mark is taken off, so that a later pass through this chain (encapsulation) does not masquerade again.
    { target: { target: 'MARK', value: masqueradeMark, mask: 0 } },
    { matches: [comment('kubernetes service traffic requiring SNAT')], target: { target: 'MASQUERADE', randomFully: true } },
  ])
}
