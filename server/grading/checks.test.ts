import { describe, expect, it } from 'vitest'
import type { ProbeResult } from '../engines/engine.ts'
import type { KubeObject } from '../kubernetes/object.ts'
import type { Check } from '../labs/lab.ts'
import { labSchema } from '../labs/schema.ts'
import { unarmed } from './await-results.ts'
import { takeBaseline } from './baseline.ts'
import { judgeDns } from './dns.ts'
import type { Scene } from './finding.ts'
import { type Cell, judgeMatrix } from './matrix.ts'
import { equal, fieldOf } from './objects.ts'
import { judgeReach } from './reach.ts'
import { type CheckResult, runCheck } from './run-check.ts'
import { score } from './score.ts'

function check(kind: object): Check {
  const lab = labSchema.parse({
    apiVersion: 'faultline.dev/v1',
    kind: 'Lab',
    title: 't',
    summary: 's',
    track: 't',
    level: 'beginner',
    minutes: 1,
    tasks: [{ id: 't', title: 't', points: 1, checks: [{ id: 'c', title: 'c', pass: 'yes', fail: 'no', ...kind }] }],
  })
  const found = lab.tasks[0]?.checks[0]
  if (found === undefined) throw new Error('no check')
  return found
}

const web: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', uid: '1', resourceVersion: '1' },
  spec: { replicas: 2 },
  status: { readyReplicas: 2 },
}

function scene(objects: readonly KubeObject[], baseline?: Scene['baseline']): Scene {
  return {
    baseline,
    cluster: {} as Scene['cluster'],
    kube: {
      kind: async (kind: string) => ({ apiVersion: 'apps/v1', kind, plural: '', namespaced: true }),
      get: async (kind: { kind: string }, name: string) => objects.find((each) => each.kind === kind.kind && each.metadata.name === name),
      list: async (kind: { kind: string }) => objects.filter((each) => each.kind === kind.kind),
    } as unknown as Scene['kube'],
  }
}

describe('state', () => {
  const ready = check({ state: { objects: { web: 'Deployment shop/web' }, expr: 'web.status.readyReplicas == web.spec.replicas' } })

  it('passes and fails with what was seen', async () => {
    expect(await runCheck(ready, scene([web]))).toMatchObject({
      state: 'passed',
      evidence: { sentence: 'yes', seen: 'Deployment shop/web: 0 of 2 replicas are available' },
    })
    expect(await runCheck(ready, scene([{ ...web, status: { readyReplicas: 1 } }]))).toMatchObject({
      state: 'failed',
      evidence: { sentence: 'no' },
    })
  })

  it('fails, and is not unknown, where an object or a field is not there', async () => {
    expect((await runCheck(ready, scene([]))).state).toBe('failed')
    expect((await runCheck(ready, scene([{ ...web, status: {} }]))).state).toBe('failed')
  })

  it('is unknown where the expression gives no truth', async () => {
    const odd = check({ state: { objects: { web: 'Deployment shop/web' }, expr: 'web.spec.replicas' } })
    expect((await runCheck(odd, scene([web]))).state).toBe('unknown')
  })

  it('is unknown where the cluster cannot be asked', async () => {
    const broken = scene([])
    const asked = { ...broken, kube: { ...broken.kube, get: () => Promise.reject(new Error('connection refused')) } }
    expect(await runCheck(ready, asked)).toMatchObject({
      state: 'unknown',
      evidence: { seen: 'it could not be checked: connection refused' },
    })
  })
})

it('state says of an Ingress whether it has an address', async () => {
  const served = check({ state: { objects: { one: 'Ingress shop/web' }, expr: 'has(one.status.loadBalancer.ingress)' } })
  const one = (points?: object[]): KubeObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', namespace: 'shop' },
    status: { loadBalancer: points === undefined ? {} : { ingress: points } },
  })
  expect(await runCheck(served, scene([one()]))).toMatchObject({
    state: 'failed',
    evidence: { seen: 'Ingress shop/web has no address in its status' },
  })
  expect(await runCheck(served, scene([one([{ ip: '10.0.0.1' }])]))).toMatchObject({
    state: 'passed',
    evidence: { seen: 'Ingress shop/web has the address 10.0.0.1' },
  })
})

