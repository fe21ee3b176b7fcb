import { expect, it } from 'vitest'
import { calicoManifest } from '../../../simulator/bootstrap/calico.ts'
import { readProtocols } from '../../../simulator/programs/calico/bird/control.ts'
import { heldCluster } from './testing/held-cluster.ts'
import { ninePods, pods } from './testing/nine-pods.ts'

type World = Awaited<ReturnType<typeof ninePods>>
const group = 'crd.projectcalico.org'
const machine = ({ cluster }: World, name = 'test-worker') => cluster.network.machine(name)!.root
const birdRoutes = (world: World, name?: string) =>
  machine(world, name)
    .routing.routes.filter(({ protocol }) => protocol === 'bird')
    .map(({ type, via, dev }) => (type === 'blackhole' ? type : `via ${via} dev ${dev}`))
    .sort()
const agents = ({ cluster }: World) => cluster.api.list<any>('pods', { labelSelector: 'k8s-app=calico-node' })
const ready = (world: World) => agents(world).map(({ status }) => status.conditions.find(({ type }: any) => type === 'Ready')?.status)

it('goes by IPIP along routes that nodes told each other', async () => {
  const world = await ninePods(calicoManifest('bird'))
  expect(ready(world)).toEqual(['True', 'True', 'True'])
  expect(birdRoutes(world)).toEqual(['blackhole', 'via 172.18.0.2 dev tunl0', 'via 172.18.0.4 dev tunl0'])
  expect(machine(world).link('tunl0')).toMatchObject({ mtu: 1480, up: true, addresses: [{ length: 32 }] })
  expect(machine(world).link('vxlan.calico')).toBeUndefined()
  expect(world.netns('x/a').link('eth0')?.mtu).toBe(1480)
  expect(world.open(80, 'TCP').size).toBe(pods.length ** 2)
  const hops = world.cluster.network.trace(() => {
    world.netns('x/a').sockets.connectTcp({ address: world.address('x/b'), port: 80 }, {})
  })
  expect(hops.find(({ stage }) => stage === 'encapsulate')?.detail).toMatch(/^ipip to 172\.18\.0\.4/)
  expect(world.defects).toEqual([])
})

it('goes straight within a subnet, and as the pool says when that changes', async () => {
  const world = await ninePods(calicoManifest('bird'))
  const { api, clock } = world.cluster
  const pool = (spec: object) => {
    api.patch(`ippools.${group}`, undefined, 'default-ipv4-ippool', { spec }, { type: 'merge' })
    clock.settle()
  }
  pool({ ipipMode: 'CrossSubnet' })
  expect(birdRoutes(world)).toEqual(['blackhole', 'via 172.18.0.2 dev eth0', 'via 172.18.0.4 dev eth0'])
  expect(world.open(80, 'TCP').size).toBe(pods.length ** 2)
  pool({ ipipMode: 'Always', disableBGPExport: true })
  expect(birdRoutes(world)).toEqual(['blackhole'])
  expect(world.open(80, 'TCP').has('x/a > x/b')).toBe(false)
  pool({ disableBGPExport: false })
  expect(world.open(80, 'TCP').size).toBe(pods.length ** 2)
  expect(world.defects).toEqual([])
})

