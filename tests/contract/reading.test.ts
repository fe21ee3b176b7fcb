import * as k8s from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, clusterUnderTest, until } from './cluster.ts'
import { configMap, sleeper } from './objects.ts'

let cluster: ClusterUnderTest
let ns: string
let maps: string
beforeAll(async () => {
  cluster = await clusterUnderTest()
  ns = await cluster.namespace()
  maps = `/api/v1/namespaces/${ns}/configmaps`
  for (let i = 0; i < 7; i++)
    await request('POST', maps, configMap(`m${i}`, { i: String(i) }, { parity: i % 2 ? 'odd' : 'even', ...(i > 4 && { late: '' }) }))
})
afterAll(() => cluster.close())

const request = (...given: Parameters<ClusterUnderTest['request']>) => cluster.request(...given)
const names = (list: any): string[] =>
  list.items.map(({ metadata }: any) => metadata.name).filter((name: string) => name !== 'kube-root-ca.crt')

describe('lists', () => {
  it('carry a revision, their kind, and items in order', async () => {
    const { json } = await request('GET', maps)
    expect(json).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: expect.stringMatching(/^\d+$/) } })
    expect(names(json)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6'])
  })
  it.each([
    ['parity=odd', ['m1', 'm3', 'm5']],
    ['parity!=odd,parity', ['m0', 'm2', 'm4', 'm6']],
    ['parity in (odd,even),!late', ['m0', 'm1', 'm2', 'm3', 'm4']],
    ['late', ['m5', 'm6']],
    ['parity notin (odd),late', ['m6']],
    ['parity=none', []],
  ])('of the label selector %s', async (selector, expected) => {
    expect(names((await request('GET', `${maps}?labelSelector=${encodeURIComponent(selector)}`)).json)).toEqual(expected)
  })
  it('refuse a broken label selector', async () => {
    expect((await request('GET', `${maps}?labelSelector=${encodeURIComponent('a in (')}`)).json).toMatchObject({
      code: 400,
      reason: 'BadRequest',
    })
  })
  it('of a field selector', async () => {
    expect(names((await request('GET', `${maps}?fieldSelector=metadata.name=m3`)).json)).toEqual(['m3'])
    expect((await request('GET', `${maps}?fieldSelector=data.i=3`)).json.code).toBe(400)
  })
  it('in pages are the whole', async () => {
    const seen: string[] = []
    let token = ''
    do {
      const { json } = await request('GET', `${maps}?limit=3&continue=${token}`)
      expect(json.items.length).toBeLessThanOrEqual(3)
      if (json.metadata.continue) expect(json.metadata.remainingItemCount).toBeGreaterThan(0)
      seen.push(...names(json))
      token = json.metadata.continue ?? ''
    } while (token)
    expect(seen).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6'])
  })
  it('in pages show one revision, whatever is written meanwhile', async () => {
    const first = (await request('GET', `${maps}?limit=2&labelSelector=parity`)).json
    await request('POST', maps, configMap('m9', {}, { parity: 'odd' }))
    const rest = (await request('GET', `${maps}?limit=100&labelSelector=parity&continue=${first.metadata.continue}`)).json
    await request('DELETE', `${maps}/m9`)
    expect([...names(first), ...names(rest)]).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6'])
    expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  })
  it('refuse a continue token that is none', async () => {
    expect((await request('GET', `${maps}?limit=1&continue=nonsense`)).json).toMatchObject({ code: 400, reason: 'BadRequest' })
  })
  it('cannot show what is still to come', async () => {
    const { metadata } = (await request('GET', maps)).json
    const far = String(Number(metadata.resourceVersion) + 10_000_000)
    expect((await request('GET', `${maps}?resourceVersion=${far}`)).json).toMatchObject({ code: 504, reason: 'Timeout' })
  })
  it('become tables', async () => {
    const { json } = await request('GET', `/api/v1/namespaces/${ns}/pods`, undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    })
    expect(json).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' })
    expect(json.columnDefinitions.slice(0, 5).map(({ name }: any) => name)).toEqual(['Name', 'Ready', 'Status', 'Restarts', 'Age'])
  })
  it('become metadata alone', async () => {
    const { json } = await request('GET', maps, undefined, { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' })
    expect(json.kind).toBe('PartialObjectMetadataList')
    expect(json.items[0].data).toBeUndefined()
  })
})

