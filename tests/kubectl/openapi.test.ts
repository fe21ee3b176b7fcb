import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kubectlVersions } from '../real-kubectl.ts'
import { kubectlSession } from './session.ts'

/** A Deployment as a learner applies it; `env` and `strategy` are what the tests change. */
const web = (env: string, strategy = '{ type: RollingUpdate, rollingUpdate: { maxSurge: 1 } }') => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  strategy: ${strategy}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
      - name: web
        image: nginx:1.27-alpine
        env: ${env}
        ports: [{ containerPort: 80 }]
`
const list = (...items: object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
const settings = (more: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, ...more })

describe.each(kubectlVersions)('kubectl %s reads the OpenAPI documents', (version) => {
  let session: Awaited<ReturnType<typeof kubectlSession>>
  beforeAll(async () => {
    session = await kubectlSession(version)
  })
  afterAll(async () => {
    expect(session.defects).toEqual([])
    await session.close()
  })
  const run = (line: string, input?: string, env?: Record<string, string>) =>
    session.kubectl(line, { ...(input !== undefined && { input }), ...(env && { env }) })

  it.each([
    [
      'explain pod.spec.restartPolicy',
      /^KIND: {7}Pod\nVERSION: {4}v1\n\nFIELD: restartPolicy <string>\nENUM:\n {4}Always\n {4}Never\n {4}OnFailure\n/,
    ],
    ['explain pod.spec.containers', / {2}name\t<string> -required-\n/],
    ['explain deploy --recursive', / {2}spec\t<DeploymentSpec>\n {4}minReadySeconds\t<integer>\n/],
    ['explain pod.spec.containers.resources.limits', /FIELD: limits <map\[string\]Quantity>/],
    ['explain svc.spec.ports.targetPort', /FIELD: targetPort <IntOrString>\n{3}DESCRIPTION:\n {4}Number or name of the port/],
    ['explain svc.spec.loadBalancerIP', /Deprecated: This field was under-specified/],
    ['explain netpol.spec.ingress -o plaintext-openapiv2', /RESOURCE: ingress <\[\]Object>/],
    ['explain endpointslices --api-version=discovery.k8s.io/v1', /addressType\t<string> -required-\n {2}enum: FQDN, IPv4, IPv6\n/],
  ])('%s', async (line, out) => {
    const outcome = await run(line)
    expect(outcome).toMatchObject({ code: 0, err: '' })
    expect(outcome.out).toMatch(out)
  })

  it('computes strategic patches from them: what others added stays, what was applied before goes', async () => {
    expect((await run('apply -f -', web('[{name: A, value: "1"}, {name: B, value: "2"}]'))).out).toBe('deployment.apps/web created\n')
    await run('set env deploy/web C=3')
    await run('patch deploy web -p {"spec":{"template":{"spec":{"containers":[{"name":"side","image":"busybox:1.36"}]}}}}')
    const applied = await run('apply -v=8 -f -', web('[{name: A, value: "9"}]'))
    expect(applied.out).toBe('deployment.apps/web configured\n')
    expect(applied.err).toContain('/openapi/v3/apis/apps/v1?hash=')
    expect(applied.err).toContain('Content-Type: application/strategic-merge-patch+json')
    expect(applied.err).not.toContain('warning:')
    const containers = await run(
      'get deploy web -o jsonpath={range.spec.template.spec.containers[*]}{.name}:{range.env[*]}{.name}={.value},{end};{end}',
    )
    expect(containers.out).toBe('web:A=9,C=3,;side:;')
  })

  it('drops what a changed choice leaves behind (retainKeys)', async () => {
    await run('apply -f -', web('[]', '{ type: Recreate }'))
    expect((await run('get deploy web -o jsonpath={.spec.strategy}')).out).toBe('{"type":"Recreate"}')
  })

  it('shows differences and edits as before', async () => {
    const diff = await run('diff -f -', web('[{name: Z, value: "1"}]', '{ type: Recreate }'))
    expect(diff).toMatchObject({ code: 1, err: '' })
    expect(diff.out).toMatch(/^\+ +- name: Z\n\+ +value: "1"$/m)
    const edited = await run('edit deploy web', undefined, { KUBE_EDITOR: 'sed -i s/nginx:1.27-alpine/nginx:1.25-alpine/' })
    expect(edited.out).toBe('deployment.apps/web edited\n')
    expect((await run('get deploy web -o jsonpath={.spec.template.spec.containers[*].image}')).out).toBe('nginx:1.25-alpine busybox:1.36')
  })

  it('validates strictly, on the server and, what the server does not know, itself', async () => {
    const byServer = await run('create --validate=strict -f -', JSON.stringify(settings({ dta: {} })))
    expect(byServer.err).toMatch(/strict decoding error: unknown field "dta"/)
    const byClient = await run('create --validate=strict -f -', list(settings({ dta: {} })))
    expect(byClient.err).toMatch(/ValidationError\(ConfigMap\): unknown field "dta" in io\.k8s\.api\.core\.v1\.ConfigMap/)
    const missing = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec: { ports: [{ targetPort: 'http' }] } }
    const required = await run('create --validate=strict -f -', list(missing))
    expect(required.err).toMatch(
      /ValidationError\(Service\.spec\.ports\[0\]\): missing required field "port" in io\.k8s\.api\.core\.v1\.ServicePort/,
    )
    expect((await run('create --validate=strict -f -', list(settings({ data: { a: 'b' } })))).out).toBe('configmap/settings created\n')
    expect((await run('create --dry-run=server configmap other')).out).toBe('configmap/other created (server dry run)\n')
  })
})
