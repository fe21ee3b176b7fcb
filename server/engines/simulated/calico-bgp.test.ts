import { expect, it } from 'vitest'
import { calicoManifest } from '../../../simulator/bootstrap/calico.ts'
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
