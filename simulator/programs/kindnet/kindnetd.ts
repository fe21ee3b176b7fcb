import type { Node } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { KernelError } from '../../network/kernel-error.ts'
import { type InformerCache, type InformerMemory, informers } from '../informers.ts'
import { klog } from '../klog.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { networkPolicies } from './network-policies.ts'

type NodeObject = Node & KubeObject
const configFile = '/etc/cni/net.d/10-kindnet.conflist'
const masqueradeChain = 'KIND-MASQ-AGENT'

/** How often routes are tried before the agent gives up, which ends in a restart by the kubelet. */
const attempts = 5

interface KindnetState {
  failures?: number
  /** The policies were known once, so that packets are judged. */
  enforcing?: boolean
  readonly known: InformerMemory
}

/**
 * kind's own network agent: writes the CNI configuration, routes to the other nodes' pods by their node address,
 * and masquerades what leaves the cluster. Follows kind's images/kindnetd.
 */
export const kindnetd: Daemon<KindnetState> = {
  kind: 'daemon',
  id: 'kindnet/kindnetd',
  usage: { cores: 0.001, bytes: 13 * MiB, secondsAtStart: 0.1, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => ({ known: {} }),
  run(context) {
    const log = klog(context)
    const timers = context.timers(() => attempt())
    const [host = '', port = '6443'] = (context.env['CONTROL_PLANE_ENDPOINT'] ?? '').split(':')
    const hostIp = context.env['HOST_IP'] ?? ''
    context.onSignal(() => context.exit(0))
    if (!context.resumed) {
      log('I', 'main.go:109', `connected to apiserver: https://${host}:${port}`)
      log('I', 'main.go:139', `hostIP = ${hostIp}`)
      context.log(`podIP = ${context.env['POD_IP']}`, 'stderr')
      log('I', 'main.go:148', 'setting mtu 1500 for CNI ')
      log('I', 'main.go:178', 'kindnetd IP family: "ipv4"')
      log('I', 'main.go:182', `noMask IPv4 subnets: [${context.env['POD_SUBNET']}]`)
    }
    const following = informers(context, {
      memory: context.state.known,
      followed: [
        { resource: 'nodes', type: '*v1.Node' },
        { resource: 'namespaces', type: '*v1.Namespace' },
        { resource: 'pods', type: '*v1.Pod' },
        { resource: 'networkpolicies.networking.k8s.io', type: '*v1.NetworkPolicy' },
      ],
      server: host ? { host, port: Number(port) } : undefined,
      listed: (resource) => resource !== 'nodes' || context.resumed || attempt(),
      synced: () => enforce(),
      failed: ({ what, type, message }) =>
        log(
          'E',
          'reflector.go:205',
          `"Failed to watch" err=${JSON.stringify(what === 'list' ? `failed to list ${type}: ${message}` : message)} type="${type}"`,
        ),
    })
    following.onChange<NodeObject>('nodes', ({ object, previous }) => {
      if (object.spec?.podCIDR !== previous?.spec?.podCIDR || addressOf(object) !== (previous && addressOf(previous))) attempt()
    })
    const enforce = networkPolicies(context, following, log)
    following.start()
    // After a restore without an API server it goes on from what it knew.
    if (context.resumed && context.state.enforcing && Object.values(context.state.known).every(({ stale }) => stale)) enforce()

    /** A node address that cannot be a gateway fails the whole round; the real agent tries five times, waiting longer each time, and panics. */
    function attempt(): void {
      timers.clear('retry')
      try {
        reconcile(context, following.cache, hostIp, (message) => log('I', 'main.go:301', message))
        context.state.failures = 0
      } catch (error) {
        if (!(error instanceof KernelError)) throw error
        const failures = (context.state.failures ?? 0) + 1
        context.state.failures = failures
        log('I', 'main.go:216', `Failed to reconcile routes, retrying after error: ${error.strerror.toLowerCase()}`)
        if (failures < attempts) {
          timers.set('retry', context.clock.now() + (failures - 1) * 1000)
        } else {
          context.log(`panic: Maximum retries reconciling node routes: ${error.strerror.toLowerCase()}`, 'stderr')
          context.exit(2)
        }
      }
    }
  },
}

function reconcile(context: DaemonContext<unknown>, api: InformerCache, hostIp: string, say: (message: string) => void): void {
  const subnet = context.env['POD_SUBNET'] ?? ''
  const { namespace, files } = context
  for (const node of api.list<NodeObject>('nodes')) {
    const address = addressOf(node)
    const cidr = node.spec?.podCIDR
    if (!address || !cidr) continue
    if (address === hostIp) {
      const config = configuration(cidr)
      if (!files.exists(configFile) || files.readText(configFile) !== config) {
        say('handling current node')
        files.write(configFile, config)
      }
    } else if (!namespace.routing.routes.some((route) => route.dst === cidr && route.via === address)) {
      say(`Handling node with IPs: map[${address}:{}]`)
      say(`Node ${node.metadata?.name} has CIDR [${cidr}] `)
      namespace.routing.add({ dst: cidr, via: address, protocol: 'boot' }, true)
    }
  }
  namespace.setSysctl('net.ipv4.ip_forward', '1')
  masquerade(context, subnet)
}

/** Traffic to pods keeps its source; anything else that leaves goes out under the node's address. */
function masquerade({ namespace: { netfilter } }: DaemonContext<unknown>, subnet: string): void {
  if (netfilter.chain('nat', masqueradeChain)) return
  netfilter.addChain('nat', masqueradeChain)
  const text = 'kind-masq-agent: local traffic is not subject to MASQUERADE'
  netfilter.setRules('nat', masqueradeChain, [
    { destination: subnet, matches: [{ match: 'comment', comment: text }], target: { target: 'RETURN' } },
    {
      matches: [{ match: 'comment', comment: 'kind-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)' }],
      target: { target: 'MASQUERADE' },
    },
  ])
  netfilter.append('nat', 'POSTROUTING', {
    matches: [
      { match: 'addrtype', dstType: 'LOCAL', invert: true },
      {
        match: 'comment',
        comment: 'kind-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom KIND-MASQ-AGENT chain',
      },
    ],
    target: { target: 'jump', chain: masqueradeChain },
  })
}

function configuration(cidr: string): string {
  const list = {
    cniVersion: '0.3.1',
    name: 'kindnet',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: { type: 'host-local', dataDir: '/run/cni-ipam-state', routes: [{ dst: '0.0.0.0/0' }], ranges: [[{ subnet: cidr }]] },
        mtu: 1500,
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
  return `${JSON.stringify(list, undefined, '\t')}\n`
}

function addressOf(node: NodeObject): string | undefined {
  return node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
}
