import { expect, it } from 'vitest'
import type { KubeObject } from '../kubernetes.ts'
import { garbageCollector } from './garbage-collector.ts'
import { replicasetController, replicationController } from './replicaset.ts'
import { controllerBench } from './testing.ts'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'nginx:1.27' }] } }
const controller = (replicas: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name: 'web', namespace: 'default' },
  spec: { replicas, template },
})
const replicaset = (replicas: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web', namespace: 'default' },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template },
})
const messages = (bench: ReturnType<typeof controllerBench>, reason: string) =>
  bench.api
    .list<any>('events', { namespace: 'default' })
    .filter((event) => event.reason === reason)
    .map(({ message }) => message as string)

it('a ReplicationController keeps its pods, takes in orphans and scales', () => {
  const bench = controllerBench([replicationController, garbageCollector])
  const { api } = bench
  api.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'orphan', namespace: 'default', labels: { app: 'web' } },
    spec: template.spec,
  })
  api.create('replicationcontrollers', controller(2))
  bench.settle()
  bench.runPods()
  expect(bench.pods()).toHaveLength(2)
  expect(bench.pods().map(({ metadata }) => metadata?.ownerReferences?.[0])).toEqual([
    expect.objectContaining({ apiVersion: 'v1', kind: 'ReplicationController', name: 'web', controller: true }),
    expect.objectContaining({ apiVersion: 'v1', kind: 'ReplicationController', name: 'web', controller: true }),
  ])
  expect(api.get<any>('replicationcontrollers', 'default', 'web').status).toEqual({
    replicas: 2,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 2,
    observedGeneration: 1,
  })
  const [event] = api.list<any>('events', { namespace: 'default' })
  expect(event).toMatchObject({ reason: 'SuccessfulCreate', source: { component: 'replication-controller' } })
  api.patch('replicationcontrollers', 'default', 'web', { spec: { replicas: 0 } }, { type: 'merge' })
  bench.settle()
  bench.runPods()
  expect(bench.pods()).toEqual([])

  // Without a word about its pods they stay, as they did before there was a garbage collector.
  api.patch('replicationcontrollers', 'default', 'web', { spec: { replicas: 1 } }, { type: 'merge' })
  bench.settle()
  api.delete('replicationcontrollers', 'default', 'web')
  bench.settle()
  expect(bench.pods()).toHaveLength(1)
  expect(bench.pods()[0]?.metadata?.ownerReferences).toBeUndefined()
  expect(bench.defects).toEqual([])
})

it('makes pods no faster than its client may ask for them', () => {
  const bench = controllerBench([replicasetController])
  bench.api.create('replicasets.apps', replicaset(2_000_000_000))
  bench.settle()
  expect(bench.pods()).toHaveLength(30)
  // Twenty a second, looked at when there is a bucket full: its worker is at it all the while.
  bench.time.advance(15_000)
  expect(bench.pods().length).toBe(330)
  expect(bench.api.get<any>('replicasets.apps', 'default', 'web').status.replicas).toBe(330)
  bench.api.patch('replicasets.apps', 'default', 'web', { spec: { replicas: 335 } }, { type: 'merge' })
  bench.time.advance(1_500)
  expect(bench.pods().length).toBe(335)
  expect(bench.defects).toEqual([])
})

it('begins slowly, so that a full quota is not asked again for each pod', () => {
  const bench = controllerBench([replicasetController])
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'small', namespace: 'default' },
    spec: { hard: { pods: '4' } },
  }
  bench.api.updateStatus('resourcequotas', { ...bench.api.create<KubeObject>('resourcequotas', quota), status: { hard: { pods: '4' } } })
  bench.api.create('replicasets.apps', replicaset(500))
  bench.settle()
  // One, two, then a batch of four of which one still finds room.
  expect(bench.pods()).toHaveLength(4)
  // The rest of that batch failed, and the first of what the made pods' own events brought.
  expect(messages(bench, 'FailedCreate')).toHaveLength(4)
  expect(messages(bench, 'FailedCreate')[0]).toMatch(
    /^Error creating: pods "web-\w{5}" is forbidden: exceeded quota: small, requested: pods=1, used: pods=4, limited: pods=4$/,
  )
  const { conditions } = bench.api.get<any>('replicasets.apps', 'default', 'web').status
  expect(conditions).toEqual([expect.objectContaining({ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' })])
})
