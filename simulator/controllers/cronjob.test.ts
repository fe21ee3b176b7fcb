import { expect, it } from 'vitest'
import type { KubeObject } from '../kubernetes.ts'
import { lastTime, nextTime, parseSchedule } from './cron-schedule.ts'
import { type CronJobObject, cronjobController } from './cronjob.ts'
import { garbageCollector } from './garbage-collector.ts'
import { jobController } from './job.ts'
import type { JobObject } from './job-decisions.ts'
import { controllerBench } from './testing.ts'

const at = (text: string) => Date.parse(`${text}Z`)
const iso = (ms: number | undefined) => ms && new Date(ms).toISOString().slice(0, 16)

it.each([
  ['* * * * *', '2026-01-01T00:00', '2026-01-01T00:01'],
  ['*/15 * * * *', '2026-01-01T00:16', '2026-01-01T00:30'],
  ['5/20 * * * *', '2026-01-01T00:26', '2026-01-01T00:45'],
  ['0 9-17/4 * * *', '2026-01-01T10:00', '2026-01-01T13:00'],
  ['30 6 * * MON-FRI', '2026-01-02T06:30', '2026-01-05T06:30'],
  ['0 0 1 jan,Jul *', '2026-01-01T00:00', '2026-07-01T00:00'],
  ['0 0 29 2 *', '2026-01-01T00:00', '2028-02-29T00:00'],
  // Both days given: the 15th, or a Sunday.
  ['0 0 15 * 0', '2026-01-05T00:00', '2026-01-11T00:00'],
  ['0 0 15 * 0', '2026-01-11T00:00', '2026-01-15T00:00'],
  ['0 0 ? * 0', '2026-01-05T00:00', '2026-01-11T00:00'],
  ['@hourly', '2026-01-01T00:00', '2026-01-01T01:00'],
  ['@weekly', '2026-01-01T00:00', '2026-01-04T00:00'],
  ['@yearly', '2026-01-01T00:00', '2027-01-01T00:00'],
  ['@every 1h30m', '2026-01-01T00:10', '2026-01-01T01:40'],
  ['0 0 31 2 *', '2026-01-01T00:00', undefined],
])('%j after %s is due at %s', (schedule, after, next) => {
  expect(iso(nextTime(parseSchedule(schedule), at(after)))).toBe(next)
})

it.each([
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['* 5-2 * * *', 'beginning of range (5) beyond end of range (2): 5-2'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ['@sometimes', 'unrecognized descriptor: @sometimes'],
])('refuses %j: %s', (schedule, sentence) => {
  expect(() => parseSchedule(schedule)).toThrow(sentence)
})

it('finds the last moment however long ago it began to look', () => {
  const weekly = parseSchedule('@weekly')
  expect(iso(lastTime(weekly, at('2020-01-01T00:00'), at('2026-01-07T12:00')))).toBe('2026-01-04T00:00')
  expect(lastTime(weekly, at('2026-01-05T00:00'), at('2026-01-07T12:00'))).toBeUndefined()
  expect(iso(lastTime(parseSchedule('@every 1h'), at('2026-01-01T00:00'), at('2026-01-01T05:30')))).toBe('2026-01-01T05:00')
})

const cronJob = (spec: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'tick', namespace: 'default' },
  spec: {
    schedule: '* * * * *',
    jobTemplate: {
      metadata: { labels: { of: 'tick' } },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }] } } },
    },
    ...spec,
  },
})

function run(spec: Record<string, unknown> = {}) {
  const bench = controllerBench([cronjobController, jobController, garbageCollector])
  const { api } = bench
  api.create('cronjobs.batch', cronJob(spec))
  bench.settle()
  const get = () => api.get<CronJobObject>('cronjobs.batch', 'default', 'tick')
  const jobs = () => api.list<JobObject>('jobs.batch', { namespace: 'default' }).map(({ metadata }) => metadata?.name)
  const pass = (seconds: number) => {
    bench.time.advance(seconds * 1000)
    bench.settle()
  }
  const endPods = (phase: string) => {
    for (const pod of bench.pods())
      if (pod.status?.phase === 'Pending') api.updateStatus('pods', { ...pod, status: { phase } } as KubeObject)
    bench.settle()
  }
  const events = () => api.list<KubeObject & { reason?: string; message?: string }>('events', { namespace: 'default' })
  const told = (reason: string) =>
    events()
      .filter((event) => event.reason === reason && event['source'] && (event as any).source.component === 'cronjob-controller')
      .map(({ message }) => message)
  const change = (spec: Record<string, unknown>) => {
    const current = get()
    api.update('cronjobs.batch', { ...current, spec: { ...current.spec, ...spec } } as KubeObject)
    bench.settle()
  }
  return { ...bench, get, jobs, pass, endPods, told, change }
}

