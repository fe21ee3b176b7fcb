import type { Pod } from 'kubernetes-types/core/v1'
import { type Clock, EventLoop, HeldTime } from '../../clock.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { fileTree, MemoryFiles } from '../../memory-files.ts'
import type { Machine } from '../../network/machine.ts'
import { type Catalogue, CniError, type CniPlugin, type Command, type Daemon, executable, type Image } from '../../programs/process.ts'
import { Random } from '../../random.ts'
import { createKubelet, type KubeletSnapshot, type RunningKubelet } from '../kubelet.ts'
import type { KubeletWorld } from '../world.ts'
import { fakeApi } from './fake-api.ts'
import { asNamespace, FakeNetwork } from './fake-network.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** An HTTP server whose state survives a restore. `GET /fail` makes it unhealthy, `FAIL_START` lets it crash, SIGTERM ends it unless `STUBBORN`. */
const web: Daemon<{ hits: number; healthy: boolean; starts: number }> = {
  kind: 'daemon',
  id: 'test/web',
  initial: () => ({ hits: 0, healthy: true, starts: 0 }),
  run(context) {
    context.state.starts++
    context.log(`${context.resumed ? 'resumed' : 'listening'} on 8080 as ${context.hostname}`)
    if (context.env.FAIL_START) {
      context.log('/etc/app/Corefile:3 - Error during parsing: Unknown directive "forwrd"', 'stderr')
      return context.exit(1)
    }
    context.sockets.listenTcp({ port: 8080 }, (connection) => ({
      data(bytes) {
        const path = decoder.decode(bytes).split(' ')[1]
        if (path === '/fail') context.state.healthy = false
        context.state.hits++
        connection.write(
          encoder.encode(`HTTP/1.1 ${context.state.healthy ? '200 OK' : '503 Service Unavailable'}\r\nContent-Length: 0\r\n\r\n`),
        )
        connection.end()
      },
    }))
    const timers = context.timers(() => context.log(`tick after ${context.state.hits} hits`))
    if (context.env.TICK && !context.resumed) timers.set('tick', context.clock.now() + Number(context.env.TICK))
    context.onSignal((signal) => {
      if (!context.env.STUBBORN) context.exit(signal === 'SIGTERM' ? 0 : 1)
    })
  },
}

const commands: Record<string, Command['run']> = {
  sh: async (process) => {
    if (process.argv[1] === '-c') {
      const words = (process.argv[2] ?? '').split(' ')
      const child = process.spawn(words)
      if (child) return child.exit
      await process.stderr.write(`sh: ${words[0]}: not found\n`)
      return 127
    }
    for (;;) {
      const bytes = await process.stdin.read(process.signal)
      if (!bytes || bytes.length === 0) return 0
      await process.stdout.write(`$ ${decoder.decode(bytes)}`)
    }
  },
  echo: async (process) => {
    await process.stdout.write(`${process.argv.slice(1).join(' ')}\n`)
    return 0
  },
  cat: async (process) => {
    for (const path of process.argv.slice(1)) await process.stdout.write(process.files.read(path))
    return 0
  },
  env: async (process) => {
    for (const [name, value] of Object.entries(process.env)) await process.stdout.write(`${name}=${value}\n`)
    return 0
  },
  exit: async (process) => Number(process.argv[1] ?? 0),
  sleep: async (process) => {
    await process.clock.sleep(Number(process.argv[1]) * 1000, process.signal)
    return 0
  },
}

const programs = Object.fromEntries(
  Object.entries(commands).map(([name, run]) => [`/bin/${name}`, { kind: 'command', id: `test/${name}`, run } as Command]),
)

let nextAddress = 2
const bridge: CniPlugin = {
  kind: 'cni',
  id: 'test/bridge',
  add(call) {
    if (call.config.broken) throw new CniError(100, 'open /run/flannel/subnet.env: no such file or directory')
    const address = `10.244.1.${nextAddress++}`
    asNamespace(call.namespace).address(address)
    return { interfaces: [{ name: 'eth0' }], ips: [{ address: `${address}/24` }], routes: [] }
  },
  del() {},
}

const image = (repository: string, more: Partial<Image>): Image => ({
  repositories: [repository],
  tags: (tag) => tag === '1.0' || tag === 'latest',
  executables: programs,
  ...more,
})

