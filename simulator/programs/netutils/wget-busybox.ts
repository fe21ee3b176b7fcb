import { FileError, resolvePath } from '../../files.ts'
import { isAddress } from '../../network/address.ts'
import { type Connection, connect, DialTimeout } from '../../network/async.ts'
import { type HttpHead, HttpParseError } from '../../network/http-parser.ts'
import { NetworkError } from '../../network/sockets.ts'
import { TlsError } from '../../network/tls/client.ts'
import type { Process } from '../process.ts'
import { lookup } from '../resolver/resolver.ts'
import { command, strerror } from './command.ts'
import { CutOff, exchange } from './http-exchange.ts'
import { type Options, parseOptions, UsageError } from './options.ts'
import { secure } from './secure-connection.ts'

const long = [
  'continue',
  'quiet',
  'server-response',
  'output-document:',
  'output-file:',
  'directory-prefix:',
  'proxy:',
  'user-agent:',
  'timeout:',
  'tries:',
  'header:',
  'post-data:',
  'post-file:',
  'spider',
  'no-check-certificate',
  'no-cache',
  'no-verbose',
  'no-clobber',
]
/** busybox's own, s. */
const defaultTimeout = 900
const redirections = 16

/** busybox wget, after networking/wget.c of 1.36; `-c` and proxies are refused. */
export const wgetBusybox = command('busybox/wget', async (process) => {
  const options = parseOptions(process.argv.slice(1), { short: 'cqSO:o:P:Y:U:T:t:', long, unknown: usage, missing: usage })
  if (options.operands.length === 0) throw new UsageError(usage(''))
  if (options.has('c', 'continue')) throw new UsageError('wget: the simulated wget does not model -c')
  for (const url of options.operands) await download(process, url, options)
  return 0
})

function usage(option: string): string {
  const letter = option.replace(/^-+/, '')
  const head =
    option === '' ? '' : option.startsWith('--') ? `wget: unrecognized option '${option}'\n` : `wget: invalid option -- '${letter}'\n`
  return `${head}BusyBox v1.36.1 multi-call binary.

Usage: wget [-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]
	[--post-data STR | --post-file FILE] [-Y on/off]
	[-P DIR] [-U AGENT] [-T SEC] URL...
`
}

interface Target {
  readonly scheme: 'http' | 'https'
  /** With its port as written: what Host says. */
  readonly host: string
  readonly name: string
  readonly port: number
  readonly path: string
}

