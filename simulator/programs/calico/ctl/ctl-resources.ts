import type { Node, Pod } from 'kubernetes-types/core/v1'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1'
import type { KubeObject, ResourceName } from '../../../kubernetes.ts'
import type { BgpConfiguration, BgpPeer } from '../bird/peers.ts'
import { type IPPool, resources } from '../datastore.ts'
import { vethName } from '../names.ts'
import { tierOf } from '../policies/calico-policy.ts'
import type { CalicoPolicyObject, NetworkSetObject, TierObject } from '../policies/policy-objects.ts'
import type { Datastore } from './connection.ts'

type Spec = Record<string, any>
export type Shown = KubeObject & { spec: Spec }

/** A kind as calicoctl shows it (calicoctl/resourcemgr): its names, its columns, and how its objects are made of what is stored. */
export interface CtlResource {
  readonly kind: string
  readonly names: readonly string[]
  readonly namespaced: boolean
  readonly columns: readonly string[]
  readonly wide: readonly string[]
  cells(object: Shown, asNumber: string): Readonly<Record<string, string>>
  list(datastore: Datastore, namespace: string | undefined): Promise<Shown[]>
}

const nameOf = ({ metadata }: KubeObject) => metadata?.name ?? ''
const said = (value: unknown) => (value === undefined ? '<nil>' : goNumber(value))

/** Go's %v of a float64: from a million on with an exponent. */
function goNumber(value: unknown): string {
  if (typeof value !== 'number' || Math.abs(value) < 1e6) return String(value)
  return value.toExponential().replace(/e\+(\d)$/, 'e+0$1')
}

/** In v3's form: what Kubernetes alone needs is left out. */
function v3(kind: string, object: KubeObject, spec: unknown, name = nameOf(object)): Shown {
  const { namespace, uid, resourceVersion, creationTimestamp, labels, annotations } = object.metadata ?? {}
  const kept = Object.fromEntries(
    Object.entries(annotations ?? {}).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration'),
  )
  const metadata = {
    ...(Object.keys(kept).length > 0 && { annotations: kept }),
    creationTimestamp: creationTimestamp ?? null,
    ...(labels && { labels }),
    name,
    ...(namespace !== undefined && { namespace }),
    resourceVersion,
    uid,
  }
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: metadata as never, spec: (spec ?? {}) as Spec }
}

function stored(kind: string, resource: ResourceName, adapt: (object: Shown) => Shown = (object) => object): CtlResource['list'] {
  return async (datastore, namespace) =>
    (await datastore.list(resource, namespace)).map((object) => adapt(v3(kind, object, object['spec'])))
}

/** The default tier is not in the name that people see. */
function policy(object: Shown): Shown {
  const { spec } = object as CalicoPolicyObject & Shown
  const name = nameOf(object)
  return { ...object, metadata: { ...object.metadata, name: name.replace(/^default\./, '') }, spec: { ...spec, tier: tierOf(name) } }
}

const policyCells = (object: Shown) => ({
  NAME: nameOf(object),
  NAMESPACE: object.metadata?.namespace ?? '',
  TIER: object.spec['tier'],
  ORDER: said(object.spec['order']),
  SELECTOR: object.spec['selector'] ?? '',
})
const netsCells = (object: Shown & NetworkSetObject) => ({
  NAME: nameOf(object),
  NAMESPACE: object.metadata?.namespace ?? '',
  NETS: truncated((object.spec['nets'] as string[] | undefined)?.join(',') ?? ''),
})

