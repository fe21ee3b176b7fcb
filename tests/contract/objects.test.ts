import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, clusterUnderTest, until } from './cluster.ts'
import { configMap, deployment, sleeper } from './objects.ts'

let cluster: ClusterUnderTest
let ns: string
let maps: string
let pods: string
let deployments: string
beforeAll(async () => {
  cluster = await clusterUnderTest()
  ns = await cluster.namespace()
  maps = `/api/v1/namespaces/${ns}/configmaps`
  pods = `/api/v1/namespaces/${ns}/pods`
  deployments = `/apis/apps/v1/namespaces/${ns}/deployments`
})
afterAll(() => cluster.close())

const request = (...given: Parameters<ClusterUnderTest['request']>) => cluster.request(...given)
const patch = (path: string, type: string, body: unknown) => request('PATCH', path, body, { 'content-type': `application/${type}` })
const made = async (path: string, body: unknown) => {
  const answer = await request('POST', path, body)
  expect(answer.status, answer.text).toBe(201)
  return answer.json
}

describe('create, read, update, delete', () => {
  it('gives an object its identity', async () => {
    const { metadata, kind, apiVersion } = await made(maps, configMap('identity'))
    expect({ kind, apiVersion }).toEqual({ kind: 'ConfigMap', apiVersion: 'v1' })
    expect(metadata).toMatchObject({
      name: 'identity',
      namespace: ns,
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      resourceVersion: expect.stringMatching(/^\d+$/),
    })
    expect(metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })
  it('refuses a second one of the same name', async () => {
    await made(maps, configMap('twice'))
    expect((await request('POST', maps, configMap('twice'))).json).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "twice" already exists',
    })
  })
  it('does not find what is not there', async () => {
    expect((await request('GET', `${maps}/missing`)).json).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      code: 404,
      reason: 'NotFound',
      message: 'configmaps "missing" not found',
      details: { name: 'missing', kind: 'configmaps' },
    })
  })
  it('refuses an object in a namespace that is not there', async () => {
    expect((await request('POST', '/api/v1/namespaces/no-such-place/configmaps', configMap('x'))).json).toMatchObject({
      code: 404,
      message: 'namespaces "no-such-place" not found',
    })
  })
  it('refuses a namespace in the body that is not the path’s', async () => {
    const body = { ...configMap('x'), metadata: { name: 'x', namespace: 'other' } }
    expect((await request('POST', maps, body)).json).toMatchObject({
      code: 400,
      message: 'the namespace of the provided object does not match the namespace sent on the request',
    })
  })
  it('generates names', async () => {
    const { metadata } = await made(maps, { metadata: { generateName: 'gen-' } })
    expect(metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  })
  it('refuses names that no DNS label can be', async () => {
    const answer = await request('POST', maps, configMap('Not_A_Name'))
    expect(answer.json).toMatchObject({ code: 422, reason: 'Invalid' })
    expect(answer.json.message).toMatch(
      /^ConfigMap "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of/,
    )
  })
  it('wants a name', async () => {
    const answer = await request('POST', maps, { data: {} })
    expect(answer.json.code).toBe(422)
    expect(answer.json.message).toContain('name or generateName is required')
  })
  it('replaces with the newest version only', async () => {
    const first = await made(maps, configMap('versions'))
    const second = await request('PUT', `${maps}/versions`, { ...first, data: { a: '2' } })
    expect(second.status).toBe(200)
    expect(second.json.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion)
    expect((await request('PUT', `${maps}/versions`, { ...first, data: { a: '3' } })).json).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "versions": the object has been modified; please apply your changes to the latest version and try again',
    })
  })
  it('writes nothing for a replacement that changes nothing', async () => {
    const first = await made(maps, configMap('same'))
    expect((await request('PUT', `${maps}/same`, first)).json.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  })
  it('does not create by PUT what POST must create', async () => {
    expect((await request('PUT', `${maps}/put-only`, configMap('put-only'))).status).toBe(404)
  })
  it('refuses another name in the body than in the path', async () => {
    await made(maps, configMap('path-name'))
    expect((await request('PUT', `${maps}/path-name`, configMap('other'))).json.message).toMatch(
      /the name of the object \(other.*\) does not match the name on the URL \(path-name.*\)/,
    )
  })
  it('refuses a resourceVersion on create', async () => {
    const answer = await request('POST', maps, { ...configMap('rv'), metadata: { name: 'rv', resourceVersion: '1' } })
    expect(answer.json.message).toBe('resourceVersion should not be set on objects to be created')
  })
  it('keeps an immutable ConfigMap', async () => {
    await made(maps, { ...configMap('stone'), immutable: true })
    const answer = await patch(`${maps}/stone`, 'merge-patch+json', { data: { a: '2' } })
    expect(answer.json.message).toContain('data: Forbidden: field is immutable when `immutable` is set')
  })
  it('stores stringData of a Secret as data', async () => {
    const secret = await made(`/api/v1/namespaces/${ns}/secrets`, { metadata: { name: 'key' }, stringData: { token: 'abc' } })
    expect(secret).toMatchObject({ type: 'Opaque', data: { token: 'YWJj' } })
    expect(secret.stringData).toBeUndefined()
  })
  it('raises the generation for the spec, not for labels or status', async () => {
    const { metadata } = await made(deployments, deployment('generations', 0))
    expect(metadata.generation).toBe(1)
    expect(
      (await patch(`${deployments}/generations`, 'merge-patch+json', { metadata: { labels: { a: 'b' } } })).json.metadata.generation,
    ).toBe(1)
    expect((await patch(`${deployments}/generations`, 'merge-patch+json', { spec: { minReadySeconds: 1 } })).json.metadata.generation).toBe(
      2,
    )
  })
})

