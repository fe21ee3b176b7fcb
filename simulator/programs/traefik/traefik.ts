import type { IngressLoadBalancerIngress } from 'kubernetes-types/networking/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import { httpConversation, serveHttp } from '../../network/http.ts'
import { NetworkError } from '../../network/sockets.ts'
import { readCertificates } from '../../x509/certificate.ts'
import { selfSignedCertificate } from '../../x509/self-signed.ts'
import { matchingName } from '../../x509/verification.ts'
import { type InformerMemory, informers } from '../informers.ts'
import type { IngressClassObject, IngressObject, ServiceObject, SliceObject } from '../ingress/objects.ts'
import type { SecretObject } from '../ingress/tls-secret.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { type DynamicConfiguration, dynamicConfiguration, isOwn } from './dynamic-configuration.ts'
import { traefikLog } from './log.ts'
import { type Proxying, serveRequest } from './proxy.ts'
import { type EntryPoint, readStaticConfiguration } from './static-configuration.ts'

interface State {
  readonly known: InformerMemory
  /** PEM of the certificate for whoever has none of their own. */
  defaultCertificate: string
  loadedAt: number | undefined
  requests: number
  turns: Record<string, number>
}

const ingresses = 'ingresses.networking.k8s.io'
const classes = 'ingressclasses.networking.k8s.io'
const slices = 'endpointslices.discovery.k8s.io'

/** Traefik of one version with its provider for Ingresses. Other providers, middlewares and the dashboard are refused by name. */
export function traefikDaemon(version: string): Daemon<State> {
  return {
    kind: 'daemon',
    id: `traefik/traefik-${version}`,
    usage: { cores: 0.002, bytes: 40 * MiB, secondsAtStart: 0.3, secondsPerConnection: 0.0001, secondsPerMessage: 0.0002 },
    initial: () => ({ known: {}, defaultCertificate: '', loadedAt: undefined, requests: 0, turns: {} }),
    run: (context) => run(context, version),
  }
}

