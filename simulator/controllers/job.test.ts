import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../kubernetes.ts'
import { garbageCollector } from './garbage-collector.ts'
import { jobController } from './job.ts'
import { backOffUntil, formatIndexes, type JobObject, parseIndexes, trackingFinalizer, wantedActive } from './job-decisions.ts'
import type { PodObject } from './pods.ts'
import { controllerBench } from './testing.ts'
import { ttlAfterFinishedController } from './ttl-after-finished.ts'

const job = (spec: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'work', namespace: 'default' },
  spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }] } }, ...spec },
})

function run(spec: Record<string, unknown> = {}) {
  const bench = controllerBench([jobController, ttlAfterFinishedController, garbageCollector])
  const { api } = bench
  api.create('jobs.batch', job(spec))
  bench.settle()
  const get = () => api.get<JobObject>('jobs.batch', 'default', 'work')
  const end = (pod: PodObject, phase: 'Succeeded' | 'Failed' | 'Running') => {
    const finishedAt = new Date(bench.time.now()).toISOString()
    const state = phase === 'Running' ? {} : { terminated: { exitCode: phase === 'Failed' ? 1 : 0, finishedAt } }
    const containerStatuses = [{ name: 'main', ready: false, restartCount: 0, image: '', imageID: '', state }]
    api.updateStatus('pods', { ...pod, status: { ...pod.status, phase, containerStatuses } } as KubeObject)
    bench.settle()
  }
  const alive = () =>
    bench.pods().filter((pod) => !['Succeeded', 'Failed'].includes(pod.status?.phase ?? '') && !pod.metadata?.deletionTimestamp)
  const events = () =>
    api
      .list<KubeObject & { reason?: string; message?: string }>('events', { namespace: 'default' })
      .map(({ reason, message }) => [reason, message])
  const pass = (ms: number) => {
    bench.time.advance(ms)
    bench.settle()
  }
  const change = (spec: Record<string, unknown>) => {
    const current = get()
    api.update('jobs.batch', { ...current, spec: { ...current.spec, ...spec } } as KubeObject)
    bench.settle()
  }
  return { ...bench, get, end, alive, events, pass, change }
}

const types = (object: JobObject) => object.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)

it('runs one pod to its end', () => {
  const bench = run()
  const [pod] = bench.pods()
  expect(pod?.metadata).toMatchObject({
    finalizers: [trackingFinalizer],
    labels: { 'batch.kubernetes.io/job-name': 'work', 'job-name': 'work', 'controller-uid': bench.get().metadata?.uid },
  })
  expect(bench.get().status).toMatchObject({
    active: 1,
    ready: 0,
    terminating: 0,
    startTime: '2026-01-01T00:00:00Z',
    uncountedTerminatedPods: {},
  })
  bench.end(pod!, 'Succeeded')
  expect(bench.pods()[0]?.metadata?.finalizers).toBeUndefined()
  expect(bench.get().status).toEqual({
    startTime: '2026-01-01T00:00:00Z',
    completionTime: '2026-01-01T00:00:00Z',
    succeeded: 1,
    ready: 0,
    terminating: 0,
    uncountedTerminatedPods: {},
    conditions: ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      type,
      status: 'True',
      lastProbeTime: '2026-01-01T00:00:00Z',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      reason: 'CompletionsReached',
      message: 'Reached expected number of succeeded pods',
    })),
  })
  expect(bench.events()).toEqual([
    ['SuccessfulCreate', `Created pod: ${pod?.metadata?.name}`],
    ['Completed', 'Job completed'],
  ])
  expect(bench.defects).toEqual([])
})

it('keeps to parallelism and never starts more than there is left to do', () => {
  const bench = run({ parallelism: 2, completions: 5 })
  for (let done = 0; done < 5; done++) {
    expect(bench.alive()).toHaveLength(Math.min(2, 5 - done))
    bench.end(bench.alive()[0]!, 'Succeeded')
  }
  expect(bench.get().status?.succeeded).toBe(5)
  expect(bench.pods()).toHaveLength(5)
})

