import type { ClusterRole, PolicyRule } from 'kubernetes-types/rbac/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { matchesSelector } from '../../resources/selectors.ts'

export type ClusterRoleObject = ClusterRole & KubeObject

/**
 * The rules of a cluster role. Where it aggregates: those of every role that its selectors match, by name, through further aggregates,
 * each rule once. That is what upstream's clusterrole-aggregation-controller comes to write into `rules`, whatever stands there now.
 */
export function aggregatedRules(role: ClusterRoleObject, all: readonly ClusterRoleObject[]): readonly PolicyRule[] {
  if (!role.aggregationRule) return role.rules ?? []
  const rules = new Map<string, PolicyRule>()
  const visited = new Set<string>()
  const collect = (one: ClusterRoleObject): void => {
    const name = one.metadata?.name ?? ''
    // Aggregates may name each other.
    if (visited.has(name)) return
    visited.add(name)
    if (!one.aggregationRule) {
      for (const rule of one.rules ?? []) {
        const key = JSON.stringify(rule)
        if (!rules.has(key)) rules.set(key, rule)
      }
      return
    }
    for (const selector of one.aggregationRule.clusterRoleSelectors ?? []) {
      const found = all.filter((candidate) => matchesSelector(selector, candidate.metadata?.labels))
      for (const next of found.sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))) collect(next)
    }
  }
  collect(role)
  return [...rules.values()]
}
