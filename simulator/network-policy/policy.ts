import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from 'kubernetes-types/networking/v1'
import type { KubeObject } from '../kubernetes.ts'
import { type Prefix, parsePrefix, prefixContains } from '../network/address.ts'

export type Direction = 'ingress' | 'egress'
export type PolicyProtocol = 'TCP' | 'UDP' | 'SCTP'

/** Which pods: those that `pods` selects in the namespaces that `namespaces` selects, or in the one that is named. */
export interface PodQuery {
  /** A namespace's name, or a selector over namespaces' labels. */
  readonly namespaces: string | LabelSelector
  readonly pods: LabelSelector
}

/** Addresses of a block but for its exceptions. */
export interface AddressBlock {
  readonly cidr: Prefix
  readonly except: readonly Prefix[]
}

export type Peer = { readonly kind: 'pods'; readonly query: PodQuery } | { readonly kind: 'block'; readonly block: AddressBlock }

/** One port, a range of them, a container port's name on the destination pod, or (nothing given) all of a protocol. */
export interface PolicyPort {
  readonly protocol: PolicyProtocol
  readonly range?: { readonly first: number; readonly last: number }
  readonly name?: string
}

export interface PolicyRule {
  /** Undefined: everybody. */
  readonly peers: readonly Peer[] | undefined
  /** Undefined: every port and every protocol. */
  readonly ports: readonly PolicyPort[] | undefined
}

/** A NetworkPolicy as its meaning. A direction that is undefined is none of its business; an empty list isolates and allows nothing. */
export interface Policy {
  readonly namespace: string
  readonly name: string
  readonly target: PodQuery
  readonly ingress: readonly PolicyRule[] | undefined
  readonly egress: readonly PolicyRule[] | undefined
}

/**
 * Reads a policy as networking/v1 documents it, policyTypes inferred where absent: Ingress always, Egress where there is an egress rule.
 * Expects a policy that the API server's validation let pass.
 */
export function readPolicy(object: KubeObject & NetworkPolicy): Policy {
  const namespace = object.metadata?.namespace ?? ''
  const { podSelector, policyTypes, ingress = [], egress = [] } = object.spec ?? { podSelector: {} }
  const types = policyTypes?.length ? policyTypes : egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress']
  const rule = (peers: readonly NetworkPolicyPeer[] | undefined, ports: readonly NetworkPolicyPort[] | undefined): PolicyRule => ({
    peers: peers?.length ? peers.map((peer) => readPeer(peer, namespace)) : undefined,
    ports: ports?.length ? ports.map(readPort) : undefined,
  })
  return {
    namespace,
    name: object.metadata?.name ?? '',
    target: { namespaces: namespace, pods: podSelector ?? {} },
    ingress: types.includes('Ingress') ? ingress.map(({ from, ports }) => rule(from, ports)) : undefined,
    egress: types.includes('Egress') ? egress.map(({ to, ports }) => rule(to, ports)) : undefined,
  }
}

function readPeer({ ipBlock, namespaceSelector, podSelector }: NetworkPolicyPeer, namespace: string): Peer {
  if (ipBlock) return { kind: 'block', block: { cidr: parsePrefix(ipBlock.cidr), except: (ipBlock.except ?? []).map(parsePrefix) } }
  // Without a namespaceSelector the peer is pods of the policy's own namespace; without a podSelector all pods of those namespaces.
  return { kind: 'pods', query: { namespaces: namespaceSelector ?? namespace, pods: podSelector ?? {} } }
}

function readPort({ protocol = 'TCP', port, endPort }: NetworkPolicyPort): PolicyPort {
  const kind = protocol as PolicyProtocol
  if (port === undefined || port === null) return { protocol: kind }
  if (typeof port === 'string') return { protocol: kind, name: port }
  return { protocol: kind, range: { first: port, last: endPort ?? port } }
}

export function blockContains({ cidr, except }: AddressBlock, address: string): boolean {
  return prefixContains(cidr, address) && !except.some((hole) => prefixContains(hole, address))
}
