import { expect, it } from 'vitest'
import type { KubeObject } from '../../kubernetes.ts'
import type { PodObject } from '../pods.ts'
import { controllerBench, node } from '../testing.ts'
import { persistentVolumeBinder } from './binder.ts'
import { localPathProvisioner, standardStorageClass } from './local-path-provisioner.ts'
import { type ClaimObject, matchingVolume, mismatch, type VolumeObject } from './matching.ts'
import { mountedFor } from './mounting.ts'
import { claimsProblem, volumesConflict } from './scheduling.ts'

const claim = (spec: Record<string, unknown> = {}): ClaimObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', namespace: 'default' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' as never } }, ...spec },
})
const volume = (name: string, spec: Record<string, unknown> = {}, labels?: Record<string, string>): VolumeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, ...(labels ? { labels } : {}) },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' as never }, hostPath: { path: '/data' }, ...spec },
})
const pod = (nodeName?: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'user', namespace: 'default' },
  spec: {
    ...(nodeName ? { nodeName } : {}),
    containers: [{ name: 'main', image: 'x' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  },
})

function run(...objects: [string, KubeObject][]) {
  const bench = controllerBench([persistentVolumeBinder, localPathProvisioner])
  bench.api.create('nodes', node('worker'))
  for (const [resource, object] of objects) bench.api.create(resource, object)
  bench.settle()
  const get = () => bench.api.get<ClaimObject>('persistentvolumeclaims', 'default', 'data')
  const volumes = () => bench.api.list<VolumeObject>('persistentvolumes')
  const events = () =>
    bench.api
      .list<KubeObject & { reason?: string; message?: string }>('events', { namespace: 'default' })
      .map(({ reason, message }) => [reason, message])
  return { ...bench, get, volumes, events }
}

it('waits for the first consumer, then provisions on its node, and deletes with the claim', () => {
  const bench = run(
    ['storageclasses.storage.k8s.io', standardStorageClass()],
    ['persistentvolumeclaims', claim({ storageClassName: 'standard' })],
  )
  expect(bench.get().status).toEqual({ phase: 'Pending' })
  expect(bench.events()).toEqual([['WaitForFirstConsumer', 'waiting for first consumer to be created before binding']])
  bench.api.create('pods', pod())
  bench.settle()
  expect(bench.events().at(-1)).toEqual(['WaitForPodScheduled', 'waiting for pod user to be scheduled'])
  expect(bench.volumes()).toEqual([])
  bench.api.bind('default', 'user', 'worker')
  bench.settle()
  const name = `pvc-${bench.get().metadata?.uid}`
  expect(bench.get().spec?.volumeName).toBe(name)
  expect(bench.get().status).toEqual({ phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } })
  expect(bench.get().metadata?.annotations).toEqual({
    'pv.kubernetes.io/bind-completed': 'yes',
    'pv.kubernetes.io/bound-by-controller': 'yes',
    'volume.beta.kubernetes.io/storage-provisioner': 'rancher.io/local-path',
    'volume.kubernetes.io/selected-node': 'worker',
    'volume.kubernetes.io/storage-provisioner': 'rancher.io/local-path',
  })
  const [made] = bench.volumes()
  expect(made).toMatchObject({
    metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': 'rancher.io/local-path' } },
    spec: {
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'standard',
      hostPath: { path: `/var/local-path-provisioner/${name}_default_data` },
      claimRef: { name: 'data', uid: bench.get().metadata?.uid },
    },
    status: { phase: 'Bound' },
  })
  expect(
    bench
      .events()
      .map(([reason]) => reason)
      .sort(),
  ).toEqual(['ExternalProvisioning', 'Provisioning', 'ProvisioningSucceeded', 'WaitForFirstConsumer', 'WaitForPodScheduled'].sort())
  expect(bench.events()).toContainEqual(['ProvisioningSucceeded', `Successfully provisioned volume ${name}`])
  bench.api.delete('persistentvolumeclaims', 'default', 'data')
  bench.settle()
  expect(bench.volumes()).toEqual([])
  expect(bench.defects).toEqual([])
})

