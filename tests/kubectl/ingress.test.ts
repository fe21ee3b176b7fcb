import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { ingressNginx } from '../../simulator/bootstrap/ingress-nginx.ts'
import { eventually, kubectlSession } from './session.ts'

let session: Awaited<ReturnType<typeof kubectlSession>>

beforeAll(async () => {
  session = await kubectlSession('1.35')
  await session.kubectl('create deployment web --image=traefik/whoami --port=80')
  await session.kubectl('expose deployment web')
  await session.kubectl('run client --image=nicolaka/netshoot -- sleep 86400')
  await session.kubectl('wait --for=condition=Ready pod/client --timeout=60s')
}, 60_000)

afterAll(async () => {
  expect(session.defects).toEqual([])
  await session.close()
})

it('gets a controller from its manifest, and from then on answers through it', async () => {
  const { kubectl } = session
  await kubectl('create ingress web --class=nginx --rule=web.example.com/*=web:80 --rule=gone.example.com/*=gone:80')
  const before = await kubectl('describe ingress web')
  expect(before.out).toMatch(/Address: +\n/)
  expect(before.out).toMatch(/Events: +<none>/)
  const applied = await kubectl('apply -f -', {
    input: ingressNginx()
      .map((object) => stringify(object))
      .join('---\n'),
  })
  expect(applied).toMatchObject({ code: 0, err: '' })
  expect(applied.out).toContain('ingressclass.networking.k8s.io/nginx created\n')
  const rolled = await kubectl('rollout status deployment/ingress-nginx-controller -n ingress-nginx --timeout=60s')
  expect(rolled.out).toContain('successfully rolled out')
  const node = (await kubectl('get pods -n ingress-nginx -o jsonpath={.items[0].status.hostIP}')).out
  const curl = (host: string) => kubectl(`exec client -- curl -s -o /dev/null -w %{http_code} -H "Host: ${host}" http://${node}/`)
  expect(
    (
      await eventually(
        () => curl('web.example.com'),
        ({ out }) => out === '200',
      )
    ).out,
  ).toBe('200')
  expect((await curl('gone.example.com')).out).toBe('503')
  expect((await curl('other.example.com')).out).toBe('404')
}, 60_000)

it('is described with its backends and events', async () => {
  const { kubectl } = session
  const pod = (await kubectl('get pods -l app=web -o jsonpath={.items[0].status.podIP}')).out
  const { out } = await kubectl('describe ingress web')
  expect(out).toMatch(/Ingress Class: +nginx\n/)
  expect(out).toMatch(new RegExp(`web\\.example\\.com +\\n +/ +web:80 \\(${pod.replaceAll('.', '\\.')}:80\\)\\n`))
  expect(out).toMatch(/gone\.example\.com +\n +\/ +gone:80 \(<error: services "gone" not found>\)\n/)
  expect(out).toMatch(/Normal +Sync +\S+( \(x\d+ over \S+\))? +nginx-ingress-controller +Scheduled for sync/)
  const listed = await eventually(
    () => kubectl('get ingress'),
    ({ out }) => out.includes('localhost'),
    5,
  )
  expect(listed.out).toMatch(
    /^NAME +CLASS +HOSTS +ADDRESS +PORTS +AGE\nweb +nginx +web\.example\.com,gone\.example\.com +(localhost)? +80 /,
  )
})

const spec = (path: object, more: object = {}) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: 'bad' },
  spec: { ...more, rules: [{ http: { paths: [path] } }] },
})
const backend = { service: { name: 'web', port: { number: 80 } } }

it.each([
  [spec({ path: '/', backend }), 'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
  [spec({ path: 'x', pathType: 'Prefix', backend }), 'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path'],
  [
    spec({ path: '/', pathType: 'Regex', backend }),
    'spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"',
  ],
  [
    spec({ path: '/', pathType: 'Prefix', backend: { service: { name: 'web' } } }),
    'spec.rules[0].http.paths[0].backend: Required value: port name or number is required',
  ],
  [
    {
      ...spec({ path: '/', pathType: 'Prefix', backend }, { ingressClassName: 'nginx' }),
      metadata: { name: 'bad', annotations: { 'kubernetes.io/ingress.class': 'traefik' } },
    },
    'annotations.kubernetes.io/ingress.class: Invalid value: "traefik": must match `ingressClassName` when both are specified',
  ],
])('refuses what is none: %#', async (object, words) => {
  const { code, err } = await session.kubectl('create -f -', { input: JSON.stringify(object) })
  expect(code).toBe(1)
  expect(err).toContain(words)
})
