/** A line of a Corefile: a directive with its arguments and, where it opens a brace, the lines within. */
export interface Directive {
  readonly name: string
  readonly args: readonly string[]
  readonly block: readonly Directive[]
  readonly line: number
}

export interface ServerBlock {
  /** `.:53`, `example.org:1053`: zones and port. */
  readonly keys: readonly string[]
  readonly directives: readonly Directive[]
}

/** A mistake in a Corefile; the message is CoreDNS's own, `FILE:LINE - Error during parsing: …`. */
export class CorefileError extends Error {}

export function parsingError(file: string, line: number, message: string): CorefileError {
  return new CorefileError(`${file}:${line} - Error during parsing: ${message}`)
}

/** As ArgErr of CoreDNS's Caddyfile dispenser: names the last word before the line ended. */
export function argumentError(file: string, directive: Directive): CorefileError {
  const last = directive.args.at(-1) ?? directive.name
  return parsingError(file, directive.line, `Wrong argument count or unexpected line ending after '${last}'`)
}

interface Token {
  readonly text: string
  readonly line: number
}

/** The text with `{$NAME}` and `{%NAME%}` filled in. */
export function withEnvironment(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\{\$([^}]+)\}|\{%([^%]+)%\}/g, (_, a, b) => env[a ?? b] ?? '')
}

/**
 * Reads a Corefile as CoreDNS's Caddyfile parser does: words separated by white space, double quotes, # comments, braces that open at the
 * end of a line. `known` tells which directives exist. Throws CorefileError.
 */
export function parseCorefile(file: string, text: string, known: (directive: string) => boolean): ServerBlock[] {
  const tokens = tokenize(text)
  const blocks: ServerBlock[] = []
  let at = 0
  const lastLine = tokens.at(-1)?.line ?? 1

  while (at < tokens.length) {
    const keys: string[] = []
    let opened = false
    while (at < tokens.length) {
      const token = tokens[at] as Token
      if (token.text === '{') {
        opened = true
        at++
        break
      }
      if (token.text.endsWith('{') && token.text !== '{') {
        throw parsingError(
          file,
          token.line,
          `Site addresses cannot end with a curly brace: '${token.text}' - put a space between the token and the brace`,
        )
      }
      // Without braces the whole file is one server: its keys end with the first line.
      if (keys.length > 0 && token.line !== (tokens[at - 1] as Token).line && !(tokens[at - 1] as Token).text.endsWith(',')) break
      const key = token.text.replace(/,$/, '')
      if (key) keys.push(key)
      at++
    }
    if (opened && keys.length === 0) throw syntaxError(file, tokens[at - 1] as Token, 'a server address')
    const directives = lines(opened ? 'block' : 'file')
    blocks.push({ keys, directives })
  }
  return blocks

  /** The directives up to the closing brace (which is consumed) or, for a file without braces, to its end. */
  function lines(within: 'block' | 'file'): Directive[] {
    const found: Directive[] = []
    for (;;) {
      const token = tokens[at]
      if (!token) {
        if (within === 'file') return found
        throw parsingError(file, lastLine, 'Unexpected EOF')
      }
      if (token.text === '}') {
        if (within === 'file') throw parsingError(file, token.line, "Unexpected '}' because no matching opening brace")
        at++
        return found
      }
      if (token.text === '{') throw syntaxError(file, token, 'a directive')
      if (!known(token.text)) throw parsingError(file, token.line, `Unknown directive '${token.text}'`)
      found.push(directive())
    }
  }

  function directive(): Directive {
    const { text: name, line } = tokens[at++] as Token
    const args: string[] = []
    let block: Directive[] = []
    let current = line
    while (at < tokens.length) {
      const token = tokens[at] as Token
      if (token.line !== current) break
      if (token.text === '}') break
      if (token.text === '{') {
        at++
        block = nested()
        break
      }
      args.push(token.text)
      current = token.line
      at++
    }
    return { name, args, block, line }
  }

  function nested(): Directive[] {
    const found: Directive[] = []
    for (;;) {
      const token = tokens[at]
      if (!token) throw parsingError(file, lastLine, 'Unexpected EOF')
      if (token.text === '}') {
        at++
        return found
      }
      found.push(directive())
    }
  }
}

function syntaxError(file: string, token: Token, expected: string): CorefileError {
  return new CorefileError(`${file}:${token.line} - Syntax error: Unexpected token '${token.text}', expecting '${expected}'`)
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  let word: string | undefined
  let wordLine = 1
  let quoted = false
  let comment = false
  const flush = () => {
    if (word !== undefined) tokens.push({ text: word, line: wordLine })
    word = undefined
  }
  for (let index = 0; index < text.length; index++) {
    const character = text[index] as string
    if (comment) {
      if (character === '\n') comment = false
      else continue
    }
    if (quoted) {
      if (character === '\\' && text[index + 1] === '"') {
        word += '"'
        index++
      } else if (character === '"') {
        quoted = false
        flush()
      } else {
        if (character === '\n') line++
        word += character
      }
      continue
    }
    if (/\s/.test(character)) {
      flush()
      if (character === '\n') line++
      continue
    }
    if (word === undefined) {
      if (character === '#') {
        comment = true
        continue
      }
      wordLine = line
      if (character === '"') {
        word = ''
        quoted = true
        continue
      }
      word = ''
    }
    word += character
  }
  flush()
  return tokens
}
