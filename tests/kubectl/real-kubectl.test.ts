import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kubectlVersions } from '../real-kubectl.ts'
import { eventually, kubectlSession } from './session.ts'

const web = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
      - name: web
        image: nginx:1.27-alpine
        ports: [{ name: http, containerPort: 80 }]
        readinessProbe: { httpGet: { path: /, port: http } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: NodePort
  selector: { app: web }
  ports: [{ port: 80, targetPort: http, nodePort: 30080 }]
`

/** What a stock kubectl prints against the simulated API, line by line: `expect` must match, `code` is 0 unless given. */
const table: readonly { line: string; input?: string; out?: RegExp; err?: RegExp; code?: number; since?: string }[] = [
  { line: 'version', out: /Server Version: v1\.34\./ },
  { line: 'cluster-info', out: /Kubernetes control plane.* is running at/ },
  { line: 'get nodes', out: /^NAME +STATUS +ROLES +AGE +VERSION\nfaultline-control-plane +Ready +control-plane +\S+ +v1\.34\.2\n/ },
  { line: 'get nodes -o wide', out: /INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME/ },
  { line: 'get pods -A', out: /kube-system +coredns-\w+-\w{5} +1\/1 +Running +0/ },
  { line: 'get pods', out: /^$/, err: /No resources found in default namespace\./ },
  { line: 'get ns', out: /^NAME +STATUS +AGE\ndefault +Active/ },
  { line: 'get svc', out: /kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP/ },
  { line: 'get nosuch', code: 1, err: /the server doesn't have a resource type "nosuch"/ },
  { line: 'get pod missing', code: 1, err: /Error from server \(NotFound\): pods "missing" not found/ },
  { line: 'api-resources', out: /deployments +deploy +apps\/v1 +true +Deployment/ },
  { line: 'api-versions', out: /discovery\.k8s\.io\/v1/ },
  { line: 'auth can-i create pods', out: /^yes/ },
  { line: 'create namespace shop', out: /^namespace\/shop created/ },
  { line: 'create namespace shop', code: 1, err: /Error from server \(AlreadyExists\): namespaces "shop" already exists/ },
  { line: 'create configmap settings --from-literal=a=1 -n shop', out: /^configmap\/settings created/ },
  { line: 'get configmap settings -n shop -o jsonpath={.data.a}', out: /^1$/ },
  { line: 'create secret generic key --from-literal=token=abc -n shop', out: /^secret\/key created/ },
  { line: 'describe secret key -n shop', out: /token: +3 bytes/ },
  { line: 'apply -f -', input: web, out: /deployment\.apps\/web created\nservice\/web created/ },
  { line: 'rollout status deployment/web --timeout=20s', out: /deployment "web" successfully rolled out/ },
  { line: 'apply -f -', input: web, out: /deployment\.apps\/web unchanged\nservice\/web unchanged/ },
  { line: 'get deploy web', out: /web +3\/3 +3 +3/ },
  { line: 'get rs -l app=web', out: /web-\w+ +3 +3 +3/ },
  { line: 'get pods -l app=web -o name', out: /^(pod\/web-\w+-\w{5}\n){3}$/ },
  { line: 'get endpointslices -l kubernetes.io/service-name=web', out: /web-\w{5} +IPv4 +80 +10\.244\.\d+\.\d+/ },
  { line: 'get endpoints web', out: /10\.244\.\d+\.\d+:80,10\.244/ },
  {
    line: 'describe deployment web',
    out: /RollingUpdateStrategy: +25% max unavailable, 25% max surge[\s\S]*Scaled up replica set web-\w+ from 0 to 3/,
  },
  { line: 'describe service web', out: /NodePort: +<unset> +30080\/TCP/ },
  { line: 'describe node faultline-worker', out: /Ready +True[\s\S]*kubelet is posting ready status[\s\S]*Non-terminated Pods/ },
  { line: 'describe pod -l app=web', out: /Successfully assigned default\/web-/ },
  { line: 'scale deployment web --replicas=5', out: /deployment\.apps\/web scaled/ },
  { line: 'rollout status deployment/web --timeout=20s', out: /successfully rolled out/ },
  { line: 'set image deployment/web web=nginx:1.28-alpine', out: /deployment\.apps\/web image updated/ },
  { line: 'rollout status deployment/web --timeout=20s', out: /successfully rolled out/ },
  { line: 'rollout history deployment/web', out: /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>/ },
  { line: 'rollout undo deployment/web', out: /deployment\.apps\/web rolled back/ },
  { line: 'rollout restart deployment/web', out: /deployment\.apps\/web restarted/ },
  { line: 'rollout status deployment/web --timeout=20s', out: /successfully rolled out/ },
  { line: 'label service web tier=front', out: /service\/web labeled/ },
  { line: 'annotate service web note=hello', out: /service\/web annotated/ },
  { line: 'get svc web --show-labels', out: /tier=front/ },
  { line: `patch service web -p '{"spec":{"ports":[{"port":80,"targetPort":8080}]}}'`, out: /service\/web patched/ },
  { line: 'get svc web -o jsonpath={.spec.ports[0].targetPort}', out: /^8080$/ },
  {
    line: `patch service web --type=json -p '[{"op":"replace","path":"/spec/ports/0/targetPort","value":"http"}]'`,
    out: /service\/web patched/,
  },
  {
    line: `patch service web --type=merge -p '{"spec":{"type":"Bogus"}}'`,
    code: 1,
    err: /The Service "web" is invalid: spec\.type: Unsupported value: "Bogus"/,
  },
  {
    line: `patch service web --type=json -p '[{"op":"replace","path":"/spec/ports/0/nodePort","value":80}]'`,
    code: 1,
    err: /spec\.ports\[0\]\.nodePort: Invalid value: 80: provided port is not in the valid range\. The range of valid ports is 30000-32767/,
  },
  { line: 'expose deployment web --name=web2 --port=81 --target-port=80', out: /service\/web2 exposed/ },
  { line: 'delete service web2', out: /service "web2" deleted/ },
  { line: 'run once --image=busybox:1.36 --restart=Never -- sh -c "echo hello from the pod"', out: /pod\/once created/ },
  { line: 'wait --for=jsonpath={.status.phase}=Succeeded pod/once --timeout=20s', out: /pod\/once condition met/ },
  { line: 'logs once', out: /^hello from the pod$/m },
  { line: 'get pod once', out: /once +0\/1 +Completed +0/ },
  { line: 'delete pod once', out: /pod "once" deleted/ },
  { line: 'run broken --image=registry.invalid/none:1 --restart=Never', out: /pod\/broken created/ },
  { line: 'cordon faultline-worker', out: /node\/faultline-worker cordoned/ },
  { line: 'get nodes', out: /faultline-worker +Ready,SchedulingDisabled/ },
  { line: 'uncordon faultline-worker', out: /node\/faultline-worker uncordoned/ },
  { line: 'taint node faultline-worker a=b:NoSchedule', out: /node\/faultline-worker tainted/ },
  { line: 'taint node faultline-worker a=b:NoSchedule-', out: /node\/faultline-worker untainted/ },
  {
    line: 'apply -f - --server-side',
    input: 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ssa }\ndata: { a: "1" }\n',
    out: /configmap\/ssa serverside-applied/,
  },
  { line: 'apply -f - --dry-run=server', input: web, out: /\(server dry run\)/ },
  {
    line: 'apply -f -',
    input: 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bad }\ndatum: {}\n',
    code: 1,
    err: /unknown field "datum"/,
  },
  { line: 'get events -A', out: /LAST SEEN +TYPE +REASON +OBJECT +MESSAGE/ },
  // kubectl 1.32 drops the path of the server's URL for --raw, so it asks the listener and not the cluster.
  { line: 'get --raw /readyz', out: /^ok/, since: '1.35' },
  { line: 'delete namespace shop', out: /namespace "shop" deleted/ },
  { line: 'get configmap settings -n shop', code: 1, err: /NotFound/ },
  { line: 'delete deployment web', out: /deployment\.apps "web" deleted/ },
]

describe.each(kubectlVersions)('kubectl %s against the simulated API', (version) => {
  let session: Awaited<ReturnType<typeof kubectlSession>>
  beforeAll(async () => {
    session = await kubectlSession(version)
  })
  afterAll(async () => {
    expect(session.defects).toEqual([])
    await session.close()
  })

  it.each(table.map((row, index) => ({ ...row, index })).filter(({ since = '' }) => version >= since))(
    '$index $line',
    async ({ line, input, out, err, code = 0 }) => {
      const outcome = await session.kubectl(line, input === undefined ? {} : { input })
      if (out) expect(outcome.out).toMatch(out)
      if (err) expect(outcome.err).toMatch(err)
      expect(outcome.code, outcome.err).toBe(code)
    },
  )

  it('shows what became of an image that does not exist', async () => {
    const outcome = await eventually(
      () => session.kubectl('get pod broken'),
      ({ out }) => /ImagePullBackOff|ErrImagePull/.test(out),
    )
    expect(outcome.out).toMatch(/broken +0\/1 +(ImagePullBackOff|ErrImagePull) +0/)
  })

  it('execs into a pod, with its exit code', async () => {
    expect((await session.kubectl('apply -f -', { input: web })).code).toBe(0)
    expect((await session.kubectl('rollout status deployment/web --timeout=20s')).code).toBe(0)
    expect((await session.kubectl('exec deploy/web -- cat /etc/hostname')).out).toMatch(/^web-/)
    const failed = await session.kubectl('exec deploy/web -- sh -c "exit 3"')
    expect(failed.err).toContain('command terminated with exit code 3')
    expect(failed.code).toBe(3)
    expect((await session.kubectl('exec -i deploy/web -- cat', { input: 'through the pipe' })).out).toBe('through the pipe')
  })

  it('answers through a Service by name, from another pod', async () => {
    const outcome = await session.kubectl(
      'run probe --rm -i --restart=Never --image=busybox:1.36 -- wget -q -O - http://web.default.svc.cluster.local/',
    )
    expect(outcome.out, outcome.err).toMatch(/nginx/i)
  })

  it('edits with an editor', async () => {
    const editor = join(session.folder, 'editor.sh')
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/replicas: 3/replicas: 2/" "$1"\n', { mode: 0o755 })
    const outcome = await session.kubectl('edit deployment web', { env: { KUBE_EDITOR: editor } })
    expect(outcome.out).toMatch(/deployment\.apps\/web edited/)
    expect((await session.kubectl('get deploy web -o jsonpath={.spec.replicas}')).out).toBe('2')
  })

  it('watches', async () => {
    const stream = session.kubectl('get pods -l app=web -w', { stopAfter: /Terminating/ })
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await session.kubectl('delete pod -l app=web --wait=false')).code).toBe(0)
    expect((await stream).out).toMatch(/Terminating/)
  })

  it('follows logs', async () => {
    const line = 'run chatty --image=busybox:1.36 --restart=Never -- sh -c "for i in 1 2 3; do echo line $i; sleep 0.2; done"'
    expect((await session.kubectl(line)).code).toBe(0)
    const ready = await eventually(
      () => session.kubectl('get pod chatty -o jsonpath={.status.phase}'),
      ({ out }) => out !== 'Pending',
    )
    expect(ready.out).toMatch(/Running|Succeeded/)
    expect((await session.kubectl('logs -f chatty')).out).toBe('line 1\nline 2\nline 3\n')
  })
})
