import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../kubernetes.ts'
import { meetsRequirement } from '../resources/selectors.ts'

export type NodeObject = Node & KubeObject

/** Upstream's Toleration.ToleratesTaint. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  if (toleration.operator === 'Exists') return true
  if (!toleration.key) return false
  return (toleration.value ?? '') === (taint.value ?? '')
}

/** The first taint of one of the effects that nothing tolerates. */
export function untolerated(node: Node, tolerations: readonly Toleration[] | undefined, effects: readonly string[]): Taint | undefined {
  return node.spec?.taints?.find(
    (taint) => effects.includes(taint.effect) && !tolerations?.some((toleration) => tolerates(toleration, taint)),
  )
}

/** `spec.nodeSelector` and required node affinity together, as the scheduler and the DaemonSet controller read them. */
export function nodeMatches(spec: PodSpec | undefined, node: Node): boolean {
  const labels = node.metadata?.labels ?? {}
  for (const [key, value] of Object.entries(spec?.nodeSelector ?? {})) if (labels[key] !== value) return false
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (!required) return true
  return required.nodeSelectorTerms.some((term) => termMatches(term, node))
}

/** A term without requirements matches nothing. */
export function termMatches(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  if (expressions.length + fields.length === 0) return false
  return (
    expressions.every((requirement) => requirementMatches(requirement, node.metadata?.labels?.[requirement.key])) &&
    fields.every((requirement) => requirement.key === 'metadata.name' && requirementMatches(requirement, node.metadata?.name))
  )
}

function requirementMatches(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const { operator, values = [] } = requirement
  if (operator === 'Gt') return value !== undefined && Number(value) > Number(values[0])
  if (operator === 'Lt') return value !== undefined && Number(value) < Number(values[0])
  return meetsRequirement(requirement, value)
}
