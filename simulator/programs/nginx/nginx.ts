import { isAddress } from '../../network/address.ts'
import { httpRequest, type Respond, type ServedRequest, serveHttp } from '../../network/http.ts'
import { type HttpHeaders, header, percentDecoded } from '../../network/http-message.ts'
import { NetworkError } from '../../network/sockets.ts'
import { strerrorOf } from '../netutils/command.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { libcOf } from '../resolver/configuration.ts'
import { resolve } from '../resolver/resolver.ts'
import { MiB } from '../usage.ts'
import { chooseLocation, chooseServer, errorAnswer, fromFiles, phrase, type StaticAnswer } from './answer.ts'
import { type NginxServer, readConfiguration, type Settings } from './configuration.ts'
import { NginxConfigError } from './syntax.ts'

interface NginxState {
  /** What the master read at its start; undefined until it listens. */
  servers: NginxServer[] | undefined
  /** Addresses of upstream names: nginx looks them up once, when it reads its configuration. */
  upstreams: Record<string, string[]>
  connections: number
  requests: number
  turn: number
}

/** proxy_connect_timeout and proxy_read_timeout, ms. */
const proxyPatience = 60_000
const errno: Readonly<Record<string, number>> = { ECONNREFUSED: 111, ETIMEDOUT: 110, EHOSTUNREACH: 113, ENETUNREACH: 101, ECONNRESET: 104 }

/** nginx of one version; as `/docker-entrypoint.sh` it writes that script's lines first. Reloading by signal is modelled, `nginx -s` is not. */
export function nginxDaemon(version: string): Daemon<NginxState> {
  return {
    kind: 'daemon',
    usage: { cores: 0, bytes: 7 * MiB, secondsAtStart: 0.03, secondsPerConnection: 5e-5, secondsPerMessage: 0.0001 },
    id: `nginx/nginx-${version}`,
    initial: () => ({ servers: undefined, upstreams: {}, connections: 0, requests: 0, turn: 0 }),
    run: (context) => run(context, version),
  }
}

