import type { Signal } from './programs/process.ts'
import type { ByteSink, ByteSource } from './streams.ts'
import { Pipe } from './streams.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * A terminal with its line discipline (termios): what a pty is on Linux. One side is the person's (`input`, the output sink),
 * the other the processes' (`source`, `sink`). Cooked by default; an editor or a shell's line editor switches it to raw.
 */
export class Terminal {
  columns: number
  rows: number
  /** Who gets SIGINT, SIGQUIT and SIGTSTP from the keyboard: set by the shell to the foreground job. */
  foreground: ((signal: Signal) => void) | undefined
  readonly #output: (bytes: Uint8Array) => Promise<void>
  #source = new Pipe()
  #line = ''
  #raw = false
  #echo = true
  #resized = new Set<() => void>()

  constructor(size: { columns: number; rows: number }, output: (bytes: Uint8Array) => Promise<void>) {
    this.columns = size.columns
    this.rows = size.rows
    this.#output = output
  }

  /** What processes read. In cooked mode whole lines, in raw mode every key. */
  get source(): ByteSource {
    return { read: (signal) => this.#source.read(signal) }
  }

  /** What processes write to; a newline becomes carriage return and newline unless raw. Waits while the person's side is behind. */
  get sink(): ByteSink {
    return {
      write: (data) => {
        if (this.#raw) return this.#output(typeof data === 'string' ? encoder.encode(data) : data)
        const text = typeof data === 'string' ? data : undefined
        return this.#output(text === undefined ? newlinesToCrLf(data as Uint8Array) : encoder.encode(text.replace(/\n/g, '\r\n')))
      },
    }
  }

  get raw(): boolean {
    return this.#raw
  }

  /** Raw mode: no echo, no line editing, no signals from keys, no newline translation. Restores what was there when the returned function is called. */
  enterRaw(): () => void {
    const before = { raw: this.#raw, echo: this.#echo }
    this.#raw = true
    this.#echo = false
    return () => {
      this.#raw = before.raw
      this.#echo = before.echo
    }
  }

  setEcho(on: boolean): void {
    this.#echo = on
  }

  onResize(listener: () => void): { close(): void } {
    this.#resized.add(listener)
    return { close: () => this.#resized.delete(listener) }
  }

  resize(columns: number, rows: number): void {
    if (columns === this.columns && rows === this.rows) return
    this.columns = columns
    this.rows = rows
    for (const listener of [...this.#resized]) listener()
  }

  /** The person hangs up: readers see the end. */
  hangUp(): void {
    this.#source.end()
    this.foreground?.('SIGHUP')
  }

  /** Bytes from the keyboard. */
  input(bytes: Uint8Array): void {
    if (this.#raw) {
      this.#accept(bytes)
      return
    }
    for (const key of decoder.decode(bytes)) this.#cookedKey(key)
  }

  #cookedKey(key: string): void {
    switch (key) {
      case '\x03':
        return this.#interrupt('^C', 'SIGINT')
      case '\x1c':
        return this.#interrupt('^\\', 'SIGQUIT')
      case '\x1a':
        return this.#interrupt('^Z', 'SIGTSTP')
      case '\x04':
        if (this.#line === '') this.#accept(new Uint8Array(0), true)
        else this.#flush()
        return
      case '\x7f':
      case '\b':
        if (this.#line === '') return
        this.#line = [...this.#line].slice(0, -1).join('')
        this.#show('\b \b')
        return
      case '\x15':
        this.#show('\b \b'.repeat([...this.#line].length))
        this.#line = ''
        return
      case '\r':
      case '\n':
        this.#show('\r\n')
        this.#line += '\n'
        this.#flush()
        return
      default:
        this.#line += key
        this.#show(key < ' ' ? `^${String.fromCharCode(key.charCodeAt(0) + 64)}` : key)
    }
  }

  #interrupt(shown: string, signal: Signal): void {
    this.#show(shown)
    this.#line = ''
    this.foreground?.(signal)
  }

  #flush(): void {
    const line = this.#line
    this.#line = ''
    this.#accept(encoder.encode(line))
  }

  /** The end of file in cooked mode ends one reader's stream only, so the pipe is replaced by a fresh one behind it. */
  #accept(bytes: Uint8Array, endOfFile = false): void {
    if (endOfFile) {
      const ended = this.#source
      this.#source = new Pipe()
      ended.end()
      return
    }
    // Type-ahead beyond the pipe's capacity waits in the promise; a keyboard does not overrun 64 KiB, a paste may.
    void this.#source.write(bytes).catch(() => {})
  }

  #show(text: string): void {
    if (this.#echo) void this.#output(encoder.encode(text))
  }
}

function newlinesToCrLf(bytes: Uint8Array): Uint8Array {
  let newlines = 0
  for (const byte of bytes) if (byte === 10) newlines++
  if (newlines === 0) return bytes
  const out = new Uint8Array(bytes.length + newlines)
  let at = 0
  for (const byte of bytes) {
    if (byte === 10) out[at++] = 13
    out[at++] = byte
  }
  return out
}
