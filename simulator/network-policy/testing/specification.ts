import type { Namespace, Pod } from 'kubernetes-types/core/v1'
import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from 'kubernetes-types/networking/v1'

/** A cluster as plain lists, asked in the slowest and plainest way. */
export interface World {
  readonly pods: readonly Pod[]
  readonly namespaces: readonly Namespace[]
  readonly policies: readonly NetworkPolicy[]
}

export interface Attempt {
  readonly from: string
  readonly to: string
  readonly protocol: string
  readonly port: number
}

/**
 * Whether networking/v1 lets a connection be, sentence by sentence from the field documentation of NetworkPolicySpec and its parts.
 * Shares no code with what it judges.
 */
export function permits(world: World, attempt: Attempt): boolean {
  const sources = world.pods.filter((pod) => hasAddress(pod, attempt.from))
  const destinations = world.pods.filter((pod) => hasAddress(pod, attempt.to))
  const [source, destination] = [sources[0], destinations[0]]
  if (source && !sideAllows(world, 'Egress', source, destination, attempt.to, destination, attempt)) return false
  if (destination && !sideAllows(world, 'Ingress', destination, source, attempt.from, destination, attempt)) return false
  return true
}

function hasAddress(pod: Pod, address: string): boolean {
  if (pod.spec!.hostNetwork) return false
  if (pod.status!.phase === 'Succeeded' || pod.status!.phase === 'Failed') return false
  return pod.status!.podIP === address
}

function sideAllows(
  world: World,
  type: 'Ingress' | 'Egress',
  pod: Pod,
  peer: Pod | undefined,
  peerAddress: string,
  destination: Pod | undefined,
  attempt: Attempt,
): boolean {
  // "An empty podSelector matches all pods in this namespace." A policy selects pods of its own namespace only.
  const selecting = world.policies.filter(
    (policy) => policy.metadata!.namespace === pod.metadata!.namespace && labelsMatch(policy.spec!.podSelector, pod.metadata!.labels ?? {}),
  )
  const isolating = selecting.filter((policy) => typesOf(policy).includes(type))
  if (isolating.length === 0) return true
  // "… OR if the traffic matches at least one rule across all of the NetworkPolicy objects whose podSelector matches the pod."
  for (const policy of isolating) {
    const rules = type === 'Ingress' ? (policy.spec!.ingress ?? []) : (policy.spec!.egress ?? [])
    for (const rule of rules) {
      const peers = 'from' in rule ? rule.from : 'to' in rule ? rule.to : undefined
      // "If this field is empty or missing, this rule matches all sources" and likewise for ports.
      const portOk = !rule.ports || rule.ports.length === 0 || rule.ports.some((port) => portMatches(port, attempt, destination))
      const peerOk =
        !peers || peers.length === 0 || peers.some((one: NetworkPolicyPeer) => peerMatches(world, policy, one, peer, peerAddress))
      if (portOk && peerOk) return true
    }
  }
  return false
}

function typesOf(policy: NetworkPolicy): string[] {
  const { policyTypes, egress } = policy.spec!
  if (policyTypes && policyTypes.length > 0) return policyTypes
  // "policies that contain an egress section are assumed to affect egress, and all policies (whether or not they contain an ingress
  // section) are assumed to affect ingress."
  return egress && egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress']
}

function portMatches(port: NetworkPolicyPort, attempt: Attempt, destination: Pod | undefined): boolean {
  if ((port.protocol ?? 'TCP') !== attempt.protocol) return false
  if (port.port === undefined) return true
  if (typeof port.port === 'number') {
    if (port.endPort === undefined) return attempt.port === port.port
    return attempt.port >= port.port && attempt.port <= port.endPort
  }
  for (const container of destination?.spec?.containers ?? []) {
    for (const known of container.ports ?? []) {
      if (known.name === port.port && known.containerPort === attempt.port && (known.protocol ?? 'TCP') === attempt.protocol) return true
    }
  }
  return false
}

function peerMatches(world: World, policy: NetworkPolicy, one: NetworkPolicyPeer, peer: Pod | undefined, address: string): boolean {
  if (one.ipBlock) return inCidr(one.ipBlock.cidr, address) && !(one.ipBlock.except ?? []).some((hole) => inCidr(hole, address))
  if (!peer) return false
  if (one.podSelector && !labelsMatch(one.podSelector, peer.metadata!.labels ?? {})) return false
  if (!one.namespaceSelector) return peer.metadata!.namespace === policy.metadata!.namespace
  const namespace = world.namespaces.find((candidate) => candidate.metadata!.name === peer.metadata!.namespace)
  return namespace !== undefined && labelsMatch(one.namespaceSelector, namespace.metadata!.labels ?? {})
}

function labelsMatch(selector: LabelSelector, labels: Record<string, string>): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const has = Object.hasOwn(labels, key)
    if (operator === 'Exists' && !has) return false
    if (operator === 'DoesNotExist' && has) return false
    if (operator === 'In' && !(has && values!.includes(labels[key]!))) return false
    if (operator === 'NotIn' && has && values!.includes(labels[key]!)) return false
  }
  return true
}

function inCidr(cidr: string, address: string): boolean {
  const [network = '', length = ''] = cidr.split('/')
  return bits(network).slice(0, Number(length)) === bits(address).slice(0, Number(length))
}

function bits(address: string): string {
  return address
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('')
}
