import type { Node, Pod } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { parsePrefix } from '../../network/address.ts'
import type { NetworkNamespace } from '../../network/namespace.ts'
import { type InformerCache, type InformerMemory, informers } from '../informers.ts'
import { klog } from '../klog.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { hostGateway } from './host-gw.ts'
import { goEvent, type Lease } from './lease.ts'
import { forwardRules, masqueradeRules } from './masquerade.ts'
import { containsCidr, type NetworkConfiguration, parseNetwork } from './network-configuration.ts'
import { vxlan } from './vxlan.ts'

export type NodeObject = Node & KubeObject
const prefix = 'flannel.alpha.coreos.com'
const networkFile = '/etc/kube-flannel/net-conf.json'
const subnetFile = '/run/flannel/subnet.env'

type Log = ReturnType<typeof klog>

export interface BackendSetting {
  readonly namespace: NetworkNamespace
  readonly network: NetworkConfiguration
  /** This node's pods. */
  readonly cidr: string
  readonly resumed: boolean
  readonly log: Log
}
export type BackendMaker = (setting: BackendSetting) => Backend

/** A way to carry packets to other nodes' pods. */
export interface Backend {
  readonly type: string
  readonly mtu: number
  /** What the other nodes must know of this one. */
  readonly data: string
  /** Says that it begins. */
  watching(): void
  join(lease: Lease): void
  leave(lease: Lease): void
  /** A node whose backend is another. */
  foreign(lease: Lease): void
}

interface FlannelState {
  leases: Lease[]
  /** Where it runs, as its own pod says; empty until it was asked. */
  node: string
  /** As the file said at the start: it is read once. */
  network?: NetworkConfiguration
  readonly known: InformerMemory
}

