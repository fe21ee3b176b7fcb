import { describe, expect, test } from 'vitest'
import { horizontalpodautoscalers } from './autoscaling/horizontalpodautoscaler.ts'
import { cronjobs } from './batch/cronjob.ts'
import { jobs } from './batch/job.ts'
import { resources } from './catalogue.ts'
import { namespaces } from './cluster/namespace.ts'
import { nodes } from './cluster/node.ts'
import { configmaps } from './configuration/configmap.ts'
import { secrets } from './configuration/secret.ts'
import { endpoints } from './discovery/endpoints.ts'
import { endpointslices } from './discovery/endpointslice.ts'
import { events } from './events/event.ts'
import { limitranges } from './policy/limitrange.ts'
import { poddisruptionbudgets } from './policy/poddisruptionbudget.ts'
import { resourcequotas } from './policy/resourcequota.ts'
import { rolebindings } from './rbac/binding.ts'
import { roles } from './rbac/role.ts'
import { persistentvolumeclaims } from './storage/persistentvolumeclaim.ts'
import { storageclasses } from './storage/storageclass.ts'
import { created, noon, row, sentences, updated } from './testing.ts'

test('every kind stands once, and copes with an empty object', () => {
  const names = resources.filter(({ conversion }) => !conversion).map(({ group, plural }) => `${plural}.${group}`)
  expect(new Set(names).size).toBe(names.length)
  expect(names.length).toBeGreaterThanOrEqual(33)
  const short = resources
    .filter(({ conversion }) => !conversion)
    .flatMap(({ shortNames = [], singular, plural, group }) => [...shortNames, ...(group === '' ? [singular, plural] : [])])
  const twice = short.filter((name, index) => short.indexOf(name) !== index && name !== 'endpoints')
  expect(twice).toEqual([])
  for (const definition of resources) {
    expect(definition.columns[0]!.name === 'Name' || definition.kind === 'Event').toBe(true)
    expect(() => definition.selectableFields?.({ metadata: {}, spec: {}, status: {} })).not.toThrow()
    const { errors } = created(definition.conversion?.stored ?? definition, { apiVersion: 'v1', kind: definition.kind })
    expect(Array.isArray(errors), definition.kind).toBe(true)
  }
})

describe('ConfigMap and Secret', () => {
  test('keys and immutability', () => {
    expect(created(configmaps, { data: { 'a b': '' } }).errors[0]).toMatch(
      /^data\[a b\]: Invalid value: "a b": a valid config key must consist of/,
    )
    expect(created(configmaps, { data: { a: '' }, binaryData: { a: '' } }).errors).toEqual([
      'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    ])
    const frozen = { data: { a: '1' }, immutable: true }
    expect(updated(configmaps, { data: { a: '2' } }, frozen).errors).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ])
    expect(row(configmaps, { metadata: { name: 'a' }, data: { a: '', b: '' } })).toEqual({ Name: 'a', Data: 2, Age: '<unknown>' })
  })
  test('stringData is encoded, types have their keys', () => {
    const { object, errors } = created(secrets, { stringData: { password: 'hülle' } })
    expect(errors).toEqual([])
    expect(object).toMatchObject({ type: 'Opaque', data: { password: Buffer.from('hülle').toString('base64') } })
    expect(object.stringData).toBeUndefined()
    expect(created(secrets, { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }).errors).toEqual(['data[tls.key]: Required value'])
    expect(updated(secrets, { ...object, type: 'other' }, object).errors).toEqual(['type: Invalid value: "other": field is immutable'])
  })
})

