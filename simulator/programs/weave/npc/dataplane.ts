import type { Match, Rule, Target } from '../../../network/netfilter/rule.ts'
import type { IpSet } from '../../../network/netfilter/sets.ts'
import type { PolicyRule } from '../../../network-policy/policy.ts'
import type { IndexedPolicy, IndexedRule } from '../../../network-policy/policy-index.ts'
import type { PolicyPod } from '../../../network-policy/policy-pod.ts'
import type { Selection } from '../../../network-policy/selections.ts'
import { matchesSelector } from '../../../resources/selectors.ts'
import { logGroup, stateIs } from '../iptables.ts'
import { selectorText, setName } from './names.ts'

const egressMark = { value: 0x40000, mask: 0x40000 }
const bridgePort = 'vethwe-bridge'
const accept: Target = { target: 'ACCEPT' }
const back: Target = { target: 'RETURN' }
const jump = (chain: string): Target => ({ target: 'jump', chain })
const comment = (text: string): Match => ({ match: 'comment', comment: text })
const inSet = (set: string, side: 'src' | 'dst', invert?: true): Match => ({
  match: 'set',
  set,
  flags: [side],
  ...(invert ? { invert } : {}),
})
const unmarked: Match = { match: 'mark', ...egressMark, invert: true }
const multicast = '224.0.0.0/4'

/** What does not depend on policies (weave 2.8's prog/weave-npc createBaseRules). */
export const baseChains: Readonly<Record<string, readonly Rule[]>> = {
  'WEAVE-NPC': [
    { matches: [stateIs('RELATED', 'ESTABLISHED')], target: accept },
    { destination: multicast, target: accept },
    { matches: [{ match: 'physdev', physdevOut: bridgePort, isBridged: true }], target: accept },
    { matches: [stateIs('NEW')], target: jump('WEAVE-NPC-DEFAULT') },
    { matches: [stateIs('NEW')], target: jump('WEAVE-NPC-INGRESS') },
  ],
  'WEAVE-NPC-EGRESS-ACCEPT': [{ target: { target: 'MARK', ...egressMark } }],
}

/** `drops`: an egress policy was there once, which is when weave-npc begins to drop what none allows. */
export function egressChain(drops: boolean): readonly Rule[] {
  return [
    { matches: [stateIs('RELATED', 'ESTABLISHED')], target: accept },
    { matches: [{ match: 'physdev', physdevIn: bridgePort, isBridged: true }], target: back },
    { matches: [{ match: 'addrtype', dstType: 'LOCAL' }], target: back },
    { destination: multicast, target: back },
    { matches: [stateIs('NEW')], target: jump('WEAVE-NPC-EGRESS-DEFAULT') },
    { matches: [stateIs('NEW'), unmarked], target: jump('WEAVE-NPC-EGRESS-CUSTOM') },
    ...(drops
      ? ([
          { matches: [stateIs('NEW'), unmarked], target: { target: 'NFLOG', group: logGroup } },
          { matches: [unmarked], target: { target: 'DROP' } },
        ] as const)
      : []),
  ]
}

export interface PolicyWorld {
  readonly namespaces: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[]
  readonly pods: readonly PolicyPod[]
  /** Those that weave-npc takes: no named ports in them. */
  readonly policies: readonly IndexedPolicy[]
}

