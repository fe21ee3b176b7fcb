import type { ByteSink } from '../../simulator/streams.ts'
import { characterWidth, visible, withoutEscapes } from '../terminal/width.ts'

interface Place {
  row: number
  column: number
}

/** Draws a prompt and a line that may wrap over several rows, and keeps the cursor in it. */
export class LineView {
  readonly #sink: ByteSink
  readonly #columns: () => number
  /** Where the cursor is, counted from the first row of the prompt. */
  #cursor: Place = { row: 0, column: 0 }
  #shown = { prompt: '', text: '', columns: 0 }

  constructor(sink: ByteSink, columns: () => number) {
    this.#sink = sink
    this.#columns = columns
  }

  /**
   * Starts a prompt at the beginning of a row. Where a command's output ended in the middle of one (`kubectl get -o jsonpath`), it is the next row,
   * so that the output stays to be read. Nobody knows the column: a row of blanks wraps exactly when it was not the first.
   */
  freshRow(): void {
    void this.#sink.write(`${' '.repeat(Math.max(this.#columns() - 1, 0))}\r\x1b[J`).catch(() => {})
    this.reset()
  }

  /** Starts at the beginning of the row on which the cursor stands. */
  reset(): void {
    this.#cursor = { row: 0, column: 0 }
    this.#shown = { prompt: '', text: '', columns: 0 }
  }

  /** Shows the line with the cursor after `before` characters of it. Writes only what was typed where that is all that changed. */
  draw(prompt: string, characters: readonly string[], before: number): void {
    const columns = this.#columns()
    const text = characters.join('')
    const shown = this.#shown
    const start = advance({ row: 0, column: 0 }, [...withoutEscapes(prompt)], columns)
    const target = advance({ ...start }, characters.slice(0, before), columns)
    const end = advance({ ...target }, characters.slice(before), columns)
    let output = ''
    const grown = before === characters.length && shown.prompt === prompt && shown.columns === columns && text.startsWith(shown.text)
    const typed = text.slice(shown.text.length)
    const atEnd = advance({ ...start }, [...shown.text], columns)
    if (grown && shown.columns > 0 && atEnd.row === this.#cursor.row && atEnd.column === this.#cursor.column) {
      output = shownText(typed)
      if (typed !== '' && end.column === 0 && !typed.endsWith('\n')) output += '\r\n'
    } else if (shown.prompt === prompt && shown.columns === columns && shown.text === text) {
      output = move(this.#cursor, target)
    } else {
      if (this.#cursor.row > 0) output += `\x1b[${this.#cursor.row}A`
      output += `\r\x1b[J${prompt.replace(/\n/g, '\r\n')}${shownText(text)}`
      const wrapped = end.column === 0 && end.row > 0 && !text.endsWith('\n')
      if (wrapped) output += '\r\n'
      output += move(end, target)
    }
    this.#cursor = target
    this.#shown = { prompt, text, columns }
    if (output !== '') void this.#sink.write(output).catch(() => {})
  }

  /** Forgets what is shown, so that the next `draw` writes all of it anew over the same rows. */
  invalidate(): void {
    this.#shown = { prompt: '', text: '', columns: 0 }
  }

  /** Leaves the line: the cursor goes to the row after its end. */
  finish(prompt: string, characters: readonly string[], note = ''): void {
    this.draw(prompt, characters, characters.length)
    void this.#sink.write(`${note}\r\n`).catch(() => {})
    this.reset()
  }
}

function shownText(text: string): string {
  return text.split('\n').map(visible).join('\r\n')
}

function advance(place: Place, characters: readonly string[], columns: number): Place {
  for (const character of characters) {
    if (character === '\n') {
      place.row++
      place.column = 0
      continue
    }
    const width = characterWidth(character)
    // A wide character does not fit in the last column and goes to the next row.
    if (place.column + width > columns) {
      place.row++
      place.column = 0
    }
    place.column += width
    if (place.column >= columns) {
      place.row++
      place.column -= columns
    }
  }
  return place
}

function move(from: Place, to: Place): string {
  let output = ''
  if (to.row < from.row) output += `\x1b[${from.row - to.row}A`
  if (to.row > from.row) output += `\x1b[${to.row - from.row}B`
  if (to.column !== from.column) output += to.column === 0 ? '\r' : `\r\x1b[${to.column}C`
  return output
}
