import type { Lexer } from './lexer.ts'
import type { Parameter, Word } from './syntax.ts'

const operators = [
  ...[':-', ':=', ':?', ':+', '-', '=', '?', '+', '##', '#', '%%', '%'],
  ...['//', '/#', '/%', '/', '^^', '^', ',,', ',', ':'],
]

/** What stands in `${ }`, with the lexer after the brace; the closing brace is consumed. POSIX 2.6.2 and bash's additions. */
export function parseParameter(lexer: Lexer, quoted: boolean): Parameter {
  const start = lexer.position
  const bad = (): never => {
    const end = lexer.source.indexOf('}', lexer.position)
    lexer.position = end < 0 ? lexer.source.length : end + 1
    lexer.fail(`\${${lexer.source.slice(start, lexer.position)}: bad substitution`)
  }
  let length = false
  let indirect = false
  if (lexer.char() === '#' && lexer.char(1) !== '}' && !/^#[-=?+:#%/]/.test(lexer.source.slice(lexer.position, lexer.position + 2))) {
    length = true
    lexer.position++
  } else if (lexer.char() === '!' && /[A-Za-z_]/.test(lexer.char(1))) {
    indirect = true
    lexer.position++
  }
  const name = /^(?:[A-Za-z_]\w*|\d+|[@*#?$!-])/.exec(lexer.source.slice(lexer.position, lexer.position + 256))?.[0]
  if (lexer.char() === '') lexer.unexpectedEnd('}')
  if (!name) return bad()
  lexer.position += name.length
  let index: Word | undefined
  if (lexer.char() === '[') {
    lexer.position++
    index = lexer.textUntil(']', false)
    lexer.position++
  }
  if (lexer.char() === '}') {
    lexer.position++
    return { name, index, length, indirect }
  }
  if (lexer.char() === '') lexer.unexpectedEnd('}')
  if (length) return bad()
  const operator = operators.find((candidate) => lexer.startsWith(candidate))
  if (!operator) return bad()
  lexer.position += operator.length
  let argument: Word
  let second: Word | undefined
  if (operator === ':') {
    argument = lexer.textUntil(':}', quoted)
    if (lexer.char() === ':') {
      lexer.position++
      second = lexer.textUntil('}', quoted)
    }
  } else if (operator.startsWith('/')) {
    argument = lexer.textUntil('/}', false)
    if (lexer.char() === '/') {
      lexer.position++
      second = lexer.textUntil('}', quoted)
    }
  } else {
    // Patterns keep their own quoting even within double quotes.
    argument = lexer.textUntil('}', quoted && !/[#%^,]/.test(operator))
  }
  lexer.position++
  return { name, index, operator, argument, second, indirect }
}
