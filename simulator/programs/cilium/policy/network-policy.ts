import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { PodQuery, Policy, PolicyRule } from '../../../network-policy/policy.ts'
import type { L4Protocol } from '../datapath/maps.ts'
import { namespaceLabel, namespaceLabels } from './labels.ts'
import type { Clause, Rule, Side } from './rule.ts'

/** A NetworkPolicy as Cilium's rule (pkg/k8s/network_policy.go). */
export function fromNetworkPolicy(policy: Policy): Rule {
  const side = (rules: readonly PolicyRule[] | undefined): Side | undefined =>
    rules && { isolates: true, allow: rules.map(clause), deny: [] }
  return {
    origin: { kind: 'NetworkPolicy', namespace: policy.namespace, name: policy.name },
    subject: selector(policy.target),
    ingress: side(policy.ingress),
    egress: side(policy.egress),
  }
}

function clause({ peers, ports }: PolicyRule): Clause {
  return {
    peers: peers && {
      selectors: peers.flatMap((peer) => (peer.kind === 'pods' ? [selector(peer.query)] : [])),
      blocks: peers.flatMap((peer) => (peer.kind === 'block' ? [peer.block] : [])),
    },
    ports: ports?.map(({ protocol, ...rest }) => ({ ...rest, protocol: protocol.toLowerCase() as L4Protocol })),
  }
}

/** Namespaces are known by their labels, which every identity carries. */
function selector({ namespaces, pods }: PodQuery): LabelSelector {
  const own = prefixed(pods, 'k8s:')
  const { matchLabels = {}, matchExpressions = [] } = own
  if (typeof namespaces === 'string') return { matchLabels: { ...matchLabels, [namespaceLabel]: namespaces }, matchExpressions }
  const theirs = prefixed(namespaces, namespaceLabels)
  // Whatever the namespace: it must be a pod all the same.
  const anywhere = { key: namespaceLabel, operator: 'Exists' }
  return {
    matchLabels: { ...matchLabels, ...theirs.matchLabels },
    matchExpressions: [...matchExpressions, ...(theirs.matchExpressions ?? []), anywhere],
  }
}

function prefixed({ matchLabels = {}, matchExpressions = [] }: LabelSelector, prefix: string): LabelSelector {
  return {
    matchLabels: Object.fromEntries(Object.entries(matchLabels).map(([key, value]) => [`${prefix}${key}`, value])),
    matchExpressions: matchExpressions.map((expression) => ({ ...expression, key: `${prefix}${expression.key}` })),
  }
}
