import type { Api, MessageSocket } from '../apiserver/api.ts'
import type { Clock, Timers } from '../clock.ts'
import type { FileSystem } from '../files.ts'
import type { BpfProgram } from '../network/bpf.ts'
import type { NetworkNamespace } from '../network/namespace.ts'
import type { ClientIdentity, PlainAnswer, Sockets } from '../network/sockets.ts'
import type { Random } from '../random.ts'
import type { ByteSink, ByteSource } from '../streams.ts'
import type { Terminal } from '../terminal.ts'
import type { Trace } from '../tracing/document.ts'
import type { TraceRequest } from '../tracing/request.ts'
import type { Usage } from './usage.ts'

export type Signal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL' | 'SIGTERM' | 'SIGPIPE' | 'SIGTSTP' | 'SIGWINCH'

/** Linux's numbers. */
export const signalNumbers: Readonly<Record<Signal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
  SIGTSTP: 20,
  SIGWINCH: 28,
}

/** The reason with which a process's `signal` aborts. The shell's exit code for it is 128 + the signal's number. */
export class Signalled extends Error {
  readonly signal: Signal
  constructor(signal: Signal) {
    super(signal)
    this.name = 'Signalled'
    this.signal = signal
  }
  get exitCode(): number {
    return 128 + signalNumbers[this.signal]
  }
}

/**
 * A running command as it sees itself: in a container, on a node, or on the workstation. A command is an async function of one of these.
 * It may end by returning its exit code, or by letting `Signalled` (from an aborted wait) or `BrokenPipe` escape.
 */
export interface Process {
  /** `argv[0]` is the command as it was called. */
  readonly argv: readonly string[]
  readonly env: Record<string, string>
  cwd: string
  readonly stdin: ByteSource
  readonly stdout: ByteSink
  readonly stderr: ByteSink
  /** The controlling terminal, where there is one. */
  readonly terminal: Terminal | undefined
  /** Which of 0, 1, 2 are that terminal (`isatty`). */
  isTerminal(descriptor: 0 | 1 | 2): boolean
  /** Aborts with `Signalled` when the process is to end. */
  readonly signal: AbortSignal
  /** Signals that the program handles itself, which it adds here: to the first process of a container the kernel delivers no others. */
  readonly catches?: Set<Signal>
  readonly files: FileSystem
  readonly sockets: Sockets
  readonly clock: Clock
  readonly random: Random
  readonly hostname: string
  readonly user: string
  /** HTTPS to anything in the cluster's network, by the URL's host and port; NetworkError as a dial would give. For API clients.
   * A server that asks for one is shown the client certificate; rejects in Go's words where certificate and key are no pair. */
  fetch(request: Request, shown?: ClientIdentity): Promise<Response>
  /** A WebSocket to the same; the Response where the server refuses. */
  websocket(
    request: Request,
    protocols: readonly string[],
    shown?: ClientIdentity,
  ): Promise<Response | { protocol: string; socket: MessageSocket }>
  /** Its number. */
  readonly pid?: number
  /** The processes that it can see; absent where nobody counts them. */
  readonly table?: ProcessTable
  /** Starts another command that exists where this one runs; undefined where the name is not found on PATH (or is no file, for a path). */
  spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess | undefined
  /** Names on PATH, for completion. */
  commands(): string[]
  /** The network namespace it runs in, for `ip`, `ss`, `iptables-save` …; `namespace.machine` is the host's kernel. */
  readonly namespace: NetworkNamespace
  /** Records a connection attempt anywhere in the cluster, for `faultline trace`. Throws TraceError. */
  readonly trace?: (request: TraceRequest) => Promise<Trace>
}

/** A process as /proc tells of it. */
export interface ProcessInfo {
  readonly pid: number
  /** 0: it was started from outside the PID namespace. */
  readonly parent: number
  readonly argv: readonly string[]
  readonly user: string
  /** ms since the epoch. */
  readonly startedAt: number
  readonly cpuSeconds: number
}

/** The processes of a PID namespace. */
export interface ProcessTable {
  /** By number. */
  list(): readonly ProcessInfo[]
  /** False where there is no such process. */
  kill(pid: number, signal: Signal): boolean
}

export interface SpawnOptions {
  env?: Record<string, string>
  cwd?: string
  /** A directory that is the root of the new process and of all that it starts (`chroot`). */
  root?: string
  stdin?: ByteSource
  stdout?: ByteSink
  stderr?: ByteSink
  /** Which of 0, 1, 2 are still the controlling terminal; as the parent's by default for those that are not replaced. */
  terminal?: Terminal
}

export interface ChildProcess {
  readonly pid: number
  kill(signal: Signal): void
  /** Exit code; 128 + n where a signal ended it. Never rejects. */
  readonly exit: Promise<number>
}

/** A command: short-lived or interactive, written as plain async code. It does not survive a restore; its container starts it anew. */
export interface Command {
  readonly kind: 'command'
  /** Unique among all programs, `busybox/nslookup`: what an executable file's content names. */
  readonly id: string
  /** What it takes of its machine, where that is more than an applet's. */
  readonly usage?: Usage | ((argv: readonly string[]) => Usage)
  run(process: Process): Promise<number>
}

/**
 * A long-running program: a reactor whose whole state is plain data in `context.state`, so that it survives snapshot and restore.
 * `run` is called at the start, and again after a restore (`context.resumed`), and registers sockets, watches and timers; it never blocks.
 */
