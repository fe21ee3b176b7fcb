import { describe, expect, it } from 'vitest'
import { hostRows, pathRows } from '../ingress/testing/specification.ts'
import { ruleOf } from './rule.ts'

/** As routers are asked: the longest rule first. */
function chosen(
  rules: readonly (readonly [host: string, path: string, type: string])[],
  host: string,
  path: string,
  strictPrefixes = true,
) {
  const made = rules.map(([own, one, type], index) => ({ index, ...ruleOf(own, one, type, { strictPrefixes, pathMatcher: 'PathPrefix' }) }))
  return made.sort((a, b) => b.rule.length - a.rule.length).find(({ matches }) => matches(host, path))?.index
}

/** `/foo` beside an exact `/foo`: the longer rule of the prefix comes first, as in the real one. */
const deviating = new Set(['/foo'])

describe('paths of the specification, with strictPrefixMatching', () => {
  it.each(pathRows.filter(({ paths, request }) => !(paths.length === 2 && deviating.has(request))))(
    '$paths: $request',
    ({ paths, request, takes }) => {
      expect(
        chosen(
          paths.map(([type, path]) => ['', path, type]),
          'a.com',
          request,
        ),
      ).toBe(takes)
    },
  )
})

describe('hosts of the specification', () => {
  it.each(hostRows)('%j: %s', (hosts, host, takes) => {
    const found = hosts.map((own, index) => ({
      index,
      ...ruleOf(own, '/', 'Prefix', { strictPrefixes: false, pathMatcher: 'PathPrefix' }),
    }))
    const fitting = found.filter(({ matches }) => matches(host, '/')).map(({ index }) => index)
    expect(takes === undefined ? fitting : fitting.includes(takes)).toEqual(takes === undefined ? [] : true)
  })
})

it('compares characters, not elements, by default', () => {
  expect(chosen([['', '/foo', 'Prefix']], 'a.com', '/foobar', false)).toBe(0)
  expect(chosen([['', '/foo', 'Prefix']], 'a.com', '/foobar', true)).toBeUndefined()
})

it('writes rules in its language', () => {
  const rule = (host: string, path: string, type: string, strictPrefixes = false) =>
    ruleOf(host, path, type, { strictPrefixes, pathMatcher: 'PathPrefix' }).rule
  expect(rule('a.com', '/', 'Prefix')).toBe('Host(`a.com`) && PathPrefix(`/`)')
  expect(rule('*.a.com', '/x', 'Exact')).toBe('HostRegexp(`^[a-zA-Z0-9-]+\\.a\\.com$`) && Path(`/x`)')
  expect(rule('', '/x/', 'Prefix', true)).toBe('(Path(`/x`) || PathPrefix(`/x/`))')
})
