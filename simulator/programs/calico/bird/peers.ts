import type { Node } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../../kubernetes.ts'
import type { InformerCache } from '../../informers.ts'
import { resources } from '../datastore.ts'
import { parseSelector } from '../selectors/selector.ts'
import { SelectorError } from '../selectors/tokens.ts'

const defaultAs = 64512

export interface BgpConfiguration extends KubeObject {
  readonly spec?: { readonly asNumber?: number; readonly nodeToNodeMeshEnabled?: boolean }
}

export interface BgpPeer extends KubeObject {
  readonly spec?: { readonly peerIP?: string; readonly asNumber?: number; readonly node?: string; readonly nodeSelector?: string }
}

/** Whom this node's BIRD is to speak with. */
export interface Neighbour {
  readonly name: string
  readonly address: string
  readonly as: number
  /** It waits for the other to connect. */
  readonly passive: boolean
}

export interface BirdPlan {
  readonly as: number
  readonly neighbours: readonly Neighbour[]
  /** What is asked of BIRD and not modelled. */
  readonly unmodelled: readonly string[]
}

/** The full mesh of nodes, unless that is off, and BGPPeers; after confd's bird.cfg.template. Undefined while the node has no address. */
export function birdPlan(cache: InformerCache, node: string): BirdPlan | undefined {
  const nodes = cache.list<Node & KubeObject>('nodes').map((object) => ({
    name: object.metadata?.name ?? '',
    address: object.metadata?.annotations?.['projectcalico.org/IPv4Address']?.split('/')[0],
    as: Number(object.metadata?.annotations?.['projectcalico.org/ASNumber']) || undefined,
    labels: object.metadata?.labels ?? {},
  }))
  const own = nodes.find(({ name }) => name === node)
  if (!own?.address) return undefined
  const { asNumber: global = defaultAs, nodeToNodeMeshEnabled: mesh = true } =
    cache.find<BgpConfiguration>(resources.bgp, undefined, 'default')?.spec ?? {}
  const neighbours: Neighbour[] = []
  const unmodelled = cache
    .list<Node & KubeObject>('nodes')
    .filter(({ metadata }) => metadata?.annotations?.['projectcalico.org/RouteReflectorClusterID'])
    .map(({ metadata }) => `route reflectors; ${metadata?.name} is part of the mesh as other nodes are`)
  for (const { name, address, as } of mesh ? nodes : []) {
    if (!address || name === node) continue
    // Only one of the two connects: the one whose address is, as a text, the greater.
    neighbours.push({ name: named('Mesh', address), address, as: as ?? global, passive: address > own.address })
  }
  for (const { spec = {} } of cache.list<BgpPeer>(resources.bgpPeers)) {
    const { peerIP, asNumber = global, node: only, nodeSelector } = spec
    if (!peerIP || peerIP === own.address) continue
    if (!/^[\d.]+$/.test(peerIP)) {
      unmodelled.push(`peers with a port or of IPv6, as ${peerIP}`)
      continue
    }
    if (neighbours.some(({ address }) => address === peerIP)) continue
    const specific = Boolean(only || nodeSelector)
    if (specific && !(only === node || (nodeSelector && selects(nodeSelector, own.labels)))) continue
    neighbours.push({ name: named(specific ? 'Node' : 'Global', peerIP), address: peerIP, as: asNumber, passive: false })
  }
  return { as: own.as ?? global, neighbours: neighbours.sort((a, b) => (a.name < b.name ? -1 : 1)), unmodelled }
}

function named(kind: 'Mesh' | 'Global' | 'Node', address: string): string {
  return `${kind}_${address.replaceAll('.', '_')}`
}

function selects(selector: string, labels: Readonly<Record<string, string>>): boolean {
  try {
    return parseSelector(selector).matches(Object.assign(Object.create(null), labels))
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error
    return false
  }
}
