import { expect, it } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { calicoManifest } from '../../../simulator/bootstrap/calico.ts'
import { runProcess } from '../../../simulator/kubelet/runtime/run-process.ts'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { install, ninePods, pods } from './testing/nine-pods.ts'

type World = Awaited<ReturnType<typeof ninePods>>
const root = ({ cluster }: World) => cluster.network.machine('test-worker')!.root
const pinned = ({ cluster }: World, name: string, nodeName: string, image = 'registry.k8s.io/pause:3.10') =>
  cluster.api.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'x', labels: { pod: name } },
    spec: { nodeName, containers: [{ name: 'c', image }] },
  })
const failures = ({ cluster }: World, name: string) =>
  cluster.api
    .list<any>('events', { namespace: 'x' })
    .filter(({ reason, involvedObject }) => reason === 'FailedCreatePodSandBox' && involvedObject.name === name)
    .map(({ message }) => message.replace(/^.*failed \(add\): /, ''))
const nodeCondition = ({ cluster }: World, type: string) =>
  cluster.api.get<any>('nodes', undefined, 'test-worker').status.conditions.find((one: any) => one.type === type)
const reaches = (world: World, from: string, address: string) => {
  let connected = false
  const connection = world.netns(from).sockets.connectTcp({ address, port: 80 }, { connected: () => void (connected = true) })
  world.cluster.clock.settle()
  connection.reset()
  return connected
}

it('comes by its manifest into a cluster with Flannel: old pods keep their network until they are made anew', async () => {
  const world = await ninePods('flannel')
  const { api } = world.cluster
  const manifest = parseAllDocuments(
    calicoManifest('vxlan')
      .map((object) => stringify(object))
      .join('---\n'),
  ).map((one) => one.toJS() as KubeObject)
  install(world.cluster, manifest)
  await world.pass(120_000)
  expect(api.list<any>('pods', { labelSelector: 'k8s-app=calico-node' }).every(({ status }) => status.containerStatuses[0].ready)).toBe(
    true,
  )
  const files = world.cluster.nodePlace('test-worker')!.files
  expect(files.list('/etc/cni/net.d').map(({ name }) => name)).toEqual(['10-calico.conflist', '10-flannel.conflist', 'calico-kubeconfig'])
  expect(
    root(world)
      .links()
      .some(({ name }) => name === 'cni0'),
  ).toBe(true)
  pinned(world, 'new', 'test-worker')
  await world.pass(5000)
  expect(api.get<any>('pods', 'x', 'new').metadata.annotations['cni.projectcalico.org/podIP']).toBeTruthy()
  expect(world.cluster.podPlace('x', 'new').namespace.link('eth0')?.addresses[0]?.length).toBe(32)
  // The old ones still hang on Flannel's bridge, which Calico's policies do not see.
  expect(world.netns('x/a').link('eth0')?.addresses[0]?.length).toBe(24)
  expect(world.open(80, 'TCP').size).toBe(pods.length ** 2)
  world.apply({ policies: [{ podSelector: {} }] })
  expect(world.open(80, 'TCP').has('y/b > x/a')).toBe(true)
  world.undo({ policies: [{ podSelector: {} }] })
  api.delete('daemonsets.apps', 'kube-flannel', 'kube-flannel-ds')
  for (const node of ['test-control-plane', 'test-worker', 'test-worker2']) {
    const place = world.cluster.nodePlace(node)!
    place.files.remove('/etc/cni/net.d/10-flannel.conflist')
    for (const link of ['flannel.1', 'cni0']) if (place.namespace.link(link)) place.namespace.removeLink(link)
  }
  for (const pod of ['x/a', 'x/b']) {
    const [namespace = '', name = ''] = pod.split('/')
    const node = api.get<any>('pods', namespace, name).spec.nodeName
    api.delete('pods', namespace, name, { gracePeriodSeconds: 0 })
    await world.pass(5000)
    pinned(world, name, node)
  }
  await world.pass(30_000)
  const [a, b] = ['a', 'b'].map((name) => world.cluster.podPlace('x', name).namespace)
  b!.sockets.listenTcp({ port: 80 }, () => ({}))
  let connected = false
  a!.sockets.connectTcp({ address: b!.addresses()[0]!, port: 80 }, { connected: () => void (connected = true) })
  world.cluster.clock.settle()
  expect(connected).toBe(true)
  expect(world.defects).toEqual([])
})