it('waits 10 s, 20 s, … after failures and gives up past the limit', () => {
  const bench = run({ backoffLimit: 2 })
  bench.end(bench.alive()[0]!, 'Failed')
  expect(bench.get().status?.failed).toBe(1)
  bench.pass(9_999)
  expect(bench.alive()).toHaveLength(0)
  bench.pass(1)
  expect(bench.alive()).toHaveLength(1)
  bench.end(bench.alive()[0]!, 'Failed')
  bench.pass(19_999)
  expect(bench.alive()).toHaveLength(0)
  bench.pass(1)
  bench.end(bench.alive()[0]!, 'Failed')
  expect(types(bench.get())).toEqual(['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded'])
  expect(bench.get().status).toMatchObject({ failed: 3 })
  expect(bench.events().at(-1)).toEqual(['BackoffLimitExceeded', 'Job has reached the specified backoff limit'])
})

it('backs off after a pod that was deleted, also when it is gone', () => {
  const bench = run()
  bench.api.delete('pods', 'default', bench.pods()[0]!.metadata!.name!)
  bench.settle()
  expect(bench.pods()).toHaveLength(0)
  expect(bench.get().status?.failed).toBe(1)
  bench.pass(10_000)
  expect(bench.alive()).toHaveLength(1)
})

it('is Failed only once its last pod has ended', () => {
  const bench = run({ activeDeadlineSeconds: 30, parallelism: 2 })
  bench.api.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' } })
  for (const pod of bench.pods()) bench.api.bind('default', pod.metadata!.name!, 'a')
  bench.runPods()
  expect(bench.get().status).toMatchObject({ active: 2, ready: 2 })
  bench.pass(30_000)
  expect(types(bench.get())).toEqual(['FailureTarget=True DeadlineExceeded'])
  expect(bench.get().status).toMatchObject({ failed: 2, terminating: 2, ready: 0 })
  bench.runPods()
  expect(types(bench.get())).toEqual(['FailureTarget=True DeadlineExceeded', 'Failed=True DeadlineExceeded'])
  expect(bench.get().status).toMatchObject({ failed: 2, terminating: 0 })
})

it('suspends without counting failures and starts its clock anew', () => {
  const bench = run({ parallelism: 2 })
  bench.change({ suspend: true })
  expect(bench.alive()).toHaveLength(0)
  expect(bench.get().status?.failed).toBeUndefined()
  expect(types(bench.get())).toEqual(['Suspended=True JobSuspended'])
  bench.pass(60_000)
  bench.change({ suspend: false })
  expect(bench.alive()).toHaveLength(2)
  expect(types(bench.get())).toEqual(['Suspended=False JobResumed'])
  expect(bench.get().status?.startTime).toBe('2026-01-01T00:01:00Z')
  expect(bench.events().map(([reason]) => reason)).toEqual(expect.arrayContaining(['Suspended', 'Resumed', 'SuccessfulDelete']))
})

it('gives each pod of an indexed job its index and repeats one that failed', () => {
  const bench = run({ completionMode: 'Indexed', completions: 3, parallelism: 3 })
  const index = (pod: PodObject) => pod.metadata?.annotations?.['batch.kubernetes.io/job-completion-index']
  expect(bench.pods().map(index).sort()).toEqual(['0', '1', '2'])
  const first = bench.pods().find((pod) => index(pod) === '0')!
  expect(first.spec).toMatchObject({ hostname: 'work-0' })
  expect(first.metadata?.name).toMatch(/^work-0-.{5}$/)
  expect(first.spec?.containers[0]?.env).toEqual([
    {
      name: 'JOB_COMPLETION_INDEX',
      valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
    },
  ])
  bench.end(first, 'Failed')
  bench.pass(10_000)
  expect(bench.alive().map(index).sort()).toEqual(['0', '1', '2'])
  for (const pod of bench.alive()) bench.end(pod, 'Succeeded')
  expect(bench.get().status).toMatchObject({ succeeded: 3, failed: 1, completedIndexes: '0-2' })
})

it('counts restarts in place against the limit', () => {
  const template = { spec: { restartPolicy: 'OnFailure', containers: [{ name: 'main', image: 'busybox' }] } }
  const bench = run({ backoffLimit: 1, template })
  const [pod] = bench.pods()
  const containerStatuses = [{ name: 'main', restartCount: 1, ready: false, image: '', imageID: '' }]
  bench.api.updateStatus('pods', { ...pod!, status: { phase: 'Running', containerStatuses } } as KubeObject)
  bench.settle()
  expect(types(bench.get())?.[0]).toBe('FailureTarget=True BackoffLimitExceeded')
})

