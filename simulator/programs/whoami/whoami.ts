import { type Respond, type ServedRequest, serveHttp } from '../../network/http.ts'
import { header } from '../../network/http-message.ts'
import { NetworkError } from '../../network/sockets.ts'
import type { Daemon, DaemonContext, Image } from '../process.ts'
import { MiB } from '../usage.ts'

/** Traefik's whoami: tells the request and the pod that got it. TLS and gRPC are refused. */
const whoami: Daemon<null> = {
  kind: 'daemon',
  id: 'traefik/whoami',
  usage: { cores: 0, bytes: 3 * MiB, secondsAtStart: 0.01, secondsPerConnection: 0.0001, secondsPerMessage: 0.0001 },
  initial: () => null,
  run(context) {
    const flag = (name: string) => {
      const word = context.argv.find((argument) => argument.replace(/^--?/, '').split('=')[0] === name)
      return word?.includes('=') ? word.split('=')[1] : word === undefined ? undefined : context.argv[context.argv.indexOf(word) + 1]
    }
    const port = Number(flag('port') ?? context.env.WHOAMI_PORT_NUMBER ?? 80)
    const name = flag('name') ?? context.env.WHOAMI_NAME ?? ''
    context.onSignal(() => context.exit(2))
    try {
      serveHttp(context.sockets, port, (request, respond) => answer(context, name, request, respond))
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      context.log(`${stamp(context)} listen tcp :${port}: bind: address already in use`, 'stderr')
      return context.exit(1)
    }
    if (!context.resumed) context.log(`${stamp(context)} Starting up on port ${port}`, 'stderr')
  },
}

function answer(context: DaemonContext<null>, name: string, request: ServedRequest, respond: Respond): void {
  const path = request.target.split('?')[0]
  const addresses = [...context.sockets.addresses()].reverse()
  const headers = request.headers.filter(([key]) => key.toLowerCase() !== 'host').sort(([a], [b]) => (a < b ? -1 : 1))
  const host = header(request, 'host') ?? ''
  if (path === '/health') return respond({ status: 200, body: '' })
  if (path === '/api') {
    const grouped = Object.fromEntries(headers.map(([key, value]) => [key, [value]]))
    const body = {
      hostname: context.hostname,
      ip: addresses,
      headers: grouped,
      url: request.target,
      host,
      method: request.method,
      ...(name ? { name } : {}),
      remoteAddr: `${request.remote.address}:${request.remote.port}`,
    }
    return respond({ status: 200, headers: [['Content-Type', 'application/json']], body: `${JSON.stringify(body)}\n` })
  }
  const lines = [
    ...(name ? [`Name: ${name}`] : []),
    `Hostname: ${context.hostname}`,
    ...addresses.map((address) => `IP: ${address}`),
    `RemoteAddr: ${request.remote.address}:${request.remote.port}`,
    `${request.method} ${request.target} HTTP/1.1`,
    `Host: ${host}`,
    ...headers.map(([key, value]) => `${key}: ${value}`),
    '',
    '',
  ]
  respond({ status: 200, headers: [['Content-Type', 'text/plain; charset=utf-8']], body: lines.join('\n') })
}

function stamp(context: DaemonContext<null>): string {
  return new Date(context.clock.now()).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')
}

/** Built from scratch: no shell in it. */
export const whoamiImage: Image = {
  repositories: ['docker.io/traefik/whoami', 'docker.io/containous/whoami'],
  tags: (tag) => /^(latest|v1(\.\d+(\.\d+)?)?)$/.test(tag),
  entrypoint: ['/whoami'],
  executables: { '/whoami': whoami },
}
