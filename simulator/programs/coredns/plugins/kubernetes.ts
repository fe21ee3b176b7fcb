import type { Namespace, Pod, Service } from 'kubernetes-types/core/v1'
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1'
import type { KubeObject } from '../../../kubernetes.ts'
import type { ResourceRecord } from '../../../network/dns-message.ts'
import type { InformerCache } from '../../informers.ts'
import { argumentError, CorefileError, parsingError } from '../corefile.ts'
import type { Plugin, Setup } from '../plugin.ts'
import { type Answer, canonical, type Handler, isBelow, type Query, renamed, servfail } from '../query.ts'

type RecordData = ResourceRecord extends infer R ? (R extends ResourceRecord ? Omit<R, 'name' | 'ttl'> : never) : never

interface Settings {
  readonly zones: readonly string[]
  readonly ttl: number
  readonly pods: 'disabled' | 'insecure' | 'verified'
  /** Zones for which an unknown name goes on to the next plugin; undefined: none. */
  readonly fallthrough: readonly string[] | undefined
  readonly namespaces: ReadonlySet<string> | undefined
  readonly noEndpoints: boolean
  readonly ignoreEmptyService: boolean
}

/** Options that exist upstream and that change nothing in a simulated cluster, or are refused there. */
const refused = new Set([
  'endpoint',
  'tls',
  'kubeconfig',
  'labels',
  'namespace_labels',
  'multicluster',
  'startup_timeout',
  'apiserver_qps',
  'apiserver_burst',
  'apiserver_max_inflight',
])

type ServiceObject = Service & KubeObject
type SliceObject = EndpointSlice & KubeObject

/**
 * Answers for Services, endpoints and pods as the Kubernetes DNS specification 1.1.0 says, in the manner of CoreDNS's kubernetes plugin.
 * Until the API has answered, every question in its zones is SERVFAIL.
 */
export const kubernetes: Plugin = (setup) => {
  const settings = read(setup)
  const { server, context } = setup
  if (settings.pods === 'verified') server.follow({ resource: 'pods', type: '*v1.Pod' })
  server.addReadiness('kubernetes', () => server.api() !== undefined)
  return (next) => (query, reply) => {
    const zone = settings.zones.filter((candidate) => isBelow(query.name, candidate)).sort((a, b) => b.length - a.length)[0]
    if (!zone) return next(query, reply)
    const api = server.api()
    if (!api) return reply(servfail('kubernetes API is not synced'))
    const answer = answerFor(api, settings, zone, query, context.clock.now(), server.serve, reply)
    if (answer === 'pending') return
    if (answer.rcode === 'NXDOMAIN' && settings.fallthrough?.some((through) => isBelow(query.name, through))) return next(query, reply)
    reply(answer)
  }
}

function read({ directive, file, zones }: Setup): Settings {
  const own = directive.args.map(canonical)
  let settings: Settings = {
    zones: (own.length ? own : zones).map((zone) => reverseZone(zone)),
    ttl: 5,
    pods: 'disabled',
    fallthrough: undefined,
    namespaces: undefined,
    noEndpoints: false,
    ignoreEmptyService: false,
  }
  for (const option of directive.block) {
    switch (option.name) {
      case 'pods': {
        const mode = option.args[0]
        if (option.args.length !== 1) throw argumentError(file, option)
        if (mode !== 'disabled' && mode !== 'insecure' && mode !== 'verified') {
          throw parsingError(file, option.line, `wrong value for pods: ${mode},  must be one of: disabled, verified, insecure`)
        }
        settings = { ...settings, pods: mode }
        break
      }
      case 'ttl': {
        const ttl = Number(option.args[0])
        if (option.args.length !== 1 || !Number.isInteger(ttl)) throw argumentError(file, option)
        if (ttl < 0 || ttl > 3600) throw parsingError(file, option.line, `ttl must be in range [0, 3600]: ${ttl}`)
        settings = { ...settings, ttl }
        break
      }
      case 'fallthrough':
        settings = { ...settings, fallthrough: option.args.length ? option.args.map((zone) => reverseZone(canonical(zone))) : ['.'] }
        break
      case 'namespaces':
        if (option.args.length === 0) throw argumentError(file, option)
        settings = { ...settings, namespaces: new Set(option.args) }
        break
      case 'endpoint_pod_names':
        break
      case 'noendpoints':
        settings = { ...settings, noEndpoints: true }
        break
      case 'ignore':
        if (option.args[0] !== 'empty_service')
          throw parsingError(file, option.line, `unable to parse ignore value: '${option.args.join(' ')}'`)
        settings = { ...settings, ignoreEmptyService: true }
        break
      default:
        if (refused.has(option.name)) throw new CorefileError(`the simulated cluster does not model the option '${option.name}'`)
        throw parsingError(file, option.line, `unknown property '${option.name}'`)
    }
  }
  return settings
}

/** `10.0.0.0/8` as the zone of its reverse names; names stay as they are. */
function reverseZone(zone: string): string {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)\.$/.exec(zone)
  if (!match) return zone
  const octets = match.slice(1, 1 + Math.floor(Number(match[5]) / 8))
  return `${octets.reverse().join('.')}.in-addr.arpa.`
}

