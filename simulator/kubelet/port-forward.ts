import type { KubeletApi } from '../apiserver/api.ts'
import { kubeletError } from './kubelet-error.ts'
import { findPod } from './pod-lookup.ts'
import { goDialError } from './runtime/dial.ts'
import type { Kubelet } from './world.ts'

/** A connection to a port on the pod's loopback, as containerd opens it. `closed` rejects where the dial fails. */
export function startPortForward(
  kubelet: Kubelet,
  namespace: string,
  name: string,
  port: number,
  output: (bytes: Uint8Array) => Promise<void>,
): ReturnType<KubeletApi['portForward']> {
  const { state, pod } = findPod(kubelet, namespace, name, anyContainer(kubelet, namespace, name))
  const sandbox = state?.sandbox
  if (!sandbox || state.over)
    throw kubeletError('InternalError', `error forwarding port ${port} to pod ${pod.metadata?.uid}: pod is not running`)
  const { machine } = kubelet.world
  const inside = (sandbox.namespace ? machine.namespace(sandbox.namespace) : machine.root) ?? machine.root
  let finish: () => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const closed = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  closed.catch(() => {})
  let connected = false
  const waiting: Uint8Array[] = []
  const connection = inside.sockets.connectTcp(
    { address: '127.0.0.1', port },
    {
      connected() {
        connected = true
        for (const bytes of waiting.splice(0)) connection.write(bytes)
      },
      data: (bytes) => void output(bytes).catch(() => connection.reset()),
      end() {
        connection.close()
        finish()
      },
      error(error) {
        const dial = goDialError(error, `dial tcp4 127.0.0.1:${port}`).message
        fail(
          connected
            ? error
            : new Error(
                `error forwarding port ${port} to pod ${sandbox.id}, uid : failed to execute portforward in network namespace "/var/run/netns/${sandbox.namespace ?? ''}": failed to connect to localhost:${port} inside namespace "${sandbox.id}", IPv4: ${dial} `,
              ),
        )
      },
    },
  )
  return {
    async write(bytes) {
      if (connected) connection.write(bytes)
      else waiting.push(bytes)
    },
    close() {
      connection.close()
      finish()
    },
    closed,
  }
}

/** Any container will do to find the pod. */
function anyContainer(kubelet: Kubelet, namespace: string, name: string): string | undefined {
  for (const pod of kubelet.pods.values()) {
    if (pod.metadata?.name === name && pod.metadata.namespace === namespace) return pod.spec?.containers[0]?.name
  }
  return undefined
}
