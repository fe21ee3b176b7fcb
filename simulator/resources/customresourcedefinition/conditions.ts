import { timestamp } from '../../kubernetes.ts'
import type { Condition, CustomResourceDefinition } from './types.ts'

export function isTrue(definition: CustomResourceDefinition, type: string): boolean {
  return definition.status?.conditions?.some((one) => one.type === type && one.status === 'True') ?? false
}

export function conditionOf(definition: CustomResourceDefinition, type: string): Condition | undefined {
  return definition.status?.conditions?.find((one) => one.type === type)
}

/** The definition with a condition set; its time moves only when its status does. `now` is ms since the epoch. */
export function withCondition(
  definition: CustomResourceDefinition,
  condition: Omit<Condition, 'lastTransitionTime'>,
  now: number,
): CustomResourceDefinition {
  const status = definition.status ?? { acceptedNames: {}, storedVersions: [] }
  const before = conditionOf(definition, condition.type)
  const since = before?.status === condition.status ? before.lastTransitionTime : undefined
  const { type, status: state, reason, message } = condition
  const entry: Condition = { lastTransitionTime: since ?? timestamp(now), message, reason, status: state, type }
  const others = status.conditions ?? []
  const conditions = before ? others.map((one) => (one === before ? entry : one)) : [...others, entry]
  return { ...definition, status: { ...status, conditions } }
}
