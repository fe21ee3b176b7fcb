import { hostDaemon, type RunningDaemon } from '../../kubelet/runtime/host-daemon.ts'
import { type Place, type RunningProcess, runProcess } from '../../kubelet/runtime/run-process.ts'
import { fileTree, MemoryFiles } from '../../memory-files.ts'
import type { ResourceRecord } from '../../network/dns-message.ts'
import type { NetworkNamespace } from '../../network/namespace.ts'
import { type TwoNodes, twoNodes } from '../../network/testing/two-nodes.ts'
import { listen } from '../coredns/listener.ts'
import { alpineFiles, debianFiles } from '../image-parts.ts'
import { busyboxNetTools, netTools } from '../net-tools.ts'
import { type Daemon, executable, type Program, type Signal } from '../process.ts'

/** Two pods on two nodes of a real simulated network, with a name server and time that the test moves. */
export interface Stage {
  readonly net: TwoNodes
  readonly client: NetworkNamespace
  readonly server: NetworkNamespace
  /** 10.244.1.53, where `records` are served. */
  readonly dns: NetworkNamespace
  /** Names that were asked for, `A name.`, in order. */
  readonly asked: string[]
  /** Runs a command line of the client to its end, letting at most `within` ms pass. */
  run(line: string, options?: RunLine): Promise<Ran>
  /** Starts a daemon in a namespace. */
  daemon(program: Daemon<any>, namespace: NetworkNamespace, options?: DaemonOptions): StagedDaemon
  files(dialect: Dialect, extra?: Record<string, string>): MemoryFiles
}

type Dialect = 'busybox' | 'gnu'

export interface RunLine {
  readonly dialect?: Dialect
  readonly from?: NetworkNamespace
  readonly within?: number
  readonly files?: MemoryFiles
  /** A signal after so many ms. */
  readonly kill?: readonly [number, Signal]
  readonly programs?: Readonly<Record<string, Program>>
}

export interface Ran {
  readonly out: string
  readonly err: string
  readonly code: number | undefined
  readonly files: MemoryFiles
  /** ms that passed. */
  readonly took: number
}

export interface DaemonOptions {
  readonly argv?: readonly string[]
  readonly env?: Record<string, string>
  readonly files?: MemoryFiles
  readonly memory?: { state?: unknown }
  readonly resumed?: boolean
  readonly hostname?: string
}

export interface StagedDaemon {
  readonly log: string[]
  readonly exits: number[]
  readonly running: RunningDaemon
  readonly memory: { state?: unknown }
}

const resolvConf = 'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.244.1.53\noptions ndots:5\n'

/** `records`: addresses by absolute name; `dns: false` leaves the name server out. */
export function stage(records: Readonly<Record<string, string>> = {}, dnsRuns = true): Stage {
  const net = twoNodes()
  const client = net.pod(0, 5)
  const server = net.pod(1, 8)
  const dns = net.pod(1, 53)
  const asked: string[] = []
  if (dnsRuns) {
    listen(dns.sockets, 53, (query, reply) => {
      asked.push(`${query.type} ${query.name}`)
      const address = records[query.name]
      const answers: ResourceRecord[] =
        address !== undefined && query.type === 'A' ? [{ name: query.name, ttl: 30, type: 'A', data: address }] : []
      reply({ rcode: address === undefined ? 'NXDOMAIN' : 'NOERROR', authoritative: true, answers, authorities: [] })
    })
  }
  const clock = net.loop
  const files = (dialect: Dialect, extra: Record<string, string> = {}) => {
    const base = {
      ...(dialect === 'busybox' ? alpineFiles() : debianFiles()),
      '/etc/resolv.conf': resolvConf,
      '/etc/hosts': '127.0.0.1\tlocalhost\n',
      ...extra,
    }
    return new MemoryFiles({
      now: () => clock.now(),
      base: fileTree(Object.fromEntries(Object.entries(base).map(([path, content]) => [path, { content }])), 0),
    })
  }
  // Nothing here waits for the host: promises alone have to settle between two moments.
  const turn = async () => {
    for (let i = 0; i < 100; i++) await undefined
  }

  async function run(line: string, options: RunLine = {}): Promise<Ran> {
    const dialect = options.dialect ?? 'gnu'
    const programs: Record<string, Program> = { ...(dialect === 'busybox' ? busyboxNetTools : netTools), ...options.programs }
    const own = options.files ?? files(dialect)
    for (const [name, program] of Object.entries(programs)) {
      own.makeDirectory('/usr/bin', { parents: true })
      own.write(`/usr/bin/${name}`, executable(program))
      own.setMode(`/usr/bin/${name}`, 0o755)
    }
    const byId = new Map(Object.values(programs).map((program) => [program.id, program]))
    const crashes: unknown[] = []
    const place: Place = {
      files: own,
      env: { PATH: '/usr/bin' },
      cwd: '/',
      hostname: 'client',
      user: 'root',
      namespace: options.from ?? client,
      clock,
      random: net.network.random,
      programs: (id) => byId.get(id),
      processes: new Set(),
      nextPid: () => 7,
      crashed: (error) => crashes.push(error),
    }
    const text = { out: '', err: '' }
    const sink = (to: 'out' | 'err') => ({
      write: async (data: Uint8Array | string) => void (text[to] += typeof data === 'string' ? data : new TextDecoder().decode(data)),
    })
    const began = clock.now()
    const started = runProcess(place, words(line), { stdout: sink('out'), stderr: sink('err') })
    if ('problem' in started) throw new Error(`${line}: ${started.problem}`)
    let code: number | undefined
    void (started as RunningProcess).exit.then((value) => {
      code = value
    })
    for (let passed = 0; code === undefined && passed <= (options.within ?? 200_000); passed += 100) {
      if (options.kill && passed === options.kill[0]) started.kill(options.kill[1])
      await net.time.pass(passed === 0 ? 0 : 100, turn)
    }
    if (crashes.length > 0) throw crashes[0]
    return { ...text, code, files: own, took: clock.now() - began }
  }

  function daemon(program: Daemon<any>, namespace: NetworkNamespace, options: DaemonOptions = {}): StagedDaemon {
    const staged: StagedDaemon = { log: [], exits: [], memory: options.memory ?? {}, running: undefined as never }
    const running = hostDaemon({
      daemon: program,
      argv: options.argv ?? ['/program'],
      env: options.env ?? {},
      hostname: options.hostname ?? 'server-0',
      files: options.files ?? files('busybox'),
      namespace,
      clock,
      random: net.network.random,
      owner: `test/${namespace.name}/${program.id}`,
      memory: staged.memory,
      resumed: options.resumed ?? false,
      log: (line) => staged.log.push(line),
      exited: (code) => staged.exits.push(code),
      crashed: (error) => {
        throw error
      },
    })
    ;(staged as { running: RunningDaemon }).running = running
    net.settle()
    return staged
  }

  return { net, client, server, dns, asked, run, daemon, files }
}

/** Splits at blanks; single quotes keep them. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}
