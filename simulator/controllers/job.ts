import type { JobCondition, JobStatus } from 'kubernetes-types/batch/v1'
import type { Container } from 'kubernetes-types/core/v1'
import { StatusError } from '../apiserver/api.ts'
import { timestamp } from '../kubernetes.ts'
import {
  type Controller,
  controllerOf,
  controllerReference,
  keyOf,
  paceOf,
  recorderOf,
  splitKey,
  unhandled,
  watchOwned,
  workQueue,
  writeStatus,
} from './controller.ts'
import {
  backOffUntil,
  completionIndex,
  countsAsFailed,
  deadlineOf,
  failureOf,
  finishedAt,
  formatIndexes,
  hasCondition,
  indexAnnotation,
  isComplete,
  isFinished,
  isIndexed,
  isTracked,
  type JobObject,
  type Progress,
  parseIndexes,
  pendingIndexes,
  progressOf,
  surplusByIndex,
  trackingFinalizer,
  wantedActive,
} from './job-decisions.ts'
import {
  awaitsSuccessor,
  failedIndexes,
  failJobMessage,
  indexAnnotations,
  indexBackOffUntil,
  isCounted,
  lastFailures,
  metSuccessRule,
} from './job-policies.ts'
import { claim, deletionOrder, isActive, isReady, isTerminal, type PodObject, podFromTemplate } from './pods.ts'

type Ending = { readonly type: 'FailureTarget' | 'SuccessCriteriaMet'; readonly reason: string; readonly message: string }

/** MaxPodCreateDeletePerSync. */
const burst = 500

