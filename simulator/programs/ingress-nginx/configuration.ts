import type { IngressBackend, IngressServiceBackend } from 'kubernetes-types/networking/v1'
import type { Endpoint } from '../../network/sockets.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { matchingName } from '../../x509/verification.ts'
import { type IngressObject, keyOf, type ServiceObject, type SliceObject } from '../ingress/objects.ts'
import type { KeyPair } from '../ingress/tls-secret.ts'
import type { Annotations } from './annotations.ts'
import { endpointsOf, portNamed } from './endpoints.ts'

/** What the controller looks things up in. */
export interface Known {
  readonly service: (namespace: string, name: string) => ServiceObject | undefined
  readonly slices: (namespace: string, service: string) => readonly SliceObject[]
  /** The pair of a Secret, or why there is none. */
  readonly certificate: (namespace: string, secret: string) => KeyPair | { readonly error: string }
  readonly now: number
}

/** An Ingress that is this controller's, with its annotations read. */
export interface Taken {
  readonly ingress: IngressObject
  readonly annotations: Annotations
}

export interface Upstream {
  readonly name: string
  readonly endpoints: readonly Endpoint[]
}

export interface Location {
  readonly path: string
  readonly exact: boolean
  readonly upstream: string
  readonly annotations: Annotations | undefined
  /** `namespace/name` of the Ingress; absent for the catch-all server's own. */
  readonly ingress: string | undefined
  readonly isDefault: boolean
}

export interface Server {
  /** `_`: whatever no other server is for. */
  readonly host: string
  readonly aliases: readonly string[]
  readonly locations: readonly Location[]
  /** Every location is a regular expression, as one of them asks for it. */
  readonly regex: boolean
  /** Absent: nobody asked for TLS; `default`: somebody did, and got the default certificate. */
  readonly certificate: KeyPair | 'default' | undefined
}

export interface Configuration {
  readonly servers: ReadonlyMap<string, Server>
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** What is to be logged of it, each time it is made: the place in the source, and the words. */
  readonly warnings: readonly (readonly [string, string])[]
}

export const catchAll = '_'
export const defaultUpstream = 'upstream-default-backend'

/** `default-web-80`. */
export function upstreamName(namespace: string, { name, port }: IngressServiceBackend): string {
  return `${namespace}-${name}-${portText(port)}`
}

function portText(port: IngressServiceBackend['port']): string {
  return port?.number ? String(port.number) : (port?.name ?? '')
}

