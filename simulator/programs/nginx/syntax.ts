/** One directive of an nginx configuration, with where it stands. */
export interface Directive {
  readonly name: string
  readonly args: readonly string[]
  readonly block: readonly Directive[] | undefined
  readonly file: string
  readonly line: number
}

/** `nginx: [emerg] MESSAGE in FILE:LINE` is how nginx ends on one. */
export class NginxConfigError extends Error {
  constructor(message: string, file: string, line: number) {
    super(`${message} in ${file}:${line}`)
    this.name = 'NginxConfigError'
  }
}

interface Token {
  readonly text: string
  readonly quoted: boolean
  readonly line: number
}

/** The directives of one file, `include` not yet followed; errors as of ngx_conf_file.c. Throws NginxConfigError. */
export function parseNginx(text: string, file: string): Directive[] {
  const tokens = tokenize(text, file)
  let at = 0
  const lastLine = text.split('\n').length
  const block = (nested: boolean): Directive[] => {
    const directives: Directive[] = []
    for (;;) {
      const first = tokens[at]
      if (!first) {
        if (nested) throw new NginxConfigError('unexpected end of file, expecting "}"', file, lastLine)
        return directives
      }
      if (first.text === '}' && !first.quoted) {
        if (!nested) throw new NginxConfigError('unexpected "}"', file, first.line)
        at++
        return directives
      }
      if (isMark(first)) throw new NginxConfigError(`unexpected "${first.text}"`, file, first.line)
      directives.push(directive(first))
    }
  }
  const directive = (first: Token): Directive => {
    const args: string[] = []
    for (at++; ; at++) {
      const token = tokens[at]
      if (!token) throw new NginxConfigError('unexpected end of file, expecting ";" or "}"', file, lastLine)
      if (!isMark(token)) {
        args.push(token.text)
        continue
      }
      if (token.text === '}') throw new NginxConfigError('unexpected "}"', file, token.line)
      at++
      const inner = token.text === '{' ? block(true) : undefined
      return { name: first.text, args, block: inner, file, line: token.text === ';' ? token.line : first.line }
    }
  }
  return block(false)
}

function isMark(token: Token): boolean {
  return !token.quoted && (token.text === ';' || token.text === '{' || token.text === '}')
}

function tokenize(text: string, file: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  for (let at = 0; at < text.length; ) {
    const character = text[at] as string
    if (character === '\n') line++
    if (/\s/.test(character)) at++
    else if (character === '#') while (at < text.length && text[at] !== '\n') at++
    else if (character === ';' || character === '{' || character === '}') {
      tokens.push({ text: character, quoted: false, line })
      at++
    } else if (character === '"' || character === "'") {
      const start = line
      let value = ''
      for (at++; text[at] !== character; at++) {
        if (at >= text.length) throw new NginxConfigError('unexpected end of file, expecting ";" or "}"', file, start)
        if (text[at] === '\n') line++
        if (text[at] === '\\' && (text[at + 1] === character || text[at + 1] === '\\')) at++
        value += text[at]
      }
      at++
      tokens.push({ text: value, quoted: true, line: start })
    } else {
      let value = ''
      // `${name}` keeps its braces within a word.
      while (
        at < text.length &&
        !/[\s;]/.test(text[at] as string) &&
        !(text[at] === '{' && text[at - 1] !== '$') &&
        !(text[at] === '}' && !value.includes('${'))
      ) {
        value += text[at++]
      }
      tokens.push({ text: value, quoted: false, line })
    }
  }
  return tokens
}
