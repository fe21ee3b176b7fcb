/** How peers without a ring agree on whom to divide the network among. Follows weave 2.8's ipam/paxos: single-decree Paxos over gossip. */
export interface ProposalId {
  readonly round: number
  readonly proposer: string
}

export interface Claims {
  /** Promises to accept no proposal before this one. */
  readonly promise: ProposalId
  readonly accepted: ProposalId
  readonly value: readonly string[]
  readonly origin: ProposalId
}

/** What is known of each peer's claims, by its name. Plain data. */
export type Knowledge = Readonly<Record<string, Claims>>

const none: ProposalId = { round: 0, proposer: '' }
export const noClaims: Claims = { promise: none, accepted: none, value: [], origin: none }

function precedes(a: ProposalId, b: ProposalId): boolean {
  return a.round < b.round || (a.round === b.round && a.proposer < b.proposer)
}

function same(a: ProposalId, b: ProposalId): boolean {
  return a.round === b.round && a.proposer === b.proposer
}

/** What `from` knows, learnt. */
export function learn(known: Knowledge, from: Knowledge): { known: Knowledge; changed: boolean } {
  const next: Record<string, Claims> = { ...known }
  let changed = false
  for (const [peer, theirs] of Object.entries(from)) {
    const mine = next[peer]
    if (!mine) {
      next[peer] = theirs
      changed = true
      continue
    }
    if (precedes(mine.promise, theirs.promise)) {
      next[peer] = { ...mine, promise: theirs.promise }
      changed = true
    }
    if (precedes(mine.accepted, theirs.accepted)) {
      next[peer] = { ...(next[peer] as Claims), accepted: theirs.accepted, value: theirs.value, origin: theirs.origin }
      changed = true
    }
  }
  return { known: next, changed }
}

/** A new proposal that supersedes all others. */
export function propose(known: Knowledge, own: string): Knowledge {
  const round = Math.max(0, ...Object.values(known).flatMap(({ promise, accepted }) => [promise.round, accepted.round]))
  return { ...known, [own]: { ...(known[own] ?? noClaims), promise: { round: round + 1, proposer: own } } }
}

/** One step of the algorithm: promises, accepts the own proposal that a quorum promised, accepts what others accepted. */
export function think(known: Knowledge, own: string, quorum: number): { known: Knowledge; changed: boolean } {
  const before = known[own] ?? noClaims
  let claims = before
  for (const { promise } of Object.values(known)) if (precedes(claims.promise, promise)) claims = { ...claims, promise }
  if (claims.promise.proposer === own) {
    const promised = Object.values({ ...known, [own]: claims }).filter(({ promise }) => same(promise, claims.promise))
    if (promised.length >= quorum) {
      const best = promised.reduce((last, one) => (precedes(last.accepted, one.accepted) ? one : last), noClaims)
      const chosen = best.accepted.round > 0 ? best : { value: Object.keys(known).sort(), origin: claims.promise }
      claims = { ...claims, accepted: claims.promise, value: chosen.value, origin: chosen.origin }
    }
  }
  const accepted = Object.values(known).find((other) => other.accepted.round > 0 && same(other.accepted, claims.promise))
  if (accepted) claims = { ...claims, accepted: accepted.accepted, value: accepted.value, origin: accepted.origin }
  const changed = !same(before.promise, claims.promise) || !same(before.accepted, claims.accepted) || !same(before.origin, claims.origin)
  return { known: { ...known, [own]: claims }, changed }
}

/** The value that a quorum accepted, or undefined. */
export function consensus(known: Knowledge, quorum: number): readonly string[] | undefined {
  if (quorum === 0) return undefined
  const accepted = Object.values(known).filter(({ accepted: { round } }) => round > 0)
  return accepted.find(({ origin }) => accepted.filter((other) => same(other.origin, origin)).length >= quorum)?.value
}
