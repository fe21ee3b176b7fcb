import type { IngressBackend, IngressServiceBackend } from 'kubernetes-types/networking/v1'
import type { Endpoint } from '../../network/sockets.ts'
import { type IngressClassObject, type IngressObject, keyOf, type ServiceObject, type SliceObject } from '../ingress/objects.ts'
import { type KeyPair, KeyPairError, keyPairOf, type SecretObject } from '../ingress/tls-secret.ts'
import type { TraefikLog } from './log.ts'
import { type Matcher, ruleOf } from './rule.ts'
import type { StaticConfiguration } from './static-configuration.ts'

const prefix = 'traefik.ingress.kubernetes.io/'
/** What an IngressClass names as Traefik's. */
export const controllerName = 'traefik.io/ingress-controller'
const oldAnnotation = 'kubernetes.io/ingress.class'

export interface Router {
  /** `default-web-web-example-com@kubernetes`. */
  readonly name: string
  readonly rule: string
  readonly matches: Matcher
  readonly priority: number
  readonly service: string
  /** Empty: the default ones. */
  readonly entryPoints: readonly string[]
  readonly tls: boolean
}

export interface LoadBalancer {
  readonly name: string
  readonly scheme: 'http' | 'https'
  readonly servers: readonly Endpoint[]
  readonly passHost: boolean
}

export interface DynamicConfiguration {
  readonly routers: readonly Router[]
  readonly services: ReadonlyMap<string, LoadBalancer>
  readonly certificates: readonly KeyPair[]
}

export interface Known {
  readonly classes: readonly IngressClassObject[]
  readonly ingresses: readonly IngressObject[]
  readonly service: (namespace: string, name: string) => ServiceObject | undefined
  readonly slices: (namespace: string, service: string) => readonly SliceObject[]
  readonly secret: (namespace: string, name: string) => SecretObject | undefined
}

/**
 * Whether an Ingress is Traefik's: its class is one of Traefik's own (by name, where the provider is told one); without a class, where the old
 * annotation is absent, empty or `traefik`, or is what the provider is told.
 */
export function isOwn(ingress: IngressObject, classes: readonly IngressClassObject[], wanted: string): boolean {
  const name = ingress.spec?.ingressClassName
  if (name !== undefined && name !== null) {
    return classes.some(
      ({ metadata, spec }) => spec?.controller === controllerName && metadata?.name === name && (wanted === '' || wanted === name),
    )
  }
  const annotation = ingress.metadata?.annotations?.[oldAnnotation] ?? ''
  return annotation === wanted || (wanted === '' && annotation === 'traefik')
}

class Unusable extends Error {}

