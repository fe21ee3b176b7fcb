import { sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Closer } from '../../clock.ts'
import { NetworkError } from '../../network/sockets.ts'
import { remembered } from '../../remembered.ts'
import { type Followed, type InformerCache, type InformerFailure, type Informers, informers } from '../informers.ts'
import { type Daemon, type DaemonContext, NoCredentials } from '../process.ts'
import { MiB } from '../usage.ts'
import { CorefileError, parseCorefile, type ServerBlock, withEnvironment } from './corefile.ts'
import { byChainOrder, isDirective, isOnce, pluginOf } from './directives.ts'
import { listen } from './listener.ts'
import type { Plugin, ServerHooks, Setup } from './plugin.ts'
import { canonical, type Handler } from './query.ts'
import { reloadBeat } from './reload.ts'
import type { CoreDnsState } from './state.ts'

const version = '1.12.1'
const build = 'linux/amd64, go1.24.1, 707c7c1'
/** How long the kubernetes plugin holds the start back for the API, and how often it says so, ms. */
const syncWaitMs = 5000
const syncLogMs = 500

/** Kinds that the kubernetes plugin always follows. */
const always: readonly Followed[] = [
  { resource: 'services', type: '*v1.Service' },
  { resource: 'endpointslices.discovery.k8s.io', type: '*v1.EndpointSlice' },
  { resource: 'namespaces', type: '*v1.Namespace' },
]

/** client-go's words, of which the plugin's logger keeps the warning and drops the error's own (until coredns 1.13.2). */
function logFailure(context: DaemonContext<CoreDnsState>, { what, type, message }: InformerFailure): void {
  const source = 'pkg/mod/k8s.io/client-go@v0.32.3/tools/cache/reflector.go:251'
  if (what === 'list') context.log(`[INFO] plugin/kubernetes: ${source}: failed to list ${type}: ${message}`)
  context.log('[ERROR] plugin/kubernetes: Unhandled Error')
}

/** A running configuration: what a reload replaces as a whole. */
interface Instance {
  serve(): void
  started(): void
  readonly lameduck: number
  /** Kinds that the kubernetes plugin follows; undefined without it. */
  readonly followed: readonly Followed[] | undefined
  readonly reloads: boolean
  banner(): string[]
  close(): void
}

/** CoreDNS, as far as its plugins in this folder go. Follows coredns 1.12's coremain and the Caddyfile of its Caddy fork. */
export const coredns: Daemon<CoreDnsState> = {
  kind: 'daemon',
  id: 'coredns/coredns',
  usage: { cores: 0.002, bytes: 14 * MiB, secondsAtStart: 0.1, secondsPerConnection: 0.0001, secondsPerMessage: 0.0002 },
  initial: () => ({ corefile: '', started: false, known: {}, beat: undefined, loop: undefined, stopping: false }),
  run,
}

