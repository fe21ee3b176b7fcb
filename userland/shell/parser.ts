import { parseCondition } from './condition-syntax.ts'
import type { Token } from './lexer.ts'
import { Lexer } from './lexer.ts'
import type { Assignment, CaseClause, Dialect, Node, Redirection, Word } from './syntax.ts'
import { bareText, literalWord } from './syntax.ts'

const redirectionOperators = new Set(['<', '>', '>>', '<<', '<<-', '<<<', '<&', '>&', '<>', '>|', '&>', '&>>'])
const closers = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}', ')'])

export interface ParserOptions {
  dialect: Dialect
  firstLine?: number
  alias?: (name: string) => string | undefined
}

/** Parses one complete command line at a time, as a shell runs them: an error further down does not stop what stands before it. */
export class Parser {
  readonly lexer: Lexer
  readonly #options: ParserOptions
  #token: Token | undefined
  /** Aliases whose text is being read, each until the position where its text ends: no alias expands within itself. */
  #expanding: { name: string; end: number }[] = []

  constructor(source: string, options: ParserOptions, lexer?: Lexer) {
    this.#options = options
    this.lexer = lexer ?? new Lexer(source, options.dialect, options.firstLine)
    this.lexer.parseSubstitution = () => this.#substitution()
    this.lexer.parseText = (text) => parseAll(text, { ...options, firstLine: this.lexer.line })
    this.lexer.parseInner = (inner) => new Parser('', options, inner).#substitution()
  }

  /** The next complete command line, or undefined at the end. Throws `ShellSyntaxError`. */
  next(): Node | undefined {
    for (;;) {
      const token = this.peek()
      if (token.kind === 'end') return undefined
      if (token.kind !== 'newline') break
      this.take()
    }
    const list = this.#list(() => this.peek().kind === 'newline' || this.peek().kind === 'end', true)
    const after = this.peek()
    if (after.kind !== 'newline' && after.kind !== 'end') this.unexpected()
    if (after.kind === 'newline') this.#token = undefined
    return list
  }

  peek(): Token {
    this.#token ??= this.lexer.next()
    return this.#token
  }

  take(): Token {
    const token = this.peek()
    this.#token = undefined
    return token
  }

  unexpected(): never {
    const token = this.peek()
    if (token.kind === 'end') this.lexer.unexpectedEnd()
    const text =
      token.kind === 'newline'
        ? 'newline'
        : token.kind === 'operator'
          ? token.text
          : token.kind === 'word'
            ? token.word.source
            : `${token.descriptor}`
    this.lexer.position = token.start
    this.lexer.fail(`syntax error near unexpected token \`${text}'`, text)
  }

  operator(): string | undefined {
    const token = this.peek()
    return token.kind === 'operator' ? token.text : undefined
  }

  /** The keyword or other bare word that comes next. */
  keyword(): string | undefined {
    const token = this.peek()
    return token.kind === 'word' && !token.array ? bareText(token.word) : undefined
  }

  expectKeyword(...allowed: string[]): string {
    this.skipNewlines()
    const keyword = this.keyword()
    if (!keyword || !allowed.includes(keyword)) this.unexpected()
    this.take()
    return keyword
  }

  skipNewlines(): void {
    while (this.peek().kind === 'newline') this.take()
  }

