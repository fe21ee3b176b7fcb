import fc from 'fast-check'
import type { Pod } from 'kubernetes-types/core/v1'
import { describe, expect, test } from 'vitest'
import { sameJson } from '../json.ts'
import { blockedUntil, goDuration, nextBackOff } from './back-off.ts'
import { quantity, resourceValue } from './downward.ts'
import { ContainerConfigError, environmentOf, expand } from './environment.ts'
import { parseImage, pullError, pullPolicyOf } from './images.ts'
import { appendLine, formatLines, keptLines, type LogLine, lineSplitter, selectLines } from './logs.ts'
import { newMeterState } from './meter.ts'
import { podStatus, qosClass } from './pod-status.ts'
import { countOutcome, nextRun, resumedRun } from './probes.ts'
import { resolverConfig } from './resolver-config.ts'
import { messagePair } from './runtime/dial.ts'
import type { ContainerState, Instance, PodState } from './state.ts'
import { catalogue } from './testing/fake-node.ts'

describe('back-off', () => {
  test('doubles from 10 s to 5 min and starts over after ten quiet minutes', () => {
    let entry = nextBackOff(undefined, 0, 0)
    const delays = [entry.delay]
    let now = 0
    for (let i = 0; i < 6; i++) {
      now = blockedUntil(entry, now) ?? now
      entry = nextBackOff(entry, now, now)
      delays.push(entry.delay)
    }
    expect(delays.map(goDuration)).toEqual(['10s', '20s', '40s', '1m20s', '2m40s', '5m0s', '5m0s'])
    const later = now + 600_001
    expect(blockedUntil(entry, later)).toBeUndefined()
    expect(nextBackOff(entry, later, later).delay).toBe(10_000)
    expect(blockedUntil(undefined, 5)).toBeUndefined()
  })
})

describe('probe results', () => {
  test('law: the verdict comes exactly when a threshold of equal results in a row is reached', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (results, ok, bad) => {
          let state = { successes: 0, failures: 0, runs: 0 }
          results.forEach((success, index) => {
            const counted = countOutcome(state, { successThreshold: ok, failureThreshold: bad }, success ? 'success' : 'failure')
            state = counted.state
            let run = 0
            while (run <= index && results[index - run] === success) run++
            expect(counted.verdict).toBe(run >= (success ? ok : bad) ? (success ? 'success' : 'failure') : undefined)
          })
        },
      ),
    )
  })

  test('a probe that cannot be made counts neither way', () => {
    expect(countOutcome({ successes: 0, failures: 2, runs: 2 }, {}, 'unknown')).toEqual({
      state: { successes: 0, failures: 2, runs: 3 },
      verdict: undefined,
    })
  })

  const awake = { beat: 0, resting: false }

  test('the next run: a second after a first failure, then the period, on the common beat once steady', () => {
    expect(nextRun({ successes: 0, failures: 1, runs: 1 }, {}, 'readiness', 3_300, awake)).toBe(4_300)
    expect(nextRun({ successes: 0, failures: 1, runs: 1 }, {}, 'liveness', 3_300, awake)).toBe(13_300)
    expect(nextRun({ successes: 1, failures: 0, runs: 2 }, {}, 'readiness', 4_300, awake)).toBe(14_300)
    expect(nextRun({ successes: 3, failures: 0, runs: 4 }, {}, 'readiness', 24_300, awake)).toBe(30_000)
  })

  test('steady ones keep to the beat of their node, and skip most beats while it rests', () => {
    const steady = { successes: 3, failures: 0, runs: 4 }
    expect(nextRun(steady, {}, 'readiness', 24_300, { beat: 4_000, resting: false })).toBe(34_000)
    expect(nextRun(steady, {}, 'readiness', 24_000, { beat: 4_000, resting: false })).toBe(34_000)
    expect(nextRun(steady, {}, 'readiness', 24_300, { beat: 124_000, resting: true })).toBe(124_000)
    expect(nextRun(steady, {}, 'readiness', 124_000, { beat: 124_000, resting: true })).toBe(424_000)
  })

  test('after a restore steady ones that are overdue join the beat, and what is undecided runs at once', () => {
    const steady = { successes: 3, failures: 0, runs: 4 }
    const rhythm = { beat: 4_000, resting: false }
    expect(resumedRun(steady, {}, 30_000, 25_000, rhythm)).toBe(30_000)
    expect(resumedRun(steady, {}, 20_000, 25_000, rhythm)).toBe(34_000)
    expect(resumedRun({ successes: 0, failures: 2, runs: 2 }, {}, 20_000, 25_000, rhythm)).toBe(25_000)
  })
})

