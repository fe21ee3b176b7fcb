import { describe, expect, test } from 'vitest'
import {
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isDomainPrefixedPath,
  isQualifiedName,
  isValidLabelValue,
  isValidPortName,
  isValidPortNumber,
  isWildcardDns1123Subdomain,
} from './names.ts'

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const service =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

describe('names', () => {
  test.each([
    [isDns1123Label, 'web-1', []],
    [isDns1123Label, 'Web', [label]],
    [isDns1123Label, 'web.shop', ['must not contain dots']],
    [isDns1123Label, 'a'.repeat(64), ['must be no more than 63 characters']],
    [isDns1123Subdomain, 'web.shop', []],
    [isDns1123Subdomain, 'web_shop', [subdomain]],
    [isDns1035Label, '1web', [service]],
    [isWildcardDns1123Subdomain, '*.example.com', []],
    [isValidPortName, 'http', []],
    [isValidPortName, '8080', ['must contain at least one letter (a-z)']],
    [
      isValidPortName,
      'Web--x-',
      [
        'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        'must not contain consecutive hyphens',
        'must not begin or end with a hyphen',
      ],
    ],
    [isValidPortName, 'a-very-long-name-x', ['must be no more than 15 characters']],
    [isConfigMapKey, 'Corefile', []],
    [isConfigMapKey, '..', ["must not be '..'"]],
    [isValidLabelValue, '', []],
    [isQualifiedName, 'app.kubernetes.io/name', []],
    [isQualifiedName, '/name', ['prefix part must be non-empty']],
  ] as [(value: string) => string[], string, string[]][])('%o(%s)', (check, value, expected) => {
    expect(check(value)).toEqual(expected)
  })

  test('ports and controller paths', () => {
    expect(isValidPortNumber(0)).toEqual(['must be between 1 and 65535, inclusive'])
    expect(isValidPortNumber(65535)).toEqual([])
    expect(isDomainPrefixedPath('traefik.io/ingress-controller')).toEqual([])
    expect(isDomainPrefixedPath('traefik')).toEqual([
      { value: 'traefik', sentence: 'must be a domain-prefixed path (such as "acme.io/foo")' },
    ])
  })
})
