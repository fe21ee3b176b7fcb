import type { Cluster, TerminalStream } from '../engines/engine.ts'
import { ByteRing } from './byte-ring.ts'
import { unfinishedTail } from './safe-boundary.ts'
import { openScreen, type Screen } from './screen.ts'

/** Bytes that a page may be behind before the cluster's output is left waiting. About a tenth of a second of a flood. */
const watermark = 128 * 1024
/** ms without a byte drawn after which a page holds up nobody who keeps up: a frozen tab of one person must not freeze the others' shell. */
const patience = 2000
/** Bytes kept for a page that comes back. */
const kept = 256 * 1024
/** ms that the stored screen may be behind the real one. */
const storedWithin = 1000

/** One page (or one tab of it) that shows the terminal. */
export interface Viewer {
  output(offset: number, bytes: Uint8Array): void
  exit(code: number): void
}

interface Attached {
  readonly viewer: Viewer
  drawn: number
  /** When it last drew something, ms. */
  drewAt: number
  /** Where what it was sent ends. */
  sent: number
  /** It is not waited for, and is sent nothing more: it finds the gap when it comes back. */
  aside: boolean
  columns: number
  rows: number
}

export interface Stored {
  readonly screen: string
  readonly columns: number
  readonly rows: number
  readonly offset: number
}

export interface Joined {
  /** The page goes on from here. */
  readonly offset: number
  /** To draw first, on a cleared terminal; undefined where the page has all that it needs. */
  readonly screen?: string
}

/** A terminal of a session: one shell, its screen, and the pages that show it. */
export class SharedTerminal {
  readonly #screen: Screen
  readonly #ring: ByteRing
  readonly #attached = new Map<string, Attached>()
  readonly #sequences = new Map<string, number>()
  readonly #store: (stored: Stored) => Promise<void>
  readonly #onExit: (code: number) => void
  #stream: TerminalStream | undefined
  #columns: number
  #rows: number
  #waiting: (() => void)[] = []
  #storeTimer: NodeJS.Timeout | undefined
  #closed = false

  private constructor(
    size: { columns: number; rows: number },
    before: Stored | undefined,
    store: (stored: Stored) => Promise<void>,
    onExit: (code: number) => void,
  ) {
    this.#columns = size.columns
    this.#rows = size.rows
    this.#store = store
    this.#onExit = onExit
    this.#screen = openScreen(before?.columns ?? size.columns, before?.rows ?? size.rows)
    // A page may have drawn more than was stored. A far jump keeps its offsets from being taken for ours: it gets the screen.
    this.#ring = new ByteRing(kept, before === undefined ? 0 : before.offset + 2 ** 30)
  }

  /** Starts a shell; below the screen of an earlier one where `before` is given, with `note` between the two. */
  static async open(
    cluster: Cluster,
    size: { columns: number; rows: number },
    options: {
      before?: { stored: Stored; note: string } | undefined
      store: (stored: Stored) => Promise<void>
      onExit: (code: number) => void
    },
  ): Promise<SharedTerminal> {
    const terminal = new SharedTerminal(size, options.before?.stored, options.store, options.onExit)
    if (options.before !== undefined) {
      await terminal.#screen.write(options.before.stored.screen)
      terminal.#screen.resize(size.columns, size.rows)
      await terminal.#screen.write(`\x1b[0m\r\n\x1b[2m${options.before.note}\x1b[0m\r\n`)
    }
    await terminal.#start(cluster)
    return terminal
  }

