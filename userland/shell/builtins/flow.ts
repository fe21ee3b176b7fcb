import { resolvePath } from '../../../simulator/files.ts'
import { programId } from '../../../simulator/programs/process.ts'
import { execute } from '../execution.ts'
import { findOnPath, runExternal } from '../external.ts'
import { shellQuote } from '../parameters.ts'
import { Parser, parseAll } from '../parser.ts'
import type { Shell } from '../state.ts'
import { ShellError, Unwind } from '../state.ts'
import { ShellSyntaxError } from '../syntax.ts'
import { reportSyntaxError } from '../syntax-report.ts'
import type { Builtin } from './builtin.ts'
import { letters } from './builtin.ts'

const keywords = new Set('if then else elif fi case esac for while until do done in function { } ! [[ ]] time'.split(' '))

/** Parses and runs a text in the shell's own environment, line by line. Syntax errors are reported and give 2. */
export async function runText(shell: Shell, text: string, firstLine = 1, origin?: string): Promise<number> {
  const alias = (name: string) => shell.aliases.get(name)
  const parser = new Parser(text, { dialect: shell.dialect, firstLine, alias })
  let status = 0
  try {
    for (let node = parser.next(); node; node = parser.next()) status = await execute(shell, node)
    return status
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error
    await reportSyntaxError(shell, error, origin)
    shell.status = 2
    return 2
  }
}

function count(shell: Shell, argv: readonly string[], fallback: number): number {
  const text = argv[1]
  if (text === undefined) return fallback
  if (!/^-?\d+$/.test(text))
    throw new ShellError(`${argv[0]}: ${shell.dialect === 'bash' ? `${text}: numeric argument required` : `Illegal number: ${text}`}`, 2)
  return Number(text)
}

const loopControl = (kind: 'break' | 'continue'): Builtin => ({
  special: true,
  run: async (shell, argv) => {
    if (shell.loops === 0) {
      if (shell.dialect === 'bash') await shell.complain(`${kind}: only meaningful in a \`for', \`while', or \`until' loop`)
      return 0
    }
    const levels = count(shell, argv, 1)
    if (levels < 1) throw new ShellError(`${kind}: ${levels}: loop count out of range`, 1, false)
    throw new Unwind(kind, Math.min(levels, shell.loops))
  },
})

async function source(shell: Shell, argv: readonly string[]): Promise<number> {
  const name = argv[1]
  if (name === undefined) throw new ShellError(`${argv[0]}: filename argument required`, 2, false)
  const { files } = shell.process
  const path = name.includes('/') ? resolvePath(shell.cwd, name) : (findOnPath(shell, name) ?? resolvePath(shell.cwd, name))
  if (!files.exists(path))
    throw new ShellError(
      shell.dialect === 'bash' ? `${name}: No such file or directory` : `.: can't open '${name}': No such file or directory`,
      1,
      false,
    )
  if (files.stat(path).directory) throw new ShellError(`${argv[0]}: ${name}: is a directory`, 1, false)
  const before = shell.parameters
  const showed = shell.showsLines
  if (argv.length > 2) shell.parameters = argv.slice(2)
  shell.sourceDepth++
  shell.showsLines = true
  try {
    return await runText(shell, files.readText(path), 1, name)
  } catch (error) {
    if (error instanceof Unwind && error.kind === 'return') return error.count
    throw error
  } finally {
    shell.sourceDepth--
    shell.showsLines = showed
    if (argv.length > 2) shell.parameters = before
  }
}

type Table = () => ReadonlyMap<string, Builtin>

function describe(
  shell: Shell,
  table: ReadonlyMap<string, Builtin>,
  name: string,
): { kind: string; long: string; short: string } | undefined {
  const alias = shell.aliases.get(name)
  if (alias !== undefined) return { kind: 'alias', long: `${name} is aliased to \`${alias}'`, short: `alias ${name}=${shellQuote(alias)}` }
  if (keywords.has(name)) return { kind: 'keyword', long: `${name} is a shell keyword`, short: name }
  const definition = shell.functions.get(name)
  if (definition) return { kind: 'function', long: `${name} is a function\n${name} () \n${definition.source}`, short: name }
  const builtin = table.get(name)
  if (builtin && (!builtin.bashOnly || shell.dialect === 'bash'))
    return { kind: 'builtin', long: `${name} is a shell builtin`, short: name }
  const path = name.includes('/') ? resolvePath(shell.cwd, name) : findOnPath(shell, name)
  if (path === undefined || !shell.process.files.exists(path)) return undefined
  return { kind: 'file', long: `${name} is ${name.includes('/') ? name : path}`, short: name.includes('/') ? name : path }
}

