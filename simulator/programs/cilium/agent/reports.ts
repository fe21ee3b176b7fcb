import type { BpfMaps } from '../../../network/bpf.ts'
import type { InformerCache } from '../../informers.ts'
import { ringOf } from '../datapath/events.ts'
import { mapsOf } from '../datapath/maps.ts'
import { labelTexts } from '../policy/labels.ts'
import { addressOf, type CiliumNode, resources } from '../resources.ts'
import { identityLabels, rulesOf } from './cluster-view.ts'
import type { NodeNetwork } from './devices.ts'
import type { Endpoint } from './endpoint.ts'
import type { EndpointReport, Question, ServiceReport, StatusReport } from './requests.ts'

/** What an agent can tell of itself. */
export interface Reported {
  readonly cache: InformerCache
  readonly kernel: BpfMaps
  readonly network: NodeNetwork
  readonly nodeAddress: string
  readonly blocks: ReadonlyMap<string, number>
  readonly endpoints: readonly Endpoint[]
  /** Owners by address. */
  readonly addresses: ReadonlyMap<string, string>
  readonly connected: boolean
  readonly hubble: boolean
}

/** The agent's answer to a question of `cilium-dbg`. */
export function report(question: Question, reported: Reported): unknown {
  const { cache, kernel, nodeAddress, blocks, endpoints } = reported
  switch (question) {
    case 'endpoints':
      return endpoints.map((endpoint) => endpointReport(endpoint, reported))
    case 'identities':
      return [...identityLabels(cache, nodeAddress, blocks)].map(([id, labels]) => ({ id, labels: labelTexts(labels) }))
    case 'services':
      return [...mapsOf(kernel).services.entries()].map(([front, { id, type, backends }]): ServiceReport => {
        const [protocol = '', address = ''] = front.split(' ')
        const shown = (text: string) => `${text}/${protocol.toUpperCase()}`
        return { id, frontend: shown(address), type, backends: backends.map((one) => shown(`${one.address}:${one.port}`)) }
      })
    case 'policy':
      return rulesOf(cache, () => {})
    case 'status':
      return status(reported)
    case 'node-list':
      return cache.list<CiliumNode>(resources.nodes).map((one) => ({
        name: one.metadata?.name ?? '',
        address: addressOf(one, 'InternalIP') ?? '',
        podCidr: one.spec.ipam.podCIDRs?.[0] ?? '',
      }))
  }
}

function endpointReport({ id, identity, address }: Endpoint, { cache, kernel, nodeAddress }: Reported): EndpointReport {
  const labels = labelTexts(identityLabels(cache, nodeAddress, new Map()).get(identity) ?? {})
  const enforcing = mapsOf(kernel).policy.get(String(id))?.enforcing ?? { ingress: false, egress: false }
  return { id, identity, labels, ipv4: address, enforcing }
}

function status({ kernel, network, nodeAddress, endpoints, addresses, connected, hubble }: Reported): StatusReport {
  const { device, podCidr, router } = network
  return {
    device,
    nodeAddress,
    podCidr,
    router,
    allocated: [...addresses].map(([address, owner]) => ({ address, owner })),
    kubernetes: connected ? 'Ok' : 'Failure',
    hubble,
    flows: ringOf(kernel).size,
    // Three for each endpoint (its program, its policy, its CiliumEndpoint), and those of the node.
    controllers: 3 * endpoints.length + 12,
  }
}
