import type { Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../kubernetes.ts'
import type { PolicyProtocol } from './policy.ts'

/** A pod as far as policies can tell. */
export interface PolicyPod {
  /** `namespace/name` */
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Its own addresses; none for a pod on the host's network, which policies see as its node. */
  readonly addresses: readonly string[]
  readonly node: string
  readonly account: string
  readonly namedPorts: readonly { readonly name: string; readonly port: number; readonly protocol: PolicyProtocol }[]
}

const noLabels: Readonly<Record<string, string>> = {}
const nothing: readonly never[] = []

/** Undefined for a pod that policies cannot concern: on the host's network, without an address yet, or at its end. */
export function policyPod(pod: KubeObject & Pod): PolicyPod | undefined {
  const { metadata, spec, status } = pod
  if (spec?.hostNetwork || status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined
  const addresses = addressesOf(pod)
  if (addresses.length === 0) return undefined
  const namedPorts = (spec?.containers ?? []).flatMap(({ ports }) =>
    (ports ?? []).flatMap(({ name, containerPort, protocol }) =>
      name ? [{ name, port: containerPort, protocol: (protocol ?? 'TCP') as PolicyProtocol }] : [],
    ),
  )
  return {
    key: `${metadata?.namespace}/${metadata?.name}`,
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    labels: metadata?.labels ?? noLabels,
    addresses,
    node: spec?.nodeName ?? '',
    account: spec?.serviceAccountName ?? 'default',
    namedPorts: namedPorts.length > 0 ? namedPorts : nothing,
  }
}

/** Calico's plugin notes the address before the kubelet reports it, and an empty one once the pod has lost it. */
function addressesOf({ metadata, status }: Pod): readonly string[] {
  const noted = metadata?.annotations?.['cni.projectcalico.org/podIP']
  if (metadata?.deletionTimestamp && noted === '') return nothing
  if (status?.podIPs?.length) return status.podIPs.map(({ ip }) => ip ?? '')
  if (status?.podIP) return [status.podIP]
  return noted ? [noted.split('/')[0]!] : nothing
}

/** Whether nothing that policies look at differs. */
export function samePolicyPod(a: PolicyPod, b: PolicyPod): boolean {
  return (
    a.node === b.node &&
    a.account === b.account &&
    a.addresses.length === b.addresses.length &&
    a.addresses.every((address, index) => address === b.addresses[index]) &&
    sameLabels(a.labels, b.labels) &&
    a.namedPorts.length === b.namedPorts.length &&
    a.namedPorts.every((port, index) => {
      const other = b.namedPorts[index]!
      return port.name === other.name && port.port === other.port && port.protocol === other.protocol
    })
  )
}

export function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  if (a === b) return true
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
