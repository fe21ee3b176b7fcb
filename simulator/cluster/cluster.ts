import type { Pod, Secret } from 'kubernetes-types/core/v1'
import { certificateAdmission } from '../apiserver/admission/certificates.ts'
import { defaultAdmission } from '../apiserver/admission/defaults.ts'
import { createAggregator } from '../apiserver/aggregation/aggregator.ts'
import type { Api, ApiServer, UserInfo } from '../apiserver/api.ts'
import { createAuthenticator } from '../apiserver/authentication/authenticator.ts'
import { issuer } from '../apiserver/authentication/claims.ts'
import { nodeOfPod, type ServiceAccountTokens, serviceAccountTokens } from '../apiserver/authentication/service-account-tokens.ts'
import { authorizedApi } from '../apiserver/authorization/authorized-api.ts'
import { clusterAuthorizer } from '../apiserver/authorization/authorizer.ts'
import { escalationCheck } from '../apiserver/authorization/escalation.ts'
import { watchRights } from '../apiserver/authorization/watch-rights.ts'
import type { OpenapiSchemas } from '../apiserver/openapi/schema.ts'
import { createApi } from '../apiserver/registry/api.ts'
import { createApiServer } from '../apiserver/server.ts'
import { unauthorized } from '../apiserver/status.ts'
import { encodeBase64 } from '../base64.ts'
import { bootstrapObjects } from '../bootstrap/manifests.ts'
import { nodeProfiles } from '../bootstrap/nodes.ts'
import { addresses, type ClusterSpec, clusterDomain, nodeAddress, nodeNames, versions } from '../bootstrap/spec.ts'
import { EventLoop, HeldTime, type Pacemaker, type TimersSnapshot } from '../clock.ts'
import type { SignCertificate } from '../controllers/certificate-signing.ts'
import { tokenSecretType } from '../controllers/serviceaccount-tokens.ts'
import type { FileSystem } from '../files.ts'
import { createKubelet, type KubeletSnapshot, type RunningKubelet } from '../kubelet/kubelet.ts'
import type { Place } from '../kubelet/runtime/run-process.ts'
import type { KubeObject } from '../kubernetes.ts'
import { type FilesSnapshot, MemoryFiles } from '../memory-files.ts'
import { createNetwork, type Network } from '../network/network.ts'
import type { NetworkSnapshot } from '../network/snapshot.ts'
import { type CloudSnapshot, createCloud } from '../outside/cloud/cloud.ts'
import { buildOutside, serveOutside } from '../outside/outside.ts'
import { cloudControllerManager } from '../programs/cloud-controller-manager/cloud-controller-manager.ts'
import { controlPlaneImages } from '../programs/control-plane/images.ts'
import type { Catalogue } from '../programs/process.ts'
import { resolve } from '../programs/resolver/resolver.ts'
import { Random } from '../random.ts'
import { resources } from '../resources/catalogue.ts'
import { Store, type StoreSnapshot } from '../store/store.ts'
import type { Trace } from '../tracing/document.ts'
import type { TraceRequest } from '../tracing/request.ts'
import { trace } from '../tracing/trace.ts'
import { createHeartbeats } from './heartbeats.ts'
import { nodeFiles, workstationAddress, workstationFiles, workstationKubeconfig, workstationName } from './hosts.ts'
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
  /**
   * Signs a certificate request (PKCS#10, PEM) as the cluster's authority: the certificate as PEM. Real keys take real time, so the
   * answer comes when it comes and not at a moment of the cluster's. Rejects with why not; absent: nobody signs.
   */
  readonly signCertificate?: SignCertificate
  /** Resolves when promise callbacks that are due have run (`setImmediate`): what traces need. Absent: nothing can be traced. */
  readonly turn?: () => Promise<void>
  /** Both halves of a TLS handshake with the API server, for who shows a client certificate inside; see `ApiServer.handshake`. */
  readonly handshake?: NonNullable<ApiServer['handshake']>
  /** Defects: something threw that nobody expected. */
  onError(error: unknown): void
}

/** The form of snapshots: another number wherever one that was saved before could not be read. */
export const snapshotVersion = 3