function run(context: DaemonContext<CoreDnsState>): void {
  const file = flag(context.argv, 'conf') ?? 'Corefile'
  let following: Informers | undefined
  let instance: Instance
  const timers = context.timers(fire)
  const beat = reloadBeat(context, timers, file)

  if (!context.resumed) {
    try {
      context.state.corefile = context.files.readText(file)
    } catch {
      return fatal(`loading Caddyfile via flag: open ${file}: no such file or directory`)
    }
  }
  try {
    instance = configure(context, file, context.state.corefile, cache)
  } catch (error) {
    if (!(error instanceof CorefileError)) throw error
    return fatal(error.message)
  }

  context.onSignal((signal) => {
    if (signal !== 'SIGTERM' || context.state.stopping) return
    context.state.stopping = true
    context.log('[INFO] SIGTERM: Shutting down servers then terminating')
    if (instance.lameduck === 0) return context.exit(0)
    context.log(`[INFO] plugin/health: Going into lameduck mode for ${instance.lameduck / 1000}s`)
    timers.set('stop', context.clock.now() + instance.lameduck)
  })

  if (instance.followed) follow(instance.followed)
  if (context.state.started) {
    open()
  } else if (!instance.followed) {
    start()
  } else {
    timers.set('sync-log', context.clock.now() + syncLogMs)
    timers.set('sync-limit', context.clock.now() + syncWaitMs)
  }

  function fire(key: string): void {
    switch (key) {
      case 'stop':
        return context.exit(0)
      case 'sync-log':
        if (context.state.started) return
        context.log('[INFO] plugin/kubernetes: waiting for Kubernetes API before starting server')
        return timers.set('sync-log', context.clock.now() + syncLogMs)
      case 'sync-limit':
        if (context.state.started) return
        context.log('[WARNING] plugin/kubernetes: starting server with unsynced Kubernetes API')
        return start()
      case 'reload':
        return reload()
    }
  }

  function cache(): InformerCache | undefined {
    return following?.synced ? following.cache : undefined
  }

  function follow(kinds: readonly Followed[]): void {
    following = informers(context, {
      memory: context.state.known,
      followed: kinds,
      failed: (failure) => logFailure(context, failure),
      synced: () => context.state.started || start(),
      unconnected(error) {
        if (!(error instanceof NoCredentials)) return false
        fatal(`plugin/kubernetes: ${error.message}`)
        return true
      },
    })
    following.start()
  }

  function start(): void {
    context.state.started = true
    if (!open()) return
    for (const line of instance.banner()) context.log(line)
    context.log(`CoreDNS-${version}`)
    context.log(build)
    instance.started()
    if (instance.reloads) beat.start()
  }

  function open(): boolean {
    try {
      instance.serve()
      return true
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      fatal(error.message)
      return false
    }
  }

  function reload(): void {
    const text = context.files.exists(file) ? context.files.readText(file) : undefined
    if (text === undefined || text === context.state.corefile) return
    context.log('[INFO] Reloading')
    let next: Instance
    try {
      next = configure(context, file, text, cache)
    } catch (error) {
      if (!(error instanceof CorefileError)) throw error
      context.log(`[ERROR] Restart failed: ${error.message}`)
      context.log(`[ERROR] plugin/reload: Corefile changed but reload failed: ${error.message}`)
      return beat.again()
    }
    instance.close()
    instance = next
    context.state.corefile = text
    if (instance.followed && !following) follow(instance.followed)
    if (!open()) return
    for (const line of instance.banner().slice(1)) context.log(line)
    instance.started()
    if (instance.reloads) beat.start()
    else beat.stop()
    context.log('[INFO] Reloading complete')
  }

  function fatal(message: string): void {
    context.log(message, 'stderr')
    context.exit(1)
  }
}

/** Both replicas, and every fork, serve the same Corefile. */
const blocksOf = remembered((text, file) => parseCorefile(file, text, isDirective))

/** Reads a Corefile into servers that are ready to serve. Throws CorefileError. */
function configure(context: DaemonContext<CoreDnsState>, file: string, text: string, api: () => InformerCache | undefined): Instance {
  const blocks = blocksOf(withEnvironment(text, context.env), file)
  const opens: (() => Closer)[] = []
  const starts: (() => void)[] = []
  const stops: (() => void)[] = []
  const readiness: { plugin: string; ready: () => boolean }[] = []
  const banner: string[] = []
  const besides = new Map<string, Followed>()
  let lameduck = 0
  const byPort = new Map<number, { zones: readonly string[]; handle: Handler }[]>()

  for (const block of blocks) {
    const { zones, port } = addressOf(block)
    let handle: Handler = refuse
    const clusterZone = block.directives
      .find(({ name }) => name === 'kubernetes')
      ?.args.map(canonical)
      .find((zone) => !zone.endsWith('.arpa.'))
    const hooks: ServerHooks = {
      onStart: (act) => starts.push(act),
      onServe: (opening) => opens.push(opening),
      onStop: (act) => stops.push(act),
      setLameduck: (ms) => {
        lameduck = ms
      },
      addReadiness: (plugin, ready) => readiness.push({ plugin, ready }),
      waiting: () => readiness.filter(({ ready }) => !ready()).map(({ plugin }) => plugin),
      serve: (query, reply) => handle(query, reply),
      api,
      clusterZone: () => clusterZone,
      knowsPods: () => besides.has('pods'),
      follow: (kind) => besides.set(kind.resource, kind),
    }
    handle = chain(context, file, block, zones, port, hooks)
    byPort.set(port, [...(byPort.get(port) ?? []), { zones, handle }])
    for (const zone of zones) banner.push(`${zone}:${port}`)
  }
  for (const [port, servers] of byPort) opens.unshift(() => listen(context.sockets, port, bySuffix(servers)))

  const reloads = blocks.some(({ directives }) => directives.some(({ name }) => name === 'reload'))
  const opened: Closer[] = []
  return {
    lameduck,
    reloads,
    followed: blocks.some(({ directives }) => directives.some(({ name }) => name === 'kubernetes'))
      ? [...always, ...besides.values()]
      : undefined,
    banner: () => [
      ...banner,
      ...(reloads ? [`[INFO] plugin/reload: Running configuration SHA512 = ${bytesToHex(sha512(utf8ToBytes(text)))}`] : []),
    ],
    serve() {
      for (const open of opens) opened.push(open())
    },
    started() {
      for (const act of starts) act()
    },
    close() {
      for (const closer of opened.splice(0)) closer.close()
      for (const act of stops) act()
    },
  }
}

