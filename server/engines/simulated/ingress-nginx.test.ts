import { deserialize, serialize } from 'node:v8'
import { beforeAll, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { issue } from '../../../tests/certificates.ts'
import { edge, type IngressWorld, ingress, ingressWorld } from './testing/ingress-world.ts'

let world: IngressWorld
const ingresses = 'ingresses.networking.k8s.io'
const page = (status: string) =>
  `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
const publish = (object: KubeObject) => world.create(ingresses, object)
const lineOf = (text: string, part: string) => text.split('\n').findLast((line) => line.includes(part))

beforeAll(async () => {
  world = await ingressWorld(['ingress-nginx'])
  world.web('web')
  world.web('api')
  publish(ingress('web', [{ host: 'web.example.com', service: 'web' }], { className: 'nginx' }))
  await world.pass(70_000)
}, 60_000)

it('answers through the port of its node, from outside and from a pod', async () => {
  expect(await world.get('http://web.example.com/')).toMatchObject({ status: 200, body: expect.stringContaining('Name: web') })
  expect(lineOf(await world.logs('ingress-nginx'), '"GET / HTTP/1.1"')).toMatch(
    /^172\.18\.0\.100 - - \[01\/Jan\/2026:00:02:\d\d \+0000\] "GET \/ HTTP\/1\.1" 200 \d+ "-" "curl\/8\.14\.1" \d+ 0\.\d{3} \[default-web-80\] \[\] 10\.244\.1\.\d+:80 \d+ 0\.\d{3} 200 [0-9a-f]{32}$/,
  )
  expect(world.events('web')).toContain('Sync: Scheduled for sync')
  expect(world.api.get<any>(ingresses, 'default', 'web').status).toEqual({ loadBalancer: { ingress: [{ hostname: 'localhost' }] } })
})

it('404: nobody is there for that host, or for that path', async () => {
  const { out } = await world.run(`curl -si http://${edge}/`)
  expect(out).toMatch(
    /^HTTP\/1\.1 404 Not Found\r\nDate: .*\r\nContent-Type: text\/html\r\nContent-Length: 146\r\nConnection: keep-alive\r\n\r\n/,
  )
  publish(ingress('only-api', [{ host: 'api.example.com', path: '/api', service: 'api' }], { className: 'nginx' }))
  await world.pass(5000)
  expect((await world.get('http://api.example.com/api/x')).status).toBe(200)
  expect(await world.get('http://api.example.com/apis')).toEqual({ status: 404, body: page('404 Not Found') })
})

it('503: a Service without endpoints, and one that does not exist or has no such port', async () => {
  world.web('idle', { replicas: 0 })
  publish(ingress('idle', [{ host: 'idle.example.com', service: 'idle' }], { className: 'nginx' }))
  publish(ingress('gone', [{ host: 'gone.example.com', service: 'gone' }], { className: 'nginx' }))
  publish(ingress('port', [{ host: 'port.example.com', service: 'web', port: 8080 }], { className: 'nginx' }))
  await world.pass(5000)
  for (const host of ['idle', 'gone', 'port'])
    expect(await world.get(`http://${host}.example.com/`)).toEqual({ status: 503, body: page('503 Service Temporarily Unavailable') })
  const log = await world.logs('ingress-nginx')
  expect(log).toContain('controller.go:1241] Service "default/idle" does not have any active Endpoint.')
  expect(log).toContain('Error obtaining Endpoints for Service "default/gone": no object matching key "default/gone" in local store')
  expect(lineOf(log, '[default-idle-80]')).toMatch(/503 190 .* \[default-idle-80\] \[\] - - - - [0-9a-f]{32}$/)
})