it('cannot give addresses without a pool, and pods of other nodes are out of reach until it is back', async () => {
  const world = await ninePods('calico')
  const { api, clock } = world.cluster
  const pools = 'ippools.crd.projectcalico.org'
  const pool = api.get<any>(pools, undefined, 'default-ipv4-ippool')
  expect(reaches(world, 'x/a', world.address('x/b'))).toBe(true)
  api.delete(pools, undefined, 'default-ipv4-ippool')
  clock.settle()
  expect(root(world).routing.routes.filter(({ protocol, dev }) => protocol === 80 && dev)).toEqual([])
  expect(reaches(world, 'x/a', world.address('x/b'))).toBe(false)
  expect(reaches(world, 'x/a', world.address('x/c'))).toBe(true)
  pinned(world, 'late', 'test-worker')
  await world.pass(2000)
  expect(failures(world, 'late')).toContain('failed to request IPv4 addresses: no configured Calico pools for node test-worker')
  api.create(pools, {
    apiVersion: pool.apiVersion,
    kind: pool.kind,
    metadata: { name: 'narrow' },
    spec: { cidr: '10.99.0.0/16', vxlanMode: 'Always', natOutgoing: true, nodeSelector: "zone == 'a'" },
  })
  await world.pass(30_000)
  expect(failures(world, 'late').at(-1)).toContain('no configured Calico pools for node test-worker')
  api.create(pools, { apiVersion: pool.apiVersion, kind: pool.kind, metadata: { name: 'default-ipv4-ippool' }, spec: pool.spec })
  await world.pass(60_000)
  expect(api.get<any>('pods', 'x', 'late').status.phase).toBe('Running')
  expect(reaches(world, 'x/a', world.address('x/b'))).toBe(true)
  expect(world.defects).toEqual([])
})

it('fails pods on a node where it never ran, and says on its way out that the network is down', async () => {
  const world = await ninePods('calico')
  const { api } = world.cluster
  const agent = () => api.list<any>('pods', { labelSelector: 'k8s-app=calico-node' }).find(({ spec }) => spec.nodeName === 'test-worker')
  const place = world.cluster.podPlace('kube-system', agent().metadata.name)
  const running = runProcess(place, ['/bin/calico-node', '-shutdown'], {})
  if ('problem' in running) throw new Error(running.problem)
  await world.pass(1000)
  expect(nodeCondition(world, 'NetworkUnavailable')).toMatchObject({
    status: 'True',
    reason: 'CalicoIsDown',
    message: 'Calico is shutting down on this node',
  })
  expect(api.get<any>('nodes', undefined, 'test-worker').spec.taints).toMatchObject([
    { key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' },
  ])
  api.delete('daemonsets.apps', 'kube-system', 'calico-node')
  await world.pass(60_000)
  expect(nodeCondition(world, 'Ready').status).toBe('True')
  world.cluster.nodePlace('test-worker')!.files.remove('/var/lib/calico/nodename')
  pinned(world, 'late', 'test-worker')
  await world.pass(2000)
  expect(failures(world, 'late')).toContain(
    'stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/',
  )
  install(world.cluster, calicoManifest('vxlan'))
  await world.pass(120_000)
  expect(nodeCondition(world, 'NetworkUnavailable')).toMatchObject({ status: 'False', reason: 'CalicoIsUp' })
  expect(api.get<any>('pods', 'x', 'late').status.phase).toBe('Running')
  expect(world.defects).toEqual([])
})
