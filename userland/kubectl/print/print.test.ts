import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { humanDuration } from './age.ts'
import { jsonPathText } from './jsonpath.ts'
import { alignRows, createTabWriter } from './tabwriter.ts'
import { goTemplateText } from './template/go-template.ts'
import { yamlText } from './yaml.ts'

describe('YAML', () => {
  // Letters that matter to quoting, folding and blocks.
  const text = fc.string({ unit: fc.constantFrom(...'ab1.- :#\n\t\'"\\{}[]é,&*!|>%@`~', 'word ', 'x'), maxLength: 120 })
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(text, tie('any'), { maxKeys: 3 }),
    ),
  })).any
  test('reads back as what it was', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(parse(yamlText(one), { version: '1.1', schema: 'core' })).toEqual(one)
      }),
      { numRuns: 400 },
    )
  })
})

describe('columns', () => {
  test('are as wide as their widest cell and three more', () =>
    expect(
      alignRows([
        ['NAME', 'AGE'],
        ['a-longer-name', '5m'],
      ]),
    ).toBe('NAME            AGE\na-longer-name   5m\n'))
  test('have six letters at least', () =>
    expect(
      alignRows([
        ['A', 'B'],
        ['x', 'y'],
      ]),
    ).toBe('A     B\nx     y\n'))
  test('keep their width from one flush to the next', () => {
    const writer = createTabWriter()
    writer.write('long-long-long\tx\n')
    writer.flush()
    writer.write('a\tx\n')
    expect(writer.flush()).toBe('a                x\n')
    writer.forget()
    writer.write('a\tx\n')
    expect(writer.flush()).toBe('a     x\n')
  })
})

describe('ages', () => {
  test.each([
    [0, '0s'],
    [-5000, '<invalid>'],
    [119_000, '119s'],
    [120_000, '2m'],
    [125_000, '2m5s'],
    [600_000, '10m'],
    [179 * 60_000, '179m'],
    [180 * 60_000, '3h'],
    [3.5 * 3_600_000, '3h30m'],
    [47 * 3_600_000, '47h'],
    [48 * 3_600_000, '2d'],
    [50 * 3_600_000, '2d2h'],
    [9 * 24 * 3_600_000, '9d'],
    [800 * 24 * 3_600_000, '2y70d'],
  ])('%d ms', (ms, shown) => expect(humanDuration(ms)).toBe(shown))
})

const list = {
  items: [
    { name: 'a', n: 1, tags: ['x', 'y'] },
    { name: 'b', n: 2, tags: [] },
  ],
}

describe('JSONPath', () => {
  test.each([
    ['{.items[*].name}', 'a b'],
    ['{.items[0].tags}', '["x","y"]'],
    ['{.items[-1].name}', 'b'],
    ['{.items[0:1].name}', 'a'],
    ['{.items[?(@.n>1)].name}', 'b'],
    ['{..name}', 'a b'],
    ["{.items[0]['name','n']}", 'a 1'],
    ['{range .items[*]}{.name}={.n}{"\\n"}{end}', 'a=1\nb=2\n'],
    ['{.nope}', ''],
    ['plain {.items[0].name}!', 'plain a!'],
  ])('%s', (template, text) => expect(jsonPathText(template, list)).toBe(text))
})

describe('Go templates', () => {
  test.each([
    ['{{range .items}}{{.name}} {{end}}', 'a b '],
    ['{{range $i, $x := .items}}{{$i}}:{{$x.name}}{{"\\n"}}{{end}}', '0:a\n1:b\n'],
    ['{{if eq (len .items) 2}}two{{else}}other{{end}}', 'two'],
    ['{{(index .items 1).name}}', 'b'],
    ['{{.nope}}', '<no value>'],
    ['{{with .nope}}x{{else}}y{{end}}', 'y'],
    ['{{printf "%s-%d" (index .items 0).name 3}}', 'a-3'],
  ])('%s', (template, text) => expect(goTemplateText(template, list)).toBe(text))
})
