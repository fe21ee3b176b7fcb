import type { Job } from 'kubernetes-types/batch/v1'
import type { Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../kubernetes.ts'
import { isTerminal, type PodObject } from './pods.ts'

export type JobObject = Job & KubeObject

/** Held by every pod of a job until it has been counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index'

const firstBackOffMs = 10_000
const longestBackOffMs = 600_000

export function isIndexed(job: Job): boolean {
  return job.spec?.completionMode === 'Indexed'
}

export function hasCondition(job: Job, type: string): boolean {
  return job.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
}

export function isFinished(job: Job): boolean {
  return hasCondition(job, 'Complete') || hasCondition(job, 'Failed')
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata?.finalizers?.includes(trackingFinalizer) ?? false
}

/** With the default replacement policy a pod that is being deleted counts as failed: it may never get to say so itself. */
export function countsAsFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true
  if (job.spec?.podReplacementPolicy === 'Failed') return false
  return Boolean(pod.metadata?.deletionTimestamp) && pod.status?.phase !== 'Succeeded'
}

/** The completion index of a pod; undefined where it has none or one that the job does not want. */
export function completionIndex(job: Job, pod: Pod): number | undefined {
  const text = pod.metadata?.annotations?.[indexAnnotation]
  const index = text && /^\d+$/.test(text) ? Number(text) : undefined
  return index !== undefined && index < (job.spec?.completions ?? 0) ? index : undefined
}

/** No job that runs here comes to as many, but a status that was written by hand may say so. */
const mostIndexes = 100_000

/** `0-2,4` as numbers, the first 100,000; what is no index is passed over. */
export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>()
  for (const part of (text ?? '').split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part)
    if (!match) continue
    for (let index = Number(match[1]); index <= Number(match[2] ?? match[1]) && indexes.size < mostIndexes; index++) indexes.add(index)
  }
  return indexes
}

/** Numbers as `0-2,4`; two neighbours are written `0,1`. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b)
  const parts: string[] = []
  for (let at = 0; at < sorted.length; ) {
    let end = at
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end]! + 1) end++
    if (end - at >= 2) parts.push(`${sorted[at]}-${sorted[end]}`)
    else for (let one = at; one <= end; one++) parts.push(String(sorted[one]))
    at = end + 1
  }
  return parts.join(',')
}

/** What a job has come to, with the pods that were not counted before. */
export interface Progress {
  readonly succeeded: number
  readonly failed: number
  /** Of an indexed job. */
  readonly indexes: ReadonlySet<number>
}

/** `counts`: whether the failure of a pod counts. */
export function progressOf(job: Job, pods: readonly PodObject[], counts: (pod: PodObject) => boolean): Progress {
  const fresh = pods.filter(isTracked)
  const valid = (pod: PodObject) => !isIndexed(job) || completionIndex(job, pod) !== undefined
  const failed = (job.status?.failed ?? 0) + fresh.filter((pod) => countsAsFailed(job, pod) && valid(pod) && counts(pod)).length
  const done = fresh.filter((pod) => pod.status?.phase === 'Succeeded')
  if (!isIndexed(job)) return { succeeded: (job.status?.succeeded ?? 0) + done.length, failed, indexes: new Set() }
  const indexes = new Set([...parseIndexes(job.status?.completedIndexes)].filter((index) => index < (job.spec?.completions ?? 0)))
  for (const pod of done) {
    const index = completionIndex(job, pod)
    if (index !== undefined) indexes.add(index)
  }
  return { succeeded: indexes.size, failed, indexes }
}

/** Why a job must end, or undefined while it may go on. `now` is ms since the epoch. */
export function failureOf(
  job: Job,
  pods: readonly PodObject[],
  failed: number,
  now: number,
): { reason: string; message: string } | undefined {
  const limit = job.spec?.backoffLimit ?? 6
  if (failed > limit || restartsExceed(job, pods, limit)) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  }
  const deadline = deadlineOf(job)
  if (deadline !== undefined && now >= deadline) {
    return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
  }
  return undefined
}

