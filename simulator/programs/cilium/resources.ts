import type { KubeObject } from '../../kubernetes.ts'
import type { SecurityLabels } from './policy/labels.ts'

/** Cilium's own kinds as the API names them. */
export const resources = {
  endpoints: 'ciliumendpoints.cilium.io',
  identities: 'ciliumidentities.cilium.io',
  nodes: 'ciliumnodes.cilium.io',
  policies: 'ciliumnetworkpolicies.cilium.io',
  clusterwidePolicies: 'ciliumclusterwidenetworkpolicies.cilium.io',
  definitions: 'customresourcedefinitions.apiextensions.k8s.io',
} as const

export const apiVersion = 'cilium.io/v2'

export interface CiliumIdentity extends KubeObject {
  readonly 'security-labels': SecurityLabels
}

export interface CiliumEndpoint extends KubeObject {
  readonly status?: {
    readonly id: number
    readonly identity?: { readonly id: number; readonly labels: readonly string[] }
    readonly networking?: { readonly addressing: readonly { readonly ipv4?: string }[]; readonly node?: string }
    readonly 'named-ports'?: readonly { readonly name: string; readonly port: number; readonly protocol: string }[]
  }
}

export interface CiliumNode extends KubeObject {
  readonly spec: {
    readonly addresses: readonly { readonly type: string; readonly ip: string }[]
    readonly ipam: { readonly podCIDRs?: readonly string[] }
  }
}

export function addressOf(node: CiliumNode, type: 'InternalIP' | 'CiliumInternalIP'): string | undefined {
  return node.spec.addresses.find((address) => address.type === type)?.ip
}
