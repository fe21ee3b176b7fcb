import { expect, it } from 'vitest'
import { EventLoop, HeldTime } from '../../clock.ts'
import { resourceQuotaController } from '../../controllers/resource-quota.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { Random } from '../../random.ts'
import { resources } from '../../resources/catalogue.ts'
import { Store } from '../../store/store.ts'
import { createApi } from '../registry/api.ts'
import type { Admission } from './admission.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { claimErrors, limitRanger, podErrors, withDefaults } from './limit-ranger.ts'
import { resourceQuota } from './resource-quota.ts'

/** A registry with the given plugins and the quota controller, over the real kinds. */
function world(...admission: Admission[]) {
  const time = new HeldTime(Date.UTC(2026, 0, 1))
  const clock = new EventLoop(time, (error) => {
    throw error
  })
  const store = new Store({ clock })
  const user = { username: 'admin', groups: ['system:masters'] }
  const random = new Random(1)
  const api = createApi({ store, definitions: resources, clock, random, serviceCidr: '10.96.0.0/16', user, admission })
  api.create('namespaces', { metadata: { name: 'default' } })
  resourceQuotaController.start({
    api,
    clock,
    random,
    podCidr: '10.244.0.0/16',
    rootCertificate: '',
    fresh: true,
    memory: { events: {}, autoscaling: {} },
  })
  const make = (resource: string, object: KubeObject) => {
    const made = api.create(resource, { ...object, metadata: { namespace: 'default', ...object.metadata } })
    clock.settle()
    return made
  }
  const quota = (hard: Record<string, string>, more: Record<string, unknown> = {}) => {
    make('resourcequotas', { metadata: { name: 'q' }, spec: { hard, ...more } })
  }
  const used = () => (api.get<any>('resourcequotas', 'default', 'q').status as { used: Record<string, string> }).used
  return { api, time, clock, make, quota, used }
}

const pod = (name: string, resources: unknown = {}, more: Record<string, unknown> = {}): KubeObject => ({
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'x', resources }], ...more },
})
const service = (name: string, type: string, ports = 1): KubeObject => ({
  metadata: { name },
  spec: { type, ports: Array.from({ length: ports }, (_, index) => ({ name: `p${index}`, port: 80 + index })) },
})

it('refuses the pod beyond the quota, in the real words, and counts those that ended no more', () => {
  const { api, make, quota, used, clock } = world(resourceQuota)
  quota({ pods: '2' })
  expect(used()).toEqual({ pods: '0' })
  make('pods', pod('a'))
  make('pods', pod('b'))
  expect(used()).toEqual({ pods: '2' })
  expect(() => make('pods', pod('c'))).toThrow('pods "c" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2')
  api.updateStatus('pods', { ...api.get('pods', 'default', 'a'), status: { phase: 'Succeeded' } })
  clock.settle()
  expect(used()).toEqual({ pods: '1' })
  make('pods', pod('c'))
  api.delete('pods', 'default', 'c')
  clock.settle()
  expect(used()).toEqual({ pods: '1' })
})

it('counts creations that come before the status is written', () => {
  const { api, quota } = world(resourceQuota)
  quota({ 'count/configmaps': '1' })
  api.create('configmaps', { metadata: { name: 'a', namespace: 'default' } })
  expect(() => api.create('configmaps', { metadata: { name: 'b', namespace: 'default' } })).toThrow(
    'configmaps "b" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1',
  )
})

it('adds up compute resources, and asks every container for them', () => {
  const { make, quota, used } = world(resourceQuota)
  quota({ 'requests.cpu': '1', 'limits.memory': '1Gi' })
  make('pods', pod('a', { requests: { cpu: '600m' }, limits: { memory: '512Mi' } }))
  expect(used()).toEqual({ 'requests.cpu': '600m', 'limits.memory': '512Mi' })
  expect(() => make('pods', pod('b', { requests: { cpu: '500m' }, limits: { memory: '768Mi' } }))).toThrow(
    'exceeded quota: q, requested: limits.memory=768Mi,requests.cpu=500m, used: limits.memory=512Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1',
  )
  expect(() => make('pods', pod('b'))).toThrow(
    'pods "b" is forbidden: failed quota: q: must specify limits.memory for: main; requests.cpu for: main',
  )
  // A limit is a request too.
  make('pods', pod('b', { limits: { cpu: '400m', memory: '512Mi' } }))
  expect(used()).toEqual({ 'requests.cpu': '1', 'limits.memory': '1Gi' })
})

