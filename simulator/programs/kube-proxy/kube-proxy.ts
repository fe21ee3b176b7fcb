import { parse } from 'yaml'
import type { Netfilter } from '../../network/netfilter/netfilter.ts'
import type { Rule } from '../../network/netfilter/rule.ts'
import { remembered } from '../../remembered.ts'
import { type InformerCache, type InformerMemory, informers } from '../informers.ts'
import { klog } from '../klog.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { installBase } from './base-rules.ts'
import { serveHealth, serviceHealth } from './health.ts'
import { type PortRules, portRules } from './rules.ts'
import { type ServiceObject, type ServicePort, type SliceObject, servicePorts } from './service-ports.ts'
import { forgetStaleFlows } from './stale-flows.ts'

interface Configuration {
  readonly mode: string
  readonly clusterCidr: string | undefined
  readonly server: { readonly host: string; readonly port: number } | undefined
  readonly url: string
}

/** A Service as it is programmed, with the objects that it was made from. */
interface Programmed {
  readonly node: string
  readonly clusterCidr: string | undefined
  readonly slices: readonly SliceObject[]
  readonly ports: readonly ServicePort[]
  readonly rules: readonly PortRules[]
}

interface ProxyState {
  synced: boolean
  readonly known: InformerMemory
}

const serviceLabel = 'kubernetes.io/service-name'

const yamlOf = remembered((text) => parse(text) as unknown)

