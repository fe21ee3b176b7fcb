import type { Affinity, PodAffinityTerm } from 'kubernetes-types/core/v1'
import { quantityNumber } from '../../resources/quantity.ts'
import { matchesSelector } from '../../resources/selectors.ts'
import { type NodeObject, nodeMatches, untolerated } from '../placement.ts'
import { isTerminal, type PodObject } from '../pods.ts'

/** What the scheduler knows of one node at one moment. */
export interface NodeView {
  readonly node: NodeObject
  readonly pods: readonly PodObject[]
}

/** What filters ask beyond nodes and pods. */
export interface Surroundings {
  /** Labels of a namespace. */
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined
}

type Filter = (pod: PodObject, view: NodeView, all: readonly NodeView[], around: Surroundings) => string[]

const requested = new WeakMap<PodObject, ReadonlyMap<string, number>>()

/** Cpu in cores, memory and the rest in their own units. */
export function requests(pod: PodObject): ReadonlyMap<string, number> {
  let total = requested.get(pod)
  if (!total) requested.set(pod, (total = sumOfRequests(pod)))
  return total
}

function sumOfRequests(pod: PodObject): Map<string, number> {
  const total = new Map<string, number>()
  for (const container of pod.spec?.containers ?? []) add(total, container.resources?.requests)
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      add(total, container.resources?.requests)
      continue
    }
    for (const [resource, quantity] of Object.entries(container.resources?.requests ?? {})) {
      total.set(resource, Math.max(total.get(resource) ?? 0, quantityNumber(quantity)))
    }
  }
  add(total, pod.spec?.overhead)
  return total
}

function add(total: Map<string, number>, amounts: Readonly<Record<string, string>> = {}): void {
  for (const [resource, quantity] of Object.entries(amounts)) total.set(resource, (total.get(resource) ?? 0) + quantityNumber(quantity))
}