it('counts node ports and load balancers, also when a service changes', () => {
  const { api, make, quota, used } = world(resourceQuota)
  quota({ services: '5', 'services.nodeports': '2', 'services.loadbalancers': '0' })
  const made = make('services', service('a', 'ClusterIP', 2))
  expect(used()).toEqual({ services: '1', 'services.nodeports': '0', 'services.loadbalancers': '0' })
  expect(() => make('services', service('b', 'LoadBalancer'))).toThrow(
    'services "b" is forbidden: exceeded quota: q, requested: services.loadbalancers=1, used: services.loadbalancers=0, limited: services.loadbalancers=0',
  )
  make('services', service('b', 'NodePort'))
  expect(() => api.update('services', { ...made, spec: { ...((made as KubeObject)['spec'] as object), type: 'NodePort' } })).toThrow(
    'services "a" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=1, limited: services.nodeports=2',
  )
})

it('counts claims, their sizes and those of one class', () => {
  const { make, quota, used } = world(resourceQuota)
  quota({ 'requests.storage': '2Gi', 'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1' })
  const claim = (name: string, storageClassName: string): KubeObject => ({
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: '1Gi' } } },
  })
  make('persistentvolumeclaims', claim('a', 'fast'))
  expect(used()).toEqual({ 'requests.storage': '1Gi', 'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1' })
  expect(() => make('persistentvolumeclaims', claim('b', 'fast'))).toThrow(
    'limited: fast.storageclass.storage.k8s.io/persistentvolumeclaims=1',
  )
  make('persistentvolumeclaims', claim('b', 'slow'))
  expect(() => make('persistentvolumeclaims', claim('c', 'slow'))).toThrow('requested: requests.storage=1Gi, used: requests.storage=2Gi')
})

it.each([
  ['BestEffort', pod('in'), pod('out', { requests: { cpu: '1' } })],
  ['NotBestEffort', pod('in', { requests: { cpu: '1' } }), pod('out')],
  ['Terminating', pod('in', {}, { activeDeadlineSeconds: 5 }), pod('out')],
  ['NotTerminating', pod('in'), pod('out', {}, { activeDeadlineSeconds: 5 })],
])('limits in scope %s only what is in it', (scope, inside, outside) => {
  const { make, quota, used } = world(resourceQuota)
  quota({ pods: '0' }, { scopes: [scope] })
  make('pods', outside)
  expect(used()).toEqual({ pods: '0' })
  expect(() => make('pods', inside)).toThrow('exceeded quota: q')
})

const range = (...limits: Record<string, unknown>[]): any => ({ metadata: { name: 'limits' }, spec: { limits } })

it('fills in what containers leave open, and says so', () => {
  const { make } = world(limitRanger)
  make('limitranges', range({ type: 'Container', default: { cpu: '500m', memory: '256Mi' }, defaultRequest: { cpu: '100m' } }))
  const made = make('pods', {
    metadata: { name: 'a' },
    spec: {
      initContainers: [{ name: 'setup', image: 'x', resources: { limits: { cpu: '1', memory: '1Gi' } } }],
      containers: [{ name: 'main', image: 'x', resources: { limits: { memory: '128Mi' } } }],
    },
  }) as any
  expect(made.spec.containers[0].resources).toEqual({
    limits: { cpu: '500m', memory: '128Mi' },
    requests: { cpu: '100m', memory: '128Mi' },
  })
  expect(made.spec.initContainers[0].resources).toEqual({
    limits: { cpu: '1', memory: '1Gi' },
    requests: { cpu: '1', memory: '1Gi' },
  })
  expect(made.metadata.annotations).toEqual({
    'kubernetes.io/limit-ranger': 'LimitRanger plugin set: cpu request for container main; cpu limit for container main',
  })
})

