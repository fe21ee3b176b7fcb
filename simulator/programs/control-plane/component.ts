import type { Aggregator } from '../../apiserver/aggregation/aggregator.ts'
import type { Heartbeats } from '../../cluster/heartbeats.ts'
import type { Controller, ControllerMemory, ControllerWorld, RemoteAnswer } from '../../controllers/controller.ts'
import { timestamp } from '../../kubernetes.ts'
import { plainRefused } from '../../network/tls/plain-refused.ts'
import { klog } from '../klog.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { componentUser, controllerApi } from './clients.ts'

/** What control loops reach besides the API's own objects. */
export interface Outside {
  readonly aggregator?: Aggregator
  readonly heartbeats?: Heartbeats
}

/**
 * A control-plane program that runs control loops against the API server on its own node: kube-controller-manager, kube-scheduler.
 * While its process does not run, nothing of what it does happens.
 */
export function component(
  name: string,
  healthPort: number,
  healthPath: string,
  controllers: readonly Controller[],
  outside: Outside = {},
): Daemon<ControllerMemory> {
  return {
    kind: 'daemon',
    id: `control-plane/${name}`,
    usage:
      controllers.length > 1
        ? { cores: 0.012, bytes: 52 * MiB, secondsAtStart: 0.5 }
        : { cores: 0.003, bytes: 24 * MiB, secondsAtStart: 0.3 },
    initial: () => ({ events: {}, autoscaling: {} }),
    run(context) {
      const log = klog(context)
      context.onSignal(() => context.exit(0))
      const timers = context.timers(connect)
      context.sockets.listenTcp({ address: '127.0.0.1', port: healthPort, service: healthService(healthPath) }, plainRefused)
      if (!context.resumed) log('I', 'serving.go:386', 'Generated self-signed cert in-memory')
      connect()

      function connect(): void {
        const host = context.sockets.addresses().find((address) => !address.startsWith('127.')) ?? '127.0.0.1'
        context.connectApi(
          { server: { host, port: 6443 } },
          {
            connected(connection) {
              const api = connection.as(componentUser(name), name)
              if (!context.resumed) {
                log('I', 'leaderelection.go:257', `attempting to acquire leader lease kube-system/${name}...`)
                log('I', 'leaderelection.go:271', `successfully acquired lease kube-system/${name}`)
              }
              const lease = api.find('leases.coordination.k8s.io', 'kube-system', name)
              if (!lease) {
                const now = `${timestamp(context.clock.now()).slice(0, -1)}.000000Z`
                api.create('leases.coordination.k8s.io', {
                  apiVersion: 'coordination.k8s.io/v1',
                  kind: 'Lease',
                  metadata: { name, namespace: 'kube-system' },
                  spec: {
                    holderIdentity: `${context.hostname}_${context.random.uuid()}`,
                    leaseDurationSeconds: 15,
                    acquireTime: now,
                    renewTime: now,
                    leaseTransitions: 0,
                  },
                })
              }
              for (const controller of controllers) {
                const own = controllers.length > 1 ? controllerApi(api, connection, controller.name) : api
                controller.start(worldOf(context, own, outside))
              }
            },
            error(error) {
              log(
                'E',
                'leaderelection.go:441',
                `"Failed retrieving resource lock" err="Get \\"https://${host}:6443/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${name}?timeout=5s\\": ${error.message}" lock="kube-system/${name}"`,
              )
              timers.set('connect', context.clock.now() + 2000)
            },
          },
        )
      }
    },
  }
}

export function worldOf(
  context: DaemonContext<ControllerMemory>,
  api: ControllerWorld['api'],
  { aggregator, heartbeats }: Outside = {},
): ControllerWorld {
  const certificate = '/etc/kubernetes/pki/ca.crt'
  return {
    api,
    clock: context.clock,
    random: context.random,
    podCidr: context.argv.find((argument) => argument.startsWith('--cluster-cidr='))?.slice('--cluster-cidr='.length) ?? '10.244.0.0/16',
    rootCertificate: context.files.exists(certificate) ? context.files.readText(certificate) : '',
    fresh: !context.resumed,
    memory: context.state,
    log: klog(context),
    ...(aggregator ? { remote: remoteOf(context, aggregator) } : {}),
    ...(heartbeats
      ? {
          heartbeats: {
            renew: () => heartbeats.renew(),
            ceased: (told) => heartbeats.ceased((node) => context.clock.soon(() => told(node))),
          },
        }
      : {}),
  }
}

/** The API server passes such requests on; here that is asked of it in-process, as every other request of a controller. */
function remoteOf(context: DaemonContext<ControllerMemory>, aggregator: Aggregator): NonNullable<ControllerWorld['remote']> {
  const user = { username: 'system:kube-controller-manager', groups: ['system:authenticated'] }
  return (path, done) => {
    const [, , group = '', version = ''] = path.split('/')
    const plural = path.split('?')[0]?.split('/').at(-1)
    const service = aggregator.find(group, version)
    const later = (answer: RemoteAnswer) => context.clock.soon(() => done(answer))
    if (!service) return later({ problem: `the server could not find the requested resource (get ${plural}.${group})` })
    const failed = (code: number) =>
      later({
        problem:
          code === 503
            ? `the server is currently unable to handle the request (get ${plural}.${group})`
            : `the server could not find the requested resource (get ${plural}.${group})`,
      })
    aggregator.proxy(service, new Request(`https://kubernetes${path}`), user).then(
      async (response) => (response.ok ? later({ body: await response.json() }) : failed(response.status)),
      () => failed(503),
    )
  }
}

function healthService(path: string) {
  return {
    fetch: async (request: Request) =>
      new URL(request.url).pathname === path ? new Response('ok') : new Response('404 page not found\n', { status: 404 }),
    upgrade: async () => new Response('400 Bad Request', { status: 400 }),
  }
}
