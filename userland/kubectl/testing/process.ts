import { EventLoop, HeldTime } from '../../../simulator/clock.ts'
import type { FileInfo, FileSystem } from '../../../simulator/files.ts'
import { FileError } from '../../../simulator/files.ts'
import type { ChildProcess, Command, Process, SpawnOptions } from '../../../simulator/programs/process.ts'
import { Random } from '../../../simulator/random.ts'
import { emptySource } from '../../../simulator/streams.ts'
import type { createTestApi } from './api.ts'

/** Files in a map, enough for commands in tests. */
export function memoryFiles(content: Record<string, string> = {}): FileSystem & { all: Map<string, string> } {
  const all = new Map(Object.entries(content))
  const encoder = new TextEncoder()
  const isDirectory = (path: string) => [...all.keys()].some((one) => one.startsWith(path === '/' ? '/' : `${path}/`))
  const readText = (path: string): string => {
    const text = all.get(path)
    if (text === undefined) throw new FileError(isDirectory(path) ? 'EISDIR' : 'ENOENT', path)
    return text
  }
  const info = (path: string): FileInfo => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    directory: !all.has(path),
    size: all.get(path)?.length ?? 0,
    mode: 0o644,
    modified: 0,
  })
  const write = (path: string, data: Uint8Array | string) =>
    void all.set(path, typeof data === 'string' ? data : new TextDecoder().decode(data))
  return {
    all,
    readText,
    read: (path) => encoder.encode(readText(path)),
    write,
    append: (path, data) => write(path, (all.get(path) ?? '') + (typeof data === 'string' ? data : new TextDecoder().decode(data))),
    exists: (path) => all.has(path) || isDirectory(path),
    stat: info,
    list(path) {
      const names = new Set(
        [...all.keys()].filter((one) => one.startsWith(`${path}/`)).map((one) => one.slice(path.length + 1).split('/')[0] as string),
      )
      return [...names].sort().map((name) => info(`${path}/${name}`))
    },
    makeDirectory() {},
    remove: (path) => void all.delete(path),
    rename(from, to) {
      all.set(to, readText(from))
      all.delete(from)
    },
    setMode() {},
    watch: () => ({ close: () => {} }),
  }
}

export const kubeconfigText = `apiVersion: v1
kind: Config
clusters:
- name: lab
  cluster: {server: 'https://172.18.0.2:6443'}
users:
- name: admin
  user: {token: secret-token}
contexts:
- name: lab
  context: {cluster: lab, user: admin}
current-context: lab
`

export interface RunOptions {
  stdin?: string
  files?: Record<string, string>
  env?: Record<string, string>
  fetch?: (request: Request) => Promise<Response>
  websocket?: Process['websocket']
  spawn?: (argv: readonly string[], options?: SpawnOptions) => ChildProcess | undefined
  signal?: AbortSignal
  cwd?: string
  clock?: Process['clock']
}

export interface Outcome {
  stdout: string
  stderr: string
  code: number
  files: ReturnType<typeof memoryFiles>
}

/** Runs `command` with a line of words against the tests' API. */
export function start(command: Command, api: ReturnType<typeof createTestApi>, argv: readonly string[], options: RunOptions = {}) {
  const files = memoryFiles({ '/root/.kube/config': kubeconfigText, ...options.files })
  const out = { stdout: '', stderr: '' }
  const decoder = new TextDecoder()
  const sink = (name: 'stdout' | 'stderr') => ({
    async write(data: Uint8Array | string) {
      out[name] += typeof data === 'string' ? data : decoder.decode(data)
    },
  })
  let input = options.stdin === undefined ? undefined : new TextEncoder().encode(options.stdin)
  const time = new HeldTime(Date.parse('2026-01-02T03:10:05Z'))
  const process = {
    argv: ['kubectl', ...argv],
    env: { HOME: '/root', ...options.env },
    cwd: options.cwd ?? '/root',
    stdin:
      options.stdin === undefined
        ? emptySource
        : {
            async read() {
              const chunk = input
              input = undefined
              return chunk
            },
          },
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    terminal: undefined,
    isTerminal: () => false,
    signal: options.signal ?? new AbortController().signal,
    files,
    clock:
      options.clock ??
      new EventLoop(time, (error) => {
        throw error
      }),
    random: new Random(1),
    hostname: 'workstation',
    user: 'root',
    fetch: options.fetch ?? ((request: Request) => api.handle(request)),
    websocket: options.websocket ?? (async () => new Response('no websocket here', { status: 500 })),
    spawn: options.spawn ?? (() => undefined),
    commands: () => [],
  } as unknown as Process
  return { process, out, time, done: command.run(process).then((code): Outcome => ({ ...out, code, files })) }
}
