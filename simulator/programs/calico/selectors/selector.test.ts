import { expect, it } from 'vitest'
import { parseSelector } from './selector.ts'

it('says every operator in its canonical form', () => {
  const forms: Record<string, string> = {
    '': 'all()',
    "a == 'b'": 'a == "b"',
    'a!="b"': 'a != "b"',
    "a in {'y', \"x\", 'x'}": 'a in {"x", "y"}',
    "a notin { 'x' , }": 'a not in {"x"}',
    'a not   in {}': 'a not in {}',
    "a contains 'b'": 'a contains "b"',
    "a starts with 'b'": 'a starts with "b"',
    "a startswith 'b'": 'a starts with "b"',
    "a ends with 'b\"'": `a ends with 'b"'`,
    'has( example.com/a-b_c )': 'has(example.com/a-b_c)',
    '!has(a)': '!has(a)',
    '!!has(a)': 'has(a)',
    'global( )': 'global()',
    "a == 'b' && has(c) || all()": '((a == "b" && has(c)) || all())',
    "a == 'b' && (has(c) || !(has(d)))": '(a == "b" && (has(c) || !has(d)))',
    "in == 'x'": 'in == "x"',
    "has == 'x'": 'has == "x"',
  }
  for (const [text, canonical] of Object.entries(forms)) expect(parseSelector(text).text).toBe(canonical)
  for (const canonical of Object.values(forms)) expect(parseSelector(canonical).text).toBe(canonical)
  expect(parseSelector("a == 'b' && !has(c)", 'pcns.').text).toBe('(pcns.a == "b" && !has(pcns.c))')
})

it('finds what has the labels, and with what is not there differs from every value', () => {
  const fits = (text: string, labels: Record<string, string>) => parseSelector(text).matches(Object.assign(Object.create(null), labels))
  expect(fits("a != 'b'", {})).toBe(true)
  expect(fits("a not in {'b'}", {})).toBe(true)
  expect(fits("a in {'b'}", {})).toBe(false)
  expect(fits("a contains ''", {})).toBe(false)
  expect(fits("a contains ''", { a: 'x' })).toBe(true)
  expect(fits("a == ''", { a: '' })).toBe(true)
  expect(fits('has(constructor)', {})).toBe(false)
  expect(fits("!(a == 'b')", { a: 'b' })).toBe(false)
})

it('says what is wrong in the words of the real parser', () => {
  const errors: Record<string, string> = {
    "a = 'b'": 'expected ==',
    "a like 'b'": 'expected operator after label "a"',
    'a == b': 'expected string',
    'a == ': 'unexpected end of string looking for op',
    "a == 'b": 'unterminated string',
    a: 'unexpected end of string looking for op',
    "a in 'b'": 'expected set literal',
    "a in {'b'": 'expected }',
    '(has(a)': 'expected )',
    'has(a': "no closing ')' after has(",
    'has()': 'expected identifier',
    "'a'": 'unexpected token: a',
    'has(a) & has(b)': 'expected &&',
    'has(a) has(b)': 'unexpected content at end of selector [b]',
    '%': 'expected identifier',
  }
  for (const [text, message] of Object.entries(errors)) expect(() => parseSelector(text), text).toThrow(message)
})
