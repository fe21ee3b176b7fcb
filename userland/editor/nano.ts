import type { Process } from '../../simulator/programs/process.ts'
import { escapeRegExp } from '../posix/pattern.ts'
import { ToolError, tool } from '../posix/tool.ts'
import type { Key } from '../terminal/keys.ts'
import { textWidth } from '../terminal/width.ts'
import { renderLine, Screen, screenColumn } from './screen.ts'
import type { Text } from './text.ts'
import { openText, saveText } from './text.ts'
import { isYaml, tintYaml } from './tint.ts'

const help: readonly (readonly [string, string])[] = [
  ['^G', 'Help'],
  ['^X', 'Exit'],
  ['^O', 'Write Out'],
  ['^R', 'Read File'],
  ['^W', 'Where Is'],
  ['^\\', 'Replace'],
  ['^K', 'Cut'],
  ['^U', 'Paste'],
  ['^C', 'Location'],
  ['^_', 'Go To Line'],
  ['M-U', 'Undo'],
  ['M-E', 'Redo'],
]
const inverse = (text: string) => `\x1b[7m${text}\x1b[0m`

/** GNU nano, as far as editing a manifest needs it. The exit code is 0 whether the text was saved or not, as nano's is. */
export const nano = tool('nano', async (process) => {
  const { terminal } = process
  const words = process.argv.slice(1)
  if (words.some((word) => word === '--version' || word === '-V')) {
    await process.stdout.write(' GNU nano, version 7.2\n')
    return 0
  }
  if (words.some((word) => word === '--help' || word === '-h')) {
    await process.stdout.write('Usage: nano [+LINE[,COLUMN]] [FILE]\n\nInside: ^O writes the file, ^X exits, ^W searches.\n')
    return 0
  }
  const line = words.find((word) => /^\+\d/.test(word))
  const name = words.find((word) => !/^[-+]/.test(word))
  if (!terminal || !process.isTerminal(0) || !process.isTerminal(1)) throw new ToolError('Standard input is not a terminal')
  const editor = new Nano(process, name)
  if (line) editor.goTo(Number(line.slice(1).split(',')[0]))
  try {
    return await editor.run()
  } finally {
    editor.screen.close()
  }
})

class Nano {
  readonly screen: Screen
  readonly #process: Process
  #name: string | undefined
  #text: Text
  #top = 0
  #status: string
  #question: { label: string; answer: string; keys: readonly (readonly [string, string])[] } | undefined
  #cut: string[] = []
  #lastWasCut = false
  #wanted = 0
  #searched = ''

