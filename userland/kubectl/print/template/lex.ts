/** What stands between `{{` and `}}`, or the text around it. `at` is the offset in the template, `line` counts from 1. */
export interface Token {
  readonly kind: 'text' | 'open' | 'close' | 'word' | 'field' | 'variable' | 'string' | 'number' | 'char' | 'sign' | 'space'
  readonly text: string
  readonly at: number
  readonly line: number
}

/** A template that is none, in the words of Go's text/template (its name is always `output`). */
export class TemplateError extends Error {
  constructor(line: number, problem: string) {
    super(`template: output:${line}: ${problem}`)
  }
}

const patterns: readonly [Token['kind'], RegExp][] = [
  ['space', /\s+/y],
  ['variable', /\$\w*/y],
  ['number', /[+-]?(?:0[xX][\da-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y],
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\.)*'/y],
  ['sign', /:=|[.|(),=]/y],
]

/** Divides a template as text/template's lexer does, trim marks and comments included. */
export function lex(template: string): Token[] {
  const tokens: Token[] = []
  const lineAt = (at: number) => template.slice(0, at).split('\n').length
  const push = (kind: Token['kind'], text: string, at: number) => tokens.push({ kind, text, at, line: lineAt(at) })
  let at = 0
  let trim = false
  while (at < template.length) {
    const open = template.indexOf('{{', at)
    const end = open < 0 ? template.length : open
    const trimmed = open >= 0 && /^\{\{-\s/.test(template.slice(open, open + 4))
    let text = template.slice(at, end)
    if (trim) text = text.trimStart()
    if (trimmed) text = text.trimEnd()
    if (text !== '') push('text', text, end - text.length)
    if (open < 0) break
    at = open + (trimmed ? 3 : 2)
    const comment = /\s*\/\*/y
    comment.lastIndex = trimmed ? at : open + 2
    if (comment.test(template) && (trimmed || template.startsWith('/*', at))) {
      const close = template.indexOf('*/', at)
      if (close < 0) throw new TemplateError(lineAt(at), 'unclosed comment')
      const tail = /^(\s-)?\}\}/.exec(template.slice(close + 2))
      if (!tail) throw new TemplateError(lineAt(at), 'comment ends before closing delimiter')
      trim = tail[1] !== undefined
      at = close + 2 + tail[0].length
      continue
    }
    push('open', '{{', open)
    const inside = lexAction(template, at, lineAt(open), push, lineAt)
    at = inside.at
    trim = inside.trim
  }
  return tokens
}

function lexAction(
  template: string,
  start: number,
  opened: number,
  push: (kind: Token['kind'], text: string, at: number) => void,
  lineAt: (at: number) => number,
): { at: number; trim: boolean } {
  let at = start
  let depth = 0
  for (;;) {
    const close = /^(\s+-)?\}\}/.exec(template.slice(at))
    if (close && (close[1] === undefined || /^\s-$/.test(close[1].slice(-2)))) {
      if (depth > 0) throw new TemplateError(lineAt(at), 'unclosed left paren')
      push('close', '}}', at)
      return { at: at + close[0].length, trim: close[1] !== undefined }
    }
    if (at >= template.length) throw new TemplateError(opened, 'unclosed action')
    const found = tokenAt(template, at)
    if (!found) throw new TemplateError(lineAt(at), problemAt(template, at))
    if (found.text === '(') depth++
    if (found.text === ')' && --depth < 0) throw new TemplateError(lineAt(at), 'unexpected right paren')
    push(found.kind, found.text, at)
    at += found.text.length
  }
}

function tokenAt(template: string, at: number): { kind: Token['kind']; text: string } | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at
    const text = pattern.exec(template)?.[0]
    if (text) return { kind, text }
  }
  return undefined
}

function problemAt(template: string, at: number): string {
  const letter = String.fromCodePoint(template.codePointAt(at) as number)
  if (letter === '"') return 'unterminated quoted string'
  if (letter === '`') return 'unterminated raw quoted string'
  if (letter === "'") return 'unterminated character constant'
  if (letter === ':') return 'expected :='
  return `unexpected ${JSON.stringify(letter)} in operand`.replace(/^unexpected "(.)" in operand$/, (_, one: string) => {
    const code = one.codePointAt(0) as number
    return `unrecognized character in action: U+${code.toString(16).toUpperCase().padStart(4, '0')} '${one}'`
  })
}
