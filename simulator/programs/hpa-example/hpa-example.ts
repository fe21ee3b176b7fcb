import { serveHttp } from '../../network/http.ts'
import { applets, debianFiles, inFolder, type Tools } from '../image-parts.ts'
import type { Daemon, Image } from '../process.ts'
import { MiB } from '../usage.ts'

/** CPU seconds that the page's million square roots take, and so how long an answer lets wait at least. */
const secondsPerPage = 0.05

/** The documentation's php-apache of the HorizontalPodAutoscaler walkthrough: each request burns CPU, one after the other. */
const phpApache: Daemon<null> = {
  kind: 'daemon',
  id: 'hpa-example/apache2-foreground',
  usage: { cores: 0.001, bytes: 11 * MiB, secondsAtStart: 0.1, secondsPerMessage: secondsPerPage, bytesPerConnection: 0.2 * MiB },
  initial: () => null,
  run(context) {
    let busyUntil = 0
    context.onSignal(() => context.exit(0))
    serveHttp(context.sockets, 80, (request, respond) => {
      const now = context.clock.now()
      busyUntil = Math.max(now, busyUntil) + secondsPerPage * 1000
      context.clock.after(busyUntil - now, () => {
        respond({
          status: 200,
          headers: [
            ['Server', 'Apache/2.4.10 (Debian)'],
            ['X-Powered-By', 'PHP/5.6.14'],
            ['Content-Type', 'text/html; charset=UTF-8'],
          ],
          body: 'OK!',
        })
        const stamp = new Date(context.clock.now()).toUTCString().replace(/^\w+, (\d+) (\w+) (\d+) (.*) GMT$/, '$1/$2/$3:$4 +0000')
        context.log(`${request.remote.address} - - [${stamp}] "${request.method} ${request.target} HTTP/1.1" 200 202 "-" "-"`)
      })
    })
    if (!context.resumed) context.log("AH00558: apache2: Could not reliably determine the server's fully qualified domain name", 'stderr')
  },
}

export function hpaExampleImage(tools: Tools): Image {
  return {
    repositories: ['registry.k8s.io/hpa-example'],
    tags: (tag) => tag === 'latest',
    cmd: ['apache2-foreground'],
    files: debianFiles(),
    executables: { ...inFolder('/bin', tools, applets), '/usr/local/bin/apache2-foreground': phpApache },
  }
}