/** Filters that look at the node alone: removing pods from it would change nothing. */
const nodeFilters: readonly Filter[] = [
  function nodeUnschedulable(pod, { node }) {
    const tolerated = pod.spec?.tolerations?.some(
      ({ key, operator, effect }) =>
        (key === 'node.kubernetes.io/unschedulable' || (!key && operator === 'Exists')) && (!effect || effect === 'NoSchedule'),
    )
    return node.spec?.unschedulable && !tolerated ? ['node(s) were unschedulable'] : []
  },
  function nodeName(pod, { node }) {
    return pod.spec?.nodeName && pod.spec.nodeName !== node.metadata?.name ? ["node(s) didn't match the requested node name"] : []
  },
  function taintToleration(pod, { node }) {
    const taint = untolerated(node, pod.spec?.tolerations, ['NoSchedule', 'NoExecute'])
    return taint ? [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`] : []
  },
  function nodeAffinity(pod, { node }) {
    const named = namedNodes(pod)
    if (named && !named.has(node.metadata?.name ?? '')) return ["node(s) didn't satisfy plugin(s) [NodeAffinity]"]
    return nodeMatches(pod.spec, node) ? [] : ["node(s) didn't match Pod's node affinity/selector"]
  },
]

/** Filters that look at the pods of the node too. */
const podFilters: readonly Filter[] = [
  function nodePorts(pod, { pods }) {
    const wanted = hostPorts(pod)
    if (wanted.length === 0) return []
    const taken = pods.filter((other) => !isTerminal(other)).flatMap(hostPorts)
    return wanted.some((port) => taken.includes(port)) ? ["node(s) didn't have free ports for the requested pod ports"] : []
  },
  function nodeResourcesFit(pod, { node, pods }) {
    const reasons: string[] = []
    const running = pods.filter((other) => !isTerminal(other))
    if (running.length + 1 > quantityNumber(node.status?.allocatable?.['pods'] ?? '110')) reasons.push('Too many pods')
    const used = new Map<string, number>()
    const wanted = requests(pod)
    if (wanted.size === 0) return reasons
    for (const other of running) for (const [resource, amount] of requests(other)) used.set(resource, (used.get(resource) ?? 0) + amount)
    for (const [resource, amount] of wanted) {
      if (amount > 0 && amount + (used.get(resource) ?? 0) > quantityNumber(node.status?.allocatable?.[resource] ?? '0'))
        reasons.push(`Insufficient ${resource}`)
    }
    return reasons
  },
  function topologySpread(pod, view, all) {
    for (const constraint of pod.spec?.topologySpreadConstraints ?? []) {
      if (constraint.whenUnsatisfiable !== 'DoNotSchedule') continue
      const domain = view.node.metadata?.labels?.[constraint.topologyKey]
      if (domain === undefined) return ["node(s) didn't match pod topology spread constraints (missing required label)"]
      const counts = new Map<string, number>()
      for (const other of all) {
        const at = other.node.metadata?.labels?.[constraint.topologyKey]
        // nodeAffinityPolicy is Honor unless it says Ignore, nodeTaintsPolicy the other way round.
        if (at === undefined || (constraint.nodeAffinityPolicy !== 'Ignore' && !nodeMatches(pod.spec, other.node))) continue
        if (constraint.nodeTaintsPolicy === 'Honor' && untolerated(other.node, pod.spec?.tolerations, ['NoSchedule', 'NoExecute'])) continue
        const here = other.pods.filter(
          (candidate) =>
            candidate.metadata?.namespace === pod.metadata?.namespace &&
            !candidate.metadata?.deletionTimestamp &&
            matchesSelector(constraint.labelSelector, candidate.metadata?.labels),
        ).length
        counts.set(at, (counts.get(at) ?? 0) + here)
      }
      const self = matchesSelector(constraint.labelSelector, pod.metadata?.labels) ? 1 : 0
      const least = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values())
      if ((counts.get(domain) ?? 0) + self - least > constraint.maxSkew) return ["node(s) didn't match pod topology spread constraints"]
    }
    return []
  },
  function interPodAffinity(pod, view, all, around) {
    for (const term of required(pod.spec?.affinity, 'podAffinity')) {
      const matching = matchingDomains(pod, term, all, around)
      const domain = view.node.metadata?.labels?.[term.topologyKey]
      // The first pod of a group that wants to be together may go anywhere.
      const first = matching.size === 0 && termSelects(pod, term, pod, around)
      if (domain === undefined || !(matching.has(domain) || first)) return ["node(s) didn't match pod affinity rules"]
    }
    for (const term of required(pod.spec?.affinity, 'podAntiAffinity')) {
      const domain = view.node.metadata?.labels?.[term.topologyKey]
      if (domain !== undefined && matchingDomains(pod, term, all, around).has(domain))
        return ["node(s) didn't match pod anti-affinity rules"]
    }
    for (const other of all) {
      for (const existing of other.pods) {
        for (const term of required(existing.spec?.affinity, 'podAntiAffinity')) {
          const same = other.node.metadata?.labels?.[term.topologyKey]
          if (same !== undefined && same === view.node.metadata?.labels?.[term.topologyKey] && termSelects(existing, term, pod, around)) {
            return ["node(s) didn't satisfy existing pods anti-affinity rules"]
          }
        }
      }
    }
    return []
  },
]

/** The scheduler's filter plugins in their order; each says why a node will not do, in upstream's words. */
const filters: readonly Filter[] = [...nodeFilters, ...podFilters]

/** Reasons of pod filters that no removal of pods mends. */
const unresolvable = new Set([
  "node(s) didn't match pod affinity rules",
  "node(s) didn't match pod topology spread constraints (missing required label)",
])

/** Whether a node that `filter` refused could take the pod if pods were removed from it: not where it is too small even when empty. */
function removalCouldHelp(pod: PodObject, { node }: NodeView, filter: Filter, reasons: readonly string[]): boolean {
  if (!podFilters.includes(filter) || reasons.some((reason) => unresolvable.has(reason))) return false
  return [...requests(pod)].every(([resource, amount]) => amount <= quantityNumber(node.status?.allocatable?.[resource] ?? '0'))
}

export interface Refusal {
  readonly reasons: readonly string[]
  /** Removing pods from the node might help. */
  readonly resolvable: boolean
}

/** Why a node will not do, from the first filter that says so; undefined where it will. */
export function refusalOf(pod: PodObject, view: NodeView, all: readonly NodeView[], around: Surroundings): Refusal | undefined {
  for (const filter of filters) {
    const reasons = filter(pod, view, all, around)
    if (reasons.length > 0) return { reasons, resolvable: removalCouldHelp(pod, view, filter, reasons) }
  }
  return undefined
}

/** Nodes that the pod's affinity calls by name, as a DaemonSet's does; undefined where it does not. */
function namedNodes(pod: PodObject): Set<string> | undefined {
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (!terms?.length) return undefined
  const names = new Set<string>()
  for (const { matchFields = [] } of terms) {
    const named = matchFields.filter(({ key, operator }) => key === 'metadata.name' && operator === 'In')
    if (named.length === 0) return undefined
    for (const { values = [] } of named) for (const value of values) names.add(value)
  }
  return names
}

function hostPorts(pod: PodObject): string[] {
  return (pod.spec?.containers ?? []).flatMap(({ ports }) =>
    (ports ?? []).flatMap(({ hostPort, containerPort, protocol }) => {
      const port = hostPort ?? (pod.spec?.hostNetwork ? containerPort : undefined)
      return port ? [`${protocol ?? 'TCP'}/${port}`] : []
    }),
  )
}

function required(affinity: Affinity | undefined, kind: 'podAffinity' | 'podAntiAffinity'): PodAffinityTerm[] {
  return affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? []
}

function termSelects(owner: PodObject, term: PodAffinityTerm, candidate: PodObject, around: Surroundings): boolean {
  const namespace = candidate.metadata?.namespace ?? ''
  const own = term.namespaceSelector === undefined && !term.namespaces?.length ? [owner.metadata?.namespace ?? ''] : (term.namespaces ?? [])
  const within =
    own.includes(namespace) ||
    (term.namespaceSelector !== undefined && matchesSelector(term.namespaceSelector, around.namespaceLabels(namespace)))
  return within && matchesSelector(term.labelSelector, candidate.metadata?.labels)
}

function matchingDomains(pod: PodObject, term: PodAffinityTerm, all: readonly NodeView[], around: Surroundings): Set<string> {
  const domains = new Set<string>()
  for (const { node, pods } of all) {
    const domain = node.metadata?.labels?.[term.topologyKey]
    if (domain !== undefined && pods.some((candidate) => !isTerminal(candidate) && termSelects(pod, term, candidate, around)))
      domains.add(domain)
  }
  return domains
}
