import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventLoop, HeldTime } from '../../clock.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { renderIptables } from '../../network/netfilter/render.ts'
import { createNetwork } from '../../network/network.ts'
import { Random } from '../../random.ts'
import { installBase } from './base-rules.ts'
import { IptablesProxier, serviceOf } from './iptables-proxier.ts'
import type { ServiceObject, SliceObject } from './service-ports.ts'

const node = 'here'

function proxier(services: Map<string, ServiceObject>, slices: Map<string, SliceObject>) {
  const clock = new EventLoop(new HeldTime(0), (error) => {
    throw error
  })
  const namespace = createNetwork({ clock, random: new Random(1) }).addMachine(node).root
  installBase(namespace.netfilter)
  const cache = {
    list: <T extends KubeObject>(resource: string) =>
      [...(resource === 'services' ? services : slices).values()] as unknown as readonly T[],
    find: <T extends KubeObject>(_resource: string, namespace: string | undefined, name: string) =>
      services.get(`${namespace}/${name}`) as unknown as T | undefined,
  }
  const made = new IptablesProxier({ cache, netfilter: namespace.netfilter, node, clusterCidr: '10.244.0.0/16' })
  /** What iptables-save prints, whatever the order in which Services came. */
  return { made, rules: () => renderIptables(namespace).split('\n').sort() }
}

const policy = fc.constantFrom('Cluster', 'Local')
const service = fc.record({
  kind: fc.constant('service' as const),
  name: fc.constantFrom('a', 'b', 'c'),
  spec: fc.option(
    fc.record({
      type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
      externalTrafficPolicy: policy,
      internalTrafficPolicy: policy,
      sessionAffinity: fc.constantFrom('None', 'ClientIP'),
      externalIPs: fc.constantFrom([], ['192.0.2.1']),
      address: fc.constantFrom(undefined, '198.51.100.7'),
      ranges: fc.constantFrom(undefined, ['203.0.113.0/24']),
    }),
    { nil: undefined },
  ),
})
const slice = fc.record({
  kind: fc.constant('slice' as const),
  name: fc.constantFrom('1', '2'),
  of: fc.constantFrom('a', 'b', 'c'),
  endpoints: fc.option(
    fc.array(
      fc.record({
        at: fc.integer({ min: 2, max: 5 }),
        ready: fc.boolean(),
        ending: fc.boolean(),
        nodeName: fc.constantFrom(node, 'there'),
        near: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    { nil: undefined },
  ),
})

function serviceObject({ name, spec }: { name: string; spec: any }): ServiceObject {
  const { address, ranges, ...fields } = spec
  const index = 'abc'.indexOf(name)
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'x' },
    spec: {
      ...fields,
      clusterIP: `10.96.0.${index + 10}`,
      ports: [
        { name: 'http', port: 80, nodePort: spec.type === 'ClusterIP' ? undefined : 30_000 + index },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
      ...(spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' && { healthCheckNodePort: 31_000 + index }),
      ...(ranges && { loadBalancerSourceRanges: ranges }),
    },
    ...(address && { status: { loadBalancer: { ingress: [{ ip: address }] } } }),
  }
}

function sliceObject({ name, of, endpoints }: { name: string; of: string; endpoints: any[] }): SliceObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'x', labels: { 'kubernetes.io/service-name': of } },
    addressType: 'IPv4',
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
    endpoints: endpoints.map(({ at, ready, ending, nodeName, near }) => ({
      addresses: [`10.244.1.${at}`],
      conditions: { ready: ready && !ending, serving: ready, terminating: ending },
      nodeName,
      ...(near && { hints: { forNodes: [{ name: nodeName }] } }),
    })),
  }
}

it('leaves by many small syncs what one full sync would write', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.oneof(service, slice), { maxLength: 4 }), { maxLength: 8 }), (batches) => {
      const services = new Map<string, ServiceObject>()
      const slices = new Map<string, SliceObject>()
      const small = proxier(services, slices)
      small.made.syncAll()
      for (const batch of batches) {
        const changed = new Set<string>()
        for (const change of batch) {
          if (change.kind === 'service') {
            if (change.spec) services.set(`x/${change.name}`, serviceObject(change))
            else services.delete(`x/${change.name}`)
            changed.add(`x/${change.name}`)
            continue
          }
          const before = slices.get(change.name)
          if (before) {
            small.made.drop(before)
            changed.add(serviceOf(before))
          }
          if (!change.endpoints) {
            slices.delete(change.name)
            continue
          }
          const now = sliceObject({ ...change, endpoints: change.endpoints })
          slices.set(change.name, now)
          small.made.keep(now)
          changed.add(serviceOf(now))
        }
        small.made.sync(changed)
      }
      const whole = proxier(services, slices)
      whole.made.syncAll()
      expect(small.rules()).toEqual(whole.rules())
    }),
    { numRuns: 300, seed: 7 },
  )
})
