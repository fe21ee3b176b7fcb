/** What the command line says (pkg/flags/flags.go). */
export interface Flags {
  readonly ingressClass: string
  readonly controllerClass: string
  readonly watchWithoutClass: boolean
  readonly classByName: boolean
  readonly defaultBackendService: string
  readonly defaultCertificate: string
  readonly publishService: string
  readonly publishStatusAddress: string
  readonly reportInternalAddress: boolean
  readonly updateStatus: boolean
  readonly electionId: string
  readonly configMap: string
  readonly watchNamespace: string
  readonly httpPort: number
  readonly httpsPort: number
  readonly defaultServerPort: number
  readonly healthzPort: number
  readonly disableCatchAll: boolean
  readonly disableExternalName: boolean
  readonly disableSyncEvents: boolean
  readonly syncRateLimit: number
}

/** Flags that change nothing here: what they tune is not modelled, or the same for everybody. */
const idle = new Set([
  'validating-webhook',
  'validating-webhook-certificate',
  'validating-webhook-key',
  'enable-metrics',
  'metrics-per-host',
  'v',
  'logtostderr',
  'update-status-on-shutdown',
  'election-ttl',
  'health-check-path',
  'health-check-timeout',
  'shutdown-grace-period',
  'post-shutdown-grace-period',
  'status-port',
  'stream-port',
  'profiling',
  'profiler-port',
  'deep-inspect',
  'enable-annotation-validation',
  'disable-full-test',
  'status-update-interval',
  'dynamic-configuration-retries',
])

export class FlagError extends Error {}

/** Throws FlagError with the words that the program prints. */
export function readFlags(argv: readonly string[]): Flags {
  const given = new Map<string, string>()
  for (const word of argv) {
    const match = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(word)
    if (match) given.set(match[1] as string, match[2] ?? 'true')
  }
  const known = new Set(idle)
  const text = (name: string, fallback: string) => {
    known.add(name)
    return given.get(name) ?? fallback
  }
  const bool = (name: string, fallback: boolean) => {
    const value = text(name, String(fallback))
    if (!/^(true|false|t|f|1|0)$/i.test(value)) {
      const parse = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`
      throw new FlagError(`invalid argument ${JSON.stringify(value)} for "--${name}" flag: ${parse}`)
    }
    return /^(true|t|1)$/i.test(value)
  }
  const number = (name: string, fallback: number) => Number(text(name, String(fallback)))
  const flags: Flags = {
    ingressClass: text('ingress-class', 'nginx'),
    controllerClass: text('controller-class', 'k8s.io/ingress-nginx'),
    watchWithoutClass: bool('watch-ingress-without-class', false),
    classByName: bool('ingress-class-by-name', false),
    defaultBackendService: text('default-backend-service', ''),
    defaultCertificate: text('default-ssl-certificate', ''),
    publishService: text('publish-service', ''),
    publishStatusAddress: text('publish-status-address', ''),
    reportInternalAddress: bool('report-node-internal-ip-address', false),
    updateStatus: bool('update-status', true),
    electionId: text('election-id', 'ingress-controller-leader'),
    configMap: text('configmap', ''),
    watchNamespace: text('watch-namespace', ''),
    httpPort: number('http-port', 80),
    httpsPort: number('https-port', 443),
    defaultServerPort: number('default-server-port', 8181),
    healthzPort: number('healthz-port', 10_254),
    disableCatchAll: bool('disable-catch-all', false),
    disableExternalName: bool('disable-svc-external-name', false),
    disableSyncEvents: bool('disable-sync-events', false),
    syncRateLimit: number('sync-rate-limit', 0.3),
  }
  if (bool('enable-ssl-passthrough', false)) throw new FlagError('the simulated ingress-nginx does not model --enable-ssl-passthrough')
  for (const name of given.keys()) {
    if (!known.has(name)) throw new FlagError(`the simulated ingress-nginx does not model --${name}`)
  }
  if (flags.publishService && flags.publishStatusAddress)
    throw new FlagError('flags --publish-service and --publish-status-address are mutually exclusive')
  return flags
}
