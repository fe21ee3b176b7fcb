import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatSelector, matchesRequirements, matchesSelector, parseSelector, selectorText, validateSelector } from './selectors.ts'
import { sentences } from './testing.ts'

describe('label selectors', () => {
  test.each([
    [undefined, {}, false],
    [{}, {}, true],
    [{ matchLabels: { app: 'web' } }, { app: 'web', tier: 'front' }, true],
    [{ matchLabels: { app: 'web' } }, { app: 'db' }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }] }, undefined, true],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'web'] }] }, { app: 'web' }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, { app: 'web' }, false],
  ])('object form %o on %o', (selector, labels, expected) => {
    expect(matchesSelector(selector, labels)).toBe(expected)
  })

  test.each([
    ['a=b,c in (d, e)', { a: 'b', c: 'e' }, true],
    ['a==b', { a: 'c' }, false],
    ['a!=b', {}, true],
    ['!a', { a: '' }, false],
    ['a', { a: '' }, true],
    ['a notin (b)', { a: 'b' }, false],
    ['a=', { a: '' }, true],
    ['n>3', { n: '4' }, true],
    ['n<3', { n: 'x' }, false],
    ['', { a: 'b' }, true],
  ])('string form %s on %o', (text, labels, expected) => {
    expect(matchesRequirements(parseSelector(text), labels)).toBe(expected)
  })

  test.each(['a in d', 'a=b,', 'a b', 'a in (b', '=b', 'A B=c'])('%s is refused', (text) => {
    expect(() => parseSelector(text)).toThrow()
  })

  test('the string form means what the object form means', () => {
    const key = fc.constantFrom('app', 'tier', 'zone')
    const value = fc.constantFrom('a', 'b', 'c')
    const expression = fc.oneof(
      fc.record({ key, operator: fc.constantFrom('In', 'NotIn'), values: fc.array(value, { minLength: 1, maxLength: 3 }) }),
      fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
    )
    const selector = fc.record({ matchLabels: fc.dictionary(key, value), matchExpressions: fc.array(expression, { maxLength: 3 }) })
    fc.assert(
      fc.property(selector, fc.dictionary(key, value), (object, labels) => {
        expect(matchesRequirements(parseSelector(selectorText(object)), labels)).toBe(matchesSelector(object, labels))
      }),
    )
  })

  test('printing and sentences', () => {
    expect(formatSelector({ matchLabels: { b: '2', a: '1' } })).toBe('a=1,b=2')
    expect(formatSelector({})).toBe('<none>')
    expect(
      sentences(
        validateSelector('spec.selector', {
          matchExpressions: [
            { key: 'a', operator: 'In' },
            { key: 'b', operator: 'Is' },
          ],
        }),
      ),
    ).toEqual([
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      'spec.selector.matchExpressions[1].operator: Invalid value: "Is": not a valid selector operator',
    ])
  })
})
