import { ToolError } from '../posix/tool.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export type Filter =
  | { kind: 'identity' }
  | { kind: 'recurse' }
  | { kind: 'literal'; value: Json }
  | { kind: 'string'; format: string | undefined; parts: readonly (string | Filter)[] }
  | { kind: 'format'; name: string }
  | { kind: 'field'; target: Filter; name: Filter }
  | { kind: 'slice'; target: Filter; from: Filter | undefined; to: Filter | undefined }
  | { kind: 'iterate'; target: Filter }
  | { kind: 'try'; body: Filter; handler: Filter | undefined }
  | { kind: 'pipe' | 'comma'; left: Filter; right: Filter }
  | { kind: 'operator'; operator: string; left: Filter; right: Filter }
  | { kind: 'assign'; operator: string; left: Filter; right: Filter }
  | { kind: 'negate'; operand: Filter }
  | { kind: 'array'; body: Filter | undefined }
  | { kind: 'object'; entries: readonly (readonly [Filter, Filter])[] }
  | { kind: 'variable'; name: string }
  | { kind: 'bind'; source: Filter; pattern: Pattern; body: Filter }
  | { kind: 'if'; test: Filter; yes: Filter; no: Filter | undefined }
  | { kind: 'reduce'; source: Filter; pattern: Pattern; start: Filter; update: Filter }
  | { kind: 'foreach'; source: Filter; pattern: Pattern; start: Filter; update: Filter; extract: Filter | undefined }
  | { kind: 'call'; name: string; arguments: readonly Filter[] }
  | { kind: 'define'; name: string; parameters: readonly string[]; body: Filter; rest: Filter }

export type Pattern =
  | { kind: 'name'; name: string }
  | { kind: 'array'; items: readonly Pattern[] }
  | { kind: 'object'; entries: readonly (readonly [Filter, Pattern])[] }

type Token = {
  kind: 'op' | 'name' | 'field' | 'variable' | 'number' | 'format' | 'string' | 'end'
  text: string
  parts?: (string | Filter)[]
}

