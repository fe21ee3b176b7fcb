import { parseParameter } from './parameter-syntax.ts'
import type { ArrayElement, Dialect, Node, Part, Redirection, Word } from './syntax.ts'
import { ShellSyntaxError } from './syntax.ts'

export type Token =
  | { kind: 'word'; word: Word; start: number; array?: readonly ArrayElement[] }
  | { kind: 'operator'; text: string; start: number }
  | { kind: 'descriptor'; descriptor: number; start: number }
  | { kind: 'newline'; start: number }
  | { kind: 'end'; start: number }

const operators = [
  ...['&>>', '<<<', '<<-', ';;&', '&&', '||', ';;', ';&', '<<', '>>', '<&', '>&', '<>', '>|', '&>', '|&'],
  ...['|', '&', ';', '(', ')', '<', '>'],
]
const metacharacters = new Set(' \t\n;&|<>()')

/** Turns source text into tokens and words into their parts. Commands inside `$( )` are parsed through `parseList`, given by the parser. */
export class Lexer {
  source: string
  position = 0
  readonly dialect: Dialect
  readonly firstLine: number
  #pendingHereDocuments: Redirection[] = []
  #counted = { position: 0, line: 0 }
  /** Parses a list that ends at `)`, with the lexer standing after `$(`. */
  parseSubstitution: () => Node = () => {
    throw new Error('no parser attached')
  }
  /** Parses a whole text as a list: the inside of backquotes. */
  parseText: (text: string) => Node = () => {
    throw new Error('no parser attached')
  }

  constructor(source: string, dialect: Dialect, firstLine = 1) {
    this.source = source
    this.dialect = dialect
    this.firstLine = firstLine
  }

