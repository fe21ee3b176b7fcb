import { resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import { escapeRegExp, patternRegExp } from '../posix/pattern.ts'
import { extendedRegExp } from '../posix/regexp.ts'
import { evaluateArithmetic } from './arithmetic.ts'
import { arithmeticVariables, expandParts, expandToPattern, expandToString } from './expansion.ts'
import type { Shell } from './state.ts'
import { ShellError } from './state.ts'
import type { Condition, Word } from './syntax.ts'

/** bash's `[[ … ]]`. */
export async function evaluateCondition(shell: Shell, condition: Condition): Promise<boolean> {
  switch (condition.kind) {
    case 'not':
      return !(await evaluateCondition(shell, condition.condition))
    case 'and':
      return (await evaluateCondition(shell, condition.left)) && evaluateCondition(shell, condition.right)
    case 'or':
      return (await evaluateCondition(shell, condition.left)) || evaluateCondition(shell, condition.right)
    case 'word':
      return (await expandToString(shell, condition.word)) !== ''
    case 'unary': {
      const operand = await expandToString(shell, condition.operand)
      if (condition.operator === '-v') return shell.get(operand) !== undefined
      return unaryTest(shell.process, shell.cwd, condition.operator, operand, (descriptor) => isTerminal(shell, descriptor))
    }
    case 'binary': {
      const left = await expandToString(shell, condition.left)
      const { operator } = condition
      if (operator === '=~') return matchRegExp(shell, left, condition.right)
      if (operator === '=' || operator === '==' || operator === '!=') {
        return patternRegExp(await expandToPattern(shell, condition.right)).test(left) === (operator !== '!=')
      }
      const right = await expandToString(shell, condition.right)
      if (operator === '<') return left < right
      if (operator === '>') return left > right
      const number = (text: string) =>
        /^-[a-z]{2}$/.test(operator) && !/^-(nt|ot|ef)$/.test(operator) ? `${evaluateArithmetic(text, arithmeticVariables(shell))}` : text
      return binaryTest(shell.process, shell.cwd, operator, number(left), number(right))
    }
  }
}

async function matchRegExp(shell: Shell, subject: string, pattern: Word): Promise<boolean> {
  const pieces = await expandParts(shell, pattern.parts, true)
  const source = pieces.map((piece) => (piece === 'boundary' ? ' ' : piece.quoted ? escapeRegExp(piece.text) : piece.text)).join('')
  const match = extendedRegExp(source).exec(subject)
  const elements = new Map((match ?? []).map((text, index) => [`${index}`, text ?? ''] as const))
  shell.variables.set('BASH_REMATCH', { value: match?.[0], elements })
  return match !== null
}

export function isTerminal(shell: Shell, descriptor: number): boolean {
  const inherited = shell.descriptors.get(descriptor)?.inherited
  return inherited !== undefined && shell.process.isTerminal(inherited)
}

/** A unary primary of `test`. Throws `ShellError` where the operator is unknown. */
export function unaryTest(
  process: Process,
  cwd: string,
  operator: string,
  operand: string,
  terminal: (descriptor: number) => boolean,
): boolean {
  const path = resolvePath(cwd, operand)
  const stat = () => (operand !== '' && process.files.exists(path) ? process.files.stat(path) : undefined)
  switch (operator) {
    case '-n':
      return operand !== ''
    case '-z':
      return operand === ''
    case '-a':
    case '-e':
      return stat() !== undefined
    case '-f':
      return stat()?.directory === false
    case '-d':
      return stat()?.directory === true
    case '-s':
      return (stat()?.size ?? 0) > 0
    case '-r':
      return ((stat()?.mode ?? 0) & 0o444) !== 0
    case '-w':
      return ((stat()?.mode ?? 0) & 0o222) !== 0
    case '-x':
      return ((stat()?.mode ?? 0) & 0o111) !== 0
    case '-t':
      return terminal(Number(operand))
    // Links, devices, pipes and sockets do not exist in this file system.
    case '-L':
    case '-h':
    case '-b':
    case '-c':
    case '-p':
    case '-S':
    case '-g':
    case '-k':
    case '-u':
      return operator === '-c' && /^\/dev\/(null|tty|zero)$/.test(path)
    default:
      throw new ShellError(`${operator}: unary operator expected`, 2, false)
  }
}

/** A binary primary of `test`. Throws `ShellError` where the operator is unknown or an operand no number. */
export function binaryTest(process: Process, cwd: string, operator: string, left: string, right: string): boolean {
  const number = (text: string): number => {
    if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new ShellError(`${text}: integer expression expected`, 2, false)
    return Number(text)
  }
  const modified = (name: string) => {
    const path = resolvePath(cwd, name)
    return process.files.exists(path) ? process.files.stat(path).modified : Number.NEGATIVE_INFINITY
  }
  switch (operator) {
    case '=':
    case '==':
      return left === right
    case '!=':
      return left !== right
    case '<':
      return left < right
    case '>':
      return left > right
    case '-eq':
      return number(left) === number(right)
    case '-ne':
      return number(left) !== number(right)
    case '-lt':
      return number(left) < number(right)
    case '-le':
      return number(left) <= number(right)
    case '-gt':
      return number(left) > number(right)
    case '-ge':
      return number(left) >= number(right)
    case '-nt':
      return modified(left) > modified(right)
    case '-ot':
      return modified(left) < modified(right)
    case '-ef':
      return resolvePath(cwd, left) === resolvePath(cwd, right)
    default:
      throw new ShellError(`${operator}: binary operator expected`, 2, false)
  }
}
