import type { Namespace, Pod } from 'kubernetes-types/core/v1'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1'
import type { KubeObject } from '../kubernetes.ts'
import { type AddressBlock, blockContains, type Direction, type Policy, type PolicyPort, type PolicyRule, readPolicy } from './policy.ts'
import { type PolicyPod, policyPod } from './policy-pod.ts'
import { type Selection, Selections } from './selections.ts'

/** A rule with its queries answered. */
export interface IndexedRule {
  readonly rule: PolicyRule
  /** One a peer; undefined: everybody. */
  readonly peers: readonly (Selection | AddressBlock)[] | undefined
}

export interface IndexedPolicy {
  readonly policy: Policy
  readonly target: Selection
  readonly ingress: readonly IndexedRule[] | undefined
  readonly egress: readonly IndexedRule[] | undefined
}

/** One connection's first packet, after DNAT and before SNAT. Ports are absent where the protocol has none (ICMP). */
export interface Flow {
  readonly source: string
  readonly destination: string
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | undefined
  readonly port: number
}

export interface Verdict {
  readonly allowed: boolean
  /** Absent where nothing isolates either end. */
  readonly because?: {
    readonly direction: Direction
    readonly policy: Policy
    /** Where it is not allowed: other policies that isolate that pod and allow it as little. */
    readonly others?: readonly Policy[]
  }
}

/** What changed since it was last asked for. */
export interface PolicyChanges {
  readonly pods: ReadonlySet<string>
  readonly policies: ReadonlySet<string>
  readonly selections: ReadonlySet<Selection>
}

/**
 * NetworkPolicy as networking/v1 defines it, over pods, namespaces and policies as they come and go. What it answers from is kept up to date
 * change by change, so that a question costs the rules of the policies that select the two pods, and nothing of the cluster's size.
 */
export class PolicyIndex {
  readonly selections: Selections
  readonly #policies = new Map<string, IndexedPolicy>()
  /** Policies by the namespace whose pods they select. */
  readonly #byNamespace = new Map<string, Set<IndexedPolicy>>()
  readonly #selecting = new Map<PolicyPod, readonly IndexedPolicy[]>()
  #changes = noChanges()

