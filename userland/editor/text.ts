import { FileError, resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'

export interface Position {
  row: number
  /** In UTF-16 units, always between whole characters. */
  column: number
}

interface Moment extends Position {
  lines: readonly string[]
}

/** A file being edited: its lines, the cursor, and what can be undone. */
export class Text {
  lines: string[] = ['']
  row = 0
  column = 0
  modified = false
  /** The last line is the empty one after the final newline, as nano shows it; vi does not. */
  openEnd = false
  /** The file did not exist when it was opened. */
  fresh = true
  #undo: Moment[] = []
  #redo: Moment[] = []
  #grouped = ''

  get line(): string {
    return this.lines[this.row] as string
  }

  set line(text: string) {
    this.lines[this.row] = text
    this.modified = true
  }

  /** Keeps this moment for undo. Consecutive calls with the same group count as one. */
  keep(group = ''): void {
    if (group !== '' && group === this.#grouped) return
    this.#grouped = group
    this.#undo.push({ lines: [...this.lines], row: this.row, column: this.column })
    if (this.#undo.length > 500) this.#undo.shift()
    this.#redo = []
  }

  endGroup(): void {
    this.#grouped = ''
  }

  undo(): boolean {
    return this.#swap(this.#undo, this.#redo)
  }

  redo(): boolean {
    return this.#swap(this.#redo, this.#undo)
  }

  #swap(from: Moment[], to: Moment[]): boolean {
    const moment = from.pop()
    this.#grouped = ''
    if (!moment) return false
    to.push({ lines: [...this.lines], row: this.row, column: this.column })
    this.lines = [...moment.lines]
    this.row = moment.row
    this.column = moment.column
    this.modified = true
    return true
  }

  insert(text: string): void {
    const [first, ...rest] = text.split('\n') as [string, ...string[]]
    const { line, column } = this
    const after = line.slice(column)
    if (rest.length === 0) {
      this.line = line.slice(0, column) + first + after
      this.column += first.length
      return
    }
    const last = rest.pop() as string
    this.lines.splice(this.row, 1, line.slice(0, column) + first, ...rest, last + after)
    this.row += rest.length + 1
    this.column = last.length
    this.modified = true
  }

  /** Removes what stands between two positions, `to` excluded, and leaves the cursor at `from`. */
  remove(from: Position, to: Position): string {
    const text = this.between(from, to)
    const joined = (this.lines[from.row] as string).slice(0, from.column) + (this.lines[to.row] ?? '').slice(to.column)
    this.lines.splice(from.row, to.row - from.row + 1, joined)
    this.row = from.row
    this.column = from.column
    this.modified = true
    return text
  }

  between(from: Position, to: Position): string {
    if (from.row === to.row) return (this.lines[from.row] as string).slice(from.column, to.column)
    const middle = this.lines.slice(from.row + 1, to.row)
    return [(this.lines[from.row] as string).slice(from.column), ...middle, (this.lines[to.row] ?? '').slice(0, to.column)].join('\n')
  }

  /** The column after the character at `column`, and before it: whole characters, not halves of surrogate pairs. */
  after(column = this.column, line = this.line): number {
    return Math.min(line.length, column + ((line.codePointAt(column) ?? 0) > 0xffff ? 2 : 1))
  }

  before(column = this.column, line = this.line): number {
    const low = line.charCodeAt(column - 1)
    return Math.max(0, column - (low >= 0xdc00 && low <= 0xdfff ? 2 : 1))
  }

  clamp(): void {
    this.row = Math.max(0, Math.min(this.lines.length - 1, this.row))
    this.column = Math.max(0, Math.min(this.line.length, this.column))
  }

  /** Finds a pattern from a position on, around the end; undefined where it does not occur. */
  find(pattern: RegExp, from: Position, backwards = false): Position | undefined {
    const flags = pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`
    const global = new RegExp(pattern.source, flags)
    const count = this.lines.length
    for (let step = 0; step <= count; step++) {
      const row = (((from.row + (backwards ? -step : step)) % count) + count) % count
      const columns = [...(this.lines[row] as string).matchAll(global)].map((match) => match.index)
      const eligible = columns.filter((column) =>
        step === 0
          ? backwards
            ? column < from.column
            : column > from.column
          : step === count
            ? backwards
              ? column >= from.column
              : column <= from.column
            : true,
      )
      const column = backwards ? eligible.at(-1) : eligible[0]
      if (column !== undefined) return { row, column }
    }
    return undefined
  }

  /** Lines as people count them. */
  get count(): number {
    return this.lines.length - (this.openEnd && this.lines.at(-1) === '' ? 1 : 0)
  }

  toString(): string {
    const text = this.lines.join('\n')
    return text === '' || (this.openEnd && text.endsWith('\n')) ? text : `${text}\n`
  }
}

/** Opens a file, or an empty text for one that does not exist. Throws `FileError`. */
export function openText(process: Process, name: string | undefined, openEnd = false): Text {
  const text = new Text()
  text.openEnd = openEnd
  if (name === undefined) return text
  const path = resolvePath(process.cwd, name)
  if (!process.files.exists(path)) return text
  if (process.files.stat(path).directory) throw new FileError('EISDIR', name)
  const content = process.files.readText(path)
  text.lines = (openEnd ? content : content.replace(/\n$/, '')).split('\n')
  text.fresh = false
  return text
}

/** Writes the text; the error's message where the file system refuses. An unmodified text is not written. */
export function saveText(process: Process, text: Text, name: string): string | undefined {
  try {
    process.files.write(resolvePath(process.cwd, name), text.toString())
  } catch (error) {
    if (error instanceof FileError) return error.message
    throw error
  }
  text.modified = false
  text.fresh = false
  return undefined
}
