import type { Api } from '../../../apiserver/api.ts'
import { StatusError } from '../../../apiserver/api.ts'
import { timestamp } from '../../../kubernetes.ts'
import type { NetworkNamespace } from '../../../network/namespace.ts'
import { parseCidr } from '../../../resources/addresses.ts'
import type { DaemonContext } from '../../process.ts'
import { type ClusterInformation, calicoObject, type IPPool, isUsable, refusal, resources } from '../datastore.ts'
import { tunnelsOf } from '../felix/tunnels.ts'
import { assignAddress, releaseHandle } from '../ipam.ts'
import { calicoLine } from '../log.ts'

export const calicoVersion = 'v3.30.4'
const defaultPool = 'default-ipv4-ippool'

/**
 * What calico-node does before Felix runs: the node's own address, the default pool and the cluster's information where there are none, a
 * tunnel address of the pool, and the files by which the CNI plugin knows that the node is ready (node/pkg/lifecycle/startup,
 * node/pkg/allocateip). Returns false, and has said why, where the process must end.
 */
export function startUp(context: DaemonContext<unknown>, api: Api, node: string): boolean {
  const { env, namespace } = context
  const say = (severity: 'INFO' | 'WARNING' | 'ERROR', source: string, message: string) =>
    context.log(calicoLine(context.clock.now(), severity, 9, source, message))
  /** What it asks of the datastore, for the case that this is refused. */
  let asking = { source: 'startup/startup.go 161', sentence: 'Unable to query node configuration' }
  try {
    say('INFO', 'startup/startup.go 105', 'Datastore is ready')
    const known = api.get('nodes', undefined, node).metadata?.annotations ?? {}
    // Where something else carries the packets, nobody asks Calico for the node's address, nor whether its network is up.
    const networking = env['CALICO_NETWORKING_BACKEND'] !== 'none'
    const address = networking ? ownAddress(namespace, known, say) : undefined
    if (networking && address === undefined) return false
    asking = { source: 'startup/startup.go 876', sentence: 'Unable to fetch IP pool list' }
    if (!ensurePool(api, env, say)) return false
    asking = { source: 'startup/startup.go 204', sentence: 'Unable to ensure datastore is migrated and configured' }
    ensureObjects(context, api)
    const pools = api.list<IPPool>(resources.pools).filter(isUsable)
    asking = { source: 'tunnel-ip-allocator/allocateip.go 380', sentence: 'Unable to autoassign an address for tunnel' }
    const tunnel = tunnelAddress(context, api, node, pools, known)
    asking = { source: 'startup/startup.go 201', sentence: 'Unable to set node resource configuration' }
    api.patch(
      'nodes',
      undefined,
      node,
      { metadata: { annotations: { ...(address === undefined ? {} : { 'projectcalico.org/IPv4Address': address }), ...tunnel } } },
      { type: 'merge', subresource: 'status' },
    )
    if (networking) {
      const conditions = [networkAvailable(context.clock.now())]
      api.patch('nodes', undefined, node, { status: { conditions } }, { type: 'strategic', subresource: 'status' })
    }
    say('INFO', 'startup/startup.go 213', `Using node name: ${node}`)
    const { vxlan, ipip } = tunnelsOf(pools)
    const outer = namespace.link('eth0')?.mtu ?? 1500
    context.files.write('/var/lib/calico/nodename', node)
    context.files.write('/var/lib/calico/mtu', String(vxlan ? outer - 50 : ipip ? outer - 20 : outer))
    return true
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    say('ERROR', asking.source, `${asking.sentence} error=${refusal(error)}`)
    return false
  }
}

/** With its length; undefined, and it has said why, where there is none. */
function ownAddress(namespace: NetworkNamespace, known: Readonly<Record<string, string>>, say: Say): string | undefined {
  const own = namespace.link('eth0')?.addresses[0]
  if (!own) {
    say(
      'WARNING',
      'startup/startup.go 517',
      'Unable to auto-detect an IPv4 address using interface regexes []: no valid host interfaces found',
    )
    say('ERROR', 'startup/startup.go 281', 'No IPv4 or IPv6 addresses configured or detected, required for Calico networking')
    return undefined
  }
  const address = `${own.address}/${own.length}`
  say('INFO', 'startup/startup.go 495', 'Initialize BGP data')
  say('INFO', 'startup/autodetection_methods.go 103', `Using autodetected IPv4 address on interface eth0: ${address}`)
  if (known['projectcalico.org/IPv4Address'] !== address)
    say('INFO', 'startup/startup.go 571', 'Node IPv4 changed, will check for conflicts')
  say('INFO', 'startup/startup.go 718', 'No AS number configured on node resource, using global value')
  return address
}

function networkAvailable(now: number) {
  return {
    type: 'NetworkUnavailable',
    status: 'False',
    reason: 'CalicoIsUp',
    message: 'Calico is running on this node',
    lastTransitionTime: timestamp(now),
    lastHeartbeatTime: timestamp(now),
  }
}

type Say = (severity: 'INFO' | 'WARNING' | 'ERROR', source: string, message: string) => void

