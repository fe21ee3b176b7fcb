import type { Pod, Service } from 'kubernetes-types/core/v1'
import { describe, expect, test } from 'vitest'
import { localAddresses, parsePort, remotePorts } from './forwarded-ports.ts'

const pod: Pod = {
  metadata: { name: 'web' },
  spec: {
    containers: [
      {
        name: 'web',
        ports: [
          { name: 'http', containerPort: 80 },
          { name: 'dns', containerPort: 53, protocol: 'UDP' },
          { name: 'both', containerPort: 54, protocol: 'UDP' },
          { containerPort: 54 },
        ],
      },
    ],
  },
}
const service = (clusterIP: string): Service => ({
  metadata: { name: 'front' },
  spec: {
    clusterIP,
    ports: [
      { name: 'named', port: 8080, targetPort: 'http' },
      { name: 'same', port: 81 },
      { name: 'udp', port: 53, protocol: 'UDP' },
    ],
  },
})

describe('ports of a pod', () => {
  test.each([
    ['8080:80', '8080:80'],
    ['80', '80'],
    ['http', '80'],
    ['8080:http', '8080:80'],
    [':http', ':80'],
    ['1:54', '1:54'],
  ])('%s is %s', (word, expected) => expect(remotePorts([word], pod, undefined)).toEqual([expected]))

  test.each([
    ['nope', "Pod 'web' does not have a named port 'nope'"],
    ['8053:dns', 'UDP protocol is not supported for dns'],
    ['8053:53', 'UDP protocol is not supported for 53'],
    ['80:', 'remote port cannot be empty'],
  ])('%s is refused', (word, sentence) => expect(() => remotePorts([word], pod, undefined)).toThrow(sentence))
})

describe('ports of a service', () => {
  test.each([
    ['8080', '8080:80'],
    ['named', '8080:80'],
    [':named', ':80'],
    ['9000:named', '9000:80'],
    ['81', '81'],
  ])('%s is %s', (word, expected) => expect(remotePorts([word], pod, service('10.96.0.5'))).toEqual([expected]))

  test('of a headless one are those of the pod itself', () => {
    expect(remotePorts(['8080'], pod, service('None'))).toEqual(['8080'])
  })
  test.each([
    ['82', 'Service front does not have a service port 82'],
    ['nope', "Service 'front' does not have a named port 'nope'"],
    ['udp', 'UDP protocol is not supported for udp'],
  ])('%s is refused', (word, sentence) => expect(() => remotePorts([word], pod, service('10.96.0.5'))).toThrow(sentence))
})

test.each([
  ['80', { local: 80, remote: 80 }],
  ['8080:80', { local: 8080, remote: 80 }],
  [':80', { local: 0, remote: 80 }],
  ['0:80', { local: 0, remote: 80 }],
])('%s forwards %o', (text, expected) => expect(parsePort(text)).toEqual(expected))

test.each([
  ['1:2:3', "invalid port format '1:2:3'"],
  ['0', 'remote port must be > 0'],
  ['70000', `error parsing local port '70000': strconv.ParseUint: parsing "70000": value out of range`],
  ['1:x', `error parsing remote port 'x': strconv.ParseUint: parsing "x": invalid syntax`],
])('%s is refused', (text, sentence) => expect(() => parsePort(text)).toThrow(sentence))

test('addresses, sorted, each once', () => {
  expect(localAddresses(['localhost', '127.0.0.1', '10.0.0.1']).map(({ address, all }) => [address, all])).toEqual([
    ['10.0.0.1', false],
    ['127.0.0.1', false],
    ['::1', true],
  ])
  expect(() => localAddresses(['foo'])).toThrow('foo is not a valid IP')
})
