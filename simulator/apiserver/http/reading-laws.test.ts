import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tinyWorld } from '../testing/tiny-world.ts'

// The same run each time; a failure prints the seed and the path to the smallest counterexample.
fc.configureGlobal({ seed: 2_026 })

const names = ['a', 'b', 'c', 'd']
const labels = fc.dictionary(fc.constantFrom('app', 'tier', 'constructor', 'n'), fc.constantFrom('x', 'y', '5', '50'), { maxKeys: 3 })
const write = fc.record({ kind: fc.constantFrom('put', 'put', 'put', 'delete'), name: fc.constantFrom(...names), labels, value: fc.nat(3) })
const writes = fc.array(write, { maxLength: 30 })
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never
type Labels = Record<string, string>

/** A selector's text beside what it means, said anew. */
const term = fc.oneof(
  fc
    .tuple(fc.constantFrom('app', 'tier', 'constructor'), fc.constantFrom('x', 'y'))
    .chain(([key, value]) =>
      fc.constantFrom<[string, (labels: Labels) => boolean]>(
        [`${key}=${value}`, (own) => Object.hasOwn(own, key) && own[key] === value],
        [`${key}==${value}`, (own) => Object.hasOwn(own, key) && own[key] === value],
        [`${key}!=${value}`, (own) => !Object.hasOwn(own, key) || own[key] !== value],
        [`${key} in (${value}, 5)`, (own) => Object.hasOwn(own, key) && [value, '5'].includes(own[key]!)],
        [`${key} notin (${value})`, (own) => !Object.hasOwn(own, key) || own[key] !== value],
        [key, (own) => Object.hasOwn(own, key)],
        [`!${key}`, (own) => !Object.hasOwn(own, key)],
      ),
    ),
  fc.constant<[string, (labels: Labels) => boolean]>([
    'n>7',
    (own) => Object.hasOwn(own, 'n') && /^\d+$/.test(own['n']!) && Number(own['n']) > 7,
  ]),
)
const selector = fc.array(term, { maxLength: 3 }).map((terms) => ({
  text: terms.map(([text]) => text).join(','),
  matches: (own: Labels) => terms.every(([, holds]) => holds(own)),
}))

function playground() {
  const world = tinyWorld()
  const play = ({ kind, name, labels, value }: Write) => {
    const existing = world.api.find('configmaps', 'default', name)
    const object = { metadata: { name, namespace: 'default', labels }, data: { v: String(value) } }
    if (kind === 'delete') {
      if (existing) world.api.delete('configmaps', 'default', name)
    } else if (existing) world.api.update('configmaps', object)
    else world.api.create('configmaps', object)
    world.clock.settle()
  }
  const path = '/api/v1/namespaces/default/configmaps'
  const list = async (query = '') => (await world.call('GET', `${path}?${query}`)).json
  return { ...world, play, path, list }
}

const view = (items: any[]) => new Map<string, string>(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
const ended = { numRuns: 60 }

describe('lists', () => {
  it('hold exactly what a naive filter of everything holds', async () => {
    await fc.assert(
      fc.asyncProperty(writes, selector, async (all, { text, matches }) => {
        const { play, list } = playground()
        for (const one of all) play(one)
        const everything = (await list()).items
        const found = (await list(`labelSelector=${encodeURIComponent(text)}`)).items
        expect(found).toEqual(everything.filter(({ metadata }: any) => matches(metadata.labels ?? {})))
      }),
      ended,
    )
  })

  it('in pages are the list as it was at the first page, whatever is written in between', async () => {
    await fc.assert(
      fc.asyncProperty(writes, writes, fc.integer({ min: 1, max: 4 }), selector, async (before, between, limit, { text }) => {
        const { play, list } = playground()
        for (const one of before) play(one)
        const query = `labelSelector=${encodeURIComponent(text)}`
        const whole = await list(query)
        const items: any[] = []
        let token = ''
        let meanwhile = [...between]
        do {
          const page = await list(`${query}&limit=${limit}&continue=${token}`)
          expect(page.metadata.resourceVersion).toBe(whole.metadata.resourceVersion)
          items.push(...page.items)
          token = page.metadata.continue ?? ''
          for (const one of meanwhile.slice(0, 5)) play(one)
          meanwhile = meanwhile.slice(5)
        } while (token)
        expect(items).toEqual(whole.items)
      }),
      ended,
    )
  })
})

describe('watches', () => {
  it('from any moment make the list of that moment into the list of now: no event missed, doubled or out of order', async () => {
    await fc.assert(
      fc.asyncProperty(writes, fc.nat(30), selector, fc.boolean(), async (all, cut, { text }, live) => {
        const { play, list, server, path, clock, time } = playground()
        for (const one of all.slice(0, cut)) play(one)
        const query = `labelSelector=${encodeURIComponent(text)}`
        const start = await list(query)
        const known = view(start.items)
        const later = () => {
          for (const one of all.slice(cut)) play(one)
        }
        // Either the watch is open while they happen, or it comes afterwards and is told the past.
        if (!live) later()
        const url = `https://cluster.local${path}?watch=1&timeoutSeconds=1&${query}&resourceVersion=${start.metadata.resourceVersion}`
        const response = await server.fetch(new Request(url))
        if (live) later()
        time.advance(1_500)
        clock.settle()
        let last = Number(start.metadata.resourceVersion)
        for (const line of (await response.text()).split('\n').filter(Boolean)) {
          const { type, object } = JSON.parse(line)
          const { name, resourceVersion } = object.metadata
          expect(Number(resourceVersion)).toBeGreaterThan(last)
          last = Number(resourceVersion)
          expect(known.has(name)).toBe(type !== 'ADDED')
          if (type === 'DELETED') known.delete(name)
          else known.set(name, resourceVersion)
        }
        expect([...known].sort()).toEqual([...view((await list(query)).items)].sort())
      }),
      ended,
    )
  })
})
