import { deserialize, serialize } from 'node:v8'
import { beforeAll, expect, it } from 'vitest'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { issue } from '../../../tests/certificates.ts'
import { type IngressWorld, ingress, ingressWorld } from './testing/ingress-world.ts'

let world: IngressWorld
const ingresses = 'ingresses.networking.k8s.io'
const publish = (object: KubeObject) => world.create(ingresses, object)

beforeAll(async () => {
  world = await ingressWorld(['traefik'])
  world.web('web')
  world.web('api')
  publish(ingress('web', [{ host: 'web.example.com', service: 'web' }], { className: 'traefik' }))
  await world.pass(10_000)
}, 60_000)

it('answers plain HTTP and HTTPS through its Service', async () => {
  expect(await world.get('http://web.example.com/')).toMatchObject({
    status: 200,
    body: expect.stringContaining('X-Forwarded-Proto: http\n'),
  })
  expect(await world.get('https://web.example.com/')).toMatchObject({
    status: 200,
    body: expect.stringContaining('X-Forwarded-Proto: https\n'),
  })
  const { err } = await world.run(`curl -skv ${world.throughEdge()} https://web.example.com/`)
  expect(err).toContain('*  subject: CN=TRAEFIK DEFAULT CERT')
  // Its Service waits for a load balancer that nobody provides.
  expect(world.api.get<any>(ingresses, 'default', 'web').status).toEqual({ loadBalancer: {} })
})

it('404: no router for that host or path, and for a Service that does not exist or has no such port', async () => {
  const { out } = await world.run(`curl -si ${world.throughEdge()} http://nobody.example.com/`)
  expect(out).toMatch(
    /^HTTP\/1\.1 404 Not Found\r\nContent-Type: text\/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nDate: .*\r\nContent-Length: 19\r\n\r\n404 page not found\n$/,
  )
  publish(ingress('gone', [{ host: 'gone.example.com', service: 'gone' }], { className: 'traefik' }))
  publish(ingress('port', [{ host: 'port.example.com', service: 'web', port: 8080 }], { className: 'traefik' }))
  await world.pass(5000)
  for (const host of ['gone', 'port'])
    expect(await world.get(`http://${host}.example.com/`)).toEqual({ status: 404, body: '404 page not found\n' })
  const log = await world.logs('traefik')
  expect(log).toMatch(
    /^\d{4}-\S+Z ERR Cannot create service error="service not found" ingress=gone namespace=default providerName=kubernetes serviceName=gone servicePort=&ServiceBackendPort\{Name:,Number:80,\}$/m,
  )
  expect(log).toContain('ERR Cannot create service error="service port not found" ingress=port')
})

it('503: a Service without endpoints', async () => {
  world.web('idle', { replicas: 0 })
  publish(ingress('idle', [{ host: 'idle.example.com', service: 'idle' }], { className: 'traefik' }))
  await world.pass(5000)
  expect(await world.get('http://idle.example.com/')).toEqual({ status: 503, body: 'no available server\n' })
})

it('502: nobody listens at the targetPort', async () => {
  world.web('wrong', { targetPort: 8080 })
  publish(ingress('wrong', [{ host: 'wrong.example.com', service: 'wrong' }], { className: 'traefik' }))
  await world.pass(5000)
  expect(await world.get('http://wrong.example.com/')).toEqual({ status: 502, body: 'Bad Gateway' })
})

it('504: packets to the pod are dropped, after thirty seconds', async () => {
  publish(ingress('lost', [{ host: 'lost.example.com', service: 'api' }], { className: 'traefik' }))
  await world.pass(5000)
  const [pod] = world.api.list<any>('pods', { namespace: 'default', labelSelector: 'app=api' })
  const node = world.cluster.network.machine(pod.spec.nodeName)!
  node.root.netfilter.append('filter', 'FORWARD', { destination: pod.status.podIP, target: { target: 'DROP' } })
  const before = world.now()
  expect(await world.get('http://lost.example.com/')).toEqual({ status: 504, body: 'Gateway Timeout' })
  expect(world.now() - before).toBeGreaterThanOrEqual(30_000)
  expect(world.now() - before).toBeLessThan(30_500)
})

it('500: a Service port of HTTPS whose certificate nobody trusts, or that speaks plain HTTP', async () => {
  world.web('secure', { port: 443 })
  publish(ingress('secure', [{ host: 'secure.example.com', service: 'secure', port: 443 }], { className: 'traefik' }))
  await world.pass(5000)
  expect(await world.get('http://secure.example.com/')).toEqual({ status: 500, body: 'Internal Server Error' })
  expect(await world.logs('traefik')).toContain(
    'ERR 500 Internal Server Error error="tls: first record does not look like a TLS handshake"',
  )
})

