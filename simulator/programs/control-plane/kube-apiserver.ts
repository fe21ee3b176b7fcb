import type { Aggregator } from '../../apiserver/aggregation/aggregator.ts'
import { watchAvailability } from '../../apiserver/aggregation/availability.ts'
import type { Api, ApiServer } from '../../apiserver/api.ts'
import { apiService } from '../../bootstrap/manifests.ts'
import type { ControllerMemory } from '../../controllers/controller.ts'
import { customResourceDefinitionControllers } from '../../controllers/customresourcedefinition/controllers.ts'
import { plainRefused } from '../../network/tls/plain-refused.ts'
import { klog } from '../klog.ts'
import type { Daemon } from '../process.ts'
import { MiB } from '../usage.ts'
import { worldOf } from './component.ts'

const self = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }
/** How often the real server looks after its own Service and endpoints, ms. */
const repairMs = 10_000
const kept = ['services', 'endpoints', 'endpointslices.discovery.k8s.io'] as const

/**
 * The API server's listener: while this process runs, the API can be reached over the cluster's network; when it does not, it cannot.
 * It makes `default/kubernetes` again when somebody deletes it, on the real server's beat (pkg/controlplane/controller/kubernetesservice).
 */
export function kubeApiserver(server: ApiServer, aggregator: Aggregator): Daemon<ControllerMemory> {
  return {
    kind: 'daemon',
    id: 'control-plane/kube-apiserver',
    usage: { cores: 0.035, bytes: 230 * MiB, secondsAtStart: 1.5, secondsPerConnection: 0.001, secondsPerMessage: 0.001 },
    initial: () => ({ events: {}, autoscaling: {} }),
    run(context) {
      const log = klog(context)
      const timers = context.timers(() => api && repair(api))
      const retries = context.timers((name) => availability?.due(name))
      let availability: ReturnType<typeof watchAvailability> | undefined
      aggregator.place = context
      let api: Api | undefined
      context.onSignal(() => context.exit(0))
      const port = Number(context.argv.find((argument) => argument.startsWith('--secure-port='))?.split('=')[1] ?? 6443)
      context.sockets.listenTcp({ port, service: server }, plainRefused)
      if (!context.resumed) log('I', 'secure_serving.go:211', `Serving securely on [::]:${port}`)
      context.connectApi(
        { server: { host: '127.0.0.1', port } },
        {
          connected(connection) {
            api = connection.as(self)
            const world = worldOf(context, api)
            for (const controller of customResourceDefinitionControllers) controller.start(world)
            availability = watchAvailability(api, context.clock, aggregator, retries)
            for (const resource of kept) {
              api.watch(resource, ({ type, object: { metadata } }) => {
                if (type !== 'DELETED' || metadata?.namespace !== 'default' || metadata.name !== 'kubernetes') return
                const now = context.clock.now()
                timers.set('repair', now - (now % repairMs) + repairMs)
              })
            }
          },
          error: (error) => log('E', 'controller.go:163', `unable to sync kubernetes service: ${error.message}`),
        },
      )
    },
  }
}

function repair(api: Api): void {
  for (const [index, object] of apiService().entries()) {
    const resource = kept[index]
    if (resource && !api.find(resource, 'default', 'kubernetes')) api.create(resource, object)
  }
}