/** kube-proxy in iptables mode. Follows upstream's cmd/kube-proxy and pkg/proxy/iptables; when it stops, its rules stay as they were. */
export const kubeProxy: Daemon<ProxyState> = {
  kind: 'daemon',
  id: 'kube-proxy/kube-proxy',
  usage: { cores: 0.001, bytes: 18 * MiB, secondsAtStart: 0.1, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => ({ synced: false, known: {} }),
  run,
}

function run(context: DaemonContext<ProxyState>): void {
  const log = klog(context)
  let configuration: Configuration
  try {
    configuration = configure(context)
  } catch (error) {
    log('E', 'run.go:72', `"command failed" err="${error instanceof Error ? error.message : String(error)}"`)
    return context.exit(1)
  }
  const node = option(context.argv, 'hostname-override') ?? context.hostname
  const { netfilter } = context.namespace
  if (!context.resumed) log('I', 'server_linux.go:53', '"Using iptables proxy"')
  context.onSignal((signal) => {
    if (signal === 'SIGTERM') context.exit(0)
  })
  const following = informers(context, {
    memory: context.state.known,
    followed: [
      { resource: 'services', type: '*v1.Service' },
      { resource: 'endpointslices.discovery.k8s.io', type: '*v1.EndpointSlice' },
    ],
    server: configuration.server,
    synced: serve,
    failed: ({ what, type, message }) =>
      log(
        'E',
        'reflector.go:205',
        `"Failed to watch" err=${JSON.stringify(what === 'list' ? `failed to list ${type}: ${message}` : message)} logger="UnhandledError" reflector="k8s.io/client-go/informers/factory.go:160" type="${type}"`,
      ),
  })
  serveHealth(context, configuration.mode, (message) => log('E', 'server.go:366', message))
  let touch: (key: string) => void = () => {}
  following.onChange<ServiceObject>('services', ({ object }) => touch(`${object.metadata?.namespace}/${object.metadata?.name}`))
  following.onChange<SliceObject>('endpointslices.discovery.k8s.io', ({ object }) =>
    touch(`${object.metadata?.namespace}/${object.metadata?.labels?.[serviceLabel]}`),
  )
  following.start()

  function serve(): void {
    if (!context.resumed) {
      const addresses = context.sockets.addresses().filter((address) => !address.startsWith('127.'))
      log('I', 'server.go:219', `"Successfully retrieved NodeIPs" NodeIPs=["${addresses[0] ?? ''}"]`)
      log('I', 'server_linux.go:132', '"Using iptables Proxier"')
      log('I', 'server.go:527', '"Version info" version="v1.34.2"')
      for (const controller of ['endpoint slice', 'service', 'node']) {
        log('I', 'config.go:200', `"Starting ${controller} config controller"`)
        log('I', 'shared_informer.go:349', `"Waiting for caches to sync" controller="${controller} config"`)
        log('I', 'shared_informer.go:356', `"Caches are synced" controller="${controller} config"`)
      }
    }
    const health = serviceHealth(context.sockets, (service, message) =>
      log('E', 'service_health.go:134', `"Failed to start healthcheck" err=${JSON.stringify(message)} node="${node}" service="${service}"`),
    )
    const proxier = iptablesProxier(following.cache, netfilter, node, configuration.clusterCidr, health.sync)
    let queued = false
    const changed = new Set<string>()
    touch = (key) => {
      changed.add(key)
      if (queued) return
      queued = true
      context.clock.soon(() => {
        queued = false
        proxier.sync(changed)
        changed.clear()
        context.state.synced = true
      })
    }
    // After a restore the rules are in the snapshot, but what they were made from must be known to tell the next change.
    if (context.resumed && context.state.synced) proxier.adopt()
    else {
      context.namespace.setSysctl('net.ipv4.conf.all.route_localnet', '1')
      installBase(netfilter)
      proxier.syncAll()
      context.state.synced = true
    }
  }
}

/**
 * What Services came to. Objects are immutable and forks share their template's, so a fork's kube-proxies find here what they would
 * have to make again only to know what stands in their rules already.
 */
const programs = new WeakMap<ServiceObject, readonly Programmed[]>()
/** As many nodes as one Service is remembered for, while its endpoints stay the same. */
const mostPrograms = 8

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** Keeps the rules of all Services, rewriting only the chains of those that changed. */
function iptablesProxier(
  api: InformerCache,
  netfilter: Netfilter,
  node: string,
  clusterCidr: string | undefined,
  serviceHealth: (ports: Iterable<ServicePort>) => void,
) {
  const programmed = new Map<string, Programmed>()

  function make(key: string): Programmed | undefined {
    const [namespace = '', name = ''] = key.split('/')
    const service = api.find<ServiceObject>('services', namespace, name)
    if (!service) return undefined
    const slices = api.list<SliceObject>('endpointslices.discovery.k8s.io', { namespace, labelSelector: `${serviceLabel}=${name}` })
    const known = programs
      .get(service)
      ?.find((one) => one.node === node && one.clusterCidr === clusterCidr && sameItems(one.slices, slices))
    if (known) return known
    const ports = servicePorts(service, slices, node)
    const made = { node, clusterCidr, slices, ports, rules: ports.map((port) => portRules(port, clusterCidr)) }
    programs.set(service, [made, ...(programs.get(service) ?? [])].slice(0, mostPrograms))
    return made
  }

  const keys = () => api.list<ServiceObject>('services').map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`)

  function sync(changed: Iterable<string>): void {
    const declared: Record<string, readonly Rule[]> = {}
    const removed = new Set<string>()
    const before: ServicePort[] = []
    const after: ServicePort[] = []
    for (const key of changed) {
      const old = programmed.get(key)
      const next = make(key)
      for (const rules of old?.rules ?? []) for (const chain of Object.keys(rules.chains)) removed.add(chain)
      for (const rules of next?.rules ?? []) Object.assign(declared, rules.chains)
      before.push(...(old?.ports ?? []))
      after.push(...(next?.ports ?? []))
      if (next) programmed.set(key, next)
      else programmed.delete(key)
    }
    for (const chain of Object.keys(declared)) removed.delete(chain)
    const all = [...programmed.values()].flatMap(({ rules }) => rules)
    const shared = <K extends keyof PortRules>(field: K) => all.flatMap((rules) => rules[field] as readonly Rule[])
    netfilter.restore('filter', {
      'KUBE-SERVICES': shared('rejected'),
      'KUBE-EXTERNAL-SERVICES': shared('rejectedOutside'),
      'KUBE-PROXY-FIREWALL': shared('firewall'),
      'KUBE-NODEPORTS': shared('healthChecks'),
    })
    const last: Rule = {
      matches: [
        { match: 'comment', comment: 'kubernetes service nodeports; NOTE: this must be the last rule in this chain' },
        { match: 'addrtype', dstType: 'LOCAL' },
      ],
      target: { target: 'jump', chain: 'KUBE-NODEPORTS' },
    }
    netfilter.restore('nat', { ...declared, 'KUBE-SERVICES': [...shared('services'), last], 'KUBE-NODEPORTS': shared('nodePorts') }, [
      ...removed,
    ])
    forgetStaleFlows(netfilter.conntrack, before, after)
    tellHealth()
  }

  function tellHealth(): void {
    serviceHealth([...programmed.values()].flatMap(({ ports }) => ports))
  }

  return {
    sync,
    syncAll: () => sync(keys()),
    adopt() {
      for (const key of keys()) {
        const made = make(key)
        if (made) programmed.set(key, made)
      }
      tellHealth()
    },
  }
}

function configure(context: DaemonContext<unknown>): Configuration {
  const file = option(context.argv, 'config')
  const text = file === undefined ? '{}' : readFile(context, file)
  const config = (yamlOf(text) ?? {}) as { mode?: string; clusterCIDR?: string; clientConnection?: { kubeconfig?: string } }
  const mode = config.mode || 'iptables'
  if (mode !== 'iptables') {
    if (mode === 'ipvs' || mode === 'nftables') throw new Error(`the simulated cluster does not model kube-proxy's ${mode} mode`)
    throw new Error(
      `failed validate: mode: Invalid value: \\"${mode}\\": must be iptables,ipvs,nftables or blank (blank means the best-available proxy [currently iptables])`,
    )
  }
  const kubeconfig = config.clientConnection?.kubeconfig
  const url = kubeconfig ? serverOf(readFile(context, kubeconfig)) : undefined
  const parsed = url ? new URL(url) : undefined
  return {
    mode,
    clusterCidr: config.clusterCIDR || undefined,
    server: parsed ? { host: parsed.hostname, port: Number(parsed.port || 443) } : undefined,
    url: url ?? '',
  }
}

function readFile(context: DaemonContext<unknown>, path: string): string {
  if (!context.files.exists(path)) throw new Error(`failed complete: open ${path}: no such file or directory`)
  return context.files.readText(path)
}

function serverOf(kubeconfig: string): string | undefined {
  const config = yamlOf(kubeconfig) as {
    'current-context'?: string
    contexts?: { name: string; context: { cluster: string } }[]
    clusters?: { name: string; cluster: { server: string } }[]
  }
  const current = config.contexts?.find(({ name }) => name === config['current-context'])
  return config.clusters?.find(({ name }) => name === current?.context.cluster)?.cluster.server
}

function option(argv: readonly string[], name: string): string | undefined {
  return argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3)
}