const operators = ['?//', '//=', '|=', '+=', '-=', '*=', '/=', '%=', '==', '!=', '<=', '>=', '//', '..', ...'|,.[](){}:;=<>+-*/%?']
const keywords = new Set(
  'if then elif else end as def reduce foreach try catch and or not label import include __loc__'
    .split(' ')
    .filter((word) => word !== 'not'),
)

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const fail = (message: string): never => {
    throw new ToolError(`error: syntax error, ${message}`, 3)
  }
  /** The inside of a string literal, up to its closing quote. */
  const string = (): (string | Filter)[] => {
    const parts: (string | Filter)[] = []
    let text = ''
    for (;;) {
      const char = source[at++]
      if (char === undefined) return fail('unexpected end of file (Unix shell quoting issues?)')
      if (char === '"') break
      if (char !== '\\') {
        text += char
        continue
      }
      const letter = source[at++] as string
      if (letter === '(') {
        const start = at
        let depth = 1
        while (depth > 0) {
          const inner = source[at++]
          if (inner === undefined) return fail('unexpected end of file (Unix shell quoting issues?)')
          if (inner === '"') string()
          else if (inner === '(') depth++
          else if (inner === ')') depth--
        }
        parts.push(text, parseJq(source.slice(start, at - 1)))
        text = ''
      } else if (letter === 'u') {
        text += String.fromCharCode(Number.parseInt(source.slice(at, at + 4), 16))
        at += 4
      } else {
        const plain = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '\\': '\\', '/': '/', '"': '"' }[letter]
        text += plain ?? fail(`invalid escape at \\${letter}`)
      }
    }
    parts.push(text)
    return parts
  }
  while (at < source.length) {
    const rest = source.slice(at)
    const blank = /^(?:\s+|#[^\n]*)/.exec(rest)
    if (blank) {
      at += blank[0].length
      continue
    }
    if (rest[0] === '"') {
      at++
      tokens.push({ kind: 'string', text: '"', parts: string() })
      continue
    }
    const match =
      (/^\.[A-Za-z_]\w*/.exec(rest) && (['field', /^\.([A-Za-z_]\w*)/.exec(rest)] as const)) ||
      (/^\$[A-Za-z_]/.test(rest) && (['variable', /^\$([A-Za-z_]\w*)/.exec(rest)] as const)) ||
      (/^@[a-z]/.test(rest) && (['format', /^(@[a-z0-9]+)/.exec(rest)] as const)) ||
      (/^(?:\d|\.\d)/.test(rest) && (['number', /^((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/.exec(rest)] as const)) ||
      (/^[A-Za-z_]/.test(rest) && (['name', /^([A-Za-z_]\w*(?:::\w+)*)/.exec(rest)] as const))
    if (match) {
      const found = match[1] as RegExpExecArray
      tokens.push({ kind: match[0], text: found[1] as string })
      at += found[0].length
      continue
    }
    const operator = operators.find((candidate) => rest.startsWith(candidate))
    if (!operator) return fail(`unexpected INVALID_CHARACTER '${rest[0]}'`)
    tokens.push({ kind: 'op', text: operator })
    at += operator.length
  }
  tokens.push({ kind: 'end', text: 'end of file' })
  return tokens
}

const levels: readonly (readonly string[])[] = [
  ['//'],
  ['=', '|=', '+=', '-=', '*=', '/=', '%=', '//='],
  ['or'],
  ['and'],
  ['==', '!=', '<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
]

/** Parses a jq 1.7 filter. Throws `ToolError` with status 3; modules, labels and SQL-style operators are refused by name. */
export function parseJq(source: string): Filter {
  const tokens = tokenize(source)
  let at = 0
  const peek = () => tokens[at] as Token
  const is = (text: string) => peek().text === text && (peek().kind === 'op' || peek().kind === 'name')
  const take = () => tokens[at++] as Token
  const fail = (): never => {
    throw new ToolError(
      `error: syntax error, unexpected ${peek().kind === 'end' ? 'end of file' : `'${peek().text}'`} (Unix shell quoting issues?) at <top-level>:\n${source}`,
      3,
    )
  }
  const accept = (text: string) => is(text) && take() !== undefined
  const expect = (text: string) => (is(text) ? take() : fail())

  const pipe = (): Filter => {
    if (accept('def')) {
      const name = take().text
      const parameters: string[] = []
      if (accept('(')) {
        do parameters.push(peek().kind === 'variable' ? `$${take().text}` : take().text)
        while (accept(';'))
        expect(')')
      }
      expect(':')
      const body = pipe()
      expect(';')
      return { kind: 'define', name, parameters, body, rest: pipe() }
    }
    const left = comma()
    if (accept('as')) {
      const target = pattern()
      if (is('?//')) throw new ToolError('error: the ?// operator is not supported by this jq', 3)
      expect('|')
      return { kind: 'bind', source: left, pattern: target, body: pipe() }
    }
    return accept('|') ? { kind: 'pipe', left, right: pipe() } : left
  }
  const comma = (): Filter => {
    let left = binary(0)
    while (accept(',')) left = { kind: 'comma', left, right: binary(0) }
    return left
  }
  const binary = (level: number): Filter => {
    const operatorsAt = levels[level]
    if (!operatorsAt) return unary()
    let left = binary(level + 1)
    while (operatorsAt.includes(peek().text) && (peek().kind === 'op' || peek().kind === 'name')) {
      const operator = take().text
      // `//` and assignment lean to the right, comparisons do not chain.
      if (level === 0) return { kind: 'operator', operator, left, right: binary(0) }
      if (level === 1) return { kind: 'assign', operator, left, right: binary(0) }
      left = { kind: 'operator', operator, left, right: binary(level + 1) }
    }
    return left
  }
  const unary = (): Filter => {
    if (accept('-')) return { kind: 'negate', operand: postfix() }
    if (accept('try')) {
      const body = postfix()
      return { kind: 'try', body, handler: accept('catch') ? postfix() : undefined }
    }
    return postfix()
  }
  const pattern = (): Pattern => {
    if (peek().kind === 'variable') return { kind: 'name', name: take().text }
    if (accept('[')) {
      const items: Pattern[] = []
      do items.push(pattern())
      while (accept(','))
      expect(']')
      return { kind: 'array', items }
    }
    expect('{')
    const entries: [Filter, Pattern][] = []
    do {
      if (peek().kind === 'variable') {
        const name = take().text
        entries.push([
          { kind: 'literal', value: name },
          { kind: 'name', name },
        ])
      } else {
        const key = keyOf()
        expect(':')
        entries.push([key, pattern()])
      }
    } while (accept(','))
    expect('}')
    return { kind: 'object', entries }
  }
  const keyOf = (): Filter => {
    if (is('(')) {
      take()
      const key = pipe()
      expect(')')
      return key
    }
    const token = take()
    if (token.kind === 'string') return stringFilter(token, undefined)
    if (token.kind === 'name' || token.kind === 'number') return { kind: 'literal', value: token.text }
    at--
    return fail()
  }
  const stringFilter = (token: Token, format: string | undefined): Filter => {
    const parts = token.parts ?? []
    return parts.length === 1 ? { kind: 'literal', value: parts[0] as string } : { kind: 'string', format, parts }
  }
  const postfix = (): Filter => {
    let filter = primary()
    for (;;) {
      if (peek().kind === 'field') filter = { kind: 'field', target: filter, name: { kind: 'literal', value: take().text } }
      else if (is('.') && (tokens[at + 1]?.kind === 'string' || tokens[at + 1]?.text === '[')) {
        take()
        if (peek().kind === 'string') filter = { kind: 'field', target: filter, name: stringFilter(take(), undefined) }
      } else if (is('[')) filter = bracket(filter)
      else if (accept('?')) filter = { kind: 'try', body: filter, handler: undefined }
      else if (is('as') && filter.kind !== 'identity') {
        take()
        const target = pattern()
        expect('|')
        return { kind: 'bind', source: filter, pattern: target, body: pipe() }
      } else return filter
    }
  }
  const bracket = (target: Filter): Filter => {
    expect('[')
    if (accept(']')) return { kind: 'iterate', target }
    if (accept(':')) {
      const to = pipe()
      expect(']')
      return { kind: 'slice', target, from: undefined, to }
    }
    const index = pipe()
    if (accept(':')) {
      const to = is(']') ? undefined : pipe()
      expect(']')
      return { kind: 'slice', target, from: index, to }
    }
    expect(']')
    return { kind: 'field', target, name: index }
  }
  const primary = (): Filter => {
    const token = take()
    switch (token.kind) {
      case 'number':
        return { kind: 'literal', value: Number(token.text) }
      case 'string':
        return stringFilter(token, undefined)
      case 'format':
        return peek().kind === 'string' ? stringFilter(take(), token.text) : { kind: 'format', name: token.text }
      case 'field':
        return { kind: 'field', target: { kind: 'identity' }, name: { kind: 'literal', value: token.text } }
      case 'variable':
        return { kind: 'variable', name: token.text }
      case 'op':
        return punctuation(token)
      case 'name':
        return named(token)
      default:
        at--
        return fail()
    }
  }
  const punctuation = (token: Token): Filter => {
    switch (token.text) {
      case '.':
        if (peek().kind === 'string') return { kind: 'field', target: { kind: 'identity' }, name: stringFilter(take(), undefined) }
        return { kind: 'identity' }
      case '..':
        return { kind: 'recurse' }
      case '(': {
        const inner = pipe()
        expect(')')
        return inner
      }
      case '[': {
        if (accept(']')) return { kind: 'array', body: undefined }
        const body = pipe()
        expect(']')
        return { kind: 'array', body }
      }
      case '{':
        return object()
      default:
        at--
        return fail()
    }
  }
  const object = (): Filter => {
    const entries: [Filter, Filter][] = []
    while (!accept('}')) {
      if (peek().kind === 'variable') {
        const { text } = take()
        entries.push([
          { kind: 'literal', value: text },
          { kind: 'variable', name: text },
        ])
      } else if (peek().kind === 'format') {
        const { text } = take()
        entries.push([
          { kind: 'literal', value: text },
          { kind: 'format', name: text },
        ])
      } else {
        const key = keyOf()
        if (accept(':')) {
          let value = binaryWithoutComma()
          while (accept('|')) value = { kind: 'pipe', left: value, right: binaryWithoutComma() }
          entries.push([key, value])
        } else entries.push([key, { kind: 'field', target: { kind: 'identity' }, name: key }])
      }
      if (!is('}')) expect(',')
    }
    return { kind: 'object', entries }
  }
  const binaryWithoutComma = () => binary(0)
  const named = (token: Token): Filter => {
    switch (token.text) {
      case 'null':
        return { kind: 'literal', value: null }
      case 'true':
        return { kind: 'literal', value: true }
      case 'false':
        return { kind: 'literal', value: false }
      case 'if':
        return conditional()
      case 'reduce':
      case 'foreach': {
        const source = postfixWithoutAs()
        expect('as')
        const target = pattern()
        expect('(')
        const start = pipe()
        expect(';')
        const update = pipe()
        const extract = token.text === 'foreach' && accept(';') ? pipe() : undefined
        expect(')')
        return token.text === 'reduce'
          ? { kind: 'reduce', source, pattern: target, start, update }
          : { kind: 'foreach', source, pattern: target, start, update, extract }
      }
      case 'label':
      case 'import':
      case 'include':
      case '__loc__':
        throw new ToolError(`error: \`${token.text}' is not supported by this jq`, 3)
    }
    if (keywords.has(token.text)) {
      at--
      return fail()
    }
    const args: Filter[] = []
    if (accept('(')) {
      do args.push(pipe())
      while (accept(';'))
      expect(')')
    }
    return { kind: 'call', name: token.text, arguments: args }
  }
  const postfixWithoutAs = (): Filter => {
    let filter = primary()
    for (;;) {
      if (peek().kind === 'field') filter = { kind: 'field', target: filter, name: { kind: 'literal', value: take().text } }
      else if (is('[')) filter = bracket(filter)
      else if (accept('?')) filter = { kind: 'try', body: filter, handler: undefined }
      else return filter
    }
  }
  const conditional = (): Filter => {
    const test = pipe()
    expect('then')
    const yes = pipe()
    if (accept('elif')) return { kind: 'if', test, yes, no: conditional() }
    const no = accept('else') ? pipe() : undefined
    expect('end')
    return { kind: 'if', test, yes, no }
  }
  const filter = peek().kind === 'end' ? ({ kind: 'identity' } as const) : pipe()
  if (peek().kind !== 'end') fail()
  return filter
}