describe('pod status', () => {
  const instance = (ended?: number): Instance => ({
    id: 'c'.repeat(64),
    image: 'web',
    imageId: 'web@sha256:1',
    startedAt: 1000,
    env: {},
    started: ended === undefined,
    ready: ended === undefined,
    log: [],
    dropped: 0,
    files: {},
    frozen: {},
    daemon: {},
    meter: newMeterState(1000),
    ...(ended === undefined ? {} : { ended: { at: 2000, exitCode: ended, reason: ended === 0 ? 'Completed' : 'Error' } }),
  })
  const pod = (restartPolicy: string, init = false): Pod => ({
    metadata: { name: 'p', namespace: 'd', uid: 'u' },
    spec: { restartPolicy, containers: [{ name: 'a' }, { name: 'b' }], ...(init ? { initContainers: [{ name: 'i' }] } : {}) },
  })
  const state = (containers: Record<string, Partial<ContainerState>>, more: Partial<PodState> = {}): PodState => ({
    uid: 'u',
    namespace: 'd',
    name: 'p',
    startedAt: 0,
    pulls: {},
    mountFailures: 0,
    initialized: true,
    over: false,
    containers: Object.fromEntries(Object.entries(containers).map(([name, one]) => [name, { name, restarts: 0, probes: {}, ...one }])),
    ...more,
  })
  const phase = (of: Pod, at: PodState) => podStatus(of, at, { now: 3000, hostAddresses: ['1.2.3.4'] }).phase

  test.each([
    ['Always', undefined, undefined, 'Running'],
    ['Always', 1, 0, 'Running'],
    ['Never', 0, 0, 'Succeeded'],
    ['Never', 0, 1, 'Failed'],
    ['OnFailure', 0, 1, 'Running'],
    ['OnFailure', 0, 0, 'Succeeded'],
    ['Never', undefined, 0, 'Running'],
  ])('restartPolicy %s, exit codes %s and %s: %s', (policy, a, b, expected) => {
    expect(phase(pod(policy), state({ a: { current: instance(a) }, b: { current: instance(b) } }))).toBe(expected)
  })

  test('an init container that failed for good fails the pod, one that waits keeps it pending', () => {
    const failed = { i: { current: instance(1) } }
    expect(phase(pod('Never', true), state(failed, { initialized: false }))).toBe('Failed')
    expect(phase(pod('Always', true), state(failed, { initialized: false }))).toBe('Pending')
  })

  test('keeps foreign conditions, and the time of a condition that did not change', () => {
    const of: Pod = {
      ...pod('Always'),
      status: {
        conditions: [
          { type: 'example.com/gate', status: 'False' },
          { type: 'Initialized', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' },
        ],
      },
    }
    const gated: Pod = { ...of, spec: { ...(of.spec as any), readinessGates: [{ conditionType: 'example.com/gate' }] } }
    const status = podStatus(gated, state({ a: { current: instance() }, b: { current: instance() } }), {
      now: 3000,
      hostAddresses: ['1.2.3.4'],
    })
    const by = Object.fromEntries((status.conditions ?? []).map((one) => [one.type, one]))
    expect(by.Initialized?.lastTransitionTime).toBe('2020-01-01T00:00:00Z')
    expect(by['example.com/gate']?.status).toBe('False')
    expect(by.Ready).toMatchObject({
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message: 'the status of pod readiness gate "example.com/gate" is not "True", but False',
    })
  })

  test('quality of service', () => {
    const of = (resources: object): Pod => ({ spec: { containers: [{ name: 'a', resources }] } })
    expect(qosClass(of({}))).toBe('BestEffort')
    expect(qosClass(of({ requests: { cpu: '1' } }))).toBe('Burstable')
    expect(qosClass(of({ limits: { cpu: '1', memory: '1Gi' } }))).toBe('Guaranteed')
  })
})

describe('images', () => {
  test.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['team/app:v1', 'docker.io/team/app:v1'],
    ['registry.k8s.io/coredns/coredns:v1.12.1', 'registry.k8s.io/coredns/coredns:v1.12.1'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
  ])('%s is %s', (text, full) => {
    expect(parseImage(text)?.full).toBe(full)
  })

  test('what is no reference', () => {
    for (const text of ['', 'Nginx', 'a b', 'nginx:', '-x']) expect(parseImage(text)).toBeUndefined()
  })

  test('unknown repositories and registries fail as theirs do', () => {
    const error = (text: string) => pullError(catalogue, parseImage(text) as NonNullable<ReturnType<typeof parseImage>>)
    expect(error('web:1.0')).toBeUndefined()
    expect(error('ngnix')).toBe(
      'failed to pull and unpack image "docker.io/library/ngnix:latest": failed to resolve image: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    )
    expect(error('reg.example/app:1')).toContain(
      'Head "https://reg.example/v2/app/manifests/1": dial tcp: lookup reg.example: no such host',
    )
  })

  test('the policy that a missing one means', () => {
    const policy = (text: string) => pullPolicyOf(undefined, parseImage(text) as NonNullable<ReturnType<typeof parseImage>>)
    expect([policy('web'), policy('web:1.0')]).toEqual(['Always', 'IfNotPresent'])
  })
})

describe('resolv.conf', () => {
  const cluster = { dns: '10.96.0.10', domain: 'cluster.local' }
  const node = 'search corp.example\nnameserver 172.18.0.1\noptions edns0\n'
  const of = (spec: object) => resolverConfig({ metadata: { namespace: 'prod' }, spec: { containers: [], ...spec } }, cluster, node)

  test('by policy', () => {
    expect(of({}).text).toBe(
      'search prod.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n',
    )
    expect(of({ dnsPolicy: 'Default' }).text).toBe('search corp.example\nnameserver 172.18.0.1\noptions edns0\n')
    expect(of({ hostNetwork: true }).text).toContain('nameserver 172.18.0.1')
    expect(of({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }).text).toContain('nameserver 10.96.0.10')
    expect(of({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], options: [{ name: 'ndots', value: '2' }] } }).text).toBe(
      'nameserver 1.1.1.1\noptions ndots:2\n',
    )
  })

  test('merges dnsConfig and says what it leaves out', () => {
    const { text, warning } = of({
      dnsConfig: { nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3'], options: [{ name: 'ndots', value: '1' }] },
    })
    expect(text).toContain('nameserver 2.2.2.2\noptions ndots:1\n')
    expect(warning).toBe(
      'Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 1.1.1.1 2.2.2.2',
    )
  })
})

