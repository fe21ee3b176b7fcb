import { serveHttp } from '../../network/http.ts'
import { header } from '../../network/http-message.ts'
import type { Daemon, DaemonContext, Image } from '../process.ts'
import { MiB } from '../usage.ts'

/** HashiCorp's http-echo 1.0: one text for every request. */
const httpEcho: Daemon<null> = {
  kind: 'daemon',
  id: 'hashicorp/http-echo',
  usage: { cores: 0, bytes: 4 * MiB, secondsAtStart: 0.01, secondsPerConnection: 0.0001, secondsPerMessage: 0.0001 },
  initial: () => null,
  run(context) {
    const flag = (name: string) => {
      const index = context.argv.findIndex((word) => word.replace(/^--?/, '').split('=')[0] === name)
      const word = context.argv[index]
      return index < 0 || word === undefined ? undefined : word.includes('=') ? word.slice(word.indexOf('=') + 1) : context.argv[index + 1]
    }
    const text = flag('text') ?? context.env.ECHO_TEXT ?? 'hello-world'
    const listen = flag('listen') ?? ':5678'
    const status = Number(flag('status-code') ?? 200)
    const port = Number(/:(\d+)$/.exec(listen)?.[1])
    if (!(port > 0)) {
      context.log(`${stamp(context)} [ERR] listen tcp: address ${listen}: missing port in address`, 'stderr')
      return context.exit(1)
    }
    context.onSignal(() => context.exit(0))
    serveHttp(context.sockets, port, (request, respond) => {
      if (request.target === '/health')
        return respond({ status: 200, headers: [['Content-Type', 'application/json; charset=utf-8']], body: '{"status":"ok"}' })
      const body = `${text}\n`
      respond({
        status,
        headers: [
          ['X-App-Name', 'http-echo'],
          ['X-App-Version', '1.0.0'],
          ['Content-Type', 'text/plain; charset=utf-8'],
        ],
        body,
      })
      context.log(
        `${stamp(context)} ${header(request, 'host') ?? ''} ${request.remote.address}:${request.remote.port} "${request.method} ${request.target} HTTP/1.1" ${status} ${body.length} "${header(request, 'user-agent') ?? ''}" 20.1µs`,
      )
    })
    if (!context.resumed) context.log(`${stamp(context)} [INFO] server is listening on ${listen}`, 'stderr')
  },
}

function stamp(context: DaemonContext<null>): string {
  return new Date(context.clock.now()).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')
}

/** Distroless: no shell in it. */
export const httpEchoImage: Image = {
  repositories: ['docker.io/hashicorp/http-echo'],
  tags: (tag) => /^(latest|1\.0(\.0)?|0\.2\.3)$/.test(tag),
  entrypoint: ['/http-echo'],
  files: { '/etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' },
  executables: { '/http-echo': httpEcho },
}