const type =
  (table: Table): Builtin['run'] =>
  async (shell, argv) => {
    const { flags, rest } = letters(argv, 'tapP')
    let status = 0
    for (const name of rest) {
      const found = describe(shell, table(), name)
      if (flags.has('t')) {
        if (found) await shell.out(`${found.kind}\n`)
      } else if (flags.has('p') || flags.has('P')) {
        const path = flags.has('P') ? findOnPath(shell, name) : found?.kind === 'file' ? found.short : undefined
        if (path) await shell.out(`${path}\n`)
      } else if (found) await shell.out(`${found.long}\n`)
      else await shell.complain(shell.dialect === 'bash' ? `type: ${name}: not found` : `${name}: not found`)
      if (!found) status = 1
    }
    return status
  }

const command =
  (table: Table): Builtin['run'] =>
  async (shell, argv) => {
    const { flags, rest } = letters(argv, 'vVp')
    if (rest.length === 0) return 0
    if (flags.has('v') || flags.has('V')) {
      let status = 0
      for (const name of rest) {
        const found = describe(shell, table(), name)
        if (found) await shell.out(`${flags.has('v') ? found.short : found.long}\n`)
        else {
          status = shell.dialect === 'bash' ? 1 : 127
          if (flags.has('V')) await shell.complain(shell.dialect === 'bash' ? `command: ${name}: not found` : `${name}: not found`)
        }
      }
      return status
    }
    const builtin = table().get(rest[0] as string)
    return builtin ? builtin.run(shell, rest) : runExternal(shell, rest)
  }

async function exec(shell: Shell, argv: readonly string[]): Promise<number> {
  const path = (argv[1] as string).includes('/') ? resolvePath(shell.cwd, argv[1] as string) : findOnPath(shell, argv[1] as string)
  if (path === undefined && !shell.process.commands().includes(argv[1] as string)) {
    await shell.complain(`exec: ${argv[1]}: not found`)
    throw new Unwind('exit', 127)
  }
  // The shell's process goes on as the command's: what it returns is what the shell would have returned.
  shell.traps.delete('EXIT')
  throw new Unwind('exit', await runExternal(shell, argv.slice(1)))
}

export const flowBuiltins = (table: Table): Record<string, Builtin> => ({
  ':': { special: true, run: async () => 0 },
  true: { run: async () => 0 },
  false: { run: async () => 1 },
  break: loopControl('break'),
  continue: loopControl('continue'),
  return: {
    special: true,
    run: async (shell, argv) => {
      if (shell.functionDepth + shell.sourceDepth === 0) {
        throw new ShellError("return: can only `return' from a function or sourced script", 2, false)
      }
      throw new Unwind('return', count(shell, argv, shell.status) & 255)
    },
  },
  exit: {
    special: true,
    run: async (shell, argv) => {
      throw new Unwind('exit', count(shell, argv, shell.status) & 255)
    },
  },
  eval: {
    special: true,
    run: async (shell, argv) => {
      const text = argv.slice(argv[1] === '--' ? 2 : 1).join(' ')
      try {
        const node = parseAll(text, { dialect: shell.dialect, firstLine: shell.line, alias: (name) => shell.aliases.get(name) })
        return node.kind === 'list' && node.items.length === 0 ? 0 : await execute(shell, node)
      } catch (error) {
        if (!(error instanceof ShellSyntaxError)) throw error
        await reportSyntaxError(shell, error, 'eval')
        return 2
      }
    },
  },
  '.': { special: true, run: source },
  source: { special: true, bashOnly: false, run: source },
  exec: { special: true, run: exec },
  type: { run: type(table) },
  command: { run: command(table) },
  builtin: {
    bashOnly: true,
    run: async (shell, argv) => {
      const builtin = table().get(argv[1] ?? ':')
      if (!builtin) throw new ShellError(`builtin: ${argv[1]}: not a shell builtin`, 1, false)
      return builtin.run(shell, argv.slice(1))
    },
  },
  hash: { run: async () => 0 },
})

/** Whether a file is one of the catalogue's programs rather than text. */
export function isProgram(text: string): boolean {
  return programId(text) !== undefined
}
