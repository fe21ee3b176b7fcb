import { describe, expect, test } from 'vitest'
import { bool, duration, int, list, parseDuration, parseFlags, text } from './flags.ts'

const known = [
  bool('watch', '', 'w'),
  bool('stdin', '', 'i'),
  text('namespace', '', 'n'),
  list('filename', '', 'f'),
  int('tail', ''),
  duration('timeout', ''),
]

describe('flags', () => {
  test.each([
    [['-n', 'a'], 'a'],
    [['-na'], 'a'],
    [['-n=a'], 'a'],
    [['--namespace', 'a'], 'a'],
    [['--namespace=a'], 'a'],
    [['-win', 'a'], 'a'],
    [['-wina'], 'a'],
  ])('%j', (words, value) => expect(parseFlags(words, known).flags.text('namespace')).toBe(value))

  test('arguments stand between flags and after --', () => {
    expect(parseFlags(['a', '-w', 'b', '--', '-x', '--y'], known)).toMatchObject({ args: ['a', 'b', '-x', '--y'], dash: 2 })
  })
  test('lists split at commas and add up', () =>
    expect(parseFlags(['-f', 'a,b', '-f=c'], known).flags.list('filename')).toEqual(['a', 'b', 'c']))
  test.each([
    [['--foo'], 'unknown flag: --foo'],
    [['-wz'], "unknown shorthand flag: 'z' in -z"],
    [['-n'], "flag needs an argument: 'n' in -n"],
    [['--tail=x'], 'invalid argument "x" for "--tail" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [['--timeout=5'], 'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"'],
  ])('%j is refused', (words, message) => expect(() => parseFlags(words, known)).toThrow(message))
  test('durations', () => {
    expect(parseDuration('1h30m')).toBe(5_400_000)
    expect(parseDuration('1.5s')).toBe(1500)
    expect(parseDuration('-1s')).toBe(-1000)
    expect(parseDuration('x')).toBeUndefined()
  })
})
