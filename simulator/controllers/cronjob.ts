import type { CronJob, CronJobStatus } from 'kubernetes-types/batch/v1'
import type { ObjectReference } from 'kubernetes-types/core/v1'
import { StatusError } from '../apiserver/api.ts'
import { type KubeObject, timestamp } from '../kubernetes.ts'
import {
  type Controller,
  controllerOf,
  controllerReference,
  keyOf,
  recorderOf,
  splitKey,
  unhandled,
  watchOwned,
  workQueue,
  writeStatus,
} from './controller.ts'
import { type CronSchedule, lastTime, missedMoreThan, nextTime, parseSchedule } from './cron-schedule.ts'
import { hasCondition, isFinished, type JobObject } from './job-decisions.ts'

export type CronJobObject = CronJob & KubeObject

/** Upstream looks a little after the moment, so that a clock that is slightly behind does not miss it. */
const afterMomentMs = 100
const tooManyMissed = 100
const timeZones = new Set(['UTC', 'Etc/UTC'])

/** What is due: a moment of the schedule that no job was made for. */
export interface Due {
  /** ms since the epoch. */
  readonly at: number
  readonly tooManyMissed: boolean
}

/** The last moment up to `now` that is still to be served, not older than startingDeadlineSeconds; undefined where there is none. */
export function dueAt(cronJob: CronJobObject, schedule: CronSchedule, now: number): Due | undefined {
  const deadline = cronJob.spec?.startingDeadlineSeconds
  const made = Date.parse((cronJob.metadata?.creationTimestamp as string | undefined) ?? '')
  let earliest = cronJob.status?.lastScheduleTime ? Date.parse(cronJob.status.lastScheduleTime as string) : made
  if (deadline !== undefined) earliest = Math.max(earliest, now - deadline * 1000)
  const at = lastTime(schedule, earliest, now)
  if (at === undefined) return undefined
  return { at, tooManyMissed: missedMoreThan(schedule, earliest, now, tooManyMissed) }
}

/** Finished jobs beyond the history limits, oldest first. */
export function expendable(cronJob: CronJobObject, jobs: readonly JobObject[]): JobObject[] {
  const surplus = (type: 'Complete' | 'Failed', limit: number | undefined): JobObject[] => {
    if (limit === undefined) return []
    const ended = jobs.filter((job) => hasCondition(job, type)).sort(byStart)
    return ended.slice(0, Math.max(0, ended.length - limit))
  }
  return [...surplus('Complete', cronJob.spec?.successfulJobsHistoryLimit), ...surplus('Failed', cronJob.spec?.failedJobsHistoryLimit)]
}

function byStart(a: JobObject, b: JobObject): number {
  const start = ({ status, metadata }: JobObject) => Date.parse((status?.startTime ?? metadata?.creationTimestamp ?? '') as string)
  return start(a) - start(b) || ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1)
}

