import { describe, expect, test } from 'vitest'
import { created, noon, row, updated } from '../testing.ts'
import { daemonsets } from './daemonset.ts'
import { deployments } from './deployment.ts'
import { replicasets } from './replicaset.ts'
import { statefulsets } from './statefulset.ts'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] } }
const workload = (spec: object = {}) => ({ spec: { selector: { matchLabels: { app: 'web' } }, template, ...spec } })
const kinds = { deployments, replicasets, daemonsets, statefulsets }

test('defaults', () => {
  expect(created(deployments, workload()).object.spec).toMatchObject({
    replicas: 1,
    progressDeadlineSeconds: 600,
    revisionHistoryLimit: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: { spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', containers: [{ imagePullPolicy: 'IfNotPresent' }] } },
  })
  expect(created(deployments, workload({ strategy: { type: 'Recreate' } })).object.spec.strategy).toEqual({ type: 'Recreate' })
  expect(created(daemonsets, workload()).object.spec.updateStrategy).toEqual({
    type: 'RollingUpdate',
    rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
  })
  expect(created(statefulsets, workload({ serviceName: 'web' })).object.spec).toMatchObject({
    podManagementPolicy: 'OrderedReady',
    replicas: 1,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
  })
  // What only a pod gets must not stand in a template.
  expect(created(deployments, workload()).object.spec.template.spec.enableServiceLinks).toBeUndefined()
})

test('a defaulted object is left as it is', () => {
  for (const definition of Object.values(kinds)) {
    const { object } = created(definition, workload())
    expect(definition.defaults!(object, undefined as never)).toBe(object)
  }
})

describe.each(Object.entries(kinds))('%s', (_name, definition) => {
  test('selector and template must agree', () => {
    expect(created(definition, workload({ selector: { matchLabels: { app: 'db' } } })).errors).toEqual([
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ])
    expect(created(definition, workload({ selector: undefined })).errors).toEqual(['spec.selector: Required value'])
  })
  test('the template is a template of pods', () => {
    const spec = { ...template.spec, restartPolicy: 'Never' }
    expect(created(definition, workload({ template: { ...template, spec } })).errors).toEqual([
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ])
    expect(created(definition, workload({ template: { metadata: template.metadata, spec: { containers: [] } } })).errors).toEqual([
      'spec.template.spec.containers: Required value',
    ])
  })
})

test.each<[keyof typeof kinds, object, string[]]>([
  ['deployments', { replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
  ['deployments', { selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
  [
    'deployments',
    { strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  [
    'deployments',
    { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
    ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
  ],
  [
    'deployments',
    { strategy: { rollingUpdate: { maxUnavailable: '110%' } } },
    ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "110%": must not be greater than 100%'],
  ],
  [
    'deployments',
    { progressDeadlineSeconds: 5, minReadySeconds: 5 },
    ['spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
  ],
  [
    'daemonsets',
    { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
    ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
  ],
  [
    'statefulsets',
    { podManagementPolicy: 'Wild' },
    ["spec.podManagementPolicy: Invalid value: \"Wild\": must be 'OrderedReady' or 'Parallel'"],
  ],
])('%s with %o', (name, spec, expected) => {
  expect(created(kinds[name], workload(spec)).errors).toEqual(expected)
})

test('what may not change', () => {
  const selector = { matchLabels: { app: 'web', tier: 'front' } }
  const labelled = { ...template, metadata: { labels: { app: 'web', tier: 'front' } } }
  for (const definition of [deployments, replicasets, daemonsets]) {
    const { object } = created(definition, workload())
    expect(updated(definition, { ...object, spec: { ...object.spec, selector, template: labelled } }, object).errors).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable',
    ])
  }
  const { object } = created(statefulsets, workload({ serviceName: 'web' }))
  expect(updated(statefulsets, { ...object, spec: { ...object.spec, replicas: 3 } }, object).errors).toEqual([])
  expect(updated(statefulsets, { ...object, spec: { ...object.spec, serviceName: 'db' } }, object).errors).toEqual([
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
  ])
})

test('status belongs to controllers, spec to clients', () => {
  const { object } = created(deployments, { ...workload(), status: { replicas: 9 } })
  expect(object.status).toEqual({})
  const reported = deployments.prepareForStatusUpdate!(
    { ...object, spec: { replicas: 5 }, status: { replicas: 1 } },
    object,
    undefined as never,
  )
  expect(reported.spec).toBe(object.spec)
  expect(reported.status).toEqual({ replicas: 1 })
  expect(updated(deployments, { ...object, status: undefined }, reported).object.status).toEqual({ replicas: 1 })
})

test('scale', () => {
  const { object } = created(deployments, workload({ replicas: 3 }))
  const scale = deployments.scale!
  expect([scale.replicas(object), scale.statusReplicas(object), scale.selector(object)]).toEqual([3, 0, 'app=web'])
  expect(scale.withReplicas(object, 5).spec!.replicas).toBe(5)
})

test('columns', () => {
  const metadata = { name: 'web', creationTimestamp: new Date(noon - 60_000).toISOString() }
  const object = {
    metadata,
    ...workload({ replicas: 3 }),
    status: { replicas: 3, readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 },
  }
  expect(row(deployments, object, true)).toEqual({
    Name: 'web',
    Ready: '2/3',
    'Up-to-date': 3,
    Available: 2,
    Age: '60s',
    Containers: 'web',
    Images: 'nginx:1.27',
    Selector: 'app=web',
  })
  expect(row(replicasets, object)).toEqual({ Name: 'web', Desired: 3, Current: 3, Ready: 2, Age: '60s' })
  expect(row(statefulsets, object)).toEqual({ Name: 'web', Ready: '2/3', Age: '60s' })
  expect(row(daemonsets, { ...object, status: { desiredNumberScheduled: 2, numberReady: 1 } })).toEqual({
    Name: 'web',
    Desired: 2,
    Current: 0,
    Ready: 1,
    'Up-to-date': 0,
    Available: 0,
    'Node Selector': '<none>',
    Age: '60s',
  })
})
