import type { Deployment } from 'kubernetes-types/apps/v1'
import { expect, it } from 'vitest'
import type { KubeObject } from '../../kubernetes.ts'
import type { ReplicaSetObject } from '../pods.ts'
import { replicasetController } from '../replicaset.ts'
import { controllerBench, deployment } from '../testing.ts'
import { deploymentController } from './deployment.ts'

type DeploymentObject = Deployment & KubeObject

function rollout(options: Parameters<typeof deployment>[1] = {}) {
  const bench = controllerBench([deploymentController, replicasetController])
  bench.api.create('deployments.apps', deployment('web', options))
  bench.settle()
  bench.runPods()
  const get = () => bench.api.get<DeploymentObject>('deployments.apps', 'default', 'web')
  const sets = () => bench.api.list<ReplicaSetObject>('replicasets.apps', { namespace: 'default' })
  const setImage = (image: string) => {
    const current = get()
    const [container] = current.spec!.template.spec!.containers
    const template = { ...current.spec!.template, spec: { ...current.spec!.template.spec!, containers: [{ ...container!, image }] } }
    bench.api.update('deployments.apps', { ...current, spec: { ...current.spec!, template } })
    bench.settle()
  }
  return { ...bench, get, sets, setImage }
}

const sizes = (sets: readonly ReplicaSetObject[]) => sets.map(({ spec }) => spec?.replicas).sort()
const condition = (object: DeploymentObject, type: string) => object.status?.conditions?.find((one) => one.type === type)

it('makes a ReplicaSet with the template hash and reports it available', () => {
  const { get, sets, defects } = rollout()
  expect(sets()).toHaveLength(1)
  const [set] = sets()
  expect(set?.metadata?.labels?.['pod-template-hash']).toBe(set?.metadata?.name?.replace('web-', ''))
  expect(get().status).toMatchObject({ replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 })
  expect(condition(get(), 'Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' })
  expect(get().metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('1')
  expect(defects).toEqual([])
})

it('never has more than surge allows, nor fewer available than maxUnavailable allows', () => {
  const bench = rollout({ replicas: 4, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } })
  bench.setImage('nginx:1.28')
  for (let step = 0; step < 20; step++) {
    const living = bench.pods().filter((pod) => !pod.metadata?.deletionTimestamp)
    expect(living.length).toBeLessThanOrEqual(5)
    expect(bench.get().status?.availableReplicas ?? 0).toBeGreaterThanOrEqual(3)
    bench.runPods()
  }
  expect(sizes(bench.sets())).toEqual([0, 4])
  expect(bench.pods().every((pod) => pod.spec?.containers[0]?.image === 'nginx:1.28')).toBe(true)
})

it('keeps the old pods when the new ones never become ready', () => {
  const bench = rollout({ replicas: 4 })
  bench.setImage('nginx:broken')
  for (let step = 0; step < 10; step++) bench.runPods((pod) => pod.spec?.containers[0]?.image !== 'nginx:broken')
  // 25 % of 4: one more, one fewer.
  expect(sizes(bench.sets())).toEqual([2, 3])
  bench.time.advance(601_000)
  expect(condition(bench.get(), 'Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' })
})

it('takes unhealthy old pods away first', () => {
  const bench = rollout({ replicas: 2, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } })
  bench.runPods(() => false)
  bench.setImage('nginx:1.28')
  bench.runPods((pod) => pod.spec?.containers[0]?.image === 'nginx:1.28')
  bench.runPods((pod) => pod.spec?.containers[0]?.image === 'nginx:1.28')
  expect(sizes(bench.sets())).toEqual([0, 2])
})

it('waits for the old pods to be gone with Recreate', () => {
  const bench = rollout({ strategy: { type: 'Recreate' } })
  for (const pod of bench.pods()) bench.api.update('pods', { ...pod, metadata: { ...pod.metadata, finalizers: ['test/hold'] } })
  bench.setImage('nginx:1.28')
  expect(bench.pods().every((pod) => pod.spec?.containers[0]?.image === 'nginx:1.27')).toBe(true)
  for (const pod of bench.pods()) bench.api.update('pods', { ...pod, metadata: { ...pod.metadata, finalizers: [] } })
  bench.settle()
  bench.runPods()
  expect(bench.pods().map((pod) => pod.spec?.containers[0]?.image)).toEqual(['nginx:1.28', 'nginx:1.28', 'nginx:1.28'])
})

it('goes back to an earlier template with the same ReplicaSet and a new revision', () => {
  const bench = rollout()
  bench.setImage('nginx:1.28')
  for (let step = 0; step < 8; step++) bench.runPods()
  bench.setImage('nginx:1.27')
  for (let step = 0; step < 8; step++) bench.runPods()
  expect(bench.sets()).toHaveLength(2)
  expect(bench.get().metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('3')
})

it('scales in place, and stops rolling while paused', () => {
  const bench = rollout()
  const scale = (replicas: number, paused = false) => {
    const current = bench.get()
    bench.api.update('deployments.apps', { ...current, spec: { ...current.spec!, replicas, paused } })
    bench.settle()
    bench.runPods()
  }
  scale(5)
  expect(bench.pods()).toHaveLength(5)
  scale(2)
  bench.runPods()
  expect(bench.pods()).toHaveLength(2)
  scale(2, true)
  bench.setImage('nginx:1.28')
  expect(bench.sets()).toHaveLength(1)
  expect(condition(bench.get(), 'Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' })
})
