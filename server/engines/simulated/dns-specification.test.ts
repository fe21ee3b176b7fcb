import { beforeAll, describe, expect, it } from 'vitest'
import type { SimulatedCluster } from '../../../simulator/cluster/cluster.ts'
import { decodeDns, encodeDns, type ResourceRecord } from '../../../simulator/network/dns-message.ts'
import type { NetworkNamespace } from '../../../simulator/network/namespace.ts'
import { heldCluster } from './testing/held-cluster.ts'

const corefile = (...lines: string[]) => `.:53 {\n${lines.map((line) => `    ${line}\n`).join('')}}\n`
const kubernetes = (...options: string[]) => [
  'kubernetes cluster.local in-addr.arpa ip6.arpa {',
  ...['pods insecure', 'fallthrough in-addr.arpa ip6.arpa', 'ttl 30', ...options],
  '}',
]

/** A cluster with a Service of each kind; CoreDNS with `lines` as its one server. */
async function world(lines: string[] = [...kubernetes(), 'forward . /etc/resolv.conf']) {
  const { cluster, defects, pass } = heldCluster({ name: 'test', nodes: 2, cni: 'kindnet', seed: 1 })
  const { api } = cluster
  api.patch('configmaps', 'kube-system', 'coredns', { data: { Corefile: corefile('errors', 'ready', ...lines) } }, { type: 'merge' })
  // New pods read it at once; those that are there would wait for kubelet and reload.
  for (const { metadata } of api.list('pods', { labelSelector: 'k8s-app=kube-dns' })) api.delete('pods', 'kube-system', metadata!.name!)
  await pass(60_000)
  api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'test' } })
  cluster.clock.settle()
  const pod = (name: string, labels: Record<string, string>, spec: object = {}) =>
    api.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'test', labels },
      spec: { containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10', ports: [{ name: 'web', containerPort: 8080 }] }], ...spec },
    })
  const service = (name: string, spec: object) =>
    api.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'test' }, spec })
  const ports = [
    { name: 'http', port: 80, targetPort: 'web' },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ]
  service('plain', { selector: { app: 'db' }, clusterIP: '10.96.7.7', ports })
  service('headless', { selector: { app: 'db' }, clusterIP: 'None', ports })
  service('empty', { selector: { app: 'nobody' }, clusterIP: 'None', ports })
  service('unready', { selector: { app: 'slow' }, clusterIP: 'None', ports })
  service('published', { selector: { app: 'slow' }, clusterIP: 'None', publishNotReadyAddresses: true, ports })
  service('alias', { type: 'ExternalName', externalName: 'example.com' })
  for (const name of ['db-0', 'db-1']) pod(name, { app: 'db' }, { hostname: name, subdomain: 'headless' })
  pod('slow', { app: 'slow' }, { readinessGates: [{ conditionType: 'example.com/never' }] })
  pod('client', { app: 'client' })
  await pass(10_000)
  const address = (name: string) => api.get<any>('pods', 'test', name).status.podIP as string
  const client = cluster.podPlace('test', 'client').namespace
  return { cluster, address, pass, defects, ask: (name: string, type = 'A') => ask(cluster, client, name, type) }
}

function ask(cluster: SimulatedCluster, { sockets }: NetworkNamespace, name: string, type: string) {
  let answer: ReturnType<typeof decodeDns> | undefined
  const socket = sockets.bindUdp({}, { datagram: (bytes) => (answer = decodeDns(bytes)) })
  socket.send(encodeDns({ id: 1, recursionDesired: true, questions: [{ name, type }] }), { address: '10.96.0.10', port: 53 })
  cluster.clock.settle()
  socket.close()
  return answer
}

const text = ({ name, ttl, type, data }: ResourceRecord) =>
  `${name} ${ttl} ${type} ${typeof data === 'string' ? data : Array.isArray(data) ? data.join(' ') : Object.values(data).join(' ')}`