/** Makes jobs at the moments of a schedule. Follows upstream's pkg/controller/cronjob (v2): woken by the clock, never polling. */
export const cronjobController: Controller = {
  name: 'cronjob-controller',
  start(world) {
    const { api, clock } = world
    const events = recorderOf(world, 'cronjob-controller')
    const queue = workQueue('cronjob', clock, reconcile, {
      retrying: unhandled(world, 'cronjob_controllerv2.go:176', (key, why) => `error syncing CronJobController ${key}, requeuing: ${why}`),
    })
    api.watch<CronJobObject>('cronjobs.batch', ({ type, object }) => type !== 'DELETED' && queue.add(keyOf(object)), {
      initial: world.fresh,
    })
    watchOwned(world, 'jobs.batch', 'CronJob', queue)

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const cronJob = api.find<CronJobObject>('cronjobs.batch', namespace, name)
      if (!cronJob) return
      const jobs = api.list<JobObject>('jobs.batch', { namespace }).filter((job) => controllerOf(job)?.uid === cronJob.metadata?.uid)
      const status: CronJobStatus = { ...cronJob.status, active: [...(cronJob.status?.active ?? [])] }
      observe(cronJob, jobs, status)
      let failure: StatusError | undefined
      try {
        if (!cronJob.metadata?.deletionTimestamp) run(key, cronJob, jobs, status)
        for (const job of expendable(cronJob, jobs)) removeJob(cronJob, job.metadata?.name ?? '', status)
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        failure = error
      }
      const { active, ...rest } = status
      writeStatus(api, 'cronjobs.batch', cronJob, active?.length ? { ...rest, active } : rest)
      if (failure) throw failure
    }

    /** Takes note of jobs that ended or vanished. */
    function observe(cronJob: CronJobObject, jobs: readonly JobObject[], status: CronJobStatus): void {
      for (const job of jobs) {
        const name = job.metadata?.name ?? ''
        const listed = status.active?.some(({ uid }) => uid === job.metadata?.uid)
        if (!isFinished(job)) {
          if (!listed) events.record(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${name}`)
          continue
        }
        const result = hasCondition(job, 'Complete') ? 'Complete' : 'Failed'
        if (listed) {
          status.active = status.active?.filter(({ uid }) => uid !== job.metadata?.uid) ?? []
          events.record(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${result}`)
        }
        const end = job.status?.completionTime
        if (result === 'Complete' && end && (!status.lastSuccessfulTime || end > status.lastSuccessfulTime)) status.lastSuccessfulTime = end
      }
      for (const reference of status.active ?? []) {
        if (jobs.some(({ metadata }) => metadata?.uid === reference.uid)) continue
        status.active = status.active?.filter((one) => one !== reference) ?? []
        events.record(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name}`)
      }
    }

    function run(key: string, cronJob: CronJobObject, jobs: readonly JobObject[], status: CronJobStatus): void {
      const { schedule: text = '', suspend, timeZone, concurrencyPolicy } = cronJob.spec ?? {}
      if (timeZone !== undefined && !timeZones.has(timeZone)) {
        const why = 'the simulated cluster models only UTC and Etc/UTC'
        return events.record(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: ${why}`)
      }
      if (suspend) return
      let schedule: CronSchedule
      try {
        schedule = parseSchedule(text)
      } catch (error) {
        const why = (error as Error).message
        return events.record(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${JSON.stringify(text)} : ${why}`)
      }
      const now = clock.now()
      const next = nextTime(schedule, now)
      if (next !== undefined) queue.addAt(key, next + afterMomentMs)
      const due = dueAt(cronJob, schedule, now)
      if (!due) return
      if (due.tooManyMissed) {
        const advice = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'
        events.record(cronJob, 'Warning', 'TooManyMissedTimes', advice)
      }
      const name = `${cronJob.metadata?.name}-${Math.floor(due.at / 60_000)}`
      if (status.active?.some((one) => one.name === name)) return
      if (concurrencyPolicy === 'Forbid' && status.active?.length) {
        const why = 'Not starting job because prior execution is running and concurrency policy is Forbid'
        return events.record(cronJob, 'Normal', 'JobAlreadyActive', why)
      }
      if (concurrencyPolicy === 'Replace') for (const one of status.active ?? []) removeJob(cronJob, one.name ?? '', status)
      if (!jobs.some(({ metadata }) => metadata?.name === name)) {
        const job = create(cronJob, name, due.at)
        status.active = [...(status.active ?? []), referenceTo(job)]
      }
      status.lastScheduleTime = timestamp(due.at) as never
    }

    function create(cronJob: CronJobObject, name: string, at: number): JobObject {
      const template = cronJob.spec?.jobTemplate
      const annotations = { ...template?.metadata?.annotations, 'batch.kubernetes.io/cronjob-scheduled-timestamp': timestamp(at) }
      try {
        const job = api.create<JobObject>('jobs.batch', {
          apiVersion: 'batch/v1',
          kind: 'Job',
          metadata: {
            namespace: cronJob.metadata?.namespace,
            name,
            annotations,
            ...(template?.metadata?.labels ? { labels: template.metadata.labels } : {}),
            ownerReferences: [controllerReference(cronJob, 'batch/v1', 'CronJob')],
          },
          spec: template?.spec,
        } as JobObject)
        events.record(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`)
        return job
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        events.record(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${error.message}`)
        throw error
      }
    }

    function removeJob(cronJob: CronJobObject, name: string, status: CronJobStatus): void {
      try {
        api.delete('jobs.batch', cronJob.metadata?.namespace, name, { propagationPolicy: 'Background' })
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        if (error.reason !== 'NotFound') {
          events.record(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${error.message}`)
          throw error
        }
      }
      status.active = status.active?.filter((one) => one.name !== name) ?? []
      events.record(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`)
    }
  },
}

function referenceTo({ metadata }: JobObject): ObjectReference {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    namespace: metadata?.namespace,
    name: metadata?.name,
    uid: metadata?.uid,
    resourceVersion: metadata?.resourceVersion,
  }
}
