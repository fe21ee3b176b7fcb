import { defaultAdmission } from '../apiserver/admission/defaults.ts'
import type { Api, ApiServer, UserInfo } from '../apiserver/api.ts'
import { authorizedApi } from '../apiserver/authorization/authorized-api.ts'
import { clusterAuthorizer } from '../apiserver/authorization/authorizer.ts'
import { escalationCheck } from '../apiserver/authorization/escalation.ts'
import type { OpenapiSchemas } from '../apiserver/openapi/schema.ts'
import { createApi } from '../apiserver/registry/api.ts'
import { createApiServer } from '../apiserver/server.ts'
import { bootstrapObjects } from '../bootstrap/manifests.ts'
import { nodeProfiles } from '../bootstrap/nodes.ts'
import { addresses, type ClusterSpec, clusterDomain, nodeAddress, nodeNames, versions } from '../bootstrap/spec.ts'
import { EventLoop, type Pacemaker, type TimersSnapshot } from '../clock.ts'
import type { FileSystem } from '../files.ts'
import { createKubelet, type KubeletSnapshot, type RunningKubelet } from '../kubelet/kubelet.ts'
import type { Place } from '../kubelet/runtime/run-process.ts'
import { type FilesSnapshot, MemoryFiles } from '../memory-files.ts'
import { createNetwork, type Network } from '../network/network.ts'
import type { NetworkSnapshot } from '../network/snapshot.ts'
import { buildOutside, serveOutside } from '../outside/outside.ts'
import { controlPlaneImages } from '../programs/control-plane/images.ts'
import type { Catalogue } from '../programs/process.ts'
import { resolve } from '../programs/resolver/resolver.ts'
import { Random } from '../random.ts'
import { calicoDefinitions } from '../resources/calico/definitions.ts'
import { resources } from '../resources/catalogue.ts'
import { Store, type StoreSnapshot } from '../store/store.ts'
import { nodeFiles, workstationAddress, workstationFiles, workstationKubeconfig, workstationName } from './hosts.ts'
import { authenticate, type Credentials, serviceAccountToken } from './tokens.ts'
import { createWorkstation } from './workstation.ts'

/** What a cluster needs of the world around it. */
export interface ClusterWorld {
  readonly pacemaker: Pacemaker
  /** Images and tools, besides the control plane's own. */
  readonly catalogue: Catalogue
  /** Bearer tokens for people outside, and the learner's own on the workstation. */
  readonly tokens: { readonly platform: string; readonly learner: string }
  /** PEM of the authority that clients of the API server are to trust. */
  readonly rootCertificate: string
  /** The schemas of Kubernetes' own types, shared by clusters; asked for at the first request for OpenAPI. */
  readonly openapi?: () => OpenapiSchemas
  /** Defects: something threw that nobody expected. */
  onError(error: unknown): void
}

/** A cluster at one moment, as plain data. What never changes (images, base files, rules) is shared or made again from `spec`. */
export interface ClusterSnapshot {
  readonly version: 1
  readonly spec: ClusterSpec
  /** ms since the epoch. */
  readonly at: number
  /** When the base files were laid, ms since the epoch. */
  readonly laid: number
  readonly random: number
  readonly store: StoreSnapshot
  readonly network: NetworkSnapshot
  readonly timers: readonly TimersSnapshot[]
  readonly nodes: readonly { readonly files: FilesSnapshot; readonly kubelet: KubeletSnapshot }[]
  readonly workstation: FilesSnapshot
  /** As it stands in the workstation's kubeconfig. */
  readonly learnerToken: string
}

const administrator: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }
const nodeSegment = 'kind'

export interface SimulatedCluster {
  readonly spec: ClusterSpec
  /** As the cluster's administrator, in-process. */
  readonly api: Api
  readonly server: ApiServer
  readonly network: Network
  readonly clock: EventLoop
  readonly workstation: Place
  /** Where the processes of a pod's container run; StatusError where there is none. */
  podPlace(namespace: string, pod: string, container?: string): Place
  nodePlace(node: string): Place | undefined
  /** What a write to an object, a file or an interface leaves different (compared item by item): whether there is something new to save. */
  moment(): readonly unknown[]
  snapshot(): ClusterSnapshot
  close(): void
}

