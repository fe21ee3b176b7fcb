import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KubeletApi, MessageSocket } from './api.ts'
import { conform } from './http/conform.ts'
import { deployment, pod, tinyWorld } from './testing/tiny-world.ts'

const table = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' }
const configMap = (name: string, data = {}) => ({ metadata: { name }, data })
const cms = '/api/v1/namespaces/default/configmaps'

async function lines(response: Response, count: number): Promise<any[]> {
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ''
  while (text.split('\n').length <= count) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

describe('documents', () => {
  it('announces its resources, legacy and aggregated', async () => {
    const { call } = tinyWorld()
    const core = await call('GET', '/api/v1')
    expect(core.json.resources.map((r: any) => r.name)).toEqual(
      expect.arrayContaining(['pods', 'pods/log', 'pods/exec', 'pods/status', 'configmaps', 'bindings']),
    )
    expect((await call('GET', '/apis')).json.groups.map((g: any) => g.name)).toEqual([
      'apps',
      'authentication.k8s.io',
      'authorization.k8s.io',
    ])
    const type = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const aggregated = await call('GET', '/apis', undefined, { Accept: `${type},application/json` })
    expect(aggregated.headers.get('content-type')).toBe(type)
    const scale = aggregated.json.items[0].versions[0].resources[0].subresources[0]
    expect(scale).toEqual({
      subresource: 'scale',
      responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
      verbs: ['get', 'patch', 'update'],
    })
    expect((await call('GET', '/apis/nope')).status).toBe(404)
  })

  it('answers version, health and OpenAPI', async () => {
    const { call } = tinyWorld()
    expect((await call('GET', '/version')).json).toMatchObject({ major: '1', minor: '34', gitVersion: 'v1.34.2' })
    expect((await call('GET', '/readyz')).text).toBe('ok')
    expect((await call('GET', '/livez?verbose')).text).toMatch(/^\[\+\]ping ok\n[\s\S]*livez check passed\n$/)
    const index = await call('GET', '/openapi/v3')
    const document = await call('GET', index.json.paths['apis/apps/v1'].serverRelativeURL)
    const patch = document.json.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'].patch
    expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' })
    expect(patch.parameters.map((p: any) => p.name)).toContain('fieldValidation')
  })

  it('wants to know who asks', async () => {
    const { call } = tinyWorld()
    const refused = await call('GET', '/api/v1/pods', undefined, { Authorization: 'Bearer nobody' })
    expect(refused).toMatchObject({ status: 401, json: { kind: 'Status', reason: 'Unauthorized', message: 'Unauthorized' } })
  })
})

describe('objects', () => {
  it('are created, read, replaced and deleted', async () => {
    const { call } = tinyWorld()
    const made = await call('POST', cms, configMap('a', { x: '1' }))
    expect(made).toMatchObject({ status: 201, json: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { namespace: 'default' } } })
    const put = await call('PUT', `${cms}/a`, { ...made.json, data: { x: '2' } })
    expect(put).toMatchObject({ status: 200, json: { data: { x: '2' } } })
    expect((await call('PUT', `${cms}/a`, { ...made.json, data: {} })).status).toBe(409)
    expect((await call('PUT', `${cms}/b`, made.json)).json.message).toBe(
      'the name of the object (a) does not match the name on the URL (b)',
    )
    expect((await call('DELETE', `${cms}/a`)).json).toMatchObject({ status: 'Success', details: { name: 'a', kind: 'configmaps' } })
    expect((await call('GET', `${cms}/a`)).json).toMatchObject({ code: 404, message: 'configmaps "a" not found' })
  })

  it('come in YAML, and leave with warnings', async () => {
    const { call } = tinyWorld()
    const yaml = 'metadata:\n  name: doc\ndata:\n  x: "1"\n'
    expect((await call('POST', cms, yaml, { 'Content-Type': 'application/yaml' })).json.data).toEqual({ x: '1' })
    const old = { ...deployment('old'), metadata: { name: 'old', labels: { old: 'yes' } } }
    const made = await call('POST', '/apis/apps/v1/namespaces/default/deployments', old)
    expect(made.headers.get('warning')).toBe('299 - "the label \\"old\\" is deprecated"')
  })

  it('are not written in a dry run', async () => {
    const { call, store } = tinyWorld()
    const { revision } = store
    expect((await call('POST', `${cms}?dryRun=All`, configMap('a'))).status).toBe(201)
    expect(store.revision).toBe(revision)
    expect((await call('POST', `${cms}?dryRun=Some`, configMap('a'))).status).toBe(422)
  })

  it('are patched in each of the four ways', async () => {
    const { call } = tinyWorld()
    const path = '/apis/apps/v1/namespaces/default/deployments/web'
    await call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web'))
    const patch = async (type: string, body: unknown, query = '') =>
      call('PATCH', path + query, body, { 'Content-Type': `application/${type}` })
    expect((await patch('json-patch+json', [{ op: 'replace', path: '/spec/replicas', value: 2 }])).json.spec.replicas).toBe(2)
    expect((await patch('merge-patch+json', { spec: { replicas: 3 } })).json.spec.replicas).toBe(3)
    const image = { spec: { template: { spec: { containers: [{ name: 'app', image: 'x' }] } } } }
    expect((await patch('strategic-merge-patch+json', image)).json.spec.template.spec.containers).toEqual([{ name: 'app', image: 'x' }])
    const applied = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { replicas: 7 } }
    expect((await patch('apply-patch+yaml', applied, '?fieldManager=me&force=true')).json.spec.replicas).toBe(7)
    expect((await patch('json', {})).status).toBe(415)
  })

  it('are held against the fields of their type', async () => {
    const { call } = tinyWorld()
    const path = '/apis/apps/v1/namespaces/default/deployments'
    const typo = {
      ...deployment('web'),
      spec: { ...deployment('web').spec, replicaz: 2, template: { spec: { containers: [{ name: 'app', imag: 'x' }] } } },
    }
    const strict = await call('POST', `${path}?fieldValidation=Strict`, typo)
    expect(strict).toMatchObject({
      status: 400,
      json: {
        message:
          'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].imag", unknown field "spec.replicaz"',
      },
    })
    const warned = await call('POST', path, typo)
    expect(warned.headers.get('warning')).toContain('unknown field \\"spec.replicaz\\"')
    expect(warned.json.spec).not.toHaveProperty('replicaz')
    const patch = { 'Content-Type': 'application/merge-patch+json' }
    expect((await call('PATCH', `${path}/web?fieldValidation=Strict`, { spec: { nope: 1 } }, patch)).json.message).toContain(
      'unknown field "spec.nope"',
    )
    expect((await call('PATCH', `${path}/web`, { spec: { replicas: 'two' } }, patch)).json.message).toMatch(
      /^ "" is invalid: patch: Invalid value: .*: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32$/,
    )
  })

  it('may say what they are inside another object', async () => {
    const { call } = tinyWorld()
    const path = '/apis/apps/v1/namespaces/default/deployments'
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec: {} }
    const set = { kind: 'StatefulSet', apiVersion: 'apps/v1', metadata: { name: 'db' }, spec: { volumeClaimTemplates: [claim] } }
    const { object, unknown } = conform({ group: 'apps', version: 'v1', kind: 'StatefulSet' }, set)
    expect([unknown, (object as any).spec.volumeClaimTemplates[0].kind]).toEqual([[], 'PersistentVolumeClaim'])
    const template = { ...deployment('web'), spec: { ...deployment('web').spec, kind: 'x' } }
    expect((await call('POST', `${path}?fieldValidation=Strict`, template)).json.message).toContain('unknown field "spec.kind"')
  })

  it('scale, and are evicted', async () => {
    const { call, api } = tinyWorld()
    await call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web'))
    const path = '/apis/apps/v1/namespaces/default/deployments/web/scale'
    expect((await call('GET', path)).json).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=web' } })
    const merge = { 'Content-Type': 'application/merge-patch+json' }
    expect((await call('PATCH', path, { spec: { replicas: 4 } }, merge)).json.spec).toEqual({ replicas: 4 })
    expect(api.get<any>('deployments.apps', 'default', 'web').spec.replicas).toBe(4)
    api.create('pods', pod('p'))
    expect((await call('POST', '/api/v1/namespaces/default/pods/p/eviction', { kind: 'Eviction', metadata: { name: 'p' } })).status).toBe(
      201,
    )
    expect(api.find('pods', 'default', 'p')).toBeUndefined()
  })
})