  constructor() {
    this.selections = new Selections((selection) => this.#changes.selections.add(selection))
  }

  get size(): number {
    return this.#policies.size
  }

  policies(): Iterable<IndexedPolicy> {
    return this.#policies.values()
  }

  policy(namespace: string, name: string): IndexedPolicy | undefined {
    return this.#policies.get(`${namespace}/${name}`)
  }

  setPod(object: KubeObject & Pod, gone = false): void {
    const key = `${object.metadata?.namespace}/${object.metadata?.name}`
    const before = this.selections.pod(key)
    if (!this.selections.setPod(key, gone ? undefined : policyPod(object))) return
    if (before) this.#selecting.delete(before)
    this.#changes.pods.add(key)
  }

  setNamespace(object: KubeObject & Namespace, gone = false): void {
    this.selections.setNamespace(object.metadata?.name ?? '', gone ? undefined : (object.metadata?.labels ?? {}))
  }

  setPolicy(object: KubeObject & NetworkPolicy, gone = false): void {
    const key = `${object.metadata?.namespace}/${object.metadata?.name}`
    const before = this.#policies.get(key)
    if (gone && !before) return
    const next = gone ? undefined : this.#answer(readPolicy(object))
    this.#changes.policies.add(key)
    if (before) {
      this.#policies.delete(key)
      this.#byNamespace.get(before.policy.namespace)?.delete(before)
      this.#forget(before)
      for (const selection of selectionsOf(before)) this.selections.release(selection)
    }
    if (!next) return
    this.#policies.set(key, next)
    let siblings = this.#byNamespace.get(next.policy.namespace)
    if (!siblings) this.#byNamespace.set(next.policy.namespace, (siblings = new Set()))
    siblings.add(next)
    this.#forget(next)
  }

  /** Whether something changed that nobody has asked for yet. */
  get changed(): boolean {
    const { pods, policies, selections } = this.#changes
    return pods.size + policies.size + selections.size > 0
  }

  /** What changed since the last call. */
  takeChanges(): PolicyChanges {
    const changes = this.#changes
    this.#changes = noChanges()
    return changes
  }

  /** The policies that select a pod, in the order of their names. */
  selecting(pod: PolicyPod): readonly IndexedPolicy[] {
    let policies = this.#selecting.get(pod)
    if (!policies) {
      const there = [...(this.#byNamespace.get(pod.namespace) ?? [])].filter(({ target }) => target.members.has(pod))
      policies = there.sort((a, b) => (a.policy.name < b.policy.name ? -1 : 1))
      this.#selecting.set(pod, policies)
    }
    return policies
  }

  /** Whether a connection may be: the source's egress and the destination's ingress must both allow it. */
  verdict(flow: Flow): Verdict {
    const source = this.selections.podAt(flow.source)
    const destination = this.selections.podAt(flow.destination)
    const egress = source && this.#oneSide(source, 'egress', flow.destination, destination, destination, flow)
    if (egress?.allowed === false) return egress
    const ingress = destination && this.#oneSide(destination, 'ingress', flow.source, source, destination, flow)
    return ingress ?? egress ?? { allowed: true }
  }

  /** Undefined: nothing isolates `pod` in this direction. */
  #oneSide(
    pod: PolicyPod,
    direction: Direction,
    peerAddress: string,
    peer: PolicyPod | undefined,
    destination: PolicyPod | undefined,
    flow: Flow,
  ): Verdict | undefined {
    let isolating: Policy | undefined
    for (const indexed of this.selecting(pod)) {
      const rules = indexed[direction]
      if (!rules) continue
      isolating ??= indexed.policy
      for (const { rule, peers } of rules) {
        if (rule.ports && !rule.ports.some((port) => portFits(port, flow, destination))) continue
        if (peers && !peers.some((candidate) => peerFits(candidate, peerAddress, peer))) continue
        return { allowed: true, because: { direction, policy: indexed.policy } }
      }
    }
    if (!isolating) return undefined
    const others = this.selecting(pod).flatMap(({ policy, ...rules }) => (rules[direction] && policy !== isolating ? [policy] : []))
    return { allowed: false, because: { direction, policy: isolating, ...(others.length > 0 ? { others } : {}) } }
  }

  #answer(policy: Policy): IndexedPolicy {
    const rules = (list: readonly PolicyRule[] | undefined) =>
      list?.map((rule) => ({
        rule,
        peers: rule.peers?.map((peer) => (peer.kind === 'block' ? peer.block : this.selections.take(peer.query))),
      }))
    return { policy, target: this.selections.take(policy.target), ingress: rules(policy.ingress), egress: rules(policy.egress) }
  }

  /** Which policies select a pod is asked anew for those that this one selects. */
  #forget({ target }: IndexedPolicy): void {
    for (const pod of target.members) {
      this.#selecting.delete(pod)
      this.#changes.pods.add(pod.key)
    }
  }
}

function portFits(port: PolicyPort, { protocol, port: wanted }: Flow, destination: PolicyPod | undefined): boolean {
  if (port.protocol !== protocol) return false
  if (port.range) return wanted >= port.range.first && wanted <= port.range.last
  if (port.name === undefined) return true
  return destination?.namedPorts.some((known) => known.name === port.name && known.port === wanted && known.protocol === protocol) ?? false
}

function peerFits(candidate: Selection | AddressBlock, address: string, peer: PolicyPod | undefined): boolean {
  return 'cidr' in candidate ? blockContains(candidate, address) : peer !== undefined && candidate.members.has(peer)
}

export function selectionsOf({ target, ingress = [], egress = [] }: IndexedPolicy): Selection[] {
  const peers = [...ingress, ...egress].flatMap(({ peers: list = [] }) => list)
  return [target, ...peers.filter((peer): peer is Selection => !('cidr' in peer))]
}

function noChanges() {
  return { pods: new Set<string>(), policies: new Set<string>(), selections: new Set<Selection>() }
}
