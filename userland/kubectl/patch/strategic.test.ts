import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { strategic } from '../testing/api.ts'
import { applyMergePatch, mergePatch, threeWayMergePatch } from './json-merge.ts'
import { sameValue, threeWayPatch, twoWayPatch } from './strategic.ts'

const container = fc.record(
  { name: fc.constantFrom('a', 'b', 'c'), image: fc.constantFrom('x', 'y'), args: fc.array(fc.constantFrom('p', 'q'), { maxLength: 2 }) },
  { requiredKeys: ['name'] },
)
const object = fc.record(
  {
    metadata: fc.record({ labels: fc.dictionary(fc.constantFrom('k', 'l', 'm'), fc.constantFrom('1', '2')) }),
    spec: fc.record(
      {
        containers: fc.uniqueArray(container, { selector: (one) => one.name }),
        replicas: fc.nat(3),
        other: fc.array(fc.nat(2), { maxLength: 3 }),
      },
      { requiredKeys: ['containers'] },
    ),
  },
  { requiredKeys: ['spec'] },
)
const byName = (value: any) => ({
  ...value,
  spec: { ...value.spec, containers: [...value.spec.containers].sort((a: any, b: any) => (a.name < b.name ? -1 : 1)) },
})

describe('a strategic patch', () => {
  test('makes the one of the other', () => {
    fc.assert(
      fc.property(object, object, (before, after) => {
        expect(byName(strategic(before, twoWayPatch(before, after), ['']))).toEqual(byName(after))
      }),
    )
  })
  test('is empty between equals', () => {
    fc.assert(
      fc.property(object, (value) => {
        expect(twoWayPatch(value, structuredClone(value))).toEqual({})
      }),
    )
  })
  test('in three ways keeps what only the server has', () => {
    fc.assert(
      fc.property(object, object, (original, modified) => {
        const current = { ...original, status: { phase: 'x' } }
        const result: any = strategic(current, threeWayPatch(original, modified, current), [''])
        expect(result.status).toEqual({ phase: 'x' })
        expect(byName({ ...result, status: undefined })).toEqual(byName({ ...modified, status: undefined }))
      }),
    )
  })
})

describe('a JSON merge patch (RFC 7386)', () => {
  const json = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.oneof(fc.nat(2), fc.array(fc.nat(2)), fc.dictionary(fc.constantFrom('d', 'e'), fc.nat(2))),
  )
  test('makes the one of the other', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        expect(sameValue(applyMergePatch(before, mergePatch(before, after)), after)).toBe(true)
      }),
    )
  })
  test('in three ways drops what was dropped and keeps what others added', () => {
    expect(threeWayMergePatch({ a: 1, b: 2 }, { a: 3 }, { a: 1, b: 2, c: 4 })).toEqual({ a: 3, b: null })
  })
})

test('says nothing of two ports with one number that did not change', () => {
  const ports = [
    { name: 'dns', containerPort: 53, protocol: 'UDP' },
    { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
  ]
  const pod = (image: string) => ({ spec: { containers: [{ name: 'coredns', image, ports }] } })
  expect(twoWayPatch(pod('a'), pod('b'))).toEqual({
    spec: { containers: [{ name: 'coredns', image: 'b' }], '$setElementOrder/containers': [{ name: 'coredns' }] },
  })
})
