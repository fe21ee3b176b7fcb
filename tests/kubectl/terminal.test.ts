import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { certificatesIn } from '../../server/engines/simulated/certificates.ts'
import { clientCredentials } from '../../server/engines/simulated/client-certificates.ts'
import { certificateRequest } from './certificate-request.ts'
import { eventually, kubectlSession } from './session.ts'
import { sideBySide } from './side-by-side.ts'

/** Exercises in the terminal, each beside the real kubectl where that can do the same. */
let session: Awaited<ReturnType<typeof kubectlSession>>
const run = async (line: string, input = '') => {
  const outcome = await session.kubectl(line, { input })
  if (outcome.code !== 0) throw new Error(`${line}: ${outcome.err}`)
  return outcome.out
}
beforeAll(async () => {
  session = await kubectlSession('1.35')
})
afterAll(async () => {
  await session.close()
  expect(session.defects).toEqual([])
})

it('output without a newline at its end is shown without one', async () => {
  await run('run part --image=busybox:1.36 --restart=Never -- printf a\\nb')
  await run('wait --for=jsonpath={.status.phase}=Succeeded pod/part --timeout=20s')
  for (const [line, out] of [
    ['logs part', 'a\nb'],
    ['logs part --tail=1', 'b'],
    ['logs part --prefix', '[pod/part/part] a\n[pod/part/part] b'],
    ['logs part -f', 'a\nb'],
  ] as const) {
    const { real, ours } = await sideBySide(session, line)
    expect([line, real]).toEqual([line, { code: 0, out, err: '' }])
    expect([line, ours]).toEqual([line, real])
  }
  expect(await run('logs part --timestamps')).toMatch(/^\d{4}-\S+Z a\n\d{4}-\S+Z b$/)
})

/** A script in the terminal, in a folder of its own that holds `files`: all that it prints. */
const inTerminal = async (script: string, files: Record<string, string> = {}) =>
  (await session.cluster.runScript(`exec 2>&1; ${script}`, files)).output
const base64 = (text: string) => Buffer.from(text).toString('base64')

it('a key, a request, an approval, a certificate: its user signs in with it in the terminal', async () => {
  const { manifest, key } = await certificateRequest('jane', { subject: 'CN=jane, O=dev' })
  const approved = await inTerminal(
    `
    kubectl apply -f csr.json && kubectl certificate approve jane
    for try in 1 2 3 4 5 6 7 8 9 10; do
      kubectl get csr jane -o 'jsonpath={.status.certificate}' | base64 -d >/root/jane.crt
      test -s /root/jane.crt && break || sleep 0.2
    done
    cp jane.key /root/jane.key; cd /root
    kubectl config set-credentials jane --client-certificate=jane.crt --client-key=jane.key
    kubectl config set-context jane --cluster=faultline --user=jane
    kubectl config view -o 'jsonpath={.users[1].user}'`,
    { 'csr.json': manifest, 'jane.key': key },
  )
  expect(approved).toBe(
    `certificatesigningrequest.certificates.k8s.io/jane created
certificatesigningrequest.certificates.k8s.io/jane approved
User "jane" set.
Context "jane" created.
{"client-certificate":"/root/jane.crt","client-key":"/root/jane.key"}`,
  )
  expect(await inTerminal('kubectl --context jane get pods')).toBe(
    'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"\n',
  )
  await run('create role reader --verb=get,list --resource=pods')
  await run('create role entering --verb=create,get --resource=pods/exec')
  await run('create rolebinding reader --role=reader --user=jane')
  await run('create rolebinding entering --role=entering --group=dev')
  await run('run inside --image=busybox:1.36 --restart=Never -- sleep 1000')
  await run('wait --for=condition=Ready pod/inside --timeout=20s')
  expect(await inTerminal("kubectl --context jane auth whoami -o 'jsonpath={.status.userInfo.username} {.status.userInfo.groups}'")).toBe(
    'jane ["dev","system:authenticated"]',
  )
  expect(await inTerminal('kubectl --context jane get pod inside -o name; kubectl --context jane exec inside -- echo by group')).toBe(
    'pod/inside\nby group\n',
  )
  // Embedded, the files may go.
  expect(
    await inTerminal(`cd /root
    kubectl config set-credentials jane --client-certificate=jane.crt --client-key=jane.key --embed-certs
    rm jane.crt; kubectl --context jane get pod inside -o name
    kubectl config view -o 'jsonpath={.users[1].user}'`),
  ).toBe('User "jane" set.\npod/inside\n{"client-certificate-data":"DATA+OMITTED","client-key-data":"DATA+OMITTED"}')
})