function chain(
  context: DaemonContext<CoreDnsState>,
  file: string,
  block: ServerBlock,
  zones: readonly string[],
  port: number,
  server: ServerHooks,
): Handler {
  const layers: ((next: Handler) => Handler)[] = []
  const sorted = [...block.directives].sort((a, b) => byChainOrder(a.name, b.name) || a.line - b.line)
  for (const directive of sorted) {
    const siblings = sorted.filter(({ name }) => name === directive.name)
    const layer = setUp({ context, directive, siblings, file, zones, port, server })
    if (layer) layers.push(layer)
  }
  return layers.reduceRight<Handler>((next, layer) => layer(next), refuse)
}

/** What is wrong with a directive is told with its plugin's name in front (plugin.Error). */
function setUp(setup: Setup): ReturnType<Plugin> {
  const { name, line } = setup.directive
  try {
    const plugin = pluginOf(name)
    if (!plugin) throw new CorefileError(`the simulated cluster does not model this CoreDNS plugin (${setup.file}:${line})`)
    if (setup.siblings.length > 1 && isOnce(name)) throw new CorefileError('this plugin can only be used once per Server Block')
    return plugin(setup)
  } catch (error) {
    if (!(error instanceof CorefileError)) throw error
    throw new CorefileError(`plugin/${name}: ${error.message}`)
  }
}

/** What a question meets that no plugin answers. */
const refuse: Handler = (_, reply) =>
  reply({ rcode: 'SERVFAIL', authoritative: false, answers: [], authorities: [], error: 'no next plugin found' })

/** The server block with the longest zone that the name is in. */
function bySuffix(servers: readonly { zones: readonly string[]; handle: Handler }[]): Handler {
  return (query, reply) => {
    let best: Handler | undefined
    let length = -1
    for (const { zones, handle } of servers) {
      for (const zone of zones) {
        if ((zone === '.' || query.name === zone || query.name.endsWith(`.${zone}`)) && zone.length > length) {
          best = handle
          length = zone.length
        }
      }
    }
    if (best) return best(query, reply)
    reply({ rcode: 'REFUSED', authoritative: false, answers: [], authorities: [] })
  }
}

function addressOf(block: ServerBlock): { zones: string[]; port: number } {
  let port = 53
  const zones = block.keys.map((key) => {
    const match = /^(?:([a-z]+):\/\/)?(.*?)(?::(\d+))?$/.exec(key)
    if (match?.[1] && match[1] !== 'dns')
      throw new CorefileError(`the simulated cluster does not model CoreDNS servers over ${match[1]}://`)
    if (match?.[3]) port = Number(match[3])
    return canonical(match?.[2] || '.')
  })
  return { zones, port }
}

function flag(argv: readonly string[], name: string): string | undefined {
  for (const [index, argument] of argv.entries()) {
    if (argument === `-${name}` || argument === `--${name}`) return argv[index + 1]
    const match = new RegExp(`^--?${name}=(.*)$`).exec(argument)
    if (match) return match[1]
  }
  return undefined
}
