import type { Pod } from 'kubernetes-types/core/v1'
import { FileError, type FileSystem, resolvePath } from '../../../simulator/files.ts'
import { BrokenPipe, type ByteSink, nullSink, Pipe } from '../../../simulator/streams.ts'
import { ArchiveError, endOfArchive, readArchive, writeMember } from '../../tar/archive.ts'
import { Failure, SilentExit } from '../cli/failure.ts'
import { bool, int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { pathOf, resolveType } from '../client/discovery.ts'
import { execute } from './exec.ts'

export const cpVerb: Verb = {
  name: 'cp',
  about: 'Copy files and directories to and from containers',
  more: 'Needs tar in the container.',
  examples: ['kubectl cp ./site web:/usr/share/nginx/html', 'kubectl cp shop/web:/etc/nginx ./nginx -c nginx'],
  usage: '<file-spec-src> <file-spec-dest>',
  flags: [
    text('container', 'The container.', 'c'),
    bool('no-preserve', 'Do not keep owner and permissions in the container.'),
    int('retries', 'Only 0: a copy is not resumed.', undefined, '0'),
  ],
  async run(call) {
    if (call.args.length !== 2) throw new Failure('source and destination are required')
    if (call.flags.number('retries') !== 0) throw new Failure('--retries is not supported by this kubectl: its connections do not break')
    const [source, destination] = call.args.map(fileSpec) as [Spec, Spec]
    if (source.pod && destination.pod) throw new Failure('one of src or dest must be a local file specification')
    if (source.file === '' || destination.file === '') throw new Failure('filepath can not be empty')
    if (source.pod) return copyFromPod(call, source, destination.file)
    if (destination.pod) return copyToPod(call, source.file, destination)
    throw new Failure('one of src or dest must be a remote file specification')
  },
}

interface Spec {
  readonly namespace: string | undefined
  /** Undefined: the file is here. */
  readonly pod: string | undefined
  readonly file: string
}

function fileSpec(word: string): Spec {
  const malformed = new Failure('filespec must match the canonical format: [[namespace/]pod:]file/path')
  const colon = word.indexOf(':')
  if (colon === 0) throw malformed
  if (colon < 0) return { namespace: undefined, pod: undefined, file: word }
  const pieces = word.slice(0, colon).split('/')
  if (pieces.length > 2) throw malformed
  return { namespace: pieces.length === 2 ? pieces[0] : undefined, pod: pieces.at(-1), file: word.slice(colon + 1) }
}

/** Runs a command in the container with streams of its own; `quiet` keeps its exit code from being told. */
async function inPod(
  call: Call,
  spec: Spec,
  command: readonly string[],
  streams: { stdin?: Pipe; stdout: ByteSink; stderr: ByteSink },
  quiet = false,
): Promise<number> {
  const type = resolveType(await call.discovery(), 'pods')
  const pod = await call.client().json<Pod>('GET', pathOf(type, spec.namespace ?? call.namespace(), spec.pod))
  const err = async (line: string) => streams.stderr.write(line)
  const options = { stdin: streams.stdin !== undefined, tty: false, quiet, streams }
  return execute({ ...call, err }, pod, call.flags.text('container'), command, options)
}

async function copyToPod(call: Call, from: string, to: Spec): Promise<number> {
  const { files, cwd } = call.process
  const path = resolvePath(cwd, from)
  if (!files.exists(path)) throw new Failure(`${from} doesn't exist in local filesystem`)
  let target = clean(to.file)
  const hidden = { stdout: nullSink, stderr: nullSink }
  // Whatever fails here will fail again, and be told, with the copy itself.
  const isFolder = await inPod(call, to, ['test', '-d', target], hidden, true).catch((error: unknown) => {
    if (error instanceof Failure) return 1
    throw error
  })
  if (isFolder === 0) target = clean(`${target}/${base(path)}`)
  const archive = new Pipe()
  const command = [
    'tar',
    ...(call.flags.bool('no-preserve') ? ['--no-same-permissions', '--no-same-owner'] : []),
    '-xmf',
    '-',
    '-C',
    folder(target),
  ]
  const packing = pack(files, path, base(target), archive)
  try {
    const { stdout, stderr } = call.process
    return await inPod(call, to, command, { stdin: archive, stdout, stderr })
  } finally {
    archive.abandon()
    await packing
  }
}

/** Without entries for folders, unless they are empty, as kubectl's makeTar. */
async function pack(files: FileSystem, path: string, name: string, to: Pipe): Promise<void> {
  let written = 0
  const write = async (bytes: Uint8Array) => {
    written += bytes.length
    await to.write(bytes)
  }
  const add = async (at: string, as: string): Promise<void> => {
    const { directory, mode, modified } = files.stat(at)
    const children = directory ? files.list(at) : []
    if (children.length === 0) {
      const content = directory ? new Uint8Array() : files.read(at)
      for (const bytes of writeMember({ name: as, kind: directory ? 'directory' : 'file', mode, modified, content })) await write(bytes)
    }
    for (const child of children) await add(`${at}/${child.name}`, `${as}/${child.name}`)
  }
  try {
    await add(path, name)
    await write(endOfArchive(written))
    to.end()
  } catch (error) {
    // Nobody unpacks any more: the command's own failure is what is told.
    if (!(error instanceof BrokenPipe)) throw error
  }
}

async function copyFromPod(call: Call, from: Spec, to: string): Promise<number> {
  const archive = new Pipe()
  const prefix = clean(from.file)
    .replace(/^(\.\.\/|\/)+/, '')
    .replace(/^\.\.?$/, '')
  let failure: unknown
  const remote = inPod(call, from, ['tar', 'cf', '-', from.file], { stdout: archive, stderr: call.process.stdout }, true).then(
    () => archive.end(),
    (error: unknown) => {
      failure = error
      archive.end()
    },
  )
  try {
    for await (const member of readArchive(archive, call.process.signal)) {
      if (!member.name.startsWith(prefix)) throw new Failure('tar contents corrupted')
      await unpack(call, to, member.name.slice(prefix.length), member)
    }
  } catch (error) {
    await remote
    // What went wrong in the container explains an archive that is none.
    if (error instanceof ArchiveError) throw (await told(call, failure)) ?? new Failure('unexpected EOF')
    throw error
  } finally {
    archive.abandon()
  }
  // A whole archive came: what its tar thought of some of the files has been shown.
  await remote
  return 0
}

/** Says with which code the command ended, where that is all there is to say. */
async function told(call: Call, failure: unknown): Promise<unknown> {
  if (failure instanceof SilentExit) await call.err(`command terminated with exit code ${failure.exitCode}\n`)
  return failure
}

async function unpack(call: Call, to: string, rest: string, member: { kind: string; content: Uint8Array; target: string }): Promise<void> {
  const { files, cwd } = call.process
  const shown = clean(`${to}/${rest}`)
  const path = resolvePath(cwd, shown)
  const root = resolvePath(cwd, to)
  if (path !== root && !path.startsWith(root === '/' ? '/' : `${root}/`))
    return call.err(`warning: file ${JSON.stringify(shown)} is outside target destination, skipping\n`)
  try {
    makeFolder(files, member.kind === 'directory' ? path : folder(path))
    if (member.kind === 'directory') return
    if (member.kind !== 'file')
      return await call.err(`warning: skipping symlink: ${JSON.stringify(shown)} -> ${JSON.stringify(member.target)}\n`)
    files.write(path, member.content)
  } catch (error) {
    if (error instanceof FileError) throw new Failure(`open ${shown}: ${error.message.toLowerCase()}`)
    throw error
  }
}

function makeFolder(files: FileSystem, path: string): void {
  if (!files.exists(path) || !files.stat(path).directory) files.makeDirectory(path, { parents: true })
}

/** Go's path.Clean, as far as slashes and dots go. */
function clean(path: string): string {
  const absolute = path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '..' || !absolute) parts.push(part)
  }
  const text = (absolute ? '/' : '') + parts.join('/')
  return text === '' ? '.' : text
}

function base(path: string): string {
  return path.replace(/\/+$/, '').replace(/^.*\//, '') || '/'
}

function folder(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '.' : slash === 0 ? '/' : path.slice(0, slash)
}
