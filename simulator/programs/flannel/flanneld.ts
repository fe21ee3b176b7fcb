import type { Node, Pod } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { type InformerCache, type InformerMemory, informers } from '../informers.ts'
import { klog } from '../klog.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { hostGateway } from './host-gw.ts'
import { masqueradeRules } from './masquerade.ts'
import { vxlan } from './vxlan.ts'

export type NodeObject = Node & KubeObject
const prefix = 'flannel.alpha.coreos.com'
const networkFile = '/etc/kube-flannel/net-conf.json'

export interface NetworkConfiguration {
  readonly Network: string
  readonly Backend?: { readonly Type?: string; readonly VNI?: number; readonly Port?: number; readonly DirectRouting?: boolean }
}

/** Another node's part of the network, from its annotations. */
export interface Lease {
  readonly node: string
  readonly subnet: string
  readonly publicIp: string
  readonly backendType: string
  readonly backendData: string
}

/** A way to carry packets to other nodes' pods. */
export interface Backend {
  readonly type: string
  readonly mtu: number
  /** What the other nodes must know of this one. */
  readonly data: string
  join(lease: Lease): void
  leave(lease: Lease): void
}

interface FlannelState {
  leases: Lease[]
  /** Where it runs, as its own pod says; empty until it was asked. */
  node: string
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
      log('I', 'main.go:436', 'shutdownHandler sent cancel signal...')
      context.exit(0)
    })
    if (!context.resumed)
      log(
        'I',
        'main.go:211',
        `CLI flags config: {etcdEndpoints:http://127.0.0.1:4001,http://127.0.0.1:2379 etcdPrefix:/coreos.com/network kubeSubnetMgr:${context.argv.includes('--kube-subnet-mgr')} ipMasq:${context.argv.includes('--ip-masq')} subnetFile:/run/flannel/subnet.env}`,
      )
    if (context.resumed && context.state.node) return manage(context, log)
    const own = `${context.env['POD_NAMESPACE']}/${context.env['POD_NAME']}`
    /** flanneld gives up; the kubelet starts it again with back-off. */
    const giveUp = (message: string) => {
      log('E', 'main.go:227', `Failed to create SubnetManager: error retrieving pod spec for '${own}': ${message}`)
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
            return giveUp(error.message)
          }
          manage(context, log)
        },
        error(error) {
          const server = `https://${context.env['KUBERNETES_SERVICE_HOST']}:${context.env['KUBERNETES_SERVICE_PORT']}`
          giveUp(`Get "${server}/api/v1/namespaces/${context.env['POD_NAMESPACE']}/pods/${context.env['POD_NAME']}": ${error.message}`)
        },
      },
    )
  },
}

/** Follows the nodes; the network is set up once they are known. */
function manage(context: DaemonContext<FlannelState>, log: ReturnType<typeof klog>): void {
  if (!context.resumed) {
    log('I', 'kube.go:139', 'Waiting 10m0s for node controller to sync')
    log('I', 'kube.go:469', 'Starting kube subnet manager')
  }
  let follow = () => {}
  const following = informers(context, {
    memory: context.state.known,
    followed: [{ resource: 'nodes', type: '*v1.Node' }],
    synced(api) {
      follow = start(context, api, following.cache, log) ?? follow
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
  api: Api,
  nodes: InformerCache,
  log: ReturnType<typeof klog>,
): (() => void) | undefined {
  const name = context.state.node
  if (!context.files.exists(networkFile)) {
    log('E', 'main.go:256', `Failed to read net conf: open ${networkFile}: no such file or directory`)
    context.exit(1)
    return undefined
  }
  let network: NetworkConfiguration
  try {
    network = JSON.parse(context.files.readText(networkFile)) as NetworkConfiguration
  } catch (error) {
    log('E', 'main.go:256', `error parsing subnet config: ${error instanceof Error ? error.message : String(error)}`)
    context.exit(1)
    return undefined
  }
  const own = nodes.find<NodeObject>('nodes', undefined, name)
  const cidr = own?.spec?.podCIDR
  if (!cidr) {
    log('E', 'main.go:359', `Error registering network: failed to acquire lease: node "${name}" pod cidr not assigned`)
    context.exit(1)
    return undefined
  }
  const type = network.Backend?.Type ?? 'udp'
  const make = type === 'vxlan' ? vxlan : type === 'host-gw' ? hostGateway : undefined
  if (!make) {
    log('E', 'main.go:272', `Error fetching backend: unknown backend type: the simulated cluster does not model Flannel's backend ${type}`)
    context.exit(1)
    return undefined
  }
  const backend = make(context.namespace, network, cidr, context.resumed)
  const publicIp = context.namespace.link('eth0')?.addresses[0]?.address ?? ''
  if (!context.resumed) {
    log('I', 'kube.go:146', 'Node controller sync successful')
    log('I', 'main.go:231', `Created subnet manager: Kubernetes Subnet Manager - ${name}`)
    log('I', 'main.go:234', 'Installing signal handlers')
    log('I', 'main.go:468', `Found network config - Backend type: ${type}`)
    log('I', 'match.go:73', `Using interface with name eth0 and address ${publicIp}`)
    try {
      register(api, name, backend, publicIp)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      log('E', 'main.go:359', `Error registering network: failed to acquire lease: ${error.message}`)
      context.exit(1)
      return undefined
    }
    if (context.argv.includes('--ip-masq')) masqueradeRules(context.namespace.netfilter, network.Network, cidr)
    writeSubnetFile(context, network.Network, cidr, backend.mtu)
    log('I', 'main.go:396', 'Wrote subnet file to /run/flannel/subnet.env')
    log('I', 'main.go:400', 'Running backend.')
  }
  const follow = () => followLeases(context, nodes, name, backend, log)
  if (!context.resumed) follow()
  return follow
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
  context.files.write(
    '/run/flannel/subnet.env',
    `FLANNEL_NETWORK=${network}\nFLANNEL_SUBNET=${gateway}\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=${masquerade}\n`,
  )
}

/** Level-triggered: compares the leases that the nodes announce with those that are programmed. */
function followLeases(
  context: DaemonContext<FlannelState>,
  api: InformerCache,
  own: string,
  backend: Backend,
  log: ReturnType<typeof klog>,
): void {
  const wanted = api
    .list<NodeObject>('nodes')
    .filter(({ metadata }) => metadata?.name !== own)
    .flatMap((node) => leaseOf(node) ?? [])
    .filter(({ backendType }) => backendType === backend.type)
  const same = (a: Lease, b: Lease) => JSON.stringify(a) === JSON.stringify(b)
  for (const lease of context.state.leases) if (!wanted.some((other) => same(lease, other))) backend.leave(lease)
  for (const lease of wanted) {
    if (context.state.leases.some((other) => same(lease, other))) continue
    log(
      'I',
      'subnet.go:152',
      `Batch elem [0] is { lease.Event{Type:0, Lease:lease.Lease{Subnet:${lease.subnet}, Attrs:lease.LeaseAttrs{PublicIP:${lease.publicIp}, BackendType:"${lease.backendType}"}} }`,
    )
    backend.join(lease)
  }
  context.state.leases = wanted
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
