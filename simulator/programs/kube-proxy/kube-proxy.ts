import { parse } from 'yaml'
import { remembered } from '../../remembered.ts'
import { type InformerMemory, informers } from '../informers.ts'
import { klog } from '../klog.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { installBase } from './base-rules.ts'
import { serveHealth, serviceHealth } from './health.ts'
import { IptablesProxier, serviceOf } from './iptables-proxier.ts'
import type { ServiceObject, SliceObject } from './service-ports.ts'

interface Configuration {
  readonly mode: string
  readonly clusterCidr: string | undefined
  readonly server: { readonly host: string; readonly port: number } | undefined
}

interface ProxyState {
  synced: boolean
  readonly known: InformerMemory
}

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
  let changed: (key: string) => void = () => {}
  let proxier: IptablesProxier | undefined
  following.onChange<ServiceObject>('services', ({ object }) => changed(`${object.metadata?.namespace}/${object.metadata?.name}`))
  following.onChange<SliceObject>('endpointslices.discovery.k8s.io', ({ type, object, previous }) => {
    // A slice may have been given to another Service.
    if (previous) proxier?.drop(previous)
    if (type === 'DELETED') proxier?.drop(object)
    else proxier?.keep(object)
    for (const slice of [previous, object]) if (slice) changed(serviceOf(slice))
  })
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
    proxier = new IptablesProxier({ cache: following.cache, netfilter, node, clusterCidr: configuration.clusterCidr })
    const waiting = new Set<string>()
    changed = (key) => {
      if (waiting.size === 0) context.clock.soon(sync)
      waiting.add(key)
    }
    function sync(): void {
      const keys = [...waiting]
      waiting.clear()
      proxier?.sync(keys)
      health.sync(proxier?.ports() ?? [])
      context.state.synced = true
    }
    // After a restore the rules are in the snapshot, but what they were made from must be known to tell the next change.
    if (context.resumed && context.state.synced) proxier.adopt()
    else {
      context.namespace.setSysctl('net.ipv4.conf.all.route_localnet', '1')
      installBase(netfilter)
      proxier.syncAll()
      context.state.synced = true
    }
    health.sync(proxier.ports())
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
