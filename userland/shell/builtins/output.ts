import { resolvePath } from '../../../simulator/files.ts'
import { formatPrintf } from '../../posix/printf.ts'
import { isTerminal } from '../condition.ts'
import { unescapeAnsi } from '../lexer.ts'
import type { Shell } from '../state.ts'
import { ShellError } from '../state.ts'
import type { Builtin } from './builtin.ts'
import { letters } from './builtin.ts'
import { evaluateTest } from './test.ts'

/** What `echo` prints for its operands. */
export function echoText(operands: readonly string[]): string {
  let newline = true
  let escapes = false
  let index = 0
  for (; /^-[neE]+$/.test(operands[index] ?? ''); index++) {
    for (const letter of (operands[index] as string).slice(1)) {
      if (letter === 'n') newline = false
      else escapes = letter === 'e'
    }
  }
  let text = operands.slice(index).join(' ')
  if (escapes) {
    const stop = text.search(/(?<!\\)(?:\\\\)*\\c/)
    if (stop >= 0) {
      text = text.slice(0, text.indexOf('\\c', stop))
      newline = false
    }
    text = unescapeAnsi(text)
  }
  return newline ? `${text}\n` : text
}

async function printf(shell: Shell, argv: readonly string[]): Promise<number> {
  let operands = argv.slice(1)
  let variable: string | undefined
  if (operands[0] === '-v') {
    variable = operands[1]
    operands = operands.slice(2)
  }
  if (operands[0] === '--') operands = operands.slice(1)
  if (operands[0] === undefined) throw new ShellError('printf: usage: printf [-v var] format [arguments]', 2, false)
  const { text, errors } = formatPrintf(operands[0], operands.slice(1))
  if (variable === undefined) await shell.out(text)
  else shell.set(variable, text)
  for (const error of errors) await shell.complain(`printf: ${error}`)
  return errors.length > 0 ? 1 : 0
}

async function test(shell: Shell, argv: readonly string[]): Promise<number> {
  try {
    return evaluateTest(
      argv,
      shell.process,
      shell.cwd,
      (descriptor) => isTerminal(shell, descriptor),
      (name) => shell.get(name),
    )
      ? 0
      : 1
  } catch (error) {
    if (!(error instanceof ShellError)) throw error
    await shell.complain(`${argv[0]}: ${error.message}`)
    return 2
  }
}

async function cd(shell: Shell, argv: readonly string[]): Promise<number> {
  const { rest } = letters(argv, 'LPe')
  if (rest.length > 1) throw new ShellError('cd: too many arguments', 1, false)
  let target = rest[0] ?? shell.get('HOME')
  if (target === undefined) throw new ShellError('cd: HOME not set', 1, false)
  const back = target === '-'
  if (back) target = shell.get('OLDPWD')
  if (target === undefined) throw new ShellError('cd: OLDPWD not set', 1, false)
  const path = resolvePath(shell.cwd, target)
  const { files } = shell.process
  if (!files.exists(path))
    throw new ShellError(
      shell.dialect === 'bash' ? `cd: ${target}: No such file or directory` : `cd: can't cd to ${target}: No such file or directory`,
      1,
      false,
    )
  if (!files.stat(path).directory)
    throw new ShellError(
      shell.dialect === 'bash' ? `cd: ${target}: Not a directory` : `cd: can't cd to ${target}: Not a directory`,
      1,
      false,
    )
  shell.set('OLDPWD', shell.cwd, { exported: true })
  shell.cwd = path
  shell.set('PWD', path, { exported: true })
  if (shell.subshell === 0) shell.process.cwd = path
  if (back) await shell.out(`${path}\n`)
  return 0
}

export const outputBuiltins: Record<string, Builtin> = {
  echo: {
    run: async (shell, argv) => {
      await shell.out(echoText(argv.slice(1)))
      return 0
    },
  },
  printf: { run: printf },
  test: { run: test },
  '[': { run: test },
  cd: { run: cd },
  pwd: {
    run: async (shell) => {
      await shell.out(`${shell.cwd}\n`)
      return 0
    },
  },
}