/**
 * A cluster in one process. Given a snapshot it goes on from there, under the present time and with the tokens of `world`;
 * otherwise it boots: kubelets start, the control plane's static pods come up, and the rest follows as its clock runs.
 */
export function createCluster(spec: ClusterSpec, world: ClusterWorld, from?: ClusterSnapshot): SimulatedCluster {
  const clock = new EventLoop(world.pacemaker, world.onError)
  const random = new Random(spec.seed)
  if (from) random.state = from.random
  const laid = from?.laid ?? clock.now()
  const store = new Store({ clock }, from?.store)
  const authorizer = clusterAuthorizer(store)
  const admission = [...defaultAdmission, escalationCheck(authorizer)]
  // The kinds of a network plugin that are modelled stand beside the built-in ones.
  const definitions = spec.cni === 'calico' ? [...resources, ...calicoDefinitions] : resources
  const registry = { store, definitions, clock, random, serviceCidr: addresses.serviceCidr, admission }
  const api = createApi({ ...registry, user: administrator })
  const kubeletApi = (user: UserInfo) => authorizedApi(api.as(user), user, authorizer.authorize)
  const kubelets = new Map<string, RunningKubelet>()
  const credentials: Credentials = {
    people: new Map([
      [world.tokens.platform, administrator],
      [world.tokens.learner, administrator],
    ]),
    signingKey: world.tokens.platform,
  }
  const server = createApiServer({
    ...registry,
    gitVersion: versions.kubernetes,
    ...(world.openapi && { openapi: world.openapi }),
    nodes: { kubelet: (node) => kubelets.get(node)?.api },
    sockets: () => network.machine(nodeNames(spec)[0] as string)!.root.socketsFor('kube-apiserver'),
    authorize: authorizer.authorize,
    rulesFor: authorizer.rulesFor,
    authenticate: (request) => authenticate(credentials, request.headers.get('authorization'), clock.now()),
  })
  const catalogue: Catalogue = { ...world.catalogue, images: [...world.catalogue.images, ...controlPlaneImages(server)] }

  const network = createNetwork({ clock, random })
  if (from) network.restore(from.network)
  else buildNetwork(network, spec)
  clock.restore(from?.timers ?? [])
  serveOutside(network, clock)
  if (!from) for (const object of bootstrapObjects(spec)) api.create(nameOf(object), object)

  const now = () => clock.now()
  const nodes = nodeProfiles(spec).map(({ name, labels, taints }, index) => {
    const machine = network.machine(name)
    if (!machine) throw new Error(`node ${name} has no machine in the network`)
    const saved = from?.nodes[index]
    const files = new MemoryFiles({
      now,
      base: nodeFiles(spec, index, catalogue, world.rootCertificate, laid),
      ...(saved ? { changes: saved.files } : {}),
    })
    const kubelet = createKubelet(
      {
        node: name,
        api: kubeletApi({ username: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] }),
        clock,
        random,
        machine,
        catalogue,
        files,
        clusterDns: addresses.dnsService,
        clusterDomain,
        addresses: [nodeAddress(index)],
        labels,
        taints,
        providerId: `kind://docker/${spec.name}/${name}`,
        // Programs in pods are not held to their roles yet: what they would do without a right (log it and try again) is not written.
        apiOf: (service, user) => (service === server ? api.as(user) : undefined),
        // The network plugins that keep a token on the node renew it long before it ends, so its end is not looked at.
        userOf: (token) => authenticate(credentials, `Bearer ${token}`, 0),
        serviceAccountToken: ({ namespace, serviceAccount, audience, pod, expiresAt }) =>
          serviceAccountToken(credentials, {
            namespace,
            serviceAccount,
            ...(audience ? { audience } : {}),
            pod: { name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '' },
            issuedAt: clock.now(),
            expiresAt,
          }),
        resolver: (place) => async (host) => {
          const found = await resolve({ sockets: place.namespace.sockets, files: place.files, clock, random }, host)
          return 'addresses' in found ? found.addresses : []
        },
        onError: world.onError,
      },
      saved?.kubelet,
    )
    kubelets.set(name, kubelet)
    return { name, machine, files, kubelet }
  })

  const station = createWorkstation({
    clock,
    random,
    network,
    catalogue,
    files: new MemoryFiles({
      now,
      base: workstationFiles(spec, catalogue, laid),
      ...(from ? { changes: from.workstation } : {}),
    }),
    onError: world.onError,
  })
  giveKubeconfig(station.files, spec, world.tokens.learner, from)

  if (from) {
    // Daemons open their sockets and connections again, which draws ports. Unless that wrote something (timers were overdue), the draws
    // are taken back, so that the future is the one that the snapshot had.
    const { revision } = store
    clock.settle()
    if (store.revision === revision) random.state = from.random
  }

  return {
    spec,
    api,
    server,
    network,
    clock,
    workstation: station,
    podPlace(namespace, name, container) {
      const pod = api.get<{ spec?: { nodeName?: string } }>('pods', namespace, name)
      const kubelet = nodes.find((node) => node.name === pod.spec?.nodeName)?.kubelet
      if (!kubelet) throw new Error(`pod ${namespace}/${name} is not on any node`)
      return kubelet.place(namespace, name, container)
    },
    nodePlace(name) {
      const node = nodes.find((candidate) => candidate.name === name)
      return node && { ...station, files: node.files, hostname: name, namespace: node.machine.root, processes: new Set() }
    },
    moment: () => [
      store.revision,
      network.topology,
      (station.files as MemoryFiles).tree,
      ...nodes.flatMap(({ files, kubelet }) => [files.tree, ...kubelet.trees()]),
    ],
    snapshot: () => ({
      version: 1,
      spec,
      at: clock.now(),
      laid,
      random: random.state,
      store: store.snapshot(),
      network: network.snapshot(),
      timers: clock.snapshot(),
      nodes: nodes.map(({ files, kubelet }) => ({ files: files.snapshot(), kubelet: kubelet.snapshot() })),
      workstation: (station.files as MemoryFiles).snapshot(),
      learnerToken: world.tokens.learner,
    }),
    close() {
      for (const { kubelet } of nodes) kubelet.stop()
      for (const process of station.processes) process.kill('SIGKILL')
      clock.close()
    },
  }
}

