import type { Process } from '../../simulator/programs/process.ts'
import { basicRegExp, RegExpError } from '../posix/regexp.ts'
import { tool } from '../posix/tool.ts'
import type { Key } from '../terminal/keys.ts'
import { KeyDecoder } from '../terminal/keys.ts'
import { Screen, screenColumn } from './screen.ts'
import type { Position, Text } from './text.ts'
import { openText } from './text.ts'
import { runEx } from './vi-commands.ts'
import { typeInto } from './vi-insert.ts'
import type { Motion } from './vi-motions.ts'
import { findCharacter, motion, wordEndFrom } from './vi-motions.ts'
import { textObject } from './vi-objects.ts'
import { ViOperators } from './vi-operators.ts'
import type { Mode } from './vi-view.ts'
import { drawVi, isVisual } from './vi-view.ts'

/** Vim, as far as people use it on a server. Exits 0, or with 1 by `:cq`. */
export const vi = tool('vi', async (process) => {
  const { terminal } = process
  const words = process.argv.slice(1)
  const asked = words.find((word) => /^(-h|--.+)$/.test(word))
  if (asked) return explain(process, asked)
  const line = words.find((word) => /^\+\d*$/.test(word))
  const name = words.find((word) => !/^[-+]/.test(word))
  if (!terminal || !process.isTerminal(0) || !process.isTerminal(1)) {
    await process.stderr.write('Vim: Warning: Output is not to a terminal\nVim: Error reading input, exiting...\n')
    return 1
  }
  const editor = new Vi(process, name)
  if (line) editor.goTo(line === '+' ? Number.POSITIVE_INFINITY : Number(line.slice(1)))
  try {
    return await editor.run()
  } finally {
    editor.screen.close()
  }
})

/** What stands outside the editor: `--version`, `--help`, and long options that Vim does not have. */
async function explain(process: Process, option: string): Promise<number> {
  const release = 'VIM - Vi IMproved 9.0 (2022 Jun 28)'
  if (option === '--version') await process.stdout.write(`${release}\n`)
  else if (option === '-h' || option === '--help')
    await process.stdout.write(
      `${release}\n\nUsage: vim [+line] [file]\n\nInside: i inserts, Esc ends that, :wq saves and quits, :q! quits without saving.\n`,
    )
  else {
    await process.stderr.write(`${release}\nUnknown option argument: "${option}"\nMore info with: "vim -h"\n`)
    return 1
  }
  return 0
}

class HangUp extends Error {}

class Vi {
  readonly screen: Screen
  readonly #process: Process
  readonly #text: Text
  #name: string | undefined
  #mode: Mode = 'normal'
  #top = 0
  #message: string
  #failed = false
  #numbers = false
  #commandLine: { mark: string; text: string } | undefined
  readonly #edit: ViOperators
  #search = { pattern: '', backwards: false }
  #find: { command: string; character: string } | undefined
  #visual: Position = { row: 0, column: 0 }
  #lastVisual: { from: number; to: number } | undefined
  #wanted: number | undefined
  /** The keys of the command being typed, and of the last one that changed the text: what `.` repeats. */
  #typed: Key[] = []
  #lastChange: Key[] = []
  #exit: number | undefined

  constructor(process: Process, name: string | undefined) {
    this.#process = process
    this.#name = name
    this.#text = openText(process, name)
    this.#edit = new ViOperators(this.#text, (message) => this.#say(message))
    const bytes = new TextEncoder().encode(this.#text.toString()).length
    this.#message =
      name === undefined ? '' : this.#text.fresh ? `"${name}" [New]` : `"${name}" ${bytes === 0 ? 0 : this.#text.lines.length}L, ${bytes}B`
    this.screen = new Screen(process, process.terminal!, () => this.#draw(), new KeyDecoder({ alt: false }))
  }

  goTo(line: number): void {
    this.#text.row = line - 1
    this.#text.clamp()
  }

  async run(): Promise<number> {
    try {
      while (this.#exit === undefined) await this.#command()
      return this.#exit
    } catch (error) {
      if (error instanceof HangUp) return 1
      throw error
    }
  }

  get #height(): number {
    return Math.max(1, this.screen.rows - 1)
  }

  get #isVisual(): boolean {
    return isVisual(this.#mode)
  }

  async #key(): Promise<Key> {
    const key = await this.screen.key()
    if (!key) throw new HangUp()
    this.#typed.push(key)
    return key
  }

  /** One normal-mode command, with its count, operator and motion. */
  async #command(): Promise<void> {
    const text = this.#text
    this.#typed = []
    const before = text.lines
    const snapshot = before.join('\n')
    const { key, count } = await this.#counted()
    this.#say('')
    const name = key.name === 'text' ? key.text : key.name
    const changes = await this.#normal(name, count)
    text.endGroup()
    text.clamp()
    if (!this.#isVisual && text.column > 0 && text.column >= text.line.length) text.column = text.before(text.line.length)
    if (changes && (text.lines !== before || text.lines.join('\n') !== snapshot)) this.#lastChange = this.#typed
  }

  async #counted(): Promise<{ key: Key; count: number | undefined }> {
    let digits = ''
    for (;;) {
      const key = await this.#key()
      if (key.name === 'text' && /[0-9]/.test(key.text) && (digits !== '' || key.text !== '0')) {
        digits += key.text
        continue
      }
      return { key, count: digits === '' ? undefined : Number(digits) }
    }
  }

