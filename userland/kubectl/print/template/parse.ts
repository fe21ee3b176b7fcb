import { functionNames } from './functions.ts'
import type { Token } from './lex.ts'
import { lex, TemplateError } from './lex.ts'

/** Something with a value. `at` is where an error points to, `text` how it names it. */
export type Operand = { readonly at: number; readonly text: string } & (
  | { readonly kind: 'dot' | 'nil' }
  | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'path'; readonly from: 'dot' | string; readonly fields: readonly string[] }
  | { readonly kind: 'chain'; readonly pipe: Pipe; readonly fields: readonly string[] }
)
export interface Pipe {
  readonly variables: readonly string[]
  /** `=` in place of `:=`. */
  readonly assigns: boolean
  readonly commands: readonly (readonly Operand[])[]
}
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | { readonly kind: 'break' | 'continue' }
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined; readonly at: number }
  | { readonly kind: 'if' | 'range' | 'with'; readonly pipe: Pipe; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }

export interface Template {
  readonly body: readonly Node[]
  /** By the name that `{{define}}` or `{{block}}` gave. */
  readonly defined: ReadonlyMap<string, readonly Node[]>
}

/** The tree of a text/template. Throws `TemplateError` in its words. */
export function parseTemplate(template: string): Template {
  const parser = new Parser(lex(template), template.split('\n').length)
  const { nodes, ended } = parser.list()
  if (ended) throw parser.wrong(`unexpected {{${ended}}}`)
  return { body: nodes, defined: parser.defined }
}

interface List {
  readonly nodes: Node[]
  /** `end` or `else`; undefined at the end of the template. */
  readonly ended: 'end' | 'else' | undefined
}

class Parser {
  readonly defined = new Map<string, readonly Node[]>()
  readonly #tokens: readonly Token[]
  readonly #lines: number
  #at = 0
  #variables: string[] = ['$']
  #ranges = 0

  constructor(tokens: readonly Token[], lines: number) {
    this.#tokens = tokens
    this.#lines = lines
  }