describe('bodies of the wrong type are refused in the words of Go', () => {
  const merge = { 'Content-Type': 'application/merge-patch+json' }
  const scale = '/apis/apps/v1/namespaces/default/deployments/web/scale'

  it('a Scale beyond 32 bits, which would make the object unreadable', async () => {
    const { call, api } = tinyWorld()
    await call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web'))
    const cannot = 'json: cannot unmarshal number 99999999999 into Go struct field ScaleSpec.spec.replicas of type int32'
    const put = await call('PUT', scale, { kind: 'Scale', metadata: { name: 'web' }, spec: { replicas: 99_999_999_999 } })
    expect([put.status, put.json.message]).toEqual([400, `Scale in version "v1" cannot be handled as a Scale: ${cannot}`])
    const patch = await call('PATCH', scale, { spec: { replicas: 99_999_999_999 } }, merge)
    expect([patch.status, patch.json.reason, patch.json.details.causes[0].field]).toEqual([422, 'Invalid', 'patch'])
    expect(patch.json.message).toMatch(/^ "" is invalid: patch: Invalid value: "\{.*\}": json: cannot unmarshal number 99999999999/)
    expect((await call('PATCH', scale, { spec: { replicas: 'many' } }, merge)).status).toBe(422)
    expect(api.get<any>('deployments.apps', 'default', 'web').spec.replicas ?? 1).toBe(1)
  })

  it('reviews and evictions', async () => {
    const { call, api } = tinyWorld()
    const review = await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: 'x' })
    expect([review.status, review.json.message]).toEqual([
      400,
      expect.stringContaining(
        'cannot unmarshal string into Go struct field SelfSubjectAccessReview.spec of type v1.SelfSubjectAccessReviewSpec',
      ),
    ])
    expect((await call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: 5 } })).status).toBe(400)
    api.create('pods', pod('p'))
    const eviction = await call('POST', '/api/v1/namespaces/default/pods/p/eviction', { metadata: { name: 'p' }, deleteOptions: 'x' })
    expect(eviction.status).toBe(400)
    expect(api.find('pods', 'default', 'p')).toBeDefined()
  })

  it('what is no object at all, and a map by the name of its field', async () => {
    const { call } = tinyWorld()
    const unrecognized = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: "
    const json = { 'Content-Type': 'application/json' }
    expect((await call('POST', cms, '', json)).json.message).toBe(`${unrecognized}unexpected end of JSON input (<empty>)`)
    expect((await call('POST', cms, '{"a":', json)).json.message).toBe(`${unrecognized}unexpected end of JSON input ({"a":)`)
    expect((await call('POST', cms, { metadata: { name: 'x' }, data: { 'a.b': 1 } })).json.message).toMatch(
      /cannot unmarshal number into Go struct field ConfigMap\.data of type string$/,
    )
  })
})

