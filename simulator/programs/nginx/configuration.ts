import type { FileSystem } from '../../files.ts'
import { remembered } from '../../remembered.ts'
import { type Directive, NginxConfigError, parseNginx } from './syntax.ts'

export interface NginxServer {
  readonly listens: readonly { readonly port: number; readonly isDefault: boolean }[]
  readonly names: readonly string[]
  readonly settings: Settings
  readonly locations: readonly Location[]
}

export interface Location {
  readonly modifier: '' | '=' | '^~' | '~' | '~*'
  readonly path: string
  readonly settings: Settings
}

/** What a location does, its server's and http's settings taken into account. Plain data: part of the daemon's state. */
export interface Settings {
  readonly root: string
  readonly alias?: string
  readonly index: readonly string[]
  readonly returns?: { readonly status: number; readonly text?: string }
  readonly proxyPass?: { readonly url: string; readonly file: string; readonly line: number }
  readonly proxyHeaders: readonly (readonly [string, string])[]
  readonly addHeaders: readonly (readonly [string, string])[]
  readonly tryFiles?: readonly string[]
  readonly defaultType: string
  readonly accessLog: boolean
  readonly stubStatus: boolean
  readonly autoindex: boolean
}

/** Directives that change nothing here, but that real configurations have. */
const idle = new Set([
  'user',
  'worker_processes',
  'worker_rlimit_nofile',
  'pid',
  'events',
  'worker_connections',
  'error_log',
  'log_format',
  'sendfile',
  'tcp_nopush',
  'tcp_nodelay',
  'keepalive_timeout',
  'types',
  'gzip',
  'gzip_types',
  'server_tokens',
  'client_max_body_size',
  'charset',
  'error_page',
  'internal',
  'types_hash_max_size',
  'proxy_http_version',
  'proxy_connect_timeout',
  'proxy_read_timeout',
  'proxy_send_timeout',
  'proxy_buffering',
  'proxy_redirect',
  'expires',
  'etag',
  'resolver',
  'absolute_redirect',
  'multi_accept',
  'use',
  'daemon',
  'large_client_header_buffers',
  'client_body_timeout',
  'client_header_timeout',
  'send_timeout',
  'server_names_hash_bucket_size',
  'port_in_redirect',
])

const refused = new Set([
  'rewrite',
  'if',
  'map',
  'stream',
  'upstream',
  'auth_basic',
  'limit_req',
  'limit_req_zone',
  'fastcgi_pass',
  'grpc_pass',
  'ssl_certificate',
  'ssl_certificate_key',
  'set',
  'deny',
  'allow',
  'mirror',
  'geo',
  'split_clients',
  'sub_filter',
  'proxy_cache',
  'mail',
])

const base: Settings = {
  root: '/etc/nginx/html',
  index: ['index.html'],
  proxyHeaders: [],
  addHeaders: [],
  defaultType: 'text/plain',
  accessLog: true,
  stubStatus: false,
  autoindex: false,
}

/** Replicas read the same files. */
const directivesOf = remembered(parseNginx)

/** Reads `/etc/nginx/nginx.conf` and what it includes. Throws NginxConfigError. */
export function readConfiguration(files: FileSystem, file: string): NginxServer[] {
  if (!files.exists(file)) throw new Error(`open() "${file}" failed (2: No such file or directory)`)
  const servers: NginxServer[] = []
  const top = follow(files, directivesOf(files.readText(file), file))
  for (const directive of top) {
    if (directive.name === 'http') readHttp(files, directive, servers)
    else if (!idle.has(directive.name)) throw unknown(directive)
  }
  return servers
}

function readHttp(files: FileSystem, http: Directive, servers: NginxServer[]): void {
  const inside = follow(files, http.block ?? [])
  const settings = settingsOf(
    inside.filter(({ name }) => name !== 'server'),
    base,
  )
  for (const directive of inside) if (directive.name === 'server') servers.push(readServer(files, directive, settings))
}

function readServer(files: FileSystem, server: Directive, outer: Settings): NginxServer {
  const inside = follow(files, server.block ?? [])
  const own = inside.filter(({ name }) => !['listen', 'server_name', 'location'].includes(name))
  const settings = settingsOf(own, outer)
  const listens = inside.filter(({ name }) => name === 'listen').flatMap(readListen)
  return {
    listens: listens.length > 0 ? listens : [{ port: 80, isDefault: false }],
    names: inside.filter(({ name }) => name === 'server_name').flatMap(({ args }) => args),
    settings,
    locations: inside.filter(({ name }) => name === 'location').map((location) => readLocation(files, location, settings)),
  }
}

/** Listening on IPv6 adds nothing here: interfaces carry IPv4. */
function readListen(directive: Directive): { port: number; isDefault: boolean }[] {
  const [where = '', ...flags] = directive.args
  if (where.startsWith('[')) return []
  const port = where.includes(':') ? where.split(':')[1] : /^\d+$/.test(where) ? where : '80'
  if (!/^\d+$/.test(port ?? '') || Number(port) > 65_535 || Number(port) < 1) {
    throw new NginxConfigError(`invalid port in "${where}" of the "listen" directive`, directive.file, directive.line)
  }
  const odd = flags.find(
    (flag) =>
      !/^(default_server|ssl|http2|reuseport|proxy_protocol|deferred|bind|(ipv6only|backlog|so_keepalive|rcvbuf|sndbuf)=.*)$/.test(flag),
  )
  if (odd !== undefined) throw new NginxConfigError(`invalid parameter "${odd}"`, directive.file, directive.line)
  if (flags.includes('ssl'))
    throw new NginxConfigError('the simulated nginx does not model "ssl" of the "listen" directive', directive.file, directive.line)
  return [{ port: Number(port), isDefault: flags.includes('default_server') }]
}