  wrong(problem: string): TemplateError {
    return new TemplateError(this.#tokens[Math.max(0, Math.min(this.#at, this.#tokens.length) - 1)]?.line ?? this.#lines, problem)
  }

  list(): List {
    const nodes: Node[] = []
    for (;;) {
      const token = this.#tokens[this.#at++]
      if (!token) return { nodes, ended: undefined }
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text })
        continue
      }
      const word = this.#peek()
      const keyword = word?.kind === 'word' ? word.text : ''
      if (keyword === 'end' || keyword === 'else') {
        this.#at++
        if (keyword === 'end') this.#close('end')
        return { nodes, ended: keyword }
      }
      const node = this.#action(keyword)
      if (node) nodes.push(node)
    }
  }

  #action(keyword: string): Node | undefined {
    switch (keyword) {
      case 'if':
      case 'range':
      case 'with':
        this.#at++
        return this.#control(keyword)
      case 'break':
      case 'continue':
        this.#at++
        this.#close(keyword)
        if (this.#ranges === 0) throw this.wrong(`{{${keyword}}} outside {{range}}`)
        return { kind: keyword }
      case 'define':
        this.#at++
        this.#definition(this.#name('define clause'))
        return undefined
      case 'template':
      case 'block': {
        this.#at++
        const at = this.#peek()?.at ?? 0
        const name = this.#name(`${keyword} clause`)
        const pipe = this.#peek()?.kind === 'close' ? undefined : this.#pipe(`${keyword} clause`)
        if (keyword === 'block') this.#body(name)
        else this.#close(keyword)
        return { kind: 'template', name, pipe, at }
      }
    }
    const pipe = this.#pipe('command')
    this.#close('command')
    return { kind: 'action', pipe }
  }

  #definition(name: string): void {
    this.#body(name)
  }

  #body(name: string): void {
    this.#close('define clause')
    const outer = this.#variables
    this.#variables = ['$']
    const { nodes, ended } = this.list()
    if (ended !== 'end') throw ended ? this.wrong(`unexpected {{else}} in define clause`) : this.#eof()
    this.#variables = outer
    this.defined.set(name, nodes)
  }

  #name(context: string): string {
    const token = this.#peek()
    if (token?.kind !== 'string') throw this.#unexpected(token, context)
    this.#at++
    return unquoted(token.text)
  }

  #control(kind: 'if' | 'range' | 'with'): Node {
    const known = this.#variables.length
    const pipe = this.#pipe(kind)
    this.#close(kind)
    if (kind === 'range') this.#ranges++
    const body = this.list()
    if (kind === 'range') this.#ranges--
    let otherwise: readonly Node[] = []
    if (body.ended === 'else') {
      const next = this.#peek()
      if (next?.kind === 'word' && next.text === kind && kind !== 'range') {
        // `{{else if x}}` is an `if` in the else branch that shares the end.
        this.#at++
        otherwise = [this.#control(kind)]
      } else {
        this.#close('else')
        const rest = this.list()
        if (rest.ended !== 'end') throw rest.ended ? this.wrong(`expected end; found {{else}}`) : this.#eof()
        otherwise = rest.nodes
      }
    } else if (!body.ended) throw this.#eof()
    this.#variables.length = known
    return { kind, pipe, body: body.nodes, otherwise }
  }

  #pipe(context: string): Pipe {
    const declared = this.#declaration(context)
    const commands: Operand[][] = []
    for (;;) {
      this.#skip()
      const token = this.#tokens[this.#at]
      if (!token || token.kind === 'close' || token.text === ')') break
      commands.push(this.#command(context))
    }
    if (commands.length === 0) throw this.wrong(`missing value for ${context}`)
    return { ...declared, commands }
  }

  /** `$a :=`, `$a, $b :=` (of a range) or `$a =`. */
  #declaration(context: string): Pick<Pipe, 'variables' | 'assigns'> {
    const start = this.#at
    const names: string[] = []
    for (;;) {
      const token = this.#peek()
      if (token?.kind !== 'variable') break
      this.#at++
      names.push(token.text)
      const next = this.#peek()
      if (next?.text === ':=' || next?.text === '=') {
        this.#at++
        if (next.text === ':=') this.#variables.push(...names)
        return { variables: names, assigns: next.text === '=' }
      }
      if (next?.text !== ',' || context !== 'range') break
      this.#at++
    }
    this.#at = start
    return { variables: [], assigns: false }
  }

  #command(context: string): Operand[] {
    const operands: Operand[] = []
    for (;;) {
      this.#skip()
      const token = this.#tokens[this.#at]
      if (!token || token.kind === 'close' || token.text === ')') break
      if (token.text === '|') {
        this.#at++
        if (!this.#peek() || this.#peek()?.kind === 'close') throw this.wrong(`missing value for ${context}`)
        break
      }
      operands.push(this.#operand(context))
    }
    if (operands.length === 0) throw this.wrong('empty command')
    return operands
  }

  #operand(context: string): Operand {
    const start = this.#term(context)
    const fields: Token[] = []
    while (this.#tokens[this.#at]?.kind === 'field') fields.push(this.#tokens[this.#at++] as Token)
    if (fields.length === 0) return start
    const names = fields.map((one) => one.text.slice(1))
    const text = start.text + fields.map((one) => one.text).join('')
    const at = fields[0]?.at ?? start.at
    if (start.kind === 'path') return { ...start, at, text, fields: [...start.fields, ...names] }
    if (start.kind === 'dot' || start.kind === 'literal' || start.kind === 'nil')
      throw this.wrong(`unexpected . after term ${JSON.stringify(start.text)}`)
    if (start.kind === 'chain') return { ...start, at, text, fields: names }
    return { kind: 'chain', at, text, pipe: { variables: [], assigns: false, commands: [[start]] }, fields: names }
  }

  #term(context: string): Operand {
    const token = this.#tokens[this.#at] as Token
    const { at, text } = token
    this.#at++
    switch (token.kind) {
      case 'word':
        if (text === 'true' || text === 'false') return { kind: 'literal', at, text, value: text === 'true' }
        if (text === 'nil') return { kind: 'nil', at, text }
        if (!functionNames.has(text)) throw this.wrong(`function ${JSON.stringify(text)} not defined`)
        return { kind: 'function', at, text, name: text }
      case 'field':
        return { kind: 'path', at, text, from: 'dot', fields: [text.slice(1)] }
      case 'variable':
        if (!this.#variables.includes(text)) throw this.wrong(`undefined variable ${JSON.stringify(text)}`)
        return { kind: 'path', at, text, from: text, fields: [] }
      case 'string':
        return { kind: 'literal', at, text, value: unquoted(text) }
      case 'number':
        return {
          kind: 'literal',
          at,
          text,
          value: /^[+-]?(?:0[xX]|\d[\d_]*$)/.test(text) ? BigInt(text.replaceAll('_', '')) : Number(text.replaceAll('_', '')),
        }
      case 'char':
        return { kind: 'literal', at, text, value: BigInt(unquoted(text).codePointAt(0) ?? 0) }
      case 'sign':
        if (text === '.') return { kind: 'dot', at, text }
        if (text === '(') {
          const pipe = this.#pipe('parenthesized pipeline')
          if (this.#tokens[this.#at]?.text !== ')') throw this.#unexpected(this.#tokens[this.#at], 'parenthesized pipeline')
          this.#at++
          return {
            kind: 'chain',
            at,
            text: `(${pipe.commands.map((one) => one.map((word) => word.text).join(' ')).join(' | ')})`,
            pipe,
            fields: [],
          }
        }
    }
    throw this.#unexpected(token, context)
  }

  #peek(): Token | undefined {
    this.#skip()
    return this.#tokens[this.#at]
  }

  #skip(): void {
    while (this.#tokens[this.#at]?.kind === 'space') this.#at++
  }

  #close(context: string): void {
    const token = this.#peek()
    this.#at++
    if (token?.kind !== 'close') throw this.#unexpected(token, context)
  }

  #unexpected(token: Token | undefined, context: string): TemplateError {
    if (!token) return this.#eof()
    return new TemplateError(
      token.line,
      `unexpected ${token.kind === 'sign' || token.kind === 'close' ? JSON.stringify(token.text) : `<${token.text}>`} in ${context}`,
    )
  }

  #eof(): TemplateError {
    return new TemplateError(this.#lines, 'unexpected EOF')
  }
}

function unquoted(text: string): string {
  const body = text.slice(1, -1)
  if (text.startsWith('`')) return body
  const short: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }
  return body.replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}|.)/g, (_, code: string) => {
    if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16))
    if (/^[0-7]{3}$/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8))
    return short[code] ?? code
  })
}
