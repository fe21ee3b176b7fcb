import type { Position, Text } from './text.ts'

/** The commands that change a text and its register. */
export class ViOperators {
  register = { text: '', linewise: false }
  readonly #text: Text
  readonly #say: (message: string) => void

  constructor(text: Text, say: (message: string) => void) {
    this.#text = text
    this.#say = say
  }

  /** d, y, > or < on whole lines; true where the text changed. */
  lines(operator: string, from: number, to: number): boolean {
    const text = this.#text
    switch (operator) {
      case 'y':
        this.yank(from, to)
        text.row = from
        return false
      case 'd':
        this.yank(from, to)
        text.keep()
        text.lines.splice(from, to - from + 1)
        if (text.lines.length === 0) text.lines.push('')
        text.row = Math.min(from, text.lines.length - 1)
        text.column = Math.max(0, text.line.search(/\S/))
        text.modified = true
        if (to - from > 1) this.#say(`${to - from + 1} fewer lines`)
        return true
      default:
        text.keep()
        for (let row = from; row <= to; row++) {
          const line = text.lines[row] as string
          if (operator === '>' && line === '') continue
          text.lines[row] = operator === '>' ? `  ${line}` : line.replace(/^ {1,2}|^\t/, '')
        }
        text.row = from
        text.column = Math.max(0, text.line.search(/\S/))
        text.modified = true
        return true
    }
  }

  yank(from: number, to: number): void {
    this.register = { text: this.#text.lines.slice(from, to + 1).join('\n'), linewise: true }
    if (to - from > 1) this.#say(`${to - from + 1} lines yanked`)
  }

  remove(from: Position, to: Position): boolean {
    if (from.row === to.row && from.column >= to.column) return false
    this.#text.keep()
    this.register = { text: this.#text.remove({ ...from }, { ...to }), linewise: false }
    return true
  }

  put(after: boolean): void {
    const text = this.#text
    const { text: content, linewise } = this.register
    if (content === '' && !linewise) return
    text.keep()
    text.modified = true
    if (linewise) {
      const at = after ? text.row + 1 : text.row
      text.lines.splice(at, 0, ...content.split('\n'))
      text.row = at
      text.column = Math.max(0, text.line.search(/\S/))
      return
    }
    if (after && text.line.length > 0) text.column = text.after()
    text.insert(content)
    text.column = text.before()
  }

  join(count: number): boolean {
    const text = this.#text
    if (text.row + 1 >= text.lines.length) return false
    text.keep()
    for (let n = 1; n < count && text.row + 1 < text.lines.length; n++) {
      const next = (text.lines[text.row + 1] as string).trimStart()
      const left = text.line.replace(/[ \t]+$/, '')
      text.column = left.length
      text.lines.splice(text.row, 2, next === '' || left === '' ? left + next : `${left} ${next}`)
    }
    text.modified = true
    return true
  }
}