describe('environment', () => {
  const sources = {
    configMap: (name: string) => (name === 'cm' ? { data: { a: '1', b: '2' } } : undefined),
    secret: (name: string) => (name === 's' ? { data: { key: btoa('v') } } : undefined),
    services: () => [{ metadata: { name: 'my-db' }, spec: { clusterIP: '10.96.0.9', ports: [{ port: 3306, name: 'sql' }] } }],
    apiService: () => undefined,
    addresses: ['10.244.0.2'],
    hostAddresses: ['172.18.0.3'],
    allocatable: { cpu: '8', memory: '16Gi' },
  }
  const pod: Pod = { metadata: { namespace: 'prod', labels: { app: 'x' } }, spec: { containers: [] } }

  test('services, envFrom and env, later ones winning', () => {
    const env = environmentOf(
      pod,
      {
        name: 'c',
        envFrom: [{ prefix: 'P_', configMapRef: { name: 'cm' } }, { secretRef: { name: 'none', optional: true } }],
        env: [
          { name: 'P_a', value: 'own' },
          { name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } },
          { name: 'L', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        ],
      },
      sources,
    )
    expect(env).toMatchObject({
      P_a: 'own',
      P_b: '2',
      S: 'v',
      L: 'x',
      C: '8',
      MY_DB_SERVICE_HOST: '10.96.0.9',
      MY_DB_PORT: 'tcp://10.96.0.9:3306',
    })
    expect(env.MY_DB_PORT_3306_TCP_ADDR).toBe('10.96.0.9')
  })

  test('what is missing stops the container', () => {
    const run = (valueFrom: object) => () => environmentOf(pod, { name: 'c', env: [{ name: 'X', valueFrom }] }, sources)
    expect(run({ configMapKeyRef: { name: 'no', key: 'k' } })).toThrow(new ContainerConfigError('configmap "no" not found'))
    expect(run({ configMapKeyRef: { name: 'cm', key: 'k' } })).toThrow("couldn't find key k in ConfigMap prod/cm")
    expect(run({ secretKeyRef: { name: 'no', key: 'k', optional: true } })).not.toThrow()
  })

  test('law: text without a dollar sign expands to itself, and $$ escapes', () => {
    fc.assert(fc.property(fc.string(), (text) => expand(text.replaceAll('$', ''), () => 'x') === text.replaceAll('$', '')))
    expect(expand('$$(A) $(A) $(B)', (name) => (name === 'A' ? '1' : undefined))).toBe('$(A) 1 $(B)')
  })

  test('quantities and divisors', () => {
    expect([quantity('250m'), quantity('1Gi'), quantity('2k')]).toEqual([0.25, 2 ** 30, 2000])
    const container = { name: 'c', resources: { limits: { memory: '64Mi' }, requests: { cpu: '250m' } } }
    const value = (resource: string, divisor?: string) => resourceValue(pod, container, { resource, ...(divisor ? { divisor } : {}) }, {})
    expect([value('limits.memory', '1Mi'), value('requests.cpu'), value('requests.cpu', '1m')]).toEqual(['64', '1', '250'])
  })
})

