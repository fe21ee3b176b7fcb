import type { Namespace, Node, Pod } from 'kubernetes-types/core/v1'
import { type Api, StatusError, type WatchEvent } from '../../../apiserver/api.ts'
import type { KubeObject } from '../../../kubernetes.ts'
import type { InformerCache } from '../../informers.ts'
import { serviceHealth } from '../../kube-proxy/health.ts'
import type { ServiceObject } from '../../kube-proxy/service-ports.ts'
import type { DaemonContext } from '../../process.ts'
import { fromContainer } from '../datapath/container.ts'
import { ringOf } from '../datapath/events.ts'
import { type EndpointPolicy, mapsOf } from '../datapath/maps.ts'
import { firstLocalIdentity } from '../identity.ts'
import type { CiliumLog } from '../log.ts'
import { podLabels, type SecurityLabels } from '../policy/labels.ts'
import { blocksOf, Identities, resolvePolicy } from '../policy/resolve.ts'
import { addressOf, type CiliumEndpoint, type CiliumNode, resources } from '../resources.ts'
import { AddressPool } from './address-pool.ts'
import type { AgentState } from './agent.ts'
import { identityLabels, ipcache, namedPorts, rulesOf } from './cluster-view.ts'
import type { AgentConfig } from './config.ts'
import { installDevices, installRules, type NodeNetwork, syncRoutes, tunnelOverhead } from './devices.ts'
import { deleteQueue, type Endpoint, forgetEndpoint, savedEndpoints, saveEndpoint } from './endpoint.ts'
import { namedFlows } from './flows.ts'
import { allocateIdentity } from './identities.ts'
import { portsOf, tellEndpoint, tellNode } from './own-objects.ts'
import { report } from './reports.ts'
import { type Answer, hubblePath, type Request, socketPath } from './requests.ts'
import { ServiceMap } from './service-map.ts'

interface Parts {
  readonly context: DaemonContext<AgentState>
  readonly config: AgentConfig
  /** The node's name. */
  readonly name: string
  readonly cache: InformerCache
  api(): Api | undefined
  readonly say: CiliumLog
}

const cniFile = '/host/etc/cni/net.d/05-cilium.conflist'
const cniConfiguration = `{
  "cniVersion": "0.3.1",
  "name": "cilium",
  "plugins": [
    {
       "type": "cilium-cni",
       "enable-debug": false,
       "log-file": "/var/run/cilium/cilium-cni.log"
    }
  ]
}
`