/** flanneld with the Kubernetes subnet manager. Follows flannel-io/flannel 0.27. */
export const flanneld: Daemon<FlannelState> = {
  kind: 'daemon',
  id: 'flannel/flanneld',
  usage: { cores: 0.003, bytes: 17 * MiB, secondsAtStart: 0.1, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => ({ leases: [], node: '', known: {} }),
  run(context) {
    const log = klog(context)
    context.onSignal(() => {
      log('I', 'main.go:507', 'shutdownHandler sent cancel signal...')
      log('I', 'main.go:495', 'Exiting cleanly...')
      context.exit(0)
    })
    if (!context.resumed) {
      const flag = (name: string) => context.argv.includes(name)
      log(
        'I',
        'main.go:215',
        `CLI flags config: {etcdEndpoints:http://127.0.0.1:4001,http://127.0.0.1:2379 etcdPrefix:/coreos.com/network etcdKeyfile: etcdCertfile: etcdCAFile: etcdUsername: etcdPassword: version:false kubeSubnetMgr:${flag('--kube-subnet-mgr')} kubeApiUrl: kubeAnnotationPrefix:flannel.alpha.coreos.com kubeConfigFile: iface:[] ifaceRegex:[] ipMasq:${flag('--ip-masq')} ipMasqRandomFullyDisable:false ifaceCanReach: subnetFile:${subnetFile} publicIP: publicIPv6: subnetLeaseRenewMargin:60 healthzIP:0.0.0.0 healthzPort:0 iptablesResyncSeconds:5 iptablesForwardRules:true blackholeRoute:false netConfPath:${networkFile} setNodeNetworkUnavailable:true}`,
      )
      log('W', 'client_config.go:667', 'Neither --kubeconfig nor --master was specified.  Using the inClusterConfig.  This might not work.')
    }
    if (context.resumed && context.state.network) return manage(context, context.state.network, log)
    const own = `${context.env['POD_NAMESPACE']}/${context.env['POD_NAME']}`
    /** flanneld gives up; the kubelet starts it again with back-off. */
    const giveUp = (message: string) => {
      log('E', 'main.go:237', `Failed to create SubnetManager: ${message}`)
      context.exit(1)
    }
    context.connectApi(
      {},
      {
        connected(api) {
          try {
            const pod = api.get<Pod & KubeObject>('pods', context.env['POD_NAMESPACE'], context.env['POD_NAME'] ?? '')
            context.state.node = pod.spec?.nodeName ?? context.hostname
          } catch (error) {
            if (!(error instanceof StatusError)) throw error
            return giveUp(`error retrieving pod spec for '${own}': ${error.message}`)
          }
          if (!context.files.exists(networkFile)) return giveUp(`failed to read net conf: open ${networkFile}: no such file or directory`)
          let network: NetworkConfiguration
          try {
            network = parseNetwork(context.files.readText(networkFile))
          } catch (error) {
            return giveUp(`error parsing subnet config: ${error instanceof Error ? error.message : String(error)}`)
          }
          context.state.network = network
          manage(context, network, log)
        },
        error(error) {
          const server = `https://${context.env['KUBERNETES_SERVICE_HOST']}:${context.env['KUBERNETES_SERVICE_PORT']}`
          giveUp(
            `error retrieving pod spec for '${own}': Get "${server}/api/v1/namespaces/${context.env['POD_NAMESPACE']}/pods/${context.env['POD_NAME']}": ${error.message}`,
          )
        },
      },
    )
  },
}

/** Follows the nodes; the network is set up once they are known. */
function manage(context: DaemonContext<FlannelState>, network: NetworkConfiguration, log: Log): void {
  if (!context.resumed) {
    log('I', 'kube.go:139', 'Waiting 10m0s for node controller to sync')
    log('I', 'kube.go:537', 'Starting kube subnet manager')
  }
  let follow = () => {}
  const following = informers(context, {
    memory: context.state.known,
    followed: [{ resource: 'nodes', type: '*v1.Node' }],
    synced(api) {
      follow = start(context, network, api, following.cache, log) ?? follow
    },
    failed({ what, type, message }) {
      const source = 'pkg/mod/k8s.io/client-go@v0.31.6/tools/cache/reflector.go:243'
      if (what === 'list') log('W', 'reflector.go:561', `${source}: failed to list ${type}: ${message}`)
      const error = `${source}: Failed to watch ${type}: ${what === 'list' ? `failed to list ${type}: ${message}` : message}`
      log('E', 'reflector.go:158', `"Unhandled Error" err=${JSON.stringify(error)} logger="UnhandledError"`)
    },
  })
  following.onChange<NodeObject>('nodes', ({ object, previous }) => {
    if (JSON.stringify(leaseOf(object)) !== JSON.stringify(previous && leaseOf(previous))) follow()
  })
  following.start()
}

/** Joins the network; returns what is to be done when another node's part of it changes, or undefined where it gave up. */
function start(
  context: DaemonContext<FlannelState>,
  network: NetworkConfiguration,
  api: Api,
  nodes: InformerCache,
  log: Log,
): (() => void) | undefined {
  const { namespace, resumed, state } = context
  const name = state.node
  const fail = (source: string, message: string) => {
    log('E', source, message)
    context.exit(1)
    return undefined
  }
  if (!resumed) {
    log('I', 'kube.go:163', 'Node controller sync successful')
    log('I', 'main.go:241', `Created subnet manager: Kubernetes Subnet Manager - ${name}`)
    log('I', 'main.go:244', 'Installing signal handlers')
    log('I', 'main.go:523', `Found network config - Backend type: ${network.type}`)
  }
  const refused = network.nftables ? 'rules in nftables (EnableNFTables)' : undefined
  if (refused) return fail('main.go:391', `the simulated cluster does not model Flannel's ${refused}`)
  const own = nodes.find<NodeObject>('nodes', undefined, name)
  const address = namespace.link('eth0')?.addresses[0]?.address ?? ''
  const overwritten = own?.metadata?.annotations?.[`${prefix}/public-ip-overwrite`]
  const publicIp = overwritten ?? address
  const make = network.type === 'vxlan' ? vxlan : network.type === 'host-gw' ? hostGateway : undefined
  if (!resumed) {
    log('I', 'match.go:211', 'Determining IP address of default interface')
    log('I', 'match.go:269', `Using interface with name eth0 and address ${address}`)
    if (overwritten) log('I', 'match.go:287', `Using ${overwritten} as external address`)
    else log('I', 'match.go:291', `Defaulting external address to interface address (${address})`)
  }
  if (!make) {
    const known = ['alloc', 'extension', 'ipip', 'ipsec', 'tencent-vpc', 'udp', 'wireguard'].includes(network.type)
    const unknown = known ? `the simulated cluster does not model Flannel's backend ${network.type}` : 'unknown backend type'
    return fail('main.go:362', `Error fetching backend: ${unknown}`)
  }
  if (make === hostGateway && publicIp !== address) {
    const message =
      "your PublicIP differs from interface IP, meaning that probably you're on a NAT, which is not supported by host-gw backend"
    return fail('main.go:362', `Error fetching backend: ${message}`)
  }
  const cidr = own?.spec?.podCIDR
  const failed = (message: string) => fail('main.go:370', `Error registering network: failed to acquire lease: ${message}`)
  if (!cidr) return failed(`node "${name}" pod cidr not assigned`)
  const backend = make({ namespace, network, cidr, resumed, log })
  if (!resumed) {
    if (overwritten)
      log('I', 'kube.go:438', `Overriding public ip with '${overwritten}' from node annotation '${prefix}/public-ip-overwrite'`)
    try {
      register(api, name, backend, publicIp)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      return failed(`timeout contacting kube-api, failed to patch node "${name}". Error: context deadline exceeded`)
    }
    if (!containsCidr(network.network, cidr)) {
      return failed(
        `subnet "${network.network}" specified in the flannel net config doesn't contain "${cidr}" PodCIDR of the "${name}" node`,
      )
    }
    firewall(context, network.network, cidr, log)
    writeSubnetFile(context, network.network, cidr, backend.mtu)
    log('I', 'main.go:467', `Wrote subnet file to ${subnetFile}`)
    log('I', 'main.go:471', 'Running backend.')
    log('I', 'main.go:492', 'Waiting for all goroutines to exit')
    backend.watching()
  }
  const follow = () => followLeases(context, nodes, name, backend, log)
  if (!resumed) follow()
  return follow
}

function firewall(context: DaemonContext<FlannelState>, network: string, cidr: string, log: Log): void {
  const { files, namespace, argv } = context
  log('I', 'main.go:378', 'Cleaning-up unused traffic manager rules')
  log('I', 'iptables.go:50', 'Starting flannel in iptables mode...')
  if (argv.includes('--ip-masq')) {
    const before = files.exists(subnetFile) ? files.readText(subnetFile) : ''
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(before)?.[1]
    const [oldNetwork = '0.0.0.0/0', oldSubnet = '0.0.0.0/0'] = [value('FLANNEL_NETWORK'), value('FLANNEL_SUBNET')]
    const old = parsePrefix(oldSubnet).text
    if (oldNetwork !== network || old !== cidr) {
      log(
        'I',
        'iptables.go:101',
        `Current network or subnet (${network}, ${cidr}) is not equal to previous one (${oldNetwork}, ${old}), trying to recycle old iptables rules`,
      )
    }
    log('I', 'iptables.go:111', 'Setting up masking rules')
    masqueradeRules(namespace.netfilter, network, cidr)
  }
  log('I', 'iptables.go:212', 'Changing default FORWARD chain policy to ACCEPT')
  forwardRules(namespace.netfilter, network)
}

/** Tells the other nodes, through annotations on this one, how to reach its pods. */
function register(api: Api, node: string, backend: Backend, publicIp: string): void {
  const annotations = {
    [`${prefix}/backend-data`]: backend.data,
    [`${prefix}/backend-type`]: backend.type,
    [`${prefix}/kube-subnet-manager`]: 'true',
    [`${prefix}/public-ip`]: publicIp,
  }
  api.patch('nodes', undefined, node, { metadata: { annotations } }, { type: 'merge', subresource: 'status' })
}

function writeSubnetFile(context: DaemonContext<unknown>, network: string, cidr: string, mtu: number): void {
  const [base = '', length = ''] = cidr.split('/')
  const gateway = `${base.split('.').slice(0, 3).join('.')}.1/${length}`
  const masquerade = context.argv.includes('--ip-masq')
  // Where no folder of the node is mounted there (as in Canal), it is the container's own.
  context.files.makeDirectory(subnetFile.slice(0, subnetFile.lastIndexOf('/')), { parents: true })
  context.files.write(
    subnetFile,
    `FLANNEL_NETWORK=${network}\nFLANNEL_SUBNET=${gateway}\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=${masquerade}\n`,
  )
}

/** Level-triggered: compares the leases that the nodes announce with those that are programmed. */
function followLeases(context: DaemonContext<FlannelState>, api: InformerCache, own: string, backend: Backend, log: Log): void {
  const others = api
    .list<NodeObject>('nodes')
    .filter(({ metadata }) => metadata?.name !== own)
    .flatMap((node) => leaseOf(node) ?? [])
  const same = (a: Lease, b: Lease) => JSON.stringify(a) === JSON.stringify(b)
  const known = context.state.leases
  for (const lease of known) {
    if (others.some((other) => same(lease, other))) continue
    log('I', 'subnet.go:150', `Batch elem [0] is { ${goEvent(lease, true)} }`)
    if (lease.backendType === backend.type) backend.leave(lease)
  }
  for (const lease of others) {
    if (known.some((other) => same(lease, other))) continue
    log('I', 'subnet.go:150', `Batch elem [0] is { ${goEvent(lease, false)} }`)
    if (lease.backendType === backend.type) backend.join(lease)
    else backend.foreign(lease)
  }
  context.state.leases = others
}

function leaseOf(node: NodeObject): Lease | undefined {
  const annotations = node.metadata?.annotations ?? {}
  if (annotations[`${prefix}/kube-subnet-manager`] !== 'true' || !node.spec?.podCIDR) return undefined
  return {
    node: node.metadata?.name ?? '',
    subnet: node.spec.podCIDR,
    publicIp: annotations[`${prefix}/public-ip`] ?? '',
    backendType: annotations[`${prefix}/backend-type`] ?? '',
    backendData: annotations[`${prefix}/backend-data`] ?? '',
  }
}