describe('logs', () => {
  test('keep the newest lines within bounds', () => {
    const log: LogLine[] = []
    let dropped = 0
    for (let at = 0; at < 25_000; at++) dropped += appendLine(log, { at, stream: 'stdout', text: String(at) })
    expect(log.length).toBeGreaterThanOrEqual(keptLines)
    expect(log.length).toBeLessThan(keptLines + 2000)
    expect(log[0]?.text).toBe(String(dropped))
    expect(selectLines(log, { tailLines: 2 }, 0).map(({ text }) => text)).toEqual(['24998', '24999'])
    expect(selectLines(log, { sinceSeconds: 1 }, 25_500)).toHaveLength(500)
  })

  test('law: lines come out whole however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', '')),
          { minLength: 1 },
        ),
        fc.integer({ min: 1, max: 7 }),
        (lines, size) => {
          const out: string[] = []
          const splitter = lineSplitter((line) => out.push(line))
          const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
          for (let i = 0; i < bytes.length; i += size) splitter.write(bytes.slice(i, i + size))
          splitter.flush()
          expect(out).toEqual(lines)
        },
      ),
    )
  })

  test('law: what is shown of a log is what was written, to the last newline that is not there', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('\n', 'a', 'b'.repeat(16_384), 'c'.repeat(9000))), (parts) => {
        const log: LogLine[] = []
        const splitter = lineSplitter((text, partial) => log.push({ at: 0, stream: 'stdout', text, ...(partial && { partial }) }))
        for (const part of parts) splitter.write(part)
        splitter.flush()
        expect(formatLines(log, false)).toBe(parts.join(''))
        expect(log.every(({ text }) => text.length <= 16_384)).toBe(true)
        const stamped = formatLines(log, true)
        expect(stamped.replaceAll('1970-01-01T00:00:00.000000000Z ', '')).toBe(parts.join(''))
        expect(
          stamped
            .split('\n')
            .filter((line) => line !== '')
            .every((line) => /^1970\S+ [a-c]*$/.test(line)),
        ).toBe(true)
      }),
    )
  })

  test('a line of just the longest length is one entry, a longer one is two', () => {
    const entries: [number, boolean][] = []
    const splitter = lineSplitter((text, partial) => entries.push([text.length, partial]))
    splitter.write(`${'a'.repeat(16_384)}\n${'a'.repeat(16_385)}\n`)
    expect(entries).toEqual([
      [16_384, false],
      [16_384, true],
      [1, false],
    ])
  })
})

test('a message pair delivers in order, and closing ends the other side after what is buffered', async () => {
  const [client, server] = messagePair()
  await client.send('a')
  await client.send('b')
  client.close()
  expect([await server.receive(), await server.receive(), await server.receive()]).toEqual(['a', 'b', undefined])
  await expect(server.send('x')).rejects.toThrow('closed')
})

test('JSON equality takes an undefined field as absent', () => {
  expect(sameJson({ a: 1, b: undefined }, { a: 1 })).toBe(true)
  expect(sameJson({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] })).toBe(false)
  expect(sameJson([], {})).toBe(false)
})
