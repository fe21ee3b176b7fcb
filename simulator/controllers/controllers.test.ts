import type { Endpoints, Service } from 'kubernetes-types/core/v1'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1'
import { expect, it } from 'vitest'
import type { KubeObject } from '../kubernetes.ts'
import { daemonsetController } from './daemonset.ts'
import { deploymentController } from './deployment/deployment.ts'
import { endpointsliceController } from './endpointslice/endpointslice.ts'
import { endpointsController } from './endpointslice/legacy-endpoints.ts'
import { garbageCollector } from './garbage-collector.ts'
import { namespaceController } from './namespace.ts'
import { nodeIpamController } from './node-ipam.ts'
import { nodeLifecycleController, taintEvictionController } from './node-lifecycle.ts'
import { replicasetController } from './replicaset.ts'
import { scheduler } from './scheduler/scheduler.ts'
import { rootCertificatePublisher, serviceAccountController } from './serviceaccounts.ts'
import { statefulsetController } from './statefulset.ts'
import { controllerBench, deployment, node } from './testing.ts'

const daemonset = (tolerations: unknown[] = []): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent', namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    template: { metadata: { labels: { app: 'agent' } }, spec: { tolerations, containers: [{ name: 'agent', image: 'agent:1' }] } },
  },
})

it('puts a daemon pod on every node that takes it, and replaces them one by one', () => {
  const bench = controllerBench([daemonsetController, scheduler])
  const { api } = bench
  api.create('nodes', node('a'))
  api.create('nodes', node('b'))
  api.create('nodes', node('c', { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] }))
  api.create('daemonsets.apps', daemonset())
  bench.settle()
  bench.runPods()
  expect(
    bench
      .pods()
      .map((pod) => pod.spec?.nodeName)
      .sort(),
  ).toEqual(['a', 'b'])
  expect(api.get<KubeObject>('daemonsets.apps', 'default', 'agent')['status']).toMatchObject({
    desiredNumberScheduled: 2,
    numberReady: 2,
    numberAvailable: 2,
  })
  api.create('nodes', node('d'))
  bench.settle()
  expect(
    bench
      .pods()
      .map((pod) => pod.spec?.nodeName)
      .sort(),
  ).toEqual(['a', 'b', 'd'])
  bench.runPods()

  const set = api.get<KubeObject>('daemonsets.apps', 'default', 'agent') as any
  const template = { ...set.spec.template, spec: { ...set.spec.template.spec, containers: [{ name: 'agent', image: 'agent:2' }] } }
  api.update('daemonsets.apps', { ...set, spec: { ...set.spec, template } })
  bench.settle()
  const going = () => bench.pods().filter((pod) => pod.metadata?.deletionTimestamp).length
  for (let step = 0; step < 8; step++) {
    expect(going()).toBeLessThanOrEqual(1)
    bench.runPods()
  }
  expect(bench.pods().every((pod) => pod.spec?.containers[0]?.image === 'agent:2')).toBe(true)
  expect(bench.defects).toEqual([])
})

it('says in upstream words why a pod cannot be placed, and places it when that changes', () => {
  const bench = controllerBench([scheduler])
  const { api } = bench
  api.create('nodes', node('a', { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] }))
  api.create('nodes', node('b', { cpu: '1' }))
  const container = { name: 'main', image: 'x', resources: { requests: { cpu: '2' } } }
  api.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'big', namespace: 'default' }, spec: { containers: [container] } })
  bench.settle()
  const [pod] = bench.pods()
  expect(pod?.status?.conditions?.[0]?.message).toBe(
    '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  )
  api.create('nodes', node('c', { cpu: '3' }))
  bench.settle()
  expect(bench.pods()[0]?.spec?.nodeName).toBe('c')

  // What an empty node could take is refused for the pods that are there: upstream then looks for victims of preemption.
  api.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'late', namespace: 'default' }, spec: { containers: [container] } })
  bench.settle()
  const late = bench.pods().find((pod) => pod.metadata?.name === 'late')
  expect(late?.status?.conditions?.[0]?.message).toBe(
    '0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
  )
})

it('spreads the pods of one controller over the nodes', () => {
  const bench = controllerBench([deploymentController, replicasetController, scheduler])
  for (const name of ['a', 'b', 'c']) bench.api.create('nodes', node(name))
  bench.api.create('deployments.apps', deployment('web', { replicas: 6 }))
  bench.settle()
  const counts = new Map<string, number>()
  for (const { spec } of bench.pods()) counts.set(spec?.nodeName ?? '', (counts.get(spec?.nodeName ?? '') ?? 0) + 1)
  expect([...counts.values()]).toEqual([2, 2, 2])
})

const service = (spec: Record<string, unknown>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec,
})

