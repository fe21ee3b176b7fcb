import type { Job, PodFailurePolicyRule } from 'kubernetes-types/batch/v1'
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1'
import { completionIndex, countsAsFailed, type JobObject, parseIndexes } from './job-decisions.ts'
import { isActive, type PodObject } from './pods.ts'

/** On a pod of a job with a limit per index: how often its index failed before. */
export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count'
const ignoredCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

const firstBackOffMs = 10_000
const longestBackOffMs = 600_000

type Action = 'FailJob' | 'FailIndex' | 'Ignore' | 'Count'
interface Match {
  readonly action: Action
  /** For FailJob. */
  readonly message: string
}

/** The rule that a failed pod matches first; undefined where there is none, and it counts. Follows job/pod_failure_policy.go. */
export function matchFailurePolicy(job: Job, pod: Pod): Match | undefined {
  const rules = job.spec?.podFailurePolicy?.rules ?? []
  const title = `${pod.metadata?.namespace}/${pod.metadata?.name}`
  for (const [index, rule] of rules.entries()) {
    const action = rule.action as Action
    // Without a limit per index there is no index to fail.
    if (action === 'FailIndex' && job.spec?.backoffLimitPerIndex === undefined) continue
    const suffix = `matching ${action} rule at index ${index}`
    const failed = rule.onExitCodes && matchingContainer(rule.onExitCodes, pod)
    if (failed) {
      const { name, state } = failed
      return { action, message: `Container ${name} for pod ${title} failed with exit code ${state?.terminated?.exitCode} ${suffix}` }
    }
    const condition = pod.status?.conditions?.find(({ type, status }) =>
      rule.onPodConditions?.some((wanted) => wanted.type === type && (wanted.status ?? 'True') === status),
    )
    if (condition) return { action, message: `Pod ${title} has condition ${condition.type} ${suffix}` }
  }
  return undefined
}

function matchingContainer(wanted: NonNullable<PodFailurePolicyRule['onExitCodes']>, pod: Pod): ContainerStatus | undefined {
  const { containerName, operator, values } = wanted
  return [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(({ name, state }) => {
    const code = state?.terminated?.exitCode
    if (code === undefined || code === 0 || (containerName && containerName !== name)) return false
    return operator === 'In' ? values.includes(code) : !values.includes(code)
  })
}

/** A failure that uses up the job's patience. */
export function isCounted(job: Job, pod: Pod): boolean {
  return matchFailurePolicy(job, pod)?.action !== 'Ignore'
}

/** Why the job must fail for one of its pods. */
export function failJobMessage(job: Job, pods: readonly PodObject[]): string | undefined {
  for (const pod of pods) {
    const match = pod.status?.phase === 'Failed' ? matchFailurePolicy(job, pod) : undefined
    if (match?.action === 'FailJob') return match.message
  }
  return undefined
}

function failuresBefore(pod: Pod, annotation = failureCountAnnotation): number {
  return Number(pod.metadata?.annotations?.[annotation] ?? 0)
}

/** Indexes that have failed for good, those of the status among them; empty for jobs without a limit per index. */
export function failedIndexes(job: JobObject, pods: readonly PodObject[]): Set<number> {
  const limit = job.spec?.backoffLimitPerIndex
  if (limit === undefined) return new Set()
  const failed = parseIndexes(job.status?.failedIndexes)
  for (const pod of pods) {
    const index = completionIndex(job, pod)
    if (index === undefined || !countsAsFailed(job, pod)) continue
    const action = matchFailurePolicy(job, pod)?.action
    if (action === 'FailIndex' || (action !== 'Ignore' && failuresBefore(pod) >= limit)) failed.add(index)
  }
  return failed
}

/** The last failure of each index that still has a try, by index: what the next pod's count and patience follow from. */
export function lastFailures(job: Job, pods: readonly PodObject[]): Map<number, PodObject> {
  const last = new Map<number, PodObject>()
  const total = (pod: Pod) => failuresBefore(pod) + failuresBefore(pod, ignoredCountAnnotation)
  for (const pod of pods) {
    const index = completionIndex(job, pod)
    if (index === undefined || !countsAsFailed(job, pod)) continue
    const known = last.get(index)
    if (!known || total(pod) >= total(known)) last.set(index, pod)
  }
  return last
}

/** Annotations of the pod that follows a failed one of its index (or comes first). */
export function indexAnnotations(job: Job, last: PodObject | undefined): Record<string, string> {
  if (job.spec?.backoffLimitPerIndex === undefined) return {}
  const counted = last !== undefined && isCounted(job, last)
  const failures = last ? failuresBefore(last) + (counted ? 1 : 0) : 0
  const ignored = last ? failuresBefore(last, ignoredCountAnnotation) + (counted ? 0 : 1) : 0
  return { [failureCountAnnotation]: String(failures), ...(ignored > 0 ? { [ignoredCountAnnotation]: String(ignored) } : {}) }
}

/** From when an index may be tried again, ms since the epoch: 10 s after its failure, doubled with each. */
export function indexBackOffUntil(last: PodObject, endedAt: number): number {
  const failures = failuresBefore(last) + failuresBefore(last, ignoredCountAnnotation)
  return endedAt + Math.min(firstBackOffMs * 2 ** failures, longestBackOffMs)
}

/** A failed pod whose count its successor has still to take over: it keeps its finalizer until then. */
export function awaitsSuccessor(job: JobObject, pod: PodObject, pods: readonly PodObject[], done: ReadonlySet<number>): boolean {
  const index = completionIndex(job, pod)
  if (job.spec?.backoffLimitPerIndex === undefined || index === undefined || done.has(index) || pod.metadata?.deletionTimestamp)
    return false
  if (lastFailures(job, pods).get(index) !== pod) return false
  return !pods.some((other) => other !== pod && isActive(other) && completionIndex(job, other) === index)
}

/** Which rule of the success policy is met; undefined where none is. Follows job/success_policy.go. */
export function metSuccessRule(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  for (const [at, { succeededIndexes, succeededCount }] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes)
    const met = wanted ? [...wanted].filter((index) => succeeded.has(index)).length : succeeded.size
    const enough = succeededCount ?? wanted?.size
    if (enough !== undefined && met >= enough) return `Matched rules at index ${at}`
  }
  return undefined
}
