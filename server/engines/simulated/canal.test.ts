import { expect, it } from 'vitest'
import { canal } from '../../../simulator/bootstrap/canal.ts'
import { ninePods, pods } from './testing/nine-pods.ts'

it("carries packets over Flannel's tunnel, and Calico's engine keeps the policies", async () => {
  const world = await ninePods(canal())
  const { api } = world.cluster
  const [agent] = api.list<any>('pods', { labelSelector: 'k8s-app=canal' })
  expect(agent.status.containerStatuses.map(({ name, ready }: any) => [name, ready])).toEqual([
    ['calico-node', true],
    ['kube-flannel', true],
  ])
  const node = api.get<any>('nodes', undefined, 'test-worker')
  // Addresses come out of the node's own range, and reach other nodes by flannel.1; Calico says nothing of the node's network.
  expect(world.address('x/a')).toMatch(new RegExp(`^${node.spec.podCIDR.replace(/\.0\/24$/, '')}\\.`))
  const root = world.cluster.network.machine('test-worker')!.root
  expect(root.links().map(({ name }) => name)).toEqual(expect.arrayContaining(['flannel.1']))
  expect(root.links().filter(({ name }) => /^cali/.test(name)).length).toBeGreaterThan(0)
  expect(root.links().some(({ name }) => name === 'cni0' || name === 'vxlan.calico')).toBe(false)
  expect(node.status.conditions.find(({ type }: any) => type === 'NetworkUnavailable')).toBeUndefined()
  expect(world.open(80, 'TCP').size).toBe(pods.length ** 2)
  world.apply({
    policies: [{ podSelector: { matchLabels: { pod: 'a' } }, ingress: [{ from: [{ podSelector: { matchLabels: { pod: 'b' } } }] }] }],
  })
  const open = world.open(80, 'TCP')
  // Everybody to everybody, but to x/a only x/b, and x/a to itself.
  expect(pods.filter((pod) => open.has(`${pod} > x/a`))).toEqual(['x/a', 'x/b'])
  expect(open.size).toBe(pods.length ** 2 - 7)
  expect(world.defects).toEqual([])
})
