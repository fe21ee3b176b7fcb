import type { Closer } from '../clock.ts'
import { serveHttp } from '../network/http.ts'
import type { Machine } from '../network/machine.ts'

/**
 * The kubelet's ports on its node: 10250 over HTTPS, which refuses whoever shows no credentials (the API server reaches the kubelet in-process),
 * and /healthz on 127.0.0.1:10248.
 */
export function openListeners(machine: Machine): Closer {
  const sockets = machine.root.socketsFor('kubelet')
  const service = {
    fetch: async () => new Response('Unauthorized', { status: 401, headers: { 'content-type': 'text/plain; charset=utf-8' } }),
    upgrade: async () => new Response('Unauthorized', { status: 401 }),
  }
  sockets.listenTcp({ port: 10_250, service }, (connection) => ({ end: () => connection.end() }))
  serveHttp(sockets, { address: '127.0.0.1', port: 10_248 }, (request, respond) =>
    respond(request.target === '/healthz' ? { status: 200, body: 'ok' } : { status: 404, body: '404 page not found\n' }),
  )
  return sockets
}
