import { goPattern } from '../../../simulator/go-pattern.ts'
import { NetworkError } from '../../../simulator/network/sockets.ts'
import { Failure } from '../cli/failure.ts'
import { bool, duration, int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { hostOf, type ProxiedRequest, type ProxiedResponse, serveProxy } from '../client/proxy-server.ts'
import { race } from '../client/streaming.ts'

/** Where Linux takes ports from for whoever does not care which. */
const ephemeral = { first: 32_768, count: 28_232 }

export const proxyVerb: Verb = {
  name: 'proxy',
  about: 'Run a proxy to the Kubernetes API server',
  more: 'Whoever reaches the proxy asks the API server as you. It runs until Ctrl-C.',
  examples: ['kubectl proxy', 'kubectl proxy --port=0', 'kubectl proxy --accept-paths=^/api/v1/namespaces/'],
  usage: '[--port=PORT] [--api-prefix=prefix]',
  flags: [
    text('accept-hosts', 'Patterns of hosts that are answered.', undefined, '^localhost$,^127\\.0\\.0\\.1$,^\\[::1\\]$'),
    text('accept-paths', 'Patterns of paths that are answered.', undefined, '^.*'),
    text('address', 'IP address to listen on.', undefined, '127.0.0.1'),
    text('api-prefix', 'Where the API begins.', undefined, '/'),
    bool('append-server-path', 'Accepted; the server has no path.'),
    bool('disable-filter', 'Answer everybody.'),
    duration('keepalive', 'Accepted.'),
    int('port', 'Port to listen on; 0 is any.', 'p', '8001'),
    text('reject-methods', 'Patterns of methods that are refused.', undefined, '^$'),
    text('reject-paths', 'Patterns of paths that are refused.', undefined, '^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach'),
    text('unix-socket', 'Refused: there are no Unix sockets here.', 'u'),
    text('www', 'Refused: the proxy serves no files.', 'w'),
    text('www-prefix', 'Where files would be served.', 'P', '/static/'),
  ],
  run,
}

async function run(call: Call): Promise<undefined> {
  const { flags, process } = call
  const client = call.client()
  const filter = flags.bool('disable-filter') ? undefined : filterOf(call)
  if (flags.text('unix-socket') && flags.number('port') !== 8001) throw new Failure('cannot set --unix-socket and --port at the same time')
  for (const name of ['unix-socket', 'www'])
    if (flags.text(name)) throw new Failure(`--${name} is not supported by proxy of this kubectl: use --port, and another server for files`)
  const prefix = flags.text('api-prefix').replace(/\/*$/, '/')
  const address = flags.text('address')

  const answer = async (request: ProxiedRequest): Promise<ProxiedResponse> => {
    const [path = '', query] = request.target.split(/\?(.*)/s)
    if (prefix !== '/' && `${path}/` === prefix) return { ...said(301, ''), headers: [['Location', prefix]] }
    if (!path.startsWith(prefix)) return said(404, '404 page not found')
    const asked = prefix.startsWith('/api') ? path : `/${path.slice(prefix.length)}`
    const plain = decoded(asked)
    if (plain === undefined) return said(400, '400 Bad Request')
    if (filter && !filter(request.method, plain, hostOf(request))) return said(403, 'Forbidden')
    if (request.headers.some(([name]) => name.toLowerCase() === 'upgrade'))
      return said(501, 'kubectl proxy of the simulation carries no upgraded connections: use kubectl exec, attach or port-forward')
    try {
      const response = await client.forward({ ...request, target: query === undefined ? asked : `${asked}?${query}` })
      const headers: [string, string][] = []
      response.headers.forEach((value, name) => void headers.push([name, value]))
      return { status: response.status, headers, body: response.body }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return said(500, error.message)
    }
  }
  const port = flags.number('port') || ephemeral.first + process.random.below(ephemeral.count)
  const shown = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  try {
    const listener = serveProxy(process.sockets, { address, port }, answer)
    try {
      await call.out(`Starting to serve on ${shown}\n`)
      await race(new Promise<never>(() => {}), process.signal)
    } finally {
      listener.close()
    }
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    const why = error.code === 'EADDRINUSE' ? 'address already in use' : 'cannot assign requested address'
    throw new Failure(`listen tcp ${shown}: bind: ${why}`)
  }
  return undefined
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/** As Go's http.Error. */
function said(status: number, text: string): ProxiedResponse {
  return {
    status,
    headers: [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['X-Content-Type-Options', 'nosniff'],
    ],
    body: text === '' ? '' : `${text}\n`,
  }
}

/** Who may ask what; after FilterServer of kubectl's pkg/proxy. Patterns stand between commas. */
function filterOf(call: Call): (method: string, path: string, host: string) => boolean {
  const patterns = (name: string) => {
    const value = call.flags.text(name)
    return value === '' ? [] : value.split(',').map(patternOf)
  }
  const [acceptedPaths, rejectedPaths, hosts, methods] = ['accept-paths', 'reject-paths', 'accept-hosts', 'reject-methods'].map(patterns)
  const some = (list: RegExp[] | undefined, text: string) => (list ?? []).some((pattern) => pattern.test(text))
  return (method, path, host) => !some(rejectedPaths, path) && !some(methods, method) && some(acceptedPaths, path) && some(hosts, host)
}

function patternOf(text: string): RegExp {
  const pattern = goPattern(text)
  if (!pattern) throw new Failure(`Error compiling re: error parsing regexp: ${JSON.stringify(text)} is no pattern`, 255)
  return pattern
}