/** What nginx is to do for these Ingresses, which come in the order of their age (controller.go, getBackendServers). */
export function configurationFor(taken: readonly Taken[], fallback: readonly Endpoint[], known: Known): Configuration {
  const warnings: [string, string][] = []
  const warn = (place: string, text: string) => void warnings.push([place, text])
  const upstreams = new Map<string, Upstream>([[defaultUpstream, { name: defaultUpstream, endpoints: fallback }]])
  for (const { ingress, annotations } of taken) {
    for (const backend of backendsOf(ingress)) addUpstream(ingress, annotations, backend)
  }
  const drafts = new Map<string, Draft>()
  drafts.set(catchAll, draft(catchAll, defaultUpstream, undefined))
  for (const one of taken) addServers(one)
  for (const one of taken) addCertificates(one)
  for (const one of taken) addLocations(one)
  const servers = new Map([...drafts.values()].map((one) => [one.host, finished(one)]))
  return { servers, upstreams, warnings }

  function addUpstream(ingress: IngressObject, annotations: Annotations, backend: IngressServiceBackend): void {
    const namespace = ingress.metadata?.namespace ?? ''
    const name = upstreamName(namespace, backend)
    if (upstreams.has(name)) return
    const key = `${namespace}/${backend.name}`
    const service = known.service(namespace, backend.name)
    if (!service) {
      const missing = `no object matching key ${JSON.stringify(key)} in local store`
      warn('controller.go:1135', `Error obtaining Endpoints for Service ${JSON.stringify(key)}: ${missing}`)
      upstreams.set(name, { name, endpoints: [] })
      return
    }
    upstreams.set(name, { name, endpoints: endpoints(service, backend, annotations, key) })
  }

  function endpoints(service: ServiceObject, backend: IngressServiceBackend, annotations: Annotations, key: string): readonly Endpoint[] {
    const port = portNamed(service, portText(backend.port))
    if (!port) return []
    const { clusterIP } = service.spec ?? {}
    if (annotations.serviceUpstream && clusterIP && clusterIP !== 'None') return [{ address: clusterIP, port: port.port }]
    const found = endpointsOf(port, known.slices(service.metadata?.namespace ?? '', backend.name))
    if (found.length === 0) warn('controller.go:1241', `Service ${JSON.stringify(key)} does not have any active Endpoint.`)
    return found
  }

  function addServers({ ingress, annotations }: Taken): void {
    const key = keyOf(ingress)
    const backend = ingress.spec?.defaultBackend?.service
    let root = defaultUpstream
    if (backend) {
      root = upstreamName(ingress.metadata?.namespace ?? '', backend)
      const first = drafts.get(catchAll)?.locations[0]
      // An Ingress with a backend and no rules is for whatever nobody else is for.
      if (first?.isDefault && !ingress.spec?.rules?.length)
        drafts.get(catchAll)!.locations[0] = { ...first, upstream: root, annotations, ingress: key, isDefault: false }
    }
    for (const { host } of ingress.spec?.rules ?? []) {
      const name = host || catchAll
      if (!drafts.has(name)) drafts.set(name, draft(name, root, { key, annotations }))
    }
  }

  function addCertificates({ ingress, annotations }: Taken): void {
    for (const { host } of ingress.spec?.rules ?? []) {
      const server = drafts.get(host || catchAll)!
      if (server.aliases.length === 0) server.aliases = annotations.aliases
      if (server.certificate || !ingress.spec?.tls?.length) continue
      server.certificate = certificateFor(ingress, server.host)
    }
  }

  function certificateFor(ingress: IngressObject, host: string): KeyPair | 'default' {
    const namespace = ingress.metadata?.namespace ?? ''
    const secret = secretFor(ingress, host)
    if (!secret) return 'default'
    const key = JSON.stringify(`${namespace}/${secret}`)
    const found = known.certificate(namespace, secret)
    if ('error' in found) {
      warn(
        'controller.go:1468',
        `Error getting SSL certificate ${key}: local SSL certificate ${namespace}/${secret} was not found. Using default certificate`,
      )
      return 'default'
    }
    const [leaf] = found.chain
    const mismatch = leaf && hostnameError(host, leaf)
    if (!leaf || mismatch) {
      warn('controller.go:1482', `Unexpected error validating SSL certificate ${key} for server ${JSON.stringify(host)}: ${mismatch}`)
      warn('controller.go:1483', 'Validating certificate against DNS names. This will be deprecated in a future version')
      if (!leaf?.commonName || matchingName(host, [leaf.commonName]) === undefined) {
        warn(
          'controller.go:1488',
          `SSL certificate ${key} does not contain a Common Name or Subject Alternative Name for server ${JSON.stringify(host)}: ${mismatch}`,
        )
        warn('controller.go:1489', 'Using default certificate')
        return 'default'
      }
    }
    const expires = goTime(leaf.notAfter)
    if (leaf.notAfter < known.now) warn('controller.go:1499', `SSL certificate for server ${JSON.stringify(host)} expired (${expires})`)
    else if (leaf.notAfter < known.now + soonMs)
      warn('controller.go:1501', `SSL certificate for server ${JSON.stringify(host)} is about to expire (${expires})`)
    return found
  }

  /** The Secret of the TLS entry that names the host, else of the first whose certificate is for it (extractTLSSecretName). */
  function secretFor(ingress: IngressObject, host: string): string | undefined {
    const entries = ingress.spec?.tls ?? []
    const named = entries.find(({ hosts = [] }) => hosts.some((one) => one.toLowerCase() === host.toLowerCase()))
    if (named) return named.secretName
    return entries.find(({ secretName }) => {
      if (!secretName) return false
      const found = known.certificate(ingress.metadata?.namespace ?? '', secretName)
      return 'chain' in found && found.chain[0] !== undefined && hostnameError(host, found.chain[0]) === undefined
    })?.secretName
  }

  function addLocations({ ingress, annotations }: Taken): void {
    for (const { host, http } of ingress.spec?.rules ?? []) {
      const server = drafts.get(host || catchAll)!
      for (const { path = '', pathType, backend } of http?.paths ?? []) {
        if (!backend.service) continue
        const location: Location = {
          path: path || '/',
          exact: pathType === 'Exact',
          upstream: withCustomDefault(upstreamName(ingress.metadata?.namespace ?? '', backend.service), ingress, annotations),
          annotations,
          ingress: keyOf(ingress),
          isDefault: false,
        }
        const at = server.locations.findIndex((one) => one.path === location.path && one.exact === location.exact)
        const standing = server.locations[at]
        // The older Ingress keeps a path; only a server's own root gives way.
        if (!standing) server.locations.push(location)
        else if (standing.isDefault) server.locations[at] = location
      }
    }
  }

  /** The default-backend annotation stands in for a Service without endpoints. */
  function withCustomDefault(name: string, ingress: IngressObject, { defaultBackend }: Annotations): string {
    if (!defaultBackend || (upstreams.get(name)?.endpoints.length ?? 0) > 0) return name
    const namespace = ingress.metadata?.namespace ?? ''
    const port = known.service(namespace, defaultBackend)?.spec?.ports?.[0]
    const found = port ? endpointsOf(port, known.slices(namespace, defaultBackend)) : []
    if (found.length === 0) return name
    const custom = `custom-default-backend-${namespace}-${defaultBackend}`
    upstreams.set(custom, { name: custom, endpoints: found })
    return custom
  }
}