it('binds a volume made by hand, the smallest that fits, and keeps it when released', () => {
  const bench = run(
    ['persistentvolumes', volume('big', { capacity: { storage: '5Gi' } })],
    ['persistentvolumes', volume('small', { capacity: { storage: '2Gi' } })],
    ['persistentvolumes', volume('tiny', { capacity: { storage: '500Mi' } })],
  )
  expect(bench.volumes().map(({ status }) => status?.phase)).toEqual(['Available', 'Available', 'Available'])
  bench.api.create('persistentvolumeclaims', claim())
  bench.settle()
  expect(bench.get().spec?.volumeName).toBe('small')
  expect(bench.get().status).toMatchObject({ phase: 'Bound', capacity: { storage: '2Gi' } })
  bench.api.delete('persistentvolumeclaims', 'default', 'data')
  bench.settle()
  expect(bench.api.get<VolumeObject>('persistentvolumes', undefined, 'small').status?.phase).toBe('Released')
  bench.api.create('persistentvolumeclaims', claim())
  bench.settle()
  expect(bench.get().spec?.volumeName).toBe('big')
})

it('binds when a volume comes later', () => {
  const bench = run(['persistentvolumeclaims', claim()])
  expect(bench.events()).toEqual([['FailedBinding', 'no persistent volumes available for this claim and no storage class is set']])
  bench.api.create('persistentvolumes', volume('late'))
  bench.settle()
  expect(bench.get().status?.phase).toBe('Bound')
  bench.api.delete('persistentvolumes', undefined, 'late')
  bench.settle()
  expect(bench.get().status?.phase).toBe('Lost')
  expect(bench.events().at(-1)).toEqual(['ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!'])
})

it('takes the volume that a claim names, or says why not', () => {
  const named = { volumeName: 'mine' }
  const small = run(['persistentvolumes', volume('mine', { capacity: { storage: '1Mi' } })], ['persistentvolumeclaims', claim(named)])
  expect(small.events()).toEqual([['VolumeMismatch', 'Cannot bind to requested volume "mine": requested PV is too small']])
  const taken = run(
    ['persistentvolumes', volume('mine', { claimRef: { namespace: 'default', name: 'other', uid: 'u' } })],
    ['persistentvolumeclaims', claim(named)],
  )
  expect(taken.events()).toContainEqual(['FailedBinding', 'volume "mine" already bound to a different claim.'])
  const fine = run(['persistentvolumes', volume('mine')], ['persistentvolumeclaims', claim(named)])
  expect(fine.get().status?.phase).toBe('Bound')
})

it.each([
  ['absent', undefined, 'storageclass.storage.k8s.io "absent" not found'],
  ['local', { provisioner: 'kubernetes.io/no-provisioner' }, 'no volume plugin matched name: kubernetes.io/no-provisioner'],
  [
    'at-once',
    { provisioner: 'rancher.io/local-path' },
    'failed to provision volume with StorageClass "at-once": configuration error, no node was specified',
  ],
])('fails to provision with the class %s', (name, spec, sentence) => {
  const bench = run(['persistentvolumeclaims', claim({ storageClassName: name })])
  if (spec) {
    bench.api.create('storageclasses.storage.k8s.io', {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name },
      ...spec,
    })
    bench.settle()
  }
  expect(bench.events()).toContainEqual(['ProvisioningFailed', sentence])
})

it.each([
  ['class', { storageClassName: 'fast' }, undefined],
  ['access modes', { accessModes: ['ReadWriteMany'] }, undefined],
  ['selector', { selector: { matchLabels: { tier: 'gold' } } }, undefined],
  ['volume mode', { volumeMode: 'Block' }, undefined],
  ['size', { resources: { requests: { storage: '2Gi' } } }, undefined],
  ['nothing', {}, 'a'],
])('a volume that differs in %s is matched: %s', (_what, spec, name) => {
  const free = { ...volume('a', {}, { tier: 'silver' }), status: { phase: 'Available' } }
  expect(matchingVolume(claim(spec), [free])?.metadata?.name).toBe(name)
})

