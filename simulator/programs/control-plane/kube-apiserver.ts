import type { ApiServer } from '../../apiserver/api.ts'
import { klog } from '../klog.ts'
import type { Daemon } from '../process.ts'

/** The API server's listener: while this process runs, the API can be reached over the cluster's network; when it does not, it cannot. */
export function kubeApiserver(server: ApiServer): Daemon<null> {
  return {
    kind: 'daemon',
    id: 'control-plane/kube-apiserver',
    initial: () => null,
    run(context) {
      context.onSignal(() => context.exit(0))
      const port = Number(context.argv.find((argument) => argument.startsWith('--secure-port='))?.split('=')[1] ?? 6443)
      context.sockets.listenTcp({ port, service: server }, (connection) => ({ end: () => connection.end() }))
      if (!context.resumed) klog(context)('I', 'secure_serving.go:211', `Serving securely on [::]:${port}`)
    },
  }
}
