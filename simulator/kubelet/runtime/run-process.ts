import type { Api } from '../../apiserver/api.ts'
import type { Clock } from '../../clock.ts'
import type { FileSystem } from '../../files.ts'
import { MemoryFiles } from '../../memory-files.ts'
import type { NetworkNamespace } from '../../network/namespace.ts'
import type { HttpsService } from '../../network/sockets.ts'
import {
  type ChildProcess,
  type Command,
  type Daemon,
  type Process,
  type Signal,
  Signalled,
  type SpawnOptions,
} from '../../programs/process.ts'
import { usageOf } from '../../programs/usage.ts'
import type { Random } from '../../random.ts'
import { BrokenPipe, type ByteSink, type ByteSource, emptySource, nullSink } from '../../streams.ts'
import type { Terminal } from '../../terminal.ts'
import type { Account, Meter } from '../meter.ts'
import { fetchOver, websocketOver } from './dial.ts'
import { hostDaemon, processName } from './host-daemon.ts'
import type { PidNamespace } from './pid-namespace.ts'
import { commandNames, type Lookup, lookUp, type ProgramIndex } from './programs.ts'

/** Where processes run: a container, a node, or the workstation. */
export interface Place {
  readonly files: FileSystem
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly hostname: string
  readonly user: string
  readonly namespace: NetworkNamespace
  readonly clock: Clock
  readonly random: Random
  readonly programs: ProgramIndex
  /** What runs here now, in order of starting; whoever ends the place kills them. */
  readonly processes: Set<RunningProcess>
  /** Unique on the machine. */
  nextPid(): number
  /** Where its processes have their numbers; absent: on the machine, and none is to be seen. */
  readonly pids?: PidNamespace
  /** Asks the place's resolver for a name that is not in /etc/hosts; absent: such names do not exist. */
  resolve?(host: string): Promise<readonly string[]>
  /** For daemons that are run by hand: the API as whoever they are. */
  apiOf?(service: HttpsService): Api | undefined
  /** Why they have nothing to show to an API server; undefined where they have. */
  missingCredentials?(): string | undefined
  /** Records a connection attempt anywhere in the cluster; only the learner's workstation can. */
  readonly trace?: Process['trace']
  /** What its processes take together; absent: nobody counts. */
  readonly meter?: Meter
  /** Told what a program threw that is neither a signal nor a broken pipe. */
  crashed?(error: unknown, argv: readonly string[]): void
}

export interface RunningProcess extends ChildProcess {
  readonly argv: readonly string[]
  readonly parent: number
}

export interface RunOptions extends SpawnOptions {
  /** Which of 0, 1, 2 are the terminal; by default, with a terminal, those that no stream was given for. */
  onTerminal?: readonly [boolean, boolean, boolean]
  parent?: number
  /** It is process 1 of its PID namespace: signals that it does not handle are ignored (signal(7), pid_namespaces(7)). */
  init?: boolean
}

/**
 * Starts `argv` in `place`, or says why it cannot. A daemon runs in the foreground with its log on standard output and error
 * (its state is then not part of a snapshot). Without streams and terminal, input is empty and output is dropped.
 */
export function runProcess(
  outer: Place,
  argv: readonly string[],
  options: RunOptions = {},
): RunningProcess | Extract<Lookup, { problem: string }> {
  const place = options.root === undefined ? outer : rootedAt(outer, options.root)
  const env = options.env ?? { ...place.env }
  const cwd = options.cwd ?? place.cwd
  const found = lookUp({ files: place.files, env, cwd, programs: place.programs }, argv)
  if ('problem' in found) return found
  const { program } = found
  if (program.kind === 'cni') return { problem: 'exec format error' }
  const streams = streamsOf(options)
  const serial = place.nextPid()
  const pid = place.pids?.next() ?? serial
  const base = { pid, argv, parent: options.parent ?? 0 }
  const account = place.meter?.begin(usageOf(program, found.argv))
  const run = program.kind === 'daemon' ? runDaemon : runCommand
  const start = { ...base, argv: found.argv, env, cwd, serial, ...streams, init: options.init ?? false, ...(account ? { account } : {}) }
  const running: RunningProcess = { ...base, ...run(place, program as Daemon<any> & Command, start) }
  place.processes.add(running)
  place.pids?.add(pid, {
    parent: base.parent,
    argv: found.argv,
    user: place.user,
    startedAt: place.clock.now(),
    cpuSeconds: () => account?.seconds() ?? 0,
    kill: (signal) => running.kill(signal),
  })
  void running.exit.then(() => {
    place.processes.delete(running)
    place.pids?.remove(pid)
    account?.close()
  })
  return running
}

/** The same place with another root directory: everything but its files is shared. */
function rootedAt(place: Place, root: string): Place {
  const files = new MemoryFiles({ now: () => place.clock.now() })
  files.mount('/', place.files, { source: root })
  return Object.create(place, { files: { value: files, enumerable: true } }) as Place
}

interface Start {
  readonly pid: number
  /** As the machine counts. */
  readonly serial: number
  readonly argv: readonly string[]
  readonly env: Record<string, string>
  readonly cwd: string
  readonly stdin: ByteSource
  readonly stdout: ByteSink
  readonly stderr: ByteSink
  readonly terminal: Terminal | undefined
  readonly onTerminal: readonly [boolean, boolean, boolean]
  readonly init: boolean
  readonly account?: Account
}