  #substitution(): Node {
    const saved = this.#token
    this.#token = undefined
    const list = this.#list(() => this.operator() === ')', false)
    if (this.operator() !== ')') this.lexer.unexpectedEnd(')')
    this.#token = saved
    return list
  }

  #body(...ends: string[]): Node {
    const list = this.#list(() => ends.includes(this.keyword() ?? this.operator() ?? ''), false)
    if (list.kind === 'list' && list.items.length === 0) this.unexpected()
    return list
  }

  /** A list up to where `ended` says; on one line only for the top level. */
  #list(ended: () => boolean, oneLine: boolean): Node {
    const items: { node: Node; background: boolean; source: string }[] = []
    for (;;) {
      if (!oneLine) this.skipNewlines()
      if (ended() || this.peek().kind === 'end') break
      const keyword = this.keyword()
      const operator = this.operator()
      if ((keyword && closers.has(keyword)) || (operator && operator !== '(' && !redirectionOperators.has(operator))) this.unexpected()
      const start = this.peek().start
      const node = this.#andOr()
      const end = this.peek().start
      const separator = this.operator()
      items.push({ node, background: separator === '&', source: this.lexer.source.slice(start, end).trim() })
      if (separator === ';' || separator === '&') this.take()
      else if (this.peek().kind !== 'newline') break
    }
    return { kind: 'list', items }
  }

  #andOr(): Node {
    const first = this.#pipeline()
    const rest: { operator: '&&' | '||'; node: Node }[] = []
    for (;;) {
      const operator = this.operator()
      if (operator !== '&&' && operator !== '||') break
      this.take()
      this.skipNewlines()
      rest.push({ operator, node: this.#pipeline() })
    }
    return rest.length === 0 ? first : { kind: 'and-or', first, rest }
  }

  #pipeline(): Node {
    let negated = false
    let timed = false
    if (this.keyword() === 'time' && this.#options.dialect === 'bash') {
      this.take()
      timed = true
    }
    while (this.keyword() === '!') {
      this.take()
      negated = !negated
    }
    const stages = [this.#command()]
    const errors: boolean[] = []
    for (;;) {
      const operator = this.operator()
      if (operator !== '|' && operator !== '|&') break
      this.take()
      this.skipNewlines()
      errors.push(operator === '|&')
      stages.push(this.#command())
    }
    if (stages.length === 1 && !negated && !timed) return stages[0] as Node
    return { kind: 'pipeline', stages, errors, negated, timed }
  }

  #command(): Node {
    const line = this.lexer.line
    const operator = this.operator()
    if (operator === '(') {
      if (this.#options.dialect === 'bash' && this.lexer.char() === '(') {
        const arithmetic = this.#arithmeticCommand(line)
        if (arithmetic) return arithmetic
      }
      this.take()
      const body = this.#body(')')
      if (this.operator() !== ')') this.unexpected()
      this.take()
      return { kind: 'subshell', body, line, redirections: this.#redirections() }
    }
    this.#expandAlias()
    const compound = this.#compound(this.keyword(), line)
    return compound ?? this.#simple(line)
  }

  #compound(keyword: string | undefined, line: number): Node | undefined {
    switch (keyword) {
      case '{': {
        this.take()
        const body = this.#body('}')
        this.expectKeyword('}')
        return { kind: 'group', body, line, redirections: this.#redirections() }
      }
      case 'if':
        return this.#if(line)
      case 'while':
      case 'until': {
        this.take()
        const condition = this.#body('do')
        this.expectKeyword('do')
        const body = this.#body('done')
        this.expectKeyword('done')
        return { kind: 'while', until: keyword === 'until', condition, body, line, redirections: this.#redirections() }
      }
      case 'for':
        return this.#for(line)
      case 'case':
        return this.#case(line)
      case 'function':
        return this.#options.dialect === 'bash' ? this.#functionKeyword() : undefined
      case '[[': {
        if (this.#options.dialect !== 'bash') return undefined
        this.take()
        const condition = parseCondition(this)
        this.expectKeyword(']]')
        return { kind: 'test', condition, line, redirections: this.#redirections() }
      }
      case 'select':
      case 'coproc':
        if (this.#options.dialect === 'bash') this.lexer.fail(`\`${keyword}' is not supported by this shell`, keyword)
        return undefined
      default:
        return undefined
    }
  }

  #arithmeticCommand(line: number): Node | undefined {
    const before = this.lexer.position
    this.lexer.position++
    const expression = this.lexer.textUntil(')', true)
    if (!this.lexer.startsWith('))')) {
      this.lexer.position = before
      return undefined
    }
    this.lexer.position += 2
    this.#token = undefined
    return { kind: 'arithmetic', expression, line, redirections: this.#redirections() }
  }

  #if(line: number): Node {
    this.take()
    const branches: { condition: Node; body: Node }[] = []
    let otherwise: Node | undefined
    for (;;) {
      const condition = this.#body('then')
      this.expectKeyword('then')
      branches.push({ condition, body: this.#body('elif', 'else', 'fi') })
      const keyword = this.expectKeyword('elif', 'else', 'fi')
      if (keyword === 'elif') continue
      if (keyword === 'else') {
        otherwise = this.#body('fi')
        this.expectKeyword('fi')
      }
      break
    }
    return { kind: 'if', branches, otherwise, line, redirections: this.#redirections() }
  }

  #doBody(): Node {
    this.expectKeyword('do')
    const body = this.#body('done')
    this.expectKeyword('done')
    return body
  }

  #for(line: number): Node {
    this.take()
    if (this.#options.dialect === 'bash' && this.operator() === '(' && this.lexer.char() === '(') {
      this.lexer.position++
      this.#token = undefined
      const start = this.lexer.textUntil(';', true)
      this.lexer.position++
      const test = this.lexer.textUntil(';', true)
      this.lexer.position++
      const step = this.lexer.textUntil(')', true)
      if (!this.lexer.startsWith('))')) this.unexpected()
      this.lexer.position += 2
      if (this.operator() === ';') this.take()
      return { kind: 'arithmetic-for', start, test, step, body: this.#doBody(), line, redirections: this.#redirections() }
    }
    const name = this.keyword()
    if (!name) this.unexpected()
    if (!/^[A-Za-z_]\w*$/.test(name)) this.lexer.fail(`\`${name}': not a valid identifier`, name)
    this.take()
    this.skipNewlines()
    let words: Word[] | undefined
    if (this.keyword() === 'in') {
      this.take()
      words = []
      for (let token = this.peek(); token.kind === 'word'; token = this.peek()) {
        words.push(token.word)
        this.take()
      }
      if (this.operator() !== ';' && this.peek().kind !== 'newline') this.unexpected()
    }
    if (this.operator() === ';') this.take()
    return { kind: 'for', name, words, body: this.#doBody(), line, redirections: this.#redirections() }
  }

  #case(line: number): Node {
    this.take()
    const token = this.take()
    if (token.kind !== 'word') {
      this.#token = token
      this.unexpected()
    }
    this.expectKeyword('in')
    const clauses: CaseClause[] = []
    for (;;) {
      this.skipNewlines()
      if (this.keyword() === 'esac') break
      if (this.operator() === '(') this.take()
      const patterns: Word[] = []
      for (;;) {
        const pattern = this.peek()
        if (pattern.kind !== 'word') this.unexpected()
        patterns.push(pattern.word)
        this.take()
        if (this.operator() !== '|') break
        this.take()
      }
      if (this.operator() !== ')') this.unexpected()
      this.take()
      const ends = [';;', ';&', ';;&']
      const body = this.#list(() => ends.includes(this.operator() ?? '') || this.keyword() === 'esac', false)
      const end = this.operator() ?? ';;'
      clauses.push({ patterns, body, end })
      if (this.keyword() === 'esac') break
      if (!ends.includes(end)) this.unexpected()
      this.take()
    }
    this.expectKeyword('esac')
    return { kind: 'case', word: token.word, clauses, line, redirections: this.#redirections() }
  }

  #functionKeyword(): Node {
    this.take()
    const name = this.keyword()
    if (!name) this.unexpected()
    this.take()
    if (this.operator() === '(') {
      this.take()
      if (this.operator() !== ')') this.unexpected()
      this.take()
    }
    return this.#function(name)
  }

  #function(name: string): Node {
    this.skipNewlines()
    const start = this.peek().start
    const body = this.#command()
    if (body.kind === 'simple') this.unexpected()
    return { kind: 'function', name, body, source: this.lexer.source.slice(start, this.peek().start).trim() }
  }

  #redirection(): Redirection | undefined {
    const token = this.peek()
    let descriptor: number | undefined
    if (token.kind === 'descriptor') {
      this.take()
      descriptor = token.descriptor
    }
    const operator = this.operator()
    if (!operator || !redirectionOperators.has(operator)) {
      if (descriptor !== undefined) this.unexpected()
      return undefined
    }
    if (this.#options.dialect === 'ash' && operator.startsWith('&>')) this.unexpected()
    this.take()
    const target = this.peek()
    if (target.kind !== 'word') this.unexpected()
    this.#token = undefined
    const redirection: Redirection = { descriptor, operator, target: target.word }
    if (operator === '<<' || operator === '<<-') this.lexer.expectHereDocument(redirection)
    return redirection
  }

  #redirections(): Redirection[] {
    const redirections: Redirection[] = []
    for (let redirection = this.#redirection(); redirection; redirection = this.#redirection()) redirections.push(redirection)
    return redirections
  }

  #simple(line: number): Node {
    const assignments: Assignment[] = []
    const words: Word[] = []
    const redirections: Redirection[] = []
    for (;;) {
      const redirection = this.#redirection()
      if (redirection) {
        redirections.push(redirection)
        continue
      }
      const token = this.peek()
      if (token.kind === 'operator' && token.text === '(' && words.length === 1 && assignments.length === 0) {
        const name = bareText(words[0] as Word)
        if (name !== undefined && this.#isFunctionDefinition()) return this.#function(name)
      }
      if (token.kind !== 'word') break
      const assignment = words.length === 0 || declares(words[0] as Word) ? parseAssignment(token) : undefined
      if (assignment && (words.length === 0 || token.array)) {
        if (words.length === 0) assignments.push(assignment)
        else this.lexer.fail(`arrays are assigned by name=( … ), not by \`${bareText(words[0] as Word)}'`, token.word.source)
      } else words.push(token.word)
      this.take()
    }
    if (words.length + assignments.length + redirections.length === 0) this.unexpected()
    return { kind: 'simple', assignments, words, redirections, line }
  }

  #isFunctionDefinition(): boolean {
    this.lexer.skipBlanks()
    if (this.lexer.char() !== ')') return false
    this.lexer.position++
    this.#token = undefined
    return true
  }

  #expandAlias(): void {
    for (;;) {
      const token = this.peek()
      if (token.kind !== 'word' || token.array) return
      const name = bareText(token.word)
      if (name === undefined) return
      this.#expanding = this.#expanding.filter((entry) => entry.end > token.start)
      if (this.#expanding.some((entry) => entry.name === name)) return
      const text = this.#options.alias?.(name)
      if (text === undefined) return
      const { source, position } = this.lexer
      this.lexer.source = source.slice(0, token.start) + text + source.slice(position)
      this.lexer.position = token.start
      const growth = text.length - (position - token.start)
      this.#expanding = this.#expanding.map((entry) => ({ ...entry, end: entry.end + growth }))
      this.#expanding.push({ name, end: token.start + text.length })
      this.#token = undefined
    }
  }
}

function declares(word: Word): boolean {
  return ['local', 'declare', 'typeset', 'export', 'readonly'].includes(bareText(word) ?? '')
}

/** `name=value`, `name+=value`, `name[index]=value`, where the token is one. */
export function parseAssignment(token: { word: Word; array?: Assignment['array'] }): Assignment | undefined {
  const first = token.word.parts[0]
  if (first?.kind !== 'text' || first.quoted) return undefined
  const match = /^([A-Za-z_]\w*)(?:\[([^\]]*)\])?(\+?)=/.exec(first.text)
  if (!match) return undefined
  const rest = first.text.slice(match[0].length)
  const parts = token.word.parts.slice(1)
  return {
    name: match[1] as string,
    index: match[2] === undefined ? undefined : literalWord(match[2]),
    append: match[3] === '+',
    value: {
      parts: rest ? [{ kind: 'text', text: rest, quoted: false }, ...parts] : parts,
      source: token.word.source.slice(match[0].length),
    },
    array: token.array,
  }
}

/** The whole text as one list. Throws `ShellSyntaxError`. */
export function parseAll(text: string, options: ParserOptions): Node {
  const parser = new Parser(text, options)
  const items: Extract<Node, { kind: 'list' }>['items'][number][] = []
  for (let node = parser.next(); node; node = parser.next()) if (node.kind === 'list') items.push(...node.items)
  return { kind: 'list', items }
}
