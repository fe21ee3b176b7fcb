import type { Node, Pod } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { plainRefused } from '../../network/tls/plain-refused.ts'
import { klog } from '../klog.ts'
import type { Daemon, Image } from '../process.ts'
import { MiB } from '../usage.ts'
import { groupVersion, nodeMetrics, podMetrics, resourceList, type Scraped, selected, tableOf } from './answers.ts'
import { scrape } from './scrape.ts'

type State = Partial<Scraped>
type NodeObject = Node & KubeObject
type PodObject = Pod & KubeObject

/**
 * metrics-server 0.8: asks every kubelet over the network and serves metrics.k8s.io. It scrapes when somebody asks and the last scrape is
 * older than --metric-resolution, as an idle cluster is to cost nothing; what is told is what a scrape each 15 s would have told.
 */
export const metricsServer: Daemon<State> = {
  kind: 'daemon',
  id: 'metrics-server/metrics-server',
  usage: { cores: 0.003, bytes: 18 * MiB, secondsAtStart: 0.2, secondsPerMessage: 0.0005 },
  initial: () => ({}),
  run(context) {
    const log = klog(context)
    const flag = (name: string) => context.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3)
    const resolutionMs = Number(/^(\d+)s$/.exec(flag('metric-resolution') ?? '60s')?.[1] ?? 60) * 1000
    const options = {
      addressTypes: (flag('kubelet-preferred-address-types') ?? 'Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP').split(','),
      verify: !context.argv.some((argument) => /^--kubelet-insecure-tls(=true)?$/.test(argument)),
      timeoutMs: (resolutionMs * 2) / 3,
    }
    const port = Number(flag('secure-port') ?? 443)
    let api: Api | undefined
    let scraping: Promise<void> | undefined
    context.onSignal(() => context.exit(0))
    const timers = context.timers(connect)
    if (!context.resumed) {
      log('I', 'serving.go:380', `Generated self-signed cert (${flag('cert-dir') ?? 'apiserver.local.config/certificates'}/apiserver.crt)`)
      log('I', 'secure_serving.go:211', `Serving securely on [::]:${port}`)
    }
    context.sockets.listenTcp(
      { port, service: { fetch: (request) => serve(request), upgrade: async () => new Response('400 Bad Request', { status: 400 }) } },
      plainRefused,
    )
    connect()

    function connect(): void {
      context.connectApi(
        {},
        {
          connected(connection) {
            api = connection
            if (!context.resumed) void refresh()
          },
          error(error) {
            log('E', 'reflector.go:205', `"Failed to watch" err="failed to list *v1.Node: ${error.message}" type="*v1.Node"`)
            timers.set('connect', context.clock.now() + 5000)
          },
        },
      )
    }

    /** Scrapes unless that was done lately; whoever asks meanwhile waits for the same scrape. */
    function refresh(): Promise<void> {
      if (context.state.at !== undefined && context.clock.now() - context.state.at < resolutionMs) return Promise.resolve()
      scraping ??= scrapeAll().finally(() => {
        scraping = undefined
      })
      return scraping
    }

    async function scrapeAll(): Promise<void> {
      const nodes = api?.list<NodeObject>('nodes') ?? []
      const found = await Promise.all(
        nodes.map((node) =>
          scrape(context, node, options).catch((error: Error) => {
            log('E', 'scraper.go:149', `"Failed to scrape node" err=${JSON.stringify(error.message)} node="${node.metadata?.name}"`)
            return undefined
          }),
        ),
      )
      const summaries = found.filter((summary) => summary !== undefined)
      if (summaries.length > 0) Object.assign(context.state, { at: context.clock.now(), summaries })
    }

    async function serve(request: Request): Promise<Response> {
      const url = new URL(request.url)
      const path = url.pathname
      if (path === '/livez' || path === '/healthz') return new Response('ok')
      await refresh()
      const scraped = context.state.at === undefined ? undefined : (context.state as Scraped)
      if (path === '/readyz') {
        if (scraped && api) return new Response('ok')
        log('I', 'server.go:192', '"Failed probe" probe="metric-storage-ready" err="no metrics to serve"')
        return new Response('[-]metric-storage-ready failed: reason withheld\nreadyz check failed\n', { status: 500 })
      }
      if (path === `/apis/${groupVersion}`) return json(resourceList)
      const [, , , ...rest] = path.slice(1).split('/')
      try {
        return resource(api, scraped ?? { at: 0, summaries: [] }, rest, url.searchParams, request.headers.get('accept') ?? '')
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        return json(error.status, error.code)
      }
    }
  },
}

/** `nodes`, `nodes/NAME`, `pods`, `namespaces/NS/pods`, `namespaces/NS/pods/NAME`. */
function resource(api: Api | undefined, scraped: Scraped, path: readonly string[], query: URLSearchParams, accept: string): Response {
  const namespace = path[0] === 'namespaces' ? path[1] : undefined
  const [plural, name] = namespace === undefined ? path : path.slice(2)
  if (plural !== 'nodes' && plural !== 'pods') throw notFound('the server could not find the requested resource')
  const measured = (object: KubeObject) =>
    plural === 'nodes' ? nodeMetrics(object as NodeObject, scraped) : podMetrics(object as PodObject, scraped)
  const kind = plural === 'nodes' ? 'NodeMetrics' : 'PodMetrics'
  if (name !== undefined) {
    const object = api?.find(plural, namespace, name)
    const found = object && measured(object)
    const title = namespace ? `${namespace}/${name}` : name
    if (!found) throw notFound(`${kind.toLowerCase()}.metrics.k8s.io ${JSON.stringify(title)} not found`)
    return json(/as=Table/.test(accept) ? tableOf([found]) : found)
  }
  const objects = api?.list(plural, namespace ? { namespace } : {}) ?? []
  const running = objects.filter((object) => plural === 'nodes' || (object as PodObject).status?.phase === 'Running')
  const items = selected(running, query)
    .map(measured)
    .filter((item) => item !== undefined)
  return json(/as=Table/.test(accept) ? tableOf(items) : { kind: `${kind}List`, apiVersion: groupVersion, metadata: {}, items })
}

function notFound(message: string): StatusError {
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: 'NotFound', code: 404 })
}

function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
}

/** Distroless: no shell in it. */
export const metricsServerImage: Image = {
  repositories: ['registry.k8s.io/metrics-server/metrics-server'],
  tags: (tag) => /^v0\.(6\.[1-4]|7\.[0-2]|8\.0)$/.test(tag),
  entrypoint: ['/metrics-server'],
  executables: { '/metrics-server': metricsServer },
}