test('Namespace', () => {
  const { object } = created(namespaces, { metadata: { name: 'shop', namespace: undefined } })
  expect(object).toMatchObject({
    metadata: { labels: { 'kubernetes.io/metadata.name': 'shop' } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  })
  expect(row(namespaces, object)).toMatchObject({ Name: 'shop', Status: 'Active' })
})

test('Node', () => {
  const object = {
    metadata: {
      name: 'lab-control-plane',
      labels: { 'node-role.kubernetes.io/control-plane': '' },
      creationTimestamp: new Date(noon - 600_000).toISOString(),
    },
    spec: { unschedulable: true, podCIDR: '10.244.0.0/24' },
    status: {
      conditions: [{ type: 'Ready', status: 'False' }],
      nodeInfo: { kubeletVersion: 'v1.34.0' },
      addresses: [{ type: 'InternalIP', address: '172.18.0.2' }],
      capacity: { cpu: '4' },
    },
  }
  const stored = created(nodes, object).object
  expect(stored.spec.podCIDRs).toEqual(['10.244.0.0/24'])
  expect(stored.status.allocatable).toEqual({ cpu: '4' })
  expect(row(nodes, object, true)).toEqual({
    Name: 'lab-control-plane',
    Status: 'NotReady,SchedulingDisabled',
    Roles: 'control-plane',
    Age: '10m',
    Version: 'v1.34.0',
    'Internal-IP': '172.18.0.2',
    'External-IP': '<none>',
    'OS-Image': '<unknown>',
    'Kernel-Version': '<unknown>',
    'Container-Runtime': '<unknown>',
  })
  expect(updated(nodes, { ...stored, spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'] } }, stored).errors).toEqual([
    'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
  ])
})

test('Event', () => {
  const object = {
    metadata: { name: 'web.17', namespace: 'shop' },
    involvedObject: { kind: 'Pod', name: 'web', namespace: 'shop' },
    type: 'Warning',
    reason: 'BackOff',
    message: 'Back-off restarting failed container ',
    count: 4,
    firstTimestamp: new Date(noon - 300_000).toISOString(),
    lastTimestamp: new Date(noon - 12_000).toISOString(),
    source: { component: 'kubelet', host: 'node-1' },
  }
  expect(created(events, object).errors).toEqual([])
  expect(row(events, object)).toEqual({
    'Last Seen': '12s',
    Type: 'Warning',
    Reason: 'BackOff',
    Object: 'pod/web',
    Message: 'Back-off restarting failed container',
  })
  expect(row(events, object, true)).toMatchObject({ Source: 'kubelet, node-1', Count: 4, 'First Seen': '5m', Name: 'web.17' })
  expect(created(events, { ...object, involvedObject: { namespace: 'other' } }).errors).toEqual([
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ])
})

test('Endpoints and EndpointSlices', () => {
  const subsets = [{ addresses: ['10.244.1.2', '10.244.1.3', '10.244.1.4', '10.244.1.5'].map((ip) => ({ ip })), ports: [{ port: 80 }] }]
  const { object, errors } = created(endpoints, { subsets })
  expect(errors).toEqual([])
  expect(object.subsets[0].ports[0].protocol).toBe('TCP')
  expect(row(endpoints, object)).toMatchObject({ Endpoints: '10.244.1.2:80,10.244.1.3:80,10.244.1.4:80 + 1 more...' })
  expect(created(endpoints, { subsets: [{ addresses: [{ ip: '127.0.0.1' }] }] }).errors).toEqual([
    'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ])
  const slice = { addressType: 'IPv4', ports: [{ port: 80, name: 'http' }], endpoints: [{ addresses: ['10.244.1.2'] }] }
  expect(created(endpointslices, slice).errors).toEqual([])
  expect(row(endpointslices, slice)).toMatchObject({ AddressType: 'IPv4', Ports: '80', Endpoints: '10.244.1.2' })
  expect(row(endpointslices, { addressType: 'IPv4' })).toMatchObject({ Ports: '<unset>', Endpoints: '<unset>' })
  expect(created(endpointslices, { ...slice, addressType: 'IP' }).errors).toEqual([
    'addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"',
  ])
})

test('LimitRange, ResourceQuota, PodDisruptionBudget', () => {
  const { object } = created(limitranges, { spec: { limits: [{ type: 'Container', max: { cpu: '1' }, min: { memory: '1Mi' } }] } })
  expect(object.spec.limits[0]).toMatchObject({ default: { cpu: '1' }, defaultRequest: { cpu: '1', memory: '1Mi' } })
  expect(created(limitranges, { spec: { limits: [{ type: 'Container', max: { cpu: '1' }, default: { cpu: '2' } }] } }).errors).toEqual([
    'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than max value 1',
    'spec.limits[0].default[cpu]: Invalid value: "1": default value 2 is greater than max value 1',
  ])
  expect(created(resourcequotas, { spec: { hard: { 'services.loadbalancers': '0', 'requests.cpu': '1.5' } } })).toMatchObject({
    errors: [],
    object: { spec: { hard: { 'requests.cpu': '1500m' } } },
  })
  expect(created(resourcequotas, { spec: { hard: { pods: '1.5' } } }).errors).toEqual([
    'spec.hard[pods]: Invalid value: "1500m": must be an integer',
  ])
  expect(row(resourcequotas, { status: { hard: { pods: '4', 'limits.cpu': '2' }, used: { pods: '1' } } })).toMatchObject({
    Request: 'pods: 1/4',
    Limit: 'limits.cpu: 0/2',
  })
  expect(created(poddisruptionbudgets, { spec: { minAvailable: '150%' } }).errors).toEqual([
    'spec.minAvailable: Invalid value: "150%": must not be greater than 100%',
  ])
})

test('Job and CronJob', () => {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox:1' }] } }
  const { object, errors } = created(jobs, { spec: { template } })
  expect(errors).toEqual([])
  expect(object.spec).toMatchObject({
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    suspend: false,
    completionMode: 'NonIndexed',
    podReplacementPolicy: 'TerminatingOrFailed',
  })
  expect(object.spec.selector.matchLabels).toEqual({ 'batch.kubernetes.io/controller-uid': 'u-1' })
  expect(object.spec.template.metadata.labels['job-name']).toBe('web')
  expect(row(jobs, object)).toMatchObject({ Status: 'Running', Completions: '0/1', Duration: '' })
  expect(created(jobs, { spec: { template: { spec: { containers: template.spec.containers } } } }).errors).toEqual([
    'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ])
  const cron = created(cronjobs, { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template } } } })
  expect(cron.errors).toEqual([])
  expect(cron.object.spec).toMatchObject({ concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3 })
  expect(created(cronjobs, { spec: { schedule: '* * *', jobTemplate: { spec: { template } } } }).errors).toEqual([
    'spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]',
  ])
  expect(row(cronjobs, cron.object)).toMatchObject({
    Schedule: '*/5 * * * *',
    Timezone: '<none>',
    Suspend: 'False',
    Active: 0,
    'Last Schedule': '<none>',
  })
})

test('RBAC', () => {
  expect(created(roles, { rules: [{ verbs: [], apiGroups: [''], resources: ['pods'] }] }).errors).toEqual([
    'rules[0].verbs: Required value: verbs must contain at least one value',
  ])
  const { object, errors } = created(rolebindings, {
    roleRef: { kind: 'Role', name: 'r' },
    subjects: [
      { kind: 'ServiceAccount', name: 'a', namespace: 'shop' },
      { kind: 'User', name: 'u' },
    ],
  })
  expect(errors).toEqual([])
  expect(row(rolebindings, object, true)).toMatchObject({ Role: 'Role/r', Users: 'u', ServiceAccounts: 'shop/a' })
  expect(updated(rolebindings, { ...object, roleRef: { ...object.roleRef, name: 'x' } }, object).errors).toEqual([
    'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"x"}: cannot change roleRef',
  ])
})

test('storage and autoscaling', () => {
  expect(created(persistentvolumeclaims, { spec: { accessModes: ['ReadWriteOnce'] } }).errors).toEqual([
    'spec.resources[storage]: Required value',
  ])
  expect(
    row(storageclasses, {
      metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'p',
    }),
  ).toMatchObject({
    Name: 'standard (default)',
    ReclaimPolicy: 'Delete',
    VolumeBindingMode: '<unset>',
    AllowVolumeExpansion: 'false',
  })
  const autoscaler = created(horizontalpodautoscalers, { spec: { maxReplicas: 5, scaleTargetRef: { kind: 'Deployment', name: 'web' } } })
  expect(autoscaler.errors).toEqual([])
  expect(row(horizontalpodautoscalers, autoscaler.object)).toMatchObject({
    Reference: 'Deployment/web',
    Targets: 'cpu: <unknown>/80%',
    MinPods: '1',
    MaxPods: 5,
    Replicas: 0,
  })
  expect(
    sentences(
      horizontalpodautoscalers.validate!({ spec: { maxReplicas: 0, scaleTargetRef: { kind: 'D', name: 'w' } } }, undefined as never),
    ),
  ).toEqual(['spec.maxReplicas: Invalid value: 0: must be greater than 0'])
})