interface Draft {
  readonly host: string
  aliases: readonly string[]
  certificate: KeyPair | 'default' | undefined
  readonly locations: Location[]
}

function draft(host: string, upstream: string, by: { key: string; annotations: Annotations } | undefined): Draft {
  const root = { path: '/', exact: false, upstream, annotations: by?.annotations, ingress: by?.key, isDefault: true }
  return { host, aliases: [], certificate: undefined, locations: [root] }
}

function backendsOf({ spec }: IngressObject): IngressServiceBackend[] {
  const backends: (IngressBackend | undefined)[] = [
    spec?.defaultBackend,
    ...(spec?.rules ?? []).flatMap(({ http }) => http?.paths.map(({ backend }) => backend) ?? []),
  ]
  return backends.flatMap((backend) => (backend?.service ? [backend.service] : []))
}

/** Longest paths first; prefixes get their end, and an exact location for the path without it (location.go). */
function finished({ host, aliases, certificate, locations }: Draft): Server {
  const sorted = [...locations]
    .sort((a, b) => (a.path < b.path ? 1 : a.path > b.path ? -1 : 0))
    .sort((a, b) => b.path.length - a.path.length)
  const exact = new Set(locations.filter((one) => one.exact).map(({ path }) => path))
  const rewrites = ({ path, annotations }: Location) => !!annotations?.rewriteTarget && annotations.rewriteTarget !== path
  const regex = locations.some((one) => one.annotations?.useRegex || rewrites(one))
  const expanded = sorted.flatMap((one): Location[] => {
    if (one.path === '/' || one.exact || one.annotations?.useRegex || rewrites(one)) return [one]
    const prefix = { ...one, path: one.path.endsWith('/') ? one.path : `${one.path}/` }
    return exact.has(one.path) ? [prefix] : [prefix, { ...one, exact: true }]
  })
  return { host, aliases, locations: expanded, regex, certificate }
}

/** Ten days, ms. */
const soonMs = 240 * 3600_000

/** Go's x509.HostnameError, or undefined where the certificate is for the host. */
function hostnameError(host: string, leaf: Certificate): string | undefined {
  const candidate = host.startsWith('*.') ? `wildcard${host.slice(1)}` : host
  if (leaf.names.includes(host) || matchingName(candidate, leaf.names) !== undefined) return undefined
  if (!leaf.hasAlternativeNames) return 'x509: certificate relies on legacy Common Name field, use SANs instead'
  if (leaf.names.length === 0) return `x509: certificate is not valid for any names, but wanted to match ${host}`
  return `x509: certificate is valid for ${leaf.names.join(', ')}, not ${host}`
}

/** As Go prints a time: `2026-11-25 03:01:39 +0000 UTC`. */
function goTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`
}
