import type { Closer } from '../clock.ts'
import { serveHttp } from '../network/http.ts'
import { plainRefused } from '../network/tls/plain-refused.ts'
import { resourceMetrics, statsSummary } from './stats.ts'
import type { Kubelet } from './world.ts'

/**
 * The kubelet's ports on its node: 10250 over HTTPS for those who show credentials and may (the API server reaches the kubelet in-process),
 * and /healthz on 127.0.0.1:10248.
 */
export function openListeners(kubelet: Kubelet): Closer {
  const sockets = kubelet.world.machine.root.socketsFor('kubelet')
  const service = {
    fetch: (request: Request) => answer(kubelet, request),
    upgrade: async () => plain('Unauthorized', 401),
  }
  sockets.listenTcp({ port: 10_250, service }, plainRefused)
  serveHttp(sockets, { address: '127.0.0.1', port: 10_248 }, (request, respond) =>
    respond(request.target === '/healthz' ? { status: 200, body: 'ok' } : { status: 404, body: '404 page not found\n' }),
  )
  return sockets
}

/** Which subresource of the node a path is to the authorizer (pkg/kubelet/server/auth.go). */
function subresourceOf(path: string): string {
  if (path.startsWith('/metrics')) return 'metrics'
  if (path.startsWith('/stats')) return 'stats'
  if (path.startsWith('/logs')) return 'log'
  return 'proxy'
}

async function answer(kubelet: Kubelet, request: Request): Promise<Response> {
  const { world } = kubelet
  const user = await world.authenticate?.(request)
  if (!user) return plain('Unauthorized', 401)
  const path = new URL(request.url).pathname
  const subresource = subresourceOf(path)
  const decision = world.authorize?.(user, { verb: 'get', group: '', version: 'v1', resource: 'nodes', subresource, name: world.node })
  if (!decision?.allowed)
    return plain(`Forbidden (user=${user.username}, verb=get, resource=nodes, subresource(s)=[${subresource}])\n`, 403)
  if (path === '/stats/summary') return json(statsSummary(kubelet))
  if (path === '/metrics/resource') {
    const summary = statsSummary(kubelet)
    // For our own metrics-server, which asks for the rate instead of measuring it between two scrapes.
    if (request.headers.get('accept') === 'application/json') return json(summary)
    return new Response(resourceMetrics(summary), { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
  }
  if (path === '/healthz') return plain('ok', 200)
  return plain('404 page not found\n', 404)
}

function plain(text: string, status: number): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
}

function json(body: unknown): Response {
  return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
}
