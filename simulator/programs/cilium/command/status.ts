import { versions } from '../../../bootstrap/spec.ts'
import type { StatusReport } from '../agent/requests.ts'
import { ciliumBuild, ciliumVersion } from '../version.ts'

const apis = [
  'EndpointSliceOrEndpoint',
  'cilium/v2::CiliumClusterwideNetworkPolicy',
  'cilium/v2::CiliumEndpoint',
  'cilium/v2::CiliumNetworkPolicy',
  'cilium/v2::CiliumNode',
  'core/v1::Pods',
  'networking.k8s.io/v1::NetworkPolicy',
]

/** What `cilium-dbg status` says of an agent (pkg/client, FormatStatusResponse), a row a line. */
export function statusLines(report: StatusReport, addresses: boolean): string[][] {
  const { kubernetes, device, nodeAddress, podCidr, allocated, hubble, router, flows, controllers } = report
  const version = versions.kubernetes
  const short = version.slice(1).split('.').slice(0, 2).join('.')
  const kubernetesText = kubernetes === 'Ok' ? `${short} (${version}) [linux/amd64]` : 'connection to the API server is lost'
  return [
    ['KVStore:', 'Disabled', ''],
    ['Kubernetes:', kubernetes, kubernetesText],
    ['Kubernetes APIs:', `["${apis.join('", "')}"]`],
    ['KubeProxyReplacement:', `True   [${device}   ${nodeAddress} (Direct Routing)]`],
    ['Host firewall:', 'Disabled'],
    ['SRv6:', 'Disabled'],
    ['CNI Chaining:', 'none'],
    ['CNI Config file:', 'successfully wrote CNI configuration file to /host/etc/cni/net.d/05-cilium.conflist'],
    ['Cilium:', `Ok   ${ciliumVersion} (${ciliumBuild})`],
    ['NodeMonitor:', 'Listening for events on 2 CPUs with 64x4096 of shared memory'],
    ['IPAM:', `IPv4: ${allocated.length}/254 allocated from ${podCidr},`],
    ...(addresses ? [['Allocated addresses:'], ...allocated.map(({ address, owner }) => [`  ${address} (${owner})`])] : []),
    ['IPv4 BIG TCP:', 'Disabled'],
    ['IPv6 BIG TCP:', 'Disabled'],
    ['BandwidthManager:', 'Disabled'],
    ['Routing:', 'Network: Tunnel [vxlan]   Host: Legacy'],
    ['Attach Mode:', 'TCX'],
    ['Device Mode:', 'veth'],
    ['Masquerading:', 'IPTables [IPv4: Enabled, IPv6: Disabled]'],
    ['Controller Status:', `${controllers}/${controllers} healthy`],
    ['Proxy Status:', `OK, ip ${router}, 0 redirects active on ports 10000-20000, Envoy: embedded`],
    ['Global Identity Range:', 'min 256, max 65535'],
    hubble
      ? ['Hubble:', 'Ok', `Current/Max Flows: ${flows}/255 (${((flows / 255) * 100).toFixed(2)}%)   Metrics: Disabled`]
      : ['Hubble:', 'Disabled'],
    ['Encryption:', 'Disabled', ''],
  ]
}