it('takes its classes, the old annotation, and Ingresses of none', async () => {
  world.create('ingressclasses.networking.k8s.io', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'nginx' },
    spec: { controller: 'k8s.io/ingress-nginx' },
  })
  world.create('ingressclasses.networking.k8s.io', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'internal' },
    spec: { controller: 'traefik.io/ingress-controller' },
  })
  const byAnnotation = (name: string) => ({ annotations: { 'kubernetes.io/ingress.class': name } })
  publish(ingress('a', [{ host: 'a.class.com', service: 'web' }], { className: 'internal' }))
  publish(ingress('b', [{ host: 'b.class.com', service: 'web' }], byAnnotation('traefik')))
  publish(ingress('c', [{ host: 'c.class.com', service: 'web' }]))
  publish(ingress('d', [{ host: 'd.class.com', service: 'web' }], { className: 'nginx' }))
  publish(ingress('e', [{ host: 'e.class.com', service: 'web' }], byAnnotation('nginx')))
  publish(ingress('f', [{ host: 'f.class.com', service: 'web' }], { className: 'treafik' }))
  await world.pass(5000)
  const found: number[] = []
  for (const host of ['a', 'b', 'c', 'd', 'e', 'f']) found.push((await world.get(`http://${host}.class.com/`)).status)
  expect(found).toEqual([200, 200, 200, 404, 404, 404])
  // Its class is the default one: the API server wrote it into what named none.
  expect(world.api.get<any>(ingresses, 'default', 'c').spec.ingressClassName).toBe('traefik')
})

it('shows the certificate of a Secret whose name fits, and says which it cannot have', async () => {
  const now = world.now()
  const root = await issue({ name: 'CN=Shop Root', now, authority: true })
  const shop = await issue({ name: 'CN=shop', now, by: root, hosts: ['shop.example.com'] })
  world.cluster.workstation.files.write('/root/ca.crt', root.certificate)
  world.create('secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'shop', namespace: 'default' },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': btoa(shop.certificate), 'tls.key': btoa(shop.key) },
  })
  publish(ingress('shop', [{ host: 'shop.example.com', service: 'web' }], { className: 'traefik', tls: [{ secretName: 'shop' }] }))
  publish(ingress('none', [{ host: 'none.example.com', service: 'web' }], { className: 'traefik', tls: [{ secretName: 'none' }] }))
  await world.pass(5000)
  const curl = (host: string) => world.run(`curl -sS --cacert /root/ca.crt ${world.throughEdge()} https://${host}.example.com/`)
  expect(await curl('shop')).toMatchObject({ code: 0 })
  expect((await curl('none')).err).toMatch(/^curl: \(60\) SSL certificate problem: self-signed certificate\n/)
  expect(await world.logs('traefik')).toContain('ERR Error configuring TLS error="secret default/none does not exist" ingress=none')
})

it('goes by the nodes with nativeLB, and only where entry points and middlewares allow', async () => {
  const service = world.api.get<any>('services', 'default', 'web')
  const annotations = { 'traefik.ingress.kubernetes.io/service.nativelb': 'true' }
  world.api.update('services', { ...service, metadata: { ...service.metadata, annotations } })
  const router = (name: string, value: string) => ({
    className: 'traefik',
    annotations: { [`traefik.ingress.kubernetes.io/router.${name}`]: value },
  })
  publish(ingress('secure-only', [{ host: 'so.example.com', service: 'web' }], router('entrypoints', 'websecure')))
  publish(ingress('strip', [{ host: 'strip.example.com', service: 'web' }], router('middlewares', 'default-strip@kubernetescrd')))
  await world.pass(5000)
  expect((await world.get('http://web.example.com/')).status).toBe(200)
  expect((await world.get('http://so.example.com/')).status).toBe(404)
  expect((await world.get('https://so.example.com/')).status).toBe(200)
  expect((await world.get('http://strip.example.com/')).status).toBe(404)
  expect(await world.logs('traefik')).toContain('middleware \\"default-strip@kubernetescrd\\" does not exist')
})

it('goes on after a restore, and writes nothing while nothing happens', async () => {
  const restored = await ingressWorld(['traefik'], deserialize(serialize(world.cluster.snapshot())))
  await restored.pass(100)
  expect((await restored.get('http://web.example.com/')).status).toBe(200)
  await restored.pass(600_000)
  const before = restored.cluster.moment()[0]
  await restored.pass(300_000)
  expect(restored.cluster.moment()[0]).toBe(before)
  expect(restored.defects).toEqual([])
  expect(world.defects).toEqual([])
})