function readLocation(files: FileSystem, directive: Directive, outer: Settings): Location {
  const [first = '', second] = directive.args
  const modifier = second === undefined ? '' : first
  if (!['', '=', '^~', '~', '~*'].includes(modifier))
    throw new NginxConfigError(`invalid location modifier "${modifier}"`, directive.file, directive.line)
  const { proxyPass: _proxy, returns: _returns, tryFiles: _files, ...inherited } = outer
  return {
    modifier: modifier as Location['modifier'],
    path: second ?? first,
    settings: settingsOf(follow(files, directive.block ?? []), inherited),
  }
}

function settingsOf(directives: readonly Directive[], outer: Settings): Settings {
  let settings: Settings = outer
  const proxyHeaders: (readonly [string, string])[] = []
  const addHeaders: (readonly [string, string])[] = []
  for (const directive of directives) {
    const { name, args } = directive
    const [value = ''] = args
    if (idle.has(name)) continue
    if (args.length === 0 && name !== 'stub_status')
      throw new NginxConfigError(`invalid number of arguments in "${name}" directive`, directive.file, directive.line)
    switch (name) {
      case 'root':
        settings = { ...settings, root: value.startsWith('/') ? value : `/etc/nginx/${value}` }
        break
      case 'alias':
        settings = { ...settings, alias: value }
        break
      case 'index':
        settings = { ...settings, index: args }
        break
      case 'return': {
        const code = /^\d{3}$/.test(value) ? Number(value) : undefined
        if (code === undefined && !/^https?:/.test(value))
          throw new NginxConfigError(`invalid return code "${value}"`, directive.file, directive.line)
        const text = code === undefined ? value : args[1]
        settings = { ...settings, returns: { status: code ?? 302, ...(text === undefined ? {} : { text }) } }
        break
      }
      case 'proxy_pass':
        if (!/^https?:\/\//.test(value)) throw new NginxConfigError('invalid URL prefix', directive.file, directive.line)
        if (value.startsWith('https:'))
          throw new NginxConfigError('the simulated nginx does not model "proxy_pass" to https', directive.file, directive.line)
        settings = { ...settings, proxyPass: { url: value, file: directive.file, line: directive.line } }
        break
      case 'proxy_set_header':
        proxyHeaders.push([value, args[1] ?? ''])
        break
      case 'add_header':
        addHeaders.push([value, args[1] ?? ''])
        break
      case 'try_files':
        settings = { ...settings, tryFiles: args }
        break
      case 'default_type':
        settings = { ...settings, defaultType: value }
        break
      case 'access_log':
        settings = { ...settings, accessLog: value !== 'off' }
        break
      case 'stub_status':
        settings = { ...settings, stubStatus: true }
        break
      case 'autoindex':
        settings = { ...settings, autoindex: value === 'on' }
        break
      default:
        throw unknown(directive)
    }
  }
  if (proxyHeaders.length > 0) settings = { ...settings, proxyHeaders }
  if (addHeaders.length > 0) settings = { ...settings, addHeaders }
  return settings
}

function unknown({ name, file, line }: Directive): NginxConfigError {
  if (refused.has(name)) return new NginxConfigError(`the simulated nginx does not model the directive "${name}"`, file, line)
  if (['server', 'location', 'listen', 'server_name', 'root', 'proxy_pass', 'http', 'return'].includes(name)) {
    return new NginxConfigError(`"${name}" directive is not allowed here`, file, line)
  }
  return new NginxConfigError(`unknown directive "${name}"`, file, line)
}

/** Replaces `include` by what it includes; a pattern that matches nothing includes nothing. */
function follow(files: FileSystem, directives: readonly Directive[]): Directive[] {
  return directives.flatMap((directive) => {
    if (directive.name !== 'include') return [directive]
    const [pattern = ''] = directive.args
    const path = pattern.startsWith('/') ? pattern : `/etc/nginx/${pattern}`
    if (!path.includes('*')) {
      if (path.endsWith('/mime.types')) return []
      if (!files.exists(path))
        throw new NginxConfigError(`open() "${path}" failed (2: No such file or directory)`, directive.file, directive.line)
      return follow(files, directivesOf(files.readText(path), path))
    }
    const folder = path.replace(/\/[^/]*$/, '')
    const name = new RegExp(
      `^${path
        .slice(folder.length + 1)
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replace(/\*/g, '.*')}$`,
    )
    if (!files.exists(folder)) return []
    const matching = files.list(folder).filter((file) => !file.directory && !file.name.startsWith('.') && name.test(file.name))
    return matching.flatMap((file) => follow(files, directivesOf(files.readText(`${folder}/${file.name}`), `${folder}/${file.name}`)))
  })
}
