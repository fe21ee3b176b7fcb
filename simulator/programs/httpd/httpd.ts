import { serveHttp } from '../../network/http.ts'
import { reasons } from '../../network/http-message.ts'
import { coreutils, debianFiles, inFolder, type Tools, tagsOf } from '../image-parts.ts'
import type { Daemon, DaemonContext, Image } from '../process.ts'
import { MiB } from '../usage.ts'

const version = '2.4.65'
const configuration = '/usr/local/apache2/conf/httpd.conf'
/** Directives that the simulated httpd reads, or that change nothing here. */
const known = [
  'ServerRoot',
  'Listen',
  'DocumentRoot',
  'ServerName',
  'ServerAdmin',
  'LoadModule',
  'User',
  'Group',
  'ErrorLog',
  'LogLevel',
  'CustomLog',
  'DirectoryIndex',
  'Options',
  'AllowOverride',
  'Require',
  'TypesConfig',
  'LogFormat',
]

/** Apache httpd with the ports and the document root of its configuration; its modules are not modelled. */
const httpd: Daemon<null> = {
  kind: 'daemon',
  id: 'httpd/httpd',
  usage: { cores: 0.001, bytes: 8 * MiB, secondsAtStart: 0.1, secondsPerConnection: 0.0001, secondsPerMessage: 0.0002 },
  initial: () => null,
  run(context) {
    const read = readConfiguration(context)
    if ('problem' in read) {
      for (const line of read.problem) context.log(line, 'stderr')
      return context.exit(1)
    }
    context.onSignal((signal) => {
      context.log(`[${apacheTime(context)}] [mpm_event:notice] [pid 1:tid 1] AH00491: caught ${signal}, shutting down`, 'stderr')
      context.exit(0)
    })
    for (const port of read.ports) {
      serveHttp(context.sockets, port, (request, respond) => {
        const [path = '/'] = request.target.split('?')
        const found = lookUp(context, read.root, path)
        const { status } = found
        const body = found.body ?? errorPage(status)
        respond({
          status,
          headers: [
            ['Date', new Date(context.clock.now()).toUTCString()],
            ['Server', `Apache/${version} (Unix)`],
            ['Content-Type', found.body === undefined ? 'text/html; charset=iso-8859-1' : 'text/html'],
          ],
          body,
        })
        const at = new Date(context.clock.now()).toUTCString()
        const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(at) ?? []
        context.log(
          `${request.remote.address} - - [${day}/${month}/${year}:${time} +0000] "${request.method} ${request.target} ${request.version}" ${status} ${body.length}`,
        )
      })
    }
    if (context.resumed) return
    const own = context.sockets.addresses()[0]
    const warning = `AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using ${own}. Set the 'ServerName' directive globally to suppress this message`
    if (!read.named) for (const line of [warning, warning]) context.log(line, 'stderr')
    context.log(
      `[${apacheTime(context)}] [mpm_event:notice] [pid 1:tid 1] AH00489: Apache/${version} (Unix) configured -- resuming normal operations`,
      'stderr',
    )
    context.log(`[${apacheTime(context)}] [core:notice] [pid 1:tid 1] AH00094: Command line: 'httpd -D FOREGROUND'`, 'stderr')
  },
}

function readConfiguration(context: DaemonContext<null>): { ports: number[]; root: string; named: boolean } | { problem: string[] } {
  if (!context.files.exists(configuration))
    return { problem: [`httpd: Could not open configuration file ${configuration}: No such file or directory`] }
  const ports: number[] = []
  let root = '/usr/local/apache2/htdocs'
  let named = false
  for (const [index, line] of context.files.readText(configuration).split('\n').entries()) {
    const [name = '', value = ''] = line.trim().split(/\s+/)
    if (name === '' || name.startsWith('#') || name.startsWith('<')) continue
    if (!known.includes(name)) {
      return {
        problem: [
          `AH00526: Syntax error on line ${index + 1} of ${configuration}:`,
          `Invalid command '${name}', perhaps misspelled or defined by a module not included in the server configuration`,
        ],
      }
    }
    if (name === 'Listen') ports.push(Number(value.replace(/^.*:/, '')))
    if (name === 'DocumentRoot') root = value.replaceAll('"', '')
    if (name === 'ServerName') named = true
  }
  if (ports.length === 0)
    return {
      problem: ['(13)Permission denied: AH00072: make_sock: no listening sockets available, shutting down', 'AH00015: Unable to open logs'],
    }
  return { ports, root, named }
}

function lookUp({ files }: DaemonContext<null>, root: string, path: string): { status: number; body?: Uint8Array } {
  const at = `${root}${path}${path.endsWith('/') ? 'index.html' : ''}`
  if (files.exists(at) && !files.stat(at).directory) return { status: 200, body: files.read(at) }
  return { status: path.endsWith('/') && files.exists(`${root}${path}`) ? 403 : 404 }
}

function errorPage(status: number): string {
  const title = reasons[status] ?? ''
  const text = status === 403 ? "You don't have permission to access this resource." : 'The requested URL was not found on this server.'
  return `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>${status} ${title}</title>\n</head><body>\n<h1>${title}</h1>\n<p>${text}</p>\n</body></html>\n`
}

/** `Tue Nov 24 21:55:36.123000 2026`. */
function apacheTime(context: DaemonContext<null>): string {
  const at = new Date(context.clock.now())
  const [weekday, , month] = at.toUTCString().split(' ')
  return `${weekday?.slice(0, 3)} ${month} ${String(at.getUTCDate()).padStart(2, '0')} ${at.toISOString().slice(11, 23)}000 ${at.getUTCFullYear()}`
}

export function httpdImage(tools: Tools): Image {
  return {
    repositories: ['docker.io/library/httpd'],
    tags: tagsOf(['latest', '2', '2.4', version], ['', '-bookworm']),
    cmd: ['httpd-foreground'],
    workingDir: '/usr/local/apache2',
    env: {
      HTTPD_PREFIX: '/usr/local/apache2',
      HTTPD_VERSION: version,
      PATH: '/usr/local/apache2/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    },
    files: {
      ...debianFiles(),
      [configuration]:
        'ServerRoot "/usr/local/apache2"\nListen 80\nUser www-data\nGroup www-data\nServerAdmin you@example.com\nDocumentRoot "/usr/local/apache2/htdocs"\nDirectoryIndex index.html\nErrorLog /proc/self/fd/2\nLogLevel warn\nCustomLog /proc/self/fd/1 common\n',
      '/usr/local/apache2/htdocs/index.html': '<html><body><h1>It works!</h1></body></html>\n',
    },
    executables: {
      ...inFolder('/usr/bin', tools, [...coreutils, 'sh', 'bash']),
      ...inFolder('/bin', tools, ['sh', 'bash']),
      '/usr/local/bin/httpd-foreground': httpd,
      '/usr/local/apache2/bin/httpd': httpd,
    },
  }
}
