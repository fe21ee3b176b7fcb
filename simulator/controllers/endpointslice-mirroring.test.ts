import type { EndpointSlice } from 'kubernetes-types/discovery/v1'
import { expect, it } from 'vitest'
import type { KubeObject } from '../kubernetes.ts'
import { endpointsliceMirroringController, mirrored } from './endpointslice-mirroring.ts'
import { controllerBench } from './testing.ts'

const service = (spec: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'db', namespace: 'default' },
  spec: { ports: [{ port: 5432 }], ...spec },
})
const endpoints = (subsets: unknown[], metadata: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name: 'db', namespace: 'default', ...metadata },
  subsets,
})
const subset = (ips: string[], port = 5432) => ({ addresses: ips.map((ip) => ({ ip })), ports: [{ port }] })

function run(...objects: [string, KubeObject][]) {
  const bench = controllerBench([endpointsliceMirroringController])
  for (const [resource, object] of objects) bench.api.create(resource, object)
  bench.settle()
  const slices = () => bench.api.list<EndpointSlice & KubeObject>('endpointslices.discovery.k8s.io', { namespace: 'default' })
  return { ...bench, slices }
}

it('mirrors Endpoints of a Service without a selector, and follows them', () => {
  const object = endpoints([subset(['192.0.2.1'])], { labels: { tier: 'data' }, annotations: { note: 'x' } })
  const bench = run(['services', service()], ['endpoints', object])
  const [slice] = bench.slices()
  expect(slice).toMatchObject({
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
    ports: [{ name: '', port: 5432, protocol: 'TCP' }],
  })
  expect(slice?.metadata).toMatchObject({
    labels: {
      tier: 'data',
      'kubernetes.io/service-name': 'db',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    },
    annotations: { note: 'x' },
    ownerReferences: [{ kind: 'Endpoints', name: 'db', controller: true }],
  })
  const current = bench.api.get<KubeObject>('endpoints', 'default', 'db')
  bench.api.update('endpoints', { ...current, subsets: [subset(['192.0.2.1', '192.0.2.2'])] })
  bench.settle()
  expect(bench.slices()).toHaveLength(1)
  expect(bench.slices()[0]?.metadata?.name).toBe(slice?.metadata?.name)
  expect(bench.slices()[0]?.endpoints).toHaveLength(2)
  bench.api.delete('endpoints', 'default', 'db')
  bench.settle()
  expect(bench.slices()).toEqual([])
  expect(bench.defects).toEqual([])
})

it.each([
  ['a Service with a selector', service({ selector: { app: 'db' } }), {}],
  ['a mark to skip', service(), { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }],
  ['a leader election', service(), { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }],
])('does not mirror with %s', (_what, object, metadata) => {
  expect(run(['services', object], ['endpoints', endpoints([subset(['192.0.2.1'])], metadata)]).slices()).toEqual([])
})

it('waits for the Service, and lets go when it gets a selector', () => {
  const bench = run(['endpoints', endpoints([subset(['192.0.2.1'])])])
  expect(bench.slices()).toEqual([])
  const made = bench.api.create('services', service())
  bench.settle()
  expect(bench.slices()).toHaveLength(1)
  bench.api.update('services', { ...made, spec: { ...(made.spec as object), selector: { app: 'db' } } })
  bench.settle()
  expect(bench.slices()).toEqual([])
})

it('makes one slice for each subset and family, and marks what is not ready', () => {
  const object = endpoints([
    { ...subset(['192.0.2.1', '2001:db8::1']), notReadyAddresses: [{ ip: '192.0.2.9', nodeName: 'a' }] },
    subset(['192.0.2.1'], 8080),
  ])
  expect(
    mirrored(object as Parameters<typeof mirrored>[0]).map(({ addressType, endpoints: all, ports }) => [
      addressType,
      ports[0]?.port,
      all.map((one) => [one.addresses[0], one.conditions?.ready]),
    ]),
  ).toEqual([
    [
      'IPv4',
      5432,
      [
        ['192.0.2.1', true],
        ['192.0.2.9', false],
      ],
    ],
    ['IPv6', 5432, [['2001:db8::1', true]]],
    ['IPv4', 8080, [['192.0.2.1', true]]],
  ])
})