/** A cluster at one moment, as plain data. What never changes (images, base files, rules) is shared or made again from `spec`. */
export interface ClusterSnapshot {
  readonly version: typeof snapshotVersion
  readonly spec: ClusterSpec
  /** ms since the epoch. */
  readonly at: number
  /** When the base files were laid, ms since the epoch. */
  readonly laid: number
  readonly random: number
  readonly store: StoreSnapshot
  readonly network: NetworkSnapshot
  /** Absent where there is none. */
  readonly cloud?: CloudSnapshot
  readonly timers: readonly TimersSnapshot[]
  readonly nodes: readonly { readonly files: FilesSnapshot; readonly kubelet: KubeletSnapshot }[]
  readonly workstation: FilesSnapshot
  /** As it stands in the workstation's kubeconfig. */
  readonly learnerToken: string
}

/** The platform: as kubeadm's super-admin.conf, it cannot lock itself out. */
const administrator: UserInfo = { username: 'kubernetes-super-admin', groups: ['system:masters', 'system:authenticated'] }
/** The learner: as kubeadm's admin.conf, through the binding of kubeadm:cluster-admins. */
const clusterAdmin: UserInfo = { username: 'kubernetes-admin', groups: ['kubeadm:cluster-admins', 'system:authenticated'] }
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
  /** Records one connection attempt, on a copy: nothing here changes. Absent without the world's `turn`. Throws TraceError. */
  readonly trace?: (request: TraceRequest) => Promise<Trace>
  /** Stops the kubelet of a node, or starts it again (`systemctl stop kubelet`): its containers run on. Unknown nodes are a mistake of the caller. */
  setKubelet(node: string, running: boolean): void
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
  /** Another cluster's state under this one's keys. */
  const isFork = from !== undefined && from.learnerToken !== world.tokens.learner
  const store = new Store({ clock }, from?.store)
  const authorizer = clusterAuthorizer(store)
  const admission = [...defaultAdmission, certificateAdmission(authorizer.authorize), escalationCheck(authorizer)]
  const tokens = serviceAccountTokens({ reader: store, clock, random, key: world.tokens.platform })
  const registry = { store, definitions: resources, clock, random, serviceCidr: addresses.serviceCidr, admission, tokens }
  const api = createApi({ ...registry, user: administrator })
  const kubeletApi = (user: UserInfo) => authorizedApi(api.as(user), user, authorizer.authorize)
  const controlPlaneApi = (user: UserInfo): Api => ({
    ...api.as(user),
    as: (other, manager) => authorizedApi(api.as(other, manager), other, authorizer.authorize),
  })
  const kubelets = new Map<string, RunningKubelet>()
  const authenticator = createAuthenticator({
    people: new Map([
      [world.tokens.platform, administrator],
      [world.tokens.learner, clusterAdmin],
    ]),
    tokens,
  })
  const rights = watchRights({ store, clock, random })
  const tokenUser = (token: string | undefined): UserInfo => {
    const found = token === undefined ? undefined : authenticator.review(token, undefined)
    if (!found || !('user' in found)) throw unauthorized()
    return found.user
  }
  const aggregator = createAggregator(api)
  const heartbeats = createHeartbeats(() => {
    for (const kubelet of kubelets.values()) kubelet.renewLease()
  })
  const server = createApiServer({
    ...registry,
    aggregator,
    gitVersion: versions.kubernetes,
    ...(world.openapi && { openapi: world.openapi }),
    ...(world.handshake && { handshake: world.handshake }),
    nodes: {
      kubelet: (node) => {
        const kubelet = kubelets.get(node)
        return kubelet?.halted ? undefined : kubelet?.api
      },
      renewLeases: heartbeats.renew,
    },
    sockets: () => network.machine(nodeNames(spec)[0] as string)!.root.socketsFor('kube-apiserver'),
    authorize: authorizer.authorize,
    rulesFor: authorizer.rulesFor,
    authenticate: authenticator.authenticate,
    reviewToken: authenticator.review,
  })
  const network = createNetwork({ clock, random, bpfPrograms: world.catalogue.kernelPrograms })
  if (from) network.restore(from.network)
  else buildNetwork(network, spec)
  const cloud =
    spec.loadBalancers === undefined
      ? undefined
      : createCloud({ network, clock, segment: nodeSegment }, { loadBalancers: [], ...from?.cloud, quota: spec.loadBalancers })
  const catalogue: Catalogue = {
    ...world.catalogue,
    images: [
      ...world.catalogue.images,
      cloudControllerManager(spec.name, cloud),
      ...controlPlaneImages(
        server,
        { issueLegacyToken: tokens.issueLegacy, signCertificate: world.signCertificate?.bind(world) },
        { aggregator, heartbeats },
      ),
    ],
  }

  if (from) clock.restore(from.timers)
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
        apiOf(service, user, token) {
          if (service !== server) return undefined
          // A static pod of the control plane shows no token but the kubeconfig that it was given: it says itself whom that names.
          if (!token) return controlPlaneApi(user)
          return authorizedApi(api.as(user), () => tokenUser(token()), authorizer.authorize, rights)
        },
        userOf(token) {
          const found = authenticator.review(token, undefined)
          return 'user' in found ? found.user : undefined
        },
        foreignTokens: isFork,
        serviceAccountToken({ namespace, serviceAccount, audience = issuer, pod, expirationSeconds }) {
          const account = api.get('serviceaccounts', namespace, serviceAccount)
          const where = nodeOfPod(store, pod as Pod & KubeObject)
          const subject = { serviceAccount: account, audiences: [audience], expirationSeconds, pod: pod as KubeObject }
          return tokens.issue({ ...subject, ...(where && { node: where }) }).token
        },
        authenticate: authenticator.authenticate,
        authorize: authorizer.authorize,
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

  function snapshot(): ClusterSnapshot {
    // What is still to happen in this instant is in no snapshot.
    clock.settle()
    return {
      version: snapshotVersion,
      spec,
      at: clock.now(),
      laid,
      random: random.state,
      store: store.snapshot(),
      network: network.snapshot(),
      ...(cloud && { cloud: cloud.snapshot() }),
      timers: clock.snapshot(),
      nodes: nodes.map(({ files, kubelet }) => ({ files: files.snapshot(), kubelet: kubelet.snapshot() })),
      workstation: (station.files as MemoryFiles).snapshot(),
      learnerToken: world.tokens.learner,
    }
  }
  const { turn } = world
  const rehearse = turn && ((request: TraceRequest) => traceOnCopy(running, world, turn, request))
  const station = createWorkstation({
    ...(rehearse ? { trace: rehearse } : {}),
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

  if (isFork) resignTokenSecrets(api, tokens)
  if (from) {
    // Daemons open their sockets and connections again, which draws ports. Unless that wrote something (timers were overdue), the draws
    // are taken back, so that the future is the one that the snapshot had.
    const { revision } = store
    clock.resume()
    if (store.revision === revision) random.state = from.random
    else clock.stir()
  }

  const running: SimulatedCluster = {
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
    setKubelet(name, running) {
      const kubelet = kubelets.get(name)
      if (!kubelet) throw new Error(`there is no node ${name}`)
      if (running) kubelet.proceed()
      else if (!kubelet.halted) {
        kubelet.halt()
        heartbeats.stop(name)
      }
    },
    moment: () => [
      store.revision,
      network.topology,
      (station.files as MemoryFiles).tree,
      ...nodes.flatMap(({ files, kubelet }) => [files.tree, ...kubelet.trees()]),
    ],
    snapshot,
    ...(rehearse ? { trace: rehearse } : {}),
    close() {
      // The power goes first: what ends now has nobody left to say farewell to.
      for (const machine of network.machines()) machine.down = true
      for (const { kubelet } of nodes) kubelet.stop()
      for (const process of station.processes) process.kill('SIGKILL')
      clock.close()
    },
  }
  return running
}

/** Certificates take real time to sign, so a copy signs none. */
async function traceOnCopy(live: SimulatedCluster, world: ClusterWorld, turn: () => Promise<void>, request: TraceRequest): Promise<Trace> {
  const now = live.snapshot()
  const time = new HeldTime(now.at)
  const { signCertificate: _nobody, ...rest } = world
  const random = request.draw === undefined ? now.random : (now.random ^ Math.imul(request.draw, 0x9e3779b1)) >>> 0
  const copy = createCluster(live.spec, { ...rest, pacemaker: time }, { ...now, random })
  try {
    return await trace(live, { cluster: copy, time, turn }, request)
  } finally {
    copy.close()
  }
}

/** Tokens that Secrets keep were signed with the key of the cluster that this one is a fork of. */
function resignTokenSecrets(api: Api, tokens: ServiceAccountTokens): void {
  type SecretObject = Secret & KubeObject
  for (const secret of api.list<SecretObject>('secrets', { fieldSelector: `type=${tokenSecretType}` })) {
    const { namespace, annotations } = secret.metadata ?? {}
    const account = api.find('serviceaccounts', namespace, annotations?.['kubernetes.io/service-account.name'] ?? '')
    if (!account || !secret.data?.['token']) continue
    const token = encodeBase64(new TextEncoder().encode(tokens.issueLegacy(account, secret)))
    api.update<SecretObject>('secrets', { ...secret, data: { ...secret.data, token } })
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
