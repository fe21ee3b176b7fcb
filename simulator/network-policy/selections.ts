import type { LabelSelector } from 'kubernetes-types/meta/v1'
import { matchesSelector } from '../resources/selectors.ts'
import type { PodQuery } from './policy.ts'
import { type PolicyPod, sameLabels, samePolicyPod } from './policy-pod.ts'

/** The pods that a query finds, kept up to date. Equal queries share one. */
export interface Selection {
  readonly query: PodQuery
  readonly members: ReadonlySet<PolicyPod>
}

interface Kept extends Selection {
  readonly members: Set<PolicyPod>
  readonly key: string
  /** Namespaces in which it looks, for a selector. */
  readonly namespaces: Map<string, boolean>
  users: number
}

/**
 * Pods and namespaces, and which of them each query finds. A change of one pod or namespace costs a look at every query, not at every pod.
 */
export class Selections {
  readonly #pods = new Map<string, PolicyPod>()
  readonly #byAddress = new Map<string, PolicyPod>()
  readonly #byNamespace = new Map<string, Set<PolicyPod>>()
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>()
  readonly #kept = new Map<string, Kept>()
  readonly #changed: (selection: Selection) => void

  /** `changed` hears of each selection that won or lost a pod, or whose pod changed in an address or port. */
  constructor(changed: (selection: Selection) => void) {
    this.#changed = changed
  }

  pod(key: string): PolicyPod | undefined {
    return this.#pods.get(key)
  }

  podAt(address: string): PolicyPod | undefined {
    return this.#byAddress.get(address)
  }

  pods(): Iterable<PolicyPod> {
    return this.#pods.values()
  }

  /** Undefined takes the pod away. Returns whether anything that policies look at changed. */
  setPod(key: string, pod: PolicyPod | undefined): boolean {
    const before = this.#pods.get(key)
    if (before && pod ? samePolicyPod(before, pod) : before === pod) return false
    if (before) {
      this.#pods.delete(key)
      this.#byNamespace.get(before.namespace)?.delete(before)
      // An address may be another's by now: a pod that ended late must not take it away.
      for (const address of before.addresses) if (this.#byAddress.get(address) === before) this.#byAddress.delete(address)
    }
    if (pod) {
      this.#pods.set(key, pod)
      let siblings = this.#byNamespace.get(pod.namespace)
      if (!siblings) this.#byNamespace.set(pod.namespace, (siblings = new Set()))
      siblings.add(pod)
      for (const address of pod.addresses) this.#byAddress.set(address, pod)
    }
    for (const selection of this.#kept.values()) {
      const was = before !== undefined && selection.members.delete(before)
      const is = pod !== undefined && this.#finds(selection, pod)
      if (is) selection.members.add(pod)
      if (was || is) this.#changed(selection)
    }
    return true
  }

  /** Undefined takes the namespace away. */
  setNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): boolean {
    const before = this.#namespaces.get(name)
    if (before && labels ? sameLabels(before, labels) : before === labels) return false
    if (labels) this.#namespaces.set(name, labels)
    else this.#namespaces.delete(name)
    for (const selection of this.#kept.values()) {
      if (typeof selection.query.namespaces === 'string') continue
      const was = selection.namespaces.get(name) ?? false
      const is = labels !== undefined && matchesSelector(selection.query.namespaces, labels)
      selection.namespaces.set(name, is)
      if (was === is) continue
      let touched = false
      for (const pod of this.#byNamespace.get(name) ?? []) {
        const change = is ? matchesSelector(selection.query.pods, pod.labels) && selection.members.add(pod) : selection.members.delete(pod)
        if (change) touched = true
      }
      if (touched) this.#changed(selection)
    }
    return true
  }

  /** The selection for a query; whoever takes one gives it back with `release`. */
  take(query: PodQuery): Selection {
    const key = queryKey(query)
    let kept = this.#kept.get(key)
    if (!kept) {
      kept = { query, key, members: new Set(), namespaces: new Map(), users: 0 }
      if (typeof query.namespaces !== 'string') {
        for (const [name, labels] of this.#namespaces) kept.namespaces.set(name, matchesSelector(query.namespaces, labels))
      }
      for (const pod of this.#within(query)) if (this.#finds(kept, pod)) kept.members.add(pod)
      this.#kept.set(key, kept)
    }
    kept.users++
    return kept
  }

  release(selection: Selection): void {
    const kept = selection as Kept
    if (--kept.users === 0) this.#kept.delete(kept.key)
  }

  #within({ namespaces }: PodQuery): Iterable<PolicyPod> {
    return typeof namespaces === 'string' ? (this.#byNamespace.get(namespaces) ?? []) : this.#pods.values()
  }

  #finds({ query, namespaces }: Kept, pod: PolicyPod): boolean {
    const there = typeof query.namespaces === 'string' ? query.namespaces === pod.namespace : namespaces.get(pod.namespace) === true
    return there && matchesSelector(query.pods, pod.labels)
  }
}

/** The same text for queries that mean the same, whatever the order in which they were written. */
export function queryKey({ namespaces, pods }: PodQuery): string {
  return `${typeof namespaces === 'string' ? `=${namespaces}` : selectorKey(namespaces)} ${selectorKey(pods)}`
}

function selectorKey({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  return JSON.stringify([
    Object.entries(matchLabels).sort(([a], [b]) => (a < b ? -1 : 1)),
    matchExpressions.map(({ key, operator, values = [] }) => [key, operator, [...values].sort()]),
  ])
}