describe('dry run', () => {
  it('answers as if, and stores nothing', async () => {
    const answer = await request('POST', `${maps}?dryRun=All`, configMap('dry'))
    expect(answer.status).toBe(201)
    expect(answer.json.metadata.uid).toBeDefined()
    expect((await request('GET', `${maps}/dry`)).status).toBe(404)
  })
  it('of a deletion deletes nothing', async () => {
    await made(maps, configMap('stays'))
    expect((await request('DELETE', `${maps}/stays?dryRun=All`)).status).toBe(200)
    expect((await request('GET', `${maps}/stays`)).status).toBe(200)
  })
  it('knows only All', async () => {
    expect((await request('POST', `${maps}?dryRun=Some`, configMap('dry'))).json).toMatchObject({ code: 422, reason: 'Invalid' })
  })
})

describe('patches', () => {
  it('by JSON patch', async () => {
    await made(maps, configMap('json', { a: '1', b: '2' }))
    const operations = [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '9' },
      { op: 'remove', path: '/data/b' },
      { op: 'add', path: '/data/c', value: '3' },
    ]
    expect((await patch(`${maps}/json`, 'json-patch+json', operations)).json.data).toEqual({ a: '9', c: '3' })
  })
  it('by JSON patch, all or nothing', async () => {
    await made(maps, configMap('atomic'))
    const answer = await patch(`${maps}/atomic`, 'json-patch+json', [
      { op: 'add', path: '/data/x', value: '1' },
      { op: 'test', path: '/data/a', value: 'no' },
    ])
    expect(answer.status).toBe(422)
    expect((await request('GET', `${maps}/atomic`)).json.data).toEqual({ a: '1' })
  })
  it('by merge patch, where null removes', async () => {
    await made(maps, configMap('merge', { a: '1', b: '2' }))
    expect((await patch(`${maps}/merge`, 'merge-patch+json', { data: { a: null, c: '3' } })).json.data).toEqual({ b: '2', c: '3' })
  })
  it('by strategic merge patch, where containers merge by name', async () => {
    await made(deployments, deployment('strategic', 0))
    const answer = await patch(`${deployments}/strategic`, 'strategic-merge-patch+json', {
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'web', image: 'nginx:1.28-alpine' },
              { name: 'side', image: 'busybox:1.36' },
            ],
          },
        },
      },
    })
    const { containers } = answer.json.spec.template.spec
    expect(containers.map(({ name, image }: any) => [name, image]).sort()).toEqual([
      ['side', 'busybox:1.36'],
      ['web', 'nginx:1.28-alpine'],
    ])
    expect(containers.find(({ name }: any) => name === 'web').ports).toHaveLength(1)
  })
  it('by merge patch replace lists', async () => {
    await made(deployments, deployment('lists', 0))
    const answer = await patch(`${deployments}/lists`, 'merge-patch+json', {
      spec: { template: { spec: { containers: [{ name: 'only', image: 'busybox:1.36' }] } } },
    })
    expect(answer.json.spec.template.spec.containers.map(({ name }: any) => name)).toEqual(['only'])
  })
  it('of an unknown media type are refused', async () => {
    expect((await patch(`${maps}/identity`, 'json', {})).json).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' })
  })
  it('with a stale resourceVersion conflict', async () => {
    const { metadata } = await made(maps, configMap('stale'))
    await patch(`${maps}/stale`, 'merge-patch+json', { data: { a: '2' } })
    expect(
      (await patch(`${maps}/stale`, 'merge-patch+json', { metadata: { resourceVersion: metadata.resourceVersion }, data: { a: '3' } })).json
        .reason,
    ).toBe('Conflict')
  })
})

