import fc from 'fast-check'
import type { Pod } from 'kubernetes-types/core/v1'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../kubernetes.ts'
import type { StatusError } from '../api.ts'
import { deployment, pod, tinyWorld } from '../testing/tiny-world.ts'

function refusal(act: () => unknown): StatusError {
  try {
    act()
  } catch (error) {
    return error as StatusError
  }
  throw new Error('it was not refused')
}

const deployments = 'deployments.apps'

describe('create', () => {
  it('fills in what the server owns', () => {
    const { api } = tinyWorld()
    const made = api.create(deployments, deployment('web'))
    expect(made.metadata).toMatchObject({ name: 'web', generation: 1, creationTimestamp: '2025-01-01T00:00:00Z' })
    expect(made.metadata?.uid).toMatch(/^[0-9a-f]{8}-/)
    expect(api.create('configmaps', { metadata: { name: 'c', namespace: 'default' } }).metadata).not.toHaveProperty('generation')
  })

  it('generates names', () => {
    const { api } = tinyWorld()
    const made = api.create('pods', { ...pod(''), metadata: { generateName: 'web-', namespace: 'default' } } as Pod & KubeObject)
    expect(made.metadata?.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  })

  it('refuses in the real words', () => {
    const { api } = tinyWorld()
    api.create(deployments, deployment('web'))
    expect(refusal(() => api.create(deployments, deployment('web'))).status).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'deployments.apps "web" already exists',
      details: { name: 'web', group: 'apps', kind: 'deployments' },
    })
    const lost = { ...deployment('x'), metadata: { name: 'x', namespace: 'nowhere' } }
    expect(refusal(() => api.create(deployments, lost)).message).toBe('namespaces "nowhere" not found')
    expect(refusal(() => api.create('namespaces', { metadata: { name: 'BAD' } })).message).toBe(
      `Namespace "BAD" is invalid: metadata.name: Invalid value: "BAD": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
    )
  })

  it('passes on what the store refuses', () => {
    const { api } = tinyWorld()
    const container = { name: 'web', image: 'nginx', args: ['x'.repeat(1_600_000)] }
    const large = { ...pod('large'), spec: { containers: [container] } } as Pod & KubeObject
    expect(refusal(() => api.create('pods', large)).status).toMatchObject({ code: 500, message: 'etcdserver: request is too large' })
    expect(api.find('pods', 'default', 'large')).toBeUndefined()
  })

  it('names every cause, in brackets where there are several', () => {
    const { api } = tinyWorld()
    const bad = deployment('web', -1)
    const one = refusal(() => api.create(deployments, bad))
    expect(one.message).toBe('Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0')
    const { selector: _none, ...spec } = bad.spec!
    const two = refusal(() => api.create(deployments, { ...bad, spec } as KubeObject))
    expect(two.message).toBe(
      'Deployment.apps "web" is invalid: [spec.selector: Required value, spec.replicas: Invalid value: -1: must be greater than or equal to 0]',
    )
    expect(two.status.details?.causes).toHaveLength(2)
    expect(two.code).toBe(422)
  })
})

describe('update', () => {
  it('detects conflicts, raises the generation for spec only, and writes nothing for no change', () => {
    const { api, store } = tinyWorld()
    const first = api.create(deployments, deployment('web'))
    const second = api.update(deployments, { ...first, spec: { ...first.spec!, replicas: 3 } })
    expect(second.metadata?.generation).toBe(2)
    expect(refusal(() => api.update(deployments, { ...first, spec: { ...first.spec!, replicas: 4 } })).message).toBe(
      'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again',
    )
    const third = api.updateStatus(deployments, { ...second, status: { replicas: 3 } })
    expect(third.metadata?.generation).toBe(2)
    const labelled = api.update(deployments, { ...third, metadata: { ...third.metadata, labels: { a: 'b' } } })
    expect(labelled.metadata?.generation).toBe(2)
    const { revision } = store
    expect(api.update(deployments, { ...labelled })).toBe(labelled)
    expect(store.revision).toBe(revision)
  })

  it('keeps spec and status apart', () => {
    const { api } = tinyWorld()
    const made = api.create(deployments, deployment('web'))
    expect(api.update(deployments, { ...made, status: { replicas: 9 } })).not.toHaveProperty('status')
    const status = api.updateStatus(deployments, { ...made, spec: { ...made.spec!, replicas: 9 }, status: { replicas: 1 } })
    expect(status).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 1 } })
    expect(
      refusal(() => api.updateStatus('configmaps', api.create('configmaps', { metadata: { name: 'c', namespace: 'default' } }))).code,
    ).toBe(404)
  })
})

describe('delete', () => {
  it('removes at once what nothing holds', () => {
    const { api } = tinyWorld()
    api.create('pods', pod('free'))
    api.delete('pods', 'default', 'free')
    expect(api.find('pods', 'default', 'free')).toBeUndefined()
    expect(refusal(() => api.delete('pods', 'default', 'free')).message).toBe('pods "free" not found')
  })

  it('waits for finalizers, and takes no new ones meanwhile', () => {
    const { api } = tinyWorld()
    api.create('configmaps', { metadata: { name: 'c', namespace: 'default', finalizers: ['x/y'] } })
    api.delete('configmaps', 'default', 'c')
    const held = api.get('configmaps', 'default', 'c')
    expect(held.metadata?.deletionTimestamp).toBe('2025-01-01T00:00:00Z')
    const more = { ...held, metadata: { ...held.metadata, finalizers: ['x/y', 'a/b'] } }
    expect(refusal(() => api.update('configmaps', more)).message).toContain(
      'Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/b"}',
    )
    api.update('configmaps', { ...held, metadata: { ...held.metadata, finalizers: [] } })
    expect(api.find('configmaps', 'default', 'c')).toBeUndefined()
  })

  it('refuses owners and finalizers that could not be followed', () => {
    const { api } = tinyWorld()
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: '1', controller: true }
    const refused = (metadata: object) =>
      refusal(() => api.create('configmaps', { metadata: { name: 'c', namespace: 'default', ...metadata } })).message
    expect(refused({ ownerReferences: [{ ...owner, uid: '', apiVersion: '' }] })).toBe(
      'ConfigMap "c" is invalid: [metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty, metadata.ownerReferences.uid: Invalid value: "": must not be empty]',
    )
    expect(refused({ ownerReferences: [owner, { ...owner, name: 'b' }] })).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for ConfigMap/a and ConfigMap/b',
    )
    expect(refused({ finalizers: ['no spaces'] })).toContain('metadata.finalizers: Invalid value: "no spaces": name part must consist of')
    expect(refused({ finalizers: ['orphan', 'foregroundDeletion'] })).toContain(
      'finalizer orphan and foregroundDeletion cannot be both set',
    )
  })

  it('gives a scheduled pod its grace, and forces with 0', () => {
    const { api } = tinyWorld()
    api.create('pods', pod('web'))
    api.bind('default', 'web', 'worker')
    expect(api.get<Pod & KubeObject>('pods', 'default', 'web').spec?.nodeName).toBe('worker')
    expect(refusal(() => api.bind('default', 'web', 'other')).message).toBe(
      'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "worker"',
    )
    api.delete('pods', 'default', 'web')
    expect(api.get('pods', 'default', 'web').metadata).toMatchObject({
      deletionTimestamp: '2025-01-01T00:00:30Z',
      deletionGracePeriodSeconds: 30,
    })
    api.delete('pods', 'default', 'web', { gracePeriodSeconds: 5 })
    expect(api.get('pods', 'default', 'web').metadata).toMatchObject({ deletionTimestamp: '2025-01-01T00:00:05Z' })
    api.delete('pods', 'default', 'web', { gracePeriodSeconds: 0 })
    expect(api.find('pods', 'default', 'web')).toBeUndefined()
  })

  it('leaves propagation to the garbage collector by finalizer, and checks preconditions', () => {
    const { api } = tinyWorld()
    api.create(deployments, deployment('web'))
    expect(refusal(() => api.delete(deployments, 'default', 'web', { preconditions: { uid: 'other' } })).reason).toBe('Conflict')
    api.delete(deployments, 'default', 'web', { propagationPolicy: 'Foreground' })
    expect(api.get(deployments, 'default', 'web').metadata?.finalizers).toEqual(['foregroundDeletion'])
    api.delete(deployments, 'default', 'web', { propagationPolicy: 'Orphan' })
    expect(api.get(deployments, 'default', 'web').metadata?.finalizers).toEqual(['orphan'])
  })

  it('ends a namespace through its phase and the finalize subresource', () => {
    const { api } = tinyWorld()
    api.create('namespaces', { metadata: { name: 'shop' } })
    api.delete('namespaces', undefined, 'shop')
    expect(api.get('namespaces', undefined, 'shop')).toMatchObject({
      status: { phase: 'Terminating' },
      spec: { finalizers: ['kubernetes'] },
    })
    const late = refusal(() => api.create('configmaps', { metadata: { name: 'c', namespace: 'shop' } }))
    expect(late.message).toBe('configmaps "c" is forbidden: unable to create new content in namespace shop because it is being terminated')
    expect(late.status.details?.causes?.[0]?.reason).toBe('NamespaceTerminating')
    api.patch('namespaces', undefined, 'shop', { spec: { finalizers: null } }, { type: 'merge', subresource: 'finalize' })
    expect(api.find('namespaces', undefined, 'shop')).toBeUndefined()
    expect(refusal(() => api.delete('namespaces', undefined, 'default')).code).toBe(403)
  })
})

describe('service account admission', () => {
  it('mounts the projected token of the default account', () => {
    const { api } = tinyWorld()
    const made = api.create('pods', pod('web'))
    const volume = made.spec!.volumes![0]!
    expect(volume.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/)
    expect(volume.projected?.sources?.map((source) => Object.keys(source)[0])).toEqual(['serviceAccountToken', 'configMap', 'downwardAPI'])
    expect(made.spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default' })
    expect(made.spec!.containers[0]!.volumeMounts).toEqual([
      { name: volume.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ])
  })

  it('respects a refusal to mount, and refuses an account that is not there', () => {
    const { api } = tinyWorld()
    const bare = api.create('pods', pod('bare', { spec: { automountServiceAccountToken: false, containers: [{ name: 'a' }] } }))
    expect(bare.spec).not.toHaveProperty('volumes')
    expect(refusal(() => api.create('pods', pod('x', { spec: { serviceAccountName: 'nobody', containers: [] } }))).message).toBe(
      'pods "x" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found',
    )
  })
})

describe('watch', () => {
  it('delivers later, one event each, with selector transitions', () => {
    const { api, clock } = tinyWorld()
    api.create('pods', pod('a', { metadata: { name: 'a', namespace: 'default', labels: { app: 'web' } } }))
    const seen: string[] = []
    api.watch('pods', ({ type, object }) => seen.push(`${type} ${object.metadata?.name}`), { initial: true, labelSelector: 'app=web' })
    api.create('pods', pod('b'))
    const label = (name: string, value: string | null) =>
      api.patch('pods', 'default', name, { metadata: { labels: { app: value } } }, { type: 'merge' })
    label('b', 'web')
    label('b', null)
    api.delete('pods', 'default', 'a')
    expect(seen).toEqual([])
    clock.settle()
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'DELETED b', 'DELETED a'])
  })

  it('tells every watcher a story that rebuilds the list', () => {
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), act: fc.constantFrom('make', 'web', 'db', 'drop') })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(30), (steps, start) => {
        const { api, clock } = tinyWorld()
        const state = new Map<string, KubeObject>()
        const act = ({ name, act }: (typeof steps)[number]) => {
          const exists = api.find('configmaps', 'default', name) !== undefined
          if (act === 'make' && !exists) api.create('configmaps', { metadata: { name, namespace: 'default' } })
          else if (act === 'drop' && exists) api.delete('configmaps', 'default', name)
          else if (exists) api.patch('configmaps', 'default', name, { metadata: { labels: { app: act } } }, { type: 'merge' })
        }
        steps.slice(0, start).forEach(act)
        api.watch(
          'configmaps',
          ({ type, object }) => {
            expect(state.has(object.metadata!.name!)).toBe(type !== 'ADDED')
            if (type === 'DELETED') state.delete(object.metadata!.name!)
            else state.set(object.metadata!.name!, object)
          },
          { initial: true, labelSelector: 'app=web' },
        )
        steps.slice(start).forEach(act)
        clock.settle()
        expect([...state.values()].sort((a, b) => (a.metadata!.name! < b.metadata!.name! ? -1 : 1))).toEqual(
          api.list('configmaps', { labelSelector: 'app=web' }),
        )
      }),
      { numRuns: 60 },
    )
  })
})

describe('selectors', () => {
  it.each([
    ['app=web', ['a', 'b']],
    ['app==web,tier!=db', ['b']],
    ['tier', ['a', 'c']],
    ['!tier', ['b']],
    ['app in (web, x)', ['a', 'b']],
    ['tier notin (db)', ['b', 'c']],
    ['', ['a', 'b', 'c']],
  ])('%s', (labelSelector, names) => {
    const { api } = tinyWorld()
    const labels: Record<string, Record<string, string>> = { a: { app: 'web', tier: 'db' }, b: { app: 'web' }, c: { tier: 'web' } }
    for (const [name, each] of Object.entries(labels)) api.create('configmaps', { metadata: { name, namespace: 'default', labels: each } })
    expect(api.list('configmaps', { labelSelector }).map((object) => object.metadata?.name)).toEqual(names)
  })

  it('selects by fields that the kind offers', () => {
    const { api } = tinyWorld()
    api.create('pods', pod('a'))
    api.create('pods', pod('b'))
    api.bind('default', 'b', 'worker')
    expect(api.list('pods', { fieldSelector: 'spec.nodeName=worker' })).toHaveLength(1)
    expect(api.list('pods', { fieldSelector: 'spec.nodeName!=worker,metadata.name=a' })).toHaveLength(1)
    expect(refusal(() => api.list('pods', { fieldSelector: 'foo=bar' })).message).toBe('field label not supported: foo')
  })
})

describe('server-side apply', () => {
  const apply = (api: ReturnType<typeof tinyWorld>['api'], fieldManager: string, body: unknown, force = false) =>
    api.patch<any>(deployments, 'default', 'web', body, { type: 'apply', fieldManager, force })
  const applied = (replicas?: number, image = 'nginx') => {
    const whole = deployment('web')
    const spec: Record<string, unknown> = { ...whole.spec, template: { spec: { containers: [{ name: 'app', image }] } } }
    if (replicas === undefined) delete spec.replicas
    else spec.replicas = replicas
    return { ...whole, spec }
  }

  it('creates, and is idempotent', () => {
    const { api, store } = tinyWorld()
    const made = apply(api, 'one', applied(2))
    expect(made.metadata.managedFields[0]).toMatchObject({
      manager: 'one',
      operation: 'Apply',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    })
    const { revision } = store
    apply(api, 'one', applied(2))
    expect(store.revision).toBe(revision)
  })

  it('conflicts in the real words, unless forced', () => {
    const { api } = tinyWorld()
    apply(api, 'one', applied(2))
    const refused = refusal(() => apply(api, 'two', applied(3)))
    expect(refused.message).toBe('Apply failed with 1 conflict: conflict with "one": .spec.replicas')
    expect(refused.status.details?.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' },
    ])
    expect(apply(api, 'two', applied(3), true).spec.replicas).toBe(3)
    // The image is owned by both by now, so each alone may not change it.
    expect(refusal(() => apply(api, 'one', applied(2, 'httpd'))).message).toBe(
      'Apply failed with 2 conflicts: conflicts with "two":\n- .spec.replicas\n- .spec.template.spec.containers[name="app"].image',
    )
  })

  it('removes what its manager no longer names and nobody else owns', () => {
    const { api } = tinyWorld()
    const body = applied(2)
    apply(api, 'one', { ...body, metadata: { ...body.metadata, labels: { mine: '1', shared: '1' } } })
    apply(api, 'two', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', labels: { shared: '1' } } })
    const after = apply(api, 'one', { ...body, metadata: { ...body.metadata, labels: {} } })
    expect(after.metadata.labels).toEqual({ shared: '1' })
  })

  it('sees ordinary updates as owners', () => {
    const { api } = tinyWorld()
    apply(api, 'one', applied(2))
    const live = api.get<any>(deployments, 'default', 'web')
    api.update(deployments, { ...live, spec: { ...live.spec, replicas: 5 } })
    expect(refusal(() => apply(api, 'one', applied(2))).message).toBe(
      'Apply failed with 1 conflict: conflict with "kubernetes-admin" using apps/v1: .spec.replicas',
    )
  })

  it('wants a name for the manager', () => {
    const { api } = tinyWorld()
    expect(refusal(() => apply(api, '', applied(1))).code).toBe(422)
  })
})
