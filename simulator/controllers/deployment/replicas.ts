import type { Deployment } from 'kubernetes-types/apps/v1'
import type { KubeObject } from '../../kubernetes.ts'
import type { ReplicaSetObject } from '../pods.ts'

export type DeploymentObject = Deployment & KubeObject

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas'
export const hashLabel = 'pod-template-hash'

/** `25%` of `total`, or a plain number. */
export function scaled(value: number | string | undefined, total: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const exact = (Number.parseInt(value, 10) * total) / 100
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact)
}

/** How many pods may exist above, and how many may be missing below, the wanted number; never both nothing. */
export function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const wanted = deployment.spec?.replicas ?? 1
  if (deployment.spec?.strategy?.type !== 'RollingUpdate') return { surge: 0, unavailable: 0 }
  const rolling = deployment.spec.strategy.rollingUpdate
  const surge = scaled(rolling?.maxSurge, wanted, 'up')
  let unavailable = scaled(rolling?.maxUnavailable, wanted, 'down')
  if (surge === 0 && unavailable === 0) unavailable = 1
  return { surge, unavailable: Math.min(unavailable, wanted) }
}

export const wantedOf = (set: ReplicaSetObject): number => set.spec?.replicas ?? 1
export const availableOf = (set: ReplicaSetObject): number => set.status?.availableReplicas ?? 0
export const sum = (sets: readonly ReplicaSetObject[], of: (set: ReplicaSetObject) => number): number =>
  sets.reduce((total, set) => total + of(set), 0)

export function revisionOf(object: KubeObject): number {
  return Number(object.metadata?.annotations?.[revisionAnnotation] ?? 0)
}

/** The size that the new ReplicaSet should have in this step of a rollout. */
export function newReplicas(deployment: Deployment, all: readonly ReplicaSetObject[], current: ReplicaSetObject): number {
  const wanted = deployment.spec?.replicas ?? 1
  const have = wantedOf(current)
  if (have >= wanted || deployment.spec?.strategy?.type === 'Recreate') return wanted
  const room = wanted + fenceposts(deployment).surge - sum(all, wantedOf)
  return room <= 0 ? have : Math.min(have + room, wanted)
}

/**
 * How far each old ReplicaSet may shrink now: first what is unhealthy, then healthy ones down to what availability allows.
 * Returns the sets whose size changes. Follows reconcileOldReplicaSets of upstream's pkg/controller/deployment/rolling.go.
 */
export function shrinkOld(
  deployment: Deployment,
  old: readonly ReplicaSetObject[],
  current: ReplicaSetObject,
): { set: ReplicaSetObject; to: number }[] {
  const all = [...old, current]
  const minAvailable = (deployment.spec?.replicas ?? 1) - fenceposts(deployment).unavailable
  const newUnavailable = wantedOf(current) - availableOf(current)
  let budget = sum(all, wantedOf) - minAvailable - newUnavailable
  if (budget <= 0) return []
  const sizes = new Map(old.map((set) => [set, wantedOf(set)]))
  const byAge = [...old].sort((a, b) => Date.parse(a.metadata?.creationTimestamp ?? '') - Date.parse(b.metadata?.creationTimestamp ?? ''))
  for (const set of byAge) {
    const unhealthy = Math.min(wantedOf(set) - availableOf(set), budget)
    if (unhealthy <= 0) continue
    sizes.set(set, wantedOf(set) - unhealthy)
    budget -= unhealthy
  }
  let spare = sum(all, availableOf) - minAvailable
  for (const set of byAge) {
    const size = sizes.get(set) ?? 0
    const step = Math.min(size, spare)
    if (step <= 0) continue
    sizes.set(set, size - step)
    spare -= step
  }
  return [...sizes].filter(([set, to]) => to !== wantedOf(set)).map(([set, to]) => ({ set, to }))
}

/** Spreads a change of size over several active ReplicaSets in proportion (a Deployment resized in the middle of a rollout). */
export function proportional(deployment: Deployment, active: readonly ReplicaSetObject[]): { set: ReplicaSetObject; to: number }[] {
  const allowed = (deployment.spec?.replicas ?? 1) > 0 ? (deployment.spec?.replicas ?? 1) + fenceposts(deployment).surge : 0
  const change = allowed - sum(active, wantedOf)
  if (change === 0) return []
  const newestFirst = [...active].sort(
    (a, b) => Date.parse(b.metadata?.creationTimestamp ?? '') - Date.parse(a.metadata?.creationTimestamp ?? ''),
  )
  const order = newestFirst.sort((a, b) => (change > 0 ? wantedOf(b) - wantedOf(a) : wantedOf(a) - wantedOf(b)))
  const annotated = (set: ReplicaSetObject) => Number(set.metadata?.annotations?.[maxAnnotation] ?? sum(active, wantedOf))
  let left = change
  const result = order.map((set) => {
    const fraction = Math.round((wantedOf(set) * allowed) / (annotated(set) || 1)) - wantedOf(set)
    const step = change > 0 ? Math.max(0, Math.min(fraction, left)) : Math.min(0, Math.max(fraction, left))
    left -= step
    return { set, to: Math.max(0, wantedOf(set) + step) }
  })
  if (result[0]) result[0].to = Math.max(0, result[0].to + left)
  return result.filter(({ set, to }) => to !== wantedOf(set))
}
