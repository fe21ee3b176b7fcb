import { resolvePath } from '../../simulator/files.ts'
import type { Command, Process } from '../../simulator/programs/process.ts'
import { Signalled } from '../../simulator/programs/process.ts'
import { builtins } from './builtins/catalogue.ts'
import { isProgram, runText } from './builtins/flow.ts'
import { applyOptions } from './builtins/variables.ts'
import type { Completer } from './completion.ts'
import { standardDescriptors } from './descriptors.ts'
import { endStatus, execute, installBuiltins, runExitTrap, substitute } from './execution.ts'
import { interact } from './interactive.ts'
import { Parser } from './parser.ts'
import { Shell, ShellError } from './state.ts'
import { ShellSyntaxError } from './syntax.ts'
import { reportSyntaxError } from './syntax-report.ts'

installBuiltins(builtins)

export interface ShellConfiguration {
  /** Programmable completion by command name: `{ kubectl: completeKubectl }`. */
  completers?: Readonly<Record<string, Completer>>
}

/** The shell with the given completers. Called as `bash` it is bash, by any other name busybox's ash in its manners. */
export function createShell(configuration: ShellConfiguration = {}): Command {
  return { kind: 'command', id: 'userland/sh', run: (process) => runShell(process, configuration) }
}

export const sh: Command = createShell()

interface Invocation {
  login: boolean
  interactive: boolean
  command?: string
  fromStdin: boolean
  norc: boolean
  operands: string[]
}

async function runShell(process: Process, configuration: ShellConfiguration): Promise<number> {
  const name = process.argv[0] ?? 'sh'
  const base = name.slice(name.lastIndexOf('/') + 1).replace(/^-/, '')
  const shell = new Shell(process, base === 'bash' ? 'bash' : 'ash', standardDescriptors(process))
  shell.substitute = substitute
  importEnvironment(shell)
  let invocation: Invocation
  try {
    invocation = parseInvocation(shell, process.argv.slice(1))
    if (name.startsWith('-')) invocation.login = true
  } catch (error) {
    if (!(error instanceof ShellError)) throw error
    await shell.complain(error.message)
    return error.status
  }
  if (process.argv.includes('--version') && base === 'bash') {
    await process.stdout.write('GNU bash, version 5.2.37(1)-release (x86_64-pc-linux-gnu)\n')
    return 0
  }
  return runInvocation(shell, invocation, configuration)
}

async function runInvocation(shell: Shell, invocation: Invocation, configuration: ShellConfiguration): Promise<number> {
  const { process } = shell
  const [first, ...rest] = invocation.operands
  if (invocation.login) await runStartup(shell, ['/etc/profile', '~/.profile'])
  if (invocation.command !== undefined) {
    if (first !== undefined) shell.name = first
    shell.parameters = rest
    shell.showsLines = shell.dialect === 'bash'
    return finish(shell, () => runText(shell, invocation.command as string, 1, shell.dialect === 'bash' ? '-c' : undefined))
  }
  if (first !== undefined && !invocation.fromStdin) return runScript(shell, first, rest)
  if (invocation.fromStdin) shell.parameters = invocation.operands
  const terminal = process.terminal
  if (terminal && (invocation.interactive || (process.isTerminal(0) && process.isTerminal(2)))) {
    shell.options.interactive = true
    shell.options.monitor = true
    if (!invocation.norc && (shell.dialect === 'bash' ? !invocation.login : false)) await runStartup(shell, ['~/.bashrc'])
    return finish(shell, () => interact(shell, terminal, configuration.completers ?? {}))
  }
  return finish(shell, () => runStdin(shell))
}

/** Runs the body, then the EXIT trap; a signal that ends the process runs its trap first. */
async function finish(shell: Shell, run: () => Promise<number>): Promise<number> {
  let status: number
  try {
    status = await run()
  } catch (error) {
    const { reason } = shell.process.signal
    const action = reason instanceof Signalled ? shell.traps.get(reason.signal.slice(3)) : undefined
    if (action !== undefined && error === reason) {
      // The process's own signal stays aborted; what the trap runs gets a fresh one.
      shell.signal = new AbortController().signal
      shell.traps.delete(reason.signal.slice(3))
      shell.status = reason.exitCode
      status = await runText(shell, action).then(
        () => reason.exitCode,
        (escaped) => endStatus(shell, escaped),
      )
    } else status = await endStatus(shell, error)
  }
  shell.status = status
  return runExitTrap(shell, status)
}

