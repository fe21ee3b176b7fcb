import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createFakeEngine, type FakeEngine, type FakeOptions } from '../engines/fake-engine.ts'
import { kubeClient } from '../kubernetes/client.ts'
import type { Check } from '../labs/lab.ts'
import { labSchema } from '../labs/schema.ts'
import { type Grader, startGrader } from './grader.ts'
import type { CheckResult } from './run-check.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

function checkOf(kind: object, id = 'c'): Check {
  const base = { apiVersion: 'faultline.dev/v1', kind: 'Lab', title: 't', summary: 's', track: 't', level: 'beginner', minutes: 1 }
  const lab = labSchema.parse({
    ...base,
    tasks: [{ id: 't', title: 't', points: 1, checks: [{ id, title: 'c', pass: 'yes', fail: 'no', ...kind }] }],
  })
  return lab.tasks[0]?.checks[0] as Check
}

const reach = (extra: object = {}) => checkOf({ reach: { from: 'workstation', url: 'http://web/' }, ...extra })
const marker = (value: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'marker', namespace: 'default' },
  data: { value },
})

async function observe(
  check: Check,
  options: FakeOptions,
): Promise<{ engine: FakeEngine; grader: Grader; results: CheckResult[]; write: (value: string) => void }> {
  const engine = createFakeEngine(options)
  const cluster = await engine.create(
    'c',
    { nodes: 1, cni: 'kindnet', kubernetes: '1.34', seed: 1 },
    () => {},
    new AbortController().signal,
  )
  const kube = await kubeClient(await cluster.kubeconfig('platform'))
  const results: CheckResult[] = []
  const grader = startGrader({
    checks: [check],
    scene: { cluster, kube, baseline: undefined },
    watched: () => false,
    onResult: (result) => results.push(result),
  })
  cleanups.push(() => engine.close(), kube.close, grader.close)
  return { engine, grader, results, write: (value) => void engine.api('c').write(marker(value)) }
}

const markerOf: FakeOptions['probe'] = (api) =>
  (api.get('ConfigMap', 'marker', 'default')?.['data'] as { value?: string } | undefined)?.value === 'good'
    ? { outcome: 'answered' }
    : { outcome: 'refused' }

describe('the grader', () => {
  it('looks again when the cluster changes, and is quiet when it does not', async () => {
    let looks = 0
    const { results, write } = await observe(reach(), {
      probe: (...all) => {
        looks++
        return markerOf(...all)
      },
    })
    await vi.waitFor(() => expect(results.at(-1)?.state).toBe('failed'))
    write('good')
    await vi.waitFor(() => expect(results.at(-1)?.state).toBe('passed'), { timeout: 600 })
    await sleep(300)
    const before = looks
    await sleep(400)
    expect(looks).toBe(before)
  })

  it('sees a repair that comes while a look hangs until its time-out', async () => {
    const { results, write } = await observe(reach(), {
      probe: async (api, ...rest) => {
        const seen = await markerOf(api, ...rest)
        if (seen.outcome === 'answered') return seen
        await sleep(1200)
        return { outcome: 'timeout' as const }
      },
    })
    await sleep(150)
    write('good')
    await vi.waitFor(() => expect(results.at(-1)?.state).toBe('passed'), { timeout: 900 })
    await sleep(1200)
    // What hung and ended later knew less, and changes nothing.
    expect(results.at(-1)?.state).toBe('passed')
  })

  it('looks again shortly after a change whose effect no object shows', async () => {
    let changedAt = 0
    const { results, write } = await observe(reach(), {
      probe: (api, ...rest) => (performance.now() - changedAt < 300 ? { outcome: 'refused' } : markerOf(api, ...rest)),
    })
    await vi.waitFor(() => expect(results.at(-1)?.state).toBe('failed'))
    changedAt = performance.now()
    write('good')
    await vi.waitFor(() => expect(results.at(-1)?.state).toBe('passed'), { timeout: 1000 })
  })

  it('counts a pass that must hold only when it has lasted', async () => {
    const { results, write } = await observe(reach({ hold: 0.5 }), { probe: markerOf })
    write('good')
    await vi.waitFor(() =>
      expect(results.at(-1)).toMatchObject({ state: 'pending', evidence: { sentence: expect.stringContaining('of 0.5 seconds') } }),
    )
    write('bad')
    await vi.waitFor(() => expect(results.at(-1)?.state).toBe('failed'))
    const began = performance.now()
    write('good')
    await vi.waitFor(() => expect(results.at(-1)?.state).toBe('passed'), { timeout: 1500 })
    expect(performance.now() - began).toBeGreaterThanOrEqual(490)
  })

  it('answers unknown, not failed, where it could not look', async () => {
    const { results } = await observe(reach(), { probe: () => Promise.reject(new Error('the probe broke')) })
    await vi.waitFor(() =>
      expect(results.at(-1)).toMatchObject({ state: 'unknown', evidence: { seen: 'it could not be checked: the probe broke' } }),
    )
  })

  it('follows a reference to an object, and stops when closed', async () => {
    const check = checkOf({ state: { objects: { marker: 'ConfigMap default/marker' }, expr: 'marker.data.value == "good"' } })
    const { results, write, grader } = await observe(check, {})
    await vi.waitFor(() =>
      expect(results.at(-1)).toMatchObject({ state: 'failed', evidence: { seen: expect.stringContaining('does not exist') } }),
    )
    write('good')
    await vi.waitFor(() => expect(results.at(-1)?.state).toBe('passed'))
    grader.close()
    const count = results.length
    write('bad')
    await sleep(200)
    expect(results.length).toBe(count)
  })
})