it('502: nobody listens at the targetPort, after three tries', async () => {
  world.web('wrong', { targetPort: 8080 })
  publish(ingress('wrong', [{ host: 'wrong.example.com', service: 'wrong' }], { className: 'nginx' }))
  await world.pass(5000)
  expect(await world.get('http://wrong.example.com/x')).toEqual({ status: 502, body: page('502 Bad Gateway') })
  const log = await world.logs('ingress-nginx')
  expect(lineOf(log, '[error]')).toMatch(
    /^2026\/01\/01 00:\d\d:\d\d \[error\] 29#29: \*\d+ connect\(\) failed \(111: Connection refused\) while connecting to upstream, client: 172\.18\.0\.100, server: wrong\.example\.com, request: "GET \/x HTTP\/1\.1", upstream: "http:\/\/10\.244\.1\.\d+:8080\/x", host: "wrong\.example\.com"$/,
  )
  expect(lineOf(log, '[default-wrong-80]')).toMatch(/(10\.244\.1\.\d+:8080(, )?){3} 0, 0, 0 0\.\d+, 0\.\d+, 0\.\d+ 502, 502, 502 /)
})

it('504: packets to the pod are dropped, three times five seconds', async () => {
  publish(ingress('lost', [{ host: 'lost.example.com', service: 'api' }], { className: 'nginx' }))
  await world.pass(5000)
  const [pod] = world.api.list<any>('pods', { namespace: 'default', labelSelector: 'app=api' })
  const node = world.cluster.network.machine(pod.spec.nodeName)!
  node.root.netfilter.append('filter', 'FORWARD', { destination: pod.status.podIP, target: { target: 'DROP' } })
  const before = world.now()
  expect(await world.get('http://lost.example.com/')).toEqual({ status: 504, body: page('504 Gateway Time-out') })
  expect(world.now() - before).toBeGreaterThanOrEqual(15_000)
  expect(world.now() - before).toBeLessThan(15_500)
  expect(await world.logs('ingress-nginx')).toContain('upstream timed out (110: Operation timed out) while connecting to upstream')
})

describe('classes', () => {
  it('takes its own class by field and by annotation, and Ingresses of none; leaves those of others, and says why', async () => {
    world.create('ingressclasses.networking.k8s.io', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'other' },
      spec: { controller: 'example.com/other' },
    })
    const old = { annotations: { 'kubernetes.io/ingress.class': 'nginx' } }
    publish(ingress('by-annotation', [{ host: 'a.class.com', service: 'web' }], old))
    publish(ingress('by-none', [{ host: 'b.class.com', service: 'web' }]))
    publish(ingress('by-other', [{ host: 'c.class.com', service: 'web' }], { className: 'other' }))
    publish(ingress('by-nobody', [{ host: 'd.class.com', service: 'web' }], { className: 'ngnix' }))
    publish(ingress('by-wrong', [{ host: 'e.class.com', service: 'web' }], { annotations: { 'kubernetes.io/ingress.class': 'traefik' } }))
    await world.pass(5000)
    const found: number[] = []
    for (const host of ['a', 'b', 'c', 'd', 'e']) found.push((await world.get(`http://${host}.class.com/`)).status)
    expect(found).toEqual([200, 200, 404, 404, 404])
    const log = await world.logs('ingress-nginx')
    const ignored = '"Ignoring ingress because of error while validating ingress class"'
    expect(log).toContain(`${ignored} ingress="default/by-other" error="no object matching key \\"other\\" in local store"`)
    expect(log).toContain(`${ignored} ingress="default/by-nobody" error="no object matching key \\"ngnix\\" in local store"`)
    expect(log).toContain(
      `${ignored} ingress="default/by-wrong" error="ingress class annotation is not equal to the expected by Ingress Controller"`,
    )
    expect(world.events('by-other')).toEqual([])
  })

  it('takes an Ingress whose class is put right', async () => {
    const standing = world.api.get<any>(ingresses, 'default', 'by-nobody')
    world.api.update(ingresses, { ...standing, spec: { ...standing.spec, ingressClassName: 'nginx' } })
    await world.pass(5000)
    expect((await world.get('http://d.class.com/')).status).toBe(200)
    expect(await world.logs('ingress-nginx')).toContain('"creating ingress" ingress="default/by-nobody" ingressclass="nginx"')
  })
})