it('keeps slices and endpoints in step with ready pods', () => {
  const bench = controllerBench([
    deploymentController,
    replicasetController,
    endpointsliceController,
    endpointsController,
    garbageCollector,
  ])
  const { api } = bench
  api.create('services', service({ selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] }))
  bench.settle()
  const slices = () => api.list<EndpointSlice & KubeObject>('endpointslices.discovery.k8s.io', { namespace: 'default' })
  expect(slices()).toHaveLength(1)
  api.create('deployments.apps', deployment('web'))
  bench.settle()
  bench.runPods((pod) => pod.metadata?.name !== bench.pods()[0]?.metadata?.name)
  expect(slices()[0]?.ports).toEqual([{ name: '', port: 8080, protocol: 'TCP' }])
  expect(
    slices()[0]
      ?.endpoints?.map(({ conditions }) => conditions?.ready)
      .sort(),
  ).toEqual([false, true, true])
  const endpoints = () => api.get<Endpoints & KubeObject>('endpoints', 'default', 'web')
  expect(endpoints().subsets?.[0]?.addresses).toHaveLength(2)
  expect(endpoints().subsets?.[0]?.notReadyAddresses).toHaveLength(1)

  const changed = api.get<Service & KubeObject>('services', 'default', 'web')
  api.update('services', { ...changed, spec: { ...changed.spec, selector: { app: 'other' } } })
  bench.settle()
  expect(slices().flatMap((slice) => slice.endpoints ?? [])).toEqual([])
  api.delete('services', 'default', 'web')
  bench.settle()
  expect(slices()).toEqual([])
  expect(api.find('endpoints', 'default', 'web')).toBeUndefined()
})

it('leaves the slices of a Service that lost its selector, and of one that waits for a finalizer', () => {
  const bench = controllerBench([deploymentController, replicasetController, endpointsliceController, garbageCollector])
  const { api } = bench
  api.create('services', service({ selector: { app: 'web' }, ports: [{ port: 80 }] }))
  api.create('deployments.apps', deployment('web'))
  bench.settle()
  bench.runPods()
  const endpoints = () =>
    api
      .list<EndpointSlice & KubeObject>('endpointslices.discovery.k8s.io', { namespace: 'default' })
      .flatMap((slice) => slice.endpoints ?? [])
  expect(endpoints()).toHaveLength(3)
  api.patch('services', 'default', 'web', { metadata: { finalizers: ['example.com/hold'] }, spec: { selector: null } }, { type: 'merge' })
  bench.settle()
  expect(endpoints()).toHaveLength(3)
  api.delete('services', 'default', 'web')
  bench.settle()
  expect(endpoints()).toHaveLength(3)
  api.patch('services', 'default', 'web', { metadata: { finalizers: null } }, { type: 'merge' })
  bench.settle()
  expect(endpoints()).toEqual([])
})

it('marks endpoints for their node where a Service prefers it', () => {
  const bench = controllerBench([deploymentController, replicasetController, endpointsliceController, scheduler])
  bench.api.create('nodes', node('a'))
  bench.api.create('services', service({ selector: { app: 'web' }, ports: [{ port: 80 }], trafficDistribution: 'PreferSameNode' }))
  bench.api.create('deployments.apps', deployment('web', { replicas: 1 }))
  bench.settle()
  bench.runPods()
  const [slice] = bench.api.list<any>('endpointslices.discovery.k8s.io', { namespace: 'default' })
  expect(slice.endpoints[0].hints).toEqual({ forNodes: [{ name: 'a' }] })
})

it('resolves a named targetPort on each pod', () => {
  const bench = controllerBench([endpointsliceController])
  const pod = (name: string, port: number): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: { containers: [{ name: 'main', image: 'x', ports: [{ name: 'http', containerPort: port }] }] },
  })
  bench.api.create('pods', pod('one', 8080))
  bench.api.create('pods', pod('two', 9090))
  bench.api.create('services', service({ selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] }))
  bench.settle()
  bench.runPods()
  const slices = bench.api.list<EndpointSlice & KubeObject>('endpointslices.discovery.k8s.io')
  expect(slices.flatMap(({ ports }) => ports?.map(({ port }) => port) ?? []).sort()).toEqual([8080, 9090])
})

it('deletes what nobody owns any more', () => {
  const bench = controllerBench([deploymentController, replicasetController, garbageCollector])
  bench.api.create('deployments.apps', deployment('web'))
  bench.settle()
  bench.api.delete('deployments.apps', 'default', 'web', { propagationPolicy: 'Background' })
  bench.settle()
  bench.runPods()
  expect(bench.api.list('replicasets.apps')).toEqual([])
  expect(bench.pods()).toEqual([])
})

