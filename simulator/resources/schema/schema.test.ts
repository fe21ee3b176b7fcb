import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { goPattern } from '../../go-pattern.ts'
import { withDefaults } from './defaulting.ts'
import { isOfFormat } from './formats.ts'
import { firstAt, parsePath } from './jsonpath.ts'
import { prune } from './pruning.ts'
import { compileRule, ruleErrors } from './rules.ts'
import type { Schema } from './schema.ts'
import { valueErrors } from './values.ts'

const names = fc.constantFrom('a', 'b', 'c', 'd')
const scalar = fc.constantFrom<Schema>(
  { type: 'string' },
  { type: 'integer' },
  { type: 'string', default: 'x' },
  { type: 'integer', nullable: true },
)
/** Structural schemas of objects, three levels deep at most. */
const { schema } = fc.letrec<{ schema: Schema; any: Schema }>((tie) => ({
  schema: fc.record({
    type: fc.constant('object'),
    properties: fc.dictionary(names, tie('any'), { maxKeys: 3 }),
    ...({ 'x-kubernetes-preserve-unknown-fields': fc.constantFrom(true, undefined) } as object),
  }) as fc.Arbitrary<Schema>,
  any: fc.oneof(
    { depthSize: 'small' },
    scalar,
    tie('schema'),
    tie('schema').map((inner): Schema => ({ ...inner, default: {} })),
    tie('any').map((items): Schema => ({ type: 'array', items })),
    tie('any').map((additionalProperties): Schema => ({ type: 'object', additionalProperties })),
  ),
}))
const { object } = fc.letrec<{ object: Record<string, unknown>; any: unknown }>((tie) => ({
  object: fc.dictionary(names, tie('any'), { maxKeys: 4 }),
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>('s', 1, null, true),
    tie('object'),
    fc.array(tie('any'), { maxLength: 3 }),
  ),
}))

describe('laws', () => {
  it('what is pruned needs no pruning, and holds nothing new', () => {
    fc.assert(
      fc.property(object, schema, (value, shape) => {
        const before = JSON.stringify(value)
        const once = prune(value, shape)
        const twice = prune(once.value, shape)
        expect(twice.value).toBe(once.value)
        expect(twice.dropped).toEqual([])
        expect(once.value === value).toBe(once.dropped.length === 0)
        expect(JSON.stringify(value)).toBe(before)
      }),
    )
  })

  it('what has its defaults gets no more, and pruning takes none away', () => {
    fc.assert(
      fc.property(object, schema, (value, shape) => {
        const pruned = prune(value, shape).value
        const once = withDefaults(pruned, shape)
        expect(withDefaults(once, shape)).toBe(once)
        expect(prune(once, shape).dropped).toEqual([])
      }),
    )
  })

  it('an update that changes nothing is never refused', () => {
    fc.assert(
      fc.property(object, schema, (value, shape) => {
        expect(valueErrors(value, shape, structuredClone(value))).toEqual([])
      }),
    )
  })
})

