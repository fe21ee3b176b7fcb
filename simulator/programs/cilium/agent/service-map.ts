import type { Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../../kubernetes.ts'
import type { InformerCache } from '../../informers.ts'
import { type ServiceObject, type ServicePort, type SliceObject, servicePorts } from '../../kube-proxy/service-ports.ts'
import type { Backend, ServiceEntry } from '../datapath/maps.ts'
import { serviceLabel } from './cluster-view.ts'

/** Front ends of one Service, with the objects that they were made from. */
interface Made {
  readonly service: ServiceObject
  readonly slices: readonly SliceObject[]
  readonly ports: readonly ServicePort[]
  readonly entries: ReadonlyMap<string, ServiceEntry>
}

/** cilium_lb4_services_v2 of a node: front ends `tcp 10.96.0.10:53`, with 0.0.0.0 for any address of a node. */
export class ServiceMap {
  readonly #node: string
  /** rev_nat_index by front end: given once, kept over restarts. */
  readonly #ids: Record<string, number>
  readonly #made = new Map<string, Made>()

  constructor(node: string, ids: Record<string, number>) {
    this.#node = node
    this.#ids = ids
  }

  frontEnds(cache: InformerCache): Map<string, ServiceEntry> {
    const all = new Map<string, ServiceEntry>()
    const there = new Set<string>()
    const slices = new Map<string, SliceObject[]>()
    for (const slice of cache.list<SliceObject>('endpointslices.discovery.k8s.io')) {
      const key = `${slice.metadata?.namespace}/${slice.metadata?.labels?.[serviceLabel]}`
      const list = slices.get(key)
      if (list) list.push(slice)
      else slices.set(key, [slice])
    }
    for (const service of cache.list<ServiceObject>('services')) {
      const key = `${service.metadata?.namespace}/${service.metadata?.name}`
      there.add(key)
      const own = slices.get(key) ?? []
      let made = this.#made.get(key)
      if (made?.service !== service || made.slices.length !== own.length || !made.slices.every((slice, index) => slice === own[index])) {
        const ports = servicePorts(service, own, this.#node)
        made = { service, slices: own, ports, entries: this.#entries(ports) }
        this.#made.set(key, made)
      }
      for (const [front, entry] of made.entries) all.set(front, entry)
    }
    for (const key of this.#made.keys()) if (!there.has(key)) this.#made.delete(key)
    for (const [front, entry] of this.#hostPorts(cache)) all.set(front, entry)
    return all
  }

  /** Of all Services as `frontEnds` found them last. */
  ports(): ServicePort[] {
    return [...this.#made.values()].flatMap(({ ports }) => ports)
  }

  #entries(ports: readonly ServicePort[]): Map<string, ServiceEntry> {
    const entries = new Map<string, ServiceEntry>()
    for (const port of ports) {
      const inside = port.internalLocal ? port.localEndpoints : port.endpoints
      const outside = port.externalLocal ? port.localEndpoints : port.endpoints
      const set = (
        type: ServiceEntry['type'],
        address: string,
        number: number,
        backends: readonly string[],
        ranges?: readonly string[],
      ) => {
        const front = `${port.protocol} ${address}:${number}`
        entries.set(front, this.#entry(front, type, port, backends, outside, ranges))
      }
      set('ClusterIP', port.clusterIP, port.port, inside)
      for (const address of port.externalIPs) set('ExternalIPs', address, port.port, port.endpoints)
      const ranges = port.sourceRanges.length > 0 ? port.sourceRanges : undefined
      for (const address of port.loadBalancerIPs) set('LoadBalancer', address, port.port, port.endpoints, ranges)
      if (port.nodePort) set('NodePort', '0.0.0.0', port.nodePort, port.endpoints)
    }
    return entries
  }

  #entry(
    front: string,
    type: ServiceEntry['type'],
    { affinity, origin }: ServicePort,
    backends: readonly string[],
    outside: readonly string[],
    sourceRanges?: readonly string[],
  ): ServiceEntry {
    return {
      id: this.#id(front),
      type,
      backends: backends.map(backend),
      outside: outside.map(backend),
      ...(affinity === undefined ? {} : { affinity }),
      ...(sourceRanges ? { sourceRanges } : {}),
      origin,
    }
  }

  /** Pods' host ports are front ends of their node too. */
  *#hostPorts(cache: InformerCache): Iterable<[string, ServiceEntry]> {
    for (const { metadata, spec, status } of cache.list<Pod & KubeObject>('pods')) {
      if (spec?.nodeName !== this.#node || spec.hostNetwork || !status?.podIP || status.phase !== 'Running') continue
      for (const { hostPort, hostIP, containerPort, protocol = 'TCP' } of spec.containers.flatMap(({ ports = [] }) => ports)) {
        if (!hostPort) continue
        const front = `${protocol.toLowerCase()} ${hostIP || '0.0.0.0'}:${hostPort}`
        const backends = [{ address: status.podIP, port: containerPort }]
        const origin = { kind: 'Pod', namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }
        yield [front, { id: this.#id(front), type: 'HostPort', backends, outside: backends, origin }]
      }
    }
  }

  #id(front: string): number {
    this.#ids[front] ??= Object.keys(this.#ids).length + 1
    return this.#ids[front]
  }
}

function backend(text: string): Backend {
  const at = text.lastIndexOf(':')
  return { address: text.slice(0, at), port: Number(text.slice(at + 1)) }
}