it('does not come back to an Ingress when its class is made later, until somebody touches it', async () => {
  publish(ingress('early', [{ host: 'early.class.com', service: 'web' }], { className: 'later' }))
  await world.pass(5000)
  world.create('ingressclasses.networking.k8s.io', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'later' },
    spec: { controller: 'k8s.io/ingress-nginx' },
  })
  await world.pass(5000)
  expect((await world.get('http://early.class.com/')).status).toBe(404)
  world.api.patch(ingresses, 'default', 'early', { metadata: { labels: { touched: 'yes' } } }, { type: 'merge' })
  await world.pass(5000)
  expect((await world.get('http://early.class.com/')).status).toBe(200)
})

describe('TLS', () => {
  const secret = (name: string, certificate: string, key: string) =>
    world.create('secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'default' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': btoa(certificate), 'tls.key': btoa(key) },
    })

  it('shows the certificate of the Secret for its host, the fake one for others, and redirects plain HTTP', async () => {
    const now = world.now()
    const root = await issue({ name: 'CN=Shop Root', now, authority: true })
    const shop = await issue({ name: 'CN=shop', now, by: root, hosts: ['shop.example.com', '*.wild.example.com'] })
    world.cluster.workstation.files.write('/root/ca.crt', root.certificate)
    secret('shop', shop.certificate, shop.key)
    publish(
      ingress(
        'shop',
        [
          { host: 'shop.example.com', service: 'web' },
          { host: '*.wild.example.com', service: 'web' },
        ],
        {
          className: 'nginx',
          tls: [{ hosts: ['shop.example.com', '*.wild.example.com'], secretName: 'shop' }],
        },
      ),
    )
    await world.pass(5000)
    const curl = (host: string, more = '') =>
      world.run(`curl -sSi${more} --cacert /root/ca.crt --resolve ${host}:443:${edge} https://${host}/`)
    const found = await curl('shop.example.com')
    expect(found.out).toContain('HTTP/1.1 200 OK')
    expect(found.out).toContain('Strict-Transport-Security: max-age=31536000; includeSubDomains')
    expect((await curl('a.wild.example.com')).out).toContain('HTTP/1.1 200 OK')
    expect((await curl('web.example.com')).err).toMatch(/^curl: \(60\) SSL certificate problem: self-signed certificate\n/)
    const fake = await curl('web.example.com', ' -kv')
    expect(fake.err).toContain('*  subject: O=Acme Co; CN=Kubernetes Ingress Controller Fake Certificate')
    const redirected = await world.run(`curl -si --resolve shop.example.com:80:${edge} http://shop.example.com/a/?b=c`)
    expect(redirected.out).toMatch(/^HTTP\/1\.1 308 Permanent Redirect\r\n[\s\S]*Location: https:\/\/shop\.example\.com\/a\/\?b=c\r\n/)
  })

  it('says what is wrong with a Secret, and shows the fake certificate', async () => {
    const now = world.now()
    const one = await issue({ name: 'CN=one', now, hosts: ['one.example.com'] })
    const other = await issue({ name: 'CN=other', now, hosts: ['other.example.com'] })
    secret('mismatch', one.certificate, other.key)
    secret('elsewhere', other.certificate, other.key)
    publish(ingress('m1', [{ host: 'm1.example.com', service: 'web' }], { tls: [{ hosts: ['m1.example.com'], secretName: 'mismatch' }] }))
    publish(ingress('m2', [{ host: 'm2.example.com', service: 'web' }], { tls: [{ hosts: ['m2.example.com'], secretName: 'elsewhere' }] }))
    publish(ingress('m3', [{ host: 'm3.example.com', service: 'web' }], { tls: [{ hosts: ['m3.example.com'], secretName: 'missing' }] }))
    await world.pass(5000)
    const log = await world.logs('ingress-nginx')
    expect(log).toContain(
      'Error getting SSL certificate "default/missing": local SSL certificate default/missing was not found. Using default certificate',
    )
    expect(log).toContain(
      'Unexpected error validating SSL certificate "default/elsewhere" for server "m2.example.com": x509: certificate is valid for other.example.com, not m2.example.com',
    )
    for (const host of ['m1', 'm2', 'm3']) {
      const { err } = await world.run(`curl -skv --resolve ${host}.example.com:443:${edge} https://${host}.example.com/`)
      expect(err).toContain('Kubernetes Ingress Controller Fake Certificate')
    }
  })

  it('tells plain HTTP on its port of HTTPS from TLS on its port of HTTP', async () => {
    const plain = await world.run(`curl -si http://${edge}:443/`)
    expect(plain.out).toContain('HTTP/1.1 400 Bad Request')
    expect(plain.out).toContain('The plain HTTP request was sent to HTTPS port')
    expect((await world.run(`curl -sS https://${edge}:80/`)).err).toMatch(/^curl: \(35\) /)
  })
})

