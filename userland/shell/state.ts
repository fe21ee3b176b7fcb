import type { Process, Signal } from '../../simulator/programs/process.ts'
import { Signalled } from '../../simulator/programs/process.ts'
import type { ByteSink } from '../../simulator/streams.ts'
import type { Descriptors } from './descriptors.ts'
import type { Job } from './jobs.ts'
import type { Dialect, Node } from './syntax.ts'

export interface Variable {
  /** Undefined for one that is declared but has no value. */
  readonly value?: string
  /** The elements of an array; `value` is then that of element 0. */
  readonly elements?: ReadonlyMap<string, string>
  readonly associative?: boolean
  readonly integer?: boolean
  readonly exported?: boolean
  readonly readonly?: boolean
}

export interface Options {
  errexit: boolean
  nounset: boolean
  xtrace: boolean
  pipefail: boolean
  noglob: boolean
  noclobber: boolean
  noexec: boolean
  verbose: boolean
  allexport: boolean
  interactive: boolean
  monitor: boolean
}

/** An error of the shell itself. Printed with the shell's prefix; `fatal` ones end a script, as POSIX 2.8.1 has it. */
export class ShellError extends Error {
  readonly status: number
  readonly fatal: boolean
  constructor(message: string, status = 1, fatal = true) {
    super(message)
    this.name = 'ShellError'
    this.status = status
    this.fatal = fatal
  }
}

/** `break`, `continue`, `return` and `exit` on their way up. */
export class Unwind extends Error {
  readonly kind: 'break' | 'continue' | 'return' | 'exit'
  /** Loops still to leave, or the exit status. */
  count: number
  constructor(kind: Unwind['kind'], count: number) {
    super(kind)
    this.name = 'Unwind'
    this.kind = kind
    this.count = count
  }
}

/** One shell execution environment (POSIX 2.13): what a subshell copies. */
export class Shell {
  readonly process: Process
  readonly dialect: Dialect
  /** `$0`. */
  name: string
  parameters: string[] = []
  variables = new Map<string, Variable>()
  functions = new Map<string, { body: Node; source: string }>()
  aliases = new Map<string, string>()
  traps = new Map<string, string>()
  options: Options
  descriptors: Descriptors
  cwd: string
  /** `$?`. */
  status = 0
  pipeStatus: number[] = [0]
  backgroundId: number | undefined
  jobs: Job[] = []
  /** Aborts what runs now: Ctrl-C for the foreground job, or the end of the process. */
  signal: AbortSignal
  line = 0
  /** `line 3: ` in messages of scripts; the interactive shell has none. */
  showsLines = false
  /** Positive within conditions, where `set -e` looks away. */
  conditional = 0
  loops = 0
  functionDepth = 0
  sourceDepth = 0
  subshell = 0
  /** The variables that `local` shadows, a frame for each running function. */
  frames: Map<string, Variable | undefined>[] = []
  history: string[] = []
  substitutionStatus: number | undefined
  /** Runs a list in a subshell and returns what it wrote. */
  substitute: (shell: Shell, list: Node) => Promise<string> = () => Promise.reject(new Error('no executor attached'))
  random = 1
  readonly startedAt: number
  /** Told the pid of each child when it starts, for `$!`. */
  started: ((pid: number) => void) | undefined
  counters: { pid: number; steps: number; option: number }

  constructor(process: Process, dialect: Dialect, descriptors: Descriptors) {
    this.process = process
    this.dialect = dialect
    this.name = process.argv[0] ?? 'sh'
    this.descriptors = descriptors
    this.cwd = process.cwd
    this.signal = process.signal
    this.startedAt = process.clock.now()
    this.counters = { pid: 0, steps: 0, option: 0 }
    this.options = {
      errexit: false,
      nounset: false,
      xtrace: false,
      pipefail: false,
      noglob: false,
      noclobber: false,
      noexec: false,
      verbose: false,
      allexport: false,
      interactive: false,
      monitor: false,
    }
  }