/** The ipsets and the chains' rules for policies as they stand (weave 2.8's npc/namespace.go, analyser.go, rule.go). Pure. */
export function policyRules({ namespaces, pods, policies }: PolicyWorld): {
  sets: IpSet[]
  chains: Record<string, Rule[]>
} {
  const sets = new Map<string, IpSet>()
  const add = (name: string, type: IpSet['type'], members: readonly string[]) =>
    void sets.set(name, { name, type, members: [...members].sort() })
  const chains: Record<string, Rule[]> = {
    'WEAVE-NPC-DEFAULT': [],
    'WEAVE-NPC-INGRESS': [],
    'WEAVE-NPC-EGRESS-DEFAULT': [],
    'WEAVE-NPC-EGRESS-CUSTOM': [],
  }
  const selected = (direction: 'ingress' | 'egress') => {
    const found = new Set<PolicyPod>()
    for (const policy of policies) if (policy[direction]) for (const pod of policy.target.members) found.add(pod)
    return found
  }
  const isolated = { ingress: selected('ingress'), egress: selected('egress') }
  for (const { name } of namespaces) {
    const own = pods.filter(({ namespace }) => namespace === name)
    const addresses = (list: readonly PolicyPod[]) => list.flatMap((pod) => pod.addresses)
    add(setName(`${name}:`), 'hash:ip', addresses(own))
    const [inward, outward] = [setName(`ingress-default-allow:${name}`), setName(`egress-default-allow:${name}`)]
    add(inward, 'hash:ip', addresses(own.filter((pod) => !isolated.ingress.has(pod))))
    add(outward, 'hash:ip', addresses(own.filter((pod) => !isolated.egress.has(pod))))
    const said = (direction: string) => comment(`DefaultAllow ${direction} isolation for namespace: ${name}`)
    chains['WEAVE-NPC-DEFAULT']?.push({ matches: [inSet(inward, 'dst'), said('ingress')], target: accept })
    for (const target of [jump('WEAVE-NPC-EGRESS-ACCEPT'), back]) {
      chains['WEAVE-NPC-EGRESS-DEFAULT']?.push({ matches: [inSet(outward, 'src'), said('egress')], target })
    }
  }
  /** The set of a selection, and how comments speak of it. */
  const host = ({ query, members }: Selection): { set: string; text: string } => {
    const podKey = selectorText(query.pods)
    const addresses = [...members].flatMap((pod) => pod.addresses)
    if (typeof query.namespaces === 'string') {
      const set = setName(`${query.namespaces}:${podKey}`)
      add(set, 'hash:ip', addresses)
      return { set, text: `pods: namespace: ${query.namespaces}, selector: ${podKey}` }
    }
    const key = selectorText(query.namespaces) + podKey
    const set = setName(`:${key}`)
    const { namespaces: selector } = query
    if (podKey) add(set, 'hash:ip', addresses)
    else
      add(
        set,
        'list:set',
        namespaces.filter(({ labels }) => matchesSelector(selector, labels)).map(({ name }) => setName(`${name}:`)),
      )
    return { set, text: `namespaces: selector: ${key}` }
  }
  const peerSide = (peer: NonNullable<IndexedRule['peers']>[number], namespace: string, side: 'src' | 'dst') => {
    if (!('cidr' in peer)) {
      const { set, text } = host(peer)
      return { matches: [inSet(set, side)], text }
    }
    const net = side === 'src' ? { source: peer.cidr.text } : { destination: peer.cidr.text }
    if (peer.except.length === 0) return { ...net, matches: [], text: `cidr: ${peer.cidr.text}` }
    const except = peer.except.map(({ text }) => text).sort()
    const set = setName(`${namespace}:ipblock-except:${except.join(' ')}`)
    add(set, 'hash:net', except)
    return { ...net, matches: [inSet(set, side, true)], text: `cidr: ${peer.cidr.text} except [${except.join(' ')}]` }
  }
  const seen = new Set<string>()
  for (const { policy, target, ingress, egress } of policies) {
    const own = host(target)
    const origin = { kind: 'NetworkPolicy', namespace: policy.namespace, name: policy.name }
    for (const [direction, rules] of [['ingress', ingress ?? []] as const, ['egress', egress ?? []] as const]) {
      const [ownSide, side] = direction === 'ingress' ? (['dst', 'src'] as const) : (['src', 'dst'] as const)
      for (const { rule, peers } of rules) {
        const ends = peers?.map((peer) => peerSide(peer, policy.namespace, side)) ?? [{ matches: [], text: 'anywhere' }]
        for (const { text, matches, ...net } of ends) {
          for (const port of portMatches(rule)) {
            const sides = side === 'src' ? [...matches, inSet(own.set, ownSide)] : [inSet(own.set, ownSide), ...matches]
            const words = side === 'src' ? `${text} -> ${own.text}` : `${own.text} -> ${text}`
            const body = { ...net, ...port.rule, matches: [...sides, ...port.matches, comment(`${words} (${direction})`)] }
            const key = JSON.stringify(body)
            if (seen.has(key)) continue
            seen.add(key)
            if (direction === 'ingress') chains['WEAVE-NPC-INGRESS']?.push({ ...body, target: accept, origin })
            else
              for (const to of [jump('WEAVE-NPC-EGRESS-ACCEPT'), back])
                chains['WEAVE-NPC-EGRESS-CUSTOM']?.push({ ...body, target: to, origin })
          }
        }
      }
    }
  }
  return { sets: [...sets.values()], chains }
}

/** A port's end is not read: weave-npc knows an older API, so a range is its first port alone. */
function portMatches({ ports }: PolicyRule): { rule: Pick<Rule, 'protocol'>; matches: Match[] }[] {
  if (!ports) return [{ rule: {}, matches: [] }]
  return ports.map(({ protocol, range }) => {
    const name = protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp'
    const dport = range ? `${range.first}` : '0:65535'
    return { rule: { protocol: name }, matches: name === 'sctp' ? [] : [{ match: name, dport }] }
  })
}

/** The first named port, for which weave-npc rejects the whole policy. */
export function namedPort({ policy }: IndexedPolicy): string | undefined {
  const rules = [...(policy.ingress ?? []), ...(policy.egress ?? [])]
  return rules.flatMap(({ ports }) => ports ?? []).find(({ name }) => name !== undefined)?.name
}
