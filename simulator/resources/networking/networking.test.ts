import { describe, expect, test } from 'vitest'
import { created, row, updated } from '../testing.ts'
import { ingresses } from './ingress.ts'
import { ingressclasses } from './ingressclass.ts'
import { networkpolicies } from './networkpolicy.ts'

describe('NetworkPolicy', () => {
  test.each<[object, string[]]>([
    [{ podSelector: {} }, ['Ingress']],
    [{ podSelector: {}, egress: [{}] }, ['Ingress', 'Egress']],
    [{ podSelector: {}, egress: [] }, ['Ingress']],
    [{ podSelector: {}, policyTypes: ['Egress'] }, ['Egress']],
  ])('policyTypes of %o', (spec, types) => {
    const { object, errors } = created(networkpolicies, { spec })
    expect(errors).toEqual([])
    expect(object.spec.policyTypes).toEqual(types)
  })

  const from = (peer: object) => ({ podSelector: {}, ingress: [{ from: [peer] }] })
  const port = (one: object) => ({ podSelector: {}, ingress: [{ ports: [one] }] })
  const at = 'spec.ingress[0].'
  test.each<[object, string[]]>([
    [from({}), [`${at}from[0]: Required value: must specify a peer`]],
    [
      from({ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }),
      [`${at}from[0]: Forbidden: may not specify both ipBlock and another peer`],
    ],
    [
      from({ ipBlock: { cidr: '10.0.0.0' } }),
      [`${at}from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`],
    ],
    [
      from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } }),
      [`${at}from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of \`cidr\``],
    ],
    [from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }), []],
    [port({ port: 0 }), [`${at}ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive`]],
    [port({ port: 'http', endPort: 90 }), [`${at}ports[0].endPort: Invalid value: 90: may not be specified when \`port\` is non-numeric`]],
    [port({ port: 80, endPort: 70 }), [`${at}ports[0].endPort: Invalid value: 70: must be greater than or equal to \`port\``]],
    [port({ endPort: 70 }), [`${at}ports[0].endPort: Invalid value: 70: may not be specified when \`port\` is not specified`]],
    [port({ protocol: 'ICMP' }), [`${at}ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"`]],
    [{ podSelector: {}, policyTypes: ['Both'] }, ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"']],
  ])('%o', (spec, expected) => {
    expect(created(networkpolicies, { spec }).errors).toEqual(expected)
  })

  test('row', () => {
    expect(row(networkpolicies, { metadata: { name: 'deny' }, spec: { podSelector: {} } })).toEqual({
      Name: 'deny',
      'Pod-Selector': '<none>',
      Age: '<unknown>',
    })
  })
})

describe('Ingress', () => {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const rule = (path: object, host?: string) => ({
    rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...path }] } }],
  })
  const at = 'spec.rules[0].http.paths[0].'
  test.each<[object, string[]]>([
    [rule({}), []],
    [{}, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
    [rule({ pathType: undefined }), [`${at}pathType: Required value: pathType must be specified`]],
    [
      rule({ pathType: 'Regex' }),
      [`${at}pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    [rule({ path: 'shop' }), [`${at}path: Invalid value: "shop": must be an absolute path`]],
    [rule({ path: '/a//b' }), [`${at}path: Invalid value: "/a//b": must not contain '//'`]],
    [rule({ backend: {} }), [`${at}backend: Invalid value: "": resource or service backend is required`]],
    [rule({ backend: { service: { name: 'web' } } }), [`${at}backend: Required value: port name or number is required`]],
    [
      rule({ backend: { service: { name: 'web', port: { number: 1, name: 'a' } } } }),
      [`${at}backend: Invalid value: "": cannot set both port name & port number`],
    ],
    [rule({}, '10.0.0.1'), ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address']],
    [rule({}, '*.example.com'), []],
  ])('%o', (spec, expected) => {
    expect(created(ingresses, { spec }).errors).toEqual(expected)
  })

  test('row', () => {
    const object = {
      metadata: { name: 'web' },
      spec: { ingressClassName: 'traefik', tls: [{}], rules: [{ host: 'a.example' }, {}, { host: 'b.example' }] },
    }
    expect(row(ingresses, object)).toEqual({
      Name: 'web',
      Class: 'traefik',
      Hosts: 'a.example,b.example',
      Address: '',
      Ports: '80, 443',
      Age: '<unknown>',
    })
  })
})

test('IngressClass: the controller is named by a domain and stays', () => {
  const { object, errors } = created(ingressclasses, { spec: { controller: 'traefik.io/ingress-controller' } })
  expect(errors).toEqual([])
  expect(created(ingressclasses, { spec: {} }).errors).toEqual(['spec.controller: Required value'])
  expect(updated(ingressclasses, { ...object, spec: { controller: 'a.io/b' } }, object).errors).toEqual([
    'spec.controller: Invalid value: "a.io/b": field is immutable',
  ])
})