it("certificates that are none, are not the key's, or are of another authority, beside the real kubectl", async () => {
  const own = parse(readFileSync(session.kubeconfig, 'utf8')).users[0].user
  const certificate = Buffer.from(own['client-certificate-data'], 'base64').toString()
  const key = Buffer.from(own['client-key-data'], 'base64').toString()
  const other = await foreignCertificate()
  const files: Record<string, string> = { crt: certificate, key, 'other.key': other.key, 'other.crt': other.certificate, none: 'none\n' }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(session.folder, name), content)
  const written = Object.entries(files).map(([name, content]) => `echo ${base64(content)} | base64 -d >/root/${name}; `)
  for (const flags of [
    '--client-certificate=crt --client-key=key',
    '--client-certificate=other.crt --client-key=other.key',
    '--client-certificate=crt --client-key=other.key',
    '--client-certificate=none --client-key=key',
    '--client-certificate=crt --client-key=none',
    '--client-certificate=key --client-key=crt',
    '--client-certificate=crt --client-key=crt',
    '--client-certificate=nosuch --client-key=key',
    '--client-certificate=crt --client-key=nosuch',
    '--client-certificate=nosuch',
  ]) {
    // On both sides a kubeconfig whose user has no credentials.
    const config = parse(readFileSync(session.kubeconfig, 'utf8'))
    config.users[0].user = {}
    writeFileSync(join(session.folder, 'bare'), stringify(config))
    const real = await session.kubectl(`--kubeconfig bare get --raw /api/v1/namespaces/default ${flags}`)
    const name = config.users[0].name
    const ours = await inTerminal(`${written.join('')}cd /root
      sed -e '/token:/d' -e 's/learner/${name}/' .kube/config >bare
      kubectl --kubeconfig bare get --raw /api/v1/namespaces/default ${flags}`)
    expect([flags, ours]).toEqual([flags, real.out + real.err.replace(/^E\d{4} .*cert_rotation.*\n/gm, '')])
  }
  // The same in the kubeconfig itself.
  for (const [crt, held] of [
    [certificate, other.key],
    ['none', key],
    [certificate, ''],
    [other.certificate, other.key],
  ] as const) {
    const config = parse(readFileSync(session.kubeconfig, 'utf8'))
    config.users[0].user = { 'client-certificate-data': base64(crt), 'client-key-data': base64(held) }
    writeFileSync(join(session.folder, 'bare'), stringify(config))
    const real = await session.kubectl('--kubeconfig bare get --raw /api/v1/namespaces/default')
    config.clusters[0].cluster.server = 'https://faultline-control-plane:6443'
    const ours = await inTerminal('kubectl --kubeconfig bare get --raw /api/v1/namespaces/default', { bare: stringify(config) })
    expect(ours).toEqual(real.out + real.err)
  }
})

/** A certificate for an administrator by an authority that the cluster does not know. */
async function foreignCertificate(): Promise<{ certificate: string; key: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-foreign-'))
  const { clients } = await certificatesIn(folder)
  rmSync(folder, { recursive: true })
  return clientCredentials(clients, 'test', { commonName: 'kubernetes-admin', organization: 'kubeadm:cluster-admins' })
}

for (const line of [
  'config set-credentials jane --embed-certs',
  'config set-credentials jane --embed-certs --client-certificate=nosuch',
  'config set-cluster far --embed-certs',
])
  it(line, async () => {
    const { real, ours } = await sideBySide(session, line)
    expect(ours).toEqual(real)
  })

it('proxy answers on the loopback of the terminal what the API server answers, as the real one does', async () => {
  const paths = ['/version', '/api/v1/namespaces/default/pods/nosuch', '/api/v1/namespaces/default/pods/inside/exec?command=ls', '/nosuch']
  const running = session.background('proxy --port=0 --append-server-path')
  const [, port] = await running.said(/^Starting to serve on 127\.0\.0\.1:(\d+)\n/)
  const real: string[] = []
  for (const path of paths) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    real.push(`${await response.text()}${response.status} ${response.headers.get('content-type')}`)
  }
  await running.stop()
  const asked = paths.map((path) => `curl -s -w '%{http_code} %{content_type}@' 'http://127.0.0.1:8001${path}'`)
  const ours = await inTerminal(`kubectl proxy >said & sleep 0.3; ${asked.join('; ')}
    curl -s -w '%{http_code}@' -H 'Host: example.org' http://127.0.0.1:8001/api
    curl -s -w '%{http_code}@' -X POST -H 'Content-Type: application/json' -d '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"by-proxy"}}' http://127.0.0.1:8001/api/v1/namespaces/default/configmaps -o /dev/null
    timeout 1 curl -sN 'http://127.0.0.1:8001/api/v1/namespaces/default/configmaps?watch=1&fieldSelector=metadata.name=by-proxy' | grep -o '"type":"ADDED"'
    kill %1; cat said; curl -s http://127.0.0.1:8001/api || echo gone`)
  const answers = ours.split('@')
  expect(answers.slice(0, paths.length)).toEqual(real)
  expect(answers.slice(paths.length)).toEqual(['Forbidden\n403', '201', '"type":"ADDED"\nStarting to serve on 127.0.0.1:8001\ngone\n'])
})

