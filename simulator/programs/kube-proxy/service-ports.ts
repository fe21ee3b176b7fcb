import type { Service } from 'kubernetes-types/core/v1'
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1'
import type { EndpointHints } from '../../controllers/endpointslice/endpoints.ts'
import type { KubeObject } from '../../kubernetes.ts'
import type { Origin } from '../../network/trace.ts'
import { servicePortName } from './chain-names.ts'

export type ServiceObject = Service & KubeObject
export type SliceObject = EndpointSlice & KubeObject

/** One port of one Service with where its traffic goes, as the proxier needs it. */
export interface ServicePort {
  readonly name: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly port: number
  readonly nodePort: number | undefined
  readonly clusterIP: string
  readonly externalIPs: readonly string[]
  readonly loadBalancerIPs: readonly string[]
  readonly sourceRanges: readonly string[]
  /** Seconds that a client keeps its endpoint; undefined: no affinity. */
  readonly affinity: number | undefined
  readonly internalLocal: boolean
  readonly externalLocal: boolean
  /** Where load balancers ask whether this node has endpoints. */
  readonly healthCheckNodePort: number | undefined
  /** `10.244.1.3:80`, sorted. */
  readonly endpoints: readonly string[]
  /** Those on this node; none where no traffic policy asks which they are. */
  readonly localEndpoints: readonly string[]
  readonly origin: Origin
  /** By endpoint: the slice that names it, and its pod. */
  readonly endpointOrigins: ReadonlyMap<string, Origin>
}

/** The ports of a Service that kube-proxy serves; none for headless and ExternalName ones. */
export function servicePorts(service: ServiceObject, slices: readonly SliceObject[], node: string): ServicePort[] {
  const { spec, status, metadata } = service
  if (!spec?.clusterIP || spec.clusterIP === 'None' || spec.type === 'ExternalName') return []
  if (metadata?.labels?.['service.kubernetes.io/service-proxy-name']) return []
  const origin: Origin = { kind: 'Service', namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  return (spec.ports ?? []).map((port) => {
    const internalLocal = spec.internalTrafficPolicy === 'Local'
    const externalLocal = external && spec.externalTrafficPolicy === 'Local'
    const { all, local, origins } = endpointsOf(slices, port.name ?? '', port.protocol ?? 'TCP', node)
    return {
      name: servicePortName(metadata?.namespace ?? '', metadata?.name ?? '', port.name),
      protocol: (port.protocol ?? 'TCP').toLowerCase() as ServicePort['protocol'],
      port: port.port,
      nodePort: port.nodePort || undefined,
      clusterIP: spec.clusterIP as string,
      externalIPs: spec.externalIPs ?? [],
      // What goes to a load balancer that is a proxy has to pass through it, from inside too.
      loadBalancerIPs: (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? [ip] : [])),
      sourceRanges: spec.loadBalancerSourceRanges ?? [],
      affinity: spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800) : undefined,
      internalLocal,
      externalLocal,
      healthCheckNodePort: spec.externalTrafficPolicy === 'Local' ? spec.healthCheckNodePort || undefined : undefined,
      endpoints: all,
      localEndpoints: internalLocal || externalLocal ? local : [],
      origin,
      endpointOrigins: origins,
    }
  })
}

/** Ready endpoints; where there is none, those that still serve while they end (upstream's CategorizeEndpoints). */
function endpointsOf(slices: readonly SliceObject[], port: string, protocol: string, node: string) {
  const found = slices.flatMap((slice) =>
    (slice.ports ?? [])
      .filter((candidate) => (candidate.name ?? '') === port && (candidate.protocol ?? 'TCP') === protocol && candidate.port !== undefined)
      .flatMap((candidate) =>
        (slice.endpoints ?? []).map((endpoint) => ({
          address: `${endpoint.addresses[0]}:${candidate.port}`,
          ready: endpoint.conditions?.ready !== false,
          draining: endpoint.conditions?.serving === true && endpoint.conditions.terminating === true,
          local: endpoint.nodeName === node,
          forNodes: (endpoint.hints as EndpointHints | undefined)?.forNodes,
          origin: originOf(slice, endpoint),
        })),
      ),
  )
  const usable = (endpoints: typeof found) => {
    const ready = endpoints.filter((endpoint) => endpoint.ready)
    const chosen = ready.length ? ready : endpoints.filter((endpoint) => endpoint.draining)
    return [...new Set(chosen.map(({ address }) => address))].sort()
  }
  // Hints of a kind that some endpoint lacks, or that keep none for this node, are not followed (pkg/proxy/topology.go).
  const ready = found.filter((endpoint) => endpoint.ready)
  const mine = ready.filter(({ forNodes }) => forNodes?.some(({ name }) => name === node))
  const hinted = ready.every(({ forNodes }) => forNodes?.length) && mine.length > 0
  return {
    all: usable(hinted ? mine : found),
    local: usable(found.filter(({ local }) => local)),
    origins: new Map(found.map(({ address, origin }) => [address, origin])),
  }
}

function originOf({ metadata }: SliceObject, { targetRef }: Endpoint): Origin {
  const namespace = metadata?.namespace ?? ''
  const { kind, name } = targetRef ?? {}
  return {
    kind: 'EndpointSlice',
    namespace,
    name: metadata?.name ?? '',
    ...(kind && name ? { target: { kind, namespace: targetRef?.namespace ?? namespace, name } } : {}),
  }
}