it.each([
  [{ type: 'Container', min: { cpu: '100m' } }, {}, 'minimum cpu usage per Container is 100m.  No request is specified'],
  [
    { type: 'Container', min: { cpu: '100m' } },
    { requests: { cpu: '50m' } },
    'minimum cpu usage per Container is 100m, but request is 50m',
  ],
  [{ type: 'Container', max: { cpu: '1' } }, {}, 'maximum cpu usage per Container is 1.  No limit is specified'],
  [
    { type: 'Container', max: { memory: '1Gi' } },
    { limits: { memory: '2Gi' } },
    'maximum memory usage per Container is 1Gi, but limit is 2Gi',
  ],
  [{ type: 'Pod', max: { cpu: '1' } }, { limits: { cpu: '1500m' } }, 'maximum cpu usage per Pod is 1, but limit is 1500m'],
  [
    { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
    { requests: { cpu: '100m' }, limits: { cpu: '300m' } },
    'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
  ],
  [
    { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
    { requests: { cpu: '100m' } },
    'cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0',
  ],
  [{ type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' } }, { limits: { cpu: '1' } }, undefined],
])('of the range %j says about %j: %s', (item, resources, sentence) => {
  expect(podErrors(pod('a', resources) as never, range(item))).toEqual(sentence ? [sentence] : [])
})

it('refuses with all that is wrong', () => {
  const { make } = world(limitRanger)
  make('limitranges', range({ type: 'Container', max: { cpu: '1', memory: '1Gi' } }))
  expect(() => make('pods', pod('a', { limits: { cpu: '2', memory: '2Gi' } }))).toThrow(
    'pods "a" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit is 2Gi]',
  )
})

it('does not refuse what its own defaults make right', () => {
  const object = range({ type: 'Container', max: { cpu: '1' }, default: { cpu: '1' }, defaultRequest: { cpu: '1' } })
  expect(podErrors(withDefaults(pod('a') as never, object), object)).toEqual([])
})

it('checks the size of claims', () => {
  const claim = (storage: string): any => ({ spec: { resources: { requests: { storage } } } })
  const limits = range({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '5Gi' } })
  expect(claimErrors(claim('2Gi'), limits)).toEqual([])
  expect(claimErrors(claim('1Mi'), limits)).toEqual(['minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi'])
  expect(claimErrors(claim('9Gi'), limits)).toEqual(['maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 9Gi'])
})

const storageClass = (name: string): KubeObject => ({
  metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'example.com/x',
})
const claimOf = (name: string, spec: Record<string, unknown> = {}): KubeObject => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
})

it('gives claims the newest default class, unless they say that they want none', () => {
  const { make, time } = world(defaultStorageClass)
  const classOf = (object: KubeObject) => (object.spec as { storageClassName?: string }).storageClassName
  expect(classOf(make('persistentvolumeclaims', claimOf('a')))).toBeUndefined()
  make('storageclasses.storage.k8s.io', storageClass('old'))
  time.advance(1000)
  make('storageclasses.storage.k8s.io', storageClass('new'))
  expect(classOf(make('persistentvolumeclaims', claimOf('b')))).toBe('new')
  expect(classOf(make('persistentvolumeclaims', claimOf('c', { storageClassName: '' })))).toBe('')
  expect(classOf(make('persistentvolumeclaims', claimOf('d', { storageClassName: 'old' })))).toBe('old')
})

it('gives ingresses the newest default class, unless they name one in either way', () => {
  const { make, time } = world(defaultIngressClass)
  const ingressClass = (name: string): KubeObject => ({
    metadata: { name, annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'example.com/x' },
  })
  const ingress = (name: string, annotations: Record<string, string> = {}, spec: Record<string, unknown> = {}): KubeObject => ({
    metadata: { name, annotations },
    spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } }, ...spec },
  })
  const classOf = (object: KubeObject) => (object.spec as { ingressClassName?: string }).ingressClassName
  make('ingressclasses.networking.k8s.io', ingressClass('old'))
  time.advance(1000)
  make('ingressclasses.networking.k8s.io', ingressClass('new'))
  expect(classOf(make('ingresses.networking.k8s.io', ingress('a')))).toBe('new')
  expect(classOf(make('ingresses.networking.k8s.io', ingress('b', { 'kubernetes.io/ingress.class': 'nginx' })))).toBeUndefined()
  expect(classOf(make('ingresses.networking.k8s.io', ingress('c', {}, { ingressClassName: 'old' })))).toBe('old')
})