/** Runs pods to their end. Follows upstream's pkg/controller/job, whose finalizer keeps a pod until it has been counted. */
export const jobController: Controller = {
  name: 'job-controller',
  start(world) {
    const { api, clock } = world
    const events = recorderOf(world, 'job-controller')
    const queue = workQueue('job', clock, reconcile, {
      retrying: unhandled(world, 'job_controller.go:598', (_key, why) => `syncing job: ${why}`),
    })
    const pace = paceOf(world, 'job-controller')
    const orphans = workQueue('job-orphan-pods', clock, releaseOrphan)
    // Apart from the queue's own timers, because a pod that fails and is gone leaves nothing else to tell how long to wait.
    const backOff = clock.timers('controller/job-backoff', (key) => queue.add(key))

    api.watch<JobObject>('jobs.batch', ({ object }) => queue.add(keyOf(object)), { initial: world.fresh })
    watchOwned(world, 'pods', 'Job', queue, ({ type, object }) => {
      if (type !== 'DELETED' && isTracked(object as PodObject) && controllerOf(object)?.kind !== 'Job') orphans.add(keyOf(object))
    })

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const job = api.find<JobObject>('jobs.batch', namespace, name)
      if (!job || isFinished(job)) {
        backOff.clear(key)
        for (const pod of api.list<PodObject>('pods', { namespace })) {
          const owner = controllerOf(pod)
          if (isTracked(pod) && owner?.kind === 'Job' && owner.name === name) release(pod)
        }
        return
      }
      const manager = job.spec?.managedBy
      if (manager && manager !== 'kubernetes.io/job-controller') return
      sync(key, job)
    }

    function sync(key: string, found: JobObject): void {
      const now = timestamp(clock.now())
      const namespace = found.metadata?.namespace ?? ''
      const starts = !found.status?.startTime && !found.spec?.suspend
      let job: JobObject = starts ? { ...found, status: { ...found.status, startTime: now } } : found
      const pods = owned(job)
      const progress = progressOf(job, pods, (pod) => isCounted(job, pod))
      const lost = failedIndexes(job, pods)
      let ending = endingOf(job, pods, progress, lost)
      let failure: StatusError | undefined
      let conditions = [...(job.status?.conditions ?? [])]
      if (ending) {
        failure = remove(job, pods.filter(isActive), false)
      } else {
        const deadline = deadlineOf(job)
        if (deadline !== undefined) queue.addAt(key, deadline)
        if (!job.metadata?.deletionTimestamp) failure = manage(key, job, pods, progress, lost)
        const active = owned(job).filter(isActive).length
        if (isComplete(job, active, progress.succeeded + lost.size)) {
          ending =
            lost.size > 0
              ? { type: 'FailureTarget', reason: 'FailedIndexes', message: 'Job has failed indexes' }
              : { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
        } else if (!job.metadata?.deletionTimestamp) {
          const suspension = suspended(job, conditions, now)
          if (suspension) {
            conditions = suspension.conditions
            if (suspension.resumed) job = { ...job, status: { ...job.status, startTime: now } }
          }
        }
      }
      const counted = count(job, ending, new Set([...progress.indexes, ...lost]))
      failure ??= counted.failure
      const living = api.list<PodObject>('pods', { namespace }).filter((pod) => controllerOf(pod)?.uid === job.metadata?.uid)
      const terminating = living.filter((pod) => pod.metadata?.deletionTimestamp && !isTerminal(pod)).length
      const wasEnding = ending && hasCondition(job, ending.type)
      if (ending && !wasEnding) conditions.push(condition(ending.type, ending, now))
      const done = ending && terminating === 0 && !counted.failure
      if (done) conditions.push(condition(ending!.type === 'FailureTarget' ? 'Failed' : 'Complete', ending!, now))
      const active = living.filter(isActive)
      const status: JobStatus = {
        ...job.status,
        ...counted.status,
        ...(job.spec?.backoffLimitPerIndex === undefined ? {} : { failedIndexes: formatIndexes(lost) }),
        active: active.length || undefined,
        ready: active.filter(isReady).length,
        terminating,
        ...(conditions.length ? { conditions } : {}),
        ...(done && ending!.type === 'SuccessCriteriaMet' ? { completionTime: now } : {}),
        uncountedTerminatedPods: {},
      }
      writeStatus(api, 'jobs.batch', found, JSON.parse(JSON.stringify(status)))
      if (done) announce(job, ending!, status)
      if (failure) throw failure
    }

    function owned(job: JobObject): PodObject[] {
      return claim<PodObject>(
        api,
        'pods',
        job.metadata?.namespace ?? '',
        job,
        controllerReference(job, 'batch/v1', 'Job'),
        job.spec?.selector,
      )
    }

    /** What already ends the job, or what does from now on. */
    function endingOf(job: JobObject, pods: readonly PodObject[], progress: Progress, lost: ReadonlySet<number>): Ending | undefined {
      for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
        const standing = job.status?.conditions?.find((one) => one.type === type && one.status === 'True')
        if (standing) return { type, reason: standing.reason ?? '', message: standing.message ?? '' }
      }
      const refused = failJobMessage(job, pods)
      if (refused !== undefined) return { type: 'FailureTarget', reason: 'PodFailurePolicy', message: refused }
      const failure = failureOf(job, pods, progress.failed, clock.now())
      if (failure) return { type: 'FailureTarget', ...failure }
      const met = metSuccessRule(job, progress.indexes)
      if (met !== undefined) return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: met }
      const { maxFailedIndexes } = job.spec ?? {}
      if (maxFailedIndexes === undefined || lost.size <= maxFailedIndexes) return undefined
      const message = 'Job has exceeded the specified maximal number of failed indexes'
      return { type: 'FailureTarget', reason: 'MaxFailedIndexesExceeded', message }
    }

    /** Makes or removes pods, one or the other, until as many run as should. */
    function manage(
      key: string,
      job: JobObject,
      pods: readonly PodObject[],
      progress: Progress,
      lost: ReadonlySet<number>,
    ): StatusError | undefined {
      const active = pods.filter(isActive)
      const over = new Set([...progress.indexes, ...lost])
      const wanted = wantedActive(job, active.length, progress.succeeded + lost.size)
      const surplus = job.spec?.suspend ? active : surplusByIndex(job, active, over)
      const others = deletionOrder(active.filter((pod) => !surplus.includes(pod)))
      const excess = [...surplus, ...others.slice(0, Math.max(0, active.length - surplus.length - wanted))]
      if (excess.length > 0) return remove(job, excess, true)
      const terminating = pods.filter((pod) => pod.metadata?.deletionTimestamp && !isTerminal(pod)).length
      const missing = Math.min(burst, wanted - active.length - (job.spec?.podReplacementPolicy === 'Failed' ? terminating : 0))
      if (missing <= 0) return undefined
      if (job.spec?.backoffLimitPerIndex !== undefined) return createIndexes(key, job, pods, active, over, missing)
      const until = Math.max(backOffUntil(job, pods), backOff.when(key) ?? 0)
      if (until > clock.now()) {
        backOff.set(key, until)
        return undefined
      }
      if (isIndexed(job)) {
        let left = missing
        for (const index of pendingIndexes(job, active, over)) {
          if (left-- === 0 || mustWait(key)) return undefined
          const failure = create(job, index)
          if (failure) return failure
        }
        return undefined
      }
      for (let made = 0; made < missing; made++) {
        if (mustWait(key)) return undefined
        const failure = create(job, undefined)
        if (failure) return failure
      }
      return undefined
    }

    /** Takes a token for one pod, or sees to it that the job is looked at when there is one. */
    function mustWait(key: string): boolean {
      if (pace.take()) return false
      queue.addAt(key, pace.next())
      return true
    }

    /** Each index has a back-off of its own. */
    function createIndexes(
      key: string,
      job: JobObject,
      pods: readonly PodObject[],
      active: readonly PodObject[],
      over: ReadonlySet<number>,
      missing: number,
    ): StatusError | undefined {
      const last = lastFailures(job, pods)
      let made = 0
      let soonest = Number.POSITIVE_INFINITY
      for (const index of pendingIndexes(job, active, over)) {
        if (made === missing) break
        const failed = last.get(index)
        const until = failed ? indexBackOffUntil(failed, finishedAt(failed)) : 0
        if (until > clock.now()) {
          soonest = Math.min(soonest, until)
          continue
        }
        if (mustWait(key)) break
        const failure = create(job, index, indexAnnotations(job, failed))
        if (failure) return failure
        made++
      }
      if (soonest !== Number.POSITIVE_INFINITY) backOff.set(key, soonest)
      return undefined
    }

    function create(job: JobObject, index: number | undefined, annotations: Record<string, string> = {}): StatusError | undefined {
      const base = podFromTemplate(job.spec?.template ?? {}, job.metadata?.namespace ?? '', controllerReference(job, 'batch/v1', 'Job'))
      const metadata = {
        ...base.metadata,
        annotations: { ...base.metadata?.annotations, ...annotations },
        finalizers: [...(base.metadata?.finalizers ?? []), trackingFinalizer],
      }
      const name = job.metadata?.name ?? ''
      const pod =
        index === undefined
          ? { ...base, metadata: { ...metadata, generateName: `${name}-` } }
          : indexedPod({ ...base, metadata }, name, index)
      try {
        const made = api.create<PodObject>('pods', pod)
        events.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata?.name}`)
        return undefined
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        events.record(job, 'Warning', 'FailedCreate', `Error creating: ${error.message}`)
        return error
      }
    }

    /** With `uncounted`, the pods are let go first, so that the job does not take their end for a failure. */
    function remove(job: JobObject, pods: readonly PodObject[], uncounted: boolean): StatusError | undefined {
      for (const pod of pods) {
        try {
          if (uncounted) release(pod)
          api.delete('pods', pod.metadata?.namespace, pod.metadata?.name ?? '')
          events.record(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata?.name}`)
        } catch (error) {
          if (!(error instanceof StatusError)) throw error
          if (error.reason === 'NotFound') continue
          events.record(job, 'Warning', 'FailedDelete', `Error deleting: ${error.message}`)
          return error
        }
      }
      return undefined
    }

    /** Counts the pods that have ended and takes their finalizer off; a pod whose finalizer stays is counted another time. */
    function count(
      job: JobObject,
      ending: Ending | undefined,
      over: ReadonlySet<number>,
    ): { status: Partial<JobStatus>; failure?: StatusError } {
      let succeeded = job.status?.succeeded ?? 0
      let failed = job.status?.failed ?? 0
      const indexes = parseIndexes(job.status?.completedIndexes)
      let failure: StatusError | undefined
      const pods = owned(job)
      for (const pod of pods) {
        if (!isTracked(pod)) continue
        const lost = countsAsFailed(job, pod)
        if (!job.metadata?.deletionTimestamp && !ending && pod.status?.phase !== 'Succeeded' && !lost) continue
        if (!ending && lost && awaitsSuccessor(job, pod, pods, over)) continue
        try {
          release(pod)
        } catch (error) {
          if (!(error instanceof StatusError)) throw error
          failure = error
          continue
        }
        const index = completionIndex(job, pod)
        if (isIndexed(job) && index === undefined) continue
        if (pod.status?.phase === 'Succeeded') {
          succeeded++
          if (index !== undefined) indexes.add(index)
        } else if (ending?.type === 'SuccessCriteriaMet' && pod.status?.phase !== 'Failed') {
        } else if ((lost && isCounted(job, pod)) || (!lost && ending?.type === 'FailureTarget')) failed++
      }
      const status: Partial<JobStatus> = { failed: failed || undefined, succeeded: succeeded || undefined }
      if (isIndexed(job)) {
        for (const index of indexes) if (index >= (job.spec?.completions ?? 0)) indexes.delete(index)
        status.completedIndexes = formatIndexes(indexes) || undefined
        status.succeeded = indexes.size || undefined
      }
      return { status, ...(failure ? { failure } : {}) }
    }

    function release(pod: PodObject): void {
      const current = api.find<PodObject>('pods', pod.metadata?.namespace, pod.metadata?.name ?? '')
      if (!current || current.metadata?.uid !== pod.metadata?.uid || !isTracked(current)) return
      const { namespace, name = '', uid, finalizers = [] } = current.metadata ?? {}
      const left = finalizers.filter((one) => one !== trackingFinalizer)
      api.patch('pods', namespace, name, { metadata: { uid, finalizers: left.length > 0 ? left : null } }, { type: 'merge' })
    }

    function releaseOrphan(key: string): void {
      const [namespace, name] = splitKey(key)
      const pod = api.find<PodObject>('pods', namespace, name)
      if (pod && controllerOf(pod)?.kind !== 'Job') release(pod)
    }

    /** The conditions with Suspended brought up to date, or undefined where that is what they say already. */
    function suspended(
      job: JobObject,
      conditions: JobCondition[],
      now: string,
    ): { conditions: JobCondition[]; resumed: boolean } | undefined {
      const standing = conditions.find(({ type }) => type === 'Suspended')
      const is = Boolean(job.spec?.suspend)
      // A job that never was suspended says nothing about it.
      if ((standing?.status === 'True') === is) return undefined
      const [reason, message, event] = is ? ['JobSuspended', 'Job suspended', 'Suspended'] : ['JobResumed', 'Job resumed', 'Resumed']
      events.record(job, 'Normal', event!, message!)
      const next = condition('Suspended', { reason: reason!, message: message! }, now, is ? 'True' : 'False')
      return { conditions: [...conditions.filter((one) => one !== standing), next], resumed: !is }
    }

    function announce(job: JobObject, ending: Ending, status: JobStatus): void {
      if (ending.type === 'FailureTarget') return events.record(job, 'Warning', ending.reason, ending.message)
      const wanted = job.spec?.completions
      if (wanted !== undefined && (status.succeeded ?? 0) > wanted) {
        events.record(job, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached')
      }
      events.record(job, 'Normal', 'Completed', 'Job completed')
    }
  },
}

function condition(type: string, { reason, message }: { reason: string; message: string }, now: string, status = 'True'): JobCondition {
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message }
}

/** The pod of one index: it is told which by an annotation, a label, a variable and its host name. */
function indexedPod(pod: PodObject, job: string, index: number): PodObject {
  const text = String(index)
  const variable = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } } }
  const told = (container: Container): Container =>
    container.env?.some(({ name }) => name === variable.name) ? container : { ...container, env: [...(container.env ?? []), variable] }
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      generateName: `${job}-${text}-`,
      annotations: { ...pod.metadata?.annotations, [indexAnnotation]: text },
      labels: { ...pod.metadata?.labels, [indexAnnotation]: text },
    },
    spec: {
      ...pod.spec!,
      hostname: `${job}-${text}`,
      containers: (pod.spec?.containers ?? []).map(told),
      ...(pod.spec?.initContainers ? { initContainers: pod.spec.initContainers.map(told) } : {}),
    },
  }
}