describe('the DNS specification 1.1.0, asked by a pod', () => {
  let on: Awaited<ReturnType<typeof world>>
  const zone = 'test.svc.cluster.local.'
  beforeAll(async () => {
    on = await world()
  })
  /** `{pod}` stands for its address, `{pod-}` for that with dashes. */
  const filled = (line: string) =>
    line.replace(/\{([a-z]+(?:-\d)?)(-?)\}/g, (_, name: string, dashed: string) =>
      dashed ? on.address(name).replaceAll('.', '-') : on.address(name),
    )

  it.each<[question: string, rcode: string, answers: string[]]>([
    // 2.2 schema version
    ['TXT dns-version.cluster.local.', 'NOERROR', ['dns-version.cluster.local. 30 TXT 1.1.0']],
    // 2.3.1 a Service with a ClusterIP: address, SRV for named ports, PTR
    [`A plain.${zone}`, 'NOERROR', [`plain.${zone} 30 A 10.96.7.7`]],
    [`AAAA plain.${zone}`, 'NOERROR', []],
    [`SRV _http._tcp.plain.${zone}`, 'NOERROR', [`_http._tcp.plain.${zone} 30 SRV 0 100 80 plain.${zone}`]],
    [`SRV _dns._udp.plain.${zone}`, 'NOERROR', [`_dns._udp.plain.${zone} 30 SRV 0 100 53 plain.${zone}`]],
    [`SRV _http._udp.plain.${zone}`, 'NXDOMAIN', []],
    ['PTR 7.7.96.10.in-addr.arpa.', 'NOERROR', [`7.7.96.10.in-addr.arpa. 30 PTR plain.${zone}`]],
    // 2.4.1 a headless Service: an address for each ready endpoint, and for each by its hostname
    [`A headless.${zone}`, 'NOERROR', [`headless.${zone} 30 A {db-0}`, `headless.${zone} 30 A {db-1}`]],
    [`A db-0.headless.${zone}`, 'NOERROR', [`db-0.headless.${zone} 30 A {db-0}`]],
    [`A db-7.headless.${zone}`, 'NXDOMAIN', []],
    [
      `SRV _http._tcp.headless.${zone}`,
      'NOERROR',
      [
        `_http._tcp.headless.${zone} 30 SRV 0 50 8080 db-0.headless.${zone}`,
        `_http._tcp.headless.${zone} 30 SRV 0 50 8080 db-1.headless.${zone}`,
      ],
    ],
    [`A empty.${zone}`, 'NXDOMAIN', []],
    [`A unready.${zone}`, 'NXDOMAIN', []],
    [`A published.${zone}`, 'NOERROR', [`published.${zone} 30 A {slow}`]],
    // An endpoint without a hostname is named by its address.
    [`A {slow-}.published.${zone}`, 'NOERROR', [`{slow-}.published.${zone} 30 A {slow}`]],
    // 2.5 ExternalName: an alias, which CoreDNS follows
    [`CNAME alias.${zone}`, 'NOERROR', [`alias.${zone} 30 CNAME example.com.`]],
    [`A alias.${zone}`, 'NOERROR', [`alias.${zone} 30 CNAME example.com.`, 'example.com. 300 A 203.0.113.80']],
    // 2.6 pods by their addresses, of whichever namespace exists (`pods insecure`)
    ['A 1-2-3-4.test.pod.cluster.local.', 'NOERROR', ['1-2-3-4.test.pod.cluster.local. 30 A 1.2.3.4']],
    ['A 1-2-3-4.gone.pod.cluster.local.', 'NXDOMAIN', []],
    // What is not there, and what is there without such a record
    [`A nothing.${zone}`, 'NXDOMAIN', []],
    ['A plain.gone.svc.cluster.local.', 'NXDOMAIN', []],
    ['A test.svc.cluster.local.', 'NOERROR', []],
    [`MX plain.${zone}`, 'NOERROR', []],
    ['PTR 1.2.0.192.in-addr.arpa.', 'NXDOMAIN', []],
  ])('%s', (question, rcode, answers) => {
    const [type, name] = filled(question).split(' ') as [string, string]
    const message = on.ask(name, type)
    expect([message?.rcode, message?.answers.map(text).sort()]).toEqual([rcode, answers.map(filled).sort()])
    expect(on.defects).toEqual([])
  })
})

it('spares a pod the walk of its search path with autopath, where it knows pods', async () => {
  const lines = (mode: string) => ['autopath @kubernetes', ...kubernetes(`pods ${mode}`), 'forward . /etc/resolv.conf']
  const knowing = await world(lines('verified'))
  expect(knowing.ask('example.com.test.svc.cluster.local.')?.answers.map(text)).toEqual([
    'example.com.test.svc.cluster.local. 300 CNAME example.com.',
    'example.com. 300 A 203.0.113.80',
  ])
  expect(knowing.ask('plain.test.svc.cluster.local.')?.answers.map(text)).toEqual(['plain.test.svc.cluster.local. 30 A 10.96.7.7'])
  expect(knowing.ask('nowhere.invalid.test.svc.cluster.local.')?.rcode).toBe('NXDOMAIN')
  const blind = await world(lines('insecure'))
  expect(blind.ask('example.com.test.svc.cluster.local.')?.rcode).toBe('NXDOMAIN')
  expect([...knowing.defects, ...blind.defects]).toEqual([])
})
