import type { Node } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import type { EventMemory } from '../../events/correlator.ts'
import { eventRecorder } from '../../events/recorder.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { serveHttp } from '../../network/http.ts'
import { NetworkError } from '../../network/sockets.ts'
import { readCertificates } from '../../x509/certificate.ts'
import { selfSignedCertificate } from '../../x509/self-signed.ts'
import { type InformerMemory, type Informers, informers } from '../informers.ts'
import {
  type ConfigMapObject,
  type IngressClassObject,
  type IngressObject,
  keyOf,
  type PodObject,
  type ServiceObject,
  type SliceObject,
} from '../ingress/objects.ts'
import { KeyPairError, keyPairOf, type SecretObject } from '../ingress/tls-secret.ts'
import { klog } from '../klog.ts'
import { errorPage } from '../nginx/answer.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { type Annotations, type Defaults, defaultsFrom, InvalidAnnotation, readAnnotations } from './annotations.ts'
import { type Configuration, configurationFor, type Known, type Taken } from './configuration.ts'
import { endpointsOf } from './endpoints.ts'
import { FlagError, type Flags, readFlags } from './flags.ts'
import { classOf, isOwnClass } from './ingress-class.ts'
import { acquireLease } from './leader.ts'
import { type Proxying, plainOnTls, serveRequest, type Traffic } from './proxy.ts'
import { patternOf } from './routing.ts'
import { publish, runningAddresses } from './status.ts'

interface State extends Traffic {
  readonly known: InformerMemory
  readonly events: EventMemory
  /** Ingresses whose class was right when they were last looked at: a class that comes or goes later changes nothing for them. */
  readonly accepted: Record<string, true>
  /** PEM of the certificate for whoever has none of their own. */
  fake: string
  leader: boolean
  /** What nginx was last reloaded with. */
  reloaded: string
  syncedAt: number | undefined
  /** When its status loop began: it looks once a minute. */
  leadingSince: number
}

export const release = 'v1.13.9'
const ingresses = 'ingresses.networking.k8s.io'
const classes = 'ingressclasses.networking.k8s.io'
const slices = 'endpointslices.discovery.k8s.io'
/** status.UpdateInterval. */
const statusMs = 60_000
/** `--election-ttl`: how long the lease of a leader that is gone still stands. */
const leaseMs = 30_000
/** The controller is the child of dumb-init. */
const pid = 7

/** ingress-nginx 1.13: the controller and the nginx that it configures, in one program. */
export const ingressNginx: Daemon<State> = {
  kind: 'daemon',
  id: 'ingress-nginx/controller',
  usage: { cores: 0.002, bytes: 70 * MiB, secondsAtStart: 0.5, secondsPerConnection: 0.0001, secondsPerMessage: 0.0002 },
  initial: () => ({
    known: {},
    events: {},
    accepted: {},
    fake: '',
    leader: false,
    reloaded: '',
    syncedAt: undefined,
    leadingSince: 0,
    connections: 0,
    turns: {},
  }),
  run,
}

