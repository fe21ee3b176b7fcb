import type { Process } from '../../simulator/programs/process.ts'
import type { Terminal } from '../../simulator/terminal.ts'
import type { Key } from '../terminal/keys.ts'
import { KeyDecoder } from '../terminal/keys.ts'
import { characterWidth, visible } from '../terminal/width.ts'

const tabSize = 8

/** One character of a line as a terminal shows it at column `at`. */
function cell(character: string, at: number): string {
  return character === '\t' ? ' '.repeat(tabSize - (at % tabSize)) : visible(character)
}

/** The screen column of a position in a line. */
export function screenColumn(line: string, column: number): number {
  let at = 0
  for (const character of line.slice(0, column)) at += character === '\t' ? tabSize - (at % tabSize) : characterWidth(character)
  return at
}

/** `width` columns of a line from column `from` on, with colours by UTF-16 unit. */
export function renderLine(line: string, from: number, width: number, codes?: readonly string[]): string {
  let output = ''
  let at = 0
  let index = 0
  let code = ''
  for (const character of line) {
    const shown = cell(character, at)
    const size = character === '\t' ? shown.length : characterWidth(character)
    if (at + size > from + width) break
    if (at >= from) {
      const wanted = codes?.[index] ?? ''
      if (wanted !== code) output += `\x1b[0${wanted ? `;${wanted}` : ''}m`
      code = wanted
      output += shown
    } else if (at + size > from) output += ' '.repeat(at + size - from)
    at += size
    index += character.length
  }
  return code ? `${output}\x1b[0m` : output
}

/** A full-screen program's hold on the terminal: raw mode, the alternate screen, keys, and rows that are written only where they changed. */
export class Screen {
  readonly terminal: Terminal
  readonly #process: Process
  readonly #draw: () => void
  readonly #decoder: KeyDecoder
  #queue: Key[] = []
  #rows: string[] = []
  #cook: () => void
  #resized: { close(): void }

  constructor(process: Process, terminal: Terminal, draw: () => void, keys = new KeyDecoder()) {
    this.#decoder = keys
    this.#process = process
    this.terminal = terminal
    this.#draw = draw
    this.#cook = terminal.enterRaw()
    this.#write('\x1b[?1049h\x1b[?2004h\x1b[H\x1b[2J')
    this.#resized = terminal.onResize(() => {
      this.#rows = []
      this.#draw()
    })
  }

  get columns(): number {
    return this.terminal.columns
  }

  get rows(): number {
    return this.terminal.rows
  }

  /** The next key. Draws before it waits. Undefined when the terminal hangs up; rejects when the process is ended. */
  async key(): Promise<Key | undefined> {
    while (this.#queue.length === 0) {
      this.#draw()
      const bytes = await this.terminal.source.read(this.#process.signal)
      if (!bytes) return undefined
      this.#queue.push(...this.#decoder.feed(bytes))
    }
    return this.#queue.shift()
  }

  /** Puts keys in front of what is still to come. */
  replay(keys: readonly Key[]): void {
    this.#queue.unshift(...keys)
  }

  /** Shows rows from the top, and the cursor. */
  paint(rows: readonly string[], cursor: { row: number; column: number }): void {
    let output = '\x1b[?25l'
    for (let index = 0; index < this.rows; index++) {
      const row = rows[index] ?? ''
      if (this.#rows[index] === row) continue
      this.#rows[index] = row
      output += `\x1b[${index + 1};1H${row}\x1b[0m\x1b[K`
    }
    this.#write(`${output}\x1b[${cursor.row + 1};${cursor.column + 1}H\x1b[?25h`)
  }

  repaint(): void {
    this.#rows = []
  }

  close(): void {
    this.#resized.close()
    this.#write('\x1b[?2004l\x1b[?1049l')
    this.#cook()
  }

  #write(text: string): void {
    void this.terminal.sink.write(text).catch(() => {})
  }
}
