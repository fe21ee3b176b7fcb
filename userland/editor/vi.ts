import type { Process } from '../../simulator/programs/process.ts'
import { basicRegExp, RegExpError } from '../posix/regexp.ts'
import { tool } from '../posix/tool.ts'
import type { Key } from '../terminal/keys.ts'
import { KeyDecoder } from '../terminal/keys.ts'
import { renderLine, Screen, screenColumn } from './screen.ts'
import type { Position, Text } from './text.ts'
import { openText } from './text.ts'
import { isYaml, tintYaml } from './tint.ts'
import { runEx } from './vi-commands.ts'
import type { Motion } from './vi-motions.ts'
import { findCharacter, motion } from './vi-motions.ts'

type Mode = 'normal' | 'insert' | 'replace' | 'visual' | 'visual-line'

/** Vim, as far as people use it on a server. Exits 0, or with 1 by `:cq`. */
export const vi = tool('vi', async (process) => {
  const { terminal } = process
  const words = process.argv.slice(1)
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
  #register = { text: '', linewise: false }
  #search = { pattern: '', backwards: false }
  #find: { command: string; character: string } | undefined
  #visual: Position = { row: 0, column: 0 }
  #lastVisual: { from: number; to: number } | undefined
  #wanted: number | undefined
  #pending = ''
  /** The keys of the command being typed, and of the last one that changed the text: what `.` repeats. */
  #typed: Key[] = []
  #lastChange: Key[] = []
  #exit: number | undefined

  constructor(process: Process, name: string | undefined) {
    this.#process = process
    this.#name = name
    this.#text = openText(process, name)
    const bytes = new TextEncoder().encode(this.#text.toString()).length
    this.#message = name === undefined ? '' : this.#text.fresh ? `"${name}" [New]` : `"${name}" ${bytes === 0 ? 0 : this.#text.lines.length}L, ${bytes}B`
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
    return this.#mode === 'visual' || this.#mode === 'visual-line'
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
    this.#pending = ''
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
        this.#pending += key.text
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
        return this.#delete({ row: text.row, column: text.column }, { row: text.row, column: Math.min(text.line.length, text.column + times) })
      case 'X':
        return this.#delete({ row: text.row, column: Math.max(0, text.column - times) }, { row: text.row, column: text.column })
      case 'D':
        return this.#delete(text, { row: text.row, column: text.line.length })
      case 'C':
        this.#delete(text, { row: text.row, column: text.line.length })
        return this.#insert('insert')
      case 's':
        this.#delete(text, { row: text.row, column: Math.min(text.line.length, text.column + times) })
        return this.#insert('insert')
      case 'S':
        return this.#changeLines(text.row, Math.min(text.lines.length - 1, text.row + times - 1))
      case 'Y':
        this.#yankLines(text.row, Math.min(text.lines.length - 1, text.row + times - 1))
        return false
      case 'p':
      case 'P':
        for (let n = 0; n < times; n++) this.#put(name === 'p')
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
        return this.#join(Math.max(2, times))
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
        this.#say(`"${this.#name ?? '[No Name]'}"${text.modified ? ' [Modified]' : ''} ${text.lines.length} lines --${Math.floor(((text.row + 1) * 100) / text.lines.length)}%--`)
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
    const wrapped = back ? found.row > from.row || (found.row === from.row && found.column > from.column) : found.row < from.row || (found.row === from.row && found.column <= from.column)
    this.#say(wrapped ? `search hit ${back ? 'TOP' : 'BOTTOM'}, continuing at ${back ? 'BOTTOM' : 'TOP'}` : `${back ? '?' : '/'}${pattern}`, wrapped)
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
    this.#pending += operator
    const { key, count: second } = await this.#counted()
    const total = count === undefined && second === undefined ? undefined : (count ?? 1) * (second ?? 1)
    const name = key.name === 'text' ? key.text : key.name
    if (name === operator) {
      const last = Math.min(text.lines.length - 1, text.row + (total ?? 1) - 1)
      return this.#operateLines(operator, text.row, last)
    }
    if (name === 'i' || name === 'a') return this.#operateObject(operator, name)
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
    const to = { row: end.row, column: target.inclusive && forward ? Math.min((text.lines[end.row] as string).length, end.column + 1) : end.column }
    return this.#operateText(operator, { row: start.row, column: start.column }, to)
  }

  #operateText(operator: string, from: Position, to: Position): boolean | Promise<boolean> {
    if (operator === '>' || operator === '<') return this.#operateLines(operator, from.row, to.row)
    if (operator === 'y') {
      this.#register = { text: this.#text.between(from, to), linewise: false }
      Object.assign(this.#text, { row: from.row, column: from.column })
      return false
    }
    this.#delete(from, to)
    return operator === 'c' ? this.#insert('insert') : true
  }

  /** `iw`, `aw`, `i"` and the like. */
  async #operateObject(operator: string, kind: string): Promise<boolean> {
    const text = this.#text
    const key = await this.#key()
    const { line, column, row } = text
    let from = -1
    let to = -1
    if (key.text === 'w') {
      const type = (char: string | undefined) => (char === undefined || /\s/.test(char) ? 0 : /\w/.test(char) ? 1 : 2)
      from = to = column
      while (from > 0 && type(line[from - 1]) === type(line[column])) from--
      while (to < line.length && type(line[to]) === type(line[column])) to++
      if (kind === 'a') while (to < line.length && /\s/.test(line[to] as string)) to++
    } else if (/["'`]/.test(key.text)) {
      const quotes = [...line.matchAll(new RegExp(key.text, 'g'))].map((match) => match.index)
      for (let index = 0; index + 1 < quotes.length; index += 2) {
        if (column > (quotes[index + 1] as number)) continue
        from = quotes[index] as number
        to = (quotes[index + 1] as number) + 1
        break
      }
      if (kind === 'i' && from >= 0) {
        from++
        to--
      }
    } else if (/[()[\]{}]/.test(key.text)) {
      const [open, close] = { '(': '()', ')': '()', '[': '[]', ']': '[]', '{': '{}', '}': '{}' }[key.text] as unknown as [string, string]
      from = line.lastIndexOf(open, column)
      to = line.indexOf(close, column) + 1
      if (from < 0 || to === 0) return false
      if (kind === 'i') {
        from++
        to--
      }
    }
    if (from < 0) return false
    return this.#operateText(operator, { row, column: from }, { row, column: to })
  }

  #operateLines(operator: string, from: number, to: number): boolean | Promise<boolean> {
    const text = this.#text
    switch (operator) {
      case 'y':
        this.#yankLines(from, to)
        text.row = from
        return false
      case 'd':
        this.#yankLines(from, to)
        text.keep()
        text.lines.splice(from, to - from + 1)
        if (text.lines.length === 0) text.lines.push('')
        text.row = Math.min(from, text.lines.length - 1)
        text.column = Math.max(0, text.line.search(/\S/))
        text.modified = true
        if (to - from > 1) this.#say(`${to - from + 1} fewer lines`)
        return true
      case 'c':
        return this.#changeLines(from, to)
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

  #changeLines(from: number, to: number): Promise<boolean> {
    const text = this.#text
    this.#yankLines(from, to)
    text.keep()
    const indent = /^\s*/.exec(text.lines[from] as string)?.[0] ?? ''
    text.lines.splice(from, to - from + 1, indent)
    text.row = from
    text.column = indent.length
    text.modified = true
    return this.#insert('insert')
  }

  #yankLines(from: number, to: number): void {
    this.#register = { text: this.#text.lines.slice(from, to + 1).join('\n'), linewise: true }
    if (to - from > 1) this.#say(`${to - from + 1} lines yanked`)
  }

  #delete(from: Position, to: Position): boolean {
    if (from.row === to.row && from.column >= to.column) return false
    this.#text.keep()
    this.#register = { text: this.#text.remove({ ...from }, { ...to }), linewise: false }
    return true
  }

  #put(after: boolean): void {
    const text = this.#text
    const { text: content, linewise } = this.#register
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

  #join(count: number): boolean {
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
      switch (key.name) {
        case 'escape':
        case 'ctrl-c':
        case 'ctrl-[':
          this.#mode = 'normal'
          if (text.line.trim() === '' && text.line !== '') text.line = ''
          text.column = Math.min(text.column, text.line.length)
          if (text.column > 0) text.column = text.before()
          return true
        case 'enter': {
          const indent = /^\s*/.exec(text.line)?.[0] ?? ''
          text.insert(`\n${indent.slice(0, text.column)}`)
          break
        }
        case 'tab':
          text.insert(isYaml(this.#name) ? ' '.repeat(2 - (screenColumn(text.line, text.column) % 2)) : '\t')
          break
        case 'backspace':
        case 'ctrl-h':
          if (text.column > 0) text.remove({ row: text.row, column: text.before() }, text)
          else if (text.row > 0) text.remove({ row: text.row - 1, column: (text.lines[text.row - 1] as string).length }, { row: text.row, column: 0 })
          break
        case 'delete':
          if (text.column < text.line.length) text.remove(text, { row: text.row, column: text.after() })
          break
        case 'ctrl-w': {
          const start = text.line.slice(0, text.column).replace(/(\w+|[^\w\s]+)?\s*$/, '').length
          text.remove({ row: text.row, column: start }, text)
          break
        }
        case 'ctrl-u':
          text.remove({ row: text.row, column: 0 }, text)
          break
        case 'up':
        case 'down':
        case 'left':
        case 'right':
        case 'home':
        case 'end':
        case 'pageup':
        case 'pagedown': {
          const target = key.name === 'end' ? { row: text.row, column: text.line.length } : motion(text, key.name, undefined, this.#height)
          if (target) Object.assign(text, { row: target.row, column: target.column })
          text.clamp()
          break
        }
        case 'text':
        case 'paste':
          if (mode === 'replace' && key.name === 'text' && text.column < text.line.length) text.remove(text, { row: text.row, column: text.after() })
          text.insert(key.text)
          break
      }
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
        this.#join(Math.max(2, to.row - from.row + 1))
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
        const kept = this.#register
        if (lines) await this.#operateLines('d', from.row, to.row)
        else this.#delete({ ...from }, to)
        this.#register = kept
        this.#put(lines && text.row === text.lines.length - 1 && from.row >= text.lines.length)
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
    const { columns } = this.screen
    const text = this.#text
    const height = this.#height
    if (text.row < this.#top) this.#top = text.row < this.#top - height ? Math.max(0, text.row - Math.floor(height / 2)) : text.row
    if (text.row >= this.#top + height) this.#top = text.row > this.#top + 2 * height ? text.row - Math.floor(height / 2) : text.row - height + 1
    const gutter = this.#numbers ? Math.max(3, `${text.lines.length}`.length) + 1 : 0
    const width = columns - gutter
    const at = screenColumn(text.line, text.column)
    const shift = at < width ? 0 : at - (at % Math.max(1, width - 8))
    const rows: string[] = []
    for (let index = 0; index < height; index++) {
      const row = this.#top + index
      const line = text.lines[row]
      if (line === undefined) {
        rows.push('\x1b[94m~\x1b[0m')
        continue
      }
      const codes = this.#paint(line, row)
      const number = gutter ? `\x1b[33m${`${row + 1}`.padStart(gutter - 1)} \x1b[0m` : ''
      rows.push(number + renderLine(line, shift, width, codes))
    }
    rows.push(this.#bottom(columns))
    const typed = this.#commandLine
    const cursor = typed ? { row: height, column: Math.min(columns - 1, typed.text.length + 1) } : { row: text.row - this.#top, column: at - shift + gutter }
    this.screen.paint(rows, cursor)
  }

  #paint(line: string, row: number): string[] | undefined {
    const codes = isYaml(this.#name) ? tintYaml(line) : undefined
    if (!this.#isVisual) return codes
    const here = { row: this.#text.row, column: this.#text.column }
    const ahead = here.row > this.#visual.row || (here.row === this.#visual.row && here.column >= this.#visual.column)
    const [from, to] = ahead ? [this.#visual, here] : [here, this.#visual]
    if (row < from.row || row > to.row) return codes
    const lines = this.#mode === 'visual-line'
    const start = lines || row > from.row ? 0 : from.column
    const end = lines || row < to.row ? line.length : to.column + 1
    const marked = codes ?? new Array<string>(line.length).fill('')
    return marked.map((code, column) => (column >= start && column < end ? '7' : code))
  }

  #bottom(columns: number): string {
    if (this.#commandLine) return (this.#commandLine.mark + this.#commandLine.text).slice(-columns)
    const mode = { insert: '-- INSERT --', replace: '-- REPLACE --', visual: '-- VISUAL --', 'visual-line': '-- VISUAL LINE --', normal: '' }[this.#mode]
    const place = `${this.#text.row + 1},${screenColumn(this.#text.line, this.#text.column) + 1}`
    const room = columns - 18
    if (room < 20) return (mode || this.#message).slice(0, columns)
    const left = (mode || this.#message).slice(0, room)
    const shown = this.#failed && !mode ? `\x1b[97;41m${left}\x1b[0m` : mode ? `\x1b[1m${left}\x1b[0m` : left
    return `${shown}${' '.repeat(room - left.length)}${place}`
  }
}

function wordEndFrom(text: Text, big: boolean, times: number): Motion {
  const before = { row: text.row, column: text.column }
  const type = (char: string | undefined) => (char === undefined || /\s/.test(char) ? 0 : big || /\w/.test(char) ? 1 : 2)
  let end = text.column
  while (end + 1 < text.line.length && type(text.line[end + 1]) === type(text.line[text.column])) end++
  Object.assign(text, { column: end })
  const target = times > 1 ? motion(text, big ? 'E' : 'e', times - 1, 1) : undefined
  Object.assign(text, before)
  return { row: target?.row ?? before.row, column: target?.column ?? end, inclusive: true }
}
