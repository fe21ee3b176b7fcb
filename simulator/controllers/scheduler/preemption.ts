import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { matchesSelector } from '../../resources/selectors.ts'
import type { PodObject } from '../pods.ts'
import type { NodeView } from './filters.ts'

export type BudgetObject = PodDisruptionBudget & KubeObject

/** Pods that would have to go from a node. */
interface Candidate {
  readonly node: string
  readonly victims: readonly PodObject[]
  /** How many of them their budgets protect. */
  readonly violations: number
}

export type Preemption = { readonly candidate: Candidate } | { readonly candidate?: undefined; readonly reasons: readonly string[] }

/** Asks whether the pod would fit on the node with these pods on it; the reasons where not. */
export type Fits = (view: NodeView) => readonly string[]

/**
 * The node whose pods of lower priority make way at the least cost. Follows upstream's preemption.go and default_preemption.go: budgets are
 * kept where that is possible, the more important pods stay, and of several nodes the one goes that loses least. `reasons` has one for each
 * of the views.
 */
export function preempt(pod: PodObject, views: readonly NodeView[], budgets: readonly BudgetObject[], fits: Fits): Preemption {
  const candidates: Candidate[] = []
  const reasons: string[] = []
  for (const view of views) {
    const found = victimsOn(pod, view, budgets, fits)
    if ('victims' in found) candidates.push(found)
    else reasons.push(...found.reasons)
  }
  const [best] = candidates.sort(cheaper)
  return best ? { candidate: best } : { reasons }
}

/** Why the pod may not preempt, in upstream's words; undefined where it may. */
export function ineligible(pod: PodObject, nominated: NodeView | undefined): string | undefined {
  if (pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const leaving = nominated?.pods.some((other) => other.metadata?.deletionTimestamp && priorityOf(other) < priorityOf(pod))
  return leaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined
}

export function priorityOf(pod: PodObject): number {
  return pod.spec?.priority ?? 0
}

function victimsOn(
  pod: PodObject,
  view: NodeView,
  budgets: readonly BudgetObject[],
  fits: Fits,
): Candidate | { reasons: readonly string[] } {
  const lower = view.pods.filter((other) => priorityOf(other) < priorityOf(pod))
  if (lower.length === 0) return { reasons: ['No preemption victims found for incoming pod'] }
  let staying = view.pods.filter((other) => !lower.includes(other))
  const refused = fits({ ...view, pods: staying })
  if (refused.length > 0) return { reasons: refused }
  const { violating, others } = byBudgets([...lower].sort(moreImportant), budgets)
  const victims: PodObject[] = []
  let violations = 0
  // Those that a budget protects are spared first, then the more important ones.
  for (const candidate of [...violating, ...others]) {
    const spared = [...staying, candidate]
    if (fits({ ...view, pods: spared }).length === 0) staying = spared
    else {
      victims.push(candidate)
      if (violating.includes(candidate)) violations++
    }
  }
  return { node: view.node.metadata?.name ?? '', victims: victims.sort(moreImportant), violations }
}

function byBudgets(pods: readonly PodObject[], budgets: readonly BudgetObject[]): { violating: PodObject[]; others: PodObject[] } {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]))
  const [violating, others]: [PodObject[], PodObject[]] = [[], []]
  for (const pod of pods) {
    let protectedBy = false
    for (const budget of budgets) {
      const { metadata, spec, status } = budget
      if (metadata?.namespace !== pod.metadata?.namespace || !spec?.selector || !matchesSelector(spec.selector, pod.metadata?.labels))
        continue
      // It was counted already.
      if (status?.disruptedPods?.[pod.metadata?.name ?? ''] !== undefined) continue
      const allowed = (left.get(budget) ?? 0) - 1
      left.set(budget, allowed)
      if (allowed < 0) protectedBy = true
    }
    if (protectedBy) violating.push(pod)
    else others.push(pod)
  }
  return { violating, others }
}

function startOf(pod: PodObject): number {
  return pod.status?.startTime ? Date.parse(pod.status.startTime as string) : Number.MAX_SAFE_INTEGER
}

/** Higher priority first, then who has run longer. */
function moreImportant(a: PodObject, b: PodObject): number {
  return priorityOf(b) - priorityOf(a) || startOf(a) - startOf(b)
}

/** Fewest violated budgets, lowest highest priority, smallest sum of priorities, fewest victims, latest start of the most important ones. */
function cheaper(a: Candidate, b: Candidate): number {
  const highest = ({ victims }: Candidate) => (victims[0] ? priorityOf(victims[0]) : Number.NEGATIVE_INFINITY)
  // Shifted as upstream does, so that more victims of a negative priority do not come cheaper.
  const sum = ({ victims }: Candidate) => victims.reduce((total, victim) => total + priorityOf(victim) + 2 ** 31, 0)
  const latest = (candidate: Candidate) =>
    Math.min(...candidate.victims.filter((victim) => priorityOf(victim) === highest(candidate)).map(startOf))
  return (
    a.violations - b.violations ||
    compare(highest(a), highest(b)) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    compare(latest(b), latest(a))
  )
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
