import { expect, it } from 'vitest'
import type { KubeObject } from '../../kubernetes.ts'
import type { PodObject } from '../pods.ts'
import { controllerBench, node } from '../testing.ts'
import { scheduler } from './scheduler.ts'

function cluster(...nodes: KubeObject[]) {
  const bench = controllerBench([scheduler])
  for (const one of nodes) bench.api.create('nodes', one)
  for (const [name, value] of Object.entries({ low: 10, middle: 100, high: 1000 })) {
    bench.api.create('priorityclasses.scheduling.k8s.io', {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
    } as KubeObject)
  }
  bench.api.create('priorityclasses.scheduling.k8s.io', {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'polite' },
    value: 5000,
    preemptionPolicy: 'Never',
  } as KubeObject)
  const run = (
    name: string,
    cpu: string,
    spec: Partial<NonNullable<PodObject['spec']>> = {},
    labels: Record<string, string> = {},
    namespace = 'default',
  ) => {
    bench.api.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels },
      spec: { containers: [{ name: 'main', image: 'x', resources: { requests: { cpu } } }], ...spec },
    } as KubeObject)
    bench.settle()
  }
  const pod = (name: string) => bench.api.find<PodObject>('pods', 'default', name)
  const message = (name: string) => pod(name)?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message
  const events = () =>
    bench.api
      .list<any>('events', { namespace: 'default' })
      .map(({ reason, message, involvedObject }) => [reason, involvedObject.name, message])
  /** What kubelets do with pods that are being deleted. */
  const endDeleted = () => {
    for (const { metadata } of bench.pods()) {
      if (metadata?.deletionTimestamp) bench.api.delete('pods', 'default', metadata.name!, { gracePeriodSeconds: 0 })
    }
    bench.settle()
  }
  return { ...bench, run, pod, message, events, endDeleted }
}

it('preempts the less important pods of the node that loses least, and goes there when they have ended', () => {
  const { run, pod, message, events, endDeleted } = cluster(node('a', { cpu: '2' }), node('b', { cpu: '2' }))
  run('on-a', '2', { priorityClassName: 'middle', nodeSelector: { 'kubernetes.io/hostname': 'a' } })
  run('on-b-1', '1', { priorityClassName: 'low' })
  run('on-b-2', '1', { priorityClassName: 'low' })
  run('important', '1', { priorityClassName: 'high' })
  expect(message('important')).toBe('0/2 nodes are available: 2 Insufficient cpu.')
  expect(pod('important')?.status?.nominatedNodeName).toBe('b')
  const victims = ['on-b-1', 'on-b-2'].filter((name) => pod(name)?.metadata?.deletionTimestamp)
  expect(victims).toHaveLength(1)
  expect(pod('on-a')?.metadata?.deletionTimestamp).toBeUndefined()
  expect(pod(victims[0]!)?.status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'DisruptionTarget',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    }),
  )
  expect(events()).toContainEqual(['Preempted', victims[0], `Preempted by pod ${pod('important')?.metadata?.uid} on node b`])
  endDeleted()
  expect(pod('important')?.spec?.nodeName).toBe('b')
})

it('keeps the room that was made from pods that are less important', () => {
  const { run, pod, endDeleted } = cluster(node('a', { cpu: '1' }))
  run('first', '1', { priorityClassName: 'low' })
  run('important', '1', { priorityClassName: 'high' })
  run('upstart', '1', { priorityClassName: 'middle' })
  expect(pod('upstart')?.spec?.nodeName).toBeUndefined()
  endDeleted()
  expect(pod('important')?.spec?.nodeName).toBe('a')
  expect(pod('upstart')?.spec?.nodeName).toBeUndefined()
})

it('spares what a PodDisruptionBudget protects where there is another way', () => {
  const { api, run, pod } = cluster(node('a', { cpu: '1' }), node('b', { cpu: '1' }))
  run('guarded', '1', { priorityClassName: 'low' }, { app: 'guarded' })
  run('free', '1', { priorityClassName: 'middle' })
  api.create('poddisruptionbudgets.policy', {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'guard', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } },
  } as KubeObject)
  run('important', '1', { priorityClassName: 'high' })
  expect(pod('free')?.metadata?.deletionTimestamp).toBeDefined()
  expect(pod('guarded')?.metadata?.deletionTimestamp).toBeUndefined()
})