function run(context: DaemonContext<State>): void {
  const log = klog(context, pid)
  const { state, clock } = context
  let flags: Flags
  try {
    flags = readFlags(context.argv)
  } catch (error) {
    if (!(error instanceof FlagError)) throw error
    log('F', 'main.go:64', error.message)
    return context.exit(255)
  }
  const namespace = context.env['POD_NAMESPACE'] ?? ''
  const podName = context.env['POD_NAME'] ?? ''
  if (!context.resumed) banner(context, log)
  if (state.fake === '') {
    const now = clock.now()
    state.fake = selfSignedCertificate(
      context.random,
      { organization: 'Acme Co', commonName: 'Kubernetes Ingress Controller Fake Certificate', names: ['ingress.local'] },
      { notBefore: now, notAfter: now + 365 * 24 * 3600_000 },
    )
    log('I', 'main.go:101', '"SSL fake certificate created" file="/etc/ingress-controller/ssl/default-fake-certificate.pem"')
    log('I', 'nginx.go:273', '"Starting NGINX Ingress controller"')
  }
  const fake = readCertificates(state.fake)
  let api: Api | undefined
  let configuration: Configuration | undefined
  let defaults: Defaults = defaultsFrom({})
  let serving = false

  const timers = context.timers((key) => {
    if (key === 'sync') sync()
    else if (key === 'status') updateStatus()
    else elect()
  })

  const following: Informers = informers(context, {
    memory: state.known,
    followed: [
      { resource: classes, type: '*v1.IngressClass' },
      { resource: 'services', type: '*v1.Service' },
      { resource: slices, type: '*v1.EndpointSlice' },
      { resource: 'secrets', type: '*v1.Secret' },
      { resource: 'configmaps', type: '*v1.ConfigMap' },
      { resource: 'pods', type: '*v1.Pod' },
      { resource: ingresses, type: '*v1.Ingress' },
    ],
    connected: (connection) => {
      api = connection
    },
    failed({ what, type, message }) {
      const source = 'pkg/mod/k8s.io/client-go@v0.34.3/tools/cache/reflector.go:290'
      if (what === 'list') log('W', 'reflector.go:569', `${source}: failed to list ${type}: ${message}`)
      const words = what === 'list' ? `failed to list ${type}: ${message}` : message
      log(
        'E',
        'reflector.go:166',
        `"Unhandled Error" err=${JSON.stringify(`${source}: Failed to watch ${type}: ${words}`)} logger="UnhandledError"`,
      )
    },
    synced(connection) {
      api = connection
      begin()
    },
  })
  const { cache } = following
  const findClass = (name: string) => cache.find<IngressClassObject>(classes, undefined, name)
  const classFor = (ingress: IngressObject) => classOf(ingress, flags, findClass)
  const watched = (ingress: IngressObject) => !flags.watchNamespace || ingress.metadata?.namespace === flags.watchNamespace
  const named = (object: KubeObject) => `ingress=${JSON.stringify(keyOf(object))}`

  following.onChange<IngressObject>(ingresses, ({ type, object, previous }) => {
    if (!watched(object)) return
    const mine = classFor(object)
    const before = previous && type === 'MODIFIED' ? classFor(previous) : undefined
    if (type === 'MODIFIED' && before !== undefined) {
      if (typeof mine !== 'string') {
        if (typeof before !== 'string') return
        log('I', 'store.go:492', `"removing ingress because of unknown ingressclass" ${named(object)}`)
        delete state.accepted[keyOf(object)]
        return requestSync()
      }
      if (typeof before !== 'string') log('I', 'store.go:489', `"creating ingress" ${named(object)} ingressclass="${mine}"`)
      scheduled(object)
      return requestSync()
    }
    if (type === 'DELETED') delete state.accepted[keyOf(object)]
    if (typeof mine !== 'string') return ignored(object, mine.error)
    if (type === 'ADDED') {
      log('I', 'store.go:443', `"Found valid IngressClass" ${named(object)} ingressclass="${mine}"`)
      scheduled(object)
    }
    requestSync()
  })
  following.onChange<IngressClassObject>(classes, ({ object }) => {
    if (isOwnClass(object, flags)) return requestSync()
    foreignClass(object)
  })
  for (const resource of ['services', slices]) following.onChange(resource, requestSync)
  following.onChange<SecretObject>('secrets', ({ type, object }) => {
    if (!usedSecrets().has(keyOf(object))) return
    if (type === 'ADDED')
      log('I', 'store.go:614', `"Secret was added and it is used in ingress annotations. Parsing" secret="${keyOf(object)}"`)
    else if (type === 'MODIFIED')
      log('I', 'store.go:648', `"secret was updated and it is used in ingress annotations. Parsing" secret="${keyOf(object)}"`)
    else log('I', 'store.go:690', `"secret was deleted and it is used in ingress annotations. Parsing" secret="${keyOf(object)}"`)
    if (type !== 'DELETED') readSecret(object)
    requestSync()
  })
  following.onChange<ConfigMapObject>('configmaps', ({ type, object }) => {
    if (keyOf(object) !== flags.configMap) return
    record(object, type === 'MODIFIED' ? 'UPDATE' : 'CREATE', `ConfigMap ${flags.configMap}`)
    readDefaults()
    requestSync()
  })
  following.onChange<PodObject>('pods', ({ object }) => {
    if (object.metadata?.namespace !== namespace || state.leader || !serving) return
    // The one that leads may be gone: its lease stands for a while.
    if (timers.when('elect') === undefined) timers.set('elect', clock.now() + leaseMs)
  })
  context.onSignal(() => {
    log('I', 'sigterm.go:36', '"Received SIGTERM, shutting down"')
    log('I', 'nginx.go:395', '"Shutting down controller queues"')
    withdrawStatus()
    log('I', 'nginx.go:411', '"Stopping NGINX process"')
    log('I', 'nginx.go:424', '"NGINX process has stopped"')
    log('I', 'sigterm.go:44', 'Handled quit, delaying controller exit for 10 seconds')
    log('I', 'sigterm.go:47', '"Exiting" code=0')
    context.exit(0)
  })
  const health = serveHttp(context.sockets, flags.healthzPort, (request, respond) => {
    if (request.target.split('?')[0] !== '/healthz') return respond({ status: 404, body: '404 page not found\n' })
    if (serving) return respond({ status: 200, body: 'ok' })
    respond({ status: 500, body: '[+]ping ok\n[-]nginx-ingress-controller failed: reason withheld\nhealthz check failed\n' })
  })
  following.start()

  function begin(): void {
    readDefaults()
    if (context.resumed && state.syncedAt !== undefined) {
      configuration = configure()
      return serve()
    }
    for (const one of cache.list<IngressClassObject>(classes)) if (!isOwnClass(one, flags)) foreignClass(one)
    for (const one of cache.list<IngressObject>(ingresses)) {
      if (!watched(one)) continue
      const mine = classFor(one)
      if (typeof mine !== 'string') {
        ignored(one, mine.error)
        continue
      }
      log('I', 'store.go:443', `"Found valid IngressClass" ${named(one)} ingressclass="${mine}"`)
      scheduled(one)
    }
    const used = usedSecrets()
    for (const secret of cache.list<SecretObject>('secrets')) if (used.has(keyOf(secret))) readSecret(secret)
    log('I', 'nginx.go:319', '"Starting NGINX process"')
    log('I', 'leaderelection.go:257', `attempting to acquire leader lease ${namespace}/${flags.electionId}...`)
    sync()
    if (configuration) serve()
    elect()
  }

  /** nginx listens from its first configuration on. */
  function serve(): void {
    const proxying: Proxying = {
      context,
      traffic: state,
      configuration: () => configuration as Configuration,
      defaults: () => defaults,
    }
    const answer: Parameters<typeof serveHttp>[2] = (request, respond) => serveRequest(proxying, request, respond)
    try {
      serveHttp(context.sockets, flags.defaultServerPort, (_, respond) =>
        respond({ status: 404, headers: [['Content-Type', 'text/html']], body: errorPage(404) }),
      )
      serveHttp(context.sockets, flags.httpPort, answer)
      serveHttp(context.sockets, flags.httpsPort, answer, {
        tls: { certificates: certificateFor, plain: (connection) => plainOnTls(proxying, connection) },
      })
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      const port = /:(\d+)/.exec(error.message)?.[1] ?? String(flags.httpPort)
      log('F', 'main.go:64', `port ${port} is already in use. Please check the flag --http-port`)
      health.close()
      return context.exit(255)
    }
    serving = true
  }

  /** By name, by the wildcard one label up, else the default one (certificate.lua). */
  function certificateFor(serverName: string | undefined): readonly Uint8Array[] {
    const name = serverName?.toLowerCase() ?? '_'
    const servers = configuration?.servers
    const asked = servers?.get(name)?.certificate ?? servers?.get(name.replace(/^[^.]+\./, '*.'))?.certificate
    const pair = asked && asked !== 'default' ? asked : defaultPair()
    return pair.chain.map(({ bytes }) => bytes)
  }

  function defaultPair() {
    const [space = '', name = ''] = flags.defaultCertificate.split('/')
    const found = flags.defaultCertificate ? pairOf(space, name) : undefined
    return found && 'chain' in found ? found : { chain: fake }
  }

  function pairOf(space: string, name: string): ReturnType<Known['certificate']> {
    const secret = cache.find<SecretObject>('secrets', space, name)
    if (!secret) return { error: `no object matching key ${JSON.stringify(`${space}/${name}`)} in local store` }
    try {
      return keyPairOf(secret)
    } catch (error) {
      if (!(error instanceof KeyPairError)) throw error
      return { error: error.message }
    }
  }

  function readSecret(secret: SecretObject): void {
    const found = pairOf(secret.metadata?.namespace ?? '', secret.metadata?.name ?? '')
    if ('chain' in found) return log('I', 'backend_ssl.go:67', `"Adding secret to local store" name="${keyOf(secret)}"`)
    const why = certificateProblem(found.error)
    log('W', 'backend_ssl.go:47', `Error obtaining X.509 certificate: ${why(keyOf(secret), secret)}`)
  }

  function usedSecrets(): Set<string> {
    const used = cache
      .list<IngressObject>(ingresses)
      .filter((one) => state.accepted[keyOf(one)])
      .flatMap(({ metadata, spec }) => (spec?.tls ?? []).map(({ secretName }) => `${metadata?.namespace}/${secretName}`))
    return new Set(flags.defaultCertificate ? [...used, flags.defaultCertificate] : used)
  }

  function readDefaults(): void {
    const [space = '', name = ''] = flags.configMap.split('/')
    const found = defaultsFrom(cache.find<ConfigMapObject>('configmaps', space, name)?.data ?? {})
    for (const key of found.unknown) log('W', 'nginx.go:164', `the simulated ingress-nginx does not model the ConfigMap key ${key}`)
    defaults = found
  }

  /** Syncs are held apart by --sync-rate-limit, so that what happens in a burst is one. */
  function requestSync(): void {
    if (!serving || timers.when('sync') !== undefined) return
    timers.set('sync', Math.max(clock.now(), (state.syncedAt ?? 0) + Math.ceil(1000 / flags.syncRateLimit)))
  }

  function sync(): void {
    const first = state.syncedAt === undefined
    state.syncedAt = clock.now()
    const made = configure()
    for (const [place, text] of made.warnings) log('W', place, text)
    const shape = JSON.stringify([...made.servers.values()].map(shapeOf))
    if (shape !== state.reloaded) {
      log('I', 'controller.go:217', '"Configuration changes detected, backend reload required"')
      const broken = brokenPattern(made)
      if (broken !== undefined) {
        log('E', 'controller.go:226', `Unexpected failure reloading the backend:\n${broken}`)
        recordPod('Warning', `Error reloading NGINX: ${broken}`)
        if (configuration) return
      }
      state.reloaded = shape
      log('I', 'controller.go:231', '"Backend successfully reloaded"')
      recordPod('Normal', 'NGINX reload triggered due to a change in configuration')
    }
    if (first) log('I', 'controller.go:243', '"Initial sync, sleeping for 1 second"')
    configuration = made
    statusSoon()
  }

  function taken(): Taken[] {
    const mine = cache.list<IngressObject>(ingresses).filter((one) => state.accepted[keyOf(one)])
    const created = ({ metadata }: IngressObject) => metadata?.creationTimestamp ?? ''
    const sorted = [...mine].sort((a, b) => (created(a) === created(b) ? (keyOf(a) < keyOf(b) ? -1 : 1) : created(a) < created(b) ? -1 : 1))
    return sorted.flatMap((ingress) => {
      if (ingress.spec?.defaultBackend && flags.disableCatchAll) return []
      const annotations = annotationsOf(ingress)
      return annotations ? [{ ingress, annotations }] : []
    })
  }

  function configure(): Configuration {
    const slicesOf = (space: string, service: string) =>
      cache.list<SliceObject>(slices, { namespace: space, labelSelector: `kubernetes.io/service-name=${service}` })
    return configurationFor(taken(), fallback(slicesOf), {
      service: (space, name) => {
        const found = cache.find<ServiceObject>('services', space, name)
        return found?.spec?.type === 'ExternalName' ? undefined : found
      },
      slices: slicesOf,
      certificate: pairOf,
      now: clock.now(),
    })
  }

  /** --default-backend-service while it has endpoints, else nginx's own server that knows nothing. */
  function fallback(slicesOf: Known['slices']) {
    const own = [{ address: '127.0.0.1', port: flags.defaultServerPort }]
    if (!flags.defaultBackendService) return own
    const [space = '', name = ''] = flags.defaultBackendService.split('/')
    const port = cache.find<ServiceObject>('services', space, name)?.spec?.ports?.[0]
    const found = port ? endpointsOf(port, slicesOf(space, name)) : []
    if (found.length === 0)
      log('W', 'controller.go:625', `Service ${JSON.stringify(flags.defaultBackendService)} does not have any active Endpoint`)
    return found.length > 0 ? found : own
  }

  function elect(): void {
    if (!api || state.leader) return
    const alive = (holder: string) => cache.find('pods', namespace, holder) !== undefined
    const lease = { namespace, name: flags.electionId, identity: podName, seconds: leaseMs / 1000 }
    if (!acquireLease(api, clock.now(), lease, alive, log)) return
    state.leader = true
    state.leadingSince = clock.now()
    updateStatus()
  }

  /** The loop looks each minute; a timer stands only while there is something to find. */
  function statusSoon(): void {
    if (!state.leader || !flags.updateStatus || timers.when('status') !== undefined) return
    const rounds = Math.floor((clock.now() - state.leadingSince) / statusMs) + 1
    timers.set('status', state.leadingSince + rounds * statusMs)
  }

  function updateStatus(): void {
    if (!api || !state.leader || !flags.updateStatus) return
    publish(
      api,
      taken().map(({ ingress }) => ingress),
      addresses(),
      log,
    )
  }

  function withdrawStatus(): void {
    if (!api || !state.leader || !flags.updateStatus) return
    const own = cache.find<PodObject>('pods', namespace, podName)?.metadata?.labels?.['app.kubernetes.io/name']
    const others = cache.list<PodObject>('pods', { namespace }).filter((pod) => pod.metadata?.labels?.['app.kubernetes.io/name'] === own)
    if (others.length > 1) return
    log('I', 'status.go:140', `"removing value from ingress status" address=${JSON.stringify(addresses())}`)
    publish(
      api,
      taken().map(({ ingress }) => ingress),
      [],
      log,
    )
  }

  function addresses() {
    return runningAddresses(flags, {
      service: (key) => cache.find<ServiceObject>('services', key.split('/')[0], key.split('/')[1] ?? ''),
      pods: cache.list<PodObject>('pods', { namespace }),
      own: cache.find<PodObject>('pods', namespace, podName),
      node: (name) => nodeOf(name),
    })
  }

  function nodeOf(name: string): (Node & KubeObject) | undefined {
    try {
      return api?.find<Node & KubeObject>('nodes', undefined, name)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      return undefined
    }
  }

  function scheduled(ingress: IngressObject): void {
    state.accepted[keyOf(ingress)] = true
    if (!flags.disableSyncEvents) record(ingress, 'Sync', 'Scheduled for sync')
    const denied = annotationsOf(ingress)?.denied
    if (denied === undefined) return
    log('E', 'annotations.go:221', `"error reading Ingress annotation" err=${JSON.stringify(denied)} ${named(ingress)}`)
    record(ingress, 'AnnotationParsingFailed', `Error parsing annotations: ${denied}`, 'Warning')
  }

  /** Undefined, and a line in the log, where they make the controller pass the whole Ingress over. */
  function annotationsOf(ingress: IngressObject): Annotations | undefined {
    try {
      return readAnnotations(ingress, defaults)
    } catch (error) {
      if (!(error instanceof InvalidAnnotation)) throw error
      log('E', 'store.go:951', error.message)
      return undefined
    }
  }

  function record(about: KubeObject, reason: string, message: string, type: 'Normal' | 'Warning' = 'Normal'): void {
    if (!api) return
    const { namespace: space, name, uid, resourceVersion } = about.metadata ?? {}
    const reference = `Kind:"${about.kind}", Namespace:"${space}", Name:"${name}", UID:"${uid}", APIVersion:"${about.apiVersion}", ResourceVersion:"${resourceVersion}", FieldPath:""`
    log('I', 'event.go:377', `Event(v1.ObjectReference{${reference}}): type: '${type}' reason: '${reason}' ${message}`)
    eventRecorder(api, clock, { component: 'nginx-ingress-controller' }, state.events).record(about, type, reason, message)
  }

  function recordPod(type: 'Normal' | 'Warning', message: string): void {
    const pod = cache.find<PodObject>('pods', namespace, podName)
    if (pod) record(pod, 'RELOAD', message, type)
  }

  function ignored(ingress: IngressObject, error: string): void {
    log(
      'I',
      'store.go:439',
      `"Ignoring ingress because of error while validating ingress class" ${named(ingress)} error=${JSON.stringify(error)}`,
    )
  }

  function foreignClass(one: IngressClassObject): void {
    const words = '"ignoring ingressclass as the spec.controller is not the same of this ingress"'
    log('I', 'store.go:538', `${words} ingressclass="${one.metadata?.name}"`)
  }
}

