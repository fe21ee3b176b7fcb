import { expect, it } from 'vitest'
import type { ClusterSnapshot } from '../../../simulator/cluster/cluster.ts'
import { heldCluster } from './testing/held-cluster.ts'

function boot(from?: ClusterSnapshot) {
  const { cluster, time, defects, pass } = heldCluster({ name: 'test', nodes: 3, cni: 'kindnet', seed: 1 }, from)
  const renewTime = async (node: string) => {
    const path = `https://kubernetes/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node}`
    const response = await cluster.server.fetch(new Request(path, { headers: { authorization: 'Bearer p' } }))
    return Date.parse(((await response.json()) as any).spec.renewTime)
  }
  const node = (name: string) => cluster.api.get<any>('nodes', undefined, name)
  const ready = (name: string) => node(name).status.conditions.find(({ type }: any) => type === 'Ready')
  return { cluster, time, defects, pass, renewTime, node, ready }
}

it('shows leases that move, which nobody writes while nobody looks', async () => {
  const { cluster, pass, renewTime, time } = boot()
  await pass(600_000)
  const before = cluster.moment()[0]
  await pass(300_000)
  expect(cluster.moment()[0]).toBe(before)
  const first = await renewTime('test-worker')
  expect(time.now() - first).toBeLessThan(10_000)
  await pass(30_000)
  expect((await renewTime('test-worker')) - first).toBe(30_000)
})

it('loses a node whose kubelet stopped, evicts its pods after five minutes, and has it back; through a restore', async () => {
  let world = boot()
  await world.pass(60_000)
  world.cluster.api.create('deployments.apps', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx:1.27-alpine' }] } },
    },
  })
  await world.pass(10_000)
  const pods = () => world.cluster.api.list<any>('pods', { namespace: 'default' })
  const there = () => pods().filter(({ spec }) => spec.nodeName === 'test-worker')
  expect(there().length).toBeGreaterThan(0)
  const { length } = there()
  world.cluster.setKubelet('test-worker', false)
  const stopped = await world.renewTime('test-worker')
  await world.pass(39_000)
  expect(world.ready('test-worker').status).toBe('True')
  await world.pass(12_000)
  expect(world.ready('test-worker')).toMatchObject({
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
  })
  expect(world.node('test-worker').spec.taints.map(({ key, effect }: any) => `${key}:${effect}`)).toEqual([
    'node.kubernetes.io/unreachable:NoSchedule',
    'node.kubernetes.io/unreachable:NoExecute',
  ])
  expect(await world.renewTime('test-worker')).toBe(stopped)
  expect(there().every(({ status }) => status.conditions.some((one: any) => one.type === 'Ready' && one.status === 'False'))).toBe(true)
  world = boot(JSON.parse(JSON.stringify(world.cluster.snapshot())))
  expect(world.ready('test-worker').status).toBe('Unknown')
  await world.pass(290_000)
  expect(there().filter(({ metadata }) => metadata.deletionTimestamp)).toEqual([])
  await world.pass(20_000)
  // Nobody is there to end them; others run in their place.
  expect(there().filter(({ metadata }) => metadata.deletionTimestamp)).toHaveLength(length)
  expect(pods()).toHaveLength(4 + length)
  world.cluster.setKubelet('test-worker', true)
  await world.pass(40_000)
  expect(world.ready('test-worker')).toMatchObject({ status: 'True', reason: 'KubeletReady' })
  expect(world.node('test-worker').spec.taints).toBeUndefined()
  expect(there()).toEqual([])
  expect(pods()).toHaveLength(4)
  expect(world.defects).toEqual([])
})

it('lets containers run on while the kubelet does not, and starts what ended meanwhile when it is back', async () => {
  const { cluster, pass, ready } = boot()
  await pass(60_000)
  cluster.api.create<any>('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'short', namespace: 'default' },
    spec: { nodeName: 'test-worker', containers: [{ name: 'main', image: 'busybox:1.36', command: ['sleep', '20'] }] },
  })
  await pass(5000)
  cluster.setKubelet('test-worker', false)
  await pass(30_000)
  const status = () => cluster.api.get<any>('pods', 'default', 'short').status.containerStatuses[0]
  expect(status()).toMatchObject({ restartCount: 0, state: { running: expect.anything() } })
  cluster.setKubelet('test-worker', true)
  await pass(5000)
  expect(status()).toMatchObject({ restartCount: 1 })
  expect(ready('test-worker').status).toBe('True')
})