describe('rules', () => {
  const check = (rule: string, value: unknown, more: Partial<Schema> = {}, previous?: unknown) =>
    ruleErrors(value, { type: 'object', ...more, 'x-kubernetes-validations': [{ rule }] }, previous).map(({ message }) => message)
  const parts: Partial<Schema> = {
    properties: {
      parts: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' }, weight: { type: 'integer' } } } },
      at: { type: 'string', format: 'date-time' },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
      namespace: { type: 'string' },
      ratio: { type: 'number' },
      'dash-ed': { type: 'integer' },
    },
  }
  const value = {
    parts: [
      { name: 'a', weight: 1 },
      { name: 'b', weight: 2 },
    ],
    at: '2026-01-01T00:00:00Z',
    labels: { app: 'x' },
    namespace: 'n',
    ratio: 2,
    'dash-ed': 1,
  }

  it.each([
    'self.parts.all(p, p.weight <= 2)',
    'self.parts.exists_one(p, p.name == "b")',
    'self.parts.map(p, p.weight).sum() == 3',
    'self.parts.map(p, p.weight).max() == 2',
    'self.parts.map(p, p.name).isSorted()',
    '"app" in self.labels && self.labels.app.matches("^x$")',
    'self.at < timestamp("2027-01-01T00:00:00Z")',
    'self.__namespace__ == "n" && self.dash__dash__ed == 1',
    'self.ratio == 2.0',
    '!has(self.nosuch)',
    'isIP("10.0.0.1") && cidr("10.0.0.0/8").containsIP("10.1.2.3") && !cidr("10.0.0.0/8").containsIP("11.1.2.3")',
    'ip("::1").family() == 6',
    'cidr("10.0.0.0/8") == cidr("10.1.0.0/8").masked() && cidr("10.1.0.0/8") != cidr("10.1.0.0/8").masked()',
    '"DSR".matches(r"^(?i)(tunnel|dsr)$") && !"x".matches("y")',
    'cidr("10.1.0.1/16").ip().family() == 4 && string(cidr("10.1.0.1/16").ip()) == "10.1.0.1"',
    'has(self.parts[0].name) && !has(self.parts[0].nosuch) && "has(a[0].b)" != ""',
    'quantity("1Gi").isGreaterThan(quantity("1G"))',
    '"abc123".find("[0-9]+") == "123"',
    'self.?nosuch.orValue(3) == 3',
  ])('hold: %s', (rule) => expect(check(rule, value, parts)).toEqual([]))

  it('say why they do not', () => {
    expect(check('self.parts.size() > 2', value, parts)).toEqual(['Invalid value: "object": failed rule: self.parts.size() > 2'])
    expect(check('self.nosuch == 1', value, parts)).toEqual([
      'Invalid value: "object": no such key: nosuch evaluating rule: self.nosuch == 1',
    ])
    expect(compileRule('self.parts.frobnicate()')).toHaveProperty('error')
  })

  it('compare two states only of what can be told to be the same', () => {
    const rule = { rule: 'self.weight >= oldSelf.weight', message: 'may not get lighter' }
    const items: Schema = { ...(parts.properties?.['parts']?.items as Schema), 'x-kubernetes-validations': [rule] }
    const list = (type: string): Schema => ({
      type: 'object',
      properties: { parts: { type: 'array', items, 'x-kubernetes-list-type': type, 'x-kubernetes-list-map-keys': ['name'] } },
    })
    const lighter = {
      parts: [
        { name: 'b', weight: 1 },
        { name: 'a', weight: 1 },
      ],
    }
    expect(ruleErrors(lighter, list('map'), value).map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'parts[0]: Invalid value: "object": may not get lighter',
    ])
    expect(ruleErrors(lighter, list('atomic'), value)).toEqual([])
    expect(ruleErrors(lighter, list('map'), undefined)).toEqual([])
  })

  it('see the state before as an optional where they ask for it', () => {
    const schema: Schema = {
      type: 'integer',
      'x-kubernetes-validations': [{ rule: 'self > oldSelf.orValue(0)', optionalOldSelf: true }],
    }
    expect(ruleErrors(1, schema, undefined)).toEqual([])
    expect(ruleErrors(0, schema, undefined)).toHaveLength(1)
    expect(ruleErrors(2, schema, 3)).toHaveLength(1)
  })
})

describe('formats', () => {
  it.each([
    ['date-time', '2026-01-01T00:00:00Z', true],
    ['date-time', '2026-02-30T00:00:00Z', false],
    ['ipv4', '10.0.0.1', true],
    ['ipv4', '::1', false],
    ['ipv6', 'fe80::1', true],
    ['cidr', '10.0.0.0/8', true],
    ['cidr', '10.0.0.0/40', false],
    ['uri', 'https://example.com/a', true],
    ['uri', 'not a uri', false],
    ['hostname', 'web.example.com', true],
    ['hostname', '-web', false],
    ['uuid', '6f1ed002-ab5b-4b6a-8f5a-5a4c5b6d7e8f', true],
    ['byte', 'YWJj', true],
    ['byte', 'YWJ', false],
    ['duration', '1h30m', true],
    ['duration', 'soon', false],
    ['int-or-str', 'whatever', true],
  ])('%s %s: %s', (format, text, is) => expect(isOfFormat(format, text)).toBe(is))
})

describe('patterns of Go', () => {
  it('are understood, or refused where Go has none', () => {
    expect(goPattern('(?i)^abc$')?.test('ABC')).toBe(true)
    expect(goPattern('^[[:alpha:]]+$')?.test('abc')).toBe(true)
    expect(goPattern('^(?P<name>a)\\z')?.test('a')).toBe(true)
    expect(goPattern('^\\-\\/$')?.test('-/')).toBe(true)
    expect(goPattern('^(?i)(Tunnel|DSR)?$')?.test('dsr')).toBe(true)
    expect(goPattern('a(?i)b')).toBeUndefined()
    expect(goPattern('(?=a)')).toBeUndefined()
    expect(goPattern('(a)\\1')).toBeUndefined()
    expect(goPattern('(')).toBeUndefined()
  })
})

describe('paths of columns', () => {
  const object = {
    spec: {
      list: [
        { type: 'A', n: 1 },
        { type: 'Ready', n: 2 },
      ],
      map: { 'a.b/c': 'x' },
    },
  }
  it.each([
    ['.spec.list[0].n', 1],
    ['.spec.list[?(@.type=="Ready")].n', 2],
    ['.spec.list[*].type', 'A'],
    ['.spec.map.a\\.b/c', 'x'],
    [".spec.map['a.b/c']", 'x'],
    ['.spec.nosuch.deeper', undefined],
  ])('%s', (path, found) => expect(firstAt(object, parsePath(path) ?? [])).toEqual(found))
  it('refuse what they do not know', () => expect(parsePath('.spec..n')).toBeUndefined())
})