describe('lists', () => {
  it('come in pages that show one revision', async () => {
    const { call } = tinyWorld()
    for (let i = 0; i < 5; i++) await call('POST', cms, configMap(`c${i}`))
    const first = await call('GET', `${cms}?limit=2`)
    expect(first.json.metadata.remainingItemCount).toBe(3)
    await call('DELETE', `${cms}/c3`)
    await call('POST', cms, configMap('c31'))
    const seen = first.json.items.map((item: any) => item.metadata.name)
    let token = first.json.metadata.continue
    while (token) {
      const page = await call('GET', `${cms}?limit=2&continue=${token}`)
      expect(page.json.metadata.resourceVersion).toBe(first.json.metadata.resourceVersion)
      seen.push(...page.json.items.map((item: any) => item.metadata.name))
      token = page.json.metadata.continue
    }
    expect(seen).toEqual(['c0', 'c1', 'c2', 'c3', 'c4'])
    expect((await call('GET', `${cms}?continue=rubbish`)).status).toBe(400)
  })

  it('look back to an exact revision, and refuse one that is still to come', async () => {
    const { call } = tinyWorld()
    const then = (await call('GET', cms)).json.metadata.resourceVersion
    await call('POST', cms, configMap('a'))
    expect((await call('GET', `${cms}?resourceVersion=${then}&resourceVersionMatch=Exact`)).json.items).toEqual([])
    expect((await call('GET', `${cms}?resourceVersion=999`)).json).toMatchObject({
      code: 504,
      message: expect.stringContaining('Too large resource version: 999'),
    })
  })

  it('become tables and partial objects', async () => {
    const { call } = tinyWorld()
    await call('POST', '/api/v1/namespaces/default/pods', pod('p'))
    const rows = await call('GET', '/api/v1/pods', undefined, table)
    expect(rows.json).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      rows: [{ cells: ['p', 'Pending', '0s'], object: { kind: 'PartialObjectMetadata' } }],
    })
    expect(rows.json.columnDefinitions.map((c: any) => c.name)).toEqual(['Name', 'Status', 'Age'])
    expect((await call('GET', '/api/v1/pods?includeObject=None', undefined, table)).json.rows[0].object).toBeNull()
    expect((await call('GET', '/api/v1/pods?includeObject=Object', undefined, table)).json.rows[0].object.spec).toBeDefined()
    const partial = { Accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' }
    expect((await call('GET', '/api/v1/pods', undefined, partial)).json).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ metadata: { name: 'p' } }],
    })
  })

  it('are deleted as a collection', async () => {
    const { call, api } = tinyWorld()
    await call('POST', cms, { metadata: { name: 'a', labels: { x: 'y' } } })
    await call('POST', cms, configMap('b'))
    await call('DELETE', `${cms}?labelSelector=x%3Dy`)
    expect(api.list('configmaps').map((object) => object.metadata?.name)).toEqual(['b'])
  })
})