function parseUrl(text: string): Target {
  const match = /^(?:([a-z]+):\/\/)?([^/?#]*)([^#]*)/i.exec(text)
  const scheme = (match?.[1] ?? 'http').toLowerCase()
  if (scheme !== 'http' && scheme !== 'https') throw new UsageError(`wget: not an http or ftp url: ${text}`)
  const host = (match?.[2] ?? '').replace(/^[^@]*@/, '')
  const [name = '', port] = host.split(':')
  const path = match?.[3] ?? ''
  return { scheme, host, name, port: Number(port ?? (scheme === 'https' ? 443 : 80)), path: path.startsWith('/') ? path : `/${path}` }
}

async function download(process: Process, url: string, options: Options): Promise<void> {
  const quiet = options.has('q', 'quiet')
  const say = async (text: string) => {
    if (!quiet) await process.stderr.write(text)
  }
  const timeoutMs = Number(options.value('T', 'timeout') ?? defaultTimeout) * 1000
  let target = parseUrl(url)
  const file = options.value('O', 'output-document') ?? outputName(target, options.value('P', 'directory-prefix'))
  for (let left = redirections; ; ) {
    const found = await lookup(process, target.name)
    if (!('addresses' in found)) throw new UsageError(`wget: bad address '${target.host}'`)
    const address = found.addresses[0] as string
    await say(`Connecting to ${target.host} (${address}:${target.port})\n`)
    const moved = await fetchInto(process, target, address, file, options, timeoutMs, say)
    if (moved === undefined) return
    if (--left === 0) throw new UsageError('wget: too many redirections')
    target = moved.startsWith('/') ? { ...target, path: moved } : parseUrl(moved)
  }
}

function outputName({ path }: Target, prefix: string | undefined): string {
  const name = path.replace(/\?.*/, '').replace(/^.*\//, '') || 'index.html'
  return prefix === undefined ? name : `${prefix.replace(/\/$/, '')}/${name}`
}

/** The Location where the server sends elsewhere. */
async function fetchInto(
  process: Process,
  target: Target,
  address: string,
  file: string,
  options: Options,
  timeoutMs: number,
  say: (text: string) => Promise<void>,
): Promise<string | undefined> {
  const timed = timeoutMs > 0 ? { timeoutMs } : {}
  let connection: Connection
  try {
    connection = await connect(process.sockets, { address, port: target.port }, { clock: process.clock, signal: process.signal, ...timed })
  } catch (error) {
    if (error instanceof DialTimeout) throw new UsageError('wget: download timed out')
    if (error instanceof NetworkError) throw new UsageError(`wget: can't connect to remote host (${address}): ${strerror(process, error)}`)
    throw error
  }
  const progress = new Progress(file)
  let head: HttpHead | undefined
  let refused: string | undefined
  let location: string | undefined
  let started = false
  const sink = await openSink(process, file, options)
  const start = async () => {
    if (started) return
    started = true
    await sink.open()
    await say(file === '-' ? 'writing to stdout\n' : `saving to '${file}'\n`)
  }
  try {
    if (target.scheme === 'https') {
      await say('wget: note: TLS certificate validation not implemented\n')
      if (!connection.service) {
        const name = isAddress(target.name) ? undefined : target.name
        connection = await secure(process, connection, name, { certificates: () => undefined, ...timed })
      }
    }
    await exchange(
      process,
      connection,
      `${target.scheme}://${target.host}${target.path}`,
      requestOf(target, options, process),
      {
        head: (received) => {
          head = received
          const status = received.status ?? 0
          if (status < 200) return
          if (status >= 300 && status < 400 && status !== 304) {
            location = received.headers.find(([name]) => name.toLowerCase() === 'location')?.[1]
          } else if (status < 200 || status > 204) refused = `${received.version} ${status} ${received.reason ?? ''}`.trimEnd()
        },
        body: async (bytes) => {
          if (refused !== undefined || location !== undefined || options.has('spider')) return
          await start()
          await sink.write(bytes)
          progress.add(bytes.length)
        },
      },
      () => (timeoutMs > 0 ? timeoutMs : undefined),
    )
  } catch (error) {
    throw told(error, started)
  } finally {
    connection.close()
  }
  if (options.has('S', 'server-response') && head) {
    const lines = [
      `${head.version} ${head.status} ${head.reason ?? ''}`.trimEnd(),
      ...head.headers.map(([name, value]) => `${name}: ${value}`),
    ]
    await process.stderr.write(lines.map((line) => `  ${line}\n`).join('') + '  \n')
  }
  if (refused !== undefined) throw new UsageError(`wget: server returned error: ${refused}`)
  if (location !== undefined) return location
  if (options.has('spider')) {
    await say('remote file exists\n')
    return undefined
  }
  await start()
  await say(progress.line(process.terminal?.columns ?? 80))
  await say(file === '-' ? 'written to stdout\n' : `'${file}' saved\n`)
  return undefined
}

function told(error: unknown, started: boolean): unknown {
  if (error instanceof DialTimeout) return new UsageError('wget: download timed out')
  if (error instanceof TlsError) return new UsageError('wget: TLS error from peer (alert code 80): 80')
  if (error instanceof CutOff) return new UsageError(started ? 'wget: connection closed prematurely' : 'wget: error getting response')
  if (error instanceof NetworkError) return new UsageError('wget: error getting response: Connection reset by peer')
  if (error instanceof HttpParseError) return new UsageError('wget: error getting response: Invalid argument')
  return error
}

function requestOf(target: Target, options: Options, process: Process) {
  const post =
    options.value('post-data') ??
    (options.has('post-file') ? process.files.readText(resolvePath(process.cwd, options.value('post-file') ?? '')) : undefined)
  const extra = options.all('header').map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
  })
  const given = (name: string) => extra.some(([key]) => key.toLowerCase() === name)
  const headers: [string, string][] = [
    ...(given('host') ? [] : [['Host', target.host] as [string, string]]),
    ...(given('user-agent') ? [] : [['User-Agent', options.value('U', 'user-agent') ?? 'Wget'] as [string, string]]),
    ['Connection', 'close'],
    ...extra,
    ...(post !== undefined && !given('content-type') ? [['Content-Type', 'application/x-www-form-urlencoded'] as [string, string]] : []),
  ]
  return { method: post === undefined ? 'GET' : 'POST', target: target.path, headers, ...(post === undefined ? {} : { body: post }) }
}

/** A file that is made when the first byte comes; without `-O` one that exists is not overwritten. */
async function openSink(process: Process, file: string, options: Options) {
  const path = resolvePath(process.cwd, file)
  const told = (error: unknown) => (error instanceof FileError ? new UsageError(`wget: can't open '${file}': ${error.message}`) : error)
  return {
    async open() {
      if (file === '-') return
      try {
        if (!options.has('O', 'output-document') && process.files.exists(path)) throw new FileError('EEXIST', path)
        process.files.write(path, '')
      } catch (error) {
        throw told(error)
      }
    },
    async write(bytes: Uint8Array) {
      if (file === '-') return process.stdout.write(bytes)
      try {
        process.files.append(path, bytes)
      } catch (error) {
        throw told(error)
      }
    },
  }
}

/** The last line of busybox's progress bar. */
class Progress {
  readonly #name: string
  #bytes = 0
  constructor(file: string) {
    this.#name = file.replace(/^.*\//, '')
  }
  add(bytes: number): void {
    this.#bytes += bytes
  }
  line(columns: number): string {
    const stars = Math.max(0, columns - 48)
    const [size, unit] = this.#bytes > 99_999 ? [Math.floor(this.#bytes / 1024), 'k'] : [this.#bytes, ' ']
    return `\r${this.#name.slice(0, 20).padEnd(20)} 100% |${'*'.repeat(stars)}| ${String(size).padStart(5)}${unit} 0:00:00 ETA\n`
  }
}