  get line(): number {
    if (this.position < this.#counted.position) this.#counted = { position: 0, line: 0 }
    for (let i = this.#counted.position; i < this.position; i++) if (this.source[i] === '\n') this.#counted.line++
    this.#counted.position = this.position
    return this.firstLine + this.#counted.line
  }

  char(ahead = 0): string {
    return this.source[this.position + ahead] ?? ''
  }

  startsWith(text: string): boolean {
    return this.source.startsWith(text, this.position)
  }

  fail(message: string, token?: string, incomplete = false): never {
    const start = this.source.lastIndexOf('\n', this.position - 1) + 1
    const end = this.source.indexOf('\n', this.position)
    const text = this.source.slice(start, end < 0 ? undefined : end)
    throw new ShellSyntaxError(message, { token, line: this.line, incomplete, text })
  }

  unexpectedEnd(looking?: string): never {
    if (looking) this.fail(`unexpected EOF while looking for matching \`${looking}'`, undefined, true)
    this.fail('syntax error: unexpected end of file', undefined, true)
  }

  skipBlanks(): void {
    for (;;) {
      const char = this.char()
      if (char === ' ' || char === '\t' || char === '\r') this.position++
      else if (char === '\\' && this.char(1) === '\n') this.position += 2
      else if (char === '#') while (this.char() && this.char() !== '\n') this.position++
      else return
    }
  }

  next(): Token {
    this.skipBlanks()
    const start = this.position
    const char = this.char()
    if (char === '') {
      if (this.#pendingHereDocuments.length > 0) this.#readHereDocuments()
      return { kind: 'end', start }
    }
    if (char === '\n') {
      this.position++
      this.#readHereDocuments()
      return { kind: 'newline', start }
    }
    if (char >= '0' && char <= '9') {
      const digits = /^\d+(?=[<>])/.exec(this.source.slice(start, start + 4))
      if (digits) {
        this.position += digits[0].length
        return { kind: 'descriptor', descriptor: Number(digits[0]), start }
      }
    }
    if (metacharacters.has(char)) {
      if (this.dialect === 'bash' && /^[<>]\(/.test(this.source.slice(start, start + 2))) {
        this.fail('process substitution is not supported: write to a file first, or use a pipe', `${char}(`)
      }
      for (const operator of operators) {
        if (!this.startsWith(operator)) continue
        this.position += operator.length
        return { kind: 'operator', text: operator, start }
      }
    }
    const array: { elements?: ArrayElement[] } = {}
    const word = this.word(array)
    return { kind: 'word', word, start, array: array.elements }
  }

  /** Registers a here-document whose lines start after the current line. */
  expectHereDocument(redirection: Redirection): void {
    this.#pendingHereDocuments.push(redirection)
  }

  #readHereDocuments(): void {
    for (const redirection of this.#pendingHereDocuments.splice(0)) {
      const quoted = redirection.target.parts.some((part) => part.kind === 'text' && part.quoted)
      const delimiter = redirection.target.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('')
      const lines: string[] = []
      let line: string
      for (;;) {
        if (this.position >= this.source.length) this.unexpectedEnd()
        const end = this.source.indexOf('\n', this.position)
        line = this.source.slice(this.position, end < 0 ? undefined : end)
        this.position = end < 0 ? this.source.length : end + 1
        if (redirection.operator === '<<-') line = line.replace(/^\t+/, '')
        if (line === delimiter) break
        lines.push(`${line}\n`)
      }
      const text = lines.join('')
      redirection.body = quoted ? { parts: [{ kind: 'text', text, quoted: true }], source: text } : this.#inside(text)
    }
  }

  /** The text of an unquoted here-document: expansions as within double quotes, but `"` is an ordinary character. */
  #inside(text: string): Word {
    const inner = new Lexer(text, this.dialect, this.line)
    inner.parseText = this.parseText
    inner.parseSubstitution = () => this.parseInner(inner)
    return { parts: inner.quotedParts(''), source: text }
  }

  parseInner: (lexer: Lexer) => Node = () => {
    throw new Error('no parser attached')
  }

  /** A word, up to an unquoted metacharacter. `array` receives the elements of `name=( … )`. */
  word(array?: { elements?: ArrayElement[] }): Word {
    const start = this.position
    const parts: Part[] = []
    let text = ''
    const flush = () => {
      if (text) parts.push({ kind: 'text', text, quoted: false })
      text = ''
    }
    while (this.position < this.source.length) {
      const char = this.char()
      if (char === '(' && array && parts.length === 0 && this.dialect === 'bash' && /^[A-Za-z_]\w*\+?=$/.test(text)) {
        array.elements = this.#arrayElements()
        break
      }
      if (metacharacters.has(char)) break
      if (this.#partInto(parts, flush, false)) continue
      text += char
      this.position++
      // A subscript may hold blanks and operators: `a[i + 1]=x`.
      if (char === '[' && array && parts.length === 0 && /^[A-Za-z_]\w*\[$/.test(text)) {
        const close = this.source.indexOf(']', this.position)
        const subscript = this.source.slice(this.position, close)
        if (close > 0 && /^\]\+?=/.test(this.source.slice(close, close + 3)) && !/[\n'"$`]/.test(subscript)) {
          text += subscript
          this.position = close
        }
      }
    }
    flush()
    return { parts, source: this.source.slice(start, this.position) }
  }

  /** Text up to `terminator` (not consumed) in which blanks are ordinary: the argument of `${x:-…}`, arithmetic, a regular expression. */
  textUntil(terminators: string, inQuotes: boolean, stopAtBlank = false): Word {
    const start = this.position
    const parts: Part[] = []
    let text = ''
    let depth = 0
    const flush = () => {
      if (text) parts.push({ kind: 'text', text, quoted: inQuotes })
      text = ''
    }
    for (;;) {
      const char = this.char()
      if (char === '') this.unexpectedEnd(terminators.at(-1))
      if (depth === 0 && terminators.includes(char)) break
      if (stopAtBlank && depth === 0 && /\s/.test(char)) break
      if (stopAtBlank || terminators === ')') {
        if (char === '(') depth++
        if (char === ')') depth--
      }
      if (this.#partInto(parts, flush, inQuotes)) continue
      text += char
      this.position++
    }
    flush()
    return { parts, source: this.source.slice(start, this.position) }
  }

  /** Reads a quotation or expansion if one starts here. */
  #partInto(parts: Part[], flush: () => void, inQuotes: boolean): boolean {
    const char = this.char()
    if (char === '\\') {
      const escaped = this.char(1)
      if (escaped === '\n') {
        this.position += 2
        return true
      }
      if (inQuotes && !'$`"\\}'.includes(escaped)) return false
      flush()
      if (escaped === '') this.unexpectedEnd()
      parts.push({ kind: 'text', text: escaped, quoted: true })
      this.position += 2
      return true
    }
    if (char === "'" && !inQuotes) {
      flush()
      const end = this.source.indexOf("'", this.position + 1)
      if (end < 0) this.unexpectedEnd("'")
      parts.push({ kind: 'text', text: this.source.slice(this.position + 1, end), quoted: true })
      this.position = end + 1
      return true
    }
    if (char === '"') {
      flush()
      this.position++
      const inner = this.quotedParts('"')
      parts.push(...(inner.length > 0 ? inner : [{ kind: 'text' as const, text: '', quoted: true }]))
      return true
    }
    if (char === '`') {
      flush()
      parts.push(this.#backquotes(inQuotes))
      return true
    }
    if (char !== '$') return false
    const part = this.#dollar(inQuotes)
    if (!part) return false
    flush()
    parts.push(part)
    return true
  }

  /** What stands between double quotes, the closing one consumed; with `''` up to the end of the source. */
  quotedParts(terminator: '"' | ''): Part[] {
    const parts: Part[] = []
    let text = ''
    const flush = () => {
      if (text) parts.push({ kind: 'text', text, quoted: true })
      text = ''
    }
    for (;;) {
      const char = this.char()
      if (char === '') {
        if (terminator) this.unexpectedEnd('"')
        break
      }
      if (char === terminator) {
        this.position++
        break
      }
      if (char === '\\') {
        const escaped = this.char(1)
        if (escaped !== '\n' && escaped !== '') text += `$\`\\${terminator}`.includes(escaped) ? escaped : `\\${escaped}`
        else if (escaped === '') text += '\\'
        this.position += 2
        continue
      }
      if (char === '`') {
        flush()
        parts.push(this.#backquotes(true))
        continue
      }
      const part = char === '$' ? this.#dollar(true) : undefined
      if (part) {
        flush()
        parts.push(part)
        continue
      }
      text += char
      this.position++
    }
    flush()
    return parts
  }

  #backquotes(quoted: boolean): Part {
    this.position++
    let text = ''
    for (;;) {
      const char = this.char()
      if (char === '') this.unexpectedEnd('`')
      this.position++
      if (char === '`') break
      if (char === '\\' && ('$`\\'.includes(this.char()) || (quoted && this.char() === '"'))) {
        text += this.char()
        this.position++
      } else text += char
    }
    return { kind: 'command', list: this.parseText(text), quoted }
  }

  /** An expansion that starts with `$`, or undefined where the dollar is an ordinary character (nothing consumed). */
  #dollar(quoted: boolean): Part | undefined {
    const second = this.char(1)
    if (second === '(' && this.char(2) === '(') {
      const before = this.position
      this.position += 3
      const expression = this.textUntil(')', true)
      if (this.startsWith('))')) {
        this.position += 2
        return { kind: 'arithmetic', expression, quoted }
      }
      this.position = before
    }
    if (second === '(') {
      this.position += 2
      return { kind: 'command', list: this.parseSubstitution(), quoted }
    }
    if (second === '{') {
      this.position += 2
      return { kind: 'parameter', parameter: parseParameter(this, quoted), quoted }
    }
    if (second === "'" && !quoted && this.dialect === 'bash') {
      this.position += 2
      return { kind: 'text', text: this.#ansiQuoted(), quoted: true }
    }
    if (second === '"' && !quoted) {
      this.position++
      return { kind: 'text', text: '', quoted: false }
    }
    const name = /^(?:[A-Za-z_]\w*|[0-9@*#?$!-])/.exec(this.source.slice(this.position + 1, this.position + 256))
    if (!name) return undefined
    this.position += 1 + name[0].length
    return { kind: 'parameter', parameter: { name: name[0] }, quoted }
  }

  #ansiQuoted(): string {
    const start = this.position
    while (this.char() !== "'") {
      if (this.char() === '') this.unexpectedEnd("'")
      this.position += this.char() === '\\' ? 2 : 1
    }
    const text = this.source.slice(start, this.position)
    this.position++
    return unescapeAnsi(text)
  }

  #arrayElements(): ArrayElement[] {
    this.position++
    const elements: ArrayElement[] = []
    for (;;) {
      this.skipBlanks()
      const char = this.char()
      if (char === '') this.unexpectedEnd(')')
      if (char === '\n') {
        this.position++
        continue
      }
      if (char === ')') {
        this.position++
        return elements
      }
      if (metacharacters.has(char)) this.fail('', char)
      let key: Word | undefined
      if (char === '[' && /^\[[^\]\n]*\]=/.test(this.source.slice(this.position, this.position + 200))) {
        this.position++
        key = this.textUntil(']', false)
        this.position += 2
      }
      elements.push({ key, value: this.word() })
    }
  }
}

const ansiEscapes: Record<string, string> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** The escapes of `$'…'`, `echo -e` and `printf`: letters, octal, `\xHH`, `\uHHHH`. */
export function unescapeAnsi(text: string): string {
  return text.replace(
    /\\(?:([abeEfnrtv\\'"])|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|0?([0-7]{1,3}))/g,
    (_, letter, hex, unicode, octal) => {
      if (letter) return ansiEscapes[letter] as string
      return String.fromCharCode(octal ? Number.parseInt(octal, 8) & 255 : Number.parseInt(hex ?? unicode, 16))
    },
  )
}
