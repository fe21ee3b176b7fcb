import { deserialize, serialize } from 'node:v8'
import { expect, it } from 'vitest'
import { widget, widgetDefinition } from '../../../simulator/apiserver/extensions/testing/widgets.ts'
import type { ClusterSnapshot, SimulatedCluster } from '../../../simulator/cluster/cluster.ts'
import { heldCluster } from './testing/held-cluster.ts'

const boot = (cni: 'kindnet' | 'flannel' | 'calico' | 'weave', seed = 1, from?: ClusterSnapshot) =>
  heldCluster({ name: 'test', nodes: 3, cni, seed }, from)

const contents = ({ api }: SimulatedCluster) =>
  Object.fromEntries(
    ['nodes', 'pods', 'services', 'endpointslices.discovery.k8s.io', 'events', 'deployments.apps'].map((resource) => [
      resource,
      api.list(resource),
    ]),
  )
const pods = ({ api }: SimulatedCluster) => api.list<any>('pods')
const isReady = (pod: any) => pod.status?.conditions?.some((one: any) => one.type === 'Ready' && one.status === 'True')

it.each(['kindnet', 'flannel', 'calico', 'weave'] as const)('boots with %s: nodes Ready, every pod running', async (cni) => {
  const { cluster, defects, pass } = boot(cni)
  await pass(60_000)
  expect(cluster.api.list<any>('nodes').map((node) => isReady(node))).toEqual([true, true, true])
  expect(
    pods(cluster)
      .filter((pod) => !isReady(pod))
      .map(({ metadata }) => metadata.name),
  ).toEqual([])
  expect(defects).toEqual([])
})

it('runs the same twice from one seed, and differently from another', async () => {
  const [one, two, other] = [boot('kindnet', 7), boot('kindnet', 7), boot('kindnet', 8)]
  for (const { pass } of [one, two, other]) await pass(30_000)
  expect(contents(two.cluster)).toEqual(contents(one.cluster))
  const names = (cluster: SimulatedCluster) => pods(cluster).map(({ metadata }) => metadata.name)
  expect(names(other.cluster)).not.toEqual(names(one.cluster))
})

it('has the same future after a snapshot, through its serialised form', async () => {
  const original = boot('kindnet')
  await original.pass(60_000)
  const snapshot = deserialize(serialize(original.cluster.snapshot())) as ClusterSnapshot
  const copy = boot('kindnet', 1, snapshot)
  const work = async ({ cluster, pass }: typeof original) => {
    cluster.api.create('deployments.apps', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx:1.27-alpine' }] } },
      },
    })
    await pass(30_000)
    return pods(cluster).map(({ metadata, spec, status }) => [
      metadata.name,
      spec.nodeName,
      status.phase,
      status.podIP,
      status.containerStatuses?.[0]?.restartCount,
    ])
  }
  expect(await work(copy)).toEqual(await work(original))
  expect(copy.defects).toEqual([])
})

it('restores without a restart, and one fork does not touch another', async () => {
  const original = boot('kindnet')
  await original.pass(60_000)
  const snapshot = original.cluster.snapshot()
  const [one, two] = [boot('kindnet', 1, snapshot), boot('kindnet', 1, snapshot)]
  one.cluster.api.delete('deployments.apps', 'kube-system', 'coredns')
  await one.pass(60_000)
  await two.pass(60_000)
  expect(pods(one.cluster).some(({ metadata }) => metadata.name.startsWith('coredns'))).toBe(false)
  const coredns = pods(two.cluster).filter(({ metadata }) => metadata.name.startsWith('coredns'))
  expect(coredns.map((pod) => [isReady(pod), pod.status.containerStatuses[0].restartCount])).toEqual([
    [true, 0],
    [true, 0],
  ])
  expect([...one.defects, ...two.defects]).toEqual([])
})

it('leaves what kube-proxy wrote where its daemonset is deleted', async () => {
  const { cluster, pass } = boot('kindnet')
  await pass(60_000)
  const chains = () =>
    cluster.network
      .machine('test-worker')!
      .root.netfilter.chainNames('nat')
      .filter((name) => name.startsWith('KUBE-SVC-'))
  const before = chains()
  expect(before.length).toBeGreaterThan(2)
  cluster.api.delete('daemonsets.apps', 'kube-system', 'kube-proxy')
  await pass(40_000)
  expect(pods(cluster).some(({ metadata }) => metadata.name.startsWith('kube-proxy'))).toBe(false)
  cluster.api.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'late', namespace: 'kube-system' },
    spec: { selector: { 'k8s-app': 'kube-dns' }, ports: [{ port: 53 }] },
  })
  await pass(5000)
  expect(chains()).toEqual(before)
})