describe('untouched', () => {
  const whole = check({ untouched: { objects: 'Deployment shop/web' } })
  const uid = check({ untouched: { objects: 'Deployment shop/*', fields: ['metadata.uid'] } })
  const expression = check({ untouched: { objects: 'Deployment shop/web', expr: 'new.spec.replicas >= old.spec.replicas' } })

  async function judge(which: Check, now: readonly KubeObject[]) {
    const before = scene([web])
    return runCheck(which, scene(now, await takeBaseline(before.kube, [which])))
  }

  it('passes over status and book-keeping', async () => {
    const later = { ...web, metadata: { ...web.metadata, resourceVersion: '9' }, status: { readyReplicas: 0 } }
    expect((await judge(whole, [later])).state).toBe('passed')
  })

  it('fails where it was changed, rebuilt or removed, and names what', async () => {
    expect(await judge(whole, [{ ...web, spec: { replicas: 3 } }])).toMatchObject({
      state: 'failed',
      evidence: { seen: 'Deployment shop/web was changed: spec' },
    })
    expect(await judge(uid, [{ ...web, metadata: { ...web.metadata, uid: '2' } }])).toMatchObject({ state: 'failed' })
    expect(await judge(whole, [])).toMatchObject({ state: 'failed', evidence: { seen: 'Deployment shop/web is gone' } })
    expect((await judge(uid, [web])).state).toBe('passed')
  })

  it('takes an expression over before and after', async () => {
    expect((await judge(expression, [{ ...web, spec: { replicas: 3 } }])).state).toBe('passed')
    expect((await judge(expression, [{ ...web, spec: { replicas: 1 } }])).state).toBe('failed')
    expect((await judge(expression, [])).state).toBe('failed')
  })
})

describe('reach', () => {
  const result = (change: Partial<ProbeResult>): ProbeResult => ({ outcome: 'answered', elapsed: 3.4, from: 'workstation', ...change })
  const of = (expected: unknown) => {
    const found = check({ reach: { from: 'workstation', url: 'http://web/', expect: expected } }).reach
    if (found === undefined) throw new Error('no reach')
    return found
  }
  const http = { status: 200, headers: { server: 'nginx' }, body: 'hello world' }

  it.each([
    ['answered', { http }, 'passed'],
    ['answered', { outcome: 'refused' }, 'failed'],
    ['timeout', { outcome: 'timeout' }, 'passed'],
    [['refused', 'timeout'], { outcome: 'refused' }, 'passed'],
    [{ status: 200 }, { http }, 'passed'],
    [{ status: [200, 404] }, { http: { ...http, status: 404 } }, 'passed'],
    [{ status: 200 }, { http: { ...http, status: 502 } }, 'failed'],
    [{ body: 'hello' }, { http }, 'passed'],
    [{ body: 'bye' }, { http }, 'failed'],
    [{ headers: { Server: 'nginx' } }, { http }, 'passed'],
    [{ headers: { Server: 'envoy' } }, { http }, 'failed'],
    ['answered', { outcome: 'unknown', error: 'no such pod' }, 'unknown'],
  ])('expects %j, sees %j: %s', (expected, seen, outcome) => {
    expect(judgeReach(of(expected), result(seen as Partial<ProbeResult>)).outcome).toBe(outcome)
  })

  it('says what was seen', () => {
    expect(judgeReach(of('answered'), result({ outcome: 'timeout', elapsed: 2001.2 })).seen).toBe('no answer after 2001 ms')
    expect(judgeReach(of('answered'), result({ http })).seen).toBe('answered 200 after 3 ms')
  })
})

describe('matrix', () => {
  const cell = (target: string, wanted: Cell['wanted'], outcome: ProbeResult['outcome']): Cell => ({
    from: 'pod a/app=x',
    target,
    wanted,
    result: { outcome, elapsed: 3, from: 'pod a/x-1', ...(outcome === 'unknown' ? { error: 'no such pod' } : {}) },
  })

  it('passes where every connection comes to what it must', () => {
    const cells = [
      cell('web', 'allowed', 'answered'),
      ...(['refused', 'timeout', 'unreachable'] as const).map((end) => cell('db', 'denied', end)),
    ]
    expect(judgeMatrix(cells)).toMatchObject({ outcome: 'passed', seen: 'all 4 connections are as they must be' })
  })

  it('fails by one wrong cell, and names it alone', () => {
    expect(judgeMatrix([cell('web', 'allowed', 'answered'), cell('db', 'denied', 'answered')])).toEqual({
      outcome: 'failed',
      expected: 'pod a/app=x to web allowed; pod a/app=x to db denied',
      seen: 'pod a/x-1 to db: connected after 3 ms',
    })
    // A name that is not resolved denies nobody anything.
    for (const [wanted, outcome] of [
      ['allowed', 'timeout'],
      ['denied', 'unresolved'],
    ] as const)
      expect(judgeMatrix([cell('web', wanted, outcome)]).outcome).toBe('failed')
  })

  it('says how many of several tries went wrong', () => {
    const tries = (['answered', 'timeout', 'answered', 'timeout'] as const).map((outcome) => cell('web', 'allowed', outcome))
    expect(judgeMatrix(tries)).toEqual({
      outcome: 'failed',
      expected: 'pod a/app=x to web allowed',
      seen: 'pod a/x-1 to web: no answer after 3 ms, 2 of 4 times',
    })
  })

  it('is unknown where a cell could not be tried, but not where another is wrong', () => {
    expect(judgeMatrix([cell('web', 'denied', 'unknown'), cell('db', 'allowed', 'answered')])).toMatchObject({
      outcome: 'unknown',
      seen: 'pod a/app=x: no such pod',
    })
    expect(judgeMatrix([cell('web', 'denied', 'unknown'), cell('db', 'denied', 'answered')]).outcome).toBe('failed')
  })

  it('is asked from every source, and a target that does not exist is refused', async () => {
    const table = { targets: { web: 'web:80' }, sources: { workstation: { web: 'allowed' }, 'node n1': { web: 'denied' } } }
    const asked: unknown[] = []
    const before = scene([])
    const probe = async (source: object, what: object) => {
      asked.push([source, what])
      return { outcome: 'node' in source ? 'timeout' : 'answered', elapsed: 1, from: 'x' }
    }
    const at = { ...before, cluster: { ...before.cluster, probe } as unknown as Scene['cluster'] }
    expect((await runCheck(check({ matrix: table }), at)).state).toBe('passed')
    const tcp = { kind: 'tcp', host: 'web', port: 80, timeoutMs: 1000 }
    expect(asked).toEqual([
      [{ workstation: true }, tcp],
      [{ node: 'n1' }, tcp],
    ])
    await runCheck(check({ matrix: { ...table, tries: 3 } }), at)
    expect(asked).toHaveLength(2 + 6)
    expect(() => check({ matrix: { ...table, sources: { workstation: { wbe: 'allowed' } } } })).toThrow(
      /names the target \\"wbe\\"; allowed: web/,
    )
  })
})

