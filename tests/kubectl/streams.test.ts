import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { KubeConfig, PortForward } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kubectlVersions } from '../real-kubectl.ts'
import { eventually, kubectlSession } from './session.ts'

const objects = `apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  containers:
  - { name: web, image: "nginx:1.27", ports: [{ name: http, containerPort: 80 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: box }
spec:
  containers:
  - { name: box, image: "busybox:1.36", command: [sh, -c, "nc -l -p 7 > /tmp/arrived; sleep 10000"] }
---
apiVersion: v1
kind: Pod
metadata: { name: ticking }
spec:
  containers:
  - { name: ticking, image: "busybox:1.36", command: [sh, -c, "while true; do echo tick; sleep 0.2; done"] }
---
apiVersion: v1
kind: Pod
metadata: { name: listening }
spec:
  containers:
  - { name: listening, image: "busybox:1.36", stdin: true, command: [sh, -c, "while read line; do echo heard $line; done"] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: front, port: 8080, targetPort: http }] }
`
const big = 10 * 1024 * 1024
/** Over the upgrade that came before WebSockets, which newer kubectls still speak when told to. */
const spdy = { KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false', KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }

describe.each(kubectlVersions)('kubectl %s streams', (version) => {
  let session: Awaited<ReturnType<typeof kubectlSession>>
  const local = (name: string) => join(session.folder, name)

  beforeAll(async () => {
    session = await kubectlSession(version)
    await session.kubectl('apply -f -', { input: objects })
    const ready = await session.kubectl('wait --for=condition=Ready pod --all --timeout=20s')
    expect(ready.code, ready.err).toBe(0)
    writeFileSync(local('big'), randomBytes(big))
  })
  afterAll(async () => {
    expect(session.defects).toEqual([])
    await session.close()
  })

  async function forward(line: string, env: Record<string, string> = {}) {
    const running = session.background(`port-forward ${line}`, env)
    const [, port] = await running.said(/Forwarding from 127\.0\.0\.1:(\d+) -> \d+/)
    return { ...running, port: Number(port) }
  }
  async function page(port: number): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    return response.text()
  }

  describe.each([
    ['through a WebSocket', {}],
    ['over SPDY', spdy],
  ])('port-forward %s', (_, env) => {
    it('to a pod, several connections at once', async () => {
      const running = await forward('pod/web :80', env)
      const pages = await Promise.all(Array.from({ length: 8 }, () => page(running.port)))
      expect(pages.map((text) => text.includes('Welcome to nginx'))).toEqual(Array.from({ length: 8 }, () => true))
      expect(running.text()).toContain(`Handling connection for ${running.port}\n`)
      expect(await running.stop()).toBe(0)
    })

    it('says what the runtime says of a port where nobody listens, and ends', async () => {
      const running = await forward('pod/web :81', env)
      await expect(page(running.port)).rejects.toThrow()
      expect(await running.ended).toBe(1)
      expect(running.text()).toMatch(
        /an error occurred forwarding \d+ -> 81: error forwarding port 81 to pod [0-9a-f]{64}, uid : failed to execute portforward in network namespace \\"\/var\/run\/netns\/cni-[0-9a-f-]+\\": failed to connect to localhost:81 inside namespace \\"[0-9a-f]{64}\\", IPv4: dial tcp4 127\.0\.0\.1:81: connect: connection refused IPv6 dial tcp6 \[::1\]:81: connect: cannot assign requested address "\nerror: lost connection to pod/,
      )
    })
  })

  it('forwards to the target port of a service, by its name', async () => {
    const running = await forward('svc/web :front')
    expect(running.text()).toMatch(/-> 80\n/)
    expect(await page(running.port)).toContain('Welcome to nginx')
    await running.stop()
  })

  it('copies 10 MB into a pod, serves them through a forwarded port, and copies them back', async () => {
    const copied = await session.kubectl('cp big web:/usr/share/nginx/html/big')
    expect(copied, copied.err).toEqual({ code: 0, out: '', err: '' })
    const running = await forward('pod/web :80')
    const download = async () => Buffer.from(await (await fetch(`http://127.0.0.1:${running.port}/big`)).arrayBuffer())
    const whole = readFileSync(local('big'))
    for (const downloaded of await Promise.all([download(), download()])) expect(whole.equals(downloaded)).toBe(true)
    // A client that breaks off leaves the others, and the session, alone.
    const breaking = new AbortController()
    const broken = await fetch(`http://127.0.0.1:${running.port}/big`, { signal: breaking.signal })
    await broken.body?.getReader().read()
    breaking.abort()
    expect(await page(running.port)).toContain('Welcome to nginx')
    expect(await running.stop(), running.text()).toBe(0)
    const back = await session.kubectl('cp web:/usr/share/nginx/html/big back')
    expect(back.code, back.err).toBe(0)
    expect(back.out).toBe("tar: Removing leading `/' from member names\n")
    expect(whole.equals(readFileSync(local('back')))).toBe(true)
  })

  it('carries 10 MB to a listening pod, which a client that closes its side ends', async () => {
    const running = await forward('pod/box :7')
    const whole = readFileSync(local('big'))
    await new Promise<void>((resolve, reject) => {
      const socket = connect(running.port, '127.0.0.1', () => socket.end(whole))
      socket.on('error', reject)
      socket.on('close', () => resolve())
      socket.resume()
    })
    const size = await eventually(
      () => session.kubectl('exec box -- wc -c /tmp/arrived'),
      ({ out }) => out.startsWith(`${big} `),
    )
    expect(size.out).toBe(`${big} /tmp/arrived\n`)
    await running.stop()
    expect((await session.kubectl('cp box:/tmp/arrived arrived')).code).toBe(0)
    expect(whole.equals(readFileSync(local('arrived')))).toBe(true)
  })

  it('ends open connections with their pod, and the session with the next one', async () => {
    await session.kubectl('run brief --image=nginx:1.27-alpine')
    await session.kubectl('wait --for=condition=Ready pod/brief --timeout=20s')
    const running = await forward('pod/brief :80')
    const open = new Promise<void>((resolve) => {
      const socket = connect(running.port, '127.0.0.1')
      socket.on('close', () => resolve())
      socket.on('error', () => {})
      socket.resume()
    })
    await running.said(/Handling connection/)
    await session.kubectl('delete pod brief --now')
    await open
    await expect(page(running.port)).rejects.toThrow()
    expect(await running.ended).toBe(1)
    expect(running.text()).toMatch(/uid : failed to find sandbox \\"[0-9a-f]{64}\\" in store: not found"\nerror: lost connection to pod/)
  })

  it('copies folders both ways, and says what goes wrong', async () => {
    mkdirSync(local('tree/sub/empty'), { recursive: true })
    writeFileSync(local('tree/a'), 'one')
    writeFileSync(local('tree/sub/b'), 'two')
    expect((await session.kubectl('cp tree web:/tmp')).code).toBe(0)
    expect((await session.kubectl('exec web -- find /tmp/tree')).out.trim().split('\n').sort()).toEqual(
      ['', '/a', '/sub', '/sub/b', '/sub/empty'].map((path) => `/tmp/tree${path}`),
    )
    expect((await session.kubectl('cp web:/tmp/tree copy')).code).toBe(0)
    expect([readFileSync(local('copy/a'), 'utf8'), readFileSync(local('copy/sub/b'), 'utf8')]).toEqual(['one', 'two'])
    const nowhere = await session.kubectl('cp tree/a web:/no/such/folder')
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('tar: /no/such: Cannot open: No such file or directory') })
    const bare = await session.kubectl('cp tree/a kube-system/etcd-faultline-control-plane:/x')
    expect(bare).toMatchObject({ code: 1, err: expect.stringContaining('exec: "tar": executable file not found in $PATH') })
  })

  it('attaches to a running container, and to its standard input', async () => {
    const ticks = session.background('attach ticking')
    await ticks.said(/tick\n(.*\n)*tick\n/)
    await ticks.stop()
    const typing = session.background('attach -i listening')
    typing.write('hello\n')
    await typing.said(/heard hello/)
    await typing.stop()
    expect((await session.kubectl('logs listening')).out).toBe('heard hello\n')
  })

  it.each([{}, spdy])('runs commands over either upgrade (%o)', async (env) => {
    expect(await session.kubectl('exec -i web -- cat', { input: 'through', env })).toMatchObject({ code: 0, out: 'through' })
    const failed = await session.kubectl('exec web -- sh -c "echo out; echo err >&2; exit 3"', { env })
    expect(failed).toMatchObject({ code: 3, out: 'out\n', err: expect.stringMatching(/^err\ncommand terminated with exit code 3/) })
  })

  it('runs a pod, attached, and removes it', async () => {
    const line = 'run once -i --rm --restart=Never --image=busybox:1.36 -- sh -c "read a; echo got $a"'
    const { code, out } = await session.kubectl(line, { input: 'this\n' })
    expect(code).toBe(0)
    expect(out).toContain('got this')
    expect(out).toMatch(version === '1.32' ? /pod "once" deleted/ : /pod "once" deleted from default namespace/)
  })

  it('debugs a pod with an ephemeral container', async () => {
    const line = 'debug web -i --image=busybox:1.36 --target=web --profile=general -c probe -- wget -qO- http://localhost/'
    const { code, out, err } = await session.kubectl(line)
    expect(code, err).toBe(0)
    expect(out + err).toContain('Welcome to nginx')
    const status = JSON.parse((await session.kubectl('get pod web -o jsonpath={.status.ephemeralContainerStatuses[0]}')).out)
    expect(status).toMatchObject({
      name: 'probe',
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode: 0, reason: 'Completed' } },
    })
    expect((await session.kubectl('describe pod web')).out).toMatch(/Ephemeral Containers:\n {2}probe:\n[\s\S]*Reason: +Completed/)
    expect((await session.kubectl('logs web -c probe')).out).toContain('Welcome to nginx')
    expect((await session.kubectl('get pod web')).out).toMatch(/web +1\/1 +Running +0/)
    const refused = await session.kubectl('debug web --image=busybox:1.36 --target=nobody -c wrong')
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining('spec.ephemeralContainers[1].targetContainerName: Not found: "nobody"'),
    })
    const removal = await session.kubectl(
      `patch pod web --subresource=ephemeralcontainers --type=json -p '[{"op":"remove","path":"/spec/ephemeralContainers/0"}]'`,
    )
    expect(removal.err).toContain('spec.ephemeralContainers: Forbidden: existing ephemeral containers "probe" may not be removed')
    const directly = await session.kubectl(
      `patch pod web --type=json -p '[{"op":"add","path":"/spec/ephemeralContainers/-","value":{"name":"x","image":"y"}}]'`,
    )
    expect(directly).toMatchObject({ code: 1, err: expect.stringContaining('Forbidden: pod updates may not change fields other than') })
  })

  it('debugs a copy of a pod, and a node', async () => {
    const copied = await session.kubectl('debug web --image=busybox:1.36 --copy-to=copy --profile=general -c shell -- sleep 1000')
    expect(copied.code, copied.err).toBe(0)
    expect((await session.kubectl('wait --for=condition=Ready pod/copy --timeout=20s')).code).toBe(0)
    expect((await session.kubectl('exec copy -c shell -- wget -qO- http://localhost/')).out).toContain('Welcome to nginx')
    const node = await session.kubectl(
      'debug node/faultline-worker -i --image=busybox:1.36 --profile=general -- cat /host/etc/hostname /etc/hostname',
    )
    expect(node.code, node.err).toBe(0)
    expect(node.out).toMatch(
      /Creating debugging pod node-debugger-faultline-worker-\w{5} with container debugger on node faultline-worker\.\n/,
    )
    expect(node.out).toMatch(/faultline-worker\nfaultline-worker\n/)
  })

  // kubectl 1.32 drops the path of the server's URL for --raw, so it asks the listener and not the cluster.
  it.runIf(version >= '1.35')('reaches pods, services and nodes through the proxy subresources', async () => {
    const raw = (path: string) => session.kubectl(`get --raw /api/v1/${path}`)
    expect((await raw('namespaces/default/services/web:8080/proxy/')).out).toContain('Welcome to nginx')
    expect((await raw('namespaces/default/services/web:front/proxy/')).out).toContain('Welcome to nginx')
    expect((await raw('namespaces/default/pods/web/proxy/')).out).toContain('Welcome to nginx')
    expect((await raw('nodes/faultline-worker/proxy/healthz')).out).toBe('ok')
    expect((await raw('namespaces/default/pods/web:81/proxy/')).err).toMatch(
      /^Error from server \(ServiceUnavailable\): error trying to reach service: dial tcp 10\.244\.\d+\.\d+:81: connect: connection refused\n$/,
    )
    expect((await raw('namespaces/default/services/web:81/proxy/')).err).toContain('no service port 81 found for service "web"')
    expect((await raw('namespaces/default/services/web/proxy/')).err).toContain('no endpoints available for service "web"')
    expect((await raw('namespaces/default/pods/web/proxy/nothere')).err).toContain('NotFound')
  })

  it("forwards ports in the terminal, for another job's curl", async () => {
    const script = [
      'kubectl port-forward svc/web 8080:8080 >log 2>&1 &',
      'sleep 1; curl -s http://localhost:8080/ | grep -c Welcome; curl -s http://127.0.0.1:8080/ >/dev/null',
      'kill -INT %1 2>/dev/null || kill -INT $!; wait; cat log',
      'kubectl port-forward pod/web 8081:81 >log 2>&1 & sleep 1; curl -s http://localhost:8081/; echo $?; wait; cat log',
    ].join('\n')
    const { output } = await session.cluster.runScript(script, {})
    expect(output).toMatch(
      /^2\n[\s\S]*Forwarding from 127\.0\.0\.1:8080 -> 80\nHandling connection for 8080\nHandling connection for 8080\n/,
    )
    expect(output).toMatch(
      /52\n[\s\S]*Handling connection for 8081\nE\d{4} \S+ +\d+ portforward\.go:424\] "Unhandled Error" err="an error occurred forwarding 8081 -> 81: error forwarding port 81 to pod [\s\S]*\nerror: lost connection to pod\n$/,
    )
  })

  it('copies and debugs in the terminal', async () => {
    const script = [
      'mkdir -p t/u; seq 1 100000 > t/u/numbers; cd t',
      'kubectl cp u web:/tmp/u && kubectl exec web -- cat /tmp/u/numbers | diff - u/numbers && kubectl cp web:/tmp/u back && diff back/numbers u/numbers && echo same',
      'kubectl debug web --image=busybox:1.36 --profile=general -c term -i -- hostname',
      'kubectl debug node/faultline-worker2 --profile=sysadmin -q -i --image=busybox:1.36 -- cat /host/etc/hostname',
      'kubectl debug web --image=busybox:1.36 --copy-to=termcopy -q --profile=netadmin -c x -- sleep 1000; kubectl wait --for=condition=Ready pod/termcopy --timeout=20s',
    ].join('\n')
    const { output } = await session.cluster.runScript(script, {})
    expect(output).toMatch(/same\n/)
    expect(output).toMatch(/(^|\n)web\n/)
    expect(output).toMatch(/\nfaultline-worker2\n/)
    expect(output).toMatch(/pod\/termcopy condition met\n$/)
  })

  it("forwards for @kubernetes/client-node's PortForward", async () => {
    const config = new KubeConfig()
    config.loadFromFile(session.kubeconfig)
    const forwarding = new PortForward(config, true)
    const server = createServer((socket) => {
      void forwarding.portForward('default', 'web', [80], socket, null, socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as { port: number }
      const answer = await new Promise<string>((resolve, reject) => {
        let text = ''
        const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n'))
        socket.on('data', (bytes) => {
          text += bytes.toString()
          if (text.includes('</html>')) {
            socket.destroy()
            resolve(text)
          }
        })
        socket.on('error', reject)
      })
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*Welcome to nginx/)
    } finally {
      server.close()
    }
  })
})
