import type { FileSystem } from '../../simulator/files.ts'
import { FileError, resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import type { ByteSink } from '../../simulator/streams.ts'
import { emptySource, nullSink } from '../../simulator/streams.ts'
import { Input } from '../posix/lines.ts'
import { expandToFields, expandToString } from './expansion.ts'
import type { Shell } from './state.ts'
import { ShellError } from './state.ts'
import type { Redirection } from './syntax.ts'

export interface Descriptor {
  readonly source?: Input
  readonly sink?: ByteSink
  /** Which of the process's own 0, 1, 2 this is: such a one is handed on to children as it is, so that terminals stay terminals. */
  readonly inherited?: 0 | 1 | 2
}

export type Descriptors = ReadonlyMap<number, Descriptor>

export function standardDescriptors(process: Process): Descriptors {
  return new Map<number, Descriptor>([
    [0, { source: new Input(process.stdin), inherited: 0 }],
    [1, { sink: process.stdout, inherited: 1 }],
    [2, { sink: process.stderr, inherited: 2 }],
  ])
}

export function fileSink(files: FileSystem, path: string): ByteSink {
  return {
    write: async (data) => {
      if (data.length > 0) files.append(path, data)
    },
  }
}

/** The descriptors after `redirections`, in their order. Throws `ShellError` naming the file. */
export async function redirect(shell: Shell, redirections: readonly Redirection[]): Promise<Descriptors> {
  if (redirections.length === 0) return shell.descriptors
  const before = shell.descriptors
  const descriptors = new Map(before)
  try {
    for (const redirection of redirections) {
      await apply(shell, descriptors, redirection)
      shell.descriptors = descriptors
    }
  } finally {
    shell.descriptors = before
  }
  return descriptors
}

async function apply(shell: Shell, descriptors: Map<number, Descriptor>, redirection: Redirection): Promise<void> {
  const { operator } = redirection
  if (operator === '<<' || operator === '<<-' || operator === '<<<') {
    const text = await expandToString(shell, redirection.body ?? redirection.target)
    descriptors.set(redirection.descriptor ?? 0, { source: textSource(operator === '<<<' ? `${text}\n` : text) })
    return
  }
  const target = await targetName(shell, redirection)
  if (operator === '<&' || operator === '>&') {
    const number = redirection.descriptor ?? (operator === '<&' ? 0 : 1)
    if (target === '-') {
      descriptors.delete(number)
      return
    }
    if (/^\d+$/.test(target)) {
      const source = descriptors.get(Number(target))
      if (!source) throw new ShellError(`${target}: Bad file descriptor`, 1, false)
      descriptors.set(number, source)
      return
    }
    if (operator === '<&' || redirection.descriptor !== undefined) throw new ShellError(`${target}: ambiguous redirect`, 1, false)
  }
  const both = operator === '&>' || operator === '&>>' || operator === '>&'
  const number = redirection.descriptor ?? (operator.startsWith('<') ? 0 : 1)
  const descriptor = open(shell, descriptors, target, operator)
  descriptors.set(number, descriptor)
  if (both) descriptors.set(2, descriptor)
}

async function targetName(shell: Shell, redirection: Redirection): Promise<string> {
  const fields = await expandToFields(shell, [redirection.target])
  if (fields.length !== 1) throw new ShellError(`${redirection.target.source}: ambiguous redirect`, 1, false)
  return fields[0] as string
}

function textSource(text: string): Input {
  const bytes = new TextEncoder().encode(text)
  let read = bytes.length === 0
  return new Input({
    read: async () => {
      if (read) return undefined
      read = true
      return bytes
    },
  })
}

function open(shell: Shell, descriptors: Descriptors, target: string, operator: string): Descriptor {
  if (target === '/dev/null') return { source: new Input(emptySource), sink: nullSink }
  const standard = { '/dev/stdin': 0, '/dev/stdout': 1, '/dev/stderr': 2 }[target] ?? /^\/dev\/fd\/(\d+)$/.exec(target)?.[1]
  if (standard !== undefined) {
    const descriptor = descriptors.get(Number(standard))
    if (!descriptor) throw new ShellError(`${target}: No such file or directory`, 1, false)
    return descriptor
  }
  const { terminal, files } = shell.process
  if (target === '/dev/tty') {
    if (!terminal) throw new ShellError('/dev/tty: No such device or address', 1, false)
    return { source: new Input(terminal.source), sink: terminal.sink }
  }
  const path = resolvePath(shell.cwd, target)
  try {
    if (operator === '<') return { source: fileSource(files, path) }
    if (operator === '<>') {
      if (!files.exists(path)) files.write(path, '')
      return { source: fileSource(files, path), sink: fileSink(files, path) }
    }
    if (files.exists(path) && files.stat(path).directory) throw new FileError('EISDIR', path)
    if (operator === '>>' || operator === '&>>') {
      if (!files.exists(path)) files.write(path, '')
    } else {
      if (shell.options.noclobber && operator === '>' && files.exists(path)) {
        throw new ShellError(`${target}: cannot overwrite existing file`, 1, false)
      }
      files.write(path, '')
    }
    return { sink: fileSink(files, path) }
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    if (shell.dialect === 'bash') throw new ShellError(`${target}: ${error.message}`, 1, false)
    const verb = operator === '<' ? 'open' : 'create'
    const message = error.code === 'ENOENT' ? (verb === 'open' ? 'no such file' : 'nonexistent directory') : error.message
    throw new ShellError(`can't ${verb} ${target}: ${message}`, 1, false)
  }
}

/** The file's bytes at opening: a reader of a file that grows sees the growth only by `tail -f`. */
function fileSource(files: FileSystem, path: string): Input {
  let bytes: Uint8Array | undefined = files.read(path)
  return new Input({
    read: async () => {
      const chunk = bytes
      bytes = undefined
      return chunk && chunk.length > 0 ? chunk : undefined
    },
  })
}
