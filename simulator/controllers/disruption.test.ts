import { expect, it } from 'vitest'
import type { KubeObject } from '../kubernetes.ts'
import { deploymentController } from './deployment/deployment.ts'
import { type BudgetObject, disruptionController, expectation, pendingEvictions } from './disruption.ts'
import type { PodObject } from './pods.ts'
import { replicasetController } from './replicaset.ts'
import { controllerBench, deployment } from './testing.ts'

const budget = (spec: Record<string, unknown>): KubeObject => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'keep', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
})

function run(spec: Record<string, unknown>, replicas = 4) {
  const bench = controllerBench([deploymentController, replicasetController, disruptionController])
  bench.api.create('deployments.apps', deployment('web', { replicas }))
  bench.api.create('poddisruptionbudgets.policy', budget(spec))
  bench.settle()
  bench.runPods()
  const status = () => bench.api.get<BudgetObject>('poddisruptionbudgets.policy', 'default', 'keep').status
  const events = () => bench.api.list<KubeObject & { reason?: string; message?: string }>('events', { namespace: 'default' })
  return { ...bench, status, events }
}

it.each([
  [{ minAvailable: 3 }, { expectedPods: 4, desiredHealthy: 3, disruptionsAllowed: 1 }, 'SufficientPods'],
  [{ minAvailable: 4 }, { expectedPods: 4, desiredHealthy: 4, disruptionsAllowed: 0 }, 'InsufficientPods'],
  [{ minAvailable: '51%' }, { expectedPods: 4, desiredHealthy: 3, disruptionsAllowed: 1 }, 'SufficientPods'],
  [{ maxUnavailable: 1 }, { expectedPods: 4, desiredHealthy: 3, disruptionsAllowed: 1 }, 'SufficientPods'],
  [{ maxUnavailable: '26%' }, { expectedPods: 4, desiredHealthy: 2, disruptionsAllowed: 2 }, 'SufficientPods'],
  [{ maxUnavailable: 0 }, { expectedPods: 4, desiredHealthy: 4, disruptionsAllowed: 0 }, 'InsufficientPods'],
])('a budget of %j over four healthy replicas allows %j', (spec, wanted, reason) => {
  const bench = run(spec)
  expect(bench.status()).toMatchObject({ currentHealthy: 4, observedGeneration: 1, ...wanted })
  expect(bench.status()?.conditions).toEqual([
    {
      type: 'DisruptionAllowed',
      status: reason === 'SufficientPods' ? 'True' : 'False',
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:00:00Z',
      reason,
      message: '',
    },
  ])
  expect(bench.defects).toEqual([])
})

it('follows the health of the pods and what their controller asks for', () => {
  const bench = run({ maxUnavailable: 1 })
  const [sick] = bench.pods()
  bench.runPods((pod) => pod.metadata?.name !== sick?.metadata?.name)
  expect(bench.status()).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 0 })
  bench.runPods()
  const current = bench.api.get<KubeObject>('deployments.apps', 'default', 'web') as any
  bench.api.update('deployments.apps', { ...current, spec: { ...current.spec, replicas: 6 } })
  bench.settle()
  expect(bench.status()).toMatchObject({ expectedPods: 6, desiredHealthy: 5, currentHealthy: 4, disruptionsAllowed: 0 })
  bench.runPods()
  expect(bench.status()).toMatchObject({ currentHealthy: 6, disruptionsAllowed: 1 })
})

it('counts an eviction that was granted until the pod goes, and no longer than two minutes', () => {
  const bench = run({ minAvailable: 3 })
  const name = bench.pods()[0]?.metadata?.name ?? ''
  const current = bench.api.get<BudgetObject>('poddisruptionbudgets.policy', 'default', 'keep')
  const disruptedPods = { [name]: '2026-01-01T00:00:00Z' } as never
  bench.api.updateStatus('poddisruptionbudgets.policy', {
    ...current,
    status: { ...current.status!, disruptionsAllowed: 0, disruptedPods },
  } as KubeObject)
  bench.settle()
  expect(bench.status()).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 0, disruptedPods: { [name]: '2026-01-01T00:00:00Z' } })
  bench.time.advance(120_002)
  bench.settle()
  expect(bench.status()).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 1 })
  expect(bench.status()?.disruptedPods).toBeUndefined()
  expect(
    bench
      .events()
      .filter(({ reason }) => reason === 'NotDeleted')
      .map(({ message }) => message),
  ).toEqual(["Pod was expected by PDB default/keep to be deleted but it wasn't"])
})

it('allows nothing where it cannot know how many pods there should be', () => {
  const bench = controllerBench([disruptionController])
  bench.api.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'a',
      namespace: 'default',
      labels: { app: 'web' },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u', controller: true }],
    },
    spec: { containers: [{ name: 'main', image: 'x' }] },
  })
  bench.api.create('poddisruptionbudgets.policy', budget({ maxUnavailable: 1 }))
  bench.settle()
  const status = bench.api.get<BudgetObject>('poddisruptionbudgets.policy', 'default', 'keep').status
  expect(status).toMatchObject({ disruptionsAllowed: 0, observedGeneration: 1 })
  expect(status?.conditions?.[0]).toMatchObject({
    status: 'False',
    reason: 'SyncFailed',
    message: 'jobs.batch does not implement the scale subresource',
  })
})

it('says so where no pods match', () => {
  const bench = run({ minAvailable: 1, selector: { matchLabels: { app: 'none' } } })
  expect(
    bench
      .events()
      .filter(({ reason }) => reason === 'NoPods')
      .map(({ message }) => message),
  ).toEqual(['No matching pods found'])
  expect(bench.status()).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0 })
})

it.each([
  [{}, 3, 5, { expected: 3, desired: 0 }],
  [{ minAvailable: 2 }, 3, 5, { expected: 3, desired: 2 }],
  [{ minAvailable: '50%' }, 3, 5, { expected: 5, desired: 3 }],
  [{ maxUnavailable: 9 }, 3, 5, { expected: 5, desired: 0 }],
])('of %j over %i pods and %i replicas expects %j', (spec, pods, replicas, wanted) => {
  expect(expectation({ spec }, pods, replicas)).toEqual(wanted)
})

it('forgets evictions of pods that are going', () => {
  const pod: PodObject = { metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' as never } }
  expect(pendingEvictions({ a: '2026-01-01T00:00:00Z', gone: '2026-01-01T00:00:00Z' }, [pod], Date.UTC(2026, 0, 1)).pending).toEqual({})
})