it('is deleted with its pods when its time to live is over', () => {
  const bench = run({ ttlSecondsAfterFinished: 100 })
  bench.end(bench.pods()[0]!, 'Succeeded')
  bench.pass(99_000)
  expect(bench.api.find('jobs.batch', 'default', 'work')).toBeDefined()
  bench.pass(1_000)
  expect(bench.api.find('jobs.batch', 'default', 'work')).toBeUndefined()
  expect(bench.pods()).toHaveLength(0)
})

it('lets pods go when the job is deleted, whatever becomes of them', () => {
  const bench = run()
  bench.api.delete('jobs.batch', 'default', 'work', { propagationPolicy: 'Background' })
  bench.settle()
  expect(bench.pods()).toHaveLength(0)
  const orphaning = run()
  orphaning.api.delete('jobs.batch', 'default', 'work', { propagationPolicy: 'Orphan' })
  orphaning.settle()
  expect(orphaning.pods().map(({ metadata }) => metadata?.finalizers)).toEqual([undefined])
})

const indexed = { completionMode: 'Indexed', completions: 3, parallelism: 3 }
const indexOf = (pod: PodObject) => pod.metadata?.annotations?.['batch.kubernetes.io/job-completion-index']

describe('podFailurePolicy', () => {
  const exit = (action: string, value: number) => ({ action, onExitCodes: { operator: 'In', values: [value] } })

  it('fails the job at once for the exit code of a rule', () => {
    const bench = run({ parallelism: 2, completions: 2, podFailurePolicy: { rules: [exit('Ignore', 7), exit('FailJob', 1)] } })
    const [pod] = bench.pods()
    bench.end(pod!, 'Failed')
    const message = `Container main for pod default/${pod!.metadata?.name} failed with exit code 1 matching FailJob rule at index 1`
    expect(bench.get().status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'FailureTarget', reason: 'PodFailurePolicy', message }),
    )
    expect(bench.alive()).toHaveLength(0)
  })

  it('does not count what a rule ignores', () => {
    const bench = run({ backoffLimit: 0, podFailurePolicy: { rules: [exit('Ignore', 1)] } })
    bench.end(bench.pods()[0]!, 'Failed')
    bench.pass(10_000)
    expect(bench.get().status?.failed).toBeUndefined()
    expect(types(bench.get())).toBeUndefined()
    expect(bench.alive()).toHaveLength(1)
  })

  it('knows conditions of pods, and counts what no rule names', () => {
    const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }]
    const bench = run({ backoffLimit: 0, podFailurePolicy: { rules } })
    expect(bench.get().spec?.podFailurePolicy?.rules[0]?.onPodConditions).toEqual([{ type: 'DisruptionTarget', status: 'True' }])
    bench.end(bench.pods()[0]!, 'Failed')
    expect(types(bench.get())).toContain('FailureTarget=True BackoffLimitExceeded')
  })

  it.each([
    [
      { podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }] } },
      'requires the backoffLimitPerIndex to be set',
    ],
    [{ backoffLimitPerIndex: 1 }, 'requires indexed completion mode'],
    [{ successPolicy: { rules: [{ succeededCount: 1 }] } }, 'requires indexed completion mode'],
    [{ ...indexed, maxFailedIndexes: 1 }, 'when maxFailedIndexes is specified'],
  ])('%j is refused', (spec, sentence) => {
    expect(() => run(spec)).toThrow(sentence)
  })
})

