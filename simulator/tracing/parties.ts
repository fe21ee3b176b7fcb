import type { Pod, Service } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../apiserver/api.ts'
import type { Clock } from '../clock.ts'
import type { Place } from '../kubelet/runtime/run-process.ts'
import type { KubeObject } from '../kubernetes.ts'
import type { Network } from '../network/network.ts'
import { webServer } from '../outside/names.ts'
import type { Party } from './document.ts'
import { TraceError, type TraceProtocol, type TraceRequest, type TraceSource, type TraceTarget } from './request.ts'

/** A cluster as a trace needs it. */
export interface Cluster {
  readonly api: Api
  readonly network: Network
  readonly clock: Clock
  readonly workstation: Place
  /** Where the processes of a pod's container run. Throws where there is none. */
  podPlace(namespace: string, pod: string, container?: string): Place
  nodePlace(node: string): Place | undefined
}

/** Where the client runs. Throws TraceError. */
export function sourceParty(cluster: Cluster, from: TraceSource): { party: Party; place: Place } {
  const named = (kind: string, title: string, place: Place, more: Partial<Party> = {}) => ({
    party: { kind, title, ...address(place), ...more },
    place,
  })
  switch (from.kind) {
    case 'workstation':
      return named('workstation', 'the workstation', cluster.workstation)
    case 'outside': {
      const machine = cluster.network.machine(webServer.machine)
      if (!machine) throw new TraceError('not-found', 'this cluster has no world outside')
      return named('outside', 'a host on the Internet', { ...cluster.workstation, namespace: machine.root, hostname: machine.name })
    }
    case 'node': {
      const place = cluster.nodePlace(from.name)
      if (!place) throw new TraceError('not-found', `nodes "${from.name}" not found; there are ${nodeList(cluster)}`)
      return named('node', `node ${from.name}`, place, { object: { kind: 'Node', name: from.name }, node: from.name })
    }
    case 'pod': {
      const { namespace, name } = from
      const pod = need<Pod>(cluster, 'pods', namespace, name)
      const container = from.container ?? (pod.spec?.containers ?? [])[0]?.name
      try {
        const place = cluster.podPlace(namespace, name, container)
        const object = { kind: 'Pod', namespace, name }
        return named('pod', `pod ${namespace}/${name}`, place, { object, ...(pod.spec?.nodeName ? { node: pod.spec.nodeName } : {}) })
      } catch (error) {
        const why = error instanceof StatusError || error instanceof Error ? error.message : String(error)
        throw new TraceError('not-found', `pod ${namespace}/${name} cannot be traced from: ${why}`)
      }
    }
  }
}

/** What the client is told to reach: a host (address or name), a port, and the protocol. */
export interface Goal {
  readonly party: Party
  readonly protocol: TraceProtocol
  readonly host: string
  readonly port: number | undefined
  readonly url?: string
}

/** Throws TraceError. */
export function targetParty(cluster: Cluster, request: TraceRequest): Goal {
  const { to } = request
  const goal = goalOf(cluster, to)
  const protocol = request.protocol ?? goal.protocol ?? (goal.port === undefined ? 'icmp' : 'tcp')
  if (protocol === 'icmp') return { ...goal, protocol, port: undefined }
  if (goal.port === undefined && protocol === 'http') return { ...goal, protocol, port: 80 }
  if (goal.port === undefined)
    throw new TraceError('bad-request', `${goal.party.title} needs a port for ${protocol}: write it as HOST:PORT`)
  return { ...goal, protocol }
}

function goalOf(cluster: Cluster, to: TraceTarget): Omit<Goal, 'protocol'> & { protocol?: TraceProtocol } {
  switch (to.kind) {
    case 'address':
      return { party: { ...to, title: shown(to.address, to.port) }, host: to.address, port: to.port }
    case 'name':
      return { party: { kind: 'name', title: shown(to.name, to.port), ...portOf(to.port) }, host: to.name, port: to.port }
    case 'url': {
      const url = new URL(to.url)
      const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
      return { party: { kind: 'name', title: to.url, port }, protocol: 'http', host: url.hostname, port, url: to.url }
    }
    case 'node': {
      const place = cluster.nodePlace(to.name)
      if (!place) throw new TraceError('not-found', `nodes "${to.name}" not found; there are ${nodeList(cluster)}`)
      const where = address(place)
      const object = { kind: 'Node', name: to.name }
      const party = { kind: 'node', title: `node ${shown(to.name, to.port)}`, object, node: to.name, ...where, ...portOf(to.port) }
      return { party, host: where.address ?? '', port: to.port }
    }
    case 'pod':
      return podGoal(cluster, to)
    case 'service':
      return serviceGoal(cluster, to)
  }
}

