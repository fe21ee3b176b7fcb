import { stringify } from 'yaml'
import { ingressNginx } from '../bootstrap/ingress-nginx.ts'
import { versions } from '../bootstrap/spec.ts'
import type { Clock } from '../clock.ts'
import { serveHttp } from '../network/http.ts'
import type { HttpsService, Sockets } from '../network/sockets.ts'
import { plainRefused } from '../network/tls/plain-refused.ts'
import { components } from '../programs/metrics-server/components.ts'

/** As their guides have people apply it. */
const ingressNginxManifest = ingressNginx()
  .map((object) => stringify(object))
  .join('---\n')

/** What people download, by host and path. */
const downloads: Readonly<Record<string, string>> = {
  'github.com/kubernetes-sigs/metrics-server/releases/latest/download/components.yaml': components,
  'kind.sigs.k8s.io/examples/ingress/deploy-ingress-nginx.yaml': ingressNginxManifest,
  [`raw.githubusercontent.com/kubernetes/ingress-nginx/controller-${versions.ingressNginx}/deploy/static/provider/kind/deploy.yaml`]:
    ingressNginxManifest,
}

/** A download, or a page that says whose it is; every path of a known host answers. */
function page(host: string, path: string): { status: number; headers: [string, string][]; body: string } {
  const file = downloads[`${host}${path.split('?')[0]}`]
  if (file !== undefined) return { status: 200, headers: [['Content-Type', 'application/octet-stream']], body: file }
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
    const { status, headers, body } = page(host.replace(/:\d+$/, ''), request.target)
    respond({ status, headers: dated(headers), body })
  })
  const service: HttpsService = {
    publiclyTrusted: true,
    fetch: async (request) => {
      const url = new URL(request.url)
      const { status, headers, body } = page(url.hostname, url.pathname)
      return new Response(request.method === 'HEAD' ? null : body, { status, headers: dated(headers) })
    },
    upgrade: async () => new Response(null, { status: 400 }),
  }
  sockets.listenTcp({ port: 443, service }, plainRefused)
}