const first = Date.UTC(2026, 0, 1) / 60_000

it('makes a job at each moment, named by the minute', () => {
  const bench = run()
  expect(bench.jobs()).toEqual([])
  bench.pass(59)
  expect(bench.jobs()).toEqual([])
  bench.pass(2)
  const name = `tick-${first + 1}`
  expect(bench.jobs()).toEqual([name])
  expect(bench.told('SuccessfulCreate')).toEqual([`Created job ${name}`])
  expect(bench.get().status).toMatchObject({ lastScheduleTime: '2026-01-01T00:01:00Z', active: [{ kind: 'Job', name }] })
  expect(bench.api.get('jobs.batch', 'default', name).metadata).toMatchObject({
    labels: { of: 'tick' },
    annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:01:00Z' },
    ownerReferences: [{ kind: 'CronJob', name: 'tick', controller: true }],
  })
  bench.endPods('Succeeded')
  expect(bench.told('SawCompletedJob')).toEqual([`Saw completed job: ${name}, condition: Complete`])
  expect(bench.get().status?.active).toBeUndefined()
  expect(bench.get().status?.lastSuccessfulTime).toBe('2026-01-01T00:01:01Z')
  expect(bench.defects).toEqual([])
})

it.each([
  ['Allow', [1, 2], []],
  ['Forbid', [1], ['Not starting job because prior execution is running and concurrency policy is Forbid']],
  ['Replace', [2], []],
])('with %s and a job that still runs has the jobs of minutes %j', (concurrencyPolicy, minutes, said) => {
  const bench = run({ concurrencyPolicy })
  bench.pass(61)
  bench.pass(60)
  expect(bench.jobs()).toEqual(minutes.map((minute) => `tick-${first + minute}`))
  expect(bench.told('JobAlreadyActive')).toEqual(said)
})

it('starts the forbidden run once the one before has ended', () => {
  const bench = run({ concurrencyPolicy: 'Forbid' })
  bench.pass(61)
  bench.pass(70)
  bench.endPods('Succeeded')
  expect(bench.jobs()).toEqual([`tick-${first + 1}`, `tick-${first + 2}`])
})

it('keeps no more history than it is told to', () => {
  const bench = run({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 0 })
  for (let minute = 1; minute <= 4; minute++) {
    bench.pass(minute === 1 ? 61 : 60)
    bench.endPods('Succeeded')
  }
  expect(bench.jobs()).toEqual([`tick-${first + 3}`, `tick-${first + 4}`])
  expect(bench.told('SuccessfulDelete')).toContain(`Deleted job tick-${first + 1}`)
})

it('does nothing while suspended, and catches up with one run only', () => {
  const bench = run({ suspend: true })
  bench.pass(3600 * 3)
  expect(bench.jobs()).toEqual([])
  bench.change({ suspend: false })
  expect(bench.jobs()).toEqual([`tick-${first + 180}`])
  expect(bench.told('TooManyMissedTimes')).toHaveLength(1)
})

it('lets a run pass that is too late', () => {
  const bench = run({ schedule: '@hourly', startingDeadlineSeconds: 30, suspend: true })
  bench.pass(3600 + 60)
  bench.change({ suspend: false })
  expect(bench.jobs()).toEqual([])
  bench.pass(3600)
  expect(bench.jobs()).toEqual([`tick-${first + 120}`])
})

it('says which time zones and schedules it does not know', () => {
  expect(run({ timeZone: 'Europe/Berlin' }).told('UnknownTimeZone')).toEqual([
    'invalid timeZone: "Europe/Berlin": the simulated cluster models only UTC and Etc/UTC',
  ])
  expect(run({ schedule: '61 * * * *' }).told('UnparseableSchedule')).toEqual([
    'unparseable schedule: "61 * * * *" : end of range (61) above maximum (59): 61',
  ])
  const bench = run({ timeZone: 'Etc/UTC' })
  bench.pass(61)
  expect(bench.jobs()).toHaveLength(1)
})
