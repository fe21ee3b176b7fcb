import type { Netfilter } from '../../../network/netfilter/netfilter.ts'
import type { Rule } from '../../../network/netfilter/rule.ts'
import { dispatchChains } from './endpoint-chains.ts'
import { act, hashOf, rendered } from './felix-rule.ts'
import { sameRules } from './policy-dataplane.ts'
import { forwardAppends, type HostAction, hooks, staticChains, type TableName, type Tunnels } from './static-chains.ts'

/** Names of the filter table's chains that stand without any pod. */
export const standingFilterChains: ReadonlySet<string> = new Set(Object.keys(staticChains({ vxlan: true, ipip: true }, 'ACCEPT').filter))

/** Makes Felix's standing chains and hangs them in; what is right already is left alone. */
export function installStandingRules(netfilter: Netfilter, tunnels: Tunnels, toHost: HostAction): void {
  const tables = staticChains(tunnels, toHost)
  // The dispatch chains are the pods' part, but something jumps to them from the start.
  const empty = netfilter.chain('filter', 'cali-to-wl-dispatch') ? {} : dispatchChains([])
  for (const [table, chains] of Object.entries(tables) as [TableName, (typeof tables)[TableName]][]) {
    const all = table === 'filter' ? { ...chains, ...empty } : chains
    const declared: Record<string, readonly Rule[]> = {}
    for (const [name, rules] of Object.entries(all)) {
      const wanted = rendered(name, rules)
      const there = netfilter.chain(table, name)
      if (!there || !sameRules(wanted, there.rules)) declared[name] = wanted
    }
    if (Object.keys(declared).length > 0) netfilter.restore(table, declared)
  }
  ensureHooks(netfilter)
}

/** Felix's jumps stay first (or last) in the built-in chains, whoever else put something there since. */
export function ensureHooks(netfilter: Netfilter): void {
  for (const [table, chain, target, place] of hooks) {
    const appended = place === 'append'
    const own = rendered(chain, [{ action: act.jump(target) }], appended ? { hashedAs: `${chain}*appends*` } : {})
    keep(netfilter, table, chain, own, place)
  }
  keep(netfilter, 'filter', 'FORWARD', rendered('FORWARD', forwardAppends, { hashedAs: 'FORWARD*appends*' }), 'append')
}

function keep(netfilter: Netfilter, table: TableName, chain: string, own: readonly Rule[], place: 'insert' | 'append'): void {
  const rules = netfilter.chain(table, chain)?.rules ?? []
  const there = place === 'insert' ? rules.slice(0, own.length) : rules.slice(-own.length)
  if (sameRules(own, there)) return
  const hashes = new Set(own.map(hashOf))
  const others = rules.filter((rule) => !hashes.has(hashOf(rule)))
  netfilter.setRules(table, chain, place === 'insert' ? [...own, ...others] : [...others, ...own])
}
