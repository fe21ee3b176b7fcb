import type { Node } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../../apiserver/api.ts'
import type { KubeObject } from '../../../kubernetes.ts'
import { serveHttp } from '../../../network/http.ts'
import { type InformerMemory, informers } from '../../informers.ts'
import type { Daemon, DaemonContext } from '../../process.ts'
import { MiB } from '../../usage.ts'
import { neededDefinitions } from '../definitions.ts'
import { ciliumLog } from '../log.ts'
import { type CiliumNode, resources } from '../resources.ts'
import { ciliumVersion } from '../version.ts'
import { type AgentConfig, ConfigError, readConfig } from './config.ts'
import { createNode } from './node.ts'

const healthPort = 9879
export const configFolder = '/tmp/cilium/config-map'

export interface AgentState {
  /** Its devices and the CNI configuration stood once. */
  started: boolean
  /** The CNI plugin may ask. */
  readonly definitions: InformerMemory
  readonly known: InformerMemory
  router?: string
  /** Identities of blocks, by prefix. */
  readonly blocks: Record<string, number>
  readonly services: Record<string, number>
}

/** cilium-agent: what one node knows of the cluster, written into its kernel's maps. When it stops, all of them stay. */
export const agent: Daemon<AgentState> = {
  kind: 'daemon',
  id: 'cilium/cilium-agent',
  usage: { cores: 0.02, bytes: 180 * MiB, secondsAtStart: 1, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => ({ started: false, definitions: {}, known: {}, blocks: {}, services: {} }),
  run(context) {
    const say = ciliumLog(context)
    context.onSignal(() => context.exit(0))
    const folder = context.argv.find((argument) => argument.startsWith('--config-dir='))?.slice('--config-dir='.length) ?? configFolder
    let config: AgentConfig
    try {
      config = readConfig(context.files, folder)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      say('fatal', error.message, { module: 'agent' })
      return context.exit(1)
    }
    if (!context.resumed) {
      say('info', 'Cilium', { module: 'agent', version: ciliumVersion })
      for (const [key, value] of Object.entries(config.configuration)) say('info', `  --${key}='${value}'`, { module: 'agent' })
    }
    let ready = context.resumed && context.state.started
    serveHttp(context.sockets, { address: '127.0.0.1', port: healthPort }, ({ target }, respond) => {
      respond(target === '/healthz' ? { status: ready ? 200 : 503 } : { status: 404, body: '404 page not found\n' })
    })
    const follow = () => {
      followCluster(context, config, () => {
        ready = true
      })
    }
    if (context.resumed && Object.keys(context.state.known).length > 0) follow()
    else awaitDefinitions(context, follow)
  },
}

/** The operator makes Cilium's kinds; without them there is nothing to follow. */
function awaitDefinitions(context: DaemonContext<AgentState>, there: () => void): void {
  const say = ciliumLog(context)
  say('info', 'Waiting until all Cilium CRDs are available', { module: 'agent.controlplane.crd-sync' })
  let done = false
  const look = () => {
    if (done || !following.synced) return
    const established = new Set(
      following.cache
        .list(resources.definitions)
        .filter(({ status }) =>
          (status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions?.some(
            ({ type, status: is }) => type === 'Established' && is === 'True',
          ),
        )
        .map(({ metadata }) => metadata?.name),
    )
    if (!neededDefinitions.every((name) => established.has(name))) return
    done = true
    say('info', 'All Cilium CRDs have been found and are available', { module: 'agent.controlplane.crd-sync' })
    there()
  }
  const following = informers(context, {
    memory: context.state.definitions,
    followed: [{ resource: resources.definitions, type: '*v1.PartialObjectMetadata' }],
    synced: look,
    failed: ({ what, type, message }) =>
      say('error', 'Failed to watch', {
        module: 'agent.controlplane.crd-sync',
        error: what === 'list' ? `failed to list ${type}: ${message}` : message,
      }),
  })
  following.onChange(resources.definitions, look)
  following.start()
}

const followed: readonly { readonly resource: string; readonly type: string }[] = [
  { resource: 'nodes', type: '*v1.Node' },
  { resource: 'namespaces', type: '*v1.Namespace' },
  { resource: 'pods', type: '*v1.Pod' },
  { resource: 'services', type: '*v1.Service' },
  { resource: 'endpointslices.discovery.k8s.io', type: '*v1.EndpointSlice' },
  { resource: 'networkpolicies.networking.k8s.io', type: '*v1.NetworkPolicy' },
  { resource: resources.nodes, type: '*v2.CiliumNode' },
  { resource: resources.identities, type: '*v2.CiliumIdentity' },
  { resource: resources.endpoints, type: '*types.CiliumEndpoint' },
  { resource: resources.policies, type: '*v2.CiliumNetworkPolicy' },
  { resource: resources.clusterwidePolicies, type: '*v2.CiliumClusterwideNetworkPolicy' },
]

function followCluster(context: DaemonContext<AgentState>, config: AgentConfig, ready: () => void): void {
  const say = ciliumLog(context)
  const name = context.env['K8S_NODE_NAME'] ?? context.hostname
  let api: Api | undefined
  const following = informers(context, {
    memory: context.state.known,
    followed,
    connected: (connection) => {
      api = connection
    },
    synced: begin,
    failed: ({ what, type, message }) =>
      say('error', 'Failed to watch', {
        module: 'agent.infra.k8s-client',
        error: what === 'list' ? `failed to list ${type}: ${message}` : message,
        type,
      }),
  })
  const node = createNode({ context, config, name, cache: following.cache, api: () => api, say })
  for (const { resource } of followed) following.onChange(resource, (event) => node.changed(resource, event))
  following.start()
  // After a restore without an API server it goes on from what it knew.
  if (context.resumed && context.state.started) {
    node.resume()
    ready()
  }

  function begin(connection: Api): void {
    api = connection
    if (context.state.started) return node.reopen()
    const object = following.cache.find<Node & KubeObject>('nodes', undefined, name)
    const podCidr = object?.spec?.podCIDR
    const nodeAddress = object?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
    if (!podCidr || !nodeAddress) {
      say('info', 'Waiting for k8s node information', { module: 'agent', node: name, error: 'required IPv4 PodCIDR not available' })
      node.whenKnown(() => begin(connection))
      return
    }
    say('info', 'Received own node information from API server', {
      module: 'agent',
      nodeName: name,
      nodeIP: nodeAddress,
      v4Prefix: podCidr,
    })
    try {
      node.start({ podCidr, nodeAddress, known: following.cache.find<CiliumNode>(resources.nodes, undefined, name) })
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      say('fatal', 'Unable to create or update CiliumNode', { module: 'agent', error: error.message })
      return context.exit(1)
    }
    context.state.started = true
    ready()
    say('info', 'Daemon initialization completed', { module: 'agent', bootstrapTime: '1.2s' })
  }
}
