import { describe, expect, it } from 'vitest'
import type { IngressObject } from '../ingress/objects.ts'
import { hostRows, pathRows } from '../ingress/testing/specification.ts'
import { defaultsFrom, readAnnotations } from './annotations.ts'
import { type Configuration, configurationFor } from './configuration.ts'
import { lacksSlash, locationFor, rewritten, serverFor } from './routing.ts'

type Rule = readonly [host: string, type: string, path: string]

function configured(rules: readonly Rule[], annotations: Record<string, string> = {}): Configuration {
  const named = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]))
  const ingress = {
    metadata: { namespace: 'default', name: 'one', annotations: named },
    spec: {
      rules: rules.map(([host, pathType, path], index) => ({
        host,
        http: { paths: [{ path, pathType, backend: { service: { name: `s${index}`, port: { number: 80 } } } }] },
      })),
    },
  } as IngressObject
  return configurationFor([{ ingress, annotations: readAnnotations(ingress, defaultsFrom({})) }], [], {
    service: () => undefined,
    slices: () => [],
    certificate: () => ({ error: 'none' }),
    now: 0,
  })
}

const index = (upstream: string | undefined) => {
  const found = /^default-s(\d+)-80$/.exec(upstream ?? '')?.[1]
  return found === undefined ? undefined : Number(found)
}

describe('paths of the specification', () => {
  it.each(pathRows)('$paths: $request', ({ paths, request, takes }) => {
    const configuration = configured(paths.map(([type, path]) => ['a.com', type, path]))
    expect(index(locationFor(serverFor(configuration, 'a.com'), request)?.upstream)).toBe(takes)
  })
})

describe('hosts of the specification', () => {
  it.each(hostRows)('%j: %s', (hosts, host, takes) => {
    const configuration = configured(hosts.map((one) => [one, 'Prefix', '/']))
    expect(index(locationFor(serverFor(configuration, host), '/')?.upstream)).toBe(takes)
  })
})

it('sends whoever forgot the slash of /foo/ there', () => {
  const server = serverFor(configured([['a.com', 'Prefix', '/foo/']]), 'a.com')
  expect(lacksSlash(server, locationFor(server, '/foo')!, '/foo')).toBe(true)
  expect(lacksSlash(server, locationFor(server, '/foo/x')!, '/foo/x')).toBe(false)
})

it.each([
  ['/app(/|$)(.*)', '/$2', '/app/a/b', '/a/b'],
  ['/app(/|$)(.*)', '/$2', '/app', '/'],
  ['/old', '/new', '/old/x', '/new'],
  ['/', '/', '/x', '/x'],
])('rewrites %s to %s: %s is %s', (path, target, request, expected) => {
  const configuration = configured([['a.com', 'ImplementationSpecific', path]], { 'rewrite-target': target, 'use-regex': 'true' })
  const location = locationFor(serverFor(configuration, 'a.com'), request)
  expect(location && rewritten(location, request)).toBe(expected)
})

it('takes no Ingress with a snippet, and none whose values are no values', () => {
  expect(() => configured([['a.com', 'Prefix', '/']], { 'configuration-snippet': 'x' })).toThrow(
    'annotation group ConfigurationSnippet contains risky annotation based on ingress configuration',
  )
  expect(() => configured([['a.com', 'Prefix', '/']], { 'ssl-redirect': 'no' })).toThrow('annotation ssl-redirect contains invalid value')
})
