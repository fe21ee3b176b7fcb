import { Gunzip, Gzip } from 'fflate'
import { FileError, type FileSystem, resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import { type ByteSink, type ByteSource, Pipe } from '../../simulator/streams.ts'
import { openSource, parseOptions, ToolError, tool } from '../posix/tool.ts'
import { ArchiveError, endOfArchive, type Member, readArchive, writeMember } from './archive.ts'

const long = {
  create: 'c',
  extract: 'x',
  get: 'x',
  list: 't',
  file: 'f:',
  verbose: 'v',
  gzip: 'z',
  directory: 'C:',
  touch: 'm',
  'to-stdout': 'O',
  'keep-old-files': 'k',
  'preserve-permissions': 'p',
  'same-permissions': 'p',
  'no-same-permissions': 'no-same-permissions',
  'no-same-owner': 'o',
  'strip-components': 'strip-components:',
  exclude: 'exclude:',
}

interface Job {
  readonly process: Process
  readonly options: ReadonlyMap<string, string>
  readonly names: readonly string[]
  /** The arguments of `-C`. */
  readonly folders: readonly string[]
  readonly words: Words
  failed: boolean
}

/** What GNU tar and busybox's say of the same trouble. */
interface Words {
  stripped: string
  missing(name: string): string
  folder(name: string, error: FileError): string
  refused(name: string, error: FileError): string
  link(name: string, target: string): string
  broken(error: ArchiveError): string
  exists(name: string): string
  failure: string
  status: number
}

const gnu: Words = {
  stripped: "Removing leading `/' from member names",
  missing: (name) => `${name}: Cannot stat: No such file or directory`,
  folder: (name, error) => `${name}: Cannot open: ${error.message}\ntar: Error is not recoverable: exiting now`,
  refused: (name, error) => `${name}: Cannot open: ${error.message}`,
  link: (name, target) => `${name}: Cannot create symlink to '${target}': Operation not permitted`,
  broken: (error) =>
    `${error.message}\ntar: ${error.code === 'short' ? 'Error is not recoverable: exiting now' : 'Exiting with failure status due to previous errors'}`,
  exists: (name) => `${name}: Cannot open: File exists`,
  failure: 'Exiting with failure status due to previous errors',
  status: 2,
}

const busybox: Words = {
  stripped: "removing leading '/' from member names",
  missing: (name) => `${name}: No such file or directory`,
  folder: (name, error) => `can't change directory to '${name}': ${error.message}`,
  refused: (name, error) => `can't open '${name}': ${error.message}`,
  link: (name, target) => `can't create symlink '${name}' to '${target}': Operation not permitted`,
  broken: (error) => (error.code === 'magic' ? 'invalid tar magic' : 'short read'),
  exists: (name) => `can't open '${name}': File exists`,
  failure: 'error exit delayed from previous errors',
  status: 1,
}

/**
 * tar: c, x and t with f, z, v, C, m, O, k, p, o, --strip-components and --exclude. It speaks as GNU's does, or as busybox's where busybox is
 * installed. Links, owners and times are not unpacked: the simulated file systems have none of one's own choosing.
 */
export const tar = tool('tar', async (process) => {
  const words = process.files.exists('/bin/busybox') ? busybox : gnu
  const { options, operands, given } = parseOptions(dashed(process.argv.slice(1)), 'cxtf:zvC:mOkpo', long, words.status)
  const modes = ['c', 'x', 't'].filter((mode) => options.has(mode))
  if (modes.length !== 1)
    throw new ToolError(
      modes.length === 0
        ? "You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\nTry 'tar --help' or 'tar --usage' for more information."
        : "You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option",
      words.status,
    )
  const folders = given.filter(([name]) => name === 'C').map(([, value]) => value)
  const job: Job = { process, options, names: operands, folders, words, failed: false }
  if (words === busybox) folderOf(job)
  try {
    if (options.has('c')) await create(job)
    else await unpack(job)
  } catch (error) {
    if (error instanceof ArchiveError) throw new ToolError(words.broken(error), words.status)
    throw error
  }
  if (!job.failed) return 0
  throw new ToolError(words.failure, words.status)
})

/** Where `-C` leads; GNU's goes there when there is something to do, busybox's at once. */
function folderOf({ process, folders, words }: Job): string {
  let folder = process.cwd
  for (const name of folders) {
    folder = resolvePath(folder, name)
    try {
      if (!process.files.stat(folder).directory) throw new FileError('ENOTDIR', folder)
    } catch (error) {
      if (error instanceof FileError) throw new ToolError(words.folder(name, error), words.status)
      throw error
    }
  }
  return folder
}

/** The old form, `tar cf - x`: letters without a dash, whose arguments follow in their order. */
function dashed(words: readonly string[]): string[] {
  const [first = '', ...rest] = words
  if (first === '' || first.startsWith('-')) return [...words]
  const plain = [...first].filter((letter) => letter !== 'f' && letter !== 'C')
  const taking = [...first].filter((letter) => letter === 'f' || letter === 'C')
  const options = taking.map((letter, index) => [`-${letter}`, rest[index]])
  if (options.some(([, value]) => value === undefined)) throw new ToolError("option requires an argument -- 'f'", 2)
  return [...(plain.length > 0 ? [`-${plain.join('')}`] : []), ...(options.flat() as string[]), ...rest.slice(taking.length)]
}

async function tell(job: Job, text: string, failed = true): Promise<void> {
  if (failed) job.failed = true
  await job.process.stderr.write(`tar: ${text}\n`)
}

async function create(job: Job): Promise<void> {
  const { process, options, names, words } = job
  if (names.length === 0)
    throw new ToolError(
      "Cowardly refusing to create an empty archive\nTry 'tar --help' or 'tar --usage' for more information.",
      words.status,
    )
  const folder = folderOf(job)
  const archive = output(job)
  let written = 0
  const write = async (bytes: Uint8Array) => {
    written += bytes.length
    await archive.sink.write(bytes)
  }
  let stripped = false
  const excluded = options.get('exclude')
  const add = async (name: string): Promise<void> => {
    if (excluded !== undefined && (name === excluded || name.endsWith(`/${excluded}`))) return
    const path = resolvePath(folder, name)
    // The archive itself is not put into itself.
    if (path === archive.path) return
    const info = process.files.stat(path)
    const inside = name.replace(/^(\.\.\/|\/)+/, '')
    if (inside !== name && !stripped) {
      stripped = true
      await tell(job, words.stripped, false)
    }
    const member = {
      name: inside || './',
      kind: info.directory ? ('directory' as const) : ('file' as const),
      mode: info.mode,
      modified: info.modified,
      content: info.directory ? new Uint8Array() : process.files.read(path),
    }
    for (const bytes of writeMember(member)) await write(bytes)
    if (options.has('v'))
      await (archive.path ? process.stdout : process.stderr).write(`${info.directory ? `${inside.replace(/\/$/, '')}/` : inside}\n`)
    if (info.directory) for (const child of process.files.list(path)) await add(`${name.replace(/\/$/, '')}/${child.name}`)
  }
  for (const name of names) {
    if (process.files.exists(resolvePath(folder, name))) await add(name)
    else await tell(job, words.missing(name))
  }
  await write(endOfArchive(written))
  await archive.close()
}

function output(job: Job): { sink: ByteSink; path: string | undefined; close(): Promise<void> } {
  const { process, options } = job
  const name = options.get('f') ?? '-'
  const path = name === '-' ? undefined : resolvePath(process.cwd, name)
  const parts: Uint8Array[] = []
  const plain: ByteSink = {
    async write(data) {
      if (path === undefined) await process.stdout.write(data)
      else parts.push((data as Uint8Array).slice())
    },
  }
  const save = () => {
    if (path !== undefined) process.files.write(path, joined(parts))
  }
  if (!options.has('z')) return { sink: plain, path, close: async () => save() }
  const packed: Uint8Array[] = []
  const gzip = new Gzip((bytes) => packed.push(bytes))
  const flush = async () => {
    for (const bytes of packed.splice(0)) await plain.write(bytes)
  }
  return {
    path,
    sink: {
      async write(data) {
        gzip.push(data as Uint8Array)
        await flush()
      },
    },
    async close() {
      gzip.push(new Uint8Array(), true)
      await flush()
      save()
    },
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

async function unpack(job: Job): Promise<void> {
  const { process, options, names } = job
  const wanted = names.map((name) => name.replace(/\/$/, ''))
  const found = new Set<string>()
  const strip = Number(options.get('strip-components') ?? 0)
  for await (const member of readArchive(input(job), process.signal)) {
    const chosen = wanted.find((name) => member.name === name || member.name.startsWith(`${name}/`))
    if (wanted.length > 0 && chosen === undefined) continue
    if (chosen !== undefined) found.add(chosen)
    if (options.has('t')) {
      await process.stdout.write(options.has('v') ? listing(member) : `${member.name}\n`)
      continue
    }
    const name = member.name.replace(/^\/+/, '').split('/').slice(strip).join('/')
    if (name === '') continue
    if (options.has('v')) await (options.has('O') ? process.stderr : process.stdout).write(`${member.name}\n`)
    if (options.has('O')) await process.stdout.write(member.content)
    else await restore(job, member, name)
  }
  for (const name of wanted) if (!found.has(name)) await tell(job, `${name}: Not found in archive`)
}

async function restore(job: Job, member: Member, name: string): Promise<void> {
  const { process, options, words } = job
  const { files } = process
  const folder = folderOf(job)
  if (name.split('/').includes('..')) return tell(job, `${name}: Member name contains '..'`)
  const path = resolvePath(folder, name)
  try {
    if (member.kind === 'symlink') return await tell(job, words.link(name, member.target))
    if (member.kind === 'other') return await tell(job, `${name}: Cannot create: Operation not permitted`)
    if (member.kind === 'directory') {
      makeFolder(files, path)
      files.setMode(path, member.mode)
      return
    }
    if (options.has('k') && files.exists(path)) return await tell(job, words.exists(name))
    makeFolder(files, path.slice(0, path.lastIndexOf('/')) || '/')
    files.write(path, member.content)
    files.setMode(path, member.mode)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    await tell(job, words.refused(name, error))
  }
}

function makeFolder(files: FileSystem, path: string): void {
  if (!files.exists(path) || !files.stat(path).directory) files.makeDirectory(path, { parents: true })
}

function input(job: Job): ByteSource {
  const { process, options, words } = job
  let source: ByteSource
  try {
    source = openSource(process, options.get('f') ?? '-')
  } catch (error) {
    if (error instanceof FileError)
      throw new ToolError(`${error.path}: Cannot open: ${error.message}\ntar: Error is not recoverable: exiting now`, words.status)
    throw error
  }
  if (!options.has('z')) return source
  const plain = new Pipe()
  const ready: Uint8Array[] = []
  const gunzip = new Gunzip((bytes) => ready.push(bytes))
  void (async () => {
    try {
      for (let bytes = await source.read(process.signal); bytes; bytes = await source.read(process.signal)) {
        gunzip.push(bytes)
        for (const part of ready.splice(0)) await plain.write(part)
      }
    } catch {
      // Not gzip: the reader sees an archive that is cut short.
    }
    plain.end()
  })()
  return plain
}

function listing(member: Member): string {
  const bits = [...'rwxrwxrwx'].map((letter, index) => (member.mode & (0o400 >> index) ? letter : '-')).join('')
  const type = member.kind === 'directory' ? 'd' : member.kind === 'symlink' ? 'l' : '-'
  const date = new Date(member.modified).toISOString().slice(0, 16).replace('T', ' ')
  const link = member.kind === 'symlink' ? ` -> ${member.target}` : ''
  return `${type}${bits} root/root ${String(member.content.length).padStart(9)} ${date} ${member.name}${link}\n`
}