it('proxy refuses what it cannot do', async () => {
  expect(await inTerminal('kubectl proxy -w .; kubectl proxy --port=0 --unix-socket=x; kubectl proxy --address=10.9.9.9')).toBe(
    `error: --www is not supported by proxy of this kubectl: use --port, and another server for files
error: cannot set --unix-socket and --port at the same time
error: listen tcp 10.9.9.9:8001: bind: cannot assign requested address
`,
  )
})

const header = 'PID   USER     TIME  COMMAND\n'
const processes = (text: string) => text.replace(header, '').replaceAll(/^ *\d+ /gm, '')

it('ps shows the processes of a container, and process 1 hears of no signal that it does not handle', async () => {
  await run('apply -f -', shared)
  await run('wait --for=condition=Ready pod/alone pod/together pod/web --timeout=20s')
  expect(await run('exec alone -- ps')).toBe(`${header}    1 root      0:00 sleep 1000\n    2 root      0:00 ps\n`)
  expect(await run('exec alone -- ps -o pid,ppid,comm')).toMatch(/^PID {3}PPID {2}COMMAND\n {4}1 {5}0 sleep\n {4}\d {5}0 ps\n$/)
  expect(await run("exec alone -- sh -c 'sleep 500 & sleep 600 & kill $!; sleep 0.1; ps aux; kill -0 $! || echo gone'")).toMatch(
    /sleep 1000\n +(\d+) root +0:00 sh -c .*\n +\d+ root +0:00 sleep 500\n +\d+ root +0:00 ps aux\ngone\n$/,
  )
  expect(await run('exec alone -- sh -c \'ps | grep -c "^ *$$ "\'')).toBe('1\n')
  expect(await run('exec alone -- kill -9 1')).toBe('')
  expect((await session.kubectl('exec alone -- kill 99')).err).toContain("kill: can't kill pid 99: No such process\n")
  expect(await run('get pod alone -o jsonpath={.status.containerStatuses[0].restartCount}')).toBe('0')
  // nginx handles SIGTERM: it ends, and the kubelet starts it again.
  expect(processes(await run('exec web -- ps'))).toMatch(/^root {6}0:0\d .*nginx .*\nroot {6}0:00 ps\n$/)
  await run('exec web -- kill 1')
  const restarted = await eventually(
    () => session.kubectl('get pod web -o jsonpath={.status.containerStatuses[0].restartCount}'),
    ({ out }) => out === '1',
  )
  expect(restarted.out).toBe('1')
})

it('containers of a pod share their processes where the pod asks for it, and a debugging container those of its target', async () => {
  expect(processes(await run('exec together -c two -- ps'))).toBe(
    '65535     0:00 /pause\nroot      0:00 sleep 1111\nroot      0:00 sleep 2222\nroot      0:00 ps\n',
  )
  await run('debug alone --image=busybox:1.36 --target=alone -c look -- sleep 3333')
  const looked = await eventually(
    () => session.kubectl('exec alone -c look -- ps'),
    ({ code }) => code === 0,
  )
  expect(processes(looked.out)).toBe('root      0:00 sleep 1000\nroot      0:00 sleep 3333\nroot      0:00 ps\n')
  await run('debug alone --image=busybox:1.36 -c blind -- sleep 4444')
  const blind = await eventually(
    () => session.kubectl('exec alone -c blind -- ps'),
    ({ code }) => code === 0,
  )
  expect(processes(blind.out)).toBe('root      0:00 sleep 4444\nroot      0:00 ps\n')
})

const shared = `apiVersion: v1
kind: Pod
metadata: { name: alone }
spec:
  containers: [{ name: alone, image: "busybox:1.36", command: [sleep, "1000"] }]
---
apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  containers: [{ name: web, image: "nginx:1.27-alpine" }]
---
apiVersion: v1
kind: Pod
metadata: { name: together }
spec:
  shareProcessNamespace: true
  containers:
  - { name: one, image: "busybox:1.36", command: [sleep, "1111"] }
  - { name: two, image: "busybox:1.36", command: [sleep, "2222"] }
`
