import { EventLoop, HeldTime } from '../../simulator/clock.ts'
import { emptyTree, MemoryFiles } from '../../simulator/memory-files.ts'
import type { Command, Process, Signal, SpawnOptions } from '../../simulator/programs/process.ts'
import { executable, Signalled } from '../../simulator/programs/process.ts'
import { Random } from '../../simulator/random.ts'
import type { ByteSink, ByteSource } from '../../simulator/streams.ts'
import { BrokenPipe, emptySource } from '../../simulator/streams.ts'
import type { Terminal } from '../../simulator/terminal.ts'

export interface HostOptions {
  commands: Readonly<Record<string, Command>>
  files?: Readonly<Record<string, string>>
  env?: Readonly<Record<string, string>>
  cwd?: string
  /** Lets the host's own queue run once: `setImmediate` in a promise. */
  turn: () => Promise<void>
}

export interface RunOptions {
  stdin?: ByteSource
  stdout?: ByteSink
  stderr?: ByteSink
  terminal?: Terminal
  env?: Readonly<Record<string, string>>
}

export interface Result {
  stdout: string
  stderr: string
  status: number
}

/** A machine without a cluster, on which tests run commands: files in memory, held time, commands by name on PATH. */
export class Host {
  readonly time = new HeldTime(Date.UTC(2025, 0, 15, 10, 30, 0))
  readonly errors: unknown[] = []
  readonly clock: EventLoop
  readonly files: MemoryFiles
  readonly random = new Random(7)
  /** Signals sent to children, as `name SIGNAL`. */
  readonly kills: string[] = []
  readonly turn: () => Promise<void>
  readonly #options: HostOptions
  #pids = 100

  constructor(options: HostOptions) {
    this.#options = options
    this.turn = options.turn
    this.clock = new EventLoop(this.time, (error) => this.errors.push(error))
    this.files = new MemoryFiles({ base: emptyTree, now: () => this.time.now() })
    for (const directory of ['/bin', '/tmp', '/etc', '/home/learner']) this.files.makeDirectory(directory, { parents: true })
    for (const [name, command] of Object.entries(options.commands)) {
      this.files.write(`/bin/${name}`, executable(command))
      this.files.setMode(`/bin/${name}`, 0o755)
    }
    for (const [path, text] of Object.entries(options.files ?? {})) {
      this.files.makeDirectory(path.slice(0, path.lastIndexOf('/')) || '/', { parents: true })
      this.files.write(path, text)
    }
  }

  start(argv: readonly string[], options: RunOptions = {}): { pid: number; kill(signal: Signal): void; exit: Promise<number> } {
    const { terminal } = options
    const process = this.#process(argv, {
      env: { HOME: '/home/learner', PATH: '/bin', ...this.#options.env, ...options.env },
      cwd: this.#options.cwd ?? '/home/learner',
      stdin: options.stdin ?? terminal?.source ?? emptySource,
      stdout: options.stdout ?? terminal?.sink ?? { write: async () => {} },
      stderr: options.stderr ?? terminal?.sink ?? { write: async () => {} },
      terminal,
      terminals: [!options.stdin, !options.stdout, !options.stderr].map((kept) => kept && terminal !== undefined),
    })
    if (!process) throw new Error(`no command ${argv[0]}`)
    return process
  }

  /** Runs to the end, letting time pass as far as the command waits for it; `limit` is in ms of simulated time. */
  async run(argv: readonly string[], stdin?: string, limit = 600_000): Promise<Result> {
    const decoder = new TextDecoder()
    const result: Result = { stdout: '', stderr: '', status: -1 }
    const collect = (field: 'stdout' | 'stderr'): ByteSink => ({
      write: async (data) => {
        result[field] += typeof data === 'string' ? data : decoder.decode(data)
      },
    })
    let input: Uint8Array | undefined = stdin ? new TextEncoder().encode(stdin) : undefined
    const source: ByteSource = {
      read: async () => {
        const chunk = input
        input = undefined
        return chunk
      },
    }
    const child = this.start(argv, { stdin: source, stdout: collect('stdout'), stderr: collect('stderr') })
    await this.until(child.exit, limit)
    result.status = await child.exit
    return result
  }

  /** Lets time pass until the promise settles. */
  async until(promise: Promise<unknown>, limit = 600_000): Promise<void> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    const end = this.time.now() + limit
    await this.#options.turn()
    for (let step = 1; !settled; step = Math.min(1000, step * 2)) {
      if (this.time.now() > end) throw new Error(`still running after ${limit} ms of simulated time`)
      await this.time.pass(step, this.#options.turn)
    }
  }

  #process(
    argv: readonly string[],
    io: {
      env: Record<string, string>
      cwd: string
      stdin: ByteSource
      stdout: ByteSink
      stderr: ByteSink
      terminal?: Terminal
      terminals: boolean[]
    },
  ) {
    const name = (argv[0] ?? '').replace(/^.*\/|^-/g, '')
    const command = this.#options.commands[name]
    if (!command) return undefined
    const controller = new AbortController()
    const unavailable = (): never => {
      throw new Error('there is no network in this test')
    }
    const process: Process = {
      argv,
      env: { ...io.env },
      cwd: io.cwd,
      stdin: io.stdin,
      stdout: io.stdout,
      stderr: io.stderr,
      terminal: io.terminal,
      isTerminal: (descriptor) => io.terminals[descriptor] === true,
      signal: controller.signal,
      files: this.files,
      clock: this.clock,
      random: this.random,
      hostname: 'workstation',
      user: 'learner',
      get sockets(): never {
        return unavailable()
      },
      get namespace(): never {
        return unavailable()
      },
      fetch: unavailable,
      websocket: unavailable,
      commands: () => Object.keys(this.#options.commands).sort(),
      spawn: (childArgv, options: SpawnOptions = {}) =>
        this.#process(childArgv, {
          env: options.env ?? process.env,
          cwd: options.cwd ?? process.cwd,
          stdin: options.stdin ?? io.stdin,
          stdout: options.stdout ?? io.stdout,
          stderr: options.stderr ?? io.stderr,
          terminal: io.terminal,
          terminals: [options.stdin, options.stdout, options.stderr].map(
            (given, index) => given === undefined && io.terminals[index] === true,
          ),
        }),
    }
    const exit = command.run(process).catch((error: unknown) => {
      if (error instanceof Signalled) return error.exitCode
      if (error instanceof BrokenPipe) return 141
      this.errors.push(error)
      void io.stderr.write(`${name}: crashed: ${error instanceof Error ? error.stack : error}\n`)
      return 139
    })
    return {
      pid: ++this.#pids,
      kill: (signal: Signal) => {
        this.kills.push(`${name} ${signal}`)
        controller.abort(new Signalled(signal))
      },
      exit,
    }
  }
}