it('deletes dependants first in the foreground, and lets them go as orphans', () => {
  const bench = controllerBench([deploymentController, replicasetController, garbageCollector])
  bench.api.create('deployments.apps', deployment('web'))
  bench.api.create('deployments.apps', deployment('kept'))
  bench.settle()
  bench.api.delete('deployments.apps', 'default', 'web', { propagationPolicy: 'Foreground' })
  bench.api.delete('deployments.apps', 'default', 'kept', { propagationPolicy: 'Orphan' })
  bench.settle()
  for (let step = 0; step < 4; step++) bench.runPods()
  expect(bench.api.find('deployments.apps', 'default', 'web')).toBeUndefined()
  expect(bench.api.find('deployments.apps', 'default', 'kept')).toBeUndefined()
  expect(bench.pods().every((pod) => pod.metadata?.labels?.['app'] === 'kept')).toBe(true)
  expect(bench.pods()).toHaveLength(3)
  // A defect would be a crash of the whole controller manager.
  expect(bench.defects).toEqual([])
})

it('empties a namespace before it goes', () => {
  const bench = controllerBench([namespaceController, serviceAccountController, rootCertificatePublisher, garbageCollector])
  const { api } = bench
  api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
  bench.settle()
  expect(api.find('serviceaccounts', 'shop', 'default')).toBeDefined()
  expect(api.get<KubeObject>('configmaps', 'shop', 'kube-root-ca.crt')['data']).toEqual({ 'ca.crt': 'certificate' })
  api.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'held', namespace: 'shop', finalizers: ['test/hold'] },
  })
  api.delete('namespaces', undefined, 'shop')
  bench.settle()
  const stuck = api.get<KubeObject>('namespaces', undefined, 'shop') as any
  expect(stuck.status.phase).toBe('Terminating')
  expect(stuck.status.conditions.find(({ type }: { type: string }) => type === 'NamespaceFinalizersRemaining').message).toBe(
    'Some content in the namespace has finalizers remaining: test/hold in 1 resource instances',
  )
  const held = api.get<KubeObject>('configmaps', 'shop', 'held')
  api.update('configmaps', { ...held, metadata: { ...held.metadata, finalizers: [] } })
  bench.settle()
  expect(api.find('namespaces', undefined, 'shop')).toBeUndefined()
  expect(bench.defects).toEqual([])
})

it('gives each node its own pod CIDR', () => {
  const bench = controllerBench([nodeIpamController])
  for (const name of ['a', 'b', 'c']) bench.api.create('nodes', node(name))
  bench.settle()
  const cidrs = bench.api.list<any>('nodes').map(({ spec }) => spec.podCIDR)
  expect(cidrs.sort()).toEqual(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24'])
})

it('taints a node that is not ready, and evicts after the toleration', () => {
  const bench = controllerBench([nodeLifecycleController, taintEvictionController, scheduler])
  bench.api.create('nodes', node('a'))
  bench.api.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'x' }] },
  })
  bench.settle()
  bench.runPods()
  const current = bench.api.get<any>('nodes', undefined, 'a')
  bench.api.updateStatus('nodes', {
    ...current,
    status: { ...current.status, conditions: [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady' }] },
  })
  bench.settle()
  expect(bench.api.get<any>('nodes', undefined, 'a').spec.taints).toMatchObject([
    { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
  ])
  // Its kubelet speaks, so it goes on speaking for the pods too.
  expect(bench.pods()[0]?.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True' })
  bench.time.advance(299_000)
  expect(bench.pods()[0]?.metadata?.deletionTimestamp).toBeUndefined()
  bench.time.advance(2000)
  expect(bench.pods()[0]?.metadata?.deletionTimestamp).toBeDefined()
})

it('brings a StatefulSet up in order, with stable names', () => {
  const bench = controllerBench([statefulsetController])
  bench.api.create('statefulsets.apps', {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'default' },
    spec: {
      serviceName: 'db',
      replicas: 3,
      selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'main', image: 'x' }] } },
    },
  })
  bench.settle()
  expect(bench.pods().map(({ metadata }) => metadata?.name)).toEqual(['db-0'])
  bench.runPods()
  bench.runPods()
  bench.runPods()
  expect(bench.pods().map(({ metadata, spec }) => [metadata?.name, spec?.hostname, spec?.subdomain])).toEqual([
    ['db-0', 'db-0', 'db'],
    ['db-1', 'db-1', 'db'],
    ['db-2', 'db-2', 'db'],
  ])
  bench.api.delete('pods', 'default', 'db-1', { gracePeriodSeconds: 0 })
  bench.settle()
  expect(bench.pods().map(({ metadata }) => metadata?.name)).toContain('db-1')
})