function answerFor(
  api: InformerCache,
  settings: Settings,
  zone: string,
  query: Query,
  now: number,
  serve: Handler,
  reply: (answer: Answer) => void,
): Answer | 'pending' {
  const record = (data: RecordData, name = query.name): ResourceRecord => ({ name, ttl: settings.ttl, ...data })
  const soa = record(
    {
      type: 'SOA',
      data: {
        mname: `ns.dns.${zone}`,
        rname: `hostmaster.${zone}`,
        serial: Math.floor(now / 1000),
        refresh: 7200,
        retry: 1800,
        expire: 86400,
        minimum: settings.ttl,
      },
    },
    zone,
  )
  const nxdomain: Answer = { rcode: 'NXDOMAIN', authoritative: true, answers: [], authorities: [soa] }
  const nodata: Answer = { rcode: 'NOERROR', authoritative: true, answers: [], authorities: [soa] }
  const found = (answers: ResourceRecord[], additionals: ResourceRecord[] = []): Answer =>
    answers.length ? { rcode: 'NOERROR', authoritative: true, answers, authorities: [], additionals } : nodata

  if (zone.endsWith('in-addr.arpa.') || zone.endsWith('ip6.arpa.')) {
    const names = query.type === 'PTR' ? reverseNames(api, query.name, clusterZone(settings)) : []
    return names.length ? found(names.map((target) => record({ type: 'PTR', data: target }))) : nxdomain
  }

  const relative = query.name === zone ? '' : query.name.slice(0, -zone.length - 1)
  if (relative === '') {
    if (query.type === 'SOA') return found([soa])
    if (query.type === 'NS') return found([record({ type: 'NS', data: `ns.dns.${zone}` })])
    return nodata
  }
  const labels = relative.split('.')
  if (relative === 'dns-version') return query.type === 'TXT' ? found([record({ type: 'TXT', data: ['1.1.0'] })]) : nodata
  if (relative === 'ns.dns' && query.type === 'A') {
    const dns = api.find<ServiceObject>('services', 'kube-system', 'kube-dns')
    return dns?.spec?.clusterIP ? found([record({ type: 'A', data: dns.spec.clusterIP })]) : nxdomain
  }
  const kind = labels.at(-1)
  const namespace = labels.at(-2)
  if (kind !== 'svc' && kind !== 'pod') return nxdomain
  if (namespace === undefined) return nodata
  if (settings.namespaces && !settings.namespaces.has(namespace)) return nxdomain
  const exists = api.find<Namespace & KubeObject>('namespaces', undefined, namespace) !== undefined
  const rest = labels.slice(0, -2)
  if (!exists) return nxdomain
  if (rest.length === 0) return nodata
  if (kind === 'pod') return podAnswer(rest, namespace)
  return serviceAnswer(rest, namespace)

  function podAnswer(parts: string[], home: string): Answer {
    const address = parts.length === 1 ? parts[0]?.replaceAll('-', '.') : undefined
    if (settings.pods === 'disabled' || !address || !/^\d+\.\d+\.\d+\.\d+$/.test(address)) return nxdomain
    if (
      settings.pods === 'verified' &&
      !api.list<Pod & KubeObject>('pods', { namespace: home }).some((pod) => pod.status?.podIP === address)
    )
      return nxdomain
    return query.type === 'A' ? found([record({ type: 'A', data: address })]) : nodata
  }

  function serviceAnswer(parts: string[], home: string): Answer | 'pending' {
    const service = api.find<ServiceObject>('services', home, parts.at(-1) ?? '')
    if (!service) return nxdomain
    const front = parts.slice(0, -1)
    const wantsPort = front.length === 2 && front.every((label) => label.startsWith('_'))
    const host = front.length === 1 && !wantsPort ? front[0] : undefined
    if (front.length > 2 || (front.length === 2 && !wantsPort)) return nxdomain
    if (service.spec?.type === 'ExternalName') return front.length ? nxdomain : external(service)

    const headless = service.spec?.clusterIP === 'None'
    const endpoints = settings.noEndpoints ? [] : endpointsOf(api, home, service.metadata?.name ?? '')
    const own = `${service.metadata?.name}.${home}.svc.${zone}`
    if (settings.ignoreEmptyService && !headless && endpoints.length === 0) return nxdomain
    if (host !== undefined) {
      const matching = endpoints.filter(({ name }) => name === host)
      if (matching.length === 0) return nxdomain
      if (query.type === 'SRV') return srv(matching, own, undefined)
      return query.type === 'A' ? found(unique(matching).map((address) => record({ type: 'A', data: address }))) : nodata
    }
    if (headless && endpoints.length === 0) return nxdomain
    if (wantsPort) {
      const [port, protocol] = front.map((label) => label.slice(1))
      return headless ? srv(endpoints, own, { port, protocol }) : clusterSrv(service, own, { port, protocol })
    }
    if (query.type === 'SRV') return headless ? srv(endpoints, own, undefined) : clusterSrv(service, own, undefined)
    if (query.type !== 'A') return nodata
    if (!headless)
      return found(
        (service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']).filter(isV4).map((address) => record({ type: 'A', data: address })),
      )
    return found(unique(endpoints).map((address) => record({ type: 'A', data: address })))
  }

  function external(service: ServiceObject): Answer | 'pending' {
    const target = canonical(service.spec?.externalName ?? '')
    const cname = record({ type: 'CNAME', data: target })
    if (query.type === 'CNAME') return found([cname])
    if (query.type !== 'A' && query.type !== 'AAAA') return nodata
    // CoreDNS looks the target up through itself and answers with both.
    serve(renamed(query, target), (further) =>
      reply({ rcode: 'NOERROR', authoritative: true, answers: [cname, ...further.answers], authorities: [] }),
    )
    return 'pending'
  }

  function clusterSrv(service: ServiceObject, own: string, wanted: { port?: string; protocol?: string } | undefined): Answer {
    if (query.type !== 'SRV') return nodata
    const ports = (service.spec?.ports ?? []).filter((port) => matchesPort(wanted, port.name, port.protocol))
    if (wanted && ports.length === 0) return nxdomain
    const answers = ports.map((port) =>
      record({ type: 'SRV', data: { priority: 0, weight: Math.floor(100 / ports.length), port: port.port, target: own } }),
    )
    return found(answers, [record({ type: 'A', data: service.spec?.clusterIP ?? '' }, own)])
  }

  function srv(endpoints: readonly Named[], own: string, wanted: { port?: string; protocol?: string } | undefined): Answer {
    const pairs = endpoints.flatMap((endpoint) =>
      endpoint.ports.filter((port) => matchesPort(wanted, port.name, port.protocol)).map((port) => ({ endpoint, port })),
    )
    if (wanted && pairs.length === 0) return nxdomain
    if (query.type !== 'SRV') return nodata
    const targetOf = (endpoint: Named) => `${endpoint.name}.${own}`
    return found(
      pairs.map(({ endpoint, port }) =>
        record({
          type: 'SRV',
          data: { priority: 0, weight: Math.max(1, Math.floor(100 / pairs.length)), port: port.port ?? 0, target: targetOf(endpoint) },
        }),
      ),
      endpoints.map((endpoint) => record({ type: 'A', data: endpoint.address }, targetOf(endpoint))),
    )
  }
}

interface Named {
  /** Its label below the Service: the hostname, or the address with dashes. */
  readonly name: string
  readonly address: string
  readonly ports: readonly { name?: string; port?: number; protocol?: string }[]
}

function endpointsOf(api: InformerCache, namespace: string, service: string): Named[] {
  const slices = api.list<SliceObject>('endpointslices.discovery.k8s.io', {
    namespace,
    labelSelector: `kubernetes.io/service-name=${service}`,
  })
  return slices.flatMap((slice) =>
    (slice.endpoints ?? []).filter(isServing).flatMap((endpoint) =>
      endpoint.addresses.map((address) => ({
        name: endpoint.hostname ?? address.replaceAll('.', '-'),
        address,
        ports: slice.ports ?? [],
      })),
    ),
  )
}

/** An endpoint whose readiness is unknown counts as ready. */
function isServing(endpoint: Endpoint): boolean {
  return endpoint.conditions?.ready !== false
}

function matchesPort(
  wanted: { port?: string; protocol?: string } | undefined,
  name: string | undefined,
  protocol: string | undefined,
): boolean {
  if (!wanted) return true
  return wanted.port === (name ?? '').toLowerCase() && wanted.protocol === (protocol ?? 'TCP').toLowerCase()
}

function unique(endpoints: readonly Named[]): string[] {
  return [...new Set(endpoints.map(({ address }) => address))].filter(isV4)
}

function isV4(address: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(address)
}

function clusterZone(settings: Settings): string {
  return settings.zones.find((zone) => !zone.endsWith('.arpa.')) ?? 'cluster.local.'
}

/** Names of the Services with that cluster address, or of the endpoints of headless ones. */
function reverseNames(api: InformerCache, question: string, zone: string): string[] {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa\.$/.exec(question)
  if (!match) return []
  const address = match.slice(1).reverse().join('.')
  const services = api.list<ServiceObject>('services')
  const owner = services.find(({ spec }) => spec?.clusterIP === address || spec?.clusterIPs?.includes(address))
  if (owner) return [`${owner.metadata?.name}.${owner.metadata?.namespace}.svc.${zone}`]
  const names: string[] = []
  for (const slice of api.list<SliceObject>('endpointslices.discovery.k8s.io')) {
    const service = slice.metadata?.labels?.['kubernetes.io/service-name']
    for (const endpoint of slice.endpoints ?? []) {
      if (!service || !isServing(endpoint) || !endpoint.addresses.includes(address)) continue
      names.push(`${endpoint.hostname ?? address.replaceAll('.', '-')}.${service}.${slice.metadata?.namespace}.svc.${zone}`)
    }
  }
  return names
}