/** One node's part of Cilium: its endpoints, and its kernel's maps as the cluster has it. */
export function createNode({ context, config, name, cache, api, say }: Parts) {
  const { namespace: host, files, clock, random, state } = context
  const maps = mapsOf(host.machine.bpf.maps)
  const endpoints = new Map<number, Endpoint>()
  const services = new ServiceMap(name, state.services)
  const told = new Map<string, string>()
  const health = serviceHealth(context.sockets, (service, message) =>
    say('error', 'Service health server failed', { module: 'agent', service, error: message }),
  )
  let network: NodeNetwork | undefined
  let nodeAddress = ''
  let pool: AddressPool | undefined
  let waiting: (() => void) | undefined
  let queued = false
  /** After a restore nothing is worked out before something changes: the maps are as they were. */
  let loaded = false
  let identities = new Identities(new Map(), new Map())

  function touch(): void {
    if (queued || !network) return
    queued = true
    clock.soon(() => {
      queued = false
      sync()
    })
  }

  function load(): void {
    if (loaded || !network) return
    loaded = true
    pool = new AddressPool(network.podCidr)
    pool.take(network.router, 'router')
    for (const endpoint of savedEndpoints(files)) {
      // A pod whose interface is gone left while nobody looked.
      if (!host.link(endpoint.link)) {
        forget(endpoint)
        continue
      }
      endpoints.set(endpoint.id, endpoint)
      pool.take(endpoint.address, `${endpoint.namespace}/${endpoint.pod} [restored]`)
    }
    if (!files.exists(deleteQueue)) return
    for (const { name: file } of files.list(deleteQueue)) {
      const containerId = file.replace(/\.delete$/, '')
      const gone = [...endpoints.values()].find((endpoint) => endpoint.containerId === containerId)
      if (gone) removeEndpoint(gone)
      files.remove(`${deleteQueue}/${file}`)
    }
  }

  /** Everything that follows from what is known of the cluster; what is as it should be is not written again. */
  function sync(): void {
    if (!network) return
    load()
    for (const endpoint of endpoints.values()) relabel(endpoint)
    const rules = rulesOf(cache, (policy, message) => {
      const key = policy.metadata?.uid ?? ''
      if (told.get(key) === message) return
      told.set(key, message)
      const path = `${policy.metadata?.namespace ?? ''}/${policy.metadata?.name}`
      say('warn', 'Unable to add CiliumNetworkPolicy', {
        module: 'agent.controlplane.policy-k8s-watcher',
        ciliumNetworkPolicyName: path,
        error: message,
      })
    })
    const blocks = numberBlocks(blocksOf(rules))
    identities = new Identities(identityLabels(cache, nodeAddress, blocks), blocks)
    replaceEqual(maps.cache, ipcache(cache, name, blocks))
    replaceEqual(maps.services, services.frontEnds(cache))
    health.sync(services.ports())
    const named = namedPorts(cache)
    const resolved = new Map<string, EndpointPolicy>()
    const wanted = new Map<string, EndpointPolicy>()
    for (const { id, identity, namespace, pod } of endpoints.values()) {
      const own = portsOf(cache.find<Pod & KubeObject>('pods', namespace, pod))
      const key = `${identity} ${JSON.stringify(own)}`
      let policy = resolved.get(key)
      if (!policy) {
        const endpoint = { labels: identities.labels.get(identity) ?? {}, namedPorts: own }
        policy = resolvePolicy(rules, endpoint, identities, named, config.policyMode)
        resolved.set(key, policy)
      }
      wanted.set(String(id), policy)
    }
    replaceEqual(maps.policy, wanted)
    const others = cache.list<CiliumNode>(resources.nodes).filter(({ metadata }) => metadata?.name !== name)
    syncRoutes(
      host,
      network,
      others.flatMap(({ spec }) => [...(spec.ipam.podCIDRs ?? [])]),
    )
  }

  function numberBlocks(blocks: ReadonlySet<string>): Map<string, number> {
    for (const block of Object.keys(state.blocks)) if (!blocks.has(block)) delete state.blocks[block]
    for (const block of blocks) state.blocks[block] ??= Math.max(firstLocalIdentity, ...Object.values(state.blocks)) + 1
    return new Map(Object.entries(state.blocks))
  }

  /** A pod's labels, or its namespace's, may have made it somebody else. */
  function relabel(endpoint: Endpoint): void {
    const connection = api()
    const pod = cache.find<Pod & KubeObject>('pods', endpoint.namespace, endpoint.pod)
    if (!connection || !pod) return
    const labels = labelsOf(pod)
    let identity: number
    try {
      identity = allocateIdentity(connection, cache, labels, random)
      if (identity === endpoint.identity && cache.find(resources.endpoints, endpoint.namespace, endpoint.pod)) return
      const changed = { ...endpoint, identity }
      endpoints.set(changed.id, changed)
      saveEndpoint(files, changed)
      writeEndpoint(changed)
      tellEndpoint(connection, changed, pod, labels, nodeAddress)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      say('warn', 'Error changing endpoint identity', { endpointID: endpoint.id, error: error.message, subsys: 'endpoint' })
    }
  }

  function labelsOf(pod: Pod & KubeObject): SecurityLabels {
    const namespace = cache.find<Namespace & KubeObject>('namespaces', undefined, pod.metadata?.namespace ?? '')
    return podLabels(pod, namespace, config.cluster)
  }

  function writeEndpoint({ id, identity, address, link, mac, nodeMac, namespace, pod }: Endpoint): void {
    maps.endpoints.set(address, { id, identity, address, link, mac, nodeMac, name: `${namespace}/${pod}` })
  }

  function createEndpoint(request: Extract<Request, { ask: 'create-endpoint' }>): Answer<number> {
    const connection = api()
    const pod = connection?.find<Pod & KubeObject>('pods', request.namespace, request.pod)
    if (!connection || !pod) return { error: `[PUT /endpoint/{id}][500] putEndpointIdFailed "pods \\"${request.pod}\\" not found"` }
    const labels = labelsOf(pod)
    try {
      const identity = allocateIdentity(connection, cache, labels, random)
      let id = 1 + random.below(4095)
      while (endpoints.has(id)) id = 1 + random.below(4095)
      const { containerId, namespace, address, link, mac, nodeMac } = request
      const endpoint: Endpoint = { id, containerId, namespace, pod: request.pod, address, link, mac, nodeMac, identity }
      say('info', 'Create endpoint request', {
        addressing: address,
        containerID: containerId,
        containerInterface: link,
        k8sPodName: `${namespace}/${request.pod}`,
      })
      endpoints.set(id, endpoint)
      saveEndpoint(files, endpoint)
      writeEndpoint(endpoint)
      host.attachTc(link, 'ingress', fromContainer.id)
      tellEndpoint(connection, endpoint, pod, labels, nodeAddress)
      sync()
      say('info', 'Successful endpoint creation', { containerID: containerId, endpointID: id, identity })
      return { ok: id }
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      return { error: `[PUT /endpoint/{id}][500] putEndpointIdFailed ${JSON.stringify(error.message)}` }
    }
  }

  function removeEndpoint(endpoint: Endpoint): void {
    forget(endpoint)
    pool?.release(endpoint.address)
    try {
      const known = api()?.find<CiliumEndpoint>(resources.endpoints, endpoint.namespace, endpoint.pod)
      // Another pod of that name may be there by now, on another node.
      if (known?.status?.id === endpoint.id && known.status.networking?.node === nodeAddress)
        api()?.delete(resources.endpoints, endpoint.namespace, endpoint.pod)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      say('warn', 'Unable to delete CEP', { endpointID: endpoint.id, error: error.message })
    }
    touch()
  }

  function forget({ id, address, link }: Endpoint): void {
    endpoints.delete(id)
    forgetEndpoint(files, id)
    if (maps.endpoints.get(address)?.id === id) maps.endpoints.delete(address)
    maps.policy.delete(String(id))
    if (host.link(link)) host.attachTc(link, 'ingress', undefined)
  }

  function answer(request: Request): Answer<unknown> {
    if (!network) return { error: 'agent is starting' }
    load()
    switch (request.ask) {
      case 'config': {
        const mtu = host.link(network.device)?.mtu ?? 1500
        return { ok: { router: network.router, deviceMtu: mtu, routeMtu: mtu - tunnelOverhead } }
      }
      case 'allocate': {
        const address = pool?.next(request.owner, random)
        return address ? { ok: address } : { error: '[POST /ipam][502] postIpamFailure "range is full"' }
      }
      case 'release':
        pool?.release(request.address)
        return { ok: true }
      case 'create-endpoint':
        return createEndpoint(request)
      case 'delete-endpoint': {
        const found = [...endpoints.values()].find(({ containerId }) => containerId === request.containerId)
        if (found) {
          say('info', 'Delete endpoint by containerID request', { containerID: found.containerId, endpointID: found.id })
          removeEndpoint(found)
        }
        return { ok: true }
      }
      default:
        return {
          ok: report(request.ask, {
            cache,
            kernel: host.machine.bpf.maps,
            network,
            nodeAddress,
            blocks: new Map(Object.entries(state.blocks)),
            endpoints: [...endpoints.values()],
            addresses: pool?.owners() ?? new Map(),
            connected: api() !== undefined,
            hubble: config.hubble,
          }),
        }
    }
  }

  function listen(): void {
    context.sockets.listenUnix(socketPath, (request) => answer(request as Request))
    if (config.hubble) context.sockets.listenUnix(hubblePath, () => ({ ok: namedFlows(ringOf(host.machine.bpf.maps), cache) }))
  }

  return {
    changed(resource: string, { object }: WatchEvent<KubeObject>): void {
      if (resource === 'nodes') {
        if (object.metadata?.name === name) waiting?.()
        return
      }
      // Of pods only the own ones matter, and not before they are endpoints.
      if (resource === 'pods' && (object as Pod).spec?.nodeName !== name) return
      touch()
    },
    whenKnown(begin: () => void): void {
      waiting = () => {
        waiting = undefined
        begin()
      }
    },
    /** Throws StatusError where its CiliumNode could not be written. */
    start(own: { podCidr: string; nodeAddress: string; known: CiliumNode | undefined }): void {
      const device = host.routing.lookup({ dst: '8.8.8.8' })?.link?.name ?? 'eth0'
      nodeAddress = own.nodeAddress
      const first = new AddressPool(own.podCidr)
      const before = state.router ?? (own.known && addressOf(own.known, 'CiliumInternalIP'))
      for (const endpoint of savedEndpoints(files)) first.take(endpoint.address, 'restored')
      const router = before && first.take(before, 'router') ? before : (first.next('router', random) ?? '')
      state.router = router
      network = { router, podCidr: own.podCidr, device, tunnelPort: config.tunnelPort }
      const clusterCidr = config.configuration['ipv4-native-routing-cidr'] || own.podCidr
      installDevices(host, network)
      installRules(host, network, clusterCidr)
      maps.config.set('', {
        nodeAddress,
        device,
        router,
        podCidr: own.podCidr,
        hubble: config.hubble,
        rejectsWithoutBackend: config.rejectsWithoutBackend,
      })
      say('info', 'Addressing information', {
        module: 'agent',
        'Cluster-Name': config.cluster,
        'Cluster-ID': 0,
        'Node-IP': nodeAddress,
        'Internal-Node IPv4': router,
        'IPv4 allocation prefix': own.podCidr,
      })
      const connection = api()
      const object = cache.find<Node & KubeObject>('nodes', undefined, name)
      if (connection) tellNode(connection, object, { name, nodeAddress, router, podCidr: own.podCidr }, own.known)
      sync()
      listen()
      if (!files.exists(cniFile) || files.readText(cniFile) !== cniConfiguration) {
        files.write(cniFile, cniConfiguration)
        say('info', 'Wrote CNI configuration file', { module: 'agent.cni-config-manager', path: cniFile })
      }
    },
    /** After a restore: what only a process can hold, where there is any. */
    reopen(): void {
      if (cache.list<ServiceObject>('services').some(({ spec }) => spec?.healthCheckNodePort)) touch()
    },
    resume(): void {
      const saved = maps.config.get('')
      if (!saved) return
      nodeAddress = saved.nodeAddress
      network = { router: saved.router, podCidr: saved.podCidr, device: saved.device, tunnelPort: config.tunnelPort }
      listen()
    },
  }
}

/** Keeps what is equal in content, so that nothing is written and a fork still shares it. */
function replaceEqual<V>(
  map: { get(key: string): V | undefined; replace(wanted: ReadonlyMap<string, V>): void },
  wanted: ReadonlyMap<string, V>,
): void {
  const kept = new Map<string, V>()
  for (const [key, value] of wanted) {
    const known = map.get(key)
    kept.set(key, known !== undefined && (known === value || JSON.stringify(known) === JSON.stringify(value)) ? known : value)
  }
  map.replace(kept)
}
