import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteRing } from './byte-ring.ts'
import { unfinishedTail } from './safe-boundary.ts'

it('gives back every byte from any offset that it says it keeps', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), fc.nat(100), fc.nat(1000), (chunks, capacity, from) => {
      const ring = new ByteRing(capacity, from)
      const all: number[] = []
      for (const chunk of chunks) {
        ring.append(chunk)
        all.push(...chunk)
      }
      expect(ring.end).toBe(from + all.length)
      expect(ring.end - ring.start).toBeGreaterThanOrEqual(Math.min(capacity, all.length))
      for (let offset = ring.start; offset <= ring.end; offset++) expect([...(ring.from(offset) ?? [])]).toEqual(all.slice(offset - from))
      expect(ring.from(ring.start - 1)).toBeUndefined()
      expect(ring.from(ring.end + 1)).toBeUndefined()
    }),
  )
})

it.each([
  ['plain text', 0],
  ['done \x1b[1m', 0],
  ['open \x1b[1', 3],
  ['open \x1b', 1],
  ['title \x1b]0;shell\x07', 0],
  ['title \x1b]0;she', 7],
  ['title \x1b]0;shell\x1b\\', 0],
  ['key \x1b=', 0],
])('finds the unfinished end of %j', (text, length) => {
  expect(unfinishedTail(new TextEncoder().encode(text))).toBe(length)
})

it('finds an unfinished character wherever it is cut', () => {
  for (const text of ['é', '→', '🚀']) {
    const bytes = new TextEncoder().encode(`a${text}`)
    for (let cut = 2; cut < bytes.length; cut++) expect(unfinishedTail(bytes.subarray(0, cut))).toBe(cut - 1)
    expect(unfinishedTail(bytes)).toBe(0)
  }
})