describe('backoffLimitPerIndex', () => {
  it('gives each index its own tries and back-off, goes on with the others, and fails in the end', () => {
    const bench = run({ ...indexed, backoffLimitPerIndex: 1 })
    const of = (index: string) => bench.alive().find((pod) => indexOf(pod) === index)
    bench.end(of('1')!, 'Failed')
    expect(of('1')).toBeUndefined()
    expect(bench.get().status?.failedIndexes).toBe('')
    bench.pass(10_000)
    expect(of('1')?.metadata?.annotations).toMatchObject({ 'batch.kubernetes.io/job-index-failure-count': '1' })
    bench.end(of('1')!, 'Failed')
    expect(bench.get().status?.failedIndexes).toBe('1')
    bench.end(of('0')!, 'Succeeded')
    bench.end(of('2')!, 'Succeeded')
    expect(bench.get().status).toMatchObject({ completedIndexes: '0,2', failedIndexes: '1', succeeded: 2, failed: 2 })
    expect(types(bench.get())).toEqual(['FailureTarget=True FailedIndexes', 'Failed=True FailedIndexes'])
    expect(bench.events()).toContainEqual(['FailedIndexes', 'Job has failed indexes'])
    expect(bench.pods().flatMap(({ metadata }) => metadata?.finalizers ?? [])).toEqual([])
  })

  it('gives up when too many indexes have failed', () => {
    const bench = run({ ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 1 })
    for (const index of ['0', '1']) bench.end(bench.alive().find((pod) => indexOf(pod) === index)!, 'Failed')
    expect(types(bench.get())).toContain('FailureTarget=True MaxFailedIndexesExceeded')
    expect(bench.alive()).toHaveLength(0)
  })

  it('fails an index by rule before its tries are used up', () => {
    const rules = [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }]
    const bench = run({ ...indexed, backoffLimitPerIndex: 5, podFailurePolicy: { rules } })
    bench.end(bench.alive().find((pod) => indexOf(pod) === '2')!, 'Failed')
    expect(bench.get().status?.failedIndexes).toBe('2')
  })
})

describe('successPolicy', () => {
  it.each([
    [[{ succeededIndexes: '0' }], 'Matched rules at index 0'],
    [[{ succeededCount: 3 }, { succeededIndexes: '0-1', succeededCount: 1 }], 'Matched rules at index 1'],
    [[{ succeededCount: 1 }], 'Matched rules at index 0'],
  ])('%j ends the job with the first index', (rules, message) => {
    const bench = run({ ...indexed, successPolicy: { rules } })
    bench.end(bench.alive().find((pod) => indexOf(pod) === '0')!, 'Succeeded')
    expect(bench.get().status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message }),
    )
    expect(bench.alive()).toHaveLength(0)
    bench.runPods()
    expect(types(bench.get())).toContain('Complete=True SuccessPolicy')
    expect(bench.get().status).toMatchObject({ succeeded: 1 })
    expect(bench.get().status?.failed).toBeUndefined()
  })
})

it.each([
  [[], ''],
  [[3], '3'],
  [[0, 1], '0,1'],
  [[2, 0, 1, 7, 4, 5], '0-2,4,5,7'],
])('writes the indexes %j as %j', (indexes, text) => {
  expect(formatIndexes(indexes)).toBe(text)
  expect([...parseIndexes(text)]).toEqual([...indexes].sort((a, b) => a - b))
})

it.each([
  [{ parallelism: 3, completions: 5 }, 0, 0, 3],
  [{ parallelism: 3, completions: 5 }, 2, 4, 1],
  [{ parallelism: 3 }, 0, 0, 3],
  [{ parallelism: 3 }, 2, 1, 2],
  [{ parallelism: 3, completions: 5, suspend: true }, 3, 0, 0],
])('of %j with %i active and %i done wants %i', (spec, active, succeeded, wanted) => {
  expect(wantedActive({ spec: { template: {}, ...spec } }, active, succeeded)).toBe(wanted)
})

it('counts failures from the last success, up to ten minutes', () => {
  const pod = (phase: string, seconds: number): PodObject => ({
    metadata: {},
    status: {
      phase,
      containerStatuses: [{ state: { terminated: { exitCode: 1, finishedAt: new Date(seconds * 1000).toISOString() } } }],
    } as never,
  })
  const subject: JobObject = { spec: { template: {} } }
  expect(backOffUntil(subject, [])).toBe(0)
  expect(backOffUntil(subject, [pod('Failed', 1), pod('Failed', 2)])).toBe(22_000)
  expect(backOffUntil(subject, [pod('Failed', 1), pod('Succeeded', 2), pod('Failed', 3)])).toBe(13_000)
  expect(
    backOffUntil(
      subject,
      Array.from({ length: 20 }, () => pod('Failed', 1)),
    ),
  ).toBe(601_000)
})