function podGoal(cluster: Cluster, to: Extract<TraceTarget, { kind: 'pod' }>): Omit<Goal, 'protocol'> & { protocol?: TraceProtocol } {
  const { namespace, name } = to
  const pod = need<Pod>(cluster, 'pods', namespace, name)
  const host = pod.status?.podIP
  if (!host) throw new TraceError('not-found', `pod ${namespace}/${name} has no address yet (${pod.status?.phase ?? 'Pending'})`)
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  const wanted = typeof to.port === 'string' ? ports.find((port) => port.name === to.port) : undefined
  if (typeof to.port === 'string' && !wanted)
    throw new TraceError('not-found', `pod ${namespace}/${name} has no port "${to.port}"; it has ${portNames(ports)}`)
  const port = wanted?.containerPort ?? (to.port as number | undefined)
  const object = { kind: 'Pod', namespace, name }
  const node = pod.spec?.nodeName
  const party = {
    kind: 'pod',
    title: `pod ${shown(`${namespace}/${name}`, port)}`,
    object,
    address: host,
    ...portOf(port),
    ...(node ? { node } : {}),
  }
  return { party, host, port, ...(wanted?.protocol === 'UDP' ? { protocol: 'udp' as const } : {}) }
}

function serviceGoal(
  cluster: Cluster,
  to: Extract<TraceTarget, { kind: 'service' }>,
): Omit<Goal, 'protocol'> & { protocol?: TraceProtocol } {
  const { namespace, name } = to
  const service = need<Service>(cluster, 'services', namespace, name)
  const { clusterIP, type, ports = [] } = service.spec ?? {}
  const dns = `${name}.${namespace}.svc.cluster.local`
  if (type === 'ExternalName')
    throw new TraceError('bad-request', `service ${namespace}/${name} is an ExternalName without an address: trace to ${dns}:PORT`)
  if (!clusterIP || clusterIP === 'None')
    throw new TraceError('bad-request', `service ${namespace}/${name} is headless and has no address of its own: trace to ${dns}:PORT`)
  const known = ports.find((port) => (typeof to.port === 'string' ? port.name === to.port : port.port === to.port))
  const wanted = to.port === undefined ? (ports.length === 1 ? ports[0] : undefined) : known
  // A number that the Service does not have is worth a trace: it is a mistake that people make.
  if (!wanted && typeof to.port !== 'number') {
    const what = to.port === undefined ? 'has several ports' : `has no port "${to.port}"`
    throw new TraceError('bad-request', `service ${namespace}/${name} ${what}: give one of ${portNames(ports)}`)
  }
  const port = wanted?.port ?? (to.port as number)
  const object = { kind: 'Service', namespace, name }
  const party = { kind: 'service', title: `service ${shown(`${namespace}/${name}`, port)}`, object, address: clusterIP, port }
  return { party, host: clusterIP, port, ...(wanted?.protocol === 'UDP' ? { protocol: 'udp' as const } : {}) }
}

function need<T extends object>(cluster: Cluster, resource: string, namespace: string, name: string): T {
  const found = cluster.api.find<KubeObject & T>(resource, namespace, name)
  if (!found) throw new TraceError('not-found', `${resource} "${name}" not found in namespace "${namespace}"`)
  return found
}

function nodeList({ api }: Cluster): string {
  return api
    .list<KubeObject>('nodes')
    .map(({ metadata }) => metadata?.name)
    .join(', ')
}

function portNames(ports: readonly { name?: string; port?: number; containerPort?: number }[]): string {
  const names = ports.map(({ name, port, containerPort }) => `${port ?? containerPort}${name ? ` (${name})` : ''}`)
  return names.length > 0 ? names.join(', ') : 'none'
}

function address(place: Place): { address?: string } {
  const own = place.namespace.addresses()[0]
  return own === undefined || own.startsWith('127.') ? {} : { address: own }
}

const portOf = (port: number | undefined) => (port === undefined ? {} : { port })
const shown = (host: string, port: number | undefined) => (port === undefined ? host : `${host}:${port}`)
