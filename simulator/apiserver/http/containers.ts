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
  throw unknownError(`Get "https://${kubeletAddress(node)}/${path}": ${kubeletRefusal(node)}`)
}

/** What the dial to a node says whose kubelet does not listen. */
export function kubeletRefusal(node: Node & KubeObject): string {
  return `dial tcp ${kubeletAddress(node)}: connect: connection refused`
}

function kubeletAddress({ metadata, status }: Node & KubeObject): string {
  return `${status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? metadata?.name}:10250`
}
