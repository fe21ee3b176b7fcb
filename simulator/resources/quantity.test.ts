import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityMilliValue,
  quantityValue,
} from './quantity.ts'

describe('quantity', () => {
  test.each([
    ['1.5', '1500m'],
    ['1.5Gi', '1536Mi'],
    ['100m', '100m'],
    ['1000m', '1'],
    ['0.1', '100m'],
    ['1024', '1024'],
    ['1024Mi', '1Gi'],
    ['512Ki', '512Ki'],
    ['0.5Ki', '512'],
    ['0', '0'],
    ['0Mi', '0'],
    ['1000k', '1M'],
    ['1e3', '1e3'],
    ['-2', '-2'],
    ['.5', '500m'],
    [2, '2'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical)
  })

  test.each(['', 'Mi', '1 Gi', '1gi', '1.2.3', '0x10', '1e'])('%s is refused', (text) => {
    expect(parseQuantity(text)).toBeUndefined()
  })

  test('values are rounded up', () => {
    expect(quantityMilliValue(parseQuantity('0.0001')!)).toBe(1)
    expect(quantityValue(parseQuantity('100m')!)).toBe(1)
    expect(quantityValue(parseQuantity('64Mi')!)).toBe(67108864)
  })

  test('formatting keeps the amount; order and sum are those of the numbers', () => {
    const text = fc
      .tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi'))
      .map(([n, s]) => `${n}${s}`)
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [x, y] = [parseQuantity(a)!, parseQuantity(b)!]
        expect(parseQuantity(formatQuantity(x))!.nanos).toBe(x.nanos)
        expect(Math.sign(compareQuantities(x, y))).toBe(Math.sign(Number(x.nanos - y.nanos)))
        expect(addQuantities(x, y).nanos).toBe(x.nanos + y.nanos)
      }),
    )
  })
})
