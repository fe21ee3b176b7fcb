import fc from 'fast-check'
import { expect, it } from 'vitest'
import { extensionWorld } from './testing/extension-world.ts'
import { widget, widgetDefinition } from './testing/widgets.ts'

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const nonsense = fc.constantFrom<unknown>(
  null,
  '',
  'x',
  0,
  -1,
  1.5,
  true,
  [],
  {},
  [null],
  [{}],
  { '': null },
  { type: 'object' },
  { a: { b: [] } },
)

/** The value with one place in it replaced; `at` picks the place. */
function damaged(value: unknown, at: number, by: unknown): unknown {
  const places: (readonly (string | number)[])[] = []
  const visit = (inner: unknown, path: readonly (string | number)[]) => {
    if (path.length > 0) places.push(path)
    if (typeof inner !== 'object' || inner === null) return
    for (const key of Object.keys(inner)) visit((inner as Record<string, unknown>)[key], [...path, key])
  }
  visit(value, [])
  const path = places[at % places.length]!
  const copy = structuredClone(value) as any
  let holder = copy
  for (const key of path.slice(0, -1)) holder = holder[key]
  holder[path.at(-1)!] = by
  return copy
}

const settled = (status: number) => status < 500 || status === 501

it('answers any definition with a Status, never a crash, and serves what it takes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(100_000), nonsense, async (at, by) => {
      const { call, defects, api } = extensionWorld()
      const made = await call('POST', definitions, damaged(widgetDefinition, at, by))
      expect(settled(made.status), JSON.stringify(made.json)).toBe(true)
      for (const { name, apiVersion, namespaced } of api.served().filter((one) => one.apiVersion.startsWith('example.com/'))) {
        const collection = `/apis/${apiVersion}${namespaced ? '/namespaces/default' : ''}/${name.split('.')[0]}`
        expect(settled((await call('POST', collection, { ...widget('a'), apiVersion })).status)).toBe(true)
        expect((await call('GET', collection, undefined, { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })).status).toBe(200)
        expect((await call('GET', `/openapi/v3/apis/${apiVersion}`)).status).toBe(200)
      }
      expect(defects).toEqual([])
    }),
    { numRuns: 150 },
  )
})

it('answers any custom resource with a Status, never a crash', async () => {
  const { call, defects, apply } = extensionWorld()
  apply(widgetDefinition)
  const full = widget('full', {
    colour: 'red',
    size: { width: 1 },
    port: 'http',
    serial: 'AB1',
    tags: ['a'],
    parts: [{ name: 'x', weight: 1 }],
    settings: { a: 'b' },
    anything: { a: 1 },
    template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } },
    either: { left: 'l' },
    owner: 'me',
    least: 1,
  })
  const path = '/apis/example.com/v1/namespaces/default/widgets'
  expect((await call('POST', path, full)).status).toBe(201)
  await fc.assert(
    fc.asyncProperty(fc.nat(100_000), nonsense, async (at, by) => {
      const body = damaged(full, at, by)
      for (const [method, target, type] of [
        ['POST', path, 'application/json'],
        ['PUT', `${path}/full`, 'application/json'],
        ['PUT', `${path}/full/status`, 'application/json'],
        ['PATCH', `${path}/full`, 'application/merge-patch+json'],
        ['PATCH', `${path}/full?fieldManager=me&force=true`, 'application/apply-patch+yaml'],
      ] as const) {
        const { status, json } = await call(method, target, body, { 'Content-Type': type })
        const undeclared = status === 500 && /failed to create typed patch object/.test(json.message)
        expect(settled(status) || undeclared, JSON.stringify(json)).toBe(true)
      }
      expect(defects).toEqual([])
    }),
    { numRuns: 150 },
  )
})