/** What nginx must be reloaded for; endpoints and certificates go to the running workers. */
function shapeOf({ host, aliases, locations, regex }: Configuration['servers'] extends ReadonlyMap<string, infer S> ? S : never) {
  return { host, aliases, locations, regex }
}

function brokenPattern({ servers }: Configuration): string | undefined {
  for (const { regex, locations } of servers.values()) {
    for (const { path } of regex ? locations : []) {
      try {
        patternOf(path)
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error
        return `nginx: [emerg] pcre2_compile() failed: ${error.message} in "^${path}"`
      }
    }
  }
  return undefined
}

/** ssl.CreateSSLCert looks at the PEM before Go's own reader does. */
function certificateProblem(error: string): (key: string, secret: SecretObject) => string {
  return (key, { data }) => {
    for (const part of ['tls.crt', 'tls.key']) if (data?.[part] === undefined) return `key '${part}' missing from Secret "${key}"`
    const made = (what: string) => `unexpected error creating SSL Cert: ${what}`
    if (error.includes('failed to find any PEM data in certificate')) return made('no valid PEM formatted block found')
    if (error.includes('PEM inputs may have been switched'))
      return made("no certificate PEM data found, make sure certificate content starts with 'BEGIN CERTIFICATE'")
    return made(`certificate and private key does not have a matching public key: ${error}`)
  }
}

function banner(context: DaemonContext<State>, log: ReturnType<typeof klog>): void {
  const rule = '-'.repeat(79)
  for (const line of [
    rule,
    'NGINX Ingress controller',
    `  Release:       ${release}`,
    '  Build:         git-simulated',
    '  Repository:    https://github.com/kubernetes/ingress-nginx',
    '  nginx version: nginx/1.27.1',
    '',
    rule,
    '',
  ])
    context.log(line)
  const [host, port] = [context.env['KUBERNETES_SERVICE_HOST'], context.env['KUBERNETES_SERVICE_PORT']]
  log('W', 'client_config.go:667', 'Neither --kubeconfig nor --master was specified.  Using the inClusterConfig.  This might not work.')
  log('I', 'main.go:205', `"Creating API client" host="https://${host}:${port}"`)
}
