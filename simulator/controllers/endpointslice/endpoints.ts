import type { Pod, Service, ServicePort } from 'kubernetes-types/core/v1'
import type { Endpoint, EndpointPort, EndpointHints as KnownHints } from 'kubernetes-types/discovery/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { isReady, isTerminal, type PodObject } from '../pods.ts'

export type ServiceObject = Service & KubeObject
/** `forNodes` is younger than the package of types. */
export type EndpointHints = KnownHints & { readonly forNodes?: readonly { readonly name: string }[] }

/** Endpoints that share one list of ports: what goes into slices together. */
export interface EndpointGroup {
  readonly ports: EndpointPort[]
  readonly endpoints: Endpoint[]
}

/** The port of a pod that a Service port means: its number, or the container port with that name and protocol. */
export function targetPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target
  for (const container of [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ]) {
    for (const candidate of container.ports ?? []) {
      if (candidate.name === target && (candidate.protocol ?? 'TCP') === (port.protocol ?? 'TCP')) return candidate.containerPort
    }
  }
  return undefined
}

/** Whether a pod belongs into a Service's endpoints at all: it has an address and has not ended. */
export function hasEndpoint(pod: Pod): boolean {
  return !isTerminal(pod) && Boolean(pod.status?.podIP)
}

/** The pods of a Service as endpoints, grouped by the ports that resolve on them. Follows k8s.io/endpointslice. */
export function endpointGroups(
  service: ServiceObject,
  pods: readonly PodObject[],
  zoneOf: (node: string) => string | undefined,
): EndpointGroup[] {
  const groups = new Map<string, EndpointGroup>()
  for (const pod of pods) {
    if (!hasEndpoint(pod)) continue
    const ports = portsOf(service, pod)
    const key = JSON.stringify(ports)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    group.endpoints.push(endpointOf(service, pod, zoneOf))
    groups.set(key, group)
  }
  return [...groups.values()]
}

function portsOf(service: ServiceObject, pod: PodObject): EndpointPort[] {
  const ports: EndpointPort[] = []
  for (const port of service.spec?.ports ?? []) {
    const number = targetPort(pod, port)
    if (number === undefined) continue
    ports.push({
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
    })
  }
  return ports
}

/** Which nodes or zones an endpoint is meant for, after `trafficDistribution`. Follows k8s.io/endpointslice's trafficdist. */
function hintsOf(service: ServiceObject, node: string | undefined, zone: string | undefined): { hints?: EndpointHints } {
  const distribution = (service.spec as { trafficDistribution?: string } | undefined)?.trafficDistribution
  const forZones = zone ? [{ name: zone }] : undefined
  if (distribution === 'PreferClose' || distribution === 'PreferSameZone') return forZones ? { hints: { forZones } } : {}
  if (distribution !== 'PreferSameNode' || !node) return {}
  return { hints: { ...(forZones && { forZones }), forNodes: [{ name: node }] } }
}

function endpointOf(service: ServiceObject, pod: PodObject, zoneOf: (node: string) => string | undefined): Endpoint {
  const terminating = Boolean(pod.metadata?.deletionTimestamp)
  const serving = isReady(pod)
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating)
  const node = pod.spec?.nodeName
  const zone = node ? zoneOf(node) : undefined
  const named = pod.spec?.hostname && pod.spec.subdomain === service.metadata?.name
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready, serving, terminating },
    ...(named ? { hostname: pod.spec?.hostname } : {}),
    ...(node ? { nodeName: node } : {}),
    ...(zone ? { zone } : {}),
    ...hintsOf(service, node, zone),
    targetRef: { kind: 'Pod', namespace: pod.metadata?.namespace, name: pod.metadata?.name, uid: pod.metadata?.uid },
  }
}
