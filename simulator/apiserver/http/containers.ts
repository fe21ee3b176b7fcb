import type { Node, Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import type { KubeletApi, NodeConnector } from '../api.ts'
import type { Registry } from '../registry/registry.ts'
import { badRequest, unknownError } from '../status.ts'

/** The container that is meant, given what the client named. Throws BadRequest in the words of the pod registry's streams. */
export function chosenContainer(pod: Pod, named: string | undefined): string {
  const name = pod.metadata?.name
  const names = (list: readonly { name: string }[] | undefined) => (list ?? []).map((container) => container.name)
  const containers = names(pod.spec?.containers)
  const inits = names(pod.spec?.initContainers)
  const ephemerals = names(pod.spec?.ephemeralContainers)
  if (named) {
    if ([...containers, ...inits, ...ephemerals].includes(named)) return named
    throw badRequest(`container ${named} is not valid for pod ${name}`)
  }
  if (containers.length === 1) return containers[0]!
  let message = `a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]`
  if (inits.length > 0) message += ` or one of the init containers: [${inits.join(' ')}]`
  if (ephemerals.length > 0) message += ` or one of the ephemeral containers: [${ephemerals.join(' ')}]`
  throw badRequest(message)
}

/** The kubelet of the pod's node. Where it cannot be reached the error is that of the API server's own dial to port 10250. */
export function kubeletOf(registry: Registry, nodes: NodeConnector, pod: Pod, path: string): KubeletApi {
  const nodeName = pod.spec!.nodeName!
  const kubelet = nodes.kubelet(nodeName)
  if (kubelet) return kubelet
  const node = registry.world.store.get('nodes', undefined, nodeName) as (Node & KubeObject) | undefined
  if (!node) throw unknownError(`nodes "${nodeName}" not found`)
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? nodeName
  throw unknownError(`Get "https://${address}:10250/${path}": dial tcp ${address}:10250: connect: connection refused`)
}
