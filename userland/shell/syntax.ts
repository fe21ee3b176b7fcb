/** The shell's syntax tree: the grammar of POSIX.1-2024 XCU 2.10, with bash's `[[ ]]`, `(( ))`, arrays and `&>`. */
export type Dialect = 'bash' | 'ash'

export type Part =
  | { kind: 'text'; text: string; quoted: boolean }
  | { kind: 'parameter'; parameter: Parameter; quoted: boolean }
  | { kind: 'command'; list: Node; quoted: boolean }
  | { kind: 'arithmetic'; expression: Word; quoted: boolean }

export interface Word {
  readonly parts: readonly Part[]
  /** As written, for messages and `jobs`. */
  readonly source: string
}

export interface Parameter {
  readonly name: string
  /** `a[i]`, `a[@]`, `a[*]`. */
  readonly index?: Word
  readonly operator?: string
  readonly argument?: Word
  /** The second operand of `${x:offset:length}` and `${x/pattern/text}`. */
  readonly second?: Word
  readonly length?: boolean
  readonly indirect?: boolean
}

export interface Assignment {
  readonly name: string
  readonly index?: Word
  readonly append: boolean
  readonly value: Word
  readonly array?: readonly ArrayElement[]
}

export interface ArrayElement {
  readonly key?: Word
  readonly value: Word
}

export interface Redirection {
  readonly descriptor: number | undefined
  readonly operator: string
  readonly target: Word
  /** The body of `<<`, filled in when its lines have been read. */
  body?: Word
}

export type Condition =
  | { kind: 'unary'; operator: string; operand: Word }
  | { kind: 'binary'; operator: string; left: Word; right: Word }
  | { kind: 'not'; condition: Condition }
  | { kind: 'and' | 'or'; left: Condition; right: Condition }
  | { kind: 'word'; word: Word }

export interface CaseClause {
  readonly patterns: readonly Word[]
  readonly body: Node
  readonly end: string
}

interface Redirected {
  readonly redirections: readonly Redirection[]
  readonly line: number
}

export type Node =
  | { kind: 'list'; items: readonly { node: Node; background: boolean; source: string }[] }
  | { kind: 'and-or'; first: Node; rest: readonly { operator: '&&' | '||'; node: Node }[] }
  | { kind: 'pipeline'; stages: readonly Node[]; errors: readonly boolean[]; negated: boolean; timed: boolean }
  | ({ kind: 'simple'; assignments: readonly Assignment[]; words: readonly Word[] } & Redirected)
  | ({ kind: 'subshell'; body: Node } & Redirected)
  | ({ kind: 'group'; body: Node } & Redirected)
  | ({ kind: 'if'; branches: readonly { condition: Node; body: Node }[]; otherwise: Node | undefined } & Redirected)
  | ({ kind: 'while'; until: boolean; condition: Node; body: Node } & Redirected)
  | ({ kind: 'for'; name: string; words: readonly Word[] | undefined; body: Node } & Redirected)
  | ({ kind: 'arithmetic-for'; start: Word; test: Word; step: Word; body: Node } & Redirected)
  | ({ kind: 'case'; word: Word; clauses: readonly CaseClause[] } & Redirected)
  | ({ kind: 'test'; condition: Condition } & Redirected)
  | ({ kind: 'arithmetic'; expression: Word } & Redirected)
  | { kind: 'function'; name: string; body: Node; source: string }

/** What cannot be parsed. `incomplete` where more lines could mend it: the interactive shell then asks for them. */
export class ShellSyntaxError extends Error {
  /** The unexpected token, or undefined where the text ended. */
  readonly token: string | undefined
  readonly line: number
  readonly incomplete: boolean
  /** The line of source it stands on. */
  readonly text: string
  constructor(message: string, options: { token?: string; line: number; incomplete?: boolean; text?: string }) {
    super(message)
    this.name = 'ShellSyntaxError'
    this.token = options.token
    this.line = options.line
    this.incomplete = options.incomplete ?? false
    this.text = options.text ?? ''
  }
}

/** The word's text where it is nothing but unquoted literal text; keywords and aliases are only recognised in such words. */
export function bareText(word: Word): string | undefined {
  if (word.parts.length !== 1) return undefined
  const part = word.parts[0]!
  return part.kind === 'text' && !part.quoted ? part.text : undefined
}

export function literalWord(text: string, quoted = true): Word {
  return { parts: [{ kind: 'text', text, quoted }], source: text }
}