const kubeconfigPath = '/root/.kube/config'

/** A new cluster's kubeconfig; a fork's, whose token is another. What the learner made of theirs stays. */
function giveKubeconfig(files: FileSystem, spec: ClusterSpec, token: string, from: ClusterSnapshot | undefined): void {
  if (!from) {
    files.makeDirectory('/root/.kube', { parents: true })
    files.write(kubeconfigPath, workstationKubeconfig(spec, token))
    files.setMode(kubeconfigPath, 0o600)
  } else if (files.exists(kubeconfigPath) && from.learnerToken !== token) {
    files.write(kubeconfigPath, files.readText(kubeconfigPath).replaceAll(from.learnerToken, token))
  }
}

/** Nodes and the workstation on one segment, as kind's Docker network, with the world outside behind its gateway. */
function buildNetwork(network: Network, spec: ClusterSpec): void {
  const segment = network.addSegment(nodeSegment)
  buildOutside(network, segment)
  const hosts = [
    ...nodeProfiles(spec).map(({ name }, index) => ({ name, address: nodeAddress(index), node: true })),
    { name: workstationName, address: workstationAddress, node: false },
  ]
  for (const { name, address, node } of hosts) {
    const { root } = network.addMachine(name)
    network.attach(root, segment, { address: `${address}/16`, gateway: addresses.gateway })
    if (!node) continue
    root.setSysctl('net.ipv4.ip_forward', '1')
    root.setSysctl('net.bridge.bridge-nf-call-iptables', '1')
  }
}

function nameOf(object: { apiVersion?: string; kind?: string }): string {
  const [group] = object.apiVersion?.includes('/') ? object.apiVersion.split('/') : ['']
  const definition = resources.find((candidate) => candidate.kind === object.kind && candidate.group === group)
  if (!definition) throw new Error(`no resource is defined for ${object.apiVersion} ${object.kind}`)
  return group ? `${definition.plural}.${group}` : definition.plural
}
