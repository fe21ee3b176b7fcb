import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { ninePods, pods } from './testing/nine-pods.ts'

interface Case {
  name: string
  policies: Record<string, unknown>[]
  services?: { name: string; selector: Record<string, string> }[]
  deny?: string[]
  allow?: string[]
  invalid?: string
}

const cases = parse(readFileSync(new URL('../../../simulator/programs/cilium/testing/cases.yaml', import.meta.url), 'utf8')) as Case[]
const hosts = ['own', 'node', 'control-plane', 'outside', 'direct']

it(`passes ${cases.length} cases of Cilium's own policies with real connections`, async () => {
  const world = await ninePods('cilium')
  const { api, clock, network } = world.cluster
  const root = (machine: string) => network.machine(machine)!.root
  const nodeOf = (pod: string) => api.get<any>('pods', ...(pod.split('/') as [string, string])).spec.nodeName as string
  const other = (node: string) => (node === 'test-worker' ? 'test-worker2' : 'test-worker')
  const ports = new Map<string, number>()
  for (const pod of pods) {
    const [namespace = '', name = ''] = pod.split('/')
    const service = api.create<any>('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { type: 'NodePort', selector: { pod: name }, ports: [{ port: 80 }] },
    })
    ports.set(pod, service.spec.ports[0].nodePort)
  }
  for (const node of ['test-worker', 'test-worker2', 'test-control-plane']) root(node).sockets.listenTcp({ port: 80 }, () => ({}))
  await world.pass(1000)

  /** From whom, and whereto: pairs with a host at one end are asked for the pods of namespace x alone. */
  function* attempts() {
    for (const from of pods)
      for (const to of pods) if (from !== to) yield { from, to, by: world.netns(from), there: { address: world.address(to), port: 80 } }
    for (const pod of pods) {
      const node = nodeOf(pod)
      const there = { address: world.address(pod), port: 80 }
      yield { from: 'own', to: pod, by: root(node), there }
      yield { from: 'node', to: pod, by: root(other(node)), there }
      yield { from: 'control-plane', to: pod, by: root('test-control-plane'), there }
      const address = (name: string) => api.get<any>('nodes', undefined, name).status.addresses[0].address as string
      yield { from: 'outside', to: pod, by: root('workstation'), there: { address: address(other(node)), port: ports.get(pod)! } }
      yield { from: 'direct', to: pod, by: root('workstation'), there: { address: address(node), port: ports.get(pod)! } }
      yield { from: pod, to: 'own', by: world.netns(pod), there: { address: address(node), port: 80 } }
      yield { from: pod, to: 'node', by: world.netns(pod), there: { address: address(other(node)), port: 80 } }
      yield { from: pod, to: 'control-plane', by: world.netns(pod), there: { address: address('test-control-plane'), port: 80 } }
    }
  }

  const wrong: string[] = []
  for (const { name, policies, services = [], deny = [], allow = [], invalid } of cases) {
    for (const { name: service, selector } of services) {
      const spec = { selector, ports: [{ port: 80 }] }
      api.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: service, namespace: 'x' }, spec })
    }
    const made = policies.map(({ in: namespace = 'x', clusterwide = false, specs, ...spec }, index) => {
      const metadata = { name: `policy-${index}`, ...(clusterwide ? {} : { namespace: namespace as string }) }
      const kind = clusterwide ? 'CiliumClusterwideNetworkPolicy' : 'CiliumNetworkPolicy'
      const resource = clusterwide ? 'ciliumclusterwidenetworkpolicies.cilium.io' : 'ciliumnetworkpolicies.cilium.io'
      api.create(resource, { apiVersion: 'cilium.io/v2', kind, metadata, ...(specs ? { specs } : { spec }) })
      return { resource, metadata }
    })
    clock.settle()
    for (const { resource, metadata } of made) {
      const condition = api.get<any>(resource, metadata.namespace, metadata.name).status?.conditions?.[0]
      const wanted = invalid ? { status: 'False', message: invalid } : { status: 'True', message: 'Policy validation succeeded' }
      if (condition?.status !== wanted.status || condition?.message !== wanted.message) wrong.push(`${name}: ${JSON.stringify(condition)}`)
    }
    const open = new Set<string>()
    const all = [...attempts()]
    const sockets = all.map(({ from, to, by, there }) =>
      by.sockets.connectTcp(there, { connected: () => void open.add(`${from} > ${to}`) }),
    )
    clock.settle()
    for (const socket of sockets) socket.reset()
    for (const { from, to } of all) {
      const expected = !deny.some((pattern) => fits(pattern, from, to)) || allow.some((pattern) => fits(pattern, from, to))
      const actual = open.has(`${from} > ${to}`)
      if (actual !== expected) wrong.push(`${name}: ${from} > ${to} is ${actual ? 'open' : 'closed'}`)
    }
    for (const { resource, metadata } of made) api.delete(resource, metadata.namespace, metadata.name)
    for (const { name: service } of services) api.delete('services', 'x', service)
    clock.settle()
  }
  expect(wrong).toEqual([])
  expect(world.defects).toEqual([])
}, 120_000)

function fits(pattern: string, from: string, to: string): boolean {
  const [left = '', right = ''] = pattern.split(' > ')
  const one = (glob: string, name: string) => {
    if (glob === '*' || glob === name) return true
    if (hosts.includes(name) || !glob.includes('/')) return false
    const [namespace, pod] = glob.split('/')
    const [ownNamespace, own] = name.split('/')
    return (namespace === '*' || namespace === ownNamespace) && (pod === '*' || pod === own)
  }
  return one(left, from) && one(right, to)
}
