import type { Container, Pod } from 'kubernetes-types/core/v1'
import { containerOf } from './container-reference.ts'
import { kubeletError } from './kubelet-error.ts'
import type { PodState } from './state.ts'
import type { Kubelet, LiveContainer } from './world.ts'

/** The pod and the container that a request means. Refuses as the API server and the kubelet do. */
export function findPod(
  kubelet: Kubelet,
  namespace: string,
  name: string,
  containerName: string | undefined,
): { pod: Pod; state: PodState | undefined; container: Container } {
  let found: Pod | undefined
  for (const pod of kubelet.pods.values()) {
    if (pod.metadata?.name === name && pod.metadata.namespace === namespace) found = pod
  }
  if (!found) throw kubeletError('NotFound', `pods "${name}" not found`)
  const names = (list: readonly { name: string }[] | undefined) => (list ?? []).map((container) => container.name).join(' ')
  const { containers = [], initContainers } = found.spec ?? {}
  let wanted = containerName
  if (!wanted) {
    const [only] = containers
    if (containers.length === 1 && only) wanted = only.name
    else {
      const init = initContainers?.length ? ` or one of the init containers: [${names(initContainers)}]` : ''
      throw kubeletError('BadRequest', `a container name must be specified for pod ${name}, choose one of: [${names(containers)}]${init}`)
    }
  }
  const container = containerOf(found, wanted)
  if (!container) throw kubeletError('BadRequest', `container ${wanted} is not valid for pod ${name}`)
  return { pod: found, state: kubelet.state.pods[found.metadata?.uid ?? ''], container }
}

/** The running container, or the kubelet's `container not found`. */
export function liveContainer(kubelet: Kubelet, namespace: string, name: string, containerName: string | undefined): LiveContainer {
  const { state, container } = findPod(kubelet, namespace, name, containerName)
  const instance = state?.containers[container.name]?.current
  const live = instance && kubelet.live.get(instance.id)
  if (!live) throw kubeletError('InternalError', `container not found ("${container.name}")`)
  return live
}
