import { bracketExpression } from './pattern.ts'

/** A pattern that is no regular expression; the message is what GNU's tools print. */
export class RegExpError extends Error {}

/** A POSIX extended regular expression (XBD 9.4) as a JavaScript one. Throws `RegExpError`. */
export function extendedRegExp(source: string, flags = ''): RegExp {
  return compile(translate(source, true), flags)
}

/** A POSIX basic regular expression (XBD 9.3) with GNU's `\+`, `\?` and `\|`. Throws `RegExpError`. */
export function basicRegExp(source: string, flags = ''): RegExp {
  return compile(translate(source, false), flags)
}

function compile(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags)
  } catch {
    throw new RegExpError(unbalanced(source))
  }
}

function unbalanced(source: string): string {
  const plain = source.replace(/\\./g, '').replace(/\[[^\]]*\]/g, '')
  if ((plain.match(/\(/g)?.length ?? 0) > (plain.match(/\)/g)?.length ?? 0)) return 'Unmatched ( or \\('
  if ((plain.match(/\)/g)?.length ?? 0) > (plain.match(/\(/g)?.length ?? 0)) return 'Unmatched ) or \\)'
  return 'Invalid preceding regular expression'
}

function translate(source: string, extended: boolean): string {
  let out = ''
  /** Nothing stands before it that could be repeated: a `*` is then itself. */
  let start = true
  for (let index = 0; index < source.length; ) {
    const char = source[index] as string
    if (char === '[') {
      const bracket = bracketExpression(source, index, false)
      if (!bracket) throw new RegExpError('Unmatched [, [^, [:, [., or [=')
      out += bracket.source
      index = bracket.end
      start = false
      continue
    }
    if (char === '\\') {
      const next = source[index + 1]
      if (next === undefined) throw new RegExpError('Trailing backslash')
      index += 2
      out += escaped(next, extended)
      start = !extended && (next === '(' || next === '|')
      continue
    }
    index++
    if (!extended) {
      const anchored: boolean =
        (char === '^' && start) || (char === '$' && (index === source.length || /^\\[)|]/.test(source.slice(index, index + 2))))
      if (char === '*' && start) out += '\\*'
      else if (char === '^' || char === '$') out += anchored ? char : `\\${char}`
      else out += '(){}+?|'.includes(char) ? `\\${char}` : char
      start = anchored && char === '^'
      continue
    }
    if ('*+?'.includes(char) && start) out += char === '*' ? '' : `\\${char}`
    else if (char === '{' && !/^\{\d*,?\d*\}/.test(source.slice(index - 1))) out += '\\{'
    else if (char === '}' && !/\{\d*,?\d*$/.test(source.slice(0, index - 1))) out += '\\}'
    else if (char === '{' && source[index] === ',') out += '{0'
    else out += char
    start = char === '(' || char === '|' || (char === '^' && start)
  }
  return out
}

function escaped(next: string, extended: boolean): string {
  if (!extended && '(){}+?|'.includes(next)) return next
  switch (next) {
    case '<':
      return '\\b(?=\\w)'
    case '>':
      return '\\b(?<=\\w)'
    case '`':
      return '(?<![^])'
    case "'":
      return '(?![^])'
    default:
      if (/[wWsSbBnt]/.test(next)) return `\\${next}`
      if (/[1-9]/.test(next)) return `(?:\\${next})`
      return /[A-Za-z]/.test(next) ? next : `\\${next}`
  }
}