it('rewrites by capture groups, and then takes every path of the host for a regular expression', async () => {
  const annotations = { 'nginx.ingress.kubernetes.io/rewrite-target': '/$2', 'nginx.ingress.kubernetes.io/use-regex': 'true' }
  const type = 'ImplementationSpecific' as const
  publish(ingress('re', [{ host: 're.example.com', path: '/app(/|$)(.*)', type, service: 'web' }], { annotations }))
  publish(ingress('re2', [{ host: 're.example.com', path: '/plain', service: 'web' }]))
  await world.pass(5000)
  expect((await world.get('http://re.example.com/app/x/y?z=1')).body).toContain('GET /x/y?z=1 HTTP/1.1')
  expect((await world.get('http://re.example.com/app')).body).toContain('GET / HTTP/1.1')
  expect((await world.get('http://re.example.com/plainly')).status).toBe(200)
})

it('lets in whom the annotation lists, and refuses annotations by name', async () => {
  const only = (range: string) => ({ annotations: { 'nginx.ingress.kubernetes.io/whitelist-source-range': range } })
  publish(ingress('in', [{ host: 'in.example.com', service: 'web' }], only('172.18.0.0/16')))
  publish(ingress('out', [{ host: 'out.example.com', service: 'web' }], only('10.0.0.0/8')))
  publish(
    ingress('canary', [{ host: 'canary.example.com', service: 'web' }], { annotations: { 'nginx.ingress.kubernetes.io/canary': 'true' } }),
  )
  await world.pass(5000)
  expect((await world.get('http://in.example.com/')).status).toBe(200)
  expect(await world.get('http://out.example.com/')).toEqual({ status: 403, body: page('403 Forbidden') })
  expect((await world.get('http://canary.example.com/')).status).toBe(503)
  expect(world.events('canary')).toContain(
    'AnnotationParsingFailed: Error parsing annotations: the simulated ingress-nginx does not model the annotation nginx.ingress.kubernetes.io/canary',
  )
})

it('goes on after a restore, with the certificate it had', async () => {
  const subject = async (of: IngressWorld) => (await of.run(`curl -skv https://${edge}/`)).err.match(/start date: .*/)?.[0]
  const before = await subject(world)
  const restored = await ingressWorld(['ingress-nginx'], deserialize(serialize(world.cluster.snapshot())))
  await restored.pass(100)
  expect((await restored.get('http://web.example.com/')).status).toBe(200)
  expect(await subject(restored)).toBe(before)
  expect(restored.defects).toEqual([])
})

it('writes nothing while nothing happens, and throws nothing', async () => {
  await world.pass(600_000)
  const before = world.cluster.moment()[0]
  await world.pass(300_000)
  expect(world.cluster.moment()[0]).toBe(before)
  expect(world.defects).toEqual([])
})
