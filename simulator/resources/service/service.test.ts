import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '../../random.ts'
import { parseAddress, parseCidr } from '../addresses.ts'
import { contextWith, created, row, updated } from '../testing.ts'
import { nextAddress } from './allocation.ts'
import { services } from './definition.ts'

const service = (spec: object = {}) => ({ spec: { ports: [{ port: 80 }], selector: { app: 'web' }, ...spec } })
const dns = {
  metadata: { name: 'kube-dns', namespace: 'kube-system' },
  spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ port: 53, protocol: 'UDP', nodePort: 30053 }] },
}

describe('create', () => {
  test('ClusterIP: defaults and an address from the upper band', () => {
    const { object, errors } = created(services, service())
    expect(errors).toEqual([])
    const { clusterIP, clusterIPs, ...rest } = object.spec
    expect(clusterIPs).toEqual([clusterIP])
    const offset = parseAddress(clusterIP)!.value - parseCidr('10.96.0.0/16')!.network
    expect(offset > 256n && offset < 65535n).toBe(true)
    expect(rest).toEqual({
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      selector: { app: 'web' },
      sessionAffinity: 'None',
      type: 'ClusterIP',
    })
    expect(object.status).toEqual({ loadBalancer: {} })
  })

  test('NodePort and LoadBalancer get node ports; Local gets a health-check port', () => {
    const node = created(services, service({ type: 'NodePort' })).object.spec
    expect(node.ports[0].nodePort).toBeGreaterThanOrEqual(30086)
    expect(node.ports[0].nodePort).toBeLessThanOrEqual(32767)
    expect(node.externalTrafficPolicy).toBe('Cluster')
    const balanced = created(services, service({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' }))
    expect(balanced.errors).toEqual([])
    expect(balanced.object.spec.allocateLoadBalancerNodePorts).toBe(true)
    expect(balanced.object.spec.healthCheckNodePort).toBeGreaterThan(30000)
    expect(balanced.object.spec.healthCheckNodePort).not.toBe(balanced.object.spec.ports[0].nodePort)
  })

  test('headless and ExternalName get no address', () => {
    expect(created(services, service({ clusterIP: 'None' })).object.spec).toMatchObject({
      clusterIP: 'None',
      clusterIPs: ['None'],
      ipFamilyPolicy: 'SingleStack',
    })
    expect(created(services, { spec: { clusterIP: 'None' } }).object.spec.ipFamilies).toEqual(['IPv4', 'IPv6'])
    const external = created(services, { spec: { type: 'ExternalName', externalName: 'db.example.com' } })
    expect(external.errors).toEqual([])
    expect(external.object.spec).toEqual({ type: 'ExternalName', externalName: 'db.example.com', sessionAffinity: 'None' })
  })

  test('dual-stack clusters give two addresses', () => {
    const context = contextWith({}, '10.96.0.0/16,fd00:10:96::/112')
    const { object, errors } = created(services, service({ ipFamilyPolicy: 'PreferDualStack' }), context)
    expect(errors).toEqual([])
    expect(object.spec.ipFamilies).toEqual(['IPv4', 'IPv6'])
    expect(object.spec.clusterIPs[1]).toMatch(/^fd00:10:96::/)
  })

  const context = () => contextWith({ services: [dns] })
  test.each<[string, object, string[]]>([
    ['free explicit address', service({ clusterIP: '10.96.0.1' }), []],
    ['no ports', { spec: {} }, ['spec.ports: Required value']],
    [
      'two ports without names',
      service({ ports: [{ port: 80 }, { port: 81 }] }),
      ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
    ],
    [
      'port names twice',
      service({
        ports: [
          { port: 80, name: 'http' },
          { port: 81, name: 'http' },
        ],
      }),
      ['spec.ports[1].name: Duplicate value: "http"'],
    ],
    [
      'ports twice',
      service({
        ports: [
          { port: 80, name: 'a' },
          { port: 80, name: 'b' },
        ],
      }),
      ['spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}'],
    ],
    [
      'port number',
      service({ ports: [{ port: 0 }] }),
      [
        'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
        'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
      ],
    ],
    [
      'type',
      service({ type: 'Ingress' }),
      ['spec.type: Unsupported value: "Ingress": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    ],
    [
      'nodePort out of range',
      service({ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
      ['spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767'],
    ],
    [
      'nodePort taken',
      service({ type: 'NodePort', ports: [{ port: 53, protocol: 'UDP', nodePort: 30053 }] }),
      ['spec.ports[0].nodePort: Invalid value: 30053: provided port is already allocated'],
    ],
    ['nodePort of another protocol', service({ type: 'NodePort', ports: [{ port: 53, nodePort: 30053 }] }), []],
    [
      'nodePort on ClusterIP',
      service({ ports: [{ port: 80, nodePort: 30080 }] }),
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      'address taken',
      service({ clusterIP: '10.96.0.10' }),
      ['spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated'],
    ],
    [
      'address elsewhere',
      service({ clusterIP: '10.0.0.1' }),
      [
        'spec.clusterIPs: Invalid value: ["10.0.0.1"]: failed to allocate IP 10.0.0.1: the provided network does not match the current range',
      ],
    ],
    [
      'no address',
      service({ clusterIP: 'web' }),
      ['spec.clusterIPs[0]: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
    [
      'headless NodePort',
      service({ type: 'NodePort', clusterIP: 'None' }),
      ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
    ],
    [
      'traffic policy',
      service({ externalTrafficPolicy: 'Local' }),
      ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ],
    [
      'affinity',
      service({ sessionAffinity: 'Cookie' }),
      ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
    ],
    [
      'external address',
      service({ externalIPs: ['127.0.0.1'] }),
      ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ],
    [
      'dual-stack here',
      service({ ipFamilyPolicy: 'RequireDualStack' }),
      ['spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'],
    ],
    ['IPv6 here', service({ ipFamilies: ['IPv6'] }), ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster']],
    ['ExternalName without a name', { spec: { type: 'ExternalName' } }, ['spec.externalName: Required value']],
  ])('%s', (_what, object, expected) => {
    expect(created(services, object, context()).errors).toEqual(expected)
  })
})

describe('update', () => {
  const standing = created(services, service({ type: 'NodePort' })).object
  test('what is not mentioned stays allocated', () => {
    const { object, errors } = updated(
      services,
      { ...standing, spec: { type: 'NodePort', ports: [{ port: 80 }], selector: { app: 'x' } } },
      standing,
    )
    expect(errors).toEqual([])
    expect(object.spec.clusterIP).toBe(standing.spec.clusterIP)
    expect(object.spec.ports[0].nodePort).toBe(standing.spec.ports[0].nodePort)
  })
  test('the address may not change', () => {
    const { errors } = updated(
      services,
      { ...standing, spec: { ...standing.spec, clusterIP: '10.96.9.9', clusterIPs: ['10.96.9.9'] } },
      standing,
    )
    expect(errors).toEqual(['spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set'])
  })
  test('back to ClusterIP the node port is dropped', () => {
    const { object, errors } = updated(services, { ...standing, spec: { ...standing.spec, type: 'ClusterIP' } }, standing)
    expect(errors).toEqual([])
    expect(object.spec.ports[0].nodePort).toBeUndefined()
    expect(object.spec.externalTrafficPolicy).toBeUndefined()
  })
})

test('no address is given out twice, and the lower band comes last', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const range = parseCidr('10.96.0.0/27')!
      const random = new Random(seed)
      const taken = new Set<string>()
      for (let count = 0; count < 30; count++) {
        const address = nextAddress(range, taken, random)!
        expect(taken.has(address)).toBe(false)
        expect(Number(address.split('.')[3]) > 16).toBe(count < 14)
        taken.add(address)
      }
      expect(nextAddress(range, taken, random)).toBeUndefined()
    }),
    { numRuns: 20 },
  )
})

test.each<[object, object]>([
  [
    {
      spec: {
        type: 'ClusterIP',
        clusterIPs: ['10.96.0.10'],
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
        ],
      },
    },
    { Type: 'ClusterIP', 'Cluster-IP': '10.96.0.10', 'External-IP': '<none>', 'Port(s)': '53/UDP,53/TCP' },
  ],
  [
    { spec: { type: 'NodePort', clusterIPs: ['10.96.0.11'], ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }] } },
    { 'Port(s)': '80:30080/TCP' },
  ],
  [{ spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.11'], ports: [] } }, { 'External-IP': '<pending>', 'Port(s)': '<none>' }],
  [
    { spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } } },
    { 'Cluster-IP': '<none>', 'External-IP': '203.0.113.7' },
  ],
  [{ spec: { type: 'ExternalName', externalName: 'db.example.com' } }, { 'External-IP': 'db.example.com' }],
])('row of %o', (object, expected) => {
  expect(row(services, object)).toMatchObject(expected)
})