describe('server-side apply', () => {
  it('names a controller by its program, as conflicts do', async () => {
    const { metadata } = (await request('GET', `${maps}/kube-root-ca.crt`)).json
    expect(metadata.managedFields.map(({ manager }: { manager: string }) => manager)).toEqual(['kube-controller-manager'])
  })
  const apply = (name: string, manager: string, data: unknown, more = '') =>
    patch(`${maps}/${name}?fieldManager=${manager}${more}`, 'apply-patch+yaml', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data,
    })
  it('creates, records its owner, and is idempotent', async () => {
    const first = await apply('ssa', 'one', { a: '1' })
    expect(first.status).toBe(201)
    expect(first.json.metadata.managedFields).toMatchObject([
      { manager: 'one', operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:a': {} } } },
    ])
    const again = await apply('ssa', 'one', { a: '1' })
    expect(again.status).toBe(200)
    expect(again.json.metadata.resourceVersion).toBe(first.json.metadata.resourceVersion)
  })
  it('conflicts with another owner, unless forced', async () => {
    await apply('fight', 'one', { a: '1' })
    const refused = await apply('fight', 'two', { a: '2' })
    expect(refused.json).toMatchObject({ code: 409, reason: 'Conflict' })
    expect(refused.json.message).toMatch(/^Apply failed with 1 conflict: conflict with "one": \.data\.a$/)
    const forced = await apply('fight', 'two', { a: '2' }, '&force=true')
    expect(forced.json.data).toEqual({ a: '2' })
  })
  it('shares what both say alike', async () => {
    await apply('alike', 'one', { a: '1' })
    expect((await apply('alike', 'two', { a: '1' })).status).toBe(200)
  })
  it('removes what its owner no longer names', async () => {
    await apply('less', 'one', { a: '1', b: '2' })
    expect((await apply('less', 'one', { a: '1' })).json.data).toEqual({ a: '1' })
  })
  it('wants a field manager', async () => {
    const answer = await patch(`${maps}/nobody`, 'apply-patch+yaml', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'nobody' } })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.json.message).toContain('fieldManager')
  })
})

