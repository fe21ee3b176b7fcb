const classes: Record<string, string> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  print: '\\x20-\\x7e',
  graph: '\\x21-\\x7e',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9A-Fa-f',
}

/** A POSIX bracket expression that starts at `text[at] === '['`, as the source of a JavaScript class; undefined where none closes. */
export function bracketExpression(text: string, at: number, backslashQuotes: boolean): { source: string; end: number } | undefined {
  let index = at + 1
  let source = '['
  if (text[index] === '!' || text[index] === '^') {
    source += '^'
    index++
  }
  for (let first = true; ; first = false) {
    const char = text[index]
    if (char === undefined) return undefined
    if (char === ']' && !first) return { source: `${source}]`, end: index + 1 }
    const named = /^\[:(\w+):\]/.exec(text.slice(index, index + 12))
    if (named) {
      source += classes[named[1] as string] ?? ''
      index += named[0].length
      continue
    }
    if (char === '\\' && backslashQuotes) {
      index++
      source += escapeInClass(text[index] ?? '\\')
    } else source += char === '-' ? '-' : escapeInClass(char)
    index++
  }
}

function escapeInClass(char: string): string {
  return /[\\\]^[-]/.test(char) ? `\\${char}` : char
}

export function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

/** The source of a regular expression for a shell pattern (POSIX XCU 2.14): `*`, `?`, `[…]`, with a backslash quoting. In paths `*` stops at `/`. */
export function patternSource(pattern: string, path = false): string {
  let source = ''
  for (let index = 0; index < pattern.length; ) {
    const char = pattern[index] as string
    if (char === '*') source += path ? '[^/]*' : '[^]*'
    else if (char === '?') source += path ? '[^/]' : '[^]'
    else if (char === '\\' && index + 1 < pattern.length) source += escapeRegExp(pattern[++index] as string)
    else if (char === '[') {
      const bracket = bracketExpression(pattern, index, true)
      if (bracket) {
        source += bracket.source
        index = bracket.end
        continue
      }
      source += '\\['
    } else source += escapeRegExp(char)
    index++
  }
  return source
}

export function patternRegExp(pattern: string, path = false): RegExp {
  return new RegExp(`^${patternSource(pattern, path)}$`, 'u')
}

/** The text with everything that a pattern would read specially quoted. */
export function quotePattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&')
}