/** False, and has said why, where the pool cannot be. */
function ensurePool(api: Api, env: Readonly<Record<string, string>>, say: Say): boolean {
  if (env['NO_DEFAULT_POOLS'] === 'true') {
    say('INFO', 'startup/startup.go 753', 'Skipping IP pool configuration')
    return true
  }
  const cidr = env['CALICO_IPV4POOL_CIDR'] || '192.168.0.0/16'
  if (parseCidr(cidr)?.family !== 'IPv4') {
    say('ERROR', 'startup/startup.go 838', `Invalid CIDR specified in CALICO_IPV4POOL_CIDR '${cidr}'`)
    return false
  }
  if (api.list<IPPool>(resources.pools).some(({ spec }) => parseCidr(spec.cidr)?.family === 'IPv4')) return true
  const [ipipMode, vxlanMode] = [mode(env['CALICO_IPV4POOL_IPIP']), mode(env['CALICO_IPV4POOL_VXLAN'])]
  const natOutgoing = env['CALICO_IPV4POOL_NAT_OUTGOING'] !== 'false'
  if (!env['CALICO_IPV4POOL_CIDR']) say('INFO', 'startup/startup.go 834', `Selected default IP pool is '${cidr}'`)
  say(
    'INFO',
    'startup/startup.go 964',
    `Ensure default IPv4 pool is created. IPIP mode: ${ipipMode}, VXLAN mode: ${vxlanMode}, DisableBGPExport: false`,
  )
  const pool = calicoObject<IPPool>('IPPool', defaultPool, {
    allowedUses: ['Workload', 'Tunnel'],
    blockSize: Number(env['CALICO_IPV4POOL_BLOCK_SIZE'] ?? 26),
    cidr,
    ipipMode,
    natOutgoing,
    nodeSelector: 'all()',
    vxlanMode,
  })
  try {
    api.create<IPPool>(resources.pools, pool)
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    say('ERROR', 'startup/startup.go 970', `Failed to create default IPv4 IP pool: ${cidr} error=${refusal(error)}`)
    return false
  }
  say(
    'INFO',
    'startup/startup.go 974',
    `Created default IPv4 pool (${cidr}) with NAT outgoing ${natOutgoing}. IPIP mode: ${ipipMode}, VXLAN mode: ${vxlanMode}, DisableBGPExport: false`,
  )
  return true
}

function mode(text = ''): 'Always' | 'CrossSubnet' | 'Never' {
  const plain = text.toLowerCase().replace('-', '')
  return plain === 'always' ? 'Always' : plain === 'crosssubnet' ? 'CrossSubnet' : 'Never'
}

/** Tiers that are always there: Calico's own policies and Kubernetes', and those around them for AdminNetworkPolicies. */
const standingTiers = [
  ['default', 1_000_000, 'Deny'],
  ['adminnetworkpolicy', 1000, 'Pass'],
  ['baselineadminnetworkpolicy', 10_000_000, 'Pass'],
] as const

function ensureObjects({ env, random }: DaemonContext<unknown>, api: Api): void {
  if (!api.find(resources.cluster, undefined, 'default')) {
    api.create<ClusterInformation>(
      resources.cluster,
      calicoObject('ClusterInformation', 'default', {
        calicoVersion,
        clusterGUID: random.hex(32),
        clusterType: `${env['CLUSTER_TYPE'] ?? 'k8s'},kdd`,
        datastoreReady: true,
      }),
    )
  }
  for (const [name, order, defaultAction] of standingTiers) {
    if (!api.find(resources.tiers, undefined, name)) api.create(resources.tiers, calicoObject('Tier', name, { order, defaultAction }))
  }
  if (!api.find(resources.felix, undefined, 'default')) {
    api.create(
      resources.felix,
      calicoObject('FelixConfiguration', 'default', {
        bpfConnectTimeLoadBalancing: 'TCP',
        bpfHostNetworkedNATWithoutCTLB: 'Enabled',
        floatingIPs: 'Disabled',
        logSeverityScreen: 'Info',
        reportingInterval: '0s',
      }),
    )
  }
}

/** The address of this node's end of the tunnel, from the pool, as an annotation that tells the others. */
function tunnelAddress(
  context: DaemonContext<unknown>,
  api: Api,
  node: string,
  pools: readonly IPPool[],
  known: Readonly<Record<string, string>>,
): Record<string, string | null> {
  const tunnels = tunnelsOf(pools)
  const annotations: Record<string, string | null> = {}
  for (const [kind, wanted, annotation] of [
    ['vxlan', tunnels.vxlan, 'projectcalico.org/IPv4VXLANTunnelAddr'],
    ['ipip', tunnels.ipip, 'projectcalico.org/IPv4IPIPTunnelAddr'],
  ] as const) {
    const handle = `${kind}-tunnel-addr-${node}`
    if (!wanted) {
      if (known[annotation]) {
        releaseHandle(api, handle)
        annotations[annotation] = null
      }
      continue
    }
    if (known[annotation]) continue
    const address = assignAddress(api, { node, handle, attributes: { node, type: `${kind}TunnelAddress` } })
    annotations[annotation] = address
    context.log(
      calicoLine(
        context.clock.now(),
        'INFO',
        15,
        'tunnel-ip-allocator/allocateip.go 338',
        `Assigned tunnel address to node. IP="${address}" type="${kind}TunnelAddress"`,
      ),
    )
  }
  return annotations
}
