import type { FlowEvent } from '../datapath/events.ts'

/** The agent's own API (`/var/run/cilium/cilium.sock`), as far as the CNI plugin and `cilium-dbg` use it. */
export const socketPath = '/var/run/cilium/cilium.sock'
/** Hubble's, within the agent. */
export const hubblePath = '/var/run/cilium/hubble.sock'

export type Request =
  | { readonly ask: 'config' }
  | { readonly ask: 'allocate'; readonly owner: string }
  | { readonly ask: 'release'; readonly address: string }
  | {
      readonly ask: 'create-endpoint'
      readonly containerId: string
      readonly namespace: string
      readonly pod: string
      readonly address: string
      readonly link: string
      readonly mac: string
      readonly nodeMac: string
    }
  | { readonly ask: 'delete-endpoint'; readonly containerId: string }
  | { readonly ask: Question }

/** What `cilium-dbg` asks. */
export type Question = 'endpoints' | 'identities' | 'services' | 'policy' | 'status' | 'node-list'

export type Answer<T> = { readonly ok: T } | { readonly error: string }

export interface DatapathSettings {
  readonly router: string
  readonly deviceMtu: number
  readonly routeMtu: number
}

export interface EndpointReport {
  readonly id: number
  readonly identity: number
  readonly labels: readonly string[]
  readonly ipv4: string
  readonly enforcing: Readonly<Record<'ingress' | 'egress', boolean>>
}

export interface ServiceReport {
  readonly id: number
  readonly frontend: string
  readonly type: string
  readonly backends: readonly string[]
}

export interface StatusReport {
  readonly device: string
  readonly nodeAddress: string
  readonly podCidr: string
  readonly allocated: readonly { readonly address: string; readonly owner: string }[]
  readonly kubernetes: string
  readonly hubble: boolean
  readonly router: string
  readonly flows: number
  readonly controllers: number
}

/** A flow with its ends' names: pods by `namespace/name`, others by address; labels as Hubble writes them, `ID:1234` or `host`. */
export interface NamedFlow extends FlowEvent {
  readonly sourceName: string
  readonly destinationName: string
  readonly sourceLabel: string
  readonly destinationLabel: string
}
