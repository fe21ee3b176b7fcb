import { ToolError } from '../posix/tool.ts'
import { unescapeAnsi } from '../shell/lexer.ts'

export type Expression =
  | { kind: 'number'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'regexp'; source: string }
  | { kind: 'variable'; name: string }
  | { kind: 'field'; index: Expression }
  | { kind: 'element'; name: string; index: readonly Expression[] }
  | { kind: 'assign'; operator: string; target: Expression; value: Expression }
  | { kind: 'step'; by: 1 | -1; prefix: boolean; target: Expression }
  | { kind: 'unary'; operator: string; operand: Expression }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }
  | { kind: 'ternary'; test: Expression; yes: Expression; no: Expression }
  | { kind: 'match'; negated: boolean; left: Expression; right: Expression }
  | { kind: 'in'; name: string; index: readonly Expression[] }
  | { kind: 'call'; name: string; arguments: readonly Expression[] }
  | { kind: 'getline'; target: Expression | undefined; file: Expression | undefined }

export type Statement =
  | { kind: 'expression'; expression: Expression }
  | { kind: 'print' | 'printf'; operands: readonly Expression[]; output: { append: boolean; file: Expression } | undefined }
  | { kind: 'block'; body: readonly Statement[] }
  | { kind: 'if'; test: Expression; yes: Statement; no: Statement | undefined }
  | { kind: 'while'; test: Expression; body: Statement }
  | { kind: 'do'; test: Expression; body: Statement }
  | { kind: 'for'; start: Statement | undefined; test: Expression | undefined; step: Statement | undefined; body: Statement }
  | { kind: 'for-in'; variable: string; array: string; body: Statement }
  | { kind: 'delete'; name: string; index: readonly Expression[] | undefined }
  | { kind: 'exit' | 'return'; value: Expression | undefined }
  | { kind: 'next' | 'break' | 'continue' }

export interface Rule {
  pattern: 'BEGIN' | 'END' | { from: Expression; to: Expression | undefined } | undefined
  body: readonly Statement[] | undefined
}

export interface AwkProgram {
  rules: Rule[]
  functions: Map<string, { parameters: string[]; body: readonly Statement[] }>
}

type Token = { kind: 'number' | 'string' | 'regexp' | 'name' | 'call' | 'operator' | 'newline' | 'end'; text: string; spaced: boolean }