describe('watches', () => {
  /** Events of a watch from `resourceVersion` until `count` came. */
  async function watched(
    query: Record<string, unknown>,
    count: number,
    act: () => Promise<void> = async () => {},
  ): Promise<[string, any][]> {
    const seen: [string, any][] = []
    const ended = deferred()
    const controller = await new k8s.Watch(cluster.config).watch(
      maps,
      { timeoutSeconds: 20, ...query },
      (type, object) => {
        seen.push([type, object])
        if (seen.length >= count) ended.resolve()
      },
      () => ended.resolve(),
    )
    await act()
    await ended.promise
    controller.abort()
    return seen
  }
  const story = (events: [string, any][]) => events.map(([type, object]) => `${type} ${object.metadata?.name ?? object.reason}`)
  const newest = async () => (await request('GET', maps)).json.metadata.resourceVersion as string

  it('tell what happens after a revision, in order', async () => {
    const resourceVersion = await newest()
    const events = await watched({ resourceVersion }, 3, async () => {
      await request('POST', maps, configMap('w1'))
      await request('PATCH', `${maps}/w1`, { data: { a: '2' } }, { 'content-type': 'application/merge-patch+json' })
      await request('DELETE', `${maps}/w1`)
    })
    expect(story(events)).toEqual(['ADDED w1', 'MODIFIED w1', 'DELETED w1'])
    const versions = events.map(([, object]) => Number(object.metadata.resourceVersion))
    expect(versions).toEqual([...versions].sort((a, b) => a - b))
  })
  it('tell the past again', async () => {
    const resourceVersion = await newest()
    await request('POST', maps, configMap('w2'))
    await request('DELETE', `${maps}/w2`)
    expect(story(await watched({ resourceVersion }, 2))).toEqual(['ADDED w2', 'DELETED w2'])
  })
  it('without a revision begin with what is there', async () => {
    expect(story(await watched({ labelSelector: 'late' }, 2))).toEqual(['ADDED m5', 'ADDED m6'])
  })
  it('of a selector show what comes into view as added and what leaves as deleted', async () => {
    const resourceVersion = await newest()
    const label = (value: string | null) =>
      request('PATCH', `${maps}/m0`, { metadata: { labels: { seen: value } } }, { 'content-type': 'application/merge-patch+json' })
    const events = await watched({ resourceVersion, labelSelector: 'seen=yes' }, 2, async () => {
      await label('yes')
      await label(null)
    })
    expect(story(events)).toEqual(['ADDED m0', 'DELETED m0'])
  })
  it('stream a list that ends in a bookmark', async () => {
    const events = await watched(
      { sendInitialEvents: true, allowWatchBookmarks: true, resourceVersionMatch: 'NotOlderThan', labelSelector: 'late' },
      3,
    )
    expect(story(events.slice(0, 2))).toEqual(['ADDED m5', 'ADDED m6'])
    expect(events[2]).toMatchObject(['BOOKMARK', { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } }])
  })
  it('end in time', async () => {
    const { status } = await request('GET', `${maps}?watch=true&timeoutSeconds=1&resourceVersion=${await newest()}`)
    expect(status).toBe(200)
  })
  it('from a revision that is long gone answer 410', async () => {
    const { status, json, text } = await request('GET', `${maps}?watch=true&timeoutSeconds=2&resourceVersion=1`)
    const error = status === 410 ? json : JSON.parse(text.split('\n')[0]!).object
    expect(error).toMatchObject({ code: 410, reason: 'Expired' })
  })
  it('feed an informer', async () => {
    const informer = k8s.makeInformer(cluster.config, maps, () => cluster.core.listNamespacedConfigMap({ namespace: ns }))
    const added = new Set<string>()
    informer.on('add', ({ metadata }) => added.add(metadata!.name!))
    await informer.start()
    await until(async () => added.size >= 7, 'the informer to sync')
    await request('POST', maps, configMap('late-comer'))
    await until(async () => added.has('late-comer'), 'the informer to follow')
    await informer.stop()
  })
})