  async #start(cluster: Cluster): Promise<void> {
    let open = true
    const stream = await cluster.openTerminal({ columns: this.#columns, rows: this.#rows }, async (bytes) => {
      if (open && !this.#closed) await this.#output(bytes)
    })
    this.#stream = stream
    void stream.exit.then((code) => {
      open = false
      // A shell that was replaced, or closed by us, has ended as it should.
      if (this.#stream !== stream || this.#closed) return
      for (const { viewer } of this.#attached.values()) viewer.exit(code)
      this.#onExit(code)
    })
  }

  /** Another shell in the same terminal, below a dim line: what a reset of the lab does. */
  async restart(cluster: Cluster, note: string): Promise<void> {
    const before = this.#stream
    this.#stream = undefined
    before?.close()
    await this.#output(new TextEncoder().encode(`\x1b[?1049l\x1b[0m\r\n\x1b[2m${note}\x1b[0m\r\n`))
    await this.#start(cluster)
  }

  /** Bytes from the cluster. Resolves when more may come. */
  async #output(bytes: Uint8Array): Promise<void> {
    // The caller may use its buffer again; the ring keeps ours.
    const copy = bytes.slice()
    const offset = this.#ring.end
    this.#ring.append(copy)
    const drawn = this.#screen.write(copy)
    for (const attached of this.#attached.values()) if (!attached.aside) this.#send(attached, offset, copy)
    this.#storeSoon()
    await drawn
    const began = performance.now()
    while (!this.#closed && this.#slowest() > watermark) {
      const impatient = setTimeout(() => this.#wake(), patience)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
      clearTimeout(impatient)
      this.#setAside(began)
    }
  }

  #send(attached: Attached, offset: number, bytes: Uint8Array): void {
    attached.sent = offset + bytes.length
    attached.viewer.output(offset, bytes)
  }

  /** Pages that have drawn nothing for a while since `began`, where another one keeps up. */
  #setAside(began: number): void {
    const behind = ({ drawn }: Attached) => this.#ring.end - drawn > watermark
    const pages = [...this.#attached.values()].filter((attached) => !attached.aside)
    if (pages.every(behind)) return
    for (const attached of pages) {
      if (behind(attached) && performance.now() - Math.max(began, attached.drewAt) >= patience) attached.aside = true
    }
  }

  /** Bytes that the slowest attached page has not drawn. A page that is gone holds nobody up. */
  #slowest(): number {
    let behind = 0
    for (const { drawn, aside } of this.#attached.values()) if (!aside) behind = Math.max(behind, this.#ring.end - drawn)
    return behind
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /**
   * `have`: bytes that the page has drawn already. `answer` is called before any output is sent, in the same turn in which the page
   * is attached, so that no byte is lost or doubled between the two.
   */
  async join(
    id: string,
    viewer: Viewer,
    size: { columns: number; rows: number },
    have: number | undefined,
    answer: (joined: Joined) => void,
  ): Promise<void> {
    this.#attached.delete(id)
    if (have !== undefined && this.#ring.from(have) !== undefined) {
      answer({ offset: have })
      this.#attach(id, viewer, size, have)
      return
    }
    let offset = this.#ring.end
    await new Promise<void>((resolve, reject) => {
      this.#screen.whenDrawn(() => {
        try {
          // The screen is now that of this very offset, whatever has come in since.
          const tail = this.#ring.from(Math.max(this.#ring.start, offset - 256), offset - Math.max(this.#ring.start, offset - 256))
          offset -= unfinishedTail(tail ?? new Uint8Array(0))
          answer({ offset, screen: this.#screen.serialise() })
          this.#attach(id, viewer, size, offset)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #attach(id: string, viewer: Viewer, size: { columns: number; rows: number }, offset: number): void {
    const missing = this.#ring.from(offset)
    const attached: Attached = { viewer, drawn: offset, drewAt: performance.now(), sent: offset, aside: false, ...size }
    this.#attached.set(id, attached)
    if (missing !== undefined && missing.length > 0) this.#send(attached, offset, missing)
    this.#fit()
    // Whoever waits for the others looks again: with this page there may be one that keeps up.
    this.#wake()
  }

  leave(id: string): void {
    if (!this.#attached.delete(id)) return
    this.#fit()
    this.#wake()
  }

  get viewers(): number {
    return this.#attached.size
  }

  /** `page` is the same for a page across its reconnects; a sequence that it has sent before is not typed again. */
  input(page: string, sequence: number, data: string): void {
    const last = this.#sequences.get(page)
    if (last !== undefined && sequence <= last) return
    this.#sequences.set(page, sequence)
    this.#stream?.input(new TextEncoder().encode(data))
  }

  drawn(id: string, offset: number): void {
    const attached = this.#attached.get(id)
    if (attached === undefined || offset <= attached.drawn) return
    attached.drawn = Math.min(offset, this.#ring.end)
    attached.drewAt = performance.now()
    if (attached.aside) {
      attached.aside = false
      // Nothing, from further on than the page has: it asks for what is between the two, or for the screen.
      if (attached.sent < this.#ring.end) this.#send(attached, this.#ring.end, new Uint8Array(0))
      attached.drawn = this.#ring.end
    }
    this.#wake()
  }

  resize(id: string, columns: number, rows: number): void {
    const attached = this.#attached.get(id)
    if (attached === undefined) return
    attached.columns = columns
    attached.rows = rows
    this.#fit()
  }

  /** The smallest of the pages' sizes, so that every page sees every column. */
  #fit(): void {
    if (this.#attached.size === 0) return
    const sizes = [...this.#attached.values()]
    const columns = Math.min(...sizes.map((size) => size.columns))
    const rows = Math.min(...sizes.map((size) => size.rows))
    if (columns === this.#columns && rows === this.#rows) return
    this.#columns = columns
    this.#rows = rows
    this.#screen.resize(columns, rows)
    this.#stream?.resize(columns, rows)
    this.#storeSoon()
  }

  #storeSoon(): void {
    if (this.#closed) return
    this.#storeTimer ??= setTimeout(() => {
      this.#storeTimer = undefined
      void this.storeNow()
    }, storedWithin)
  }

  async storeNow(): Promise<void> {
    await this.#screen.write('')
    if (this.#closed) return
    await this.#store({ screen: this.#screen.serialiseForStorage(), columns: this.#columns, rows: this.#rows, offset: this.#ring.end })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#storeTimer)
    this.#wake()
    this.#stream?.close()
    this.#screen.close()
  }
}