export const catalogue: Catalogue = {
  images: [
    image('docker.io/library/web', { entrypoint: ['/web'], executables: { ...programs, '/web': web }, workingDir: '/srv' }),
    image('docker.io/library/busybox', { cmd: ['sh'] }),
    image('registry.k8s.io/distroless', { entrypoint: ['/web'], executables: { '/web': web } }),
  ],
  nodeExecutables: { '/opt/cni/bin/bridge': bridge },
  workstationExecutables: {},
}

export const conflist = JSON.stringify({ cniVersion: '1.0.0', name: 'podnet', plugins: [{ type: 'bridge' }] })

/** A node with a kubelet in held time; `restored` gives a second life from a snapshot that went through JSON. */
export function fakeNode(
  options: {
    network?: boolean
    random?: number
    machine?: (clock: Clock, random: Random) => Machine
    files?: Record<string, { content: string; mode?: number }>
    catalogue?: Catalogue
  } = {},
) {
  nextAddress = 2
  const time = new HeldTime(Date.UTC(2025, 10, 24, 12, 0, 0))
  const errors: unknown[] = []
  const clock = new EventLoop(time, (error) => errors.push(error))
  const random = new Random(options.random ?? 7)
  const api = fakeApi(clock, random)
  const network = new FakeNetwork(clock)
  const machine = options.machine?.(clock, random) ?? network.machine('worker', '172.18.0.3')
  const files = new MemoryFiles({
    now: () => clock.now(),
    base: fileTree(
      {
        '/opt/cni/bin/bridge': { content: executable(bridge), mode: 0o755 },
        '/etc/resolv.conf': { content: 'nameserver 172.18.0.1\n' },
        '/etc/hosts': { content: '127.0.0.1 localhost\n' },
        ...options.files,
        ...(options.network === false ? {} : { '/etc/cni/net.d/10-podnet.conflist': { content: conflist } }),
      },
      0,
    ),
  })
  const world: KubeletWorld = {
    node: 'worker',
    api,
    clock,
    random,
    machine,
    catalogue: options.catalogue ?? catalogue,
    files,
    clusterDns: '10.96.0.10',
    clusterDomain: 'cluster.local',
    onError: (error) => errors.push(error),
  }
  const node = {
    time,
    clock,
    api,
    network,
    machine,
    files,
    world,
    errors,
    kubelet: createKubelet(world) as RunningKubelet,
    settle: () => clock.settle(),
    /** Lets everything of this instant happen, promises included, then `ms` pass. */
    async pass(ms = 0) {
      await turn()
      clock.settle()
      await time.pass(ms, async () => {
        await turn()
        clock.settle()
        await turn()
      })
      clock.settle()
      time.advance(0)
    },
    pod: (name: string, namespace = 'default') =>
      api.find<KubeObject & Pod>('pods', namespace, name) as KubeObject & Pod & Required<Pick<Pod, 'status'>>,
    status: (name: string) => node.pod(name).status.containerStatuses?.[0],
    events: () =>
      api
        .list<any>('events')
        .filter((event) => event.involvedObject.kind === 'Pod')
        .map((event) => `${event.type} ${event.reason}${event.count > 1 ? ` x${event.count}` : ''}: ${event.message}`),
    run: (name: string, spec: Partial<NonNullable<Pod['spec']>>, metadata: object = {}) => {
      api.create('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', ...metadata },
        spec: { containers: [{ name: 'app', image: 'web:1.0' }], nodeName: 'worker', restartPolicy: 'Always', ...spec },
        status: { phase: 'Pending' },
      } as KubeObject)
    },
    restart() {
      const snapshot: KubeletSnapshot = JSON.parse(JSON.stringify(node.kubelet.snapshot()))
      const timers = clock.snapshot()
      node.kubelet.stop()
      for (const namespace of machine.namespaces()) {
        if (options.machine) namespace.dropSockets()
        else asNamespace(namespace).listeners.clear()
      }
      clock.restore(timers)
      node.kubelet = createKubelet(world, snapshot)
      clock.resume()
      return snapshot
    },
  }
  clock.settle()
  return node
}

/** Long enough for the promises of a few processes that start each other. */
async function turn(): Promise<void> {
  for (let i = 0; i < 60; i++) await Promise.resolve()
}

export async function collect(
  start: (output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>) => { exit: Promise<number> },
) {
  const text = { stdout: '', stderr: '' }
  const session = start(async (stream, bytes) => {
    text[stream] += decoder.decode(bytes)
  })
  const code = await session.exit
  return { code, ...text }
}