  constructor(process: Process, name: string | undefined) {
    this.#process = process
    this.#name = name
    const text = openText(process, name, true)
    this.#text = text
    const { count } = text
    this.#status = name === undefined ? '' : text.fresh ? 'New File' : `Read ${count} line${count === 1 ? '' : 's'}`
    this.screen = new Screen(process, process.terminal!, () => this.#draw())
  }

  goTo(line: number): void {
    this.#text.row = line - 1
    this.#text.clamp()
  }

  async run(): Promise<number> {
    for (;;) {
      const key = await this.screen.key()
      if (!key) return 1
      this.#status = ''
      if (key.name === 'ctrl-x') {
        if (await this.#mayLeave()) return 0
        continue
      }
      await this.#press(key)
    }
  }

  get #height(): number {
    return Math.max(1, this.screen.rows - 4)
  }

  async #press(key: Key): Promise<void> {
    const text = this.#text
    const cutting = this.#lastWasCut
    this.#lastWasCut = false
    const vertical = (by: number) => {
      const goal = Math.max(this.#wanted, screenColumn(text.line, text.column))
      text.row = Math.max(0, Math.min(text.lines.length - 1, text.row + by))
      let column = 0
      while (column < text.line.length && screenColumn(text.line, text.after(column)) <= goal) column = text.after(column)
      text.column = column
      this.#wanted = goal
    }
    if (!['up', 'down', 'pageup', 'pagedown', 'ctrl-p', 'ctrl-n', 'ctrl-y', 'ctrl-v'].includes(key.name)) this.#wanted = 0
    switch (key.name) {
      case 'text':
        text.keep('typing')
        text.insert(key.text)
        return
      case 'paste':
        text.keep()
        text.insert(key.text)
        return
      case 'enter':
        text.keep()
        text.insert('\n')
        return
      case 'tab':
        text.keep('typing')
        // A tab is never right in YAML; nano's own `tabstospaces` does the same where it is set.
        text.insert(isYaml(this.#name) ? '  ' : '\t')
        return
      case 'backspace':
      case 'ctrl-h':
        if (text.row === 0 && text.column === 0) return
        text.keep('erasing')
        if (text.column > 0) text.remove({ row: text.row, column: text.before() }, text)
        else text.remove({ row: text.row - 1, column: (text.lines[text.row - 1] as string).length }, { row: text.row, column: 0 })
        return
      case 'delete':
      case 'ctrl-d':
        if (text.column < text.line.length) {
          text.keep('erasing')
          text.remove(text, { row: text.row, column: text.after() })
        } else if (text.row + 1 < text.lines.length) {
          text.keep('erasing')
          text.remove(text, { row: text.row + 1, column: 0 })
        }
        return
    }
    text.endGroup()
    switch (key.name) {
      case 'left':
      case 'ctrl-b':
        if (text.column > 0) text.column = text.before()
        else if (text.row > 0) {
          text.row--
          text.column = text.line.length
        }
        return
      case 'right':
      case 'ctrl-f':
        if (text.column < text.line.length) text.column = text.after()
        else if (text.row + 1 < text.lines.length) {
          text.row++
          text.column = 0
        }
        return
      case 'up':
      case 'ctrl-p':
        return vertical(-1)
      case 'down':
      case 'ctrl-n':
        return vertical(1)
      case 'pageup':
      case 'ctrl-y':
        return vertical(-(this.#height - 2))
      case 'pagedown':
      case 'ctrl-v':
        return vertical(this.#height - 2)
      case 'home':
      case 'ctrl-a':
        text.column = 0
        return
      case 'end':
      case 'ctrl-e':
        text.column = text.line.length
        return
      case 'ctrl-right':
      case 'ctrl-left':
        return this.#word(key.name === 'ctrl-right')
      case 'ctrl-home':
      case 'alt-\\':
        text.row = text.column = 0
        return
      case 'ctrl-end':
      case 'alt-/':
        text.row = text.lines.length - 1
        text.column = text.line.length
        return
      case 'ctrl-k':
      case 'alt-6':
        return this.#cutLine(cutting, key.name === 'alt-6')
      case 'ctrl-u':
        if (this.#cut.length === 0) {
          this.#status = 'Cutbuffer is empty'
          return
        }
        text.keep()
        text.column = 0
        text.insert(`${this.#cut.join('\n')}\n`)
        return
      case 'alt-u':
        if (!text.undo()) this.#status = 'Nothing to undo'
        return
      case 'alt-e':
        if (!text.redo()) this.#status = 'Nothing to redo'
        return
      case 'ctrl-o':
      case 'ctrl-s':
        await this.#save(key.name === 'ctrl-o' || this.#name === undefined)
        return
      case 'ctrl-w':
        await this.#search()
        return
      case 'alt-w':
        this.#find(this.#searched)
        return
      case 'ctrl-\\':
        await this.#replace()
        return
      case 'ctrl-_':
      case 'alt-g': {
        const answer = await this.#ask('Enter line number, column number')
        if (answer !== undefined && /^\d+/.test(answer)) this.goTo(Number.parseInt(answer, 10))
        else if (answer !== undefined) this.#status = 'Invalid line or column number'
        return
      }
      case 'ctrl-c': {
        const line = text.row + 1
        const column = screenColumn(text.line, text.column) + 1
        this.#status = `line ${line}/${text.lines.length} (${Math.floor((line * 100) / text.lines.length)}%), col ${column}/${textWidth(text.line) + 1}`
        return
      }
      case 'ctrl-l':
        this.screen.repaint()
        return
      case 'ctrl-g':
        this.#status = 'The keys are in the two lines below; ^ is Ctrl, M- is Alt'
        return
      case 'ctrl-r':
        await this.#readFile()
        return
      default:
        this.#status = /^(ctrl|alt)-/.test(key.name)
          ? `Unbound key: ${key.name.replace('ctrl-', '^').replace('alt-', 'M-').toUpperCase()}`
          : ''
    }
  }

  #word(forward: boolean): void {
    const text = this.#text
    if (forward) {
      const match = /^\w*\W+(?=\w)|^.*$/.exec(text.line.slice(text.column))?.[0].length ?? 0
      if (text.column + match >= text.line.length && text.row + 1 < text.lines.length && match === 0) {
        text.row++
        text.column = 0
      } else text.column += match
      return
    }
    if (text.column === 0 && text.row > 0) {
      text.row--
      text.column = text.line.length
    }
    text.column = text.line.slice(0, text.column).replace(/\w*\W*$/, '').length
  }

  #cutLine(continued: boolean, copy: boolean): void {
    const text = this.#text
    if (text.row === text.lines.length - 1 && text.line === '' && !copy) {
      this.#status = 'Nothing was cut'
      return
    }
    this.#cut = continued ? [...this.#cut, text.line] : [text.line]
    this.#lastWasCut = true
    if (copy) {
      if (text.row + 1 < text.lines.length) text.row++
      return
    }
    text.keep()
    if (text.lines.length === 1) text.line = ''
    else text.lines.splice(text.row, 1)
    if (text.row === text.lines.length) {
      text.lines.push('')
    }
    text.modified = true
    text.column = 0
  }

  async #search(): Promise<void> {
    const answer = await this.#ask(`Search${this.#searched ? ` [${this.#searched}]` : ''}`)
    if (answer === undefined) return
    this.#searched = answer || this.#searched
    this.#find(this.#searched)
  }

  #find(query: string): boolean {
    if (query === '') return false
    const before = { row: this.#text.row, column: this.#text.column }
    const found = this.#text.find(new RegExp(escapeRegExp(query), 'i'), this.#text)
    if (!found) {
      this.#status = `"${query}" not found`
      return false
    }
    Object.assign(this.#text, found)
    if (found.row === before.row && found.column === before.column) this.#status = 'This is the only occurrence'
    else if (found.row < before.row || (found.row === before.row && found.column < before.column)) this.#status = 'Search Wrapped'
    return true
  }

  async #replace(): Promise<void> {
    const query = await this.#ask(`Search (to replace)${this.#searched ? ` [${this.#searched}]` : ''}`)
    if (query === undefined) return
    this.#searched = query || this.#searched
    if (this.#searched === '') return
    const replacement = await this.#ask('Replace with')
    if (replacement === undefined) return
    const pattern = new RegExp(escapeRegExp(this.#searched), 'gi')
    let count = 0
    this.#text.keep()
    this.#text.lines = this.#text.lines.map((line) =>
      line.replace(pattern, () => {
        count++
        return replacement
      }),
    )
    if (count > 0) this.#text.modified = true
    this.#text.clamp()
    this.#status = count === 0 ? `"${this.#searched}" not found` : `Replaced ${count} occurrence${count === 1 ? '' : 's'}`
  }

  async #readFile(): Promise<void> {
    const answer = await this.#ask('File to insert [from ./]')
    if (!answer) return
    const text = openText(this.#process, answer, true)
    if (text.fresh) {
      this.#status = `File "${answer}" not found`
      return
    }
    this.#text.keep()
    this.#text.insert(text.lines.join('\n'))
    this.#status = `Read ${text.count} lines`
  }

  async #mayLeave(): Promise<boolean> {
    if (!this.#text.modified) return true
    for (;;) {
      const answer = await this.#askKey('Save modified buffer? ', [
        [' Y', 'Yes'],
        [' N', 'No'],
        ['^C', 'Cancel'],
      ])
      if (answer === undefined || answer.name === 'ctrl-c' || answer.name === 'escape') {
        this.#status = 'Cancelled'
        return answer === undefined
      }
      if (/^n$/i.test(answer.text) || answer.name === 'ctrl-q') return true
      if (/^y$/i.test(answer.text)) return this.#save(true)
    }
  }

  async #save(ask: boolean): Promise<boolean> {
    const name = ask ? await this.#ask('File Name to Write', this.#name ?? '') : this.#name
    if (name === undefined || name === '') {
      this.#status = 'Cancelled'
      return false
    }
    const error = saveText(this.#process, this.#text, name)
    if (error !== undefined) {
      this.#status = `Error writing ${name}: ${error}`
      return false
    }
    this.#name = name
    const { count } = this.#text
    this.#status = `Wrote ${count} line${count === 1 ? '' : 's'}`
    return true
  }

  async #askKey(label: string, keys: readonly (readonly [string, string])[]): Promise<Key | undefined> {
    this.#question = { label, answer: '', keys }
    try {
      return await this.screen.key()
    } finally {
      this.#question = undefined
    }
  }

  /** Asks for a line of text at the bottom; undefined where it is cancelled. */
  async #ask(label: string, initial = ''): Promise<string | undefined> {
    const question = { label: `${label}: `, answer: initial, keys: [['^C', 'Cancel']] as const }
    this.#question = question
    try {
      for (;;) {
        const key = await this.screen.key()
        if (!key || key.name === 'ctrl-c' || key.name === 'escape') {
          this.#status = 'Cancelled'
          return undefined
        }
        if (key.name === 'enter') return question.answer
        if (key.name === 'backspace') question.answer = [...question.answer].slice(0, -1).join('')
        else if (key.name === 'ctrl-u' || key.name === 'ctrl-k') question.answer = ''
        else if (key.name === 'text' || key.name === 'paste') question.answer += key.text.replaceAll('\n', ' ')
      }
    } finally {
      this.#question = undefined
    }
  }

  #draw(): void {
    const { columns } = this.screen
    const text = this.#text
    const height = this.#height
    if (text.row < this.#top) this.#top = Math.max(0, text.row - Math.floor(height / 2))
    if (text.row >= this.#top + height) this.#top = text.row - (text.row === this.#top + height ? height - 1 : Math.floor(height / 2))
    const at = screenColumn(text.line, text.column)
    const shift = at < columns - 1 ? 0 : at - (at % (columns - 9)) - 1
    const rows = [inverse(this.#title(columns))]
    for (let index = 0; index < height; index++) {
      const line = text.lines[this.#top + index]
      if (line === undefined) {
        rows.push('')
        continue
      }
      const from = this.#top + index === text.row ? shift : 0
      const codes = isYaml(this.#name) ? tintYaml(line) : undefined
      const over = screenColumn(line, line.length) > from + columns
      rows.push(renderLine(line, from, over ? columns - 1 : columns, codes) + (over ? inverse('>') : ''))
    }
    const question = this.#question
    const asked = question ? question.label + question.answer : ''
    rows.push(question ? inverse(asked.padEnd(columns).slice(0, columns)) : this.#statusRow(columns))
    rows.push(...helpRows(question?.keys ?? help, columns))
    const cursor = question
      ? { row: height + 1, column: Math.min(columns - 1, textWidth(asked)) }
      : { row: text.row - this.#top + 1, column: at - shift }
    this.screen.paint(rows, cursor)
  }

  #title(columns: number): string {
    const left = '  GNU nano 7.2'
    const name = this.#name ?? 'New Buffer'
    const right = this.#text.modified ? 'Modified ' : ''
    const start = Math.max(left.length + 2, Math.floor((columns - name.length) / 2))
    return `${left.padEnd(start)}${name}`.padEnd(columns - right.length).slice(0, columns - right.length) + right
  }

  #statusRow(columns: number): string {
    if (this.#status === '') return ''
    const text = `[ ${this.#status} ]`
    return ' '.repeat(Math.max(0, Math.floor((columns - text.length) / 2))) + inverse(text.slice(0, columns))
  }
}

function helpRows(keys: readonly (readonly [string, string])[], columns: number): string[] {
  const across = Math.max(1, Math.min(Math.ceil(keys.length / 2), Math.floor(columns / 13)))
  const width = Math.floor(columns / across)
  return [0, 1].map((row) => {
    let line = ''
    for (let index = 0; index < across; index++) {
      const entry = keys[index * 2 + row]
      if (entry) line += `${inverse(entry[0])} ${entry[1].slice(0, width - entry[0].length - 2).padEnd(width - entry[0].length - 1)}`
    }
    return line
  })
}
