import { parseCidr } from '../../resources/addresses.ts'
import type { IngressObject } from '../ingress/objects.ts'

const prefix = 'nginx.ingress.kubernetes.io/'

/** What annotations say of the locations of an Ingress. Times in ms, sizes in bytes. */
export interface Annotations {
  readonly rewriteTarget: string
  readonly useRegex: boolean
  readonly sslRedirect: boolean
  readonly forceSslRedirect: boolean
  readonly preserveTrailingSlash: boolean
  readonly appRoot: string
  readonly redirect: { readonly url: string; readonly code: number } | undefined
  readonly backendProtocol: 'HTTP' | 'HTTPS'
  readonly connectTimeoutMs: number
  readonly readTimeoutMs: number
  readonly nextUpstreamTries: number
  /** 0: no limit. */
  readonly bodySize: number
  readonly allow: readonly string[]
  readonly deny: readonly string[]
  readonly defaultBackend: string
  readonly serviceUpstream: boolean
  readonly upstreamVhost: string
  readonly aliases: readonly string[]
  readonly accessLog: boolean
  /** Why its locations answer 503 whatever is asked. */
  readonly denied: string | undefined
}

/** What the ConfigMap says for all. */
export interface Defaults {
  readonly sslRedirect: boolean
  readonly forceSslRedirect: boolean
  readonly connectTimeoutMs: number
  readonly readTimeoutMs: number
  readonly nextUpstreamTries: number
  readonly bodySize: number
  readonly hsts: boolean
  readonly redirectCode: number
  readonly allow: readonly string[]
  readonly disableAccessLog: boolean
}

/** The Ingress is not taken at all; the message is the log's. */
export class InvalidAnnotation extends Error {}

const modelled = new Set([
  'rewrite-target',
  'use-regex',
  'ssl-redirect',
  'force-ssl-redirect',
  'preserve-trailing-slash',
  'app-root',
  'permanent-redirect',
  'permanent-redirect-code',
  'temporal-redirect',
  'temporal-redirect-code',
  'backend-protocol',
  'proxy-connect-timeout',
  'proxy-read-timeout',
  'proxy-next-upstream-tries',
  'proxy-body-size',
  'whitelist-source-range',
  'allowlist-source-range',
  'denylist-source-range',
  'default-backend',
  'service-upstream',
  'upstream-vhost',
  'server-alias',
  'enable-access-log',
  // These tune what has no size or speed here.
  'proxy-send-timeout',
  'proxy-buffering',
  'proxy-buffer-size',
  'proxy-buffers-number',
  'proxy-busy-buffers-size',
  'proxy-max-temp-file-size',
  'proxy-request-buffering',
  'client-body-buffer-size',
  'proxy-http-version',
  'ssl-ciphers',
  'ssl-prefer-server-ciphers',
  'http2-push-preload',
  'load-balance',
])

/** Snippets are of critical risk, which annotations-risk-level does not allow by default (annotations.go). */
const risky: Readonly<Record<string, string>> = {
  'configuration-snippet': 'ConfigurationSnippet',
  'server-snippet': 'ServerSnippet',
  'auth-snippet': 'ExternalAuth',
  'modsecurity-snippet': 'ModSecurity',
  'stream-snippet': 'StreamSnippet',
}