function streamsOf(options: RunOptions) {
  const { terminal } = options
  const onTerminal = options.onTerminal ?? [
    Boolean(terminal && !options.stdin),
    Boolean(terminal && !options.stdout),
    Boolean(terminal && !options.stderr),
  ]
  return {
    stdin: options.stdin ?? terminal?.source ?? emptySource,
    stdout: options.stdout ?? terminal?.sink ?? nullSink,
    stderr: options.stderr ?? terminal?.sink ?? nullSink,
    terminal,
    onTerminal: onTerminal as [boolean, boolean, boolean],
  }
}

function runCommand(place: Place, command: Command, start: Start): { kill(signal: Signal): void; exit: Promise<number> } {
  const ending = new AbortController()
  const sockets = place.namespace.socketsFor(processName(start.argv, command.id))
  const catches = new Set<Signal>()
  let killed = false
  let kill: (code: number) => void = () => {}
  const killing = new Promise<number>((resolve) => {
    kill = resolve
  })
  /** A killed process's code may still be on its way out of an await: nothing it writes arrives. */
  const whileAlive = (sink: ByteSink): ByteSink => ({
    write: (data) => (killed ? Promise.reject(new BrokenPipe()) : sink.write(data)),
  })
  const dialling = { sockets, files: place.files, signal: ending.signal, ...(place.resolve ? { resolve: place.resolve.bind(place) } : {}) }
  const process: Process = {
    argv: start.argv,
    env: start.env,
    cwd: start.cwd,
    stdin: start.stdin,
    stdout: whileAlive(start.stdout),
    stderr: whileAlive(start.stderr),
    terminal: start.terminal,
    isTerminal: (descriptor) => start.onTerminal[descriptor] as boolean,
    signal: ending.signal,
    catches,
    files: place.files,
    sockets,
    clock: place.clock,
    random: place.random,
    hostname: place.hostname,
    user: place.user,
    namespace: place.namespace,
    ...(place.trace ? { trace: place.trace } : {}),
    fetch: (request, shown) => fetchOver(dialling, request, shown),
    websocket: (request, protocols, shown) => websocketOver(dialling, request, protocols, shown),
    pid: start.pid,
    ...(place.pids ? { table: place.pids } : {}),
    commands: () => commandNames(place.files, process.env),
    spawn: (argv, options = {}) => {
      const child = runProcess(place, argv, {
        env: options.env ?? { ...process.env },
        cwd: options.cwd ?? process.cwd,
        ...(options.root === undefined ? {} : { root: options.root }),
        stdin: options.stdin ?? process.stdin,
        stdout: options.stdout ?? process.stdout,
        stderr: options.stderr ?? process.stderr,
        terminal: options.terminal ?? process.terminal,
        onTerminal: inheritTerminal(start.onTerminal, options),
        parent: start.pid,
      })
      return 'problem' in child ? undefined : child
    },
  }
  const finish = (code: number) => {
    killed = true
    sockets.close()
    return code & 0xff
  }
  const running = Promise.resolve()
    .then(() => command.run(process))
    .catch((error) => exitCodeOf(place, start, error))
  return {
    kill(signal) {
      if (signal === 'SIGWINCH' || signal === 'SIGTSTP') return
      if (start.init && signal !== 'SIGKILL' && !catches.has(signal)) return
      if (!ending.signal.aborted) ending.abort(new Signalled(signal))
      if (signal === 'SIGKILL') kill(new Signalled(signal).exitCode)
    },
    exit: Promise.race([running, killing]).then(finish),
  }
}

async function exitCodeOf(place: Place, start: Start, error: unknown): Promise<number> {
  if (error instanceof Signalled) return error.exitCode
  if (error instanceof BrokenPipe) return new Signalled('SIGPIPE').exitCode
  place.crashed?.(error, start.argv)
  const message = error instanceof Error ? error.message : String(error)
  await start.stderr.write(`${start.argv[0]}: ${message}\n`).catch(() => {})
  return 1
}

/** A replaced stream is the terminal only where a terminal was handed along with no stream for it. */
function inheritTerminal(parent: readonly [boolean, boolean, boolean], options: SpawnOptions): [boolean, boolean, boolean] {
  const given = Boolean(options.terminal)
  return [
    options.stdin ? false : given || parent[0],
    options.stdout ? false : given || parent[1],
    options.stderr ? false : given || parent[2],
  ]
}

function runDaemon(place: Place, daemon: Daemon<any>, start: Start): { kill(signal: Signal): void; exit: Promise<number> } {
  let exited: (code: number) => void = () => {}
  const code = new Promise<number>((resolve) => {
    exited = resolve
  })
  // Lines are written one after the other; a reader that went away ends the daemon as SIGPIPE would.
  let written: Promise<unknown> = Promise.resolve()
  const running = hostDaemon({
    daemon,
    argv: start.argv,
    env: start.env,
    hostname: place.hostname,
    files: place.files,
    namespace: place.namespace,
    clock: place.clock,
    random: place.random,
    owner: `process/${place.hostname}/${place.namespace.name}/${start.serial}`,
    memory: {},
    resumed: false,
    log(line, stream) {
      written = written.then(() => start[stream].write(`${line}\n`)).catch(() => running.signal('SIGPIPE'))
    },
    exited,
    ...(place.apiOf ? { apiOf: place.apiOf.bind(place) } : {}),
    ...(place.missingCredentials ? { missingCredentials: place.missingCredentials.bind(place) } : {}),
    ...(start.account ? { account: start.account } : {}),
    crashed: (error) => place.crashed?.(error, start.argv),
  })
  return {
    kill: (signal) => running.signal(signal),
    exit: code.then(async (value) => {
      await written
      return value & 0xff
    }),
  }
}
