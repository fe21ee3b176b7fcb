import { FileError, resolvePath } from '../../simulator/files.ts'
import { programId } from '../../simulator/programs/process.ts'
import type { ByteSink } from '../../simulator/streams.ts'
import { emptySource, nullSink } from '../../simulator/streams.ts'
import type { Shell } from './state.ts'
import { signalName } from './state.ts'

/** Runs a command that is neither function nor builtin. 127 where there is none, 126 where it cannot be run. */
export async function runExternal(shell: Shell, argv: readonly string[]): Promise<number> {
  const name = argv[0] as string
  if (name.includes('/')) return runPath(shell, argv, resolvePath(shell.cwd, name))
  const path = findOnPath(shell, name)
  const script = path === undefined ? undefined : scriptInterpreter(shell, path)
  const status = script ? await start(shell, [...script, path as string, ...argv.slice(1)]) : await start(shell, argv)
  if (status !== undefined) return status
  await shell.complain(shell.dialect === 'bash' ? `${name}: command not found` : `${name}: not found`)
  return 127
}

async function runPath(shell: Shell, argv: readonly string[], path: string): Promise<number> {
  const name = argv[0] as string
  const { files } = shell.process
  const refuse = async (message: string, status: number) => {
    await shell.complain(`${name}: ${message}`)
    return status
  }
  const bash = shell.dialect === 'bash'
  if (!files.exists(path)) {
    const status = await start(shell, argv)
    return status ?? refuse(bash ? 'No such file or directory' : 'not found', 127)
  }
  const stat = files.stat(path)
  if (stat.directory) return refuse(bash ? 'Is a directory' : 'Permission denied', 126)
  if (programId(files.readText(path)) === undefined) {
    if ((stat.mode & 0o111) === 0) return refuse('Permission denied', 126)
    const interpreter = scriptInterpreter(shell, path) ?? []
    const status = await start(shell, [...interpreter, path, ...argv.slice(1)])
    return status ?? refuse(bash ? `cannot execute: required file not found` : 'not found', 127)
  }
  const status = await start(shell, [path, ...argv.slice(1)])
  return status ?? refuse('cannot execute binary file: Exec format error', 126)
}

/** The file that a bare name stands for, by PATH. */
export function findOnPath(shell: Shell, name: string): string | undefined {
  const { files } = shell.process
  for (const directory of (shell.get('PATH') ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin').split(':')) {
    const path = resolvePath(shell.cwd, `${directory || '.'}/${name}`)
    if (!files.exists(path)) continue
    const stat = files.stat(path)
    if (!stat.directory && (stat.mode & 0o111) !== 0) return path
  }
  return undefined
}

/** The command line that runs a text file: its `#!` line, or `sh`. Undefined for programs. */
function scriptInterpreter(shell: Shell, path: string): string[] | undefined {
  let text: string
  try {
    text = shell.process.files.readText(path)
  } catch (error) {
    if (error instanceof FileError) return undefined
    throw error
  }
  if (programId(text) !== undefined) return undefined
  const shebang = /^#!\s*(\S+)(?:[ \t]+(\S.*?))?\s*(?:\n|$)/.exec(text)
  if (!shebang) return ['sh']
  const interpreter = shebang[1] as string
  if (interpreter.endsWith('/env')) return (shebang[2] ?? 'sh').split(/\s+/).filter((word) => word !== '-S')
  return shebang[2] ? [interpreter, shebang[2]] : [interpreter]
}

async function start(shell: Shell, argv: readonly string[]): Promise<number | undefined> {
  const { process, descriptors } = shell
  const stdin = descriptors.get(0)
  const child = process.spawn(argv, {
    env: shell.environment(),
    cwd: shell.cwd,
    stdin: stdin?.inherited === 0 && process.isTerminal(0) ? undefined : (stdin?.source ?? emptySource),
    stdout: handOn(shell, 1),
    stderr: handOn(shell, 2),
  })
  if (!child) return undefined
  shell.started?.(child.pid)
  const kill = () => child.kill(signalName(shell.signal.reason))
  if (shell.signal.aborted) kill()
  else shell.signal.addEventListener('abort', kill, { once: true })
  try {
    return await child.exit
  } finally {
    shell.signal.removeEventListener('abort', kill)
  }
}

/** The child's 1 or 2; undefined where it is the terminal that this process has there too, so that it stays one for the child. */
function handOn(shell: Shell, number: 1 | 2): ByteSink | undefined {
  const descriptor = shell.descriptors.get(number)
  const { inherited } = descriptor ?? {}
  if (inherited === number) return undefined
  const terminal = (inherited === 1 || inherited === 2) && shell.process.isTerminal(inherited) && shell.process.isTerminal(number)
  return terminal ? undefined : (descriptor?.sink ?? nullSink)
}
