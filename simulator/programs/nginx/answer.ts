import type { FileSystem } from '../../files.ts'
import { reasons } from '../../network/http-message.ts'
import type { Location, NginxServer, Settings } from './configuration.ts'

const mimeTypes: Readonly<Record<string, string>> = {
  html: 'text/html',
  htm: 'text/html',
  css: 'text/css',
  js: 'application/javascript',
  json: 'application/json',
  txt: 'text/plain',
  xml: 'text/xml',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  ico: 'image/x-icon',
}

export interface StaticAnswer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array | string
  /** A line of the error log. */
  readonly error?: string
}

/** The server for a port and a Host: by name, else the port's default, else its first. */
export function chooseServer(servers: readonly NginxServer[], port: number, host: string): NginxServer | undefined {
  const here = servers.filter(({ listens }) => listens.some((listen) => listen.port === port))
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const fits = (pattern: string) =>
    pattern.startsWith('*.')
      ? name.endsWith(pattern.slice(1))
      : pattern.startsWith('~')
        ? new RegExp(pattern.slice(1)).test(name)
        : pattern === name
  return (
    here.find(({ names }) => names.includes(name)) ??
    here.find(({ names }) => names.some(fits)) ??
    here.find(({ listens }) => listens.some((listen) => listen.port === port && listen.isDefault)) ??
    here[0]
  )
}

/** nginx's order: exact, then the longest prefix, which a regular expression beats unless it is `^~`. */
export function chooseLocation<T extends Pick<Location, 'modifier' | 'path'>>(locations: readonly T[], path: string): T | undefined {
  const exact = locations.find((location) => location.modifier === '=' && location.path === path)
  if (exact) return exact
  const prefixes = locations.filter(({ modifier, path: prefix }) => (modifier === '' || modifier === '^~') && path.startsWith(prefix))
  const longest = prefixes.sort((a, b) => b.path.length - a.path.length)[0]
  if (longest?.modifier === '^~') return longest
  const byPattern = locations.find(
    ({ modifier, path: pattern }) =>
      (modifier === '~' || modifier === '~*') && new RegExp(pattern, modifier === '~*' ? 'i' : '').test(path),
  )
  return byPattern ?? longest
}

/** nginx's own page for a status; without a version where `server_tokens` is off. */
export function errorPage(status: number, version?: string): string {
  const title = `${status} ${phrase(status)}`
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx${version === undefined ? '' : `/${version}`}</center>\r\n</body>\r\n</html>\r\n`
}

/** Its phrases differ from RFC 9110's in few places. */
export function phrase(status: number): string {
  return (
    {
      302: 'Moved Temporarily',
      405: 'Not Allowed',
      408: 'Request Time-out',
      413: 'Request Entity Too Large',
      503: 'Service Temporarily Unavailable',
      504: 'Gateway Time-out',
    }[status] ??
    reasons[status] ??
    ''
  )
}

export function errorAnswer(status: number, version: string, error?: string): StaticAnswer {
  return { status, headers: [['Content-Type', 'text/html']], body: errorPage(status, version), ...(error === undefined ? {} : { error }) }
}

/** What the files say to a path. */
export function fromFiles(
  files: FileSystem,
  settings: Settings,
  location: Location | undefined,
  path: string,
  method: string,
  version: string,
  host: string,
): StaticAnswer {
  if (method !== 'GET' && method !== 'HEAD') return errorAnswer(405, version)
  const place = (uri: string) =>
    settings.alias !== undefined && location ? settings.alias + uri.slice(location.path.length) : settings.root.replace(/\/$/, '') + uri
  if (settings.tryFiles) {
    const [last = '', ...earlier] = settings.tryFiles.toReversed()
    for (const candidate of earlier.reverse()) {
      const uri = candidate.replaceAll('$uri', path)
      const at = place(uri)
      if (files.exists(at) && files.stat(at).directory === uri.endsWith('/'))
        return fromFiles(files, { ...settings, tryFiles: undefined }, location, uri, method, version, host)
    }
    if (last.startsWith('=')) return errorAnswer(Number(last.slice(1)), version)
    return fromFiles(files, { ...settings, tryFiles: undefined }, location, last.replaceAll('$uri', path), method, version, host)
  }
  if (!path.endsWith('/')) return oneFile(files, place(path), path, settings, version, host)
  for (const name of settings.index) {
    const at = place(`${path}${name}`)
    if (files.exists(at)) return oneFile(files, at, `${path}${name}`, settings, version, host)
  }
  const folder = place(path)
  if (!files.exists(folder)) return missing(place(`${path}${settings.index[0]}`), version)
  if (settings.autoindex) return { status: 200, headers: [['Content-Type', 'text/html']], body: listing(files, folder, path) }
  return errorAnswer(403, version, `directory index of "${folder}" is forbidden`)
}

function oneFile(files: FileSystem, at: string, uri: string, settings: Settings, version: string, host: string): StaticAnswer {
  if (!files.exists(at)) return missing(at, version)
  const info = files.stat(at)
  if (info.directory)
    return {
      ...errorAnswer(301, version),
      headers: [
        ['Content-Type', 'text/html'],
        ['Location', `http://${host}${uri}/`],
      ],
    }
  const modified = new Date(info.modified)
  const type = mimeTypes[at.replace(/^.*\./, '').toLowerCase()] ?? settings.defaultType
  const tag = `"${Math.floor(info.modified / 1000).toString(16)}-${info.size.toString(16)}"`
  return {
    status: 200,
    headers: [
      ['Content-Type', type],
      ['Last-Modified', modified.toUTCString()],
      ['ETag', tag],
      ['Accept-Ranges', 'bytes'],
    ],
    body: files.read(at),
  }
}

function missing(at: string, version: string): StaticAnswer {
  return errorAnswer(404, version, `open() "${at}" failed (2: No such file or directory)`)
}

function listing(files: FileSystem, folder: string, path: string): string {
  const rows = files
    .list(folder)
    .map((file) => `<a href="${file.name}${file.directory ? '/' : ''}">${file.name}${file.directory ? '/' : ''}</a>\r\n`)
  return `<html>\r\n<head><title>Index of ${path}</title></head>\r\n<body>\r\n<h1>Index of ${path}</h1><hr><pre><a href="../">../</a>\r\n${rows.join('')}</pre><hr></body>\r\n</html>\r\n`
}