async function runScript(shell: Shell, path: string, parameters: string[]): Promise<number> {
  const { files } = shell.process
  const absolute = resolvePath(shell.cwd, path)
  const refuse = async (message: string, status: number) => {
    await shell.complain(shell.dialect === 'bash' ? `${path}: ${message}` : `can't open '${path}': ${message}`)
    return status
  }
  if (!files.exists(absolute)) return refuse('No such file or directory', shell.dialect === 'bash' ? 127 : 2)
  if (files.stat(absolute).directory) return refuse('Is a directory', 126)
  const text = files.readText(absolute)
  if (isProgram(text)) return refuse('cannot execute binary file', 126)
  shell.name = path
  shell.parameters = parameters
  shell.showsLines = true
  return finish(shell, () => runText(shell, text))
}

async function runStartup(shell: Shell, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const absolute = resolvePath('/', path.replace(/^~/, shell.get('HOME') ?? '/'))
    if (!shell.process.files.exists(absolute)) continue
    await runText(shell, shell.process.files.readText(absolute), 1, path)
  }
}

/** Commands from standard input, one complete command at a time, so that they can read what stands after them. */
async function runStdin(shell: Shell): Promise<number> {
  const input = shell.descriptors.get(0)?.source
  if (!input) return 0
  shell.showsLines = shell.dialect === 'bash'
  let pending = ''
  let line = 1
  let status = 0
  const decoder = new TextDecoder()
  for (;;) {
    const bytes = await input.readUntil(10, shell.signal)
    if (bytes) pending += decoder.decode(bytes)
    if (pending === '' && !bytes) return status
    const parser = new Parser(pending, { dialect: shell.dialect, firstLine: line, alias: (name) => shell.aliases.get(name) })
    try {
      const nodes = []
      for (let node = parser.next(); node; node = parser.next()) nodes.push(node)
      line += pending.split('\n').length - 1
      pending = ''
      for (const node of nodes) status = await execute(shell, node)
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error
      if (error.incomplete && bytes) continue
      await reportSyntaxError(shell, error)
      return 2
    }
    if (!bytes) return status
  }
}

function importEnvironment(shell: Shell): void {
  const { env, cwd } = shell.process
  for (const [name, value] of Object.entries(env)) if (/^[A-Za-z_]\w*$/.test(name)) shell.variables.set(name, { value, exported: true })
  shell.variables.set('PWD', { value: cwd, exported: true })
  const defaults: Record<string, string> = { IFS: ' \t\n', OPTIND: '1', PS2: '> ', PS4: '+ ' }
  if (shell.dialect === 'bash')
    Object.assign(defaults, {
      BASH: '/bin/bash',
      BASH_VERSION: '5.2.37(1)-release',
      HOSTNAME: shell.process.hostname,
      UID: shell.process.user === 'root' ? '0' : '1000',
      EUID: shell.process.user === 'root' ? '0' : '1000',
    })
  for (const [name, value] of Object.entries(defaults))
    if (!shell.variables.has(name) || name === 'IFS') shell.variables.set(name, { value })
  if (!shell.variables.has('PATH')) shell.variables.set('PATH', { value: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' })
  const level = Number(env['SHLVL'] ?? '0')
  shell.variables.set('SHLVL', { value: `${Number.isInteger(level) ? level + 1 : 1}`, exported: true })
}

function parseInvocation(shell: Shell, words: readonly string[]): Invocation {
  const invocation: Invocation = { login: false, interactive: false, fromStdin: false, norc: false, operands: [] }
  let takesCommand = false
  let index = 0
  for (; index < words.length; index++) {
    const word = words[index] as string
    if (word === '--' || word === '-') {
      index++
      break
    }
    if (word.startsWith('--')) {
      if (word === '--login') invocation.login = true
      else if (word === '--norc' || word === '--noprofile') invocation.norc = true
      else if (word !== '--posix' && word !== '--version') throw new ShellError(`${word}: invalid option`, 2)
      continue
    }
    if (!/^[-+]./.test(word)) break
    let rest = word[0] as string
    for (const letter of word.slice(1)) {
      if (letter === 'c') takesCommand = true
      else if (letter === 'l') invocation.login = true
      else if (letter === 'i') invocation.interactive = true
      else if (letter === 's') invocation.fromStdin = true
      else rest += letter
    }
    if (rest.length > 1) {
      const argument = rest.includes('o') ? [words[++index] ?? ''] : []
      applyOptions(shell, [rest, ...argument], shell.name)
    }
  }
  invocation.operands = words.slice(index)
  if (!takesCommand) return invocation
  invocation.command = invocation.operands.shift()
  if (invocation.command === undefined) throw new ShellError('-c: option requires an argument', 2)
  return invocation
}
