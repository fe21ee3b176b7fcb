import type { Api, ApiServer } from '../../apiserver/api.ts'
import { apiService } from '../../bootstrap/manifests.ts'
import { customResourceDefinitionControllers } from '../../controllers/customresourcedefinition/controllers.ts'
import { klog } from '../klog.ts'
import type { Daemon } from '../process.ts'
import { worldOf } from './component.ts'

const self = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }
/** How often the real server looks after its own Service and endpoints, ms. */
const repairMs = 10_000
const kept = ['services', 'endpoints', 'endpointslices.discovery.k8s.io'] as const

/**
 * The API server's listener: while this process runs, the API can be reached over the cluster's network; when it does not, it cannot.
 * It makes `default/kubernetes` again when somebody deletes it, on the real server's beat (pkg/controlplane/controller/kubernetesservice).
 */
export function kubeApiserver(server: ApiServer): Daemon<null> {
  return {
    kind: 'daemon',
    id: 'control-plane/kube-apiserver',
    initial: () => null,
    run(context) {
      const log = klog(context)
      const timers = context.timers(() => api && repair(api))
      let api: Api | undefined
      context.onSignal(() => context.exit(0))
      const port = Number(context.argv.find((argument) => argument.startsWith('--secure-port='))?.split('=')[1] ?? 6443)
      context.sockets.listenTcp({ port, service: server }, (connection) => ({ end: () => connection.end() }))
      if (!context.resumed) log('I', 'secure_serving.go:211', `Serving securely on [::]:${port}`)
      context.connectApi(
        { server: { host: '127.0.0.1', port } },
        {
          connected(connection) {
            api = connection.as(self)
            const world = worldOf(context, api)
            for (const controller of customResourceDefinitionControllers) controller.start(world)
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
