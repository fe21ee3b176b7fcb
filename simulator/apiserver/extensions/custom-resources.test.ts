import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { garbageCollector } from '../../controllers/garbage-collector.ts'
import { namespaceController } from '../../controllers/namespace.ts'
import { resourceQuotaController } from '../../controllers/resource-quota.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { extensionWorld } from './testing/extension-world.ts'
import { looseDefinition, widget, widgetDefinition } from './testing/widgets.ts'

const crds = 'customresourcedefinitions.apiextensions.k8s.io'
const widgets = 'widgets.example.com'
const path = '/apis/example.com/v1/namespaces/default/widgets'

function world(...others: Parameters<typeof extensionWorld>[0] & object[]) {
  const made = extensionWorld(others as Parameters<typeof extensionWorld>[0])
  made.apply(widgetDefinition)
  return made
}

const conditions = (definition: KubeObject) =>
  ((definition['status'] as { conditions?: { type: string; status: string; reason: string }[] }).conditions ?? []).map(
    ({ type, status, reason }) => `${type}=${status} ${reason}`,
  )

describe('definitions', () => {
  it('become kinds once their names are accepted', () => {
    const { api } = world()
    const definition = api.get(crds, undefined, widgets)
    expect(conditions(definition)).toEqual(['NamesAccepted=True NoConflicts', 'Established=True InitialNamesAccepted'])
    expect(definition['status']).toMatchObject({
      acceptedNames: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', shortNames: ['wd'] },
      storedVersions: ['v1'],
    })
    expect(
      api
        .served()
        .filter(({ kind }) => kind === 'Widget')
        .map(({ apiVersion }) => apiVersion),
    ).toEqual(['example.com/v1', 'example.com/v1beta1'])
  })

  it('wait for a name that another has, and get it when that one goes', () => {
    const { api, settle } = world()
    api.create(crds, looseDefinition('wonders', 'Wonder', { names: { plural: 'wonders', kind: 'Wonder', shortNames: ['wd'] } }))
    settle()
    const waiting = api.get(crds, undefined, 'wonders.example.com')
    expect(conditions(waiting)).toEqual(['NamesAccepted=False ShortNamesConflict', 'Established=False NotAccepted'])
    expect(JSON.stringify(waiting)).toContain('\\"wd\\" is already in use')
    api.delete(crds, undefined, widgets)
    settle()
    expect(conditions(api.get(crds, undefined, 'wonders.example.com'))).toEqual([
      'NamesAccepted=True NoConflicts',
      'Established=True InitialNamesAccepted',
    ])
  })

  it('have an APIService for each version that is served, unless somebody keeps one', () => {
    const { api, settle, defects } = world()
    const named = 'apiservices.apiregistration.k8s.io'
    const own = () =>
      api
        .list<any>(named)
        .filter(({ spec }) => spec.group === 'example.com')
        .map(({ metadata, spec, status }) => [metadata.name, spec.versionPriority, status.conditions[0].reason])
    expect(own()).toEqual([
      ['v1.example.com', 100, 'Local'],
      ['v1beta1.example.com', 100, 'Local'],
    ])
    api.delete(named, undefined, 'v1.example.com')
    settle()
    expect(own()).toHaveLength(2)
    api.delete(crds, undefined, widgets)
    settle()
    expect(own()).toEqual([])
    const spec = { group: 'example.com', version: 'v1', groupPriorityMinimum: 5, versionPriority: 5 }
    api.create(named, { metadata: { name: 'v1.example.com' }, spec })
    api.create(crds, looseDefinition('wonders', 'Wonder', { names: { plural: 'wonders', kind: 'Wonder' } }))
    settle()
    expect(own()).toEqual([['v1.example.com', 5, 'Local']])
    expect(defects).toEqual([])
  })

  it('take their instances with them, finalizers first', () => {
    const { api, settle, time, clock } = world()
    api.create(widgets, widget('a'))
    api.create(widgets, widget('b', {}, { metadata: { name: 'b', namespace: 'default', finalizers: ['example.com/hold'] } }))
    api.delete(crds, undefined, widgets)
    settle()
    expect(api.list(widgets).map(({ metadata }) => metadata?.name)).toEqual(['b'])
    expect(conditions(api.get(crds, undefined, widgets))).toContain('Terminating=True InstanceDeletionInProgress')
    expect(() => api.create(widgets, widget('c'))).toThrow('create not allowed while custom resource definition is terminating')
    time.advance(60_000)
    clock.settle()
    expect(conditions(api.get(crds, undefined, widgets))).toContain('Terminating=True InstanceDeletionCheck')
    const held = api.get(widgets, 'default', 'b')
    api.update(widgets, { ...held, metadata: { ...held.metadata, finalizers: [] } })
    settle()
    expect(api.find(crds, undefined, widgets)).toBeUndefined()
    expect(() => api.list(widgets)).toThrow('the server could not find the requested resource')
  })

  it('are refused in the real words', async () => {
    const { call } = extensionWorld()
    const refused = async (change: (definition: any) => void) => {
      const definition = structuredClone(looseDefinition('gadgets', 'Gadget')) as any
      change(definition)
      const { status, message } = await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
      expect(status).toBe(422)
      return message.replace(/^CustomResourceDefinition.apiextensions.k8s.io "[^"]*" is invalid: /, '')
    }
    const schema = (value: unknown) => (definition: any) => (definition.spec.versions[0].schema.openAPIV3Schema = value)
    expect(await refused((one) => (one.metadata.name = 'gadget'))).toBe(
      'metadata.name: Invalid value: "gadget": must be spec.names.plural+"."+spec.group',
    )
    expect(await refused((one) => (one.spec.scope = 'Global'))).toBe(
      'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"',
    )
    expect(await refused((one) => (one.spec.versions[0].storage = false))).toContain(
      'must have exactly one version marked as storage version',
    )
    expect(await refused((one) => (one.spec.conversion = { strategy: 'Webhook' }))).toBe(
      'spec.conversion.strategy: Invalid value: "Webhook": the simulated cluster does not model conversion webhooks; use None',
    )
    expect(await refused((one) => delete one.spec.versions[0].schema)).toBe(
      'spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required',
    )
    expect(await refused(schema({ properties: {} }))).toBe(
      'spec.validation.openAPIV3Schema.type: Required value: must not be empty at the root',
    )
    expect(await refused(schema({ type: 'object', properties: { spec: {} } }))).toBe(
      'spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields',
    )
    expect(await refused(schema({ type: 'object', properties: { a: { type: 'string', default: 3 } } }))).toBe(
      'spec.validation.openAPIV3Schema.properties[a].default: Invalid value: "integer": spec.validation.openAPIV3Schema.properties[a].default in body must be of type string: "integer"',
    )
    expect(await refused(schema({ type: 'object', properties: { a: { type: 'object', default: { b: 1 } } } }))).toBe(
      'spec.validation.openAPIV3Schema.properties[a].default: Invalid value: {"b":1}: must be pruned',
    )
    expect(
      await refused(schema({ type: 'object', properties: { a: { type: 'array', uniqueItems: true, items: { type: 'string' } } } })),
    ).toBe(
      'spec.validation.openAPIV3Schema.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    )
    expect(
      await refused(
        schema({ type: 'object', properties: { a: { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } } } }),
      ),
    ).toBe(
      'spec.validation.openAPIV3Schema.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
    )
    expect(
      await refused(
        schema({ type: 'object', properties: { a: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'nonsense(self)' }] } } }),
      ),
    ).toContain("found no matching overload for 'nonsense(dyn)'")
    expect(await refused((one) => (one.spec.versions[0].additionalPrinterColumns = [{ name: 'A', type: 'text', jsonPath: 'spec' }]))).toBe(
      '[spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string, spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .]',
    )
    expect(await refused((one) => Object.assign(one.spec, { group: 'toys.k8s.io' }) && (one.metadata.name = 'gadgets.toys.k8s.io'))).toBe(
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    )
  })

  it('keep their scope, kind and stored versions', async () => {
    const { call, api } = world()
    const at = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${widgets}`
    const merge = { 'Content-Type': 'application/merge-patch+json' }
    expect((await call('PATCH', at, { spec: { scope: 'Cluster' } }, merge)).message).toContain(
      'spec.scope: Invalid value: "Cluster": field is immutable',
    )
    const [, beta] = widgetDefinition.spec.versions
    const gone = await call('PATCH', at, { spec: { versions: [{ ...beta, storage: true }] } }, merge)
    expect(gone.message).toContain('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions')
    expect(api.get(crds, undefined, widgets).metadata?.generation).toBe(1)
  })
})

describe('custom resources', () => {
  it('are pruned and get their defaults, over HTTP and in-process', async () => {
    const { call, api } = world()
    const given = widget('a', { size: {}, parts: [{ name: 'x' }], nosuch: 1, note: null, colour: null, anything: { deep: { er: 1 } } })
    const strict = await call('POST', `${path}?fieldValidation=Strict`, given)
    expect(strict.message).toBe('Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.nosuch"')
    const warned = await call('POST', path, given)
    expect(warned.status).toBe(201)
    expect(warned.warning).toBe('299 - "unknown field \\"spec.nosuch\\""')
    const spec = {
      replicas: 1,
      colour: 'red',
      size: { width: 3, unit: 'mm' },
      parts: [{ name: 'x', kind: 'plain' }],
      note: null,
      anything: { deep: { er: 1 } },
    }
    expect(warned.json.spec).toEqual(spec)
    expect(api.create(widgets, widget('b', { ...given.spec }))['spec']).toEqual(spec)
  })

  const sentences: [string, Record<string, unknown>, string][] = [
    ['type', { replicas: 'two' }, 'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"'],
    ['required', { replicas: undefined }, 'spec.replicas: Required value'],
    ['minimum', { replicas: -1 }, 'spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0'],
    ['maximum', { replicas: 11 }, 'spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10'],
    ['enum', { colour: 'pink' }, 'spec.colour: Unsupported value: "pink": supported values: "red", "green", "blue"'],
    ['pattern', { serial: 'abc' }, `spec.serial: Invalid value: "abc": spec.serial in body should match '^[A-Z]{2}[0-9]+$'`],
    ['minLength', { serial: 'A' }, 'spec.serial: Invalid value: "A": spec.serial in body should be at least 3 chars long'],
    ['maxLength', { serial: 'AB12345' }, 'spec.serial: Too long: may not be more than 6 bytes'],
    ['format', { contact: 'nobody' }, 'spec.contact: Invalid value: "nobody": spec.contact in body must be of type email: "nobody"'],
    ['maxItems', { tags: ['a', 'b', 'c', 'd'] }, 'spec.tags: Too many: 4: must have at most 3 items'],
    ['minItems', { parts: [] }, 'spec.parts: Invalid value: 0: spec.parts in body should have at least 1 items'],
    ['set', { tags: ['a', 'b', 'a'] }, 'spec.tags[2]: Duplicate value: "a"'],
    ['map', { parts: [{ name: 'x' }, { name: 'x' }] }, 'spec.parts[1]: Duplicate value: {"name":"x"}'],
    [
      'multipleOf',
      { parts: [{ name: 'x', weight: 0.7 }] },
      'spec.parts[0].weight: Invalid value: 0.7: spec.parts[0].weight in body should be a multiple of 0.5',
    ],
    ['nested required', { parts: [{ weight: 1 }] }, 'spec.parts[0].name: Required value'],
    [
      'values of a map',
      { settings: { a: 1 } },
      'spec.settings.a: Invalid value: "integer": spec.settings.a in body must be of type string: "integer"',
    ],
    ['int-or-string', { port: {} }, 'spec.port: Invalid value: "object": spec.port in body must be of type integer,string: "object"'],
    ['embedded', { template: { kind: 'Pod' } }, 'spec.template.apiVersion: Required value: must not be empty'],
    [
      'oneOf none',
      { either: {} },
      '<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found none valid',
    ],
    [
      'oneOf both',
      { either: { left: 'a', right: 'b' } },
      '<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ],
    ['rule', { least: 2 }, 'spec: Invalid value: "object": least must not be more than replicas'],
    ['message expression', { replicas: 7 }, 'spec.replicas: Invalid value: "object": seven is not allowed, not even 7'],
  ]
  it.each(sentences)('say what is wrong: %s', async (_what, spec, sentence) => {
    const { call } = world()
    const { status, message } = await call('POST', path, JSON.parse(JSON.stringify(widget('a', spec))))
    expect(status).toBe(422)
    expect(message).toContain(sentence)
  })

  it('tell that rules were not looked at, and hold rules between two states', async () => {
    const { call, api } = world()
    expect((await call('POST', path, widget('a', { colour: 'pink' }))).json.details.causes.at(-1)).toEqual({
      reason: 'FieldValueInvalid',
      field: '<nil>',
      message:
        'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    })
    api.create(widgets, widget('a', { owner: 'me' }))
    const changed = await call('PATCH', `${path}/a`, { spec: { owner: 'you' } }, { 'Content-Type': 'application/merge-patch+json' })
    expect(changed.message).toBe('Widget.example.com "a" is invalid: spec.owner: Invalid value: "string": owner is immutable')
  })

  it('are not held to what an update leaves alone', () => {
    const { api, settle } = world()
    api.create(widgets, widget('a', { replicas: 9, serial: 'AB1' }))
    const definition = structuredClone(api.get(crds, undefined, widgets)) as any
    definition.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.replicas.maximum = 5
    api.update(crds, definition)
    settle()
    const stored = api.get<KubeObject & { spec: object }>(widgets, 'default', 'a')
    api.update(widgets, { ...stored, spec: { ...stored.spec, serial: 'AB2' } })
    expect(() =>
      api.update(widgets, { ...api.get<KubeObject & { spec: object }>(widgets, 'default', 'a'), spec: { replicas: 8 } }),
    ).toThrow('should be less than or equal to 5')
  })

  it('keep status and spec apart, and count generations', () => {
    const { api } = world()
    const made = api.create<KubeObject>(widgets, widget('a', {}, { status: { phase: 'Forged' } }))
    expect(made['status']).toBeUndefined()
    const reported = api.updateStatus<KubeObject>(widgets, { ...made, spec: { replicas: 5 }, status: { phase: 'Ready', nosuch: 1 } })
    expect(reported).toMatchObject({ spec: { replicas: 1 }, status: { phase: 'Ready' }, metadata: { generation: 1 } })
    expect(reported['status']).toEqual({ phase: 'Ready' })
    const changed = api.update<KubeObject>(widgets, { ...reported, spec: { replicas: 2 }, status: { phase: 'Forged' } })
    expect(changed).toMatchObject({ spec: { replicas: 2 }, status: { phase: 'Ready' }, metadata: { generation: 2 } })
    expect(() => api.updateStatus(widgets, { ...changed, status: { phase: 3 } })).toThrow('status.phase in body must be of type string')
  })

  it('count a status without its subresource as any field', () => {
    const { api, apply } = world()
    apply(looseDefinition('gadgets', 'Gadget'))
    const made = api.create<KubeObject>('gadgets.example.com', { metadata: { name: 'g', namespace: 'default' }, status: { phase: 'New' } })
    expect(made['status']).toEqual({ phase: 'New' })
    const changed = api.update<KubeObject>('gadgets.example.com', { ...made, status: { phase: 'Old' } })
    expect(changed.metadata?.generation).toBe(2)
    expect(() => api.updateStatus('gadgets.example.com', changed)).toThrow('the server could not find the requested resource')
  })

  it('scale', async () => {
    const { call, api } = world()
    const made = api.create<KubeObject>(widgets, widget('a'))
    api.updateStatus(widgets, { ...made, status: { replicas: 1, selector: 'app=a' } })
    expect((await call('GET', `${path}/a/scale`)).json).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 1 },
      status: { replicas: 1, selector: 'app=a' },
    })
    const scaled = await call('PATCH', `${path}/a/scale`, { spec: { replicas: 4 } }, { 'Content-Type': 'application/merge-patch+json' })
    expect(scaled.json.spec).toEqual({ replicas: 4 })
    expect(api.get(widgets, 'default', 'a')).toMatchObject({ spec: { replicas: 4 }, metadata: { generation: 2 } })
    const much = await call('PATCH', `${path}/a/scale`, { spec: { replicas: 40 } }, { 'Content-Type': 'application/merge-patch+json' })
    expect(much.message).toContain('should be less than or equal to 10')
  })

  it('show the columns of their definition, and their age without', async () => {
    const { call, api, apply } = world()
    api.create(widgets, widget('a', { colour: 'blue' }))
    apply(looseDefinition('gadgets', 'Gadget'))
    api.create('gadgets.example.com', { metadata: { name: 'g', namespace: 'default' } })
    const accept = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
    const table = (await call('GET', path, undefined, accept)).json
    expect(table.columnDefinitions.map(({ name, priority }: any) => [name, priority])).toEqual([
      ['Name', 0],
      ['Replicas', 0],
      ['Colour', 1],
      ['Phase', 0],
      ['Age', 0],
    ])
    expect(table.rows[0].cells).toEqual(['a', 1, 'blue', null, '0s'])
    const plain = (await call('GET', '/apis/example.com/v1/gadgets', undefined, accept)).json
    expect(plain.rows[0].cells).toEqual(['g', '0s'])
  })

  it('are found by labels and selectable fields', async () => {
    const { call, api } = world()
    api.create(widgets, widget('a', { colour: 'blue' }))
    api.create(widgets, widget('b'))
    const names = async (query: string) => (await call('GET', `${path}?${query}`)).json.items?.map((one: KubeObject) => one.metadata?.name)
    expect(await names('fieldSelector=spec.colour%3Dblue')).toEqual(['a'])
    expect((await call('GET', `${path}?fieldSelector=spec.replicas%3D1`)).message).toContain('field label not supported: spec.replicas')
    const { json } = await call('GET', path)
    expect(json.kind).toBe('WidgetList')
    expect(json.items[0]).toMatchObject({ apiVersion: 'example.com/v1', kind: 'Widget' })
  })

  it('are shown in each served version, and stored in one', async () => {
    const { call, api, store } = world()
    const beta = '/apis/example.com/v1beta1/namespaces/default/widgets'
    const body = { apiVersion: 'example.com/v1beta1', kind: 'Widget', metadata: { name: 'a' }, spec: { replicas: 1 } }
    const made = await call('POST', beta, body)
    expect(made.json.apiVersion).toBe('example.com/v1beta1')
    expect(made.warning).toBe('299 - "example.com/v1beta1 Widget is deprecated"')
    expect(store.get(widgets, 'default', 'a')?.apiVersion).toBe('example.com/v1')
    // What the other version defaults is there when it is read.
    expect(api.get(widgets, 'default', 'a')).toMatchObject({ apiVersion: 'example.com/v1', spec: { replicas: 1, colour: 'red' } })
    const revision = store.revision
    await call('PUT', `${beta}/a`, (await call('GET', `${beta}/a`)).json)
    expect(store.revision).toBe(revision)
  })

  it('take JSON and merge patches, and no strategic ones', async () => {
    const { call, api } = world()
    api.create(widgets, widget('a', { tags: ['x'] }))
    const json = await call('PATCH', `${path}/a`, [{ op: 'add', path: '/spec/tags/-', value: 'y' }], {
      'Content-Type': 'application/json-patch+json',
    })
    expect(json.json.spec.tags).toEqual(['x', 'y'])
    const strategic = await call('PATCH', `${path}/a`, {}, { 'Content-Type': 'application/strategic-merge-patch+json' })
    expect([strategic.status, strategic.message]).toEqual([
      415,
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    ])
  })

  it('merge by their list types in server-side apply', async () => {
    const { call } = world()
    const apply = (manager: string, spec: object) =>
      call('PATCH', `${path}/a?fieldManager=${manager}`, widget('a', { replicas: 1, ...spec }), {
        'Content-Type': 'application/apply-patch+yaml',
      })
    await apply('one', { parts: [{ name: 'x', weight: 1 }], tags: ['s'] })
    const { json } = await apply('two', { parts: [{ name: 'y' }], tags: ['t'] })
    expect(json.spec.parts.map(({ name }: any) => name)).toEqual(['x', 'y'])
    expect(json.spec.tags).toEqual(['s', 't'])
    expect((await apply('two', { parts: [{ name: 'x', weight: 2 }] })).message).toBe(
      'Apply failed with 1 conflict: conflict with "one": .spec.parts[name="x"].weight',
    )
    const unknown = await apply('two', { nosuch: 1 })
    expect([unknown.status, unknown.message]).toEqual([
      500,
      'failed to create typed patch object (default/a; example.com/v1, Kind=Widget): .spec.nosuch: field not declared in schema',
    ])
  })

  it('stand in discovery and OpenAPI, and leave both with their definition', async () => {
    const { call, api, settle } = world()
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const group = (await call('GET', '/apis', undefined, { Accept: accept })).json.items.find(
      (one: any) => one.metadata.name === 'example.com',
    )
    expect(group.versions.map(({ version }: any) => version)).toEqual(['v1', 'v1beta1'])
    expect(group.versions[0].resources[0]).toMatchObject({
      resource: 'widgets',
      singularResource: 'widget',
      shortNames: ['wd'],
      categories: ['all', 'toys'],
      subresources: [{ subresource: 'scale' }, { subresource: 'status' }],
    })
    const index = (await call('GET', '/openapi/v3')).json.paths['apis/example.com/v1'].serverRelativeURL
    const { components } = (await call('GET', index)).json
    expect(components.schemas['com.example.v1.Widget'].properties.spec.properties.replicas.maximum).toBe(10)
    api.delete(crds, undefined, widgets)
    settle()
    expect((await call('GET', '/apis/example.com')).status).toBe(404)
    expect((await call('GET', path)).status).toBe(404)
    expect((await call('GET', '/openapi/v3')).json.paths['apis/example.com/v1']).toBeUndefined()
  })

  it('end the watches on them when their definition goes', async () => {
    const { api, request, settle, clock } = world()
    const seen: string[] = []
    api.watch(widgets, ({ type, object }) => seen.push(`${type} ${object.metadata?.name}`))
    const watch = await request('GET', `${path}?watch=true`)
    const reader = watch.body!.getReader()
    api.create(widgets, widget('a'))
    settle()
    api.delete(crds, undefined, widgets)
    clock.settle()
    let text = ''
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) text += new TextDecoder().decode(chunk.value)
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).type),
    ).toEqual(['ADDED', 'DELETED'])
    expect(seen).toEqual(['ADDED a', 'DELETED a'])
  })
})

describe('what is served', () => {
  const places = ['a', 'b', 'c'] as const
  const step = fc.record({
    what: fc.constantFrom('create', 'delete', 'version', 'label'),
    plural: fc.constantFrom(...places),
    short: fc.constantFrom('x', 'y'),
  })

  it('depends on nothing but what is stored', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const { api, store, settle } = extensionWorld()
        for (const { what, plural, short } of steps) {
          const name = `${plural}s.example.com`
          const found = api.find<any>(crds, undefined, name)
          const names = { plural: `${plural}s`, kind: `Kind${plural}`, shortNames: [short] }
          if (what === 'create' && !found) api.create(crds, looseDefinition(`${plural}s`, `Kind${plural}`, { names }))
          if (what === 'delete' && found) api.delete(crds, undefined, name)
          if (what === 'label' && found) api.update(crds, { ...found, metadata: { ...found.metadata, labels: { short } } })
          if (what === 'version' && found) {
            const [first] = found.spec.versions
            api.update(crds, { ...found, spec: { ...found.spec, versions: [first, { ...first, name: `v2${short}`, storage: false }] } })
          }
          settle()
        }
        const copy = extensionWorld([], JSON.parse(JSON.stringify(store.snapshot())))
        expect(copy.api.served()).toEqual(api.served())
        // Whoever has all of its names is served, and nobody has the name of another.
        const accepted = api
          .list<any>(crds)
          .filter((one) => one.status.conditions.some((it: any) => it.type === 'NamesAccepted' && it.status === 'True'))
        expect(accepted.flatMap((one) => one.spec.names.shortNames)).toHaveLength(
          new Set(accepted.flatMap((one) => one.spec.names.shortNames)).size,
        )
        for (const one of accepted) expect(api.served().some(({ kind }) => kind === one.spec.names.kind)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('goes on being served, watches included, when a definition is only labelled', async () => {
    const { api, request, settle } = world()
    const watch = await request('GET', `${path}?watch=true`)
    const reader = watch.body!.getReader()
    const definition = api.get<KubeObject>(crds, undefined, widgets)
    const served = api.served()
    api.update(crds, { ...structuredClone(definition), metadata: { ...definition.metadata, labels: { a: 'b' } } })
    api.create(widgets, widget('a'))
    settle()
    expect(api.served()).toEqual(served)
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"type":"ADDED"')
    await reader.cancel()
  })
})

describe('everything that cares for all kinds', () => {
  it('collects what custom resources own, and them', () => {
    const { api, settle } = world(garbageCollector)
    const owner = api.create<KubeObject>(widgets, widget('owner'))
    const reference = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'owner', uid: owner.metadata!.uid! }
    api.create('configmaps', { metadata: { name: 'owned', namespace: 'default', ownerReferences: [reference] } })
    const map = api.create<KubeObject>('configmaps', { metadata: { name: 'map', namespace: 'default' } })
    const back = { apiVersion: 'v1', kind: 'ConfigMap', name: 'map', uid: map.metadata!.uid! }
    api.create(widgets, widget('owned', {}, { metadata: { name: 'owned', namespace: 'default', ownerReferences: [back] } }))
    const stranger = { apiVersion: 'elsewhere.com/v1', kind: 'Stranger', name: 's', uid: 'u' }
    api.create('configmaps', { metadata: { name: 'strange', namespace: 'default', ownerReferences: [stranger] } })
    settle()
    api.delete('configmaps', 'default', 'map')
    settle()
    expect(api.find(widgets, 'default', 'owned')).toBeUndefined()
    // A definition that goes takes its instances, and those what they own.
    api.delete(crds, undefined, widgets)
    settle()
    expect(api.find('configmaps', 'default', 'owned')).toBeUndefined()
    expect(api.find('configmaps', 'default', 'strange')).toBeDefined()
  })

  it('empties namespaces of them', () => {
    const { api, settle, defects } = world(namespaceController)
    api.create('namespaces', { metadata: { name: 'shop' } })
    api.create(widgets, widget('a', {}, { metadata: { name: 'a', namespace: 'shop', finalizers: ['example.com/hold'] } }))
    api.delete('namespaces', undefined, 'shop')
    settle()
    expect(JSON.stringify(api.get('namespaces', undefined, 'shop'))).toContain('widgets.example.com has 1 resource instances')
    const held = api.get(widgets, 'shop', 'a')
    api.update(widgets, { ...held, metadata: { ...held.metadata, finalizers: [] } })
    settle()
    expect(api.find('namespaces', undefined, 'shop')).toBeUndefined()
    expect(defects).toEqual([])
  })

  it('counts them', async () => {
    const bench = extensionWorld([resourceQuotaController])
    const { api, settle, call } = bench
    api.create('resourcequotas', { metadata: { name: 'few', namespace: 'default' }, spec: { hard: { 'count/widgets.example.com': '1' } } })
    settle()
    bench.apply(widgetDefinition)
    await call('POST', path, widget('a'))
    expect(api.get('resourcequotas', 'default', 'few')).toMatchObject({ status: { used: { 'count/widgets.example.com': '1' } } })
    expect((await call('POST', path, widget('b'))).message).toBe(
      'widgets.example.com "b" is forbidden: exceeded quota: few, requested: count/widgets.example.com=1, used: count/widgets.example.com=1, limited: count/widgets.example.com=1',
    )
    api.delete(widgets, 'default', 'a')
    settle()
    expect(api.get('resourcequotas', 'default', 'few')).toMatchObject({ status: { used: { 'count/widgets.example.com': '0' } } })
  })

  it('serves the same kinds after a restore, and goes on where it was', () => {
    const before = world()
    before.api.create(widgets, widget('a', { colour: 'blue' }))
    before.api.create(widgets, widget('b', {}, { metadata: { name: 'b', namespace: 'default', finalizers: ['example.com/hold'] } }))
    const after = extensionWorld([], JSON.parse(JSON.stringify(before.store.snapshot())))
    const names = (api: typeof after.api) => api.served().map(({ name, apiVersion }) => `${apiVersion} ${name}`)
    expect(names(after.api)).toEqual(names(before.api))
    expect(after.api.list(widgets)).toEqual(before.api.list(widgets))
    expect(() => after.api.create(widgets, widget('c', { colour: 'pink' }))).toThrow('Unsupported value: "pink"')
    after.api.delete(crds, undefined, widgets)
    after.settle()
    const again = extensionWorld([], after.store.snapshot())
    const held = again.api.get(widgets, 'default', 'b')
    again.api.update(widgets, { ...held, metadata: { ...held.metadata, finalizers: [] } })
    again.settle()
    expect(again.api.find(crds, undefined, widgets)).toBeUndefined()
    expect(before.api.find(crds, undefined, widgets)).toBeDefined()
  })
})
