/** An address where Traefik listens. */
export interface EntryPoint {
  readonly name: string
  readonly port: number
  /** Its routers speak TLS without being asked one by one. */
  readonly tls: boolean
  readonly asDefault: boolean
}

/** What the command line says (the static configuration). */
export interface StaticConfiguration {
  readonly entryPoints: readonly EntryPoint[]
  readonly ping: boolean
  readonly kubernetesIngress: boolean
  readonly ingressClass: string
  readonly allowEmptyServices: boolean
  readonly allowExternalNames: boolean
  readonly nativeLb: boolean
  readonly strictPrefixes: boolean
  readonly namespaces: readonly string[]
  readonly publishedService: string
  readonly endpointIp: string
  readonly endpointHostname: string
  readonly accessLog: boolean
  readonly logFormat: 'common' | 'json'
  readonly logLevel: string
  readonly throttleMs: number
  readonly insecureBackends: boolean
  /** Flags of what is not modelled, by name. */
  readonly refused: readonly string[]
}

/** Nothing here depends on these. */
const idle = [
  /^global\./,
  /^api(\.|$)/,
  /^metrics\./,
  /^entrypoints\.[^.]+\.(address|http\.tls|asdefault|reuseport|transport\.|http\.encodequery)/,
  /^log(\.|$)/,
  /^providers\.kubernetesingress(\.|$)/,
]

/** Flags in Traefik's form: any letters' case, `--name=value`, and a lone `--name` for true. */
export function readStaticConfiguration(argv: readonly string[]): StaticConfiguration {
  const given = new Map<string, string>()
  for (const word of argv) {
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(word)
    if (match) given.set((match[1] as string).toLowerCase(), match[2] ?? 'true')
  }
  const text = (name: string, fallback = '') => given.get(name) ?? fallback
  const bool = (name: string, fallback = false) => /^(true|1|t)$/i.test(text(name, String(fallback)))
  const ingress = 'providers.kubernetesingress'
  const used = new Set(['ping', 'accesslog', 'serverstransport.insecureskipverify', 'providers.providersthrottleduration'])
  return {
    entryPoints: entryPointsOf(given),
    ping: bool('ping'),
    kubernetesIngress: given.has(ingress) ? bool(ingress) : [...given.keys()].some((name) => name.startsWith(`${ingress}.`)),
    ingressClass: text(`${ingress}.ingressclass`),
    allowEmptyServices: bool(`${ingress}.allowemptyservices`),
    allowExternalNames: bool(`${ingress}.allowexternalnameservices`),
    nativeLb: bool(`${ingress}.nativelbbydefault`),
    strictPrefixes: bool(`${ingress}.strictprefixmatching`),
    namespaces: text(`${ingress}.namespaces`).split(',').filter(Boolean),
    publishedService: text(`${ingress}.ingressendpoint.publishedservice`),
    endpointIp: text(`${ingress}.ingressendpoint.ip`),
    endpointHostname: text(`${ingress}.ingressendpoint.hostname`),
    accessLog: bool('accesslog'),
    logFormat: text('log.format') === 'json' ? 'json' : 'common',
    logLevel: text('log.level', 'ERROR').toUpperCase(),
    throttleMs: Number(/^(\d+)s$/.exec(text('providers.providersthrottleduration', '2s'))?.[1] ?? 2) * 1000,
    insecureBackends: bool('serverstransport.insecureskipverify'),
    refused: [...given.keys()].filter((name) => !used.has(name) && !idle.some((pattern) => pattern.test(name))),
  }
}

function entryPointsOf(given: ReadonlyMap<string, string>): EntryPoint[] {
  const addresses = [...given].flatMap(([key, value]) => {
    const name = /^entrypoints\.([^.]+)\.address$/.exec(key)?.[1]
    const port = /:(\d+)(\/tcp)?$/i.exec(value)?.[1]
    return name !== undefined && port !== undefined ? [{ name, port: Number(port) }] : []
  })
  // Without any, there is `http`; the internal one is there for the ping and the API.
  const listed = addresses.some(({ name }) => name !== 'traefik') ? addresses : [...addresses, { name: 'http', port: 80 }]
  const all = listed.some(({ name }) => name === 'traefik') ? listed : [...listed, { name: 'traefik', port: 8080 }]
  const chosen = all.filter(({ name }) => given.get(`entrypoints.${name}.asdefault`) === 'true')
  return all.map(({ name, port }) => ({
    name,
    port,
    tls: given.get(`entrypoints.${name}.http.tls`) === 'true',
    asDefault: name !== 'traefik' && (chosen.length === 0 || chosen.some((one) => one.name === name)),
  }))
}
