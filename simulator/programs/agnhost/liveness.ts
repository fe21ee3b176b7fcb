import { serveHttp } from '../../network/http.ts'
import type { HttpHeaders } from '../../network/http-message.ts'
import type { AgnhostContext } from './agnhost.ts'

const plain: HttpHeaders = [['Content-Type', 'text/plain; charset=utf-8']]
/** Seconds of health that every start is granted. */
const healthyFor = 10

/** `agnhost liveness` (the documentation's probe exercise): healthy for ten seconds after its start, then never again. Serves 8080. */
export function liveness(context: AgnhostContext): void {
  context.state.started ??= context.clock.now()
  const { started } = context.state
  context.onSignal(() => context.exit(0))
  serveHttp(context.sockets, 8080, (request, respond) => {
    const seconds = (context.clock.now() - started) / 1000
    const { pathname } = new URL(request.target, 'http://liveness')
    if (pathname === '/started') return respond({ status: 200, headers: plain, body: `${seconds}s` })
    if (pathname === '/healthz' && seconds <= healthyFor) return respond({ status: 200, headers: plain, body: 'ok' })
    if (pathname === '/healthz') return respond({ status: 500, headers: plain, body: `error: ${seconds}` })
    const refused = /^\/(redirect|(sleep|disconnect)-(headers|body)|slow-response)$/.test(pathname)
    if (refused) return respond({ status: 501, headers: plain, body: `the simulated agnhost does not model ${pathname}` })
    respond({ status: 404, headers: plain, body: '404 page not found\n' })
  })
}