describe('deletion', () => {
  it('answers with a Status that names the object', async () => {
    const { metadata } = await made(maps, configMap('gone'))
    expect((await request('DELETE', `${maps}/gone`)).json).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'gone', kind: 'configmaps', uid: metadata.uid },
    })
  })
  it('waits for finalizers', async () => {
    await made(maps, { ...configMap('held'), metadata: { name: 'held', finalizers: ['example.com/hold'] } })
    await request('DELETE', `${maps}/held`)
    expect((await request('GET', `${maps}/held`)).json.metadata.deletionTimestamp).toBeDefined()
    await patch(`${maps}/held`, 'merge-patch+json', { metadata: { finalizers: null } })
    expect((await request('GET', `${maps}/held`)).status).toBe(404)
  })
  it('checks preconditions', async () => {
    await made(maps, configMap('sure'))
    const answer = await request('DELETE', `${maps}/sure`, {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      preconditions: { uid: '00000000-0000-0000-0000-000000000000' },
    })
    expect(answer.json).toMatchObject({ code: 409, reason: 'Conflict' })
  })
  it('of a collection takes those that the selector names', async () => {
    for (const name of ['c1', 'c2']) await made(maps, configMap(name, {}, { group: 'c' }))
    await made(maps, configMap('d1', {}, { group: 'd' }))
    expect((await request('DELETE', `${maps}?labelSelector=group=c`)).status).toBe(200)
    expect((await request('GET', `${maps}?labelSelector=group`)).json.items.map(({ metadata }: any) => metadata.name)).toEqual(['d1'])
  })
  it('in the background takes dependants along', async () => {
    const owner = await made(maps, configMap('owner'))
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }
    await made(maps, { ...configMap('dependant'), metadata: { name: 'dependant', ownerReferences: [reference] } })
    await request('DELETE', `${maps}/owner?propagationPolicy=Background`)
    await until(async () => (await request('GET', `${maps}/dependant`)).status === 404, 'the dependant to go')
  })
  it('orphans on request', async () => {
    const owner = await made(maps, configMap('parent'))
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'parent', uid: owner.metadata.uid }
    await made(maps, { ...configMap('orphan'), metadata: { name: 'orphan', ownerReferences: [reference] } })
    await request('DELETE', `${maps}/parent?propagationPolicy=Orphan`)
    await until(async () => (await request('GET', `${maps}/parent`)).status === 404, 'the parent to go')
    expect((await request('GET', `${maps}/orphan`)).json.metadata.ownerReferences).toBeUndefined()
  })
  it('in the foreground lets the owner go last', async () => {
    const owner = await made(maps, configMap('last'))
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'last', uid: owner.metadata.uid, blockOwnerDeletion: true }
    await made(maps, {
      ...configMap('blocks'),
      metadata: { name: 'blocks', ownerReferences: [reference], finalizers: ['example.com/hold'] },
    })
    await request('DELETE', `${maps}/last?propagationPolicy=Foreground`)
    expect((await request('GET', `${maps}/last`)).json.metadata.finalizers).toEqual(['foregroundDeletion'])
    await until(
      async () => Boolean((await request('GET', `${maps}/blocks`)).json.metadata.deletionTimestamp),
      'the dependant to be deleted',
    )
    expect((await request('GET', `${maps}/last`)).status).toBe(200)
    await patch(`${maps}/blocks`, 'merge-patch+json', { metadata: { finalizers: null } })
    await until(async () => (await request('GET', `${maps}/last`)).status === 404, 'the owner to go')
  })
  it('of a running pod is graceful, and answers with the pod', async () => {
    await made(pods, sleeper('graceful'))
    await until(async () => (await request('GET', `${pods}/graceful`)).json.status.phase === 'Running', 'the pod to run')
    const { json } = await request('DELETE', `${pods}/graceful`)
    expect(json).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 1 } })
    await until(async () => (await request('GET', `${pods}/graceful`)).status === 404, 'the pod to go')
  })
})