it('prefers a volume reserved for the claim and respects where volumes can be reached', () => {
  const free = { ...volume('a'), status: { phase: 'Available' } }
  const reserved = { ...volume('b', { capacity: { storage: '9Gi' }, claimRef: { namespace: 'default', name: 'data' } }) }
  expect(matchingVolume(claim(), [free, reserved])?.metadata?.name).toBe('b')
  expect(matchingVolume(claim(), [free], { reservedOnly: true })).toBeUndefined()
  const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['elsewhere'] }] }]
  const far = { ...volume('c', { nodeAffinity: { required: { nodeSelectorTerms: terms } } }), status: { phase: 'Available' } }
  expect(matchingVolume(claim(), [far], { node: node('worker') as never })).toBeUndefined()
  expect(mismatch(volume('d', { accessModes: ['ReadOnlyMany'] }), claim())).toBe('incompatible accessMode')
})

it('gives a claim without a class the default class that comes later', () => {
  const bench = run(['persistentvolumeclaims', claim()])
  bench.api.create('storageclasses.storage.k8s.io', standardStorageClass())
  bench.settle()
  expect(bench.get().spec?.storageClassName).toBe('standard')
  expect(bench.events().at(-1)?.[0]).toBe('WaitForFirstConsumer')
})

it('tells the scheduler and the kubelet what claims mean for a pod', () => {
  const user = pod() as PodObject
  const here = node('worker') as never
  const bench = run()
  expect(claimsProblem(bench.api, user)).toBe('persistentvolumeclaim "data" not found')
  expect(mountedFor(bench.api, 'default', 'data')).toEqual({
    why: 'error processing PVC default/data: failed to fetch PVC from API server: persistentvolumeclaims "data" not found',
  })
  bench.api.create('persistentvolumeclaims', claim())
  bench.settle()
  expect(claimsProblem(bench.api, user)).toBe('pod has unbound immediate PersistentVolumeClaims')
  expect(mountedFor(bench.api, 'default', 'data')).toEqual({ why: 'error processing PVC default/data: PVC is not bound' })
  const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['elsewhere'] }] }]
  bench.api.create('persistentvolumes', volume('far', { nodeAffinity: { required: { nodeSelectorTerms: terms } } }))
  bench.settle()
  expect(claimsProblem(bench.api, user)).toBeUndefined()
  expect(volumesConflict(bench.api, user, here)).toBe("node(s) didn't match PersistentVolume's node affinity")
  expect(volumesConflict(bench.api, user, node('elsewhere') as never)).toBeUndefined()
  expect(mountedFor(bench.api, 'default', 'data')).toEqual({ hostPath: { path: '/data' } })
})

it('lets a pod wait nowhere for a volume that nobody can make', () => {
  const local = { ...standardStorageClass(), provisioner: 'kubernetes.io/no-provisioner' }
  const bench = run(['storageclasses.storage.k8s.io', local], ['persistentvolumeclaims', claim({ storageClassName: 'standard' })])
  const here = node('worker') as never
  expect(claimsProblem(bench.api, pod() as PodObject)).toBeUndefined()
  expect(volumesConflict(bench.api, pod() as PodObject, here)).toBe("node(s) didn't find available persistent volumes to bind")
  bench.api.create('persistentvolumes', volume('a', { storageClassName: 'standard' }))
  bench.settle()
  expect(bench.get().status?.phase).toBe('Pending')
  expect(volumesConflict(bench.api, pod() as PodObject, here)).toBeUndefined()
  bench.api.create('pods', pod('worker'))
  bench.settle()
  expect(bench.get().spec?.volumeName).toBe('a')
})
