/** A handle that stops what it stands for. Closing twice is harmless. */
export interface Closer {
  close(): void
}

/** Durable timers of one owner: part of the snapshot, so they fire after a restore as they would have before. */
export interface Timers {
  /** Sets or moves the timer `key` to the moment `at` (ms since the epoch, cluster time). A `calm` one stirs nobody; see `whenStirred`. */
  set(key: string, at: number, calm?: boolean): void
  clear(key: string): void
  /** When the timer `key` will fire, or undefined where none is set. */
  when(key: string): number | undefined
}

/** The one clock of a cluster. Everything that happens later happens through it. */
export interface Clock {
  /** ms since the epoch, cluster time. Does not move while one event is handled. */
  now(): number
  /** Runs `task` in this very instant, after everything that is already queued. A `calm` one stirs nobody; see `whenStirred`. */
  soon(task: () => void, calm?: boolean): void
  /** Runs `task` once, `ms` from now. Not part of a snapshot: for what an open connection or a running command waits for. */
  after(ms: number, task: () => void): Closer
  /** Resolves `ms` from now; rejects with `signal.reason` when aborted. Not part of a snapshot. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Another number whenever something has happened in the cluster; see `whenStirred`. */
  readonly stirs: number
  /**
   * Runs `task` once, with the next thing that happens in the cluster: any event but calm ones and what follows from those in the same
   * instant. For what only looks whether something has changed. Each owner has one; not part of a snapshot.
   */
  whenStirred(owner: string, task: () => void): void
  /** Durable timers for `owner` (unique in the cluster, e.g. `kubelet/worker`); `fire` is called with the key. */
  timers(owner: string, fire: (key: string) => void): Timers
}

/** What drives an event loop: the real world, or a test that holds time still. */
export interface Pacemaker {
  now(): number
  /** Asks to be called back at `at` (ms since the epoch); a later call replaces an earlier one; undefined cancels. */
  wake(at: number | undefined, call: () => void): void
  /** Begins a turn: what it returns says whether others of the host have waited long enough. Absent: nobody waits. */
  turn?(): () => boolean
}

export interface TimersSnapshot {
  readonly owner: string
  readonly key: string
  readonly at: number
}

interface Entry {
  at: number
  order: number
  run: (() => void) | undefined
  owner?: string
  key?: string
  calm?: boolean
}

// A class, not closures: a cluster has dozens of these, and a fork makes them all in the time that it is waited for.
class OwnedTimers implements Timers {
  readonly #loop: EventLoop
  readonly #owner: string

  constructor(loop: EventLoop, owner: string) {
    this.#loop = loop
    this.#owner = owner
  }

  set(key: string, at: number, calm = false): void {
    this.#loop.setDurable(this.#owner, key, at, calm)
  }

  clear(key: string): void {
    this.#loop.setDurable(this.#owner, key, undefined)
  }

  when(key: string): number | undefined {
    return this.#loop.durable(this.#owner, key)
  }
}

/** How many events one instant may run before the loop lets the host breathe. */
const eventsPerTurn = 20_000

/**
 * The event loop behind a cluster's clock: a binary heap of entries ordered by time, then by insertion.
 * Errors thrown by a task go to `onError`; the loop goes on, as one crashing component does not stop a cluster.
 */
export class EventLoop implements Clock {
  readonly #pacemaker: Pacemaker
  readonly #onError: (error: unknown) => void
  #heap: Entry[] = []
  #instant: (() => void)[] = []
  #durable = new Map<string, Entry>()
  #owners = new Map<string, (key: string) => void>()
  #resting = new Map<string, () => void>()
  #stirs = 0
  #restoring = false
  #order = 0
  #now: number
  #running = false
  #pumpQueued = false
  #closed = false

  constructor(pacemaker: Pacemaker, onError: (error: unknown) => void) {
    this.#pacemaker = pacemaker
    this.#onError = onError
    this.#now = pacemaker.now()
  }