describe('discovery', () => {
  it('names versions, groups and resources', async () => {
    expect((await request('GET', '/api')).json).toMatchObject({ kind: 'APIVersions', versions: ['v1'] })
    const groups = (await request('GET', '/apis')).json.groups.map(({ name }: any) => name)
    for (const group of ['apps', 'batch', 'networking.k8s.io', 'rbac.authorization.k8s.io', 'policy', 'discovery.k8s.io'])
      expect(groups).toContain(group)
    const resources = (await request('GET', '/api/v1')).json.resources
    expect(resources.find(({ name }: any) => name === 'pods')).toMatchObject({
      kind: 'Pod',
      namespaced: true,
      shortNames: ['po'],
      categories: ['all'],
    })
    for (const name of ['pods/log', 'pods/exec', 'pods/eviction', 'pods/status'])
      expect(resources.map((one: any) => one.name)).toContain(name)
  })
  it('comes aggregated', async () => {
    const { json } = await request('GET', '/apis', undefined, {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    })
    const apps = json.items.find(({ metadata }: any) => metadata.name === 'apps')
    const deployments = apps.versions[0].resources.find(({ resource }: any) => resource === 'deployments')
    expect(deployments.subresources.map(({ subresource }: any) => subresource).sort()).toEqual(['scale', 'status'])
  })
  it('says its version and that it is ready', async () => {
    expect((await request('GET', '/version')).json.gitVersion).toMatch(/^v1\.\d+\.\d+/)
    expect((await request('GET', '/readyz')).text).toBe('ok')
  })
  it('does not find kinds, groups and paths that are not there', async () => {
    for (const path of ['/api/v1/nonsense', '/apis/nonsense.example/v1', '/apis/apps/v1/nonsense', '/nonsense'])
      expect((await request('GET', path)).status).toBe(404)
  })
  it('does not allow what no resource does', async () => {
    expect((await request('PATCH', maps, {}, { 'content-type': 'application/merge-patch+json' })).json).toMatchObject({
      code: 405,
      reason: 'MethodNotAllowed',
    })
  })
})

