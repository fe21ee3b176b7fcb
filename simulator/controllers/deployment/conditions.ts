import type { DeploymentCondition, DeploymentStatus } from 'kubernetes-types/apps/v1'
import { timestamp } from '../../kubernetes.ts'
import type { ReplicaSetObject } from '../pods.ts'
import { availableOf, type DeploymentObject, fenceposts, sum } from './replicas.ts'

/**
 * A Deployment's status from its ReplicaSets, with the Available and Progressing conditions of upstream's sync.go and progress.go.
 * `checkAt` (ms since the epoch): when the progress deadline must be looked at again.
 */
export function deploymentStatus(
  deployment: DeploymentObject,
  sets: readonly ReplicaSetObject[],
  current: ReplicaSetObject | undefined,
  now: number,
): { status: DeploymentStatus; checkAt?: number } {
  const wanted = deployment.spec?.replicas ?? 1
  const replicas = sum(sets, (set) => set.status?.replicas ?? 0)
  const updated = current?.status?.replicas ?? 0
  const ready = sum(sets, (set) => set.status?.readyReplicas ?? 0)
  const available = sum(sets, availableOf)
  const unavailable = Math.max(0, sum(sets, (set) => set.spec?.replicas ?? 1) - available)
  const before = deployment.status ?? {}
  const conditions = [...(before.conditions ?? [])]

  const enough = available >= wanted - fenceposts(deployment).unavailable
  set({
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
  })

  const complete = updated === wanted && replicas === wanted && available === wanted && before.observedGeneration !== undefined
  const subject = current ? `ReplicaSet "${current.metadata?.name}"` : `Deployment "${deployment.metadata?.name}"`
  const previous = conditions.find(({ type }) => type === 'Progressing')
  const deadline = deployment.spec?.progressDeadlineSeconds ?? 600
  let checkAt: number | undefined
  if (!previous && current) {
    set({
      type: 'Progressing',
      status: 'True',
      reason: 'NewReplicaSetCreated',
      message: `Created new replica set "${current.metadata?.name}"`,
    })
  }
  const progressing = conditions.find(({ type }) => type === 'Progressing')
  const advanced =
    updated > (before.updatedReplicas ?? 0) ||
    replicas - updated < (before.replicas ?? 0) - (before.updatedReplicas ?? 0) ||
    ready > (before.readyReplicas ?? 0) ||
    available > (before.availableReplicas ?? 0)
  if (deployment.spec?.paused) {
    set({ type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' })
  } else if (complete) {
    set({ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: `${subject} has successfully progressed.` })
  } else if (advanced && progressing) {
    set({ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.` }, true)
  } else if (progressing && progressing.reason === 'NewReplicaSetAvailable') {
    // A finished rollout that loses pods is not a rollout; the condition stays as it was.
  } else if (progressing && progressing.reason !== 'ProgressDeadlineExceeded') {
    const over = Date.parse(progressing.lastUpdateTime ?? '') + deadline * 1000
    if (now >= over) {
      set({ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: `${subject} has timed out progressing.` })
    } else checkAt = over
  }

  return {
    status: {
      observedGeneration: deployment.metadata?.generation,
      ...(replicas ? { replicas } : {}),
      ...(updated ? { updatedReplicas: updated } : {}),
      ...(ready ? { readyReplicas: ready } : {}),
      ...(available ? { availableReplicas: available } : {}),
      ...(unavailable ? { unavailableReplicas: unavailable } : {}),
      conditions,
      ...(before.collisionCount ? { collisionCount: before.collisionCount } : {}),
    },
    ...(checkAt === undefined ? {} : { checkAt }),
  }

  function set(next: Omit<DeploymentCondition, 'lastTransitionTime' | 'lastUpdateTime'>, touch = false): void {
    const index = conditions.findIndex(({ type }) => type === next.type)
    const old = conditions[index]
    if (old && old.status === next.status && old.reason === next.reason && !touch) return
    const at = timestamp(now)
    const condition = { ...next, lastUpdateTime: at, lastTransitionTime: old?.status === next.status ? old.lastTransitionTime : at }
    // Upstream takes the old one out and appends, which is the order that describe shows.
    if (index >= 0) conditions.splice(index, 1)
    conditions.push(condition)
  }
}