it('has no routes without the mesh, and tries peers that do not answer', async () => {
  const world = await ninePods(calicoManifest('bird'))
  const { api } = world.cluster
  const create = (kind: string, resource: string, name: string, spec: object) =>
    api.create(`${resource}.${group}`, { apiVersion: `${group}/v1`, kind, metadata: { name }, spec })
  create('BGPConfiguration', 'bgpconfigurations', 'default', { nodeToNodeMeshEnabled: false })
  await world.pass(20_000)
  expect(birdRoutes(world)).toEqual(['blackhole'])
  expect(world.open(80, 'TCP').has('x/a > x/b')).toBe(false)
  expect(ready(world)).toEqual(['True', 'True', 'True'])
  create('BGPPeer', 'bgppeers', 'router', { peerIP: '172.18.0.1', asNumber: 64512 })
  create('BGPPeer', 'bgppeers', 'neighbour', { peerIP: '172.18.0.4', asNumber: 64512, node: 'test-worker' })
  create('BGPPeer', 'bgppeers', 'back', { peerIP: '172.18.0.3', asNumber: 64512, nodeSelector: "kubernetes.io/hostname == 'test-worker2'" })
  await world.pass(20_000)
  const status = readProtocols(world.cluster.nodePlace('test-worker')!.files)
  expect(status?.map(({ name, info }) => `${name} ${info}`)).toEqual([
    'Global_172_18_0_1 Active Socket: Connection refused',
    'Node_172_18_0_4 Established',
  ])
  expect(birdRoutes(world)).toEqual(['blackhole', 'via 172.18.0.4 dev tunl0'])
  expect(world.open(80, 'TCP').has('x/a > x/b')).toBe(true)
  expect(() => create('BGPPeer', 'bgppeers', 'all', { peerSelector: 'all()' })).toThrow(
    'spec.peerSelector: Invalid value: "string": the simulated Calico does not model it',
  )
  create('BGPPeer', 'bgppeers', 'odd', { peerIP: '172.18.0.9:1790', asNumber: 64512 })
  api.patch(
    'nodes',
    undefined,
    'test-worker2',
    { metadata: { annotations: { 'projectcalico.org/RouteReflectorClusterID': '1.0.0.1' } } },
    { type: 'merge' },
  )
  await world.pass(1000)
  const pod = agents(world).find(({ spec }) => spec.nodeName === 'test-worker').metadata.name
  const url = `https://x/api/v1/namespaces/kube-system/pods/${pod}/log`
  const log = await (await world.cluster.server.fetch(new Request(url, { headers: { authorization: 'Bearer p' } }))).text()
  expect(log).toContain('bird: the simulated BIRD does not model peers with a port or of IPv6, as 172.18.0.9:1790\n')
  expect(log).toContain('bird: the simulated BIRD does not model route reflectors; test-worker2 is part of the mesh as other nodes are\n')
  expect(() => create('BGPFilter', 'bgpfilters', 'f', {})).toThrow('the simulated Calico does not model BGP filters')
  expect(world.defects).toEqual([])
})

it('keeps its routes while it is gone, and tells a probe whom it does not hear', async () => {
  const world = await ninePods(calicoManifest('bird'))
  const { api } = world.cluster
  const worker2 = machine(world, 'test-worker2')
  const dropped = (side: 'sport' | 'dport') => ({
    protocol: 'tcp' as const,
    matches: [{ match: 'tcp' as const, [side]: '179' }],
    target: { target: 'DROP' as const },
  })
  worker2.netfilter.setRules('mangle', 'INPUT', [dropped('sport'), dropped('dport')])
  const gone = agents(world).find(({ spec }) => spec.nodeName === 'test-worker2').metadata.name
  api.delete('pods', 'kube-system', gone, { gracePeriodSeconds: 0 })
  await world.pass(60_000)
  expect(birdRoutes(world)).toHaveLength(3)
  const open = () => world.open(80, 'TCP').has('x/a > x/b')
  expect(open()).toBe(true)
  const name = agents(world).find(({ spec }) => spec.nodeName === 'test-worker2').metadata.name
  const probes = api
    .list<any>('events', { namespace: 'kube-system' })
    .filter(({ involvedObject, reason }) => involvedObject.name === name && reason === 'Unhealthy')
  expect(probes.map(({ message }) => message.trim())).toContain(
    'Readiness probe failed: calico/node is not ready: BIRD is not ready: BGP not established with 172.18.0.2,172.18.0.3',
  )
  await world.pass(120_000)
  expect(birdRoutes(world)).toEqual(['blackhole', 'via 172.18.0.2 dev tunl0'])
  expect(open()).toBe(false)
  worker2.netfilter.setRules('mangle', 'INPUT', [])
  await world.pass(180_000)
  expect(open()).toBe(true)
  expect(ready(world)).toEqual(['True', 'True', 'True'])
  api.delete('daemonsets.apps', 'kube-system', 'calico-node')
  await world.pass(300_000)
  expect(agents(world)).toEqual([])
  expect(birdRoutes(world)).toHaveLength(3)
  expect(open()).toBe(true)
  expect(world.defects).toEqual([])
})

it('goes on after a restore with its sessions', async () => {
  const world = await ninePods(calicoManifest('bird'))
  const snapshot = world.cluster.snapshot()
  const { cluster: copy, defects, pass } = heldCluster(snapshot.spec, snapshot)
  const status = () => readProtocols(copy.nodePlace('test-worker')!.files)?.map(({ name, info }) => `${name} ${info}`)
  expect(status()).toEqual(['Mesh_172_18_0_2 Established', 'Mesh_172_18_0_4 Established'])
  copy.api.patch(`ippools.${group}`, undefined, 'default-ipv4-ippool', { spec: { disableBGPExport: true } }, { type: 'merge' })
  copy.clock.settle()
  const routes = () => copy.network.machine('test-worker')!.root.routing.routes.filter(({ protocol }) => protocol === 'bird')
  expect(routes()).toHaveLength(1)
  await pass(60_000)
  expect(status()).toEqual(['Mesh_172_18_0_2 Established', 'Mesh_172_18_0_4 Established'])
  expect(defects).toEqual([])
})