describe('access', () => {
  const as = (user: string, ...groups: string[]) => ({
    'impersonate-user': user,
    ...(groups.length > 0 && { 'impersonate-group': groups.join(',') }),
  })
  it('forbids what nobody allowed, in the real words', async () => {
    expect((await request('GET', maps, undefined, as('jane'))).json).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: `configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "${ns}"`,
    })
  })
  it('allows what a Role and its binding say, and no more', async () => {
    await cluster.rbac.createNamespacedRole({
      namespace: ns,
      body: { metadata: { name: 'reader' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] }] },
    })
    await cluster.rbac.createNamespacedRoleBinding({
      namespace: ns,
      body: {
        metadata: { name: 'reader' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
        subjects: [{ kind: 'User', name: 'joe', apiGroup: 'rbac.authorization.k8s.io' }],
      },
    })
    await until(async () => (await request('GET', maps, undefined, as('joe'))).status === 200, 'the binding to count')
    expect((await request('DELETE', `${maps}/m0`, undefined, as('joe'))).status).toBe(403)
    expect((await request('GET', '/api/v1/namespaces/kube-system/configmaps', undefined, as('joe'))).status).toBe(403)
  })
  it('keeps a roleRef', async () => {
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/rolebindings/reader`
    const binding = (await request('GET', path)).json
    const answer = await request('PUT', path, { ...binding, roleRef: { ...binding.roleRef, name: 'other' } })
    expect(answer.json.message).toMatch(/roleRef: Invalid value: .*cannot change roleRef/)
  })
  it('answers who one is and what one may', async () => {
    const review = await request(
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      as('joe'),
    )
    expect(review.json.status.userInfo.username).toBe('joe')
    const may = async (verb: string) =>
      (
        await request(
          'POST',
          '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
          {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes: { namespace: ns, verb, resource: 'configmaps' } },
          },
          as('joe'),
        )
      ).json.status.allowed
    expect([await may('get'), await may('delete')]).toEqual([true, false])
  })
  it('lets nobody give rights that they do not have', async () => {
    const escalator = {
      metadata: { name: 'escalator' },
      rules: [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create'] }],
    }
    await cluster.rbac.createNamespacedRole({ namespace: ns, body: escalator })
    await cluster.rbac.createNamespacedRoleBinding({
      namespace: ns,
      body: {
        metadata: { name: 'escalator' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'escalator' },
        subjects: [{ kind: 'User', name: 'eve', apiGroup: 'rbac.authorization.k8s.io' }],
      },
    })
    const role = { metadata: { name: 'much' }, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }] }
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/roles`
    let answer = await request('POST', path, role, as('eve'))
    await until(
      async () =>
        (answer = await request('POST', path, role, as('eve'))).text.includes('attempting to grant RBAC permissions not currently held'),
      'the escalation check',
    )
    expect(answer.status).toBe(403)
  })
})

describe('admission', () => {
  it('counts against a quota', async () => {
    const place = await cluster.namespace()
    await cluster.core.createNamespacedResourceQuota({
      namespace: place,
      body: { metadata: { name: 'few' }, spec: { hard: { 'count/configmaps': '3' } } },
    })
    const path = `/api/v1/namespaces/${place}/configmaps`
    await until(
      async () => (await request('GET', `/api/v1/namespaces/${place}/resourcequotas/few`)).json.status?.used !== undefined,
      'the quota to be counted',
    )
    let refused: any
    for (let i = 0; i < 5 && !refused; i++) {
      const { status, json } = await request('POST', path, configMap(`q${i}`))
      if (status !== 201) refused = json
    }
    expect(refused).toMatchObject({ code: 403, reason: 'Forbidden' })
    expect(refused.message).toMatch(
      /exceeded quota: few, requested: count\/configmaps=1, used: count\/configmaps=3, limited: count\/configmaps=3/,
    )
  })
  it('gives containers the defaults of a LimitRange, and refuses what is above its maximum', async () => {
    const place = await cluster.namespace()
    const limits = [{ type: 'Container', _default: { cpu: '200m' }, defaultRequest: { cpu: '100m' }, max: { cpu: '1' } }]
    await cluster.core.createNamespacedLimitRange({ namespace: place, body: { metadata: { name: 'range' }, spec: { limits } } })
    const path = `/api/v1/namespaces/${place}/pods?dryRun=All`
    await until(
      async () => (await request('POST', path, sleeper('a'))).json.spec.containers[0].resources?.limits?.cpu === '200m',
      'the limit range to count',
    )
    const big = sleeper('big', { containers: [{ name: 'a', image: 'busybox:1.36', resources: { limits: { cpu: '2' } } }] })
    expect((await request('POST', path, big)).json.message).toMatch(/maximum cpu usage per Container is 1, but limit is 2/)
  })
  it('refuses a pod whose ServiceAccount is not there', async () => {
    const answer = await request('POST', `/api/v1/namespaces/${ns}/pods`, sleeper('nobody', { serviceAccountName: 'nobody' }))
    expect(answer.json.message).toMatch(/error looking up service account .*\/nobody: serviceaccount "nobody" not found/)
  })
})

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