/** Where containers restart in place, it is their restarts that use up the limit. */
function restartsExceed(job: Job, pods: readonly PodObject[], limit: number): boolean {
  if (job.spec?.template?.spec?.restartPolicy !== 'OnFailure') return false
  let restarts = 0
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue
    for (const one of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) restarts += one.restartCount
  }
  return limit === 0 ? restarts > 0 : restarts >= limit
}

/** When activeDeadlineSeconds runs out, ms since the epoch; undefined while it does not run. */
export function deadlineOf(job: Job): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds
  if (seconds === undefined || !job.status?.startTime || job.spec?.suspend) return undefined
  return Date.parse(job.status.startTime as string) + seconds * 1000
}

/** How many pods should run now, given how many do. */
export function wantedActive(job: Job, active: number, succeeded: number): number {
  const parallelism = job.spec?.parallelism ?? 1
  if (job.spec?.suspend) return 0
  // Without a number of completions the first success means that the work is done: nothing new, but the rest may finish.
  if (job.spec?.completions === undefined) return succeeded > 0 ? active : parallelism
  return Math.max(0, Math.min(parallelism, job.spec.completions - succeeded))
}

export function isComplete(job: Job, active: number, succeeded: number): boolean {
  if (active > 0) return false
  return job.spec?.completions === undefined ? succeeded > 0 : succeeded >= job.spec.completions
}

/** The lowest indexes that neither succeeded nor have a pod at work. */
export function* pendingIndexes(job: Job, active: readonly PodObject[], done: ReadonlySet<number>): Generator<number> {
  const busy = new Set(active.map((pod) => completionIndex(job, pod)))
  for (let index = 0; index < (job.spec?.completions ?? 0); index++) {
    if (!done.has(index) && !busy.has(index)) yield index
  }
}

/** Pods of an indexed job that stand in each other's way, have no index, or one that is done. */
export function surplusByIndex(job: Job, active: readonly PodObject[], done: ReadonlySet<number>): PodObject[] {
  if (!isIndexed(job)) return []
  const seen = new Set<number>()
  return active.filter((pod) => {
    const index = completionIndex(job, pod)
    if (index === undefined || done.has(index) || seen.has(index)) return true
    seen.add(index)
    return false
  })
}

/**
 * The moment before which no new pod may be made, ms since the epoch (0: at once): 10 s after the last failure, doubled for each
 * further one since the last success, ten minutes at most.
 */
export function backOffUntil(job: Job, pods: readonly PodObject[]): number {
  let lastSuccess = 0
  for (const pod of pods) if (pod.status?.phase === 'Succeeded') lastSuccess = Math.max(lastSuccess, finishedAt(pod))
  const failures = pods.filter((pod) => countsAsFailed(job, pod)).map(finishedAt)
  const since = failures.filter((at) => at > lastSuccess)
  if (since.length === 0) return 0
  return Math.max(...since) + Math.min(firstBackOffMs * 2 ** (since.length - 1), longestBackOffMs)
}

/** When the last container ended; failing that, when the pod stopped being ready, was deleted, or was made. */
export function finishedAt(pod: Pod): number {
  const statuses = pod.status?.containerStatuses ?? []
  const ends = statuses.map(({ state }) => state?.terminated?.finishedAt).filter((at) => at !== undefined)
  if (isTerminal(pod) && ends.length > 0 && ends.length === statuses.length) {
    return Math.max(...ends.map((at) => Date.parse(at as string)))
  }
  const ready = pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'False')
  if (isTerminal(pod) && ready?.lastTransitionTime) return Date.parse(ready.lastTransitionTime as string)
  const { deletionTimestamp, deletionGracePeriodSeconds, creationTimestamp } = pod.metadata ?? {}
  if (deletionTimestamp) return Date.parse(deletionTimestamp as string) - (deletionGracePeriodSeconds ?? 0) * 1000
  return Date.parse((creationTimestamp as string | undefined) ?? '')
}
