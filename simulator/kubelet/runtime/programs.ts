import { FileError, type FileSystem, resolvePath } from '../../files.ts'
import type { Catalogue, Program } from '../../programs/process.ts'
import { programId } from '../../programs/process.ts'

export type ProgramIndex = (id: string) => Program | undefined

type Executables = Catalogue['nodeExecutables']

const indexes = new WeakMap<Catalogue, ProgramIndex>()
// Each cluster has a catalogue of its own, made of sets that all clusters share: those are indexed once.
const sets = new WeakMap<Executables, ReadonlyMap<string, Program>>()

/** Every program of a catalogue by the id that executable files name. */
export function programsOf(catalogue: Catalogue): ProgramIndex {
  const known = indexes.get(catalogue)
  if (known) return known
  const found = new Map<string, Program | undefined>()
  const index: ProgramIndex = (id) => {
    if (!found.has(id)) found.set(id, findProgram(catalogue, id))
    return found.get(id)
  }
  indexes.set(catalogue, index)
  return index
}

function findProgram(catalogue: Catalogue, id: string): Program | undefined {
  for (const { executables } of catalogue.images) {
    const program = programsIn(executables).get(id)
    if (program) return program
  }
  return programsIn(catalogue.nodeExecutables).get(id) ?? programsIn(catalogue.workstationExecutables).get(id)
}

function programsIn(executables: Executables): ReadonlyMap<string, Program> {
  let known = sets.get(executables)
  if (!known) {
    known = new Map(Object.values(executables).map((program) => [program.id, program]))
    sets.set(executables, known)
  }
  return known
}

export type Lookup =
  | { readonly program: Program; readonly path: string; readonly argv: readonly string[] }
  | { readonly problem: 'not found' | 'no such file' | 'permission denied' | 'is a directory' | 'exec format error' }

/**
 * What `execvp` would run for `argv`: a name is searched over PATH, anything with a slash is a path; `#!` scripts run their interpreter.
 * `exec format error` is an executable file that holds no program of the catalogue.
 */
export function lookUp(
  place: { files: FileSystem; env: Readonly<Record<string, string>>; cwd: string; programs: ProgramIndex },
  argv: readonly string[],
): Lookup {
  const name = argv[0] ?? ''
  if (name === '') return { problem: 'not found' }
  if (name.includes('/')) return inspect(place, resolvePath(place.cwd, name), argv, 0)
  let denied = false
  for (const directory of searchPath(place.env)) {
    const path = resolvePath(place.cwd, `${directory || '.'}/${name}`)
    const found = inspect(place, path, argv, 0)
    if ('program' in found || found.problem === 'exec format error') return found
    if (found.problem === 'permission denied') denied = true
  }
  return { problem: denied ? 'permission denied' : 'not found' }
}

export function searchPath(env: Readonly<Record<string, string>>): string[] {
  return (env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin').split(':')
}

/** Names that can be executed over PATH, sorted; for completion. */
export function commandNames(files: FileSystem, env: Readonly<Record<string, string>>): string[] {
  const names = new Set<string>()
  for (const directory of searchPath(env)) {
    if (directory === '' || !files.exists(directory) || !files.stat(directory).directory) continue
    for (const file of files.list(directory)) if (!file.directory && (file.mode & 0o111) !== 0) names.add(file.name)
  }
  return [...names].sort()
}

function inspect(
  place: { files: FileSystem; env: Readonly<Record<string, string>>; cwd: string; programs: ProgramIndex },
  path: string,
  argv: readonly string[],
  depth: number,
): Lookup {
  const { files } = place
  let content: string
  try {
    // Most names are missed in most directories of PATH: `exists` is much cheaper than a thrown error.
    if (!files.exists(path)) return { problem: 'no such file' }
    const stat = files.stat(path)
    if (stat.directory) return { problem: 'is a directory' }
    if ((stat.mode & 0o111) === 0) return { problem: 'permission denied' }
    content = files.readText(path)
  } catch (error) {
    if (error instanceof FileError) return { problem: 'no such file' }
    throw error
  }
  const id = programId(content.trimEnd())
  if (id !== undefined) {
    const program = place.programs(id)
    if (program?.kind === 'cni' && program.command) return { program: program.command, path, argv }
    return program ? { program, path, argv } : { problem: 'exec format error' }
  }
  const script = /^#![ \t]*(\S+)(?:[ \t]+([^\n]*\S))?[ \t]*(?:\n|$)/.exec(content)
  // The kernel follows four interpreters deep.
  if (!script || depth > 4) return { problem: 'exec format error' }
  const interpreter = script[1] as string
  const extra = script[2] === undefined ? [] : [script[2]]
  if (interpreter === '/usr/bin/env' && extra[0]) {
    return lookUp(place, [...extra[0].split(/\s+/), path, ...argv.slice(1)])
  }
  return inspect(place, resolvePath('/', interpreter), [interpreter, ...extra, path, ...argv.slice(1)], depth + 1)
}

/** As the Go `exec` package and runc word a failed look-up. */
export function lookupMessage(name: string, problem: Extract<Lookup, { problem: string }>['problem']): string {
  switch (problem) {
    case 'not found':
      return `exec: "${name}": executable file not found in $PATH`
    case 'no such file':
      return `exec: "${name}": stat ${name}: no such file or directory`
    case 'permission denied':
      return `exec: "${name}": permission denied`
    case 'is a directory':
      return `exec: "${name}": is a directory`
    case 'exec format error':
      return `exec ${name}: exec format error`
  }
}