describe('watches', () => {
  it('replay, then follow, until the client goes', async () => {
    const { call, server, clock } = tinyWorld()
    await call('POST', cms, configMap('a'))
    const response = await server.fetch(new Request(`https://cluster.local${cms}?watch=true`))
    await call('POST', cms, configMap('b'))
    await call('DELETE', `${cms}/a`)
    clock.settle()
    const events = await lines(response, 3)
    expect(events.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED a', 'ADDED b', 'DELETED a'])
  })

  it('from a revision see exactly what came later; from one too old, 410', async () => {
    const { call, server, store, clock } = tinyWorld()
    await call('POST', cms, configMap('a'))
    const { revision } = store
    await call('POST', cms, configMap('b'))
    const response = await server.fetch(new Request(`https://cluster.local${cms}?watch=1&resourceVersion=${revision}`))
    await call('POST', cms, configMap('c'))
    clock.settle()
    expect((await lines(response, 2)).map(({ object }) => object.metadata.name)).toEqual(['b', 'c'])
    store.restore(store.snapshot(), 500)
    const gone = await server.fetch(new Request(`https://cluster.local${cms}?watch=1&resourceVersion=${revision}`))
    expect(await lines(gone, 1)).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }])
  })

  it('stream a list that ends in a bookmark, and end in time', async () => {
    const { call, server, time } = tinyWorld()
    await call('POST', cms, configMap('a'))
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=5'
    const response = await server.fetch(new Request(`https://cluster.local${cms}?${query}`))
    time.advance(5_000)
    const events = await lines(response, 99)
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK'])
    expect(events[1].object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' })
  })

  it('give table rows, the columns once', async () => {
    const { call, server } = tinyWorld()
    await call('POST', cms, configMap('a'))
    await call('POST', cms, configMap('b'))
    const response = await server.fetch(new Request(`https://cluster.local${cms}?watch=1`, { headers: table }))
    const events = await lines(response, 2)
    expect(events[0].object.columnDefinitions).toHaveLength(1)
    expect(events[1].object).toMatchObject({ columnDefinitions: null, rows: [{ cells: ['b'] }] })
  })
})

