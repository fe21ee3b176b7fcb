import type { Range } from './address-range.ts'

/** From its token to the next one's, addresses belong to a peer. Plain data, shared by gossip. */
export interface RingEntry {
  readonly token: number
  readonly peer: string
  readonly version: number
}

/** Who owns which addresses of the network: a circle of tokens that every peer holds a copy of. Follows weave 2.8's ipam/ring. */
export interface Ring {
  readonly range: Range
  readonly seeds: readonly string[]
  /** In the order of their tokens. */
  readonly entries: readonly RingEntry[]
}

export class RingConflict extends Error {}

/** The first division: halves of halves, to peers in the order of their names. */
export function claimForPeers(range: Range, peers: readonly string[]): Ring {
  const seeds = [...new Set(peers)].sort()
  const divide = (start: number, end: number, among: readonly string[]): RingEntry[] => {
    const share = end - start
    if (share === 0) return []
    if (share === 1 || among.length === 1) return [{ token: start, peer: among[0] as string, version: 0 }]
    const half = Math.floor(share / 2)
    const middle = Math.floor(among.length / 2)
    return [...divide(start, start + half, among.slice(0, middle)), ...divide(start + half + (share % 2), end, among.slice(middle))]
  }
  return { range, seeds, entries: divide(range.start, range.end, seeds) }
}

export function ownedRanges({ range, entries }: Ring, peer: string): Range[] {
  return entries.flatMap((entry, index) =>
    entry.peer === peer ? [{ start: entry.token, end: entries[index + 1]?.token ?? range.end }] : [],
  )
}

/** Gives `part`, which lies within one of `from`'s ranges, to another peer. */
export function grant(ring: Ring, from: string, part: Range, to: string): Ring {
  const entries: RingEntry[] = []
  for (const [index, entry] of ring.entries.entries()) {
    const end = ring.entries[index + 1]?.token ?? ring.range.end
    if (entry.peer !== from || part.start < entry.token || part.end > end) {
      entries.push(entry)
      continue
    }
    if (part.start > entry.token) entries.push({ ...entry, version: entry.version + 1 })
    const version = part.start === entry.token ? entry.version + 1 : 0
    entries.push({ token: part.start, peer: to, version })
    if (part.end < end) entries.push({ token: part.end, peer: from, version: 0 })
  }
  return { ...ring, entries }
}

/** All that a peer owned becomes another's. */
export function transfer(ring: Ring, from: string, to: string): Ring {
  const given = (entry: RingEntry) => (entry.peer === from ? { ...entry, peer: to, version: entry.version + 1 } : entry)
  return { ...ring, entries: ring.entries.map(given) }
}

/**
 * Merges another's copy: the newer version of each token counts. Throws RingConflict where the two cannot be of one network, or where the
 * other says that something is not ours which we have given addresses from.
 */
export function mergeRings(ours: Ring, theirs: Ring, own: string, used: (range: Range) => boolean): { ring: Ring; updated: boolean } {
  if (ours.range.start !== theirs.range.start || ours.range.end !== theirs.range.end) throw new RingConflict('ranges')
  if (ours.seeds.length > 0 && theirs.seeds.length > 0 && ours.seeds.join() !== theirs.seeds.join()) throw new RingConflict('seeds')
  const entries = new Map(ours.entries.map((entry) => [entry.token, entry]))
  let updated = false
  for (const entry of theirs.entries) {
    const mine = entries.get(entry.token)
    if (mine && mine.version >= entry.version) continue
    const end = theirs.entries.find(({ token }) => token > entry.token)?.token ?? ours.range.end
    const wasMine = mine
      ? mine.peer === own
      : ownedRanges(ours, own).some(({ start, end: last }) => entry.token > start && entry.token < last)
    if (wasMine && entry.peer !== own && used({ start: entry.token, end })) {
      throw new RingConflict(
        `Received update for IP range I own at ${entry.token}: incoming message says owner ${entry.peer} v${entry.version}`,
      )
    }
    entries.set(entry.token, entry)
    updated = true
  }
  const sorted = [...entries.values()].sort((a, b) => a.token - b.token)
  return { ring: { ...ours, seeds: ours.seeds.length > 0 ? ours.seeds : theirs.seeds, entries: sorted }, updated }
}