  #say(message: string, failed = false): void {
    this.#message = message
    this.#failed = failed
  }

  /** Carries out a command; true where it is one that `.` repeats. */
  async #normal(name: string, count: number | undefined): Promise<boolean> {
    const text = this.#text
    const times = count ?? 1
    if (this.#isVisual && (await this.#visualCommand(name, count))) return true
    const target = await this.#motion(name, count)
    if (target) {
      this.#move(target, name)
      return false
    }
    switch (name) {
      case 'd':
      case 'c':
      case 'y':
      case '>':
      case '<':
        return this.#operate(name, count)
      case 'x':
      case 'delete':
        return this.#edit.remove(
          { row: text.row, column: text.column },
          { row: text.row, column: Math.min(text.line.length, text.column + times) },
        )
      case 'X':
        return this.#edit.remove({ row: text.row, column: Math.max(0, text.column - times) }, { row: text.row, column: text.column })
      case 'D':
        return this.#edit.remove(text, { row: text.row, column: text.line.length })
      case 'C':
        this.#edit.remove(text, { row: text.row, column: text.line.length })
        return this.#insert('insert')
      case 's':
        this.#edit.remove(text, { row: text.row, column: Math.min(text.line.length, text.column + times) })
        return this.#insert('insert')
      case 'S':
        return this.#changeLines(text.row, Math.min(text.lines.length - 1, text.row + times - 1))
      case 'Y':
        this.#edit.yank(text.row, Math.min(text.lines.length - 1, text.row + times - 1))
        return false
      case 'p':
      case 'P':
        for (let n = 0; n < times; n++) this.#edit.put(name === 'p')
        return true
      case 'r': {
        const key = await this.#key()
        if (key.name !== 'text' || text.column + times > text.line.length) return false
        text.keep()
        text.line = text.line.slice(0, text.column) + key.text.repeat(times) + text.line.slice(text.column + times)
        text.column += times - 1
        return true
      }
      case '~': {
        text.keep()
        const part = text.line.slice(text.column, text.column + times)
        const swapped = [...part].map((char) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase())).join('')
        text.line = text.line.slice(0, text.column) + swapped + text.line.slice(text.column + times)
        text.column += times
        return true
      }
      case 'J':
        return this.#edit.join(Math.max(2, times))
      case 'i':
      case 'insert':
        return this.#insert('insert')
      case 'a':
        text.column = text.line.length === 0 ? 0 : text.after()
        return this.#insert('insert')
      case 'I':
        text.column = Math.max(0, text.line.search(/\S|$/))
        return this.#insert('insert')
      case 'A':
        text.column = text.line.length
        return this.#insert('insert')
      case 'R':
        return this.#insert('replace')
      case 'o':
      case 'O':
        return this.#open(name === 'o')
      case 'u':
        for (let n = 0; n < times; n++) if (!text.undo()) this.#say('Already at oldest change')
        return false
      case 'ctrl-r':
        for (let n = 0; n < times; n++) if (!text.redo()) this.#say('Already at newest change')
        return false
      case '.':
        this.screen.replay(this.#lastChange)
        return false
      case 'v':
      case 'V':
        this.#visual = { row: text.row, column: text.column }
        this.#mode = name === 'v' ? 'visual' : 'visual-line'
        return false
      case ':':
        await this.#ex('')
        return false
      case 'Z': {
        const key = await this.#key()
        if (key.text === 'Z') this.#runEx('x')
        else if (key.text === 'Q') this.#exit = 0
        return false
      }
      case 'z': {
        const key = await this.#key()
        const offset = { z: Math.floor(this.#height / 2), t: 0, b: this.#height - 1 }[key.text]
        if (offset !== undefined) this.#top = Math.max(0, text.row - offset)
        return false
      }
      case 'ctrl-e':
        this.#top = Math.min(text.lines.length - 1, this.#top + 1)
        text.row = Math.max(text.row, this.#top)
        return false
      case 'ctrl-y':
        this.#top = Math.max(0, this.#top - 1)
        text.row = Math.min(text.row, this.#top + this.#height - 1)
        return false
      case 'ctrl-l':
        this.screen.repaint()
        return false
      case 'ctrl-g':
        this.#say(
          `"${this.#name ?? '[No Name]'}"${text.modified ? ' [Modified]' : ''} ${text.lines.length} lines --${Math.floor(((text.row + 1) * 100) / text.lines.length)}%--`,
        )
        return false
      case 'ctrl-c':
        this.#say('Type  :qa  and press <Enter> to exit Vim')
        return false
      case 'ctrl-z':
        this.#say('E319: job stopping is not modelled here; :q leaves', true)
        return false
      case 'q':
      case '@':
      case 'm':
      case '"':
        this.#say(`E319: Sorry, the command is not available in this version: ${name}`, true)
        await this.#key()
        return false
      default:
        return false
    }
  }

  async #motion(name: string, count: number | undefined): Promise<Motion | undefined> {
    const text = this.#text
    switch (name) {
      case 'g': {
        const key = await this.#key()
        return key.text === 'g' ? motion(text, 'gg', count, this.#height) : undefined
      }
      case 'f':
      case 'F':
      case 't':
      case 'T': {
        const key = await this.#key()
        if (key.name !== 'text') return undefined
        this.#find = { command: name, character: key.text }
        return findCharacter(text, name, key.text, count ?? 1)
      }
      case ';':
      case ',': {
        if (!this.#find) return undefined
        const { command, character } = this.#find
        const flipped = command === command.toLowerCase() ? command.toUpperCase() : command.toLowerCase()
        return findCharacter(text, name === ';' ? command : flipped, character, count ?? 1)
      }
      case '/':
      case '?': {
        const query = await this.#readLine(name)
        if (query === undefined) return undefined
        this.#search = { pattern: query || this.#search.pattern, backwards: name === '?' }
        return this.#searchFrom(text, false)
      }
      case 'n':
      case 'N':
        return this.#searchFrom(text, name === 'N')
      case '*':
      case '#': {
        const start = text.line.slice(0, text.column).replace(/\w+$/, '').length
        const word = /\w+/.exec(text.line.slice(start))?.[0]
        if (!word) return undefined
        this.#search = { pattern: `\\<${word}\\>`, backwards: name === '#' }
        return this.#searchFrom(text, false)
      }
      default:
        return motion(text, name, count, this.#height)
    }
  }

  #searchFrom(from: Position, reverse: boolean): Motion | undefined {
    const { pattern, backwards } = this.#search
    if (pattern === '') {
      this.#say('E35: No previous regular expression', true)
      return undefined
    }
    const back = backwards !== reverse
    let found: Position | undefined
    try {
      found = this.#text.find(basicRegExp(pattern), from, back)
    } catch (error) {
      if (!(error instanceof RegExpError)) throw error
    }
    if (!found) {
      this.#say(`E486: Pattern not found: ${pattern}`, true)
      return undefined
    }
    const wrapped = back
      ? found.row > from.row || (found.row === from.row && found.column > from.column)
      : found.row < from.row || (found.row === from.row && found.column <= from.column)
    this.#say(
      wrapped ? `search hit ${back ? 'TOP' : 'BOTTOM'}, continuing at ${back ? 'BOTTOM' : 'TOP'}` : `${back ? '?' : '/'}${pattern}`,
      wrapped,
    )
    return found
  }

  #move(target: Motion, name: string): void {
    const text = this.#text
    const vertical = /^(j|k|up|down|ctrl-n|ctrl-p)$/.test(name)
    if (vertical) this.#wanted ??= screenColumn(text.line, text.column)
    else this.#wanted = name === '$' || name === 'end' ? Number.POSITIVE_INFINITY : undefined
    text.row = target.row
    text.column = target.column
    if (vertical && this.#wanted !== undefined) {
      let column = 0
      while (column < text.line.length && screenColumn(text.line, text.after(column)) <= this.#wanted) column = text.after(column)
      text.column = column
    }
  }

  async #operate(operator: string, count: number | undefined): Promise<boolean> {
    const text = this.#text
    const { key, count: second } = await this.#counted()
    const total = count === undefined && second === undefined ? undefined : (count ?? 1) * (second ?? 1)
    const name = key.name === 'text' ? key.text : key.name
    if (name === operator) {
      const last = Math.min(text.lines.length - 1, text.row + (total ?? 1) - 1)
      return this.#operateLines(operator, text.row, last)
    }
    if (name === 'i' || name === 'a') {
      const object = textObject(text, name, (await this.#key()).text)
      return object ? this.#operateText(operator, { row: text.row, column: object.from }, { row: text.row, column: object.to }) : false
    }
    const from = { row: text.row, column: text.column }
    // `cw` on a word changes to its end, as vi always did.
    const onWord = operator === 'c' && (name === 'w' || name === 'W') && /\S/.test(text.line[text.column] ?? ' ')
    let target = onWord ? wordEndFrom(text, name === 'W', total ?? 1) : await this.#motion(name, total)
    if (!target) return false
    if (target.linewise) return this.#operateLines(operator, Math.min(from.row, target.row), Math.max(from.row, target.row))
    // `dw` on the last word of a line does not join the next line to it.
    if ((name === 'w' || name === 'W') && target.row > from.row) {
      const row = target.column <= (/^\s*/.exec(text.lines[target.row] as string)?.[0].length ?? 0) ? target.row - 1 : target.row
      if (row !== target.row) target = { row, column: (text.lines[row] as string).length }
    }
    const forward = target.row > from.row || (target.row === from.row && target.column >= from.column)
    const [start, end] = forward ? [from, target] : [target, from]
    const to = {
      row: end.row,
      column: target.inclusive && forward ? Math.min((text.lines[end.row] as string).length, end.column + 1) : end.column,
    }
    return this.#operateText(operator, { row: start.row, column: start.column }, to)
  }

  #operateText(operator: string, from: Position, to: Position): boolean | Promise<boolean> {
    if (operator === '>' || operator === '<') return this.#operateLines(operator, from.row, to.row)
    if (operator === 'y') {
      this.#edit.register = { text: this.#text.between(from, to), linewise: false }
      Object.assign(this.#text, { row: from.row, column: from.column })
      return false
    }
    this.#edit.remove(from, to)
    return operator === 'c' ? this.#insert('insert') : true
  }

  #changeLines(from: number, to: number): Promise<boolean> {
    const text = this.#text
    this.#edit.yank(from, to)
    text.keep()
    const indent = /^\s*/.exec(text.lines[from] as string)?.[0] ?? ''
    text.lines.splice(from, to - from + 1, indent)
    text.row = from
    text.column = indent.length
    text.modified = true
    return this.#insert('insert')
  }

  #operateLines(operator: string, from: number, to: number): boolean | Promise<boolean> {
    if (operator === 'c') return this.#changeLines(from, to)
    return this.#edit.lines(operator, from, to)
  }

  #open(below: boolean): Promise<boolean> {
    const text = this.#text
    text.keep()
    const indent = /^\s*/.exec(text.line)?.[0] ?? ''
    const at = below ? text.row + 1 : text.row
    text.lines.splice(at, 0, indent)
    text.row = at
    text.column = indent.length
    text.modified = true
    return this.#insert('insert')
  }

  /** Types until Escape. Always a change that `.` repeats. */
  async #insert(mode: 'insert' | 'replace'): Promise<boolean> {
    const text = this.#text
    text.keep()
    this.#mode = mode
    this.#wanted = undefined
    this.#say('')
    for (;;) {
      const key = await this.#key()
      if (key.name !== 'escape' && key.name !== 'ctrl-c' && key.name !== 'ctrl-[') {
        typeInto(text, key, mode, this.#name, this.#height)
        continue
      }
      this.#mode = 'normal'
      if (text.line.trim() === '' && text.line !== '') text.line = ''
      text.column = Math.min(text.column, text.line.length)
      if (text.column > 0) text.column = text.before()
      return true
    }
  }

  /** A command in visual mode; false where the key is a motion. */
  async #visualCommand(name: string, count: number | undefined): Promise<boolean> {
    const text = this.#text
    const linewise = this.#mode === 'visual-line'
    const here = { row: text.row, column: text.column }
    const ahead = here.row > this.#visual.row || (here.row === this.#visual.row && here.column >= this.#visual.column)
    const [from, end] = ahead ? [this.#visual, here] : [here, this.#visual]
    const to = { row: end.row, column: Math.min((text.lines[end.row] as string).length, end.column + 1) }
    const leave = () => {
      this.#mode = 'normal'
      this.#lastVisual = { from: from.row, to: to.row }
    }
    const operator = { x: 'd', delete: 'd', s: 'c', X: 'd', D: 'd', C: 'c', S: 'c', Y: 'y' }[name] ?? name
    const lines = linewise || 'XDCSY'.includes(name)
    switch (operator) {
      case 'escape':
      case 'ctrl-c':
        leave()
        return true
      case 'v':
      case 'V': {
        const mode = operator === 'v' ? 'visual' : 'visual-line'
        if (this.#mode === mode) leave()
        else this.#mode = mode
        return true
      }
      case 'o':
        Object.assign(text, this.#visual)
        this.#visual = here
        return true
      case 'd':
      case 'c':
      case 'y':
      case '>':
      case '<':
        leave()
        if (lines || operator === '>' || operator === '<') {
          for (let n = 1; n < (count ?? 1) && /[<>]/.test(operator); n++) await this.#operateLines(operator, from.row, to.row)
          await this.#operateLines(operator, from.row, to.row)
        } else await this.#operateText(operator, { ...from }, to)
        return true
      case 'J':
        leave()
        text.row = from.row
        this.#edit.join(Math.max(2, to.row - from.row + 1))
        return true
      case '~':
      case 'u':
      case 'U': {
        leave()
        text.keep()
        const content = lines ? text.lines.slice(from.row, to.row + 1).join('\n') : text.between(from, to)
        const start = lines ? { row: from.row, column: 0 } : { ...from }
        text.remove(start, lines ? { row: to.row, column: (text.lines[to.row] as string).length } : to)
        text.insert(operator === 'U' ? content.toUpperCase() : operator === 'u' ? content.toLowerCase() : content)
        Object.assign(text, start)
        return true
      }
      case 'p':
      case 'P': {
        leave()
        const kept = this.#edit.register
        if (lines) await this.#operateLines('d', from.row, to.row)
        else this.#edit.remove({ ...from }, to)
        this.#edit.register = kept
        this.#edit.put(lines && text.row === text.lines.length - 1 && from.row >= text.lines.length)
        return true
      }
      case ':':
        leave()
        await this.#ex("'<,'>")
        return true
      default:
        return false
    }
  }

  async #ex(initial: string): Promise<void> {
    const line = await this.#readLine(':', initial)
    if (line !== undefined) this.#runEx(line)
  }

  #runEx(line: string): void {
    const outcome = runEx(this.#process, this.#text, this.#name, line, this.#search.pattern, this.#lastVisual)
    if (outcome.error !== undefined) this.#say(outcome.error, true)
    else this.#say(outcome.message ?? '')
    if (outcome.name !== undefined) this.#name = outcome.name
    if (outcome.numbers !== undefined) this.#numbers = outcome.numbers
    this.#exit = outcome.exit
  }

  /** A line typed at the bottom; undefined where it is left with Escape. */
  async #readLine(mark: string, initial = ''): Promise<string | undefined> {
    const line = { mark, text: initial }
    this.#commandLine = line
    try {
      for (;;) {
        const key = await this.#key()
        switch (key.name) {
          case 'escape':
          case 'ctrl-c':
            return undefined
          case 'enter':
            return line.text
          case 'backspace':
          case 'ctrl-h':
            if (line.text === '') return undefined
            line.text = [...line.text].slice(0, -1).join('')
            break
          case 'ctrl-u':
            line.text = ''
            break
          case 'ctrl-w':
            line.text = line.text.replace(/\w*\W*$/, '')
            break
          case 'text':
          case 'paste':
            line.text += key.text.replaceAll('\n', ' ')
        }
      }
    } finally {
      this.#commandLine = undefined
    }
  }

  #draw(): void {
    this.#top = drawVi(this.screen, {
      text: this.#text,
      name: this.#name,
      mode: this.#mode,
      top: this.#top,
      numbers: this.#numbers,
      message: this.#message,
      failed: this.#failed,
      commandLine: this.#commandLine,
      visual: this.#visual,
    })
  }
}