describe('logs', () => {
  const path = '/api/v1/namespaces/default/pods/p/log'

  it('stream as they are written, and are refused before they begin', async () => {
    let more!: (text: string) => Promise<void>
    let end!: () => void
    const world = tinyWorld({
      logs: async (_namespace, _pod, options, write) => {
        if (options.previous) throw Object.assign(new Error('previous terminated container "app" in pod "p" not found'))
        await write('one\n')
        more = write
        await new Promise<void>((resolve) => {
          end = resolve
        })
      },
    })
    world.api.create('pods', pod('p'))
    expect(await world.call('GET', path)).toMatchObject({ status: 200, text: '' })
    world.api.bind('default', 'p', 'worker')
    const response = await world.server.fetch(new Request(`https://cluster.local${path}?follow=true`))
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('one\n')
    void more('two\n')
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('two\n')
    end()
    expect((await reader.read()).done).toBe(true)
    expect((await world.call('GET', `${path}?previous=true`)).json.code).toBe(500)
    expect((await world.call('GET', `${path}?container=x`)).json.message).toBe('container x is not valid for pod p')
  })

  it('answer at once for a silent container that is followed', async () => {
    const world = tinyWorld({ logs: () => new Promise(() => {}) })
    world.api.create('pods', pod('p'))
    world.api.bind('default', 'p', 'worker')
    expect((await world.server.fetch(new Request(`https://cluster.local${path}?follow=true`))).status).toBe(200)
  })

  it('say which container they want', async () => {
    const world = tinyWorld()
    world.api.create('pods', pod('p', { spec: { containers: [{ name: 'a' }, { name: 'b' }], initContainers: [{ name: 'i' }] } }))
    expect((await world.call('GET', path)).json.message).toBe(
      'a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]',
    )
  })
})

