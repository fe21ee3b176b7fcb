import type { Api, StatusError } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { parseCidr } from '../../resources/addresses.ts'

/** Calico's own objects as its Kubernetes datastore keeps them (group crd.projectcalico.org). */
export const resources = {
  pools: 'ippools.crd.projectcalico.org',
  blocks: 'ipamblocks.crd.projectcalico.org',
  affinities: 'blockaffinities.crd.projectcalico.org',
  handles: 'ipamhandles.crd.projectcalico.org',
  cluster: 'clusterinformations.crd.projectcalico.org',
  felix: 'felixconfigurations.crd.projectcalico.org',
  policies: 'networkpolicies.crd.projectcalico.org',
  globalPolicies: 'globalnetworkpolicies.crd.projectcalico.org',
  networkSets: 'networksets.crd.projectcalico.org',
  globalNetworkSets: 'globalnetworksets.crd.projectcalico.org',
  tiers: 'tiers.crd.projectcalico.org',
  bgp: 'bgpconfigurations.crd.projectcalico.org',
  bgpPeers: 'bgppeers.crd.projectcalico.org',
} as const

const apiVersion = 'crd.projectcalico.org/v1'

export interface IPPool extends KubeObject {
  readonly spec: {
    readonly cidr: string
    readonly blockSize?: number
    readonly ipipMode?: 'Always' | 'CrossSubnet' | 'Never'
    readonly vxlanMode?: 'Always' | 'CrossSubnet' | 'Never'
    readonly natOutgoing?: boolean
    readonly disabled?: boolean
    readonly disableBGPExport?: boolean
    readonly nodeSelector?: string
    readonly allowedUses?: readonly string[]
  }
}

/** A block of addresses and who has each of them: an index into `attributes`, or null. */
export interface IPAMBlock extends KubeObject {
  readonly spec: {
    readonly cidr: string
    /** `host:NODE` */
    readonly affinity?: string
    readonly allocations: readonly (number | null)[]
    /** Ordinals in the order in which they will be given out. */
    readonly unallocated: readonly number[]
    readonly attributes: readonly { readonly handle_id: string; readonly secondary: Readonly<Record<string, string>> }[]
    readonly sequenceNumber: number
    readonly strictAffinity: boolean
    readonly deleted: boolean
  }
}

export interface BlockAffinity extends KubeObject {
  readonly spec: {
    readonly cidr: string
    readonly node: string
    readonly type: 'host'
    readonly state: 'confirmed' | 'pending'
    readonly deleted: 'false'
  }
}

export interface IPAMHandle extends KubeObject {
  readonly spec: { readonly handleID: string; readonly block: Readonly<Record<string, number>>; readonly deleted: boolean }
}

export interface ClusterInformation extends KubeObject {
  readonly spec: {
    readonly clusterGUID?: string
    readonly clusterType?: string
    readonly calicoVersion?: string
    readonly datastoreReady?: boolean
  }
}

export function calicoObject<T extends KubeObject>(kind: string, name: string, spec: T['spec']): T {
  return { apiVersion, kind, metadata: { name }, spec } as unknown as T
}

/** `10-244-166-128-26`: blocks are named by their address. */
export function blockName(cidr: string): string {
  return cidr.replace(/[./:]/g, '-')
}

/** A refusal of the API server in the words of Calico's client (libcalico-go/lib/backend/k8s/resources). */
export function refusal(error: StatusError): string {
  return error.code === 401 || error.code === 403 ? `connection is unauthorized: ${error.message}` : error.message
}

/** Pools from which addresses may be given out, in the order of names. */
export function enabledPools(api: Pick<Api, 'list'>): IPPool[] {
  return api
    .list<IPPool>(resources.pools)
    .filter((pool) => isUsable(pool) && !pool.spec.disabled)
    .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
}

/** A definition lets through what Calico's own API would not: what is no IPv4 pool is passed over, as by upstream's validation. */
export function isUsable({ spec }: IPPool): boolean {
  const { blockSize = 26 } = spec
  return parseCidr(spec.cidr)?.family === 'IPv4' && blockSize >= 20 && blockSize <= 32
}
