import type { KubeObject } from '../../../kubernetes.ts'

type IntOrText = number | string

export interface EntityObject {
  readonly selector?: string
  readonly namespaceSelector?: string
  readonly notSelector?: string
  readonly serviceAccounts?: { readonly names?: readonly string[]; readonly selector?: string }
  readonly nets?: readonly string[]
  readonly notNets?: readonly string[]
  readonly ports?: readonly IntOrText[]
  readonly notPorts?: readonly IntOrText[]
  readonly services?: object
}

export interface IcmpObject {
  readonly type?: number
  readonly code?: number
}

export interface RuleObject {
  readonly action: string
  readonly ipVersion?: number
  readonly protocol?: IntOrText
  readonly notProtocol?: IntOrText
  readonly icmp?: IcmpObject
  readonly notICMP?: IcmpObject
  readonly source?: EntityObject
  readonly destination?: EntityObject
  readonly http?: object
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> }
}

/** A NetworkPolicy or GlobalNetworkPolicy of crd.projectcalico.org. */
export interface CalicoPolicyObject extends KubeObject {
  readonly spec?: {
    readonly order?: number
    readonly selector?: string
    readonly namespaceSelector?: string
    readonly serviceAccountSelector?: string
    readonly types?: readonly string[]
    readonly ingress?: readonly RuleObject[]
    readonly egress?: readonly RuleObject[]
    readonly doNotTrack?: boolean
    readonly preDNAT?: boolean
  }
}

export interface TierObject extends KubeObject {
  readonly spec?: { readonly order?: number; readonly defaultAction?: 'Deny' | 'Pass' }
}

export interface NetworkSetObject extends KubeObject {
  readonly spec?: { readonly nets?: readonly string[] }
}