function run(context: DaemonContext<NginxState>, version: string): void {
  const program = (context.argv[0] ?? '').replace(/^.*\//, '')
  const wrapped = program === 'docker-entrypoint.sh'
  const words = wrapped ? context.argv.slice(2) : context.argv.slice(1)
  if (wrapped && context.argv[1] !== 'nginx' && context.argv[1] !== undefined) {
    context.log(
      `${context.argv[0]}: the simulated image's entrypoint runs nginx only; set the container's command to run ${context.argv[1]}`,
      'stderr',
    )
    return context.exit(1)
  }
  if (words.includes('-v') || words.includes('-V')) {
    context.log(`nginx version: nginx/${version}`, 'stderr')
    return context.exit(0)
  }
  if (words.includes('-s')) {
    context.log('nginx: the simulated nginx does not model "-s": delete the pod, or roll the deployment out again', 'stderr')
    return context.exit(1)
  }
  const at = words.indexOf('-c')
  const file = at < 0 ? '/etc/nginx/nginx.conf' : (words[at + 1] ?? '')
  const testing = words.includes('-t') || words.includes('-T')
  if (wrapped && !context.resumed) for (const line of entrypointLines(context)) context.log(line)
  context.onSignal((signal) => stop(context, signal))
  if (context.resumed && context.state.servers) return serve(context, version, context.state.servers)
  start(context, version, file, testing)
}

function stop(context: DaemonContext<NginxState>, signal: string): void {
  if (signal === 'SIGWINCH' || signal === 'SIGHUP') return
  const name = { SIGQUIT: '3 (SIGQUIT)', SIGTERM: '15 (SIGTERM)', SIGINT: '2 (SIGINT)' }[signal] ?? signal
  notice(context, `signal ${name} received, ${signal === 'SIGQUIT' ? 'shutting down' : 'exiting'}`)
  notice(context, 'exit')
  context.exit(0)
}

function start(context: DaemonContext<NginxState>, version: string, file: string, testing: boolean): void {
  let servers: NginxServer[]
  try {
    servers = readConfiguration(context.files, file)
  } catch (error) {
    const place = error instanceof NginxConfigError || error instanceof Error ? error.message : String(error)
    return emergency(context, place, testing ? file : undefined)
  }
  lookUpstreams(context, servers, (problem) => {
    if (problem !== undefined) return emergency(context, problem, testing ? file : undefined)
    if (testing) {
      context.log(`nginx: the configuration file ${file} syntax is ok`, 'stderr')
      context.log(`nginx: configuration file ${file} test is successful`, 'stderr')
      return context.exit(0)
    }
    try {
      serve(context, version, servers)
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      const port = /:(\d+)/.exec(error.message)?.[1] ?? '80'
      context.log(`${stamp(context)} [emerg] 1#1: bind() to 0.0.0.0:${port} failed (98: Address already in use)`, 'stderr')
      return emergency(context, `bind() to 0.0.0.0:${port} failed (98: Address already in use)`, undefined)
    }
    context.state.servers = servers
    for (const line of [
      'using the "epoll" event method',
      `nginx/${version}`,
      'OS: Linux 6.8.0',
      'getrlimit(RLIMIT_NOFILE): 1048576:1048576',
      'start worker processes',
      'start worker process 29',
    ]) {
      notice(context, line)
    }
  })
}

function emergency(context: DaemonContext<NginxState>, message: string, tested: string | undefined): void {
  if (tested === undefined) context.log(`${stamp(context)} [emerg] 1#1: ${message}`, 'stderr')
  context.log(`nginx: [emerg] ${message}`, 'stderr')
  if (tested !== undefined) context.log(`nginx: configuration file ${tested} test failed`, 'stderr')
  context.exit(1)
}

/** Names in proxy_pass are resolved once at the start; one that does not resolve is fatal. Variables are not modelled there. */
function lookUpstreams(context: DaemonContext<NginxState>, servers: readonly NginxServer[], done: (problem?: string) => void): void {
  const passes = servers
    .flatMap(({ settings, locations }) => [settings, ...locations.map((location) => location.settings)])
    .flatMap(({ proxyPass }) => (proxyPass ? [proxyPass] : []))
  const wanted = new Map(passes.map((pass) => [new URL(pass.url).hostname, pass]))
  const names = [...wanted.keys()].filter((name) => !isAddress(name))
  if (names.length === 0) return done()
  void Promise.all(names.map(async (name) => [name, await resolve(context, name)] as const)).then((found) => {
    context.clock.soon(() => {
      for (const [name, resolution] of found) {
        const pass = wanted.get(name)
        if (!('addresses' in resolution)) return done(`host not found in upstream "${name}" in ${pass?.file}:${pass?.line}`)
        context.state.upstreams[name] = [...resolution.addresses]
      }
      done()
    })
  })
}

function serve(context: DaemonContext<NginxState>, version: string, servers: readonly NginxServer[]): void {
  const ports = new Set(servers.flatMap(({ listens }) => listens.map(({ port }) => port)))
  for (const port of ports)
    serveHttp(context.sockets, port, (request, respond) => answer(context, version, servers, port, request, respond))
}

function answer(
  context: DaemonContext<NginxState>,
  version: string,
  servers: readonly NginxServer[],
  port: number,
  request: ServedRequest,
  respond: Respond,
): void {
  const { state } = context
  state.requests++
  const connection = ++state.connections
  const host = header(request, 'host')
  const [path = '/'] = request.target.replace(/^https?:\/\/[^/]*/, '').split('?')
  const server = chooseServer(servers, port, host ?? '')
  const location = server && chooseLocation(server.locations, percentDecoded(path))
  const settings = location?.settings ?? server?.settings
  const finish = (result: StaticAnswer) => {
    if (result.error !== undefined) complain(context, connection, result.error, request, server)
    const added = settings?.addHeaders ?? []
    const date = new Date(context.clock.now()).toUTCString()
    respond({
      ...result,
      reason: phrase(result.status),
      headers: [['Server', `nginx/${version}`], ['Date', date], ...result.headers, ...added],
    })
    if (settings?.accessLog ?? true) context.log(accessLine(context, request, result))
  }
  if (!server || !settings || (host === undefined && request.version === 'HTTP/1.1')) return finish(errorAnswer(400, version))
  const returns = server.settings.returns ?? settings.returns
  if (returns) return finish(returned(returns, version, settings))
  if (settings.stubStatus) {
    const body = `Active connections: 1 \nserver accepts handled requests\n ${state.connections} ${state.connections} ${state.requests} \nReading: 0 Writing: 1 Waiting: 0 \n`
    return finish({ status: 200, headers: [['Content-Type', 'text/plain']], body })
  }
  if (settings.proxyPass) return proxy(context, version, settings, location?.path ?? '/', request, finish)
  finish(fromFiles(context.files, settings, location, percentDecoded(path), request.method, version, host ?? 'localhost'))
}

function returned({ status, text }: NonNullable<Settings['returns']>, version: string, settings: Settings): StaticAnswer {
  if (status >= 300 && status < 400 && text !== undefined)
    return {
      ...errorAnswer(status, version),
      headers: [
        ['Content-Type', 'text/html'],
        ['Location', text],
      ],
    }
  if (text !== undefined || status === 204)
    return {
      status,
      headers: text === undefined ? [] : [['Content-Type', settings.defaultType]],
      body: (text ?? '').replaceAll('\\n', '\n'),
    }
  return status < 300 ? { status, headers: [['Content-Type', settings.defaultType]], body: '' } : errorAnswer(status, version)
}

function proxy(
  context: DaemonContext<NginxState>,
  version: string,
  settings: Settings,
  prefix: string,
  request: ServedRequest,
  finish: (result: StaticAnswer) => void,
): void {
  const { state } = context
  const url = new URL(settings.proxyPass?.url ?? '')
  const port = Number(url.port || 80)
  const addresses = state.upstreams[url.hostname] ?? [url.hostname]
  const address = addresses[state.turn++ % addresses.length] as string
  // A URI in proxy_pass replaces the part of the path that the location matched.
  const hasUri = /^https?:\/\/[^/]+\//.test(settings.proxyPass?.url ?? '')
  const target = hasUri ? `${url.pathname}${request.target.slice(prefix.length)}` : request.target
  const upstream = `"http://${address}:${port}${target}"`
  const fail = (status: number, what: string) => {
    closer.close()
    timer.close()
    finish(errorAnswer(status, version, `${what}, upstream: ${upstream}`))
  }
  const timer = context.clock.after(proxyPatience, () =>
    fail(504, 'upstream timed out (110: Connection timed out) while connecting to upstream'),
  )
  const closer = httpRequest(
    context.sockets,
    { address, port },
    {
      method: request.method,
      target,
      headers: proxyHeaders(settings, request, url),
      ...(request.body.length > 0 ? { body: request.body } : {}),
    },
    {
      response: (response) => {
        timer.close()
        const own = ['connection', 'date', 'server', 'content-length', 'transfer-encoding']
        finish({
          status: response.status,
          headers: response.headers.filter(([name]) => !own.includes(name.toLowerCase())),
          body: response.body,
        })
      },
      error: (error) => {
        if (error instanceof NetworkError && errno[error.code] !== undefined && error.message !== 'EOF') {
          const words = strerrorOf(libcOf(context.files), error.code)
          return fail(
            error.code === 'ETIMEDOUT' ? 504 : 502,
            `connect() failed (${errno[error.code]}: ${words}) while connecting to upstream`,
          )
        }
        fail(502, 'upstream prematurely closed connection while reading response header from upstream')
      },
    },
  )
}

function proxyHeaders(settings: Settings, request: ServedRequest, url: URL): HttpHeaders {
  const variables: Record<string, string> = {
    $host: (header(request, 'host') ?? '').replace(/:\d+$/, ''),
    $http_host: header(request, 'host') ?? '',
    $proxy_host: url.host,
    $remote_addr: request.remote.address,
    $proxy_add_x_forwarded_for: [header(request, 'x-forwarded-for'), request.remote.address].filter(Boolean).join(', '),
    $scheme: 'http',
    $server_port: `${request.local.port}`,
    $request_uri: request.target,
    $uri: request.target.replace(/\?.*/, ''),
  }
  const fill = (text: string) => text.replace(/\$\w+/g, (name) => variables[name] ?? '')
  const set = new Map<string, string>([
    ['Host', url.host],
    ['Connection', 'close'],
  ])
  for (const [name, value] of settings.proxyHeaders) set.set(name, fill(value))
  const replaced = new Set([...set.keys(), 'keep-alive', 'content-length', 'transfer-encoding'].map((name) => name.toLowerCase()))
  return [...[...set].filter(([, value]) => value !== ''), ...request.headers.filter(([name]) => !replaced.has(name.toLowerCase()))]
}

function complain(
  context: DaemonContext<NginxState>,
  connection: number,
  message: string,
  request: ServedRequest,
  server: NginxServer | undefined,
): void {
  const [what, upstream] = message.split(/, (?=upstream: )/)
  const parts = [
    what,
    `client: ${request.remote.address}`,
    `server: ${server?.names[0] ?? ''}`,
    `request: "${request.method} ${request.target} ${request.version}"`,
    upstream,
    `host: "${header(request, 'host') ?? ''}"`,
  ]
  context.log(`${stamp(context)} [error] 29#29: *${connection} ${parts.filter(Boolean).join(', ')}`, 'stderr')
}

/** The image's log format `main`. */
function accessLine(context: DaemonContext<NginxState>, request: ServedRequest, result: StaticAnswer): string {
  const at = new Date(context.clock.now())
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(at.toUTCString()) ?? []
  const bytes =
    request.method === 'HEAD' ? 0 : typeof result.body === 'string' ? new TextEncoder().encode(result.body).length : result.body.length
  const field = (name: string) => header(request, name) ?? '-'
  return `${request.remote.address} - - [${day}/${month}/${year}:${time} +0000] "${request.method} ${request.target} ${request.version}" ${result.status} ${bytes} "${field('referer')}" "${field('user-agent')}" "${field('x-forwarded-for')}"`
}

function notice(context: DaemonContext<NginxState>, message: string): void {
  context.log(`${stamp(context)} [notice] 1#1: ${message}`, 'stderr')
}

function stamp(context: DaemonContext<NginxState>): string {
  return new Date(context.clock.now()).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')
}

function entrypointLines(context: DaemonContext<NginxState>): string[] {
  const script = '/docker-entrypoint.sh'
  const file = '/etc/nginx/conf.d/default.conf'
  const ipv6 = '10-listen-on-ipv6-by-default.sh: info:'
  const listens = !context.files.exists(file)
    ? [`${ipv6} ${file} is not a file or does not exist`]
    : context.files.readText(file) === defaultConfiguration
      ? [`${ipv6} Getting the checksum of ${file}`, `${ipv6} Enabled listen on IPv6 in ${file}`]
      : [`${ipv6} Getting the checksum of ${file}`, `${ipv6} ${file} differs from the packaged version`]
  return [
    `${script}: /docker-entrypoint.d/ is not empty, will attempt to perform configuration`,
    `${script}: Looking for shell scripts in /docker-entrypoint.d/`,
    `${script}: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh`,
    ...listens,
    `${script}: Sourcing /docker-entrypoint.d/15-local-resolvers.envsh`,
    `${script}: Launching /docker-entrypoint.d/20-envsubst-on-templates.sh`,
    `${script}: Launching /docker-entrypoint.d/30-tune-worker-processes.sh`,
    `${script}: Configuration complete; ready for start up`,
  ]
}

export const defaultConfiguration = `server {
    listen       80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
`
