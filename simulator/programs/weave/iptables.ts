import type { Netfilter } from '../../network/netfilter/netfilter.ts'
import type { Match, Rule, Target } from '../../network/netfilter/rule.ts'
import { weaveBridge } from './datapath.ts'

export const localSet = 'weaver-no-masq-local'
export const logGroup = 86

const comment = (text: string): Match => ({ match: 'comment', comment: text })
const jump = (chain: string): Target => ({ target: 'jump', chain })
export const stateIs = (...ctstate: ('NEW' | 'RELATED' | 'ESTABLISHED')[]): Match => ({ match: 'conntrack', ctstate, asState: true })

/** weave 2.8's net.ResetIPTables: what an earlier run may have left in a strange state. */
export function resetIptables(netfilter: Netfilter, npc: boolean): void {
  if (!npc) clear(netfilter, 'filter', 'WEAVE-EXPOSE')
  clear(netfilter, 'nat', 'WEAVE')
  netfilter.setSet({ name: localSet, type: 'hash:net', members: [] })
}

/** weave 2.8's net.ConfigureIPTables. `npc`: policies will be enforced, so nothing passes to pods before weave-npc let it. */
export function configureIptables(netfilter: Netfilter, npc: boolean): void {
  appendUnique(netfilter, 'filter', 'INPUT', {
    protocol: 'tcp',
    destination: '127.0.0.1/32',
    matches: [
      { match: 'tcp', dport: '6784' },
      { match: 'addrtype', srcType: 'LOCAL', invert: true },
      { match: 'conntrack', ctstate: ['RELATED', 'ESTABLISHED'], invert: true },
      comment('Block non-local access to Weave Net control port'),
    ],
    target: { target: 'DROP' },
  })
  const forward: Rule[] = []
  if (npc) {
    for (const chain of ['WEAVE-NPC', 'WEAVE-NPC-EGRESS']) ensureChain(netfilter, 'filter', chain)
    appendUnique(netfilter, 'filter', 'INPUT', { inInterface: weaveBridge, target: jump('WEAVE-NPC-EGRESS') })
    const note = comment("NOTE: this must go before '-j KUBE-FORWARD'")
    forward.push(
      { inInterface: weaveBridge, matches: [note], target: jump('WEAVE-NPC-EGRESS') },
      { outInterface: weaveBridge, matches: [note], target: jump('WEAVE-NPC') },
      { outInterface: weaveBridge, matches: [stateIs('NEW')], target: { target: 'NFLOG', group: logGroup } },
      { outInterface: weaveBridge, target: { target: 'DROP' } },
    )
  } else {
    ensureChain(netfilter, 'filter', 'WEAVE-EXPOSE')
    forward.push(
      { inInterface: weaveBridge, outInterface: weaveBridge, target: { target: 'ACCEPT' } },
      { outInterface: weaveBridge, target: jump('WEAVE-EXPOSE') },
    )
  }
  forward.push(
    { inInterface: weaveBridge, outInterface: `!${weaveBridge}`, target: { target: 'ACCEPT' } },
    {
      outInterface: weaveBridge,
      matches: [{ match: 'conntrack', ctstate: ['RELATED', 'ESTABLISHED'] }],
      target: { target: 'ACCEPT' },
    },
  )
  ensureAtTop(netfilter, 'FORWARD', forward)
  ensureChain(netfilter, 'nat', 'WEAVE')
  appendUnique(netfilter, 'nat', 'POSTROUTING', { target: jump('WEAVE') })
  appendUnique(netfilter, 'nat', 'WEAVE', {
    matches: [{ match: 'set', set: localSet, flags: ['dst'] }, comment('Prevent SNAT to locally running containers')],
    target: { target: 'RETURN' },
  })
  // A chain that means nothing but that nobody flushed the tables; weaver looks whether it is still there.
  for (const table of ['mangle', 'nat', 'filter']) ensureChain(netfilter, table, 'WEAVE-CANARY')
}

/** weave 2.8's net.exposeNAT: pods and hosts of the outside see each other under this node's address. */
export function exposeNat(netfilter: Netfilter, cidr: string, npc: boolean): void {
  appendUnique(netfilter, 'nat', 'WEAVE', { source: cidr, destination: '224.0.0.0/4', target: { target: 'RETURN' } })
  appendUnique(netfilter, 'nat', 'WEAVE', { source: `!${cidr}`, destination: cidr, target: { target: 'MASQUERADE' } })
  appendUnique(netfilter, 'nat', 'WEAVE', { source: cidr, destination: `!${cidr}`, target: { target: 'MASQUERADE' } })
  if (!npc) appendUnique(netfilter, 'filter', 'WEAVE-EXPOSE', { destination: cidr, target: { target: 'ACCEPT' } })
}

export function clear(netfilter: Netfilter, table: string, chain: string): void {
  ensureChain(netfilter, table, chain)
  netfilter.setRules(table, chain, [])
}

export function ensureChain(netfilter: Netfilter, table: string, chain: string): void {
  if (!netfilter.chain(table, chain)) netfilter.addChain(table, chain)
}

function appendUnique(netfilter: Netfilter, table: string, chain: string, rule: Rule): void {
  if (!has(netfilter, table, chain, rule)) netfilter.append(table, chain, rule)
}

function has(netfilter: Netfilter, table: string, chain: string, rule: Rule): boolean {
  const text = JSON.stringify(rule)
  return netfilter.chain(table, chain)?.rules.some((other) => JSON.stringify(other) === text) ?? false
}

/** Where one is missing, all are put at the top anew, in their order. */
function ensureAtTop(netfilter: Netfilter, chain: string, rules: readonly Rule[]): void {
  if (rules.every((rule) => has(netfilter, 'filter', chain, rule))) return
  const texts = new Set(rules.map((rule) => JSON.stringify(rule)))
  const others = (netfilter.chain('filter', chain)?.rules ?? []).filter((rule) => !texts.has(JSON.stringify(rule)))
  netfilter.setRules('filter', chain, [...rules, ...others])
}