it('makes default/kubernetes again after it was deleted, with its address, as the API server does', async () => {
  const { cluster, defects, pass } = boot('kindnet')
  await pass(30_000)
  for (const resource of ['services', 'endpoints', 'endpointslices.discovery.k8s.io']) cluster.api.delete(resource, 'default', 'kubernetes')
  await pass(11_000)
  expect(cluster.api.get<any>('services', 'default', 'kubernetes').spec.clusterIP).toBe('10.96.0.1')
  expect(cluster.api.get<any>('endpoints', 'default', 'kubernetes').subsets[0].addresses).toEqual([{ ip: '172.18.0.2' }])
  expect(cluster.api.get<any>('endpointslices.discovery.k8s.io', 'default', 'kubernetes').endpoints[0].addresses).toEqual(['172.18.0.2'])
  expect(defects).toEqual([])
})

it('makes definitions into kinds in its API server, and a fork serves them without the original', async () => {
  const original = boot('kindnet')
  await original.pass(30_000)
  original.cluster.api.create('customresourcedefinitions.apiextensions.k8s.io', widgetDefinition)
  await original.pass(1_000)
  original.cluster.api.create('widgets.example.com', widget('a'))
  const copy = boot('kindnet', 1, deserialize(serialize(original.cluster.snapshot())) as ClusterSnapshot)
  original.cluster.api.delete('customresourcedefinitions.apiextensions.k8s.io', undefined, 'widgets.example.com')
  await original.pass(1_000)
  const kinds = ({ cluster }: typeof copy) => cluster.api.served().filter(({ kind }) => kind === 'Widget')
  expect([kinds(original).length, kinds(copy).length]).toEqual([0, 2])
  expect(copy.cluster.api.get<any>('widgets.example.com', 'default', 'a').spec).toEqual({ replicas: 1, colour: 'red' })
  // The fork's own controllers go on from where they were.
  copy.cluster.api.create('widgets.example.com', widget('b'))
  copy.cluster.api.delete('customresourcedefinitions.apiextensions.k8s.io', undefined, 'widgets.example.com')
  await copy.pass(1_000)
  expect(kinds(copy)).toEqual([])
  expect([...original.defects, ...copy.defects]).toEqual([])
})

it('lets kindnetd give up, log and start again where a node has an address that is no gateway', async () => {
  const { cluster, defects, pass } = boot('kindnet')
  await pass(60_000)
  cluster.api.create('nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'elsewhere' },
    spec: { podCIDR: '10.244.9.0/24' },
    status: { addresses: [{ type: 'InternalIP', address: '9.9.9.9' }] },
  })
  await pass(15_000)
  const agents = () => pods(cluster).filter(({ metadata }) => metadata.labels?.app === 'kindnet')
  expect(agents().every((pod) => pod.status.containerStatuses[0].restartCount > 0)).toBe(true)
  cluster.api.delete('nodes', undefined, 'elsewhere')
  await pass(120_000)
  expect(agents().map((pod) => isReady(pod))).toEqual([true, true, true])
  expect(defects).toEqual([])
})

it.each([
  ['POST', '/api/v1/nodes', { metadata: { name: 'n' }, spec: { taints: [null] } }, 422],
  [
    'POST',
    '/api/v1/namespaces/default/pods',
    { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }], volumes: [{}] } },
    422,
  ],
  ['PATCH', '/apis/apps/v1/namespaces/kube-system/deployments/coredns/scale', null, 400],
])('refuses %s %s with what Go reads as an empty value: %j', async (method, path, body, status) => {
  const { cluster, pass } = boot('kindnet')
  await pass(10_000)
  const answer = await cluster.server.fetch(
    new Request(`https://cluster.local${path}`, {
      method,
      headers: { authorization: 'Bearer p', 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
      body: JSON.stringify(body),
    }),
  )
  expect(answer.status).toBe(status)
  expect(await answer.json()).toMatchObject({ kind: 'Status', status: 'Failure' })
})