  /** A copy for a subshell; what it changes does not come back. */
  fork(): Shell {
    const copy = new Shell(this.process, this.dialect, this.descriptors)
    Object.assign(copy, this)
    copy.parameters = [...this.parameters]
    copy.variables = new Map(this.variables)
    copy.functions = new Map(this.functions)
    copy.aliases = new Map(this.aliases)
    // POSIX: a subshell resets traps that are not ignored.
    copy.traps = new Map([...this.traps].filter(([, action]) => action === ''))
    copy.options = { ...this.options, monitor: false }
    copy.frames = this.frames.map((frame) => new Map(frame))
    copy.jobs = []
    copy.subshell = this.subshell + 1
    copy.started = undefined
    return copy
  }

  get(name: string): string | undefined {
    const variable = this.variables.get(name)
    if (!variable) return this.#dynamic(name)
    return variable.elements ? variable.elements.get('0') : variable.value
  }

  #dynamic(name: string): string | undefined {
    switch (name) {
      case 'LINENO':
        return `${this.line}`
      case 'SECONDS':
        return `${Math.floor((this.process.clock.now() - this.startedAt) / 1000)}`
      case 'RANDOM':
        return this.dialect === 'bash' ? `${this.process.random.below(32_768)}` : undefined
      case 'EPOCHSECONDS':
        return `${Math.floor(this.process.clock.now() / 1000)}`
      default:
        return undefined
    }
  }

  set(name: string, value: string, attributes: Partial<Variable> = {}): void {
    const before = this.variables.get(name)
    if (before?.readonly) throw new ShellError(this.dialect === 'bash' ? `${name}: readonly variable` : `${name}: is read only`, 1, true)
    const exported = attributes.exported ?? before?.exported ?? (this.options.allexport || undefined)
    if (before?.elements && !attributes.elements) {
      this.variables.set(name, { ...before, elements: new Map(before.elements).set('0', value), exported })
    } else this.variables.set(name, { ...before, ...attributes, value, exported })
  }

  unset(name: string): void {
    if (this.variables.get(name)?.readonly) throw new ShellError(`unset: ${name}: cannot unset: readonly variable`, 1, false)
    this.variables.delete(name)
  }

  /** Exported variables as a child's environment. */
  environment(): Record<string, string> {
    const environment: Record<string, string> = {}
    for (const [name, variable] of this.variables) {
      if (variable.exported && variable.value !== undefined) environment[name] = variable.value
    }
    return environment
  }

  sink(descriptor: number): ByteSink {
    const sink = this.descriptors.get(descriptor)?.sink
    if (!sink) throw new ShellError(`${descriptor}: Bad file descriptor`, 1, false)
    return sink
  }

  out(text: string): Promise<void> {
    return this.sink(1).write(text)
  }

  /** The prefix of the shell's own messages: `bash: `, `script.sh: line 3: `. */
  prefix(): string {
    const name = this.name.replace(/^-/, '')
    return this.showsLines && this.dialect === 'bash' ? `${name}: line ${this.line}: ` : `${name}: `
  }

  async complain(message: string): Promise<void> {
    await this.descriptors.get(2)?.sink?.write(`${this.prefix()}${message}\n`)
  }

  /** Lets the host breathe in loops that wait for nothing, so that a key or a timer can interrupt them. */
  async step(): Promise<void> {
    this.signal.throwIfAborted()
    if (++this.counters.steps % 256 === 0) await this.process.clock.sleep(1, this.signal)
  }

  get processId(): number {
    return this.process.pid ?? 1
  }
}

/** The exit status that stands for why `signal` aborted. */
export function signalStatus(reason: unknown): number {
  return reason instanceof Signalled ? reason.exitCode : 130
}

export function signalName(reason: unknown): Signal {
  return reason instanceof Signalled ? reason.signal : 'SIGINT'
}