it('says why there is no preemption', () => {
  const { run, message } = cluster(
    node('a', { cpu: '2' }),
    node('b', { cpu: '1', taints: [{ key: 'gpu', value: 'only', effect: 'NoSchedule' }] }),
  )
  run('peer', '1', { priorityClassName: 'high' })
  run('small', '1', { priorityClassName: 'low' })
  run('polite', '1', { priorityClassName: 'polite' })
  const found =
    '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {gpu: only}. no new claims to deallocate, preemption: '
  expect(message('polite')).toBe(`${found}not eligible due to preemptionPolicy=Never.`)
  run('large', '2', { priorityClassName: 'high' })
  expect(message('large')).toBe(`${found}0/2 nodes are available: 1 Insufficient cpu, 1 Preemption is not helpful for scheduling.`)
  run('equal', '1', { priorityClassName: 'low' })
  expect(message('equal')).toBe(
    `${found}0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.`,
  )
})

const port = [{ name: 'main', image: 'x', ports: [{ containerPort: 80, hostPort: 8080 }] }]
const term = (labels: Record<string, string>) => ({
  requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: labels }, topologyKey: 'zone' }],
})
const spread = (more = {}) => [
  { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'web' } }, ...more },
]

it.each<[string, Partial<NonNullable<PodObject['spec']>>, string]>([
  [
    'a host port that is taken',
    { containers: port },
    "1 node(s) didn't have free ports for the requested pod ports, 2 node(s) were unschedulable",
  ],
  [
    'a node selector',
    { nodeSelector: { disk: 'ssd' } },
    "1 node(s) didn't match Pod's node affinity/selector, 2 node(s) were unschedulable",
  ],
  [
    'pod affinity',
    { affinity: { podAffinity: term({ app: 'nobody' }) } },
    "1 node(s) didn't match pod affinity rules, 2 node(s) were unschedulable",
  ],
  [
    'pod anti-affinity',
    { affinity: { podAntiAffinity: term({ app: 'web' }) } },
    "1 node(s) didn't match pod anti-affinity rules, 2 node(s) were unschedulable",
  ],
  [
    'a spread without its label',
    { topologySpreadConstraints: spread({ topologyKey: 'rack' }) },
    "1 node(s) didn't match pod topology spread constraints (missing required label), 2 node(s) were unschedulable",
  ],
  [
    'a spread',
    { topologySpreadConstraints: spread({ nodeAffinityPolicy: 'Ignore' }) },
    "1 node(s) didn't match pod topology spread constraints, 2 node(s) were unschedulable",
  ],
  [
    'a node by name',
    {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }],
          },
        },
      },
    },
    "1 node(s) didn't satisfy plugin(s) [NodeAffinity], 2 node(s) were unschedulable",
  ],
])('refuses %s in upstream words', (_, spec, why) => {
  const { api, run, message, settle } = cluster(
    node('a', { labels: { zone: 'one' } }),
    node('b', { labels: { zone: 'two' } }),
    node('c', { labels: { zone: 'two' } }),
  )
  run('there', '1', { containers: port, nodeSelector: { zone: 'one' } }, { app: 'web' })
  for (const name of ['b', 'c']) {
    const found = api.get<KubeObject>('nodes', undefined, name)
    api.update('nodes', { ...found, spec: { unschedulable: true } })
  }
  settle()
  run('late', '1', spec, { app: 'web' })
  expect(message('late')?.split('. no new')[0]).toBe(`0/3 nodes are available: ${why}`)
})

it('reads anti-affinity over namespaces by their labels', () => {
  const { api, run, message } = cluster(node('a', { labels: { zone: 'one' } }))
  api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', labels: { team: 'other' } } })
  api.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'other' } })
  run('there', '1', {}, { app: 'web' }, 'other')
  const apart = (namespaceSelector: object) => ({
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'zone', namespaceSelector },
      ],
    },
  })
  run('near', '1', { affinity: apart({ matchLabels: { team: 'nobody' } }) })
  expect(message('near')).toBeUndefined()
  run('far', '1', { affinity: apart({}) })
  expect(message('far')).toMatch(/^0\/1 nodes are available: 1 node\(s\) didn't match pod anti-affinity rules\./)
})

it('leaves a pod alone until its scheduling gates are gone', () => {
  const { api, run, pod, message, settle } = cluster(node('a'))
  run('gated', '1', { schedulingGates: [{ name: 'example.com/wait' }] } as object)
  expect(message('gated')).toBe('Scheduling is blocked due to non-empty scheduling gates')
  const { schedulingGates: _, ...spec } = pod('gated')!.spec as unknown as Record<string, unknown>
  api.update('pods', { ...pod('gated')!, spec } as KubeObject)
  settle()
  expect(pod('gated')?.spec?.nodeName).toBe('a')
})
