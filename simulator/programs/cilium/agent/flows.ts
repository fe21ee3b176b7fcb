import type { BpfMap } from '../../../network/bpf.ts'
import type { InformerCache } from '../../informers.ts'
import type { FlowEvent } from '../datapath/events.ts'
import { firstPodIdentity, reserved } from '../identity.ts'
import { type CiliumEndpoint, resources } from '../resources.ts'
import type { NamedFlow } from './requests.ts'

/** The events of the ring with the names that the cluster has for their ends now (pkg/hubble/parser). */
export function namedFlows(ring: BpfMap<FlowEvent>, cache: InformerCache): NamedFlow[] {
  const names = new Map<string, string>()
  for (const { metadata, status } of cache.list<CiliumEndpoint>(resources.endpoints)) {
    for (const { ipv4 } of status?.networking?.addressing ?? []) if (ipv4) names.set(ipv4, `${metadata?.namespace}/${metadata?.name}`)
  }
  const nameOf = (address: string) => names.get(address) ?? address
  return [...ring.entries()].map(([, flow]) => ({
    ...flow,
    sourceName: nameOf(flow.source),
    destinationName: nameOf(flow.destination),
    sourceLabel: labelOf(flow.sourceIdentity),
    destinationLabel: labelOf(flow.destinationIdentity),
  }))
}

const reservedNames = new Map<number, string>(Object.entries(reserved).map(([name, id]) => [id, name]))

/** Reserved identities by their name, blocks of addresses as part of the world. */
function labelOf(identity: number): string {
  if (identity >= firstPodIdentity && identity <= 65_535) return `ID:${identity}`
  return reservedNames.get(identity) ?? 'world'
}