function run(context: DaemonContext<State>, version: string): void {
  const configuration = readStaticConfiguration(context.argv)
  const log = traefikLog(context, configuration)
  const { state, clock } = context
  const provider = { providerName: 'kubernetes' }
  let dynamic: DynamicConfiguration = { routers: [], services: new Map(), certificates: [] }
  let api: Api | undefined

  if (!context.resumed) {
    log('INFO', `Traefik version ${version} built on 2025-09-26T09:24:23Z`, { version })
    for (const flag of configuration.refused) log('ERROR', `the simulated Traefik does not model --${flag}`)
    log('INFO', 'Starting provider aggregator *aggregator.ProviderAggregator')
    log('INFO', 'Starting provider *traefik.Provider')
    if (configuration.kubernetesIngress) {
      log('INFO', 'Starting provider *ingress.Provider')
      log('INFO', 'ingress label selector is: ""', provider)
      log('INFO', 'Creating in-cluster Provider client', provider)
    }
  }
  if (state.defaultCertificate === '') {
    const now = clock.now()
    const names = [`${context.random.hex(32)}.${context.random.hex(32)}.traefik.default`]
    const validity = { notBefore: now, notAfter: now + 365 * 24 * 3600_000 }
    state.defaultCertificate = selfSignedCertificate(context.random, { commonName: 'TRAEFIK DEFAULT CERT', names }, validity)
  }
  const fallback = readCertificates(state.defaultCertificate)
  context.onSignal(() => {
    for (const line of ['I have to go...', 'Stopping server gracefully', 'Server stopped', 'Shutting down']) log('INFO', line)
    context.exit(0)
  })
  const proxying: Proxying = { context, configuration, log, traffic: state, dynamic: () => dynamic }
  try {
    for (const entryPoint of configuration.entryPoints) listen(entryPoint)
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    log('ERROR', 'Command error', { error: `command traefik error: error while building entryPoint: ${error.message}` })
    return context.exit(1)
  }
  if (!configuration.kubernetesIngress) return

  const timers = context.timers(() => load())
  const following = informers(context, {
    memory: state.known,
    followed: [
      { resource: classes, type: '*v1.IngressClass' },
      { resource: 'services', type: '*v1.Service' },
      { resource: slices, type: '*v1.EndpointSlice' },
      { resource: 'secrets', type: '*v1.Secret' },
      { resource: ingresses, type: '*v1.Ingress' },
    ],
    connected: (connection) => {
      api = connection
    },
    failed: ({ what, type, message }) =>
      log('ERROR', 'k8s.io/client-go/tools/cache/reflector.go:290: Failed to watch', { error: `failed to ${what} ${type}: ${message}` }),
    synced(connection) {
      api = connection
      if (context.resumed && state.loadedAt !== undefined) dynamic = made(() => {})
      else load()
    },
  })
  const { cache } = following
  for (const resource of [classes, 'services', slices, 'secrets', ingresses]) following.onChange(resource, soon)
  following.start()

  /** Both protocols come to every entry point: what begins a handshake is TLS, the rest plain HTTP. */
  function listen(entryPoint: EntryPoint): void {
    const answer: Parameters<typeof serveHttp>[2] = (request, respond) => {
      if (entryPoint.name !== 'traefik') return serveRequest(proxying, entryPoint, request, respond)
      const path = request.target.split('?')[0]
      if (configuration.ping && path === '/ping')
        return respond({ status: 200, headers: [['Content-Type', 'text/plain; charset=utf-8']], body: 'OK' })
      serveRequest(proxying, entryPoint, request, respond)
    }
    serveHttp(context.sockets, entryPoint.port, answer, {
      tls: { certificates: certificateFor, plain: (connection) => httpConversation(connection, answer) },
    })
  }

  /** The certificate whose name fits, of any Ingress; else the default one. */
  function certificateFor(serverName: string | undefined): readonly Uint8Array[] {
    const own = serverName && dynamic.certificates.find(({ chain }) => chain[0] && matchingName(serverName, chain[0].names) !== undefined)
    return (own ? own.chain : fallback).map(({ bytes }) => bytes)
  }

  /** Changes within the throttle's time are one (providersThrottleDuration). */
  function soon(): void {
    if (!following.synced || timers.when('load') !== undefined) return
    timers.set('load', Math.max(clock.now(), (state.loadedAt ?? 0) + configuration.throttleMs))
  }

  function load(): void {
    state.loadedAt = clock.now()
    publish()
    dynamic = made(log)
  }

  function watched(): readonly IngressObject[] {
    const { namespaces } = configuration
    const all = cache.list<IngressObject>(ingresses)
    return namespaces.length === 0 ? all : all.filter(({ metadata }) => namespaces.includes(metadata?.namespace ?? ''))
  }

  function made(tell: typeof log): DynamicConfiguration {
    return dynamicConfiguration(
      configuration,
      {
        classes: cache.list<IngressClassObject>(classes),
        ingresses: watched(),
        service: (namespace, name) => cache.find<ServiceObject>('services', namespace, name),
        slices: (namespace, service) =>
          cache.list<SliceObject>(slices, { namespace, labelSelector: `kubernetes.io/service-name=${service}` }),
        secret: (namespace, name) => cache.find<SecretObject>('secrets', namespace, name),
      },
      tell,
    )
  }

  /** ADDRESS of the own Ingresses: what --providers.kubernetesingress.ingressendpoint says. */
  function publish(): void {
    const addresses = endpointAddresses()
    if (!api || !addresses) return
    const own = cache.list<IngressClassObject>(classes)
    for (const ingress of watched().filter((one) => isOwn(one, own, configuration.ingressClass))) {
      if (JSON.stringify(ingress.status?.loadBalancer?.ingress ?? []) === JSON.stringify(addresses)) continue
      const { namespace, name } = ingress.metadata ?? {}
      try {
        api.updateStatus(ingresses, { ...ingress, status: { loadBalancer: { ingress: addresses } } } as IngressObject)
        log('INFO', 'Updated ingress status', { ingress: name ?? '', namespace: namespace ?? '' })
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        const why = `failed to update ingress status ${namespace}/${name}: ${error.message}`
        log('ERROR', 'Error while updating ingress status', { error: why, ingress: name ?? '', namespace: namespace ?? '', ...provider })
      }
    }
  }

  function endpointAddresses(): IngressLoadBalancerIngress[] | undefined {
    const { publishedService, endpointIp, endpointHostname } = configuration
    if (!publishedService) {
      if (!endpointIp && !endpointHostname) return undefined
      return [{ ...(endpointIp ? { ip: endpointIp } : {}), ...(endpointHostname ? { hostname: endpointHostname } : {}) }]
    }
    const [namespace = '', name = ''] = publishedService.split('/')
    const service = cache.find<ServiceObject>('services', namespace, name)
    if (!service) {
      log('ERROR', 'Error while updating ingress status', { error: `missing service: ${publishedService}`, ...provider })
      return undefined
    }
    // A load balancer without an address yet leaves Ingresses as they are.
    if (service.spec?.type === 'LoadBalancer')
      return service.status?.loadBalancer?.ingress?.map(({ ip, hostname }) => (ip ? { ip } : { hostname }))
    const ports = service.spec?.ports?.map(({ port, protocol = 'TCP' }) => ({ port, protocol })) ?? []
    return (service.spec?.externalIPs ?? []).map((ip) => ({ ip, ports }))
  }
}