function truncated(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

export const ctlResources: readonly CtlResource[] = [
  {
    kind: 'Node',
    names: ['node', 'nodes', 'no', 'nos'],
    namespaced: false,
    columns: ['NAME'],
    wide: ['NAME', 'ASN', 'IPV4', 'IPV6'],
    cells: (object, asNumber) => {
      const { bgp } = object.spec
      return {
        NAME: nameOf(object),
        ASN: bgp ? (bgp.asNumber ? String(bgp.asNumber) : `(${asNumber})`) : '',
        IPV4: bgp?.ipv4Address ?? '',
        IPV6: '',
      }
    },
    list: async (datastore) => (await datastore.list<Node & KubeObject>('nodes')).map(nodeOf),
  },
  {
    kind: 'IPPool',
    names: ['ippool', 'ippools', 'ipp', 'ipps', 'pool', 'pools'],
    namespaced: false,
    columns: ['NAME', 'CIDR', 'SELECTOR'],
    wide: ['NAME', 'CIDR', 'NAT', 'IPIPMODE', 'VXLANMODE', 'DISABLED', 'DISABLEBGPEXPORT', 'SELECTOR', 'ASSIGNMENTMODE'],
    cells: (object) => {
      const { cidr, natOutgoing, ipipMode, vxlanMode, disabled, disableBGPExport, nodeSelector, assignmentMode } = object.spec
      return {
        NAME: nameOf(object),
        CIDR: cidr,
        NAT: String(natOutgoing ?? false),
        IPIPMODE: ipipMode || 'Never',
        VXLANMODE: vxlanMode || 'Never',
        DISABLED: String(disabled ?? false),
        DISABLEBGPEXPORT: String(disableBGPExport ?? false),
        SELECTOR: nodeSelector ?? '',
        ASSIGNMENTMODE: assignmentMode ?? 'Automatic',
      }
    },
    list: stored('IPPool', resources.pools, (object) => {
      const spec = object.spec as Partial<IPPool['spec']>
      return { ...object, spec: { allowedUses: ['Workload', 'Tunnel'], assignmentMode: 'Automatic', ...spec } }
    }),
  },
  {
    kind: 'WorkloadEndpoint',
    names: ['workloadendpoint', 'workloadendpoints', 'wep', 'weps'],
    namespaced: true,
    columns: ['WORKLOAD', 'NODE', 'NETWORKS', 'INTERFACE'],
    wide: ['NAME', 'WORKLOAD', 'NODE', 'NETWORKS', 'INTERFACE', 'PROFILES', 'NATS'],
    cells: (object) => ({
      NAME: nameOf(object),
      NAMESPACE: object.metadata?.namespace ?? '',
      WORKLOAD: object.spec['pod'],
      NODE: object.spec['node'],
      NETWORKS: object.spec['ipNetworks'].join(','),
      INTERFACE: object.spec['interfaceName'],
      PROFILES: object.spec['profiles'].join(','),
      NATS: '',
    }),
    list: async (datastore, namespace) => (await datastore.list<Pod & KubeObject>('pods', namespace)).flatMap(endpointOf),
  },
  {
    kind: 'NetworkPolicy',
    names: ['networkpolicy', 'networkpolicies', 'policy', 'np', 'policies', 'pol', 'pols'],
    namespaced: true,
    columns: ['NAME', 'TIER'],
    wide: ['NAME', 'TIER', 'ORDER', 'SELECTOR'],
    cells: policyCells,
    async list(datastore, namespace) {
      const own = await stored('NetworkPolicy', resources.policies, policy)(datastore, namespace)
      const kubernetes = await datastore.list<NetworkPolicy & KubeObject>('networkpolicies.networking.k8s.io', namespace)
      return [...own, ...kubernetes.map(kubernetesPolicy)]
    },
  },
  {
    kind: 'GlobalNetworkPolicy',
    names: ['globalnetworkpolicy', 'globalnetworkpolicies', 'gnp', 'gnps'],
    namespaced: false,
    columns: ['NAME', 'TIER'],
    wide: ['NAME', 'TIER', 'ORDER', 'SELECTOR'],
    cells: policyCells,
    list: stored('GlobalNetworkPolicy', resources.globalPolicies, policy),
  },
  {
    kind: 'Tier',
    names: ['tier', 'tiers'],
    namespaced: false,
    columns: ['NAME', 'ORDER'],
    wide: ['NAME', 'ORDER'],
    cells: (object: Shown & TierObject) => ({ NAME: nameOf(object), ORDER: said(object.spec['order']) }),
    list: stored('Tier', resources.tiers),
  },
  {
    kind: 'GlobalNetworkSet',
    names: ['globalnetworkset', 'globalnetworksets', 'gnetsets'],
    namespaced: false,
    columns: ['NAME'],
    wide: ['NAME', 'NETS'],
    cells: netsCells,
    list: stored('GlobalNetworkSet', resources.globalNetworkSets),
  },
  {
    kind: 'NetworkSet',
    names: ['networkset', 'networksets', 'netsets'],
    namespaced: true,
    columns: ['NAME'],
    wide: ['NAME', 'NETS'],
    cells: netsCells,
    list: stored('NetworkSet', resources.networkSets),
  },
  {
    kind: 'BGPPeer',
    names: ['bgppeer', 'bgppeers', 'bgpp', 'bgpps', 'bp', 'bps'],
    namespaced: false,
    columns: ['NAME', 'PEERIP', 'NODE', 'ASN'],
    wide: ['NAME', 'PEERIP', 'NODE', 'ASN'],
    cells: (object) => {
      const { peerIP = '', node, nodeSelector, asNumber } = object.spec as NonNullable<BgpPeer['spec']>
      return { NAME: nameOf(object), PEERIP: peerIP, NODE: node || nodeSelector || '(global)', ASN: String(asNumber ?? 0) }
    },
    list: stored('BGPPeer', resources.bgpPeers),
  },
  {
    kind: 'BGPConfiguration',
    names: ['bgpconfiguration', 'bgpconfigurations', 'bgpconfig', 'bgpconfigs'],
    namespaced: false,
    columns: ['NAME', 'LOGSEVERITY', 'MESHENABLED', 'ASNUMBER'],
    wide: ['NAME', 'LOGSEVERITY', 'MESHENABLED', 'ASNUMBER'],
    cells: (object) => {
      const { asNumber, nodeToNodeMeshEnabled: mesh } = object.spec as NonNullable<BgpConfiguration['spec']>
      return {
        NAME: nameOf(object),
        LOGSEVERITY: object.spec['logSeverityScreen'] ?? '',
        MESHENABLED: String(mesh ?? '-'),
        ASNUMBER: String(asNumber ?? '-'),
      }
    },
    list: stored('BGPConfiguration', resources.bgp),
  },
  {
    kind: 'FelixConfiguration',
    names: ['felixconfiguration', 'felixconfigurations', 'felixconfig', 'felixconfigs'],
    namespaced: false,
    columns: ['NAME'],
    wide: ['NAME'],
    cells: (object) => ({ NAME: nameOf(object) }),
    list: stored('FelixConfiguration', resources.felix),
  },
]

/** A node as Calico sees it, from the annotations that its calico-node writes. */
function nodeOf(object: Node & KubeObject): Shown {
  const note = (key: string) => object.metadata?.annotations?.[`projectcalico.org/${key}`]
  const ipv4Address = note('IPv4Address')
  const internal = (object.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP')
  const bgp = {
    ...(note('ASNumber') && { asNumber: Number(note('ASNumber')) }),
    ...(ipv4Address && { ipv4Address }),
    ...(note('IPv4IPIPTunnelAddr') && { ipv4IPIPTunnelAddr: note('IPv4IPIPTunnelAddr') }),
  }
  const shown = v3('Node', object, {
    addresses: [
      ...(ipv4Address ? [{ address: ipv4Address, type: 'CalicoNodeIP' }] : []),
      ...internal.map(({ address, type }) => ({ address, type })),
    ],
    ...(Object.keys(bgp).length > 0 && { bgp }),
    ...(note('IPv4VXLANTunnelAddr') && { ipv4VXLANTunnelAddr: note('IPv4VXLANTunnelAddr') }),
    orchRefs: [{ nodeName: nameOf(object), orchestrator: 'k8s' }],
  })
  return { ...shown, status: object.spec?.podCIDRs ? { podCIDRs: object.spec.podCIDRs } : {} } as Shown
}

/** Pods with an address of their own; none for those on the host's network. */
function endpointOf(object: Pod & KubeObject): Shown[] {
  const { metadata, spec, status } = object
  const address = metadata?.annotations?.['cni.projectcalico.org/podIP'] || (status?.podIP ? `${status.podIP}/32` : '')
  if (spec?.hostNetwork || !spec?.nodeName || !address || status?.phase === 'Succeeded' || status?.phase === 'Failed') return []
  const { name = '', namespace = '' } = metadata ?? {}
  const account = spec.serviceAccountName ?? 'default'
  const dashed = (text: string) => text.replaceAll('-', '--')
  const labels = {
    ...metadata?.labels,
    'projectcalico.org/namespace': namespace,
    'projectcalico.org/orchestrator': 'k8s',
    'projectcalico.org/serviceaccount': account,
  }
  const shown = v3('WorkloadEndpoint', { metadata: { ...metadata, labels, annotations: {} } } as KubeObject, {
    containerID: metadata?.annotations?.['cni.projectcalico.org/containerID'],
    endpoint: 'eth0',
    interfaceName: vethName(namespace, name),
    ipNetworks: [address],
    node: spec.nodeName,
    orchestrator: 'k8s',
    pod: name,
    profiles: [`kns.${namespace}`, `ksa.${namespace}.${account}`],
    serviceAccountName: account,
  })
  return [{ ...shown, metadata: { ...shown.metadata, name: `${dashed(spec.nodeName)}-k8s-${dashed(name)}-eth0` } }]
}

/** A Kubernetes policy among Calico's, as far as its columns go. */
function kubernetesPolicy(object: NetworkPolicy & KubeObject): Shown {
  const { podSelector, policyTypes } = object.spec ?? { podSelector: {} }
  const terms = Object.entries(podSelector?.matchLabels ?? {}).map(([key, value]) => `${key} == '${value}'`)
  const selector = ["projectcalico.org/orchestrator == 'k8s'", ...terms].join(' && ')
  return v3(
    'NetworkPolicy',
    object,
    { order: 1000, selector, tier: 'default', types: policyTypes ?? ['Ingress'] },
    `knp.default.${nameOf(object)}`,
  )
}
