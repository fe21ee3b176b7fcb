import type { FileSystem } from '../../simulator/files.ts'
import { FileError, resolvePath } from '../../simulator/files.ts'
import type { Command, Process } from '../../simulator/programs/process.ts'
import type { ByteSource } from '../../simulator/streams.ts'
import { emptySource } from '../../simulator/streams.ts'
import { RegExpError } from './regexp.ts'

/** Ends a tool with a message on standard error, prefixed with the tool's name. */
export class ToolError extends Error {
  readonly status: number
  constructor(message: string, status = 1) {
    super(message)
    this.name = 'ToolError'
    this.status = status
  }
}

/** A command whose `ToolError`s, file errors and bad patterns are told as that tool tells them. `trouble` is its status for those. */
export function tool(name: string, run: (process: Process) => Promise<number>, trouble = 1): Command {
  return {
    kind: 'command',
    id: `userland/${name}`,
    run: async (process) => {
      try {
        return await run(process)
      } catch (error) {
        const called = (process.argv[0] ?? name).replace(/^.*\//, '')
        if (error instanceof ToolError) {
          await process.stderr.write(error.message === '' ? '' : `${called}: ${error.message}\n`)
          return error.status
        }
        if (error instanceof FileError) {
          await process.stderr.write(`${called}: ${error.path}: ${error.message}\n`)
          return trouble
        }
        if (error instanceof RegExpError) {
          await process.stderr.write(`${called}: ${error.message}\n`)
          return 2
        }
        throw error
      }
    },
  }
}

export interface Parsed {
  /** The last value of each option, by letter or long name; '' for those without an argument. */
  readonly options: ReadonlyMap<string, string>
  /** All occurrences in their order. */
  readonly given: readonly (readonly [string, string])[]
  readonly operands: readonly string[]
}

/**
 * Options as getopt_long reads them, operands in between allowed unless `letters` starts with `+`. A letter followed by `:` takes an argument.
 * `long` maps a long name to its letter, to another name, or with `:` or `?` at the end where it takes, or may take, an argument. Throws `ToolError`.
 */
export function parseOptions(words: readonly string[], letters: string, long: Readonly<Record<string, string>> = {}, trouble = 1): Parsed {
  const given: [string, string][] = []
  const operands: string[] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string
    if (word === '--') {
      operands.push(...words.slice(index + 1))
      break
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=')
      const name = word.slice(2, equals < 0 ? undefined : equals)
      const target = long[name] ?? long[Object.keys(long).find((candidate) => candidate.startsWith(name)) ?? '']
      if (target === undefined) throw new ToolError(`unrecognized option '${word}'`, trouble)
      const value = equals < 0 ? undefined : word.slice(equals + 1)
      if (target.endsWith(':') && value === undefined) {
        const next = words[++index]
        if (next === undefined) throw new ToolError(`option '${word}' requires an argument`, trouble)
        given.push([target.slice(0, -1), next])
      } else given.push([target.replace(/[:?]$/, ''), value ?? ''])
      continue
    }
    if (!/^-./.test(word)) {
      operands.push(word)
      if (!letters.startsWith('+')) continue
      operands.push(...words.slice(index + 1))
      break
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] as string
      const position = letters.indexOf(letter)
      if (position < 0 || letter === ':' || letter === '+') throw new ToolError(`invalid option -- '${letter}'`, trouble)
      if (letters[position + 1] !== ':') {
        given.push([letter, ''])
        continue
      }
      const value = word.slice(at + 1) || words[++index]
      if (value === undefined) throw new ToolError(`option requires an argument -- '${letter}'`, trouble)
      given.push([letter, value])
      break
    }
  }
  return { options: new Map(given), given, operands }
}

/** The bytes behind an operand: `-` and `/dev/stdin` are standard input. Throws `FileError` with the operand as written. */
export function openSource(process: Process, operand: string): ByteSource {
  if (operand === '-' || operand === '/dev/stdin') return process.stdin
  if (operand === '/dev/null') return emptySource
  let bytes: Uint8Array | undefined = readFile(process.files, process.cwd, operand)
  return {
    read: async () => {
      const chunk = bytes
      bytes = undefined
      return chunk && chunk.length > 0 ? chunk : undefined
    },
  }
}

export function readFile(files: FileSystem, cwd: string, operand: string): Uint8Array {
  const path = resolvePath(cwd, operand)
  try {
    if (files.exists(path) && files.stat(path).directory) throw new FileError('EISDIR', operand)
    return files.read(path)
  } catch (error) {
    if (error instanceof FileError) throw new FileError(error.code, operand)
    throw error
  }
}

/** Runs `each` for every operand (standard input where there is none); one that cannot be opened is told and makes the status `trouble`. */
export async function forEachSource(
  process: Process,
  operands: readonly string[],
  each: (source: ByteSource, name: string) => Promise<void>,
  trouble = 1,
): Promise<number> {
  let status = 0
  for (const operand of operands.length > 0 ? operands : ['-']) {
    try {
      await each(openSource(process, operand), operand)
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      await process.stderr.write(`${(process.argv[0] as string).replace(/^.*\//, '')}: ${error.path}: ${error.message}\n`)
      status = trouble
    }
  }
  return status
}

/** A number with the suffixes of coreutils (`10k`, `1M`). Throws `ToolError`. */
export function parseCount(text: string, what: string): number {
  const match = /^(\d+)([bkKMG]?)B?$/.exec(text)
  if (!match) throw new ToolError(`invalid ${what}: '${text}'`)
  return Number(match[1]) * ({ b: 512, k: 1024, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[match[2] as string] ?? 1)
}

/** A duration as `sleep` takes it, in ms: `1.5`, `2m`, `infinity`. */
export function parseDuration(text: string): number | undefined {
  if (/^inf(inity)?$/.test(text)) return 2 ** 40
  const match = /^(\d+\.?\d*|\.\d+)([smhd]?)$/.exec(text)
  if (!match) return undefined
  return Number(match[1]) * ({ m: 60, h: 3600, d: 86_400 }[match[2] as string] ?? 1) * 1000
}
