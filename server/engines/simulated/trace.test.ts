import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProcess } from '../../../simulator/kubelet/runtime/run-process.ts'
import { heldCluster } from './testing/held-cluster.ts'

describe('faultline trace', () => {
  const { cluster, defects, pass } = heldCluster({ name: 'test', nodes: 3, cni: 'flannel', seed: 1 })

  beforeAll(async () => {
    await pass(60_000)
    cluster.api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
    const pod = (name: string, nodeName: string, image: string, command?: string[]) =>
      cluster.api.create('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'shop', labels: { app: name } },
        spec: { nodeName, containers: [{ name: 'c', image, ...(command ? { command } : {}) }] },
      })
    cluster.clock.settle()
    pod('client', 'test-worker', 'nicolaka/netshoot', ['sleep', 'infinity'])
    pod('web', 'test-worker2', 'nginx')
    pod('empty', 'test-worker2', 'registry.k8s.io/pause:3.10')
    for (const [name, clusterIP] of [
      ['web', '10.96.80.80'],
      ['late', 'None'],
    ]) {
      cluster.api.create('services', {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'shop' },
        spec: { clusterIP, selector: { app: name }, ports: [{ name: 'http', port: 80 }] },
      })
    }
    await pass(30_000)
  })
  afterAll(() => cluster.close())

  async function terminal(line: string): Promise<{ code: number | undefined; text: string }> {
    let text = ''
    const decoder = new TextDecoder()
    const sink = {
      async write(data: Uint8Array | string) {
        text += typeof data === 'string' ? data : decoder.decode(data, { stream: true })
      },
    }
    const running = runProcess(cluster.workstation, ['bash', '-c', line], { stdout: sink, stderr: sink })
    if ('problem' in running) throw new Error(running.problem)
    let code: number | undefined
    void running.exit.then((status) => (code = status))
    for (let turns = 0; turns < 3000 && code === undefined; turns++) await pass(1)
    return { code, text }
  }

  const from = { kind: 'pod', namespace: 'shop', name: 'client' } as const
  const service = { kind: 'service', namespace: 'shop', name: 'web' } as const

  it('follows both legs through NAT and the tunnel, with the objects behind the rules', async () => {
    const seen = await cluster.trace!({ from, to: service })
    expect(seen).toMatchObject({ version: 1, client: { outcome: 'answered', exitCode: 0 }, limits: [] })
    const [attempt] = seen.attempts
    expect(attempt).toMatchObject({
      purpose: 'connection',
      protocol: 'tcp',
      remote: { address: '10.96.80.80', port: 80 },
      service: { kind: 'Service', namespace: 'shop', name: 'web' },
      reached: { port: 80 },
      outcome: 'answered',
    })
    const [request, reply] = attempt!.legs
    expect(request).toMatchObject({ direction: 'request', what: 'SYN', end: { verdict: 'DELIVERED' } })
    expect(reply).toMatchObject({ direction: 'reply', what: 'SYN-ACK', end: { verdict: 'DELIVERED' } })
    const hop = (stage: string, detail: RegExp) => request!.hops.find((one) => one.stage === stage && detail.test(one.detail))
    expect(hop('PREROUTING', /^DNAT/)).toMatchObject({
      machine: 'test-worker',
      table: 'nat',
      chain: expect.stringMatching(/^KUBE-SEP-/),
      rule: expect.stringContaining('--to-destination'),
      origin: { kind: 'EndpointSlice', namespace: 'shop', target: { kind: 'Pod', namespace: 'shop', name: 'web' } },
    })
    expect(hop('PREROUTING', /^destination rewritten/)).toMatchObject({
      before: { dst: '10.96.80.80' },
      packet: { dst: seen.attempts[0]!.reached!.address },
    })
    expect(hop('conntrack', /entry made/)).toMatchObject({ conntrack: { state: 'NEW', entry: { tcp: 'SYN_SENT', confirmed: true } } })
    expect(hop('encapsulate', /vxlan/)).toMatchObject({ packet: { protocol: 'udp', vni: 1, inner: { protocol: 'tcp', flags: 'S' } } })
    expect(hop('route', /./)).toMatchObject({ route: expect.stringMatching(/ dev flannel\.1 onlink$/) })
    expect(hop('deliver', /LISTEN/)).toMatchObject({ socket: { state: 'LISTEN' }, verdict: 'DELIVERED' })
    expect(seen.pods.map(({ pod }) => pod.name).sort()).toEqual(['client', 'web'])
    expect(JSON.parse(JSON.stringify(seen))).toEqual(seen)
  })

  it('changes nothing, and says the same again', async () => {
    const before = JSON.stringify(cluster.snapshot())
    const first = await cluster.trace!({ from, to: { kind: 'url', url: 'http://web/' } })
    const second = await cluster.trace!({ from, to: { kind: 'url', url: 'http://web/' } })
    expect(second).toEqual(first)
    expect(JSON.stringify(cluster.snapshot())).toBe(before)
    expect(first.attempts.map(({ purpose, dns }) => `${purpose} ${dns?.type ?? ''} ${dns?.rcode ?? ''}`)).toEqual([
      'dns A NOERROR',
      'dns AAAA NOERROR',
      'connection  ',
    ])
    expect(first.client).toMatchObject({ outcome: 'answered', httpStatus: 200 })
  })

  it('waits as long as it is told, in no time', async () => {
    const gone = { kind: 'address', address: '10.244.9.9', port: 80 } as const
    const seen = await cluster.trace!({ from, to: gone, timeoutMs: 130_000 })
    expect(seen.client).toMatchObject({ outcome: 'timeout', errno: 'ETIMEDOUT' })
    expect(seen.client.elapsed).toBeGreaterThan(120_000)
    expect(seen.attempts[0]!.legs[0]).toMatchObject({ what: 'SYN', repeats: 6 })
    await expect(cluster.trace!({ from, to: gone, timeoutMs: 131_000 })).rejects.toMatchObject({ code: 'bad-request' })
  })

  it('takes a server that was started by hand along as far as it can, and says so', async () => {
    const place = cluster.podPlace('shop', 'empty')
    const sockets = place.namespace.socketsFor('nc')
    sockets.listenTcp({ port: 9000 }, () => ({}))
    const seen = await cluster.trace!({ from, to: { kind: 'pod', namespace: 'shop', name: 'empty', port: 9000 } })
    sockets.close()
    expect(seen.client.outcome).toBe('answered')
    expect(seen.limits).toEqual([expect.stringContaining('nc (tcp port 9000')])
  })

  it('asks a name server with a question, pings, and dials a node', async () => {
    const dns = { kind: 'service', namespace: 'kube-system', name: 'kube-dns', port: 'dns' } as const
    expect((await cluster.trace!({ from, to: dns })).client.outcome).toBe('answered')
    const web = { kind: 'pod', namespace: 'shop', name: 'web' } as const
    const pinged = await cluster.trace!({ from: { kind: 'node', name: 'test-worker' }, to: web })
    expect(pinged.attempts[0]!.legs.map(({ what }) => what)).toEqual(['echo request', 'echo reply'])
    const closed = await cluster.trace!({ from: { kind: 'workstation' }, to: { kind: 'node', name: 'test-worker', port: 9 } })
    expect(closed).toMatchObject({ client: { outcome: 'refused', errno: 'ECONNREFUSED' } })
    expect(closed.summary).toBe('Refused: the SYN was rejected on test-worker: no socket on tcp port 9')
  })

  it('is a command that fits 80 columns, with colours where they are wanted, or JSON', async () => {
    const plain = await terminal('faultline trace -n shop pod/client svc/web:http')
    expect(plain.code).toBe(0)
    expect(Math.max(...plain.text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(plain.text).toContain('(Service shop/web → Pod\n       shop/web)')
    expect(plain.text).not.toContain('\x1b')
    expect((await terminal('faultline trace -n shop pod/client svc/web --color always')).text).toContain('\x1b[32m')
    const json = await terminal('faultline trace pod/shop/client svc/shop/web -o json')
    expect(JSON.parse(json.text)).toMatchObject({ version: 1, to: { title: 'service shop/web:80' } })
    const verbose = await terminal('faultline trace pod/shop/client svc/shop/web -v')
    expect(verbose.text).toContain('-j DNAT --to-destination')
    expect(verbose.text.length).toBeGreaterThan(5 * plain.text.length)
  })

  it.each([
    ['faultline trace', 'a trace needs a destination'],
    ['faultline', 'Usage: faultline trace'],
    ['faultline trace --help', 'Usage: faultline trace'],
    ['faultline tracy', 'unknown command "tracy"'],
    ['faultline trace nobody/x svc/web', '"nobody/x" is no source for a trace: give pod/NAME'],
    ['faultline trace workstation deploy/web:80', '"deploy/web:80" is no destination for a trace: give svc/NAME:PORT'],
    ['faultline trace svc/shop/none:80', 'services "none" not found in namespace "shop"'],
    ['faultline trace svc/shop/late:80', 'is headless and has no address of its own: trace to late.shop.svc.cluster.local:PORT'],
    ['faultline trace svc/shop/web:https', 'has no port "https": give one of 80 (http)'],
    ['faultline trace node/nowhere:80', 'nodes "nowhere" not found; there are test-control-plane, test-worker, test-worker2'],
    ['faultline trace 10.0.0.1:99999', '"99999" is no port: give 1 to 65535'],
    ['faultline trace ftp://web/', 'give an http:// or https:// URL'],
    ['faultline trace -p sctp svc/shop/web', '--protocol is tcp, udp, icmp or http, not "sctp"'],
    ['faultline trace -t soon svc/shop/web', '--timeout needs a number, not "soon"'],
    ['faultline trace -p tcp 10.0.0.1', 'needs a port for tcp'],
    ['faultline trace --colour svc/shop/web', 'unknown option --colour'],
  ])('%s', async (line, said) => {
    const { code, text } = await terminal(line)
    expect(text).toContain(said)
    expect(code).toBe(said.startsWith('Usage') ? 0 : 2)
  })

  it('had no defect', () => {
    expect(defects).toEqual([])
  })
})
