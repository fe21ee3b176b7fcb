import type { Closer } from '../../clock.ts'
import { serveHttp } from '../../network/http.ts'
import type { HttpHeaders } from '../../network/http-message.ts'
import { NetworkError, type Sockets } from '../../network/sockets.ts'
import type { ServicePort } from './service-ports.ts'

const healthPort = 10256
const metricsPort = 10249
const plain: HttpHeaders = [['Content-Type', 'text/plain; charset=utf-8']]
const json: HttpHeaders = [
  ['Content-Type', 'application/json'],
  ['X-Content-Type-Options', 'nosniff'],
]
const notFound = { status: 404, headers: [...plain, ['X-Content-Type-Options', 'nosniff']] as HttpHeaders, body: '404 page not found\n' }

/** Where kube-proxy tells of itself: `/healthz` and `/livez` on port 10256 of the node, `/proxyMode` on 10249 of its loopback. */
export function serveHealth(
  context: { sockets: Sockets; clock: { now(): number } },
  mode: string,
  failed: (message: string) => void,
): void {
  const now = () => new Date(context.clock.now()).toISOString().replace('T', ' ').replace('Z', '000000 +0000 UTC')
  const listen = (
    what: string,
    at: { address?: string; port: number },
    answers: Record<string, () => { headers: HttpHeaders; body: string }>,
  ) => {
    try {
      serveHttp(context.sockets, at, ({ target }, respond) => {
        const answer = answers[target.split('?')[0] ?? '']
        respond(answer ? { status: 200, ...answer() } : notFound)
      })
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      failed(`"${what}" err=${JSON.stringify(error.message)}`)
    }
  }
  // Rules are synced in the moment of a change, so they are never older than now.
  const state = () => `{"lastUpdated": "${now()}","currentTime": "${now()}", "nodeEligible": true}`
  const live = () => `{"lastUpdated": "${now()}","currentTime": "${now()}"}`
  listen(
    'Failed to start healthz server',
    { port: healthPort },
    {
      '/healthz': () => ({ headers: json, body: state() }),
      '/livez': () => ({ headers: json, body: live() }),
    },
  )
  listen(
    'starting metrics server failed',
    { address: '127.0.0.1', port: metricsPort },
    {
      '/healthz': () => ({ headers: plain, body: 'ok' }),
      '/proxyMode': () => ({ headers: plain, body: mode }),
    },
  )
}

/**
 * Answers on `healthCheckNodePort`, where load balancers ask whether this node has endpoints of a Service whose external traffic
 * stays local. Follows upstream's pkg/proxy/healthcheck.
 */
export function serviceHealth(sockets: Sockets, failed: (service: string, message: string) => void) {
  const open = new Map<number, { service: string; local: number; listener: Closer | undefined }>()

  function listen(port: number, service: string): Closer | undefined {
    const [namespace = '', name = ''] = service.split('/')
    try {
      return serveHttp(sockets, port, (_request, respond) => {
        const local = open.get(port)?.local ?? 0
        respond({
          status: local > 0 ? 200 : 503,
          headers: [...json, ['X-Load-Balancing-Endpoint-Weight', String(local)]],
          body: `{\n\t"service": {\n\t\t"namespace": "${namespace}",\n\t\t"name": "${name}"\n\t},\n\t"localEndpoints": ${local},\n\t"serviceProxyHealthy": true\n}`,
        })
      })
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      failed(service, error.message)
      return undefined
    }
  }

  return {
    /** All ports of all Services as they are now. */
    sync(ports: Iterable<ServicePort>): void {
      const wanted = new Map<number, { service: string; local: Set<string> }>()
      for (const { healthCheckNodePort, origin, localEndpoints } of ports) {
        if (healthCheckNodePort === undefined) continue
        const known = wanted.get(healthCheckNodePort) ?? { service: `${origin.namespace}/${origin.name}`, local: new Set() }
        for (const endpoint of localEndpoints) known.local.add(endpoint.slice(0, endpoint.lastIndexOf(':')))
        wanted.set(healthCheckNodePort, known)
      }
      for (const [port, { service, listener }] of open) {
        if (wanted.get(port)?.service === service) continue
        listener?.close()
        open.delete(port)
      }
      for (const [port, { service, local }] of wanted) {
        const known = open.get(port)
        if (known) known.local = local.size
        else open.set(port, { service, local: local.size, listener: listen(port, service) })
      }
    },
  }
}
