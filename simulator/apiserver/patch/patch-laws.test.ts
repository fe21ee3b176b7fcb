import fc from 'fast-check'
import fastJsonPatch from 'fast-json-patch'
import { expect, it } from 'vitest'
import { jsonPatch } from './json.ts'
import { isObject, mergePatch } from './merge.ts'

// The same run each time; a failure prints the seed and the path to the smallest counterexample.
fc.configureGlobal({ seed: 2_026 })

const json = (maxDepth: number) => fc.jsonValue({ maxDepth }).map((value) => JSON.parse(JSON.stringify(value)))
const key = fc.constantFrom('a', 'b', '0', 'x/y', 'm~n')
const document = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(1, 'x', null, true),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(key, tie('node'), { maxKeys: 3 }),
  ),
})).node
const pointer = fc
  .array(fc.constantFrom('a', 'b', '0', '1', '-', 'x~1y', 'm~0n'), { maxLength: 3 })
  .map((parts) => parts.map((part) => `/${part}`).join(''))
const operation = fc.record({
  op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
  path: pointer,
  from: pointer,
  value: json(1),
})

it('a JSON patch does what another implementation of RFC 6902 does with it, or both refuse', () => {
  fc.assert(
    fc.property(fc.dictionary(key, document, { maxKeys: 4 }), fc.array(operation, { maxLength: 4 }), (target, patch) => {
      // The two differ by design where the whole document is meant: here it cannot be removed or moved away, there it can.
      fc.pre(patch.every(({ path, from, op }) => path !== '' && (from !== '' || (op !== 'move' && op !== 'copy'))))
      // A move into itself is refused by the RFC (4.4); the other implementation takes some of them.
      fc.pre(patch.every(({ op, path, from }) => op !== 'move' || !`${path}/`.startsWith(`${from}/`)))
      const attempt = (run: () => unknown): { done: unknown } | 'refused' => {
        try {
          return { done: run() }
        } catch {
          return 'refused'
        }
      }
      const theirs = attempt(() => fastJsonPatch.applyPatch(structuredClone(target), structuredClone(patch) as never, true).newDocument)
      expect(attempt(() => jsonPatch(target, patch))).toEqual(theirs)
    }),
    { numRuns: 2_000 },
  )
})

/** The merge patch that makes `from` into `to`, which holds no null: RFC 7386 cannot say null. */
function difference(from: unknown, to: unknown): unknown {
  if (!isObject(from) || !isObject(to)) return to
  const patch: Record<string, unknown> = {}
  for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) patch[name] = null
  for (const [name, value] of Object.entries(to)) {
    const before = Object.hasOwn(from, name) ? from[name] : undefined
    patch[name] = isObject(before) && isObject(value) ? difference(before, value) : value
  }
  return patch
}

it('a merge patch of the difference makes one document into the other, and twice is once', () => {
  const whole = fc
    .dictionary(key, json(2), { maxKeys: 4 })
    .map((value) => JSON.parse(JSON.stringify(value), (_, inner) => inner ?? undefined))
  fc.assert(
    fc.property(whole, whole, (from, to) => {
      const patch = difference(from, to)
      const once = mergePatch(from, patch)
      expect(once).toEqual(to)
      expect(mergePatch(once, patch)).toEqual(to)
    }),
    { numRuns: 1_000 },
  )
})