describe('dns', () => {
  const of = (expected: unknown) => {
    const found = check({ dns: { from: 'workstation', name: 'db.prod', expect: expected } }).dns
    if (found === undefined) throw new Error('no dns')
    return found
  }
  const answer = (rcode: string, ...answers: string[]): ProbeResult => ({
    outcome: 'answered',
    elapsed: 20,
    from: 'pod a/b',
    dns: { rcode, answers, server: '10.96.0.10' },
  })

  it.each([
    ['NOERROR', answer('NOERROR', '10.0.0.1'), 'passed'],
    ['NOERROR', answer('NOERROR'), 'failed'],
    ['NOERROR', answer('SERVFAIL'), 'failed'],
    ['NXDOMAIN', answer('NXDOMAIN'), 'passed'],
    [{ answers: ['1.1.1.1', '2.2.2.2'] }, answer('NOERROR', '2.2.2.2', '1.1.1.1'), 'passed'],
    [{ answers: ['1.1.1.1'] }, answer('NOERROR', '2.2.2.2', '1.1.1.1'), 'failed'],
    [{ within: 10 }, answer('NOERROR', '1.1.1.1'), 'failed'],
    ['NOERROR', { outcome: 'timeout', elapsed: 2000, from: 'x' } as ProbeResult, 'failed'],
    ['NOERROR', { outcome: 'unknown', elapsed: 0, from: 'x' } as ProbeResult, 'unknown'],
  ])('expects %j, sees %j', (expected, seen, outcome) => {
    const asked = of(expected)
    const wanted = typeof asked.expect === 'string' ? undefined : asked.expect.answers
    expect(judgeDns(asked, seen, wanted).outcome).toBe(outcome)
  })
})

describe('the scorer', () => {
  const tasks = [
    { id: 'a', title: 'a', points: 60, checks: [{ ...check({ reach: { from: 'workstation', url: 'http://a' } }), id: 'a1' }] },
    {
      id: 'b',
      title: 'b',
      points: 40,
      checks: ['b1', 'b2'].map((id) => ({ ...check({ reach: { from: 'workstation', url: 'http://a' } }), id })),
    },
  ]
  const results = (...passed: string[]) => new Map(passed.map((id): [string, CheckResult] => [id, { id, state: 'passed' }]))

  it('gives a task its points when all its checks pass, and takes hints off, not below zero', () => {
    expect(score(tasks, results('a1', 'b1'), 0)).toEqual({ earned: 60, possible: 100, hintCost: 0 })
    expect(score(tasks, results('a1', 'b1', 'b2'), 15)).toEqual({ earned: 85, possible: 100, hintCost: 15 })
    expect(score(tasks, results(), 15).earned).toBe(0)
  })
})

it('a lab is armed when what guards a task fails and what must be left alone passes', () => {
  const checks = [
    { ...check({ reach: { from: 'workstation', url: 'http://a' } }), id: 'guard' },
    { ...check({ untouched: { objects: 'Deployment a/b' } }), id: 'kept' },
  ]
  const states = (guard: CheckResult['state'], kept: CheckResult['state']) =>
    new Map<string, CheckResult>([
      ['guard', { id: 'guard', state: guard }],
      ['kept', { id: 'kept', state: kept }],
    ])
  expect(unarmed(checks, states('failed', 'passed'))).toEqual([])
  expect(unarmed(checks, states('passed', 'passed'))).toEqual([expect.stringContaining('guard must fail before the repair, but passes')])
  expect(unarmed(checks, states('unknown', 'failed'))).toHaveLength(2)
})

it('reads fields and compares as JSON', () => {
  const object = { a: { 'b/c': [{ d: 1 }] } }
  expect(fieldOf(object, 'a["b/c"][0].d')).toBe(1)
  expect(fieldOf(object, 'a.x.y')).toBeUndefined()
  expect(equal({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 })).toBe(true)
  expect(equal({ a: 1 }, { a: 1, b: undefined })).toBe(false)
})