describe('validation and defaults', () => {
  it.each([
    ['a pod without containers', 'pods', { metadata: { name: 'bad' }, spec: {} }, /spec\.containers: Required value/],
    [
      'a container without an image',
      'pods',
      { metadata: { name: 'bad' }, spec: { containers: [{ name: 'a' }] } },
      /spec\.containers\[0\]\.image: Required value/,
    ],
    [
      'two containers of one name',
      'pods',
      {
        metadata: { name: 'bad' },
        spec: {
          containers: [
            { name: 'a', image: 'b' },
            { name: 'a', image: 'b' },
          ],
        },
      },
      /spec\.containers\[1\]\.name: Duplicate value: "a"/,
    ],
    [
      'a mount of no volume',
      'pods',
      { metadata: { name: 'bad' }, spec: { containers: [{ name: 'a', image: 'b', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] } },
      /spec\.containers\[0\]\.volumeMounts\[0\]\.name: Not found: "v"/,
    ],
    [
      'a request above its limit',
      'pods',
      {
        metadata: { name: 'bad' },
        spec: { containers: [{ name: 'a', image: 'b', resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] },
      },
      /spec\.containers\[0\]\.resources\.requests: Invalid value: "2": must be less than or equal to cpu limit of 1/,
    ],
    ['a Service without ports', 'services', { metadata: { name: 'bad' }, spec: {} }, /spec\.ports: Required value/],
    [
      'a node port out of range',
      'services',
      { metadata: { name: 'bad' }, spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] } },
      /spec\.ports\[0\]\.nodePort: Invalid value: 80: provided port is not in the valid range/,
    ],
    [
      'a Service name that begins with a digit',
      'services',
      { metadata: { name: '1bad' }, spec: { ports: [{ port: 80 }] } },
      /a DNS-1035 label must consist of/,
    ],
    [
      'a label value with a space',
      'configmaps',
      { metadata: { name: 'bad', labels: { a: 'b c' } } },
      /metadata\.labels: Invalid value: "b c": a valid label must be/,
    ],
  ])('refuses %s', async (_what, resource, body, sentence) => {
    const answer = await request('POST', `/api/v1/namespaces/${ns}/${resource}`, body)
    expect(answer.json).toMatchObject({ code: 422, reason: 'Invalid' })
    expect(answer.json.message).toMatch(sentence)
  })
  it('refuses a Deployment whose selector is not its template’s', async () => {
    const body = deployment('bad', 1, { selector: { matchLabels: { app: 'other' } } })
    expect((await request('POST', deployments, body)).json.message).toMatch(
      /spec\.template\.metadata\.labels: Invalid value: .*`selector` does not match template `labels`/,
    )
  })
  it('refuses another selector for a Deployment', async () => {
    await made(deployments, deployment('fixed', 0))
    const answer = await patch(`${deployments}/fixed`, 'merge-patch+json', {
      spec: { selector: { matchLabels: { b: 'c' } }, template: { metadata: { labels: { b: 'c' } } } },
    })
    expect(answer.json.message).toMatch(/spec\.selector: Invalid value: .*field is immutable/)
  })
  it('refuses a value of another type at the door', async () => {
    const answer = await request('POST', deployments, { ...deployment('typed'), spec: { ...deployment('typed').spec, replicas: 'two' } })
    expect(answer.json).toMatchObject({ code: 400, reason: 'BadRequest' })
    expect(answer.json.message).toMatch(/cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32/)
  })
  it('warns of unknown fields, and refuses them when asked to', async () => {
    const body = { ...configMap('odd'), datum: {} }
    expect((await request('POST', `${maps}?dryRun=All&fieldValidation=Warn`, body)).headers['warning']).toMatch(/unknown field \\"datum\\"/)
    expect((await request('POST', `${maps}?dryRun=All&fieldValidation=Strict`, body)).json.message).toMatch(
      /strict decoding error: unknown field "datum"/,
    )
    expect((await request('POST', `${maps}?dryRun=All&fieldValidation=Ignore`, body)).headers['warning']).toBeUndefined()
  })
  it('fills in the defaults of a pod', async () => {
    const { spec } = (
      await request('POST', `${pods}?dryRun=All`, { metadata: { name: 'plain' }, spec: { containers: [{ name: 'a', image: 'nginx' }] } })
    ).json
    expect(spec).toMatchObject({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
      serviceAccountName: 'default',
      enableServiceLinks: true,
    })
    expect(spec.containers[0]).toMatchObject({
      imagePullPolicy: 'Always',
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    })
    expect(spec.tolerations.map(({ key }: any) => key)).toEqual(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])
  })
  it('fills in the defaults of a Deployment and a Service', async () => {
    const { spec } = (await request('POST', `${deployments}?dryRun=All`, deployment('filled'))).json
    expect(spec).toMatchObject({
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    })
    const service = (
      await request('POST', `/api/v1/namespaces/${ns}/services?dryRun=All`, { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } })
    ).json
    expect(service.spec).toMatchObject({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
    })
    expect(service.spec.clusterIPs).toEqual([service.spec.clusterIP])
  })
})
