import type { Netfilter } from '../../network/netfilter/netfilter.ts'
import type { Match, Rule } from '../../network/netfilter/rule.ts'

const comment: Match = { match: 'comment', comment: 'flanneld masq' }

/** `--ip-masq`: what leaves the pod network goes out under the node's address; and forwarding to and from pods is allowed. */
export function masqueradeRules(netfilter: Netfilter, network: string, subnet: string): void {
  if (netfilter.chain('nat', 'FLANNEL-POSTRTG')) return
  const rule = (fields: Rule): Rule => ({ ...fields, matches: [...(fields.matches ?? []), comment] })
  netfilter.addChain('nat', 'FLANNEL-POSTRTG')
  netfilter.setRules('nat', 'FLANNEL-POSTRTG', [
    rule({ matches: [{ match: 'mark', value: 0x4000, mask: 0x4000 }], target: { target: 'RETURN' } }),
    rule({ source: subnet, destination: network, target: { target: 'RETURN' } }),
    rule({ source: network, destination: subnet, target: { target: 'RETURN' } }),
    rule({ source: `!${network}`, destination: subnet, target: { target: 'RETURN' } }),
    rule({ source: network, destination: '!224.0.0.0/4', target: { target: 'MASQUERADE', randomFully: true } }),
    rule({ source: `!${network}`, destination: network, target: { target: 'MASQUERADE', randomFully: true } }),
  ])
  netfilter.append('nat', 'POSTROUTING', rule({ target: { target: 'jump', chain: 'FLANNEL-POSTRTG' } }))
  netfilter.addChain('filter', 'FLANNEL-FWD')
  const forward: Match = { match: 'comment', comment: 'flanneld forward' }
  netfilter.setRules('filter', 'FLANNEL-FWD', [
    { source: network, matches: [forward], target: { target: 'ACCEPT' } },
    { destination: network, matches: [forward], target: { target: 'ACCEPT' } },
  ])
  netfilter.append('filter', 'FORWARD', { matches: [forward], target: { target: 'jump', chain: 'FLANNEL-FWD' } })
}
