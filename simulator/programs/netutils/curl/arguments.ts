import { resolvePath } from '../../../files.ts'
import type { Process } from '../../process.ts'
import { type Options, parseOptions, UsageError } from '../options.ts'

export const curlVersion = '8.14.1'

const short = '#012346aAbB:cC:d:D:e:E:fF:gGhH:iIjJkK:lLm:MnNo:OpP:qQ:r:RsStT:u:U:vVw:x:X:y:Y:z:Z'
const long = [
  'verbose',
  'silent',
  'show-error',
  'output:',
  'remote-name',
  'head',
  'request:',
  'header:',
  'data:',
  'data-raw:',
  'data-binary:',
  'data-urlencode:',
  'json:',
  'location',
  'insecure',
  'write-out:',
  'max-time:',
  'connect-timeout:',
  'resolve:',
  'connect-to:',
  'fail',
  'fail-with-body',
  'include',
  'user-agent:',
  'user:',
  'max-redirs:',
  'retry:',
  'retry-delay:',
  'retry-connrefused',
  'retry-all-errors',
  'ipv4',
  'ipv6',
  'http1.1',
  'http1.0',
  'http2',
  'compressed',
  'no-progress-meter',
  'progress-bar',
  'get',
  'cacert:',
  'url:',
  'version',
  'help',
  'referer:',
  'cookie:',
  'no-buffer',
  'interface:',
  'local-port:',
  'noproxy:',
  'keepalive-time:',
  'tcp-nodelay',
  'parallel',
]

const aliases: Record<string, string> = {
  v: 'verbose',
  s: 'silent',
  S: 'show-error',
  o: 'output',
  O: 'remote-name',
  I: 'head',
  X: 'request',
  H: 'header',
  d: 'data',
  L: 'location',
  k: 'insecure',
  w: 'write-out',
  m: 'max-time',
  f: 'fail',
  i: 'include',
  A: 'user-agent',
  u: 'user',
  N: 'no-buffer',
  G: 'get',
  e: 'referer',
  b: 'cookie',
  '4': 'ipv4',
  '6': 'ipv6',
  '#': 'progress-bar',
  V: 'version',
  h: 'help',
  '0': 'http1.0',
}

/** What the simulated curl understands and does nothing for: it makes no difference here. */
const idle = new Set(['no-buffer', 'tcp-nodelay', 'http1.1', 'ipv4', 'noproxy', 'compressed', 'keepalive-time', 'http2', 'http1.0'])
const modelled = new Set([
  ...idle,
  'verbose',
  'silent',
  'show-error',
  'output',
  'remote-name',
  'head',
  'request',
  'header',
  'data',
  'data-raw',
  'data-binary',
  'data-urlencode',
  'json',
  'location',
  'insecure',
  'cacert',
  'write-out',
  'max-time',
  'connect-timeout',
  'resolve',
  'connect-to',
  'fail',
  'fail-with-body',
  'include',
  'user-agent',
  'user',
  'max-redirs',
  'retry',
  'retry-delay',
  'retry-connrefused',
  'retry-all-errors',
  'no-progress-meter',
  'progress-bar',
  'get',
  'url',
  'version',
  'help',
  'referer',
  'cookie',
])

export interface CurlSettings {
  readonly urls: readonly string[]
  readonly has: (name: string) => boolean
  readonly value: (name: string) => string | undefined
  readonly all: (name: string) => string[]
  readonly body: string | undefined
  readonly method: string
  /** ms. */
  readonly maxTimeMs: number | undefined
  readonly connectTimeoutMs: number | undefined
  /** Where each URL's body goes: a path, or undefined for standard output. */
  output(index: number, url: URL): string | undefined
}

/** Throws UsageError with curl's exit codes 2 (wrong use), 3 (malformed URL), 26 (a file that cannot be read). */
export function curlSettings(process: Process): CurlSettings {
  const parsed = parseOptions(process.argv.slice(1), {
    short,
    long,
    status: 2,
    unknown: (option) => `curl: option ${option}: is unknown\ncurl: try 'curl --help' for more information`,
    missing: (option) => `curl: option ${option}: requires parameter\ncurl: try 'curl --help' for more information`,
  })
  const names = parsed.given.map(([name, value]): [string, string] => [aliases[name] ?? name, value])
  for (const [name] of names) {
    if (!modelled.has(name))
      throw new UsageError(`curl: the simulated curl does not model ${name.length === 1 ? `-${name}` : `--${name}`}`, 2)
  }
  const all = (name: string) => names.filter(([known]) => known === name).map(([, value]) => value)
  const has = (name: string) => names.some(([known]) => known === name)
  const value = (name: string) => all(name).at(-1)
  const urls = [...all('url'), ...parsed.operands]
  const body = bodyOf(process, names)
  const seconds = (name: string) => {
    const text = value(name)
    if (text === undefined) return undefined
    if (!/^\d+(\.\d+)?$/.test(text)) {
      throw new UsageError(
        `curl: option ${name === 'max-time' ? '-m' : `--${name}`}: expected a proper numerical parameter\ncurl: try 'curl --help' for more information`,
        2,
      )
    }
    return Number(text) * 1000 || undefined
  }
  return {
    urls,
    has,
    value,
    all,
    body: has('get') ? undefined : body,
    method: value('request') ?? (has('head') ? 'HEAD' : body !== undefined && !has('get') ? 'POST' : 'GET'),
    maxTimeMs: seconds('max-time'),
    connectTimeoutMs: seconds('connect-timeout'),
    output: (index, url) => outputOf(process, parsed, index, url),
  }
}

function bodyOf(process: Process, given: readonly (readonly [string, string])[]): string | undefined {
  const parts: string[] = []
  for (const [name, value] of given) {
    if (name === 'json') parts.push(fromFile(process, value, false))
    else if (name === 'data') parts.push(fromFile(process, value, true))
    else if (name === 'data-binary') parts.push(fromFile(process, value, false))
    else if (name === 'data-raw') parts.push(value)
    else if (name === 'data-urlencode') {
      const equals = value.indexOf('=')
      parts.push(equals < 0 ? encodeURIComponent(value) : `${value.slice(0, equals + 1)}${encodeURIComponent(value.slice(equals + 1))}`)
    }
  }
  if (parts.length === 0) return undefined
  return parts.join(given.some(([name]) => name === 'json') ? '' : '&')
}

function fromFile(process: Process, value: string, strip: boolean): string {
  if (!value.startsWith('@')) return value
  const path = value.slice(1)
  const at = resolvePath(process.cwd, path)
  if (!process.files.exists(at))
    throw new UsageError(`curl: option -d: error encountered when reading a file\ncurl: (26) Failed to open ${path}`, 26)
  const text = process.files.readText(at)
  return strip ? text.replace(/[\r\n]/g, '') : text
}

/** The n-th `-o` or `-O` is for the n-th URL. */
function outputOf(process: Process, parsed: Options, index: number, url: URL): string | undefined {
  const given = parsed.given.filter(([name]) => ['o', 'output', 'O', 'remote-name'].includes(name))[index]
  if (!given) return undefined
  const [name, value] = given
  if (name === 'o' || name === 'output') return value === '-' ? undefined : resolvePath(process.cwd, value)
  const last = url.pathname.replace(/^.*\//, '')
  if (last === '') throw new UsageError('curl: (23) Failed to extract a filename to use for storage', 23)
  return resolvePath(process.cwd, last)
}