export interface Daemon<State = unknown> {
  readonly kind: 'daemon'
  readonly id: string
  /** What it takes of its machine; absent: as a small server. */
  readonly usage?: Usage | ((argv: readonly string[]) => Usage)
  initial(): State
  run(context: DaemonContext<State>): void
}

export interface DaemonContext<State> {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly hostname: string
  readonly files: FileSystem
  readonly sockets: Sockets
  readonly clock: Clock
  readonly random: Random
  /** Durable timers of this process. */
  timers(fire: (key: string) => void): Timers
  /** Plain data; assign fields, do not hold live objects in it. */
  state: State
  readonly resumed: boolean
  /** A line of the container's log; no newline at the end. */
  log(line: string, stream?: 'stdout' | 'stderr'): void
  /** Ends the process. Nothing registered through this context fires afterwards. */
  exit(code: number): void
  onSignal(handler: (signal: Signal) => void): void
  /** Calls `handler` after what stands at `path`, in a mount too, may have become another; as inotify would tell. */
  onFileChange(path: string, handler: () => void): void
  /**
   * The API as the pod's service account, through the cluster's network: connects to `server` (default: the in-cluster
   * KUBERNETES_SERVICE_HOST and PORT) from this process's namespace; `error` where that dial fails, or `NoCredentials`.
   * The connection lives until the process or the server ends; of the latter, `ended` is told.
   */
  connectApi(options: { server?: { host: string; port: number } }, handlers: ApiConnection): void
  /** The network namespace it runs in; kube-proxy and CNI agents (hostNetwork) program `namespace.machine` through it. */
  readonly namespace: NetworkNamespace
}

export interface ApiConnection {
  connected(api: Api): void
  error(error: Error): void
  ended?(): void
}

/** The process has no token to show; the message is that of opening its file. */
export class NoCredentials extends Error {}

/** A CNI plugin binary (CNI specification 1.0): called synchronously by the kubelet's runtime for ADD and DEL. Throws `CniError`. */
export interface CniPlugin {
  readonly kind: 'cni'
  readonly id: string
  add(call: CniCall): CniResult
  del(call: CniCall): void
  /** What the same binary does when it is run by hand. */
  readonly command?: Command
}

export interface CniCall {
  readonly containerId: string
  readonly namespace: NetworkNamespace
  readonly interfaceName: string
  /** This plugin's entry of the conflist, with `name` and `cniVersion` of the list filled in. */
  readonly config: Record<string, unknown>
  readonly previous: CniResult | undefined
  readonly args: Readonly<Record<string, string>>
  /** The node's files: `/run/flannel/subnet.env`, `/var/lib/cni/networks/…`. */
  readonly files: FileSystem
  /** The host's own namespace (and its kernel, `host.machine`). */
  readonly host: NetworkNamespace
  /** Runs another plugin of `/opt/cni/bin` by type, for delegation and IPAM. */
  delegate(type: string, config: Record<string, unknown>, previous?: CniResult): CniResult
  delegateDel(type: string, config: Record<string, unknown>): void
  /**
   * The API at an address, dialled from the host, as whoever the bearer token stands for. Throws an Error in Go's words where nobody answers
   * at once (a plugin cannot wait here, so silence counts as a time-out), and `Unauthorized` for a token that is nobody's.
   */
  connectApi(server: { host: string; port: number }, token: string): Api
  /** A plain HTTP request to a program of the host. Throws an Error in Go's words where nobody listens. */
  request(server: { host: string; port: number }, method: string, path: string): PlainAnswer
}

export interface CniResult {
  readonly interfaces: readonly { name: string; mac?: string; sandbox?: string }[]
  readonly ips: readonly { address: string; gateway?: string; interface?: number }[]
  readonly routes: readonly { dst: string; gw?: string }[]
}

/** `code` is the specification's (11 try again, 100 and above the plugin's own). */
export class CniError extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.name = 'CniError'
    this.code = code
  }
}

export type Program = Command | Daemon<any> | CniPlugin

/** The content of an executable file: copied, moved and removed as any file, resolved to its program when executed. */
export function executable(program: Program): string {
  return `\x7fELF ${program.id}`
}

/** The id of the program behind an executable file's content, or undefined where it is no executable of ours. */
export function programId(content: string): string | undefined {
  return content.startsWith('\x7fELF ') ? content.slice(5) : undefined
}

/** What is behind an image reference. Declared in a folder of its own under `programs/`. */
export interface Image {
  /** `repository` without tag as people write it in full: `registry.k8s.io/coredns/coredns`, `docker.io/library/nginx`. */
  readonly repositories: readonly string[]
  /** Tags that exist; a pull of any other fails as a registry that does not know it. */
  tags(tag: string): boolean
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  readonly workingDir?: string
  readonly env?: Readonly<Record<string, string>>
  readonly user?: string
  /** Path to text content. */
  readonly files?: Readonly<Record<string, string>>
  /** Absolute path to what runs there. `sh` is absent where the real image has none. */
  readonly executables: Readonly<Record<string, Program>>
}

/** All that can be pulled and run in a cluster; handed in at its creation, so that commands may come from other rooms (the shell does). */
export interface Catalogue {
  readonly images: readonly Image[]
  /** What programs may load into a node's kernel. */
  readonly kernelPrograms?: readonly BpfProgram[]
  /** What is installed on every node besides images: path to program (`/opt/cni/bin/portmap`, `/usr/sbin/ip`). */
  readonly nodeExecutables: Readonly<Record<string, Program>>
  /** What is installed on the workstation. */
  readonly workstationExecutables: Readonly<Record<string, Program>>
}