/** Throws InvalidAnnotation. */
export function readAnnotations(ingress: IngressObject, defaults: Defaults): Annotations {
  const given = new Map<string, string>()
  for (const [name, value] of Object.entries(ingress.metadata?.annotations ?? {}))
    if (name.startsWith(prefix)) given.set(name.slice(prefix.length), value)
  for (const name of given.keys()) {
    const group = risky[name]
    if (group) throw new InvalidAnnotation(`annotation group ${group} contains risky annotation based on ingress configuration`)
  }
  const foreign = [...given.keys()].find((name) => !modelled.has(name))
  let denied = foreign === undefined ? undefined : `the simulated ingress-nginx does not model the annotation ${prefix}${foreign}`
  const invalid = (name: string) => new InvalidAnnotation(`annotation ${name} contains invalid value`)
  const text = (name: string, form: RegExp) => {
    const value = given.get(name) ?? ''
    if (!form.test(value)) throw invalid(name)
    return value
  }
  const bool = (name: string, fallback: boolean) => {
    const value = given.get(name)
    if (value === undefined) return fallback
    if (!/^(true|false|t|f|1|0)$/i.test(value)) throw invalid(name)
    return /^(true|t|1)$/i.test(value)
  }
  const number = (name: string, fallback: number, factor = 1) => {
    const value = given.get(name)
    if (value === undefined) return fallback
    if (!/^\d+$/.test(value)) throw invalid(name)
    return Number(value) * factor
  }
  const networks = (name: string): string[] | undefined => {
    const value = given.get(name)
    if (value === undefined) return undefined
    const list = value.split(',').map((one) => one.trim())
    const ranges = list.map((one) => (one.includes('/') ? one : `${one}/32`))
    // A range that is none closes the location rather than open it to everybody.
    if (ranges.some((range) => parseCidr(range) === undefined)) {
      denied ??= 'the annotation does not contain a valid IP address or network'
      return []
    }
    return ranges
  }
  const protocol = (given.get('backend-protocol') ?? 'HTTP').trim().toUpperCase()
  if (!['HTTP', 'HTTPS', 'AUTO_HTTP', 'GRPC', 'GRPCS', 'FCGI'].includes(protocol)) throw invalid('backend-protocol')
  if (['GRPC', 'GRPCS', 'FCGI'].includes(protocol))
    denied ??= `the simulated ingress-nginx does not model the annotation ${prefix}backend-protocol: ${protocol}`
  return {
    rewriteTarget: text('rewrite-target', /^\/?[-._~a-zA-Z0-9/:$]*$/),
    useRegex: bool('use-regex', false),
    sslRedirect: bool('ssl-redirect', defaults.sslRedirect),
    forceSslRedirect: bool('force-ssl-redirect', defaults.forceSslRedirect),
    preserveTrailingSlash: bool('preserve-trailing-slash', false),
    appRoot: text('app-root', /^(\/.*)?$/),
    redirect: redirectOf(given),
    backendProtocol: protocol === 'HTTPS' ? 'HTTPS' : 'HTTP',
    connectTimeoutMs: number('proxy-connect-timeout', defaults.connectTimeoutMs, 1000),
    readTimeoutMs: number('proxy-read-timeout', defaults.readTimeoutMs, 1000),
    nextUpstreamTries: number('proxy-next-upstream-tries', defaults.nextUpstreamTries),
    bodySize: sizeOf(given.get('proxy-body-size')) ?? defaults.bodySize,
    allow: networks('whitelist-source-range') ?? networks('allowlist-source-range') ?? defaults.allow,
    deny: networks('denylist-source-range') ?? [],
    defaultBackend: given.get('default-backend') ?? '',
    serviceUpstream: bool('service-upstream', false),
    upstreamVhost: given.get('upstream-vhost') ?? '',
    aliases: (given.get('server-alias') ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean),
    accessLog: bool('enable-access-log', !defaults.disableAccessLog),
    denied,
  }
}

function redirectOf(given: ReadonlyMap<string, string>): Annotations['redirect'] {
  const temporal = given.get('temporal-redirect')
  if (temporal) return { url: temporal, code: Number(given.get('temporal-redirect-code') ?? 302) }
  const permanent = given.get('permanent-redirect')
  return permanent ? { url: permanent, code: Number(given.get('permanent-redirect-code') ?? 301) } : undefined
}

/** nginx's sizes, `8m`; undefined where it is none. */
function sizeOf(text: string | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d+)([bkmg]?)$/i.exec(text ?? '') ?? []
  if (digits === undefined) return undefined
  return Number(digits) * ({ k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase()] ?? 1)
}

/** The ConfigMap's keys that are modelled, over the program's own defaults (config.go). */
export function defaultsFrom(data: Readonly<Record<string, string>>): Defaults & { readonly unknown: readonly string[] } {
  const bool = (name: string, fallback: boolean) => (data[name] === undefined ? fallback : data[name] === 'true')
  const number = (name: string, fallback: number) => (/^\d+$/.test(data[name] ?? '') ? Number(data[name]) : fallback)
  const known = new Set([
    'ssl-redirect',
    'force-ssl-redirect',
    'proxy-connect-timeout',
    'proxy-read-timeout',
    'proxy-next-upstream-tries',
    'proxy-body-size',
    'hsts',
    'http-redirect-code',
    'whitelist-source-range',
    'disable-access-log',
    'allow-snippet-annotations',
  ])
  return {
    sslRedirect: bool('ssl-redirect', true),
    forceSslRedirect: bool('force-ssl-redirect', false),
    connectTimeoutMs: number('proxy-connect-timeout', 5) * 1000,
    readTimeoutMs: number('proxy-read-timeout', 60) * 1000,
    nextUpstreamTries: number('proxy-next-upstream-tries', 3),
    bodySize: sizeOf(data['proxy-body-size']) ?? 1024 ** 2,
    hsts: bool('hsts', true),
    redirectCode: number('http-redirect-code', 308),
    allow: (data['whitelist-source-range'] ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter((one) => parseCidr(one) !== undefined),
    disableAccessLog: bool('disable-access-log', false),
    unknown: Object.keys(data).filter((name) => !known.has(name)),
  }
}
