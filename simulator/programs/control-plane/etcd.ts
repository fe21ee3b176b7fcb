import { serveHttp } from '../../network/http.ts'
import type { Daemon } from '../process.ts'
import { MiB } from '../usage.ts'

/** etcd's place in a cluster: its ports answer and its health endpoint is up. The objects themselves are in the simulator's store. */
export const etcd: Daemon<null> = {
  kind: 'daemon',
  id: 'control-plane/etcd',
  usage: { cores: 0.018, bytes: 42 * MiB, secondsAtStart: 0.1, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => null,
  run(context) {
    context.onSignal(() => context.exit(0))
    for (const port of [2379, 2380]) context.sockets.listenTcp({ port }, (connection) => ({ end: () => connection.end() }))
    serveHttp(context.sockets, { address: '127.0.0.1', port: 2381 }, (request, respond) => {
      const healthy = ['/health', '/livez', '/readyz'].includes(request.target.split('?')[0] ?? '')
      respond(
        healthy
          ? { status: 200, body: request.target.startsWith('/health') ? '{"health":"true","reason":""}' : 'ok\n' }
          : { status: 404, body: '404 page not found\n' },
      )
    })
    if (!context.resumed) context.log('{"level":"info","msg":"ready to serve client requests"}', 'stderr')
  },
}