  now(): number {
    if (!this.#running) this.#now = Math.max(this.#now, this.#pacemaker.now())
    return this.#now
  }

  soon(task: () => void, calm = false): void {
    this.#instant.push(task)
    if (!this.#running && !calm) this.stir()
    this.#queuePump()
  }

  after(ms: number, task: () => void): Closer {
    const entry: Entry = { at: this.now() + Math.max(0, ms), order: this.#order++, run: task }
    this.#push(entry)
    return {
      close: () => {
        entry.run = undefined
      },
    }
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      const abort = () => {
        timer.close()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  get stirs(): number {
    return this.#stirs
  }

  whenStirred(owner: string, task: () => void): void {
    this.#resting.set(owner, task)
  }

  /** Something happens, or did outside the loop: whoever waited for that gets its turn in this instant. */
  stir(): void {
    if (this.#restoring) return
    this.#stirs++
    if (this.#resting.size === 0) return
    // By owner, so that a restored cluster wakes in the order of its original.
    const woken = [...this.#resting].sort(([a], [b]) => (a < b ? -1 : 1))
    this.#resting.clear()
    for (const [, task] of woken) this.soon(task, true)
  }

  timers(owner: string, fire: (key: string) => void): Timers {
    this.#owners.set(owner, fire)
    return new OwnedTimers(this, owner)
  }

  /** For `Timers`. */
  durable(owner: string, key: string): number | undefined {
    return this.#durable.get(`${owner}\n${key}`)?.at
  }

  /** For `Timers`: undefined clears. */
  setDurable(owner: string, key: string, at: number | undefined, calm = false): void {
    const id = `${owner}\n${key}`
    const entry = this.#durable.get(id)
    if (entry) {
      entry.run = undefined
      this.#durable.delete(id)
    }
    if (at !== undefined) this.#setDurable(owner, key, at, calm)
  }

  /** Runs everything that is due now, synchronously, and returns how many events ran. Whoever needs the instant whole calls it. */
  settle(): number {
    return this.#run(undefined)
  }

  /** The same as far as one turn goes; the rest waits for the next. */
  #turn(): void {
    this.#run(this.#pacemaker.turn?.())
  }

  #run(isOver: (() => boolean) | undefined): number {
    if (this.#running || this.#closed) return 0
    this.#running = true
    this.#now = Math.max(this.#now, this.#pacemaker.now())
    let ran = 0
    let cut = false
    try {
      for (;;) {
        cut = ran >= eventsPerTurn || (isOver?.() ?? false)
        if (cut) break
        const task = this.#nextDue()
        if (!task) break
        ran++
        try {
          task()
        } catch (error) {
          this.#onError(error)
        }
      }
    } finally {
      this.#running = false
    }
    this.#arm(cut)
    return ran
  }

  /** Ends a restore: settles what the cluster's parts did to go on from there. */
  resume(): void {
    this.settle()
    this.#restoring = false
  }

  /** When the next event is due, or undefined when nothing waits. */
  next(): number | undefined {
    if (this.#instant.length > 0) return this.#now
    this.#dropCancelled()
    return this.#heap[0]?.at
  }

  /** Durable timers in the order in which they would fire. */
  snapshot(): TimersSnapshot[] {
    return [...this.#durable.values()]
      .sort(before)
      .map((entry) => ({ owner: entry.owner as string, key: entry.key as string, at: entry.at }))
  }

  /** Until `resume`, whatever is done to go on from there stirs nobody: it is nothing that happened. */
  restore(timers: readonly TimersSnapshot[]): void {
    this.#restoring = true
    for (const entry of this.#durable.values()) entry.run = undefined
    this.#durable.clear()
    for (const { owner, key, at } of timers) this.#setDurable(owner, key, at)
  }

  close(): void {
    this.#closed = true
    this.#heap = []
    this.#instant = []
    this.#resting.clear()
    this.#durable.clear()
    this.#pacemaker.wake(undefined, () => {})
  }

  #setDurable(owner: string, key: string, at: number, calm = false): void {
    const id = `${owner}\n${key}`
    const entry: Entry = { at, order: this.#order++, owner, key, run: undefined, calm }
    entry.run = () => {
      this.#durable.delete(id)
      // An owner that is gone (a removed node) leaves its timers behind; they mean nothing any more.
      this.#owners.get(owner)?.(key)
    }
    this.#durable.set(id, entry)
    this.#push(entry)
  }

  #nextDue(): (() => void) | undefined {
    // Timers that are due go first only once the instant's own queue is empty: cause before effect.
    if (this.#instant.length > 0) return this.#takeInstant()
    this.#dropCancelled()
    const first = this.#heap[0]
    if (!first || first.at > this.#now) return undefined
    this.#pop()
    if (!first.calm) this.stir()
    return first.run
  }

  #taken = 0
  #takeInstant(): (() => void) | undefined {
    const task = this.#instant[this.#taken++]
    if (this.#taken >= this.#instant.length) {
      this.#instant = []
      this.#taken = 0
    }
    return task
  }

  #queuePump(): void {
    if (this.#running || this.#pumpQueued || this.#closed) return
    this.#pumpQueued = true
    queueMicrotask(() => {
      this.#pumpQueued = false
      this.#turn()
    })
  }

  #arm(again: boolean): void {
    const at = again ? this.#now : this.next()
    this.#pacemaker.wake(at, () => this.#turn())
  }

  #dropCancelled(): void {
    while (this.#heap[0] && !this.#heap[0].run) this.#pop()
  }

  #push(entry: Entry): void {
    if (this.#closed) return
    const heap = this.#heap
    let index = heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (before(heap[parent] as Entry, entry) <= 0) break
      heap[index] = heap[parent] as Entry
      index = parent
    }
    heap[index] = entry
    if (!this.#running && heap[0] === entry) this.#arm(false)
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Entry
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry) < 0) child++
      if (before(last, heap[child] as Entry) <= 0) break
      heap[index] = heap[child] as Entry
      index = child
    }
    heap[index] = last
  }
}

function before(a: Entry, b: Entry): number {
  return a.at - b.at || a.order - b.order
}

/** A pacemaker that a test or a template build holds: time moves only by `advance`. */
export class HeldTime implements Pacemaker {
  #now: number
  #wakeAt: number | undefined
  #call: () => void = () => {}

  constructor(start: number) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  wake(at: number | undefined, call: () => void): void {
    this.#wakeAt = at
    this.#call = call
  }

  /** Lets `ms` pass, stopping at every moment in which something is due. Synchronous. */
  advance(ms: number): void {
    const end = this.#now + ms
    while (this.#wakeAt !== undefined && this.#wakeAt <= end) {
      this.#now = Math.max(this.#now, this.#wakeAt)
      this.#wakeAt = undefined
      this.#call()
    }
    this.#now = end
  }

  /** As `advance`, but lets promises settle between moments: for commands that wait. `turn` yields to the host once. */
  async pass(ms: number, turn: () => Promise<void>): Promise<void> {
    const end = this.#now + ms
    await turn()
    while (this.#wakeAt !== undefined && this.#wakeAt <= end) {
      this.#now = Math.max(this.#now, this.#wakeAt)
      this.#wakeAt = undefined
      this.#call()
      await turn()
    }
    this.#now = end
  }
}
