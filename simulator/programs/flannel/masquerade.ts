import type { Netfilter } from '../../network/netfilter/netfilter.ts'
import type { Match, Rule } from '../../network/netfilter/rule.ts'

const masquerade: Match = { match: 'comment', comment: 'flanneld masq' }
const forward: Match = { match: 'comment', comment: 'flanneld forward' }

/** `--ip-masq`: what leaves the pod network goes out under the node's address. What an earlier configuration left in the chain goes. */
export function masqueradeRules(netfilter: Netfilter, network: string, subnet: string): void {
  const rule = (fields: Rule): Rule => ({ ...fields, matches: [...(fields.matches ?? []), masquerade] })
  fill(netfilter, 'nat', 'FLANNEL-POSTRTG', [
    rule({ matches: [{ match: 'mark', value: 0x4000, mask: 0x4000 }], target: { target: 'RETURN' } }),
    rule({ source: subnet, destination: network, target: { target: 'RETURN' } }),
    rule({ source: network, destination: subnet, target: { target: 'RETURN' } }),
    rule({ source: `!${network}`, destination: subnet, target: { target: 'RETURN' } }),
    rule({ source: network, destination: '!224.0.0.0/4', target: { target: 'MASQUERADE', randomFully: true } }),
    rule({ source: `!${network}`, destination: network, target: { target: 'MASQUERADE', randomFully: true } }),
  ])
  hook(netfilter, 'nat', 'POSTROUTING', 'FLANNEL-POSTRTG', masquerade)
}

/** Forwarding to and from pods is allowed, with and without `--ip-masq`. */
export function forwardRules(netfilter: Netfilter, network: string): void {
  fill(netfilter, 'filter', 'FLANNEL-FWD', [
    { source: network, matches: [forward], target: { target: 'ACCEPT' } },
    { destination: network, matches: [forward], target: { target: 'ACCEPT' } },
  ])
  hook(netfilter, 'filter', 'FORWARD', 'FLANNEL-FWD', forward)
}

function fill(netfilter: Netfilter, table: string, chain: string, rules: readonly Rule[]): void {
  if (!netfilter.chain(table, chain)) netfilter.addChain(table, chain)
  netfilter.setRules(table, chain, rules)
}

function hook(netfilter: Netfilter, table: string, base: string, chain: string, comment: Match): void {
  const there = netfilter.chain(table, base)?.rules.some(({ target }) => target?.target === 'jump' && target.chain === chain)
  if (!there) netfilter.append(table, base, { matches: [comment], target: { target: 'jump', chain } })
}