/** What the Ingresses ask for, and in the log what of it cannot be had (pkg/provider/kubernetes/ingress). */
export function dynamicConfiguration(configuration: StaticConfiguration, known: Known, log: TraefikLog): DynamicConfiguration {
  const routers = new Map<string, Router>()
  const services = new Map<string, LoadBalancer>()
  const pairs = new Map<string, KeyPair>()
  const hashed = new Map<string, number>()
  for (const ingress of [...known.ingresses].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
    if (!isOwn(ingress, known.classes, configuration.ingressClass)) continue
    const namespace = ingress.metadata?.namespace ?? ''
    const fields = { ingress: ingress.metadata?.name ?? '', namespace, providerName: 'kubernetes' }
    const settings = routerSettings(ingress.metadata?.annotations ?? {})
    if ('unknown' in settings) {
      log('ERROR', 'Failed to parse annotations', { error: `field not found, node: ${settings.unknown}`, ...fields })
      continue
    }
    readCertificates(ingress, fields)
    const missing = settings.middlewares[0]
    const add = (key: string, rule: string, priority: number, service: string, matches: Matcher) => {
      // Middlewares come from custom resources, which are not modelled: none exists.
      if (missing !== undefined)
        return log('ERROR', '', { error: `middleware ${JSON.stringify(missing)} does not exist`, routerName: `${key}@kubernetes` })
      routers.set(key, {
        name: `${key}@kubernetes`,
        rule,
        matches,
        priority,
        service,
        entryPoints: settings.entryPoints,
        tls: settings.tls,
      })
    }
    const defaultBackend = ingress.spec?.defaultBackend
    if (!ingress.spec?.rules?.length && defaultBackend) {
      if (services.has('default-backend')) log('ERROR', 'The default backend already exists.', fields)
      else if (load('default-backend', namespace, defaultBackend, fields))
        add('default-router', 'PathPrefix(`/`)', Number.NEGATIVE_INFINITY, 'default-backend', () => true)
    }
    for (const { host = '', http } of ingress.spec?.rules ?? []) {
      for (const { path = '', pathType, backend } of http?.paths ?? []) {
        if (backend.resource) {
          log('ERROR', 'Resource backends are not supported', fields)
          continue
        }
        if (!backend.service) continue
        const service = normalized(`${namespace}-${backend.service.name}-${portText(backend.service)}`)
        if (!load(service, namespace, backend, fields)) continue
        const made = ruleOf(host, path, pathType, { strictPrefixes: configuration.strictPrefixes, pathMatcher: settings.pathMatcher })
        const key = normalized(`${namespace}-${ingress.metadata?.name}-${host}${path}`).replace(/^-+/, '')
        const before = hashed.get(key) ?? 0
        hashed.set(key, before + 1)
        add(before === 0 ? key : `${key}-${before}`, made.rule, settings.priority || made.rule.length, service, made.matches)
      }
    }
  }
  const sorted = [...routers.values()].sort((a, b) => b.priority - a.priority || (a.rule < b.rule ? -1 : 1))
  return { routers: sorted, services, certificates: [...pairs.values()] }

  /** False, and a line in the log, where the Service cannot be used: its path gets no router. */
  function load(name: string, namespace: string, backend: IngressBackend, fields: Readonly<Record<string, string>>): boolean {
    const wanted = backend.service as IngressServiceBackend
    const port = `&ServiceBackendPort{Name:${wanted.port?.name ?? ''},Number:${wanted.port?.number ?? 0},}`
    const about = { ...fields, serviceName: wanted.name, servicePort: port }
    try {
      const found = loadBalancer(name, namespace, wanted)
      if (found.servers.length === 0 && !configuration.allowEmptyServices) {
        log('ERROR', 'Skipping service: no endpoints found', about)
        return false
      }
      services.set(name, found)
      return true
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      log('ERROR', 'Cannot create service', { error: error.message, ...about })
      return false
    }
  }

  function loadBalancer(name: string, namespace: string, wanted: IngressServiceBackend): LoadBalancer {
    const service = known.service(namespace, wanted.name)
    if (!service) throw new Unusable('service not found')
    const { type, ports = [], clusterIP } = service.spec ?? {}
    if (type === 'ExternalName') {
      if (!configuration.allowExternalNames) throw new Unusable(`externalName services not allowed: ${namespace}/${wanted.name}`)
      throw new Unusable('the simulated Traefik does not model Services of type ExternalName')
    }
    const port = ports.find((one) => one.port === wanted.port?.number || (!!one.name && one.name === wanted.port?.name))
    if (!port) throw new Unusable('service port not found')
    const own = service.metadata?.annotations ?? {}
    for (const key of Object.keys(own)) {
      if (key.startsWith(`${prefix}service.`) && !knownServiceSettings.has(key.slice(prefix.length + 8)))
        throw new Unusable(`the simulated Traefik does not model the annotation ${key}`)
    }
    const setting = (key: string) => own[`${prefix}service.${key}`]
    const scheme = setting('serversscheme') ?? (port.port === 443 || port.name?.startsWith('https') ? 'https' : 'http')
    const common = {
      name,
      scheme: scheme === 'https' ? ('https' as const) : ('http' as const),
      passHost: setting('passhostheader') !== 'false',
    }
    const native = setting('nativelb')
    if (native === undefined ? configuration.nativeLb : native === 'true') {
      if (!clusterIP || clusterIP === 'None')
        throw new Unusable(`getting native Kubernetes Service address: no clusterIP found for service: ${namespace}/${wanted.name}`)
      return { ...common, servers: [{ address: clusterIP, port: port.port }] }
    }
    const servers = new Map<string, Endpoint>()
    for (const slice of known.slices(namespace, wanted.name)) {
      const number = slice.ports?.find((one) => (one.name ?? '') === (port.name ?? ''))?.port
      if (!number) continue
      for (const { addresses, conditions } of slice.endpoints ?? []) {
        if (conditions?.serving === false || conditions?.terminating) continue
        for (const address of addresses) servers.set(address, { address, port: number })
      }
    }
    return { ...common, servers: [...servers.values()] }
  }

  function readCertificates(ingress: IngressObject, fields: Readonly<Record<string, string>>): void {
    const namespace = ingress.metadata?.namespace ?? ''
    for (const { secretName } of ingress.spec?.tls ?? []) {
      if (!secretName || pairs.has(`${namespace}/${secretName}`)) continue
      const fail = (error: string) => log('ERROR', 'Error configuring TLS', { error, ...fields })
      const secret = known.secret(namespace, secretName)
      if (!secret) return fail(`secret ${namespace}/${secretName} does not exist`)
      const absent = ['tls.crt', 'tls.key'].filter((key) => secret.data?.[key] === undefined)
      if (absent.length > 0)
        return fail(`secret ${namespace}/${secretName} is missing the following TLS data entries: ${absent.join(', ')}`)
      try {
        pairs.set(`${namespace}/${secretName}`, keyPairOf(secret))
      } catch (error) {
        if (!(error instanceof KeyPairError)) throw error
        log('ERROR', 'Unable to parse certificate', { error: `unable to generate TLS certificate : ${error.message}` })
      }
    }
  }
}

const knownServiceSettings = new Set(['nativelb', 'serversscheme', 'passhostheader'])

interface RouterSettings {
  readonly entryPoints: readonly string[]
  readonly tls: boolean
  readonly priority: number
  readonly pathMatcher: string
  readonly middlewares: readonly string[]
}

function routerSettings(annotations: Readonly<Record<string, string>>): RouterSettings | { readonly unknown: string } {
  const start = `${prefix}router.`
  const known = new Set(['entrypoints', 'tls', 'priority', 'pathmatcher', 'middlewares'])
  const names = Object.keys(annotations).filter((name) => name.startsWith(start))
  const unknown = names.find((name) => !known.has(name.slice(start.length)))
  if (unknown !== undefined) return { unknown: unknown.slice(start.length) }
  const list = (name: string) =>
    (annotations[`${start}${name}`] ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean)
  return {
    entryPoints: list('entrypoints'),
    tls: annotations[`${start}tls`] === 'true',
    priority: Number(annotations[`${start}priority`] ?? 0),
    pathMatcher: annotations[`${start}pathmatcher`] ?? 'PathPrefix',
    middlewares: list('middlewares'),
  }
}

function portText({ port }: IngressServiceBackend): string {
  return port?.name || String(port?.number ?? '')
}

/** provider.Normalize: what is neither letter nor digit becomes one dash. */
function normalized(name: string): string {
  return name
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
    .join('-')
}
