import type { Process } from '../../../simulator/programs/process.ts'
import { binaryTest, unaryTest } from '../condition.ts'
import { ShellError } from '../state.ts'

/** `test` and `[` (POSIX XCU test): by the number of operands, then by precedence for longer ones. Throws `ShellError`. */
export function evaluateTest(
  argv: readonly string[],
  process: Process,
  cwd: string,
  terminal: (descriptor: number) => boolean,
  variable: (name: string) => string | undefined,
): boolean {
  const words = argv.slice(1)
  if (argv[0]?.endsWith('[')) {
    if (words.pop() !== ']') throw new ShellError("missing `]'", 2, false)
  }
  const unary = (operator: string, operand: string) =>
    operator === '-v' ? variable(operand) !== undefined : unaryTest(process, cwd, operator, operand, terminal)
  const isUnary = (word: string | undefined) => word !== undefined && /^-[a-zA-Z]$/.test(word)
  const isBinary = (word: string | undefined) => word !== undefined && /^(=|==|!=|<|>|-eq|-ne|-lt|-le|-gt|-ge|-nt|-ot|-ef)$/.test(word)
  let at = 0
  const or = (): boolean => {
    let value = and()
    while (words[at] === '-o') {
      at++
      value = and() || value
    }
    return value
  }
  const and = (): boolean => {
    let value = term()
    while (words[at] === '-a') {
      at++
      value = term() && value
    }
    return value
  }
  const term = (): boolean => {
    const word = words[at]
    if (word === undefined) throw new ShellError('argument expected', 2, false)
    if (isBinary(words[at + 1]) && words[at + 2] !== undefined) {
      at += 3
      return binaryTest(process, cwd, words[at - 2] as string, word, words[at - 1] as string)
    }
    if (word === '!') {
      at++
      return at < words.length ? !term() : true
    }
    if (word === '(' && words.length > at + 1) {
      at++
      const value = or()
      if (words[at++] !== ')') throw new ShellError("`)' expected", 2, false)
      return value
    }
    if (isUnary(word) && words[at + 1] !== undefined) {
      at += 2
      return unary(word, words[at - 1] as string)
    }
    at++
    return word !== ''
  }
  if (words.length === 0) return false
  if (words.length === 1) return words[0] !== ''
  if (words.length === 2 && words[0] !== '!' && !isUnary(words[0])) throw new ShellError(`${words[0]}: unary operator expected`, 2, false)
  if (words.length === 3 && !isBinary(words[1]) && words[0] !== '!' && words[0] !== '(' && words[1] !== '-a' && words[1] !== '-o') {
    throw new ShellError(`${words[1]}: binary operator expected`, 2, false)
  }
  const value = or()
  if (at < words.length) throw new ShellError('too many arguments', 2, false)
  return value
}
