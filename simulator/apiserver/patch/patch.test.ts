import fc from 'fast-check'
import fastJsonPatch from 'fast-json-patch'
import { describe, expect, it } from 'vitest'
import { jsonPatch } from './json.ts'
import { mergePatch } from './merge.ts'
import { strategicPatch } from './strategic.ts'
import { applyStrategy, listStrategy } from './strategies.ts'

describe('JSON patch (RFC 6902, appendix A)', () => {
  it.each([
    ['adds a member', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
    ['adds an element', { foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
    ['appends', { foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc'] }], { foo: ['bar', ['abc']] }],
    ['removes a member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    ['removes an element', { foo: ['a', 'b', 'c'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['a', 'c'] }],
    ['replaces', { baz: 'qux' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo' }],
    ['moves', { foo: { bar: 'x' }, qux: {} }, [{ op: 'move', from: '/foo/bar', path: '/qux/thud' }], { foo: {}, qux: { thud: 'x' } }],
    [
      'moves an element',
      { foo: ['all', 'grass', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/2' }],
      { foo: ['all', 'eat', 'grass'] },
    ],
    ['tests', { baz: 'qux' }, [{ op: 'test', path: '/baz', value: 'qux' }], { baz: 'qux' }],
    [
      'unescapes',
      { '/': 9, '~1': 10 },
      [
        { op: 'test', path: '/~01', value: 10 },
        { op: 'remove', path: '/~1' },
      ],
      { '~1': 10 },
    ],
    ['ignores unknown members', { foo: 1 }, [{ op: 'add', path: '/b', value: 2, xyz: 3 }], { foo: 1, b: 2 }],
  ])('%s', (_name, target, patch, result) => {
    expect(jsonPatch(target, patch)).toEqual(result)
  })

  it.each([
    ['a failing test', { a: 1 }, [{ op: 'test', path: '/a', value: 2 }]],
    ['a missing parent', { a: 1 }, [{ op: 'add', path: '/b/c', value: 2 }]],
    ['a missing target', { a: 1 }, [{ op: 'remove', path: '/b' }]],
    ['an index beyond the end', { a: [1] }, [{ op: 'add', path: '/a/2', value: 2 }]],
    ['an unknown operation', { a: 1 }, [{ op: 'frob', path: '/a' }]],
  ])('refuses %s with 422', (_name, target, patch) => {
    expect(() => jsonPatch(target, patch)).toThrow(expect.objectContaining({ code: 422 }))
  })

  it('turns any document into any other by an independent diff, and leaves its argument alone', () => {
    // Documents of an API are objects; a fixed root keeps the diff from replacing the whole.
    const document = fc.dictionary(fc.constantFrom('a', 'b/c', 'd~e', '0'), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(document, document, (a, b) => {
        const before = structuredClone(a)
        const from = JSON.parse(JSON.stringify(a))
        const to = JSON.parse(JSON.stringify(b))
        expect(jsonPatch(from, fastJsonPatch.compare(from, to))).toEqual(to)
        expect(a).toEqual(before)
      }),
      { numRuns: 200 },
    )
  })
})

describe('JSON merge patch (RFC 7386, appendix A)', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result)
  })
})

const web = {
  kind: 'Deployment',
  spec: {
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
    template: {
      spec: {
        containers: [
          { name: 'app', image: 'nginx:1', env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80 }] },
          { name: 'side', image: 'busybox' },
        ],
        tolerations: [{ key: 'a' }],
        volumes: [{ name: 'v', emptyDir: {} }],
      },
    },
  },
}
const inPod = (spec: unknown) => ({ spec: { template: { spec } } })
const podOf = (object: any) => object.spec.template.spec

describe('strategic merge patch', () => {
  it('merges containers and their lists by key', () => {
    const patched = podOf(
      strategicPatch(
        web,
        inPod({ containers: [{ name: 'app', image: 'nginx:2', env: [{ name: 'B', value: '2' }], ports: [{ containerPort: 443 }] }] }),
        'Deployment',
      ),
    )
    expect(patched.containers).toEqual([
      {
        name: 'app',
        image: 'nginx:2',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
        ports: [{ containerPort: 80 }, { containerPort: 443 }],
      },
      { name: 'side', image: 'busybox' },
    ])
  })

  it('replaces atomic lists and removes with null', () => {
    const patched = podOf(strategicPatch(web, inPod({ tolerations: [{ key: 'b' }], volumes: null }), 'Deployment'))
    expect(patched.tolerations).toEqual([{ key: 'b' }])
    expect(patched).not.toHaveProperty('volumes')
  })

  it('deletes an element and replaces a list by directive', () => {
    const gone = podOf(strategicPatch(web, inPod({ containers: [{ name: 'side', $patch: 'delete' }] }), 'Deployment'))
    expect(gone.containers.map((c: any) => c.name)).toEqual(['app'])
    const replaced = podOf(strategicPatch(web, inPod({ containers: [{ $patch: 'replace' }, { name: 'new' }] }), 'Deployment'))
    expect(replaced.containers).toEqual([{ name: 'new' }])
    const map = strategicPatch({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }, 'Pod')
    expect(map).toEqual({ metadata: { labels: { b: '2' } } })
  })

  it('obeys $setElementOrder, keeping what only the server knows in its place', () => {
    const patched = podOf(
      strategicPatch(
        web,
        inPod({ '$setElementOrder/containers': [{ name: 'new' }, { name: 'side' }], containers: [{ name: 'new', image: 'x' }] }),
        'Deployment',
      ),
    )
    expect(patched.containers.map((c: any) => c.name)).toEqual(['new', 'app', 'side'])
  })

  it('obeys $retainKeys and $deleteFromPrimitiveList', () => {
    const recreate = strategicPatch(web, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }, 'Deployment') as any
    expect(recreate.spec.strategy).toEqual({ type: 'Recreate' })
    const finalizers = strategicPatch(
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] } },
      'Pod',
    )
    expect(finalizers).toEqual({ metadata: { finalizers: ['b', 'c'] } })
  })

  it('knows the ports of a Service from those of a container, and conditions by type', () => {
    const service = strategicPatch(
      { spec: { ports: [{ port: 80, targetPort: 1 }] } },
      { spec: { ports: [{ port: 80, targetPort: 2 }] } },
      'Service',
    )
    expect(service).toEqual({ spec: { ports: [{ port: 80, targetPort: 2 }] } })
    const status = strategicPatch(
      { status: { conditions: [{ type: 'Ready', status: 'False', reason: 'x' }] } },
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      'Node',
    )
    expect(status).toEqual({ status: { conditions: [{ type: 'Ready', status: 'True', reason: 'x' }] } })
  })

  it('goes by the type that holds a list, not by its name', () => {
    // imagePullSecrets have a merge key in a pod and none in a ServiceAccount, whose secrets have one.
    const account = strategicPatch(
      { imagePullSecrets: [{ name: 'a' }], secrets: [{ name: 'a' }] },
      { imagePullSecrets: [{ name: 'b' }], secrets: [{ name: 'b' }] },
      'ServiceAccount',
    )
    expect(account).toEqual({ imagePullSecrets: [{ name: 'b' }], secrets: [{ name: 'a' }, { name: 'b' }] })
    const cronJob = (image: object) => ({ spec: { jobTemplate: { spec: { template: { spec: { containers: [image] } } } } } })
    const patched = strategicPatch(cronJob({ name: 'app', image: 'x' }), cronJob({ name: 'side' }), 'CronJob') as any
    expect(patched.spec.jobTemplate.spec.template.spec.containers).toHaveLength(2)
    // A custom resource has no types: all but its metadata is replaced.
    const custom = strategicPatch(
      { metadata: { finalizers: ['a'] }, status: { conditions: [{ type: 'A' }] } },
      { metadata: { finalizers: ['b'] }, status: { conditions: [{ type: 'B' }] } },
      'Widget',
    )
    expect(custom).toEqual({ metadata: { finalizers: ['a', 'b'] }, status: { conditions: [{ type: 'B' }] } })
  })

  it('refuses an element without its key', () => {
    expect(() => strategicPatch(web, inPod({ containers: [{ image: 'x' }] }), 'Deployment')).toThrow(
      'does not contain declared merge key: name',
    )
  })

  it('changes nothing in its arguments', () => {
    const before = structuredClone(web)
    strategicPatch(web, inPod({ containers: [{ name: 'app', image: 'x' }] }), 'Deployment')
    expect(web).toEqual(before)
  })
})

describe('how a list merges', () => {
  it('tells the two kinds of patch apart', () => {
    // Upstream merges a Job's conditions in a strategic patch, and applies them as a whole.
    expect(listStrategy('Job', ['status', 'conditions'])).toEqual({ key: 'type' })
    expect(applyStrategy('Job', ['status', 'conditions'])).toBeUndefined()
    expect(listStrategy('EndpointSlice', ['endpoints', 'addresses'])).toBeUndefined()
    expect(applyStrategy('EndpointSlice', ['endpoints', 'addresses'])).toEqual({ key: undefined })
    expect(applyStrategy('Service', ['spec', 'ports'])).toMatchObject({ applyKeys: ['port', 'protocol'], keyDefaults: { protocol: 'TCP' } })
    expect(listStrategy('Pod', ['metadata', 'labels', 'ports'])).toBeUndefined()
  })
})
