import type { Api } from '../../apiserver/api.ts'
import { formatAddress, parsePrefix, prefixContains } from '../../network/address.ts'
import {
  type BlockAffinity,
  blockName,
  calicoObject,
  enabledPools,
  type IPAMBlock,
  type IPAMHandle,
  type IPPool,
  resources,
} from './datastore.ts'
import { parseSelector } from './selectors/selector.ts'
import { SelectorError } from './selectors/tokens.ts'

/** A refusal to give an address, in Calico's words. */
export class IpamError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'IpamError'
  }
}

export interface AddressRequest {
  readonly node: string
  /** Whose address it is: `k8s-pod-network.CONTAINER`, `vxlan-tunnel-addr-NODE`. */
  readonly handle: string
  readonly attributes: Readonly<Record<string, string>>
  /** CIDRs or names of the pools to take it from; absent: any. */
  readonly pools?: readonly string[]
}

/** libcalico-go's limit where no IPAMConfig says otherwise. */
const mostBlocks = 20

/**
 * Gives out an address of a block that belongs to the node, claiming a block where it has none with room: Calico's IPAM
 * (libcalico-go/lib/ipam). Which free block a node tries first comes from its name, as upstream, though by another generator.
 * Borrowing from other nodes' blocks is refused. Throws IpamError.
 */
export function assignAddress(api: Api, request: AddressRequest): string {
  const all = enabledPools(api)
  const pools = request.pools
    ? request.pools.map((wanted) => {
        const pool = all.find(({ metadata, spec }) => metadata?.name === wanted || spec.cidr === wanted)
        if (!pool) throw new IpamError(`the given pool (${wanted}) does not exist, or is not enabled`)
        return pool
      })
    : all.filter((pool) => selectsNode(api, pool, request.node))
  if (pools.length === 0) throw new IpamError(`no configured Calico pools for node ${request.node}`)
  const blocks = api.list<IPAMBlock>(resources.blocks)
  const own = blocks.filter(({ spec }) => spec.affinity === `host:${request.node}`)
  const usable = own.find(({ spec }) => spec.unallocated.length > 0 && pools.some((pool) => within(pool, spec.cidr)))
  if (!usable && own.length >= mostBlocks) {
    throw new IpamError(
      `Assigned 0 out of 1 requested IPv4 addresses; Need to allocate an IPAM block but could not - limit of ${mostBlocks} blocks reached for this node`,
    )
  }
  const block = usable ?? claimBlock(api, request.node, pools, blocks)
  const { spec } = block
  const [ordinal = 0, ...unallocated] = spec.unallocated
  const attributes = [...spec.attributes, { handle_id: request.handle, secondary: request.attributes }]
  const allocations = spec.allocations.with(ordinal, attributes.length - 1)
  api.update<IPAMBlock>(resources.blocks, {
    ...block,
    spec: { ...spec, allocations, unallocated, attributes, sequenceNumber: spec.sequenceNumber + 1 },
  })
  countHandle(api, request.handle, spec.cidr, 1)
  return addressAt(spec.cidr, ordinal)
}

/** Takes back every address of a handle; returns them. Nothing to take back is fine. */
export function releaseHandle(api: Api, handle: string): string[] {
  const known = api.find<IPAMHandle>(resources.handles, undefined, handle)
  if (!known) return []
  const released: string[] = []
  for (const cidr of Object.keys(known.spec.block)) {
    const block = api.find<IPAMBlock>(resources.blocks, undefined, blockName(cidr))
    if (!block) continue
    const { spec } = block
    const mine = new Set(spec.attributes.flatMap(({ handle_id }, index) => (handle_id === handle ? [index] : [])))
    const freed = spec.allocations.flatMap((attribute, ordinal) => (attribute !== null && mine.has(attribute) ? [ordinal] : []))
    released.push(...freed.map((ordinal) => addressAt(cidr, ordinal)))
    // Attributes are kept without gaps, so that their indices move.
    const kept = spec.attributes.flatMap((_, index) => (mine.has(index) ? [] : [index]))
    const moved = (index: number | null) => (index === null || mine.has(index) ? null : kept.indexOf(index))
    api.update<IPAMBlock>(resources.blocks, {
      ...block,
      spec: {
        ...spec,
        allocations: spec.allocations.map(moved),
        // What was used last is given out last.
        unallocated: [...spec.unallocated, ...freed],
        attributes: kept.map((index) => spec.attributes[index]!),
        sequenceNumber: spec.sequenceNumber + 1,
      },
    })
  }
  api.delete(resources.handles, undefined, handle)
  return released
}

function claimBlock(api: Api, node: string, pools: readonly IPPool[], blocks: readonly IPAMBlock[]): IPAMBlock {
  const taken = new Set(blocks.map(({ spec }) => spec.cidr))
  for (const pool of pools) {
    const size = pool.spec.blockSize ?? 26
    const prefix = parsePrefix(pool.spec.cidr)
    const count = 2 ** Math.max(0, size - prefix.length)
    const first = fnv32(node) % count
    for (let step = 0; step < count; step++) {
      const base = prefix.words[0]! + ((first + step) % count) * 2 ** (32 - size)
      const cidr = `${formatAddress([base])}/${size}`
      if (taken.has(cidr)) continue
      api.create<BlockAffinity>(
        resources.affinities,
        calicoObject('BlockAffinity', `${node}-${blockName(cidr)}`, { cidr, node, type: 'host', state: 'confirmed', deleted: 'false' }),
      )
      const ordinals = Array.from({ length: 2 ** (32 - size) }, (_, ordinal) => ordinal)
      return api.create<IPAMBlock>(
        resources.blocks,
        calicoObject('IPAMBlock', blockName(cidr), {
          cidr,
          affinity: `host:${node}`,
          allocations: ordinals.map(() => null),
          unallocated: ordinals,
          attributes: [],
          sequenceNumber: 0,
          strictAffinity: false,
          deleted: false,
        }),
      )
    }
  }
  throw new IpamError(
    "Assigned 0 out of 1 requested IPv4 addresses; No more free blocks (the simulated Calico does not model borrowing from other nodes' blocks)",
  )
}

function countHandle(api: Api, handle: string, cidr: string, more: number): void {
  const known = api.find<IPAMHandle>(resources.handles, undefined, handle)
  if (!known) {
    api.create<IPAMHandle>(
      resources.handles,
      calicoObject('IPAMHandle', handle, { handleID: handle, block: { [cidr]: more }, deleted: false }),
    )
    return
  }
  const block = { ...known.spec.block, [cidr]: (known.spec.block[cidr] ?? 0) + more }
  api.update<IPAMHandle>(resources.handles, { ...known, spec: { ...known.spec, block } })
}

function within(pool: IPPool, cidr: string): boolean {
  return prefixContains(parsePrefix(pool.spec.cidr), cidr.split('/')[0]!)
}

function addressAt(cidr: string, ordinal: number): string {
  return formatAddress([parsePrefix(cidr).words[0]! + ordinal])
}

/** FNV-1 (not 1a), as Go's fnv.New32. */
function fnv32(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0
  return hash
}

/** A pool's selector is over the node's labels; one that cannot be read selects no node. */
function selectsNode(api: Api, { spec: { nodeSelector = '' } }: IPPool, node: string): boolean {
  if (nodeSelector === '' || nodeSelector === 'all()') return true
  const labels = api.find('nodes', undefined, node)?.metadata?.labels
  try {
    return parseSelector(nodeSelector).matches(Object.assign(Object.create(null), labels))
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error
    return false
  }
}
