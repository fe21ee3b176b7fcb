import type { Clock } from '../clock.ts'
import { serveHttp } from '../network/http.ts'
import type { HttpsService, Sockets } from '../network/sockets.ts'

/** A page that says whose it is; every path of a known host answers. */
function page(host: string): { status: number; headers: [string, string][]; body: string } {
  return {
    status: 200,
    headers: [['Content-Type', 'text/html; charset=utf-8']],
    body: `<!doctype html>\n<html lang="en">\n<head><title>${host}</title></head>\n<body>\n<h1>${host}</h1>\n<p>A site on the simulated Internet. A request that got here has left the cluster.</p>\n</body>\n</html>\n`,
  }
}

/** The web server outside: plain HTTP on 80, HTTPS on 443. */
export function serveSite(sockets: Sockets, clock: Clock): void {
  const dated = (headers: [string, string][]): [string, string][] => [['Date', new Date(clock.now()).toUTCString()], ...headers]
  serveHttp(sockets, 80, (request, respond) => {
    const host = request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1]
    if (!host) return respond({ status: 400, headers: dated([]), body: '' })
    const { status, headers, body } = page(host.replace(/:\d+$/, ''))
    respond({ status, headers: dated(headers), body })
  })
  const service: HttpsService = {
    fetch: async (request) => {
      const { status, headers, body } = page(new URL(request.url).hostname)
      return new Response(request.method === 'HEAD' ? null : body, { status, headers: dated(headers) })
    },
    upgrade: async () => new Response(null, { status: 400 }),
  }
  sockets.listenTcp({ port: 443, service }, (connection) => ({ end: () => connection.end() }))
}
