import type { Clock } from '../../clock.ts'
import type { ProcessInfo, ProcessTable, Signal } from '../../programs/process.ts'

interface Entry {
  readonly parent: number
  readonly argv: readonly string[]
  readonly user: string
  /** ms since the epoch. */
  readonly startedAt: number
  readonly cpuSeconds: () => number
  readonly kill: (signal: Signal) => void
}

/** The sender goes on before the receiver gets its turn, ms. */
const turnMs = 1

/** A PID namespace (pid_namespaces(7)): its first process is number 1, and when that ends the kernel kills the others. */
export class PidNamespace implements ProcessTable {
  readonly #entries = new Map<number, Entry>()
  #last = 0
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Nobody has run in it: the next process is its first. */
  get isEmpty(): boolean {
    return this.#last === 0
  }

  /** The number that the next process gets. */
  next(): number {
    return ++this.#last
  }

  add(pid: number, entry: Entry): void {
    this.#entries.set(pid, entry)
  }

  remove(pid: number): void {
    this.#entries.delete(pid)
    if (pid !== 1) return
    for (const { kill } of [...this.#entries.values()]) kill('SIGKILL')
  }

  list(): ProcessInfo[] {
    return [...this.#entries]
      .map(([pid, { parent, argv, user, startedAt, cpuSeconds }]) => ({ pid, parent, argv, user, startedAt, cpuSeconds: cpuSeconds() }))
      .sort((a, b) => a.pid - b.pid)
  }

  /** From inside: to number 1 the kernel does not deliver SIGKILL. */
  kill(pid: number, signal: Signal): boolean {
    const entry = this.#entries.get(pid)
    if (entry && !(pid === 1 && signal === 'SIGKILL')) this.#clock.after(turnMs, () => entry.kill(signal))
    return entry !== undefined
  }
}