describe('exec', () => {
  const url = 'https://cluster.local/api/v1/namespaces/default/pods/p/exec?command=cat&stdin=true&stdout=true&stderr=true&container=app'

  function socket() {
    const sent: Uint8Array[] = []
    const inbox: (Uint8Array | undefined)[] = []
    const waiting: ((message: Uint8Array | undefined) => void)[] = []
    const peer: MessageSocket = {
      receive: () => new Promise((resolve) => (inbox.length > 0 ? resolve(inbox.shift()) : waiting.push(resolve))),
      send: async (message) => {
        sent.push(message as Uint8Array)
      },
      close: () => {},
    }
    const push = (message: Uint8Array | undefined) => {
      const next = waiting.shift()
      if (next) next(message)
      else inbox.push(message)
    }
    return { peer, push, sent }
  }

  /** Echoes its input to stdout until it ends, then exits with 3. */
  const echo: Partial<KubeletApi> = {
    exec: (_namespace, _pod, _options, output) => {
      let finish!: (code: number) => void
      return {
        stdin: (bytes) => output('stdout', bytes),
        closeStdin: () => finish(3),
        resize: () => {},
        close: () => finish(137),
        exit: new Promise((resolve) => {
          finish = resolve
        }),
      }
    },
  }

  it('carries bytes both ways and the exit code as a Status', async () => {
    const world = tinyWorld(echo)
    world.api.create('pods', pod('p'))
    world.api.bind('default', 'p', 'worker')
    const stream = await world.server.upgrade(new Request(url), ['v5.channel.k8s.io', 'v4.channel.k8s.io'])
    if (stream instanceof Response) throw new Error(await stream.text())
    expect(stream.protocol).toBe('v5.channel.k8s.io')
    const { peer, push, sent } = socket()
    push(new Uint8Array([0, 104, 105]))
    push(new Uint8Array([255, 0]))
    await stream.run(peer)
    expect([...sent[0]!]).toEqual([1])
    expect([...sent[1]!]).toEqual([1, 104, 105])
    expect(sent[2]![0]).toBe(3)
    expect(JSON.parse(new TextDecoder().decode(sent[2]!.subarray(1)))).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    })
  })

  it('ends the process when the client goes', async () => {
    const world = tinyWorld(echo)
    world.api.create('pods', pod('p'))
    world.api.bind('default', 'p', 'worker')
    const stream = await world.server.upgrade(new Request(url), ['v4.channel.k8s.io'])
    if (stream instanceof Response) throw new Error(await stream.text())
    const { peer, push, sent } = socket()
    push(undefined)
    await stream.run(peer)
    expect(sent).toHaveLength(1)
  })

  it('is refused for what is wrong with the request before what is wrong with the protocol, as clients fall back from one to another', async () => {
    const world = tinyWorld(echo)
    world.api.create('pods', pod('p'))
    world.api.bind('default', 'p', 'worker')
    const refusal = async (address: string) => (await ((await world.server.upgrade(new Request(address), [])) as Response).json()).message
    expect(await refusal(url.replace('?', '?container=nope&'))).toBe('container nope is not valid for pod p')
    expect(await refusal(url.replace('/p/', '/q/'))).toBe('pods "q" not found')
    expect(await refusal(url)).toMatch(/unable to negotiate protocol/)
  })

  it('is refused for a pod without a node, and for protocols nobody speaks', async () => {
    const world = tinyWorld(echo)
    world.api.create('pods', pod('p'))
    const homeless = (await world.server.upgrade(new Request(url), ['v5.channel.k8s.io'])) as Response
    expect((await homeless.json()).message).toBe('pod p does not have a host assigned')
    expect(((await world.server.upgrade(new Request(url), ['base64'])) as Response).status).toBe(400)
  })
})

describe('reviews', () => {
  it('answer who am I and may I', async () => {
    const { call } = tinyWorld()
    expect((await call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {})).json.status.userInfo.username).toBe(
      'kubernetes-admin',
    )
    const review = { spec: { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } } }
    expect((await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review)).json.status.allowed).toBe(true)
    expect((await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: {} })).status).toBe(422)
  })
})

it('answers anything with a Status, never a crash', async () => {
  const { call } = tinyWorld()
  const part = fc.constantFrom(
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'default',
    'pods',
    'deployments',
    'x',
    '%zz',
    'status',
    'scale',
    'log',
    '..',
    'openapi',
  )
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')
  const body = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constantFrom('{}', 'null', '[]', '{"metadata":[]}', '{"metadata":{"name":1,"labels":{"a":1}}}', '{"spec":null}'),
  )
  const type = fc.constantFrom(
    'application/json',
    'application/yaml',
    'application/merge-patch+json',
    'application/json-patch+json',
    'application/apply-patch+yaml',
    'x/y',
  )
  const query = fc.constantFrom('', '?limit=x', '?labelSelector=%3D%3D', '?fieldSelector=a', '?fieldManager=f&force=true', '?dryRun=1')
  await fc.assert(
    fc.asyncProperty(method, fc.array(part, { maxLength: 7 }), body, type, query, async (verb, parts, content, contentType, search) => {
      const { status, json } = await call(verb, `/${parts.join('/')}${search}`, verb === 'GET' ? undefined : content, {
        'Content-Type': contentType,
      })
      if (status >= 400) expect(json).toMatchObject({ kind: 'Status', status: 'Failure', code: status })
      // Faults of the server itself are no answer to nonsense.
      expect(`${status} ${json?.message}`).not.toMatch(/^500 Internal/)
    }),
    { numRuns: 1_500 },
  )
})