const operators = [
  '**=',
  '&&',
  '||',
  '==',
  '!=',
  '<=',
  '>=',
  '>>',
  '++',
  '--',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '^=',
  '**',
  '!~',
  ...'{}()[];,+-*/%^!<>~?:$=|',
]
export const builtinFunctions = new Set(
  'length substr index split sub gsub match sprintf sin cos atan2 exp log sqrt int rand srand tolower toupper close system fflush'.split(
    ' ',
  ),
)
const keywords = new Set(
  'BEGIN END if else while for do break continue next exit return delete in function func getline print printf'.split(' '),
)

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < source.length) {
    const before = at
    const blanks = /^(?:[ \t\r]|\\\r?\n)+/.exec(source.slice(at))
    if (blanks) at += blanks[0].length
    const spaced = at > before
    const char = source[at]
    if (char === undefined) break
    const push = (kind: Token['kind'], text: string) => tokens.push({ kind, text, spaced })
    if (char === '#') {
      while (at < source.length && source[at] !== '\n') at++
      continue
    }
    if (char === '\n') {
      push('newline', '\n')
      at++
      continue
    }
    const number = /^(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/.exec(source.slice(at))
    if (number) {
      push('number', number[0])
      at += number[0].length
      continue
    }
    const name = /^[A-Za-z_]\w*/.exec(source.slice(at))
    if (name) {
      at += name[0].length
      push(source[at] === '(' && !keywords.has(name[0]) && !builtinFunctions.has(name[0]) ? 'call' : 'name', name[0])
      continue
    }
    if (char === '"') {
      const string = /^"((?:[^"\\\n]|\\[\s\S])*)"/.exec(source.slice(at))
      if (!string) throw new ToolError(`syntax error: unterminated string ${source.slice(at, at + 20)}`, 2)
      push('string', unescapeAnsi((string[1] as string).replace(/\\\n/g, '').replace(/\\\//g, '/')))
      at += string[0].length
      continue
    }
    const previous = tokens.at(-1)
    const operand =
      previous &&
      (['number', 'string', 'regexp'].includes(previous.kind) ||
        (previous.kind === 'name' && !keywords.has(previous.text)) ||
        [')', ']', '++', '--'].includes(previous.text))
    if (char === '/' && !operand) {
      let end = at + 1
      let bracket = false
      while (end < source.length && (source[end] !== '/' || bracket) && source[end] !== '\n') {
        if (source[end] === '\\') end++
        else if (source[end] === '[') bracket = true
        else if (source[end] === ']') bracket = false
        end++
      }
      if (source[end] !== '/') throw new ToolError(`regular expression compile failed: unterminated ${source.slice(at, end)}`, 2)
      push('regexp', source.slice(at + 1, end).replace(/\\\//g, '/'))
      at = end + 1
      continue
    }
    const operator = operators.find((candidate) => source.startsWith(candidate, at))
    if (!operator) throw new ToolError(`syntax error at or near ${char}`, 2)
    push('operator', operator === '**' ? '^' : operator === '**=' ? '^=' : operator)
    at += operator.length
  }
  tokens.push({ kind: 'end', text: 'end of file', spaced: false })
  return tokens
}

/** Parses an awk program (POSIX XCU awk). Throws `ToolError` with status 2. Pipes to and from commands are refused by name. */
export function parseAwk(source: string): AwkProgram {
  const tokens = tokenize(source)
  const program: AwkProgram = { rules: [], functions: new Map() }
  let at = 0
  let noIn = 0
  let noGreater = 0
  const peek = () => tokens[at] as Token
  const is = (text: string) => peek().text === text && (peek().kind === 'operator' || peek().kind === 'name')
  const take = () => tokens[at++] as Token
  const fail = (): never => {
    const token = peek()
    throw new ToolError(`syntax error at or near ${token.kind === 'newline' ? 'end of line' : token.text}`, 2)
  }
  const expect = (text: string) => (is(text) ? take() : fail())
  const accept = (text: string) => is(text) && take() !== undefined
  const newlines = () => {
    while (peek().kind === 'newline' || is(';')) at++
  }
  const lines = () => {
    while (peek().kind === 'newline') at++
  }

  const list = (end: string): Expression[] => {
    const items: Expression[] = []
    lines()
    while (!is(end)) {
      items.push(expression())
      lines()
      if (!is(end)) {
        expect(',')
        lines()
      }
    }
    take()
    return items
  }
  const inParentheses = <T>(parse: () => T): T => {
    const saved = [noIn, noGreater] as const
    noIn = noGreater = 0
    const value = parse()
    ;[noIn, noGreater] = saved
    return value
  }
  const isTarget = (value: Expression) => value.kind === 'variable' || value.kind === 'field' || value.kind === 'element'

  const expression = (): Expression => {
    const left = ternary()
    const operator = peek()
    if (operator.kind === 'operator' && /^(=|[-+*/%^]=)$/.test(operator.text) && isTarget(left)) {
      take()
      lines()
      return { kind: 'assign', operator: operator.text, target: left, value: expression() }
    }
    return left
  }
  const ternary = (): Expression => {
    const test = or()
    if (!accept('?')) return test
    lines()
    const yes = expression()
    lines()
    expect(':')
    lines()
    return { kind: 'ternary', test, yes, no: expression() }
  }
  const or = (): Expression => {
    let left = and()
    while (accept('||')) {
      lines()
      left = { kind: 'binary', operator: '||', left, right: and() }
    }
    return left
  }
  const and = (): Expression => {
    let left = membership()
    while (accept('&&')) {
      lines()
      left = { kind: 'binary', operator: '&&', left, right: membership() }
    }
    return left
  }
  const membership = (): Expression => {
    let left = matching()
    while (noIn === 0 && is('in')) {
      take()
      left = { kind: 'in', name: take().text, index: [left] }
    }
    return left
  }
  const matching = (): Expression => {
    let left = comparison()
    while (is('~') || is('!~')) {
      const negated = take().text === '!~'
      left = { kind: 'match', negated, left, right: comparison() }
    }
    return left
  }
  const comparison = (): Expression => {
    const left = concatenation()
    const operator = peek().text
    if (peek().kind !== 'operator' || !['<', '<=', '==', '!=', '>', '>='].includes(operator) || (operator === '>' && noGreater > 0))
      return left
    take()
    return { kind: 'binary', operator, left, right: concatenation() }
  }
  const startsOperand = () => {
    const token = peek()
    if (token.kind === 'number' || token.kind === 'string' || token.kind === 'regexp' || token.kind === 'call') return true
    if (token.kind === 'name') return !keywords.has(token.text)
    return token.kind === 'operator' && ['$', '(', '!', '-', '+', '++', '--'].includes(token.text)
  }
  const concatenation = (): Expression => {
    let left = additive()
    while (startsOperand() && !is('!')) left = { kind: 'binary', operator: ' ', left, right: additive() }
    return left
  }
  const binaryLevel = (operatorsAt: readonly string[], below: () => Expression) => (): Expression => {
    let left = below()
    while (peek().kind === 'operator' && operatorsAt.includes(peek().text))
      left = { kind: 'binary', operator: take().text, left, right: below() }
    return left
  }
  const unary = (): Expression => {
    if (is('!') || is('-') || is('+')) return { kind: 'unary', operator: take().text, operand: unary() }
    return power()
  }
  const multiplicative = binaryLevel(['*', '/', '%'], unary)
  const additive = binaryLevel(['+', '-'], multiplicative)
  const power = (): Expression => {
    const base = postfix()
    if (!accept('^')) return base
    const exponent = is('-') || is('+') || is('!') ? unary() : power()
    return { kind: 'binary', operator: '^', left: base, right: exponent }
  }
  const postfix = (): Expression => {
    if (is('++') || is('--')) {
      const by = take().text === '++' ? 1 : -1
      return { kind: 'step', by, prefix: true, target: primary() }
    }
    const target = primary()
    if (isTarget(target) && (is('++') || is('--'))) return { kind: 'step', by: take().text === '++' ? 1 : -1, prefix: false, target }
    return target
  }
  const primary = (): Expression => {
    const token = take()
    if (token.kind === 'number') return { kind: 'number', value: Number(token.text) }
    if (token.kind === 'string') return { kind: 'string', value: token.text }
    if (token.kind === 'regexp') return { kind: 'regexp', source: token.text }
    if (token.text === '$' && token.kind === 'operator')
      return { kind: 'field', index: is('++') || is('--') ? postfix() : is('-') ? unary() : primary() }
    if (token.text === '(' && token.kind === 'operator') {
      const items = inParentheses(() => list(')'))
      if (items.length === 1)
        return items[0]?.kind === 'regexp' ? (items[0] as Expression) : { kind: 'unary', operator: '(', operand: items[0] as Expression }
      if (!is('in')) return fail()
      take()
      return { kind: 'in', name: take().text, index: items }
    }
    if (token.kind === 'call') {
      take()
      return { kind: 'call', name: token.text, arguments: inParentheses(() => list(')')) }
    }
    if (token.kind !== 'name') {
      at--
      return fail()
    }
    if (token.text === 'getline') {
      const target = peek().kind === 'name' && !keywords.has(peek().text) ? primary() : is('$') ? primary() : undefined
      return { kind: 'getline', target, file: accept('<') ? additive() : undefined }
    }
    if (builtinFunctions.has(token.text)) {
      if (token.text === 'system') throw new ToolError('system() is not supported by this awk; run the command from the shell', 2)
      if (is('(')) {
        take()
        return { kind: 'call', name: token.text, arguments: inParentheses(() => list(')')) }
      }
      if (token.text === 'length') return { kind: 'call', name: 'length', arguments: [] }
      return fail()
    }
    if (keywords.has(token.text)) {
      at--
      return fail()
    }
    if (is('[')) {
      take()
      return { kind: 'element', name: token.text, index: inParentheses(() => list(']')) }
    }
    return { kind: 'variable', name: token.text }
  }

  const endSimple = () => {
    if (is('|')) throw new ToolError('pipes within awk are not supported; use a pipe of the shell', 2)
    if (accept(';') || peek().kind === 'newline') lines()
    else if (!is('}') && peek().kind !== 'end') fail()
  }
  const simple = (): Statement => {
    if (is('print') || is('printf')) {
      const kind = take().text as 'print' | 'printf'
      noGreater++
      const operands: Expression[] = []
      const ends = () => peek().kind === 'newline' || peek().kind === 'end' || [';', '}', '>', '>>', '|'].some(is)
      if (is('(')) {
        // Parentheses hold the whole list, or just begin its first expression.
        const start = at
        take()
        const items = inParentheses(() => list(')'))
        if (ends()) operands.push(...items)
        else at = start
      }
      if (operands.length === 0) {
        while (!ends()) {
          operands.push(expression())
          if (!accept(',')) break
          lines()
        }
      }
      noGreater--
      const redirect = is('>') || is('>>') ? take().text : undefined
      return { kind, operands, output: redirect ? { append: redirect === '>>', file: concatenation() } : undefined }
    }
    if (accept('delete')) {
      const name = take().text
      if (!accept('[')) return { kind: 'delete', name, index: undefined }
      return { kind: 'delete', name, index: inParentheses(() => list(']')) }
    }
    return { kind: 'expression', expression: expression() }
  }
  const body = (): Statement => {
    lines()
    if (accept(';')) return { kind: 'block', body: [] }
    return statement()
  }
  const statement = (): Statement => {
    lines()
    if (is('{')) {
      const block: Statement = { kind: 'block', body: blockOf() }
      while (peek().kind === 'newline' || is(';')) at++
      return block
    }
    if (accept('if')) {
      expect('(')
      const test = inParentheses(expression)
      expect(')')
      const yes = body()
      const start = at
      newlines()
      if (accept('else')) return { kind: 'if', test, yes, no: body() }
      at = start
      return { kind: 'if', test, yes, no: undefined }
    }
    if (accept('while')) {
      expect('(')
      const test = inParentheses(expression)
      expect(')')
      return { kind: 'while', test, body: body() }
    }
    if (accept('do')) {
      const inner = body()
      newlines()
      expect('while')
      expect('(')
      const test = inParentheses(expression)
      expect(')')
      endSimple()
      return { kind: 'do', test, body: inner }
    }
    if (accept('for')) {
      expect('(')
      if (peek().kind === 'name' && tokens[at + 1]?.text === 'in' && tokens[at + 3]?.text === ')') {
        const variable = take().text
        take()
        const array = take().text
        take()
        return { kind: 'for-in', variable, array, body: body() }
      }
      const start = is(';') ? undefined : inParentheses(simple)
      expect(';')
      lines()
      const test = is(';') ? undefined : inParentheses(expression)
      expect(';')
      lines()
      const step = is(')') ? undefined : inParentheses(simple)
      expect(')')
      return { kind: 'for', start, test, step, body: body() }
    }
    for (const kind of ['next', 'break', 'continue'] as const) {
      if (!accept(kind)) continue
      endSimple()
      return { kind }
    }
    for (const kind of ['exit', 'return'] as const) {
      if (!accept(kind)) continue
      const value = is(';') || is('}') || peek().kind === 'newline' || peek().kind === 'end' ? undefined : expression()
      endSimple()
      return { kind, value }
    }
    const result = simple()
    endSimple()
    return result
  }
  const blockOf = (): Statement[] => {
    expect('{')
    const statements: Statement[] = []
    newlines()
    while (!is('}')) {
      if (peek().kind === 'end') fail()
      statements.push(statement())
      newlines()
    }
    take()
    return statements
  }

  newlines()
  while (peek().kind !== 'end') {
    if (accept('function') || accept('func')) {
      const name = take().text
      expect('(')
      const parameters = list(')').map((item) => (item.kind === 'variable' ? item.name : fail()))
      lines()
      program.functions.set(name, { parameters, body: blockOf() })
    } else {
      let pattern: Rule['pattern']
      if (is('BEGIN') || is('END')) pattern = take().text as 'BEGIN' | 'END'
      else if (!is('{')) {
        const from = expression()
        const ranged = accept(',')
        if (ranged) lines()
        pattern = { from, to: ranged ? expression() : undefined }
      }
      program.rules.push({ pattern, body: is('{') ? blockOf() : undefined })
    }
    newlines()
  }
  return program
}
