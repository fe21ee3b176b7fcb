import { biggestCidr, cidrsOf, type Range, rangeOf, sizeOf, toNumber, toText } from './address-range.ts'
import type { WeaveLog } from './log.ts'
import { consensus, type Knowledge, learn, propose, think } from './paxos.ts'
import { claimForPeers, grant, mergeRings, ownedRanges, type Ring, RingConflict, transfer } from './ring.ts'

/** Plain data. */
export interface AllocatorState {
  ring: Ring
  known: Knowledge
  awaitingConsensus: boolean
  /** Nickname by peer. */
  nicknames: Record<string, string>
  /** Address by container, and the bridge's own under `weave:expose`. */
  owned: Record<string, string>
}

/** What peers tell each other about addresses. */
export interface IpamGossip {
  readonly nicknames: Readonly<Record<string, string>>
  readonly ring?: Ring
  readonly paxos?: Knowledge
}

export type IpamUnicast = { readonly kind: 'space-request'; readonly range: Range } | ({ readonly kind: 'ring-update' } & IpamGossip)

export interface IpamMesh {
  broadcast(message: IpamGossip): void
  /** False where there is no way to that peer. */
  unicast(peer: string, message: IpamUnicast): boolean
  isKnownPeer(peer: string): boolean
  /** How many peers must agree on the first division. */
  quorum(): number
  changed(): void
}

export function allocatorState(cidr: string, name: string, nickname: string): AllocatorState {
  return {
    ring: { range: rangeOf(cidr), seeds: [], entries: [] },
    known: {},
    awaitingConsensus: false,
    nicknames: { [name]: nickname },
    owned: {},
  }
}

/** IP address management without a master. Follows weave 2.8's ipam/allocator. */
export class Allocator {
  readonly state: AllocatorState
  readonly #name: string
  readonly #mesh: IpamMesh
  readonly #log: WeaveLog

  constructor(state: AllocatorState, name: string, mesh: IpamMesh, log: WeaveLog) {
    this.state = state
    this.#name = name
    this.#mesh = mesh
    this.#log = log
  }

  get cidr(): string {
    return cidrsOf(this.state.ring.range)[0] as string
  }

  /** The container's address with the network's length, `10.32.0.3/12`; undefined where others must be asked first. */
  allocate(ident: string): string | undefined {
    const { state } = this
    const length = this.cidr.split('/')[1]
    const before = state.owned[ident]
    if (before) return `${before}/${length}`
    this.#establishRing()
    const address = this.#firstFree()
    if (address !== undefined) {
      state.owned[ident] = toText(address)
      this.#mesh.changed()
      return `${toText(address)}/${length}`
    }
    const space = new Map<string, number>()
    for (const { peer } of state.ring.entries) {
      if (peer !== this.#name)
        space.set(
          peer,
          ownedRanges(state.ring, peer).reduce((sum, range) => sum + sizeOf(range), 0),
        )
    }
    const donors = [...space].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    donors.some(([peer]) => this.#mesh.unicast(peer, { kind: 'space-request', range: state.ring.range }))
    return undefined
  }

  /** An address that is in use already becomes its user's. */
  claim(ident: string, address: string): void {
    this.state.owned[ident] = address
  }

  /** False where the container has no address. */
  release(ident: string): boolean {
    if (!(ident in this.state.owned)) return false
    delete this.state.owned[ident]
    this.#mesh.changed()
    return true
  }

  /** `rmpeer`: takes over what a dead peer owned; how many addresses that are. */
  takeOver(peer: string): number {
    const count = ownedRanges(this.state.ring, peer).reduce((sum, range) => sum + sizeOf(range), 0)
    if (count === 0) return 0
    this.state.ring = transfer(this.state.ring, peer, this.#name)
    this.#ringUpdated()
    this.#mesh.broadcast(this.gossip())
    return count
  }

  gossip(): IpamGossip {
    const { ring, known, nicknames } = this.state
    return { nicknames, ...(ring.entries.length > 0 ? { ring } : { paxos: known }) }
  }

  /** Throws an Error in the allocator's words where the two cannot be of one network; the connection ends by it. */
  receive(message: IpamGossip, sender: string | undefined): void {
    const { state } = this
    Object.assign(state.nicknames, message.nicknames)
    if (message.ring) return this.#merge(message.ring)
    if (state.ring.entries.length > 0) {
      if (sender) this.#mesh.unicast(sender, { kind: 'ring-update', ...this.gossip() })
      return
    }
    if (!message.paxos) return
    const learnt = learn(state.known, message.paxos)
    if (!learnt.changed) return
    const quorum = this.#mesh.quorum()
    const thought = think(learnt.known, this.#name, quorum)
    state.known = thought.known
    if (thought.changed) this.#mesh.broadcast(this.gossip())
    this.#decide(quorum)
  }

  receiveUnicast(message: IpamUnicast, sender: string): void {
    if (message.kind === 'ring-update') return this.receive(message, undefined)
    if (this.state.ring.entries.length === 0) return
    const chunk = this.#donation()
    if (chunk) {
      this.state.ring = grant(this.state.ring, this.#name, chunk, sender)
      this.#mesh.changed()
      this.#mesh.broadcast(this.gossip())
    }
    this.#mesh.unicast(sender, { kind: 'ring-update', ...this.gossip() })
  }

  /** Addresses by peer, in the order of the ring. */
  shares(): { peer: string; nickname: string; addresses: number; reachable: boolean }[] {
    const { ring, nicknames } = this.state
    return [...new Set(ring.entries.map(({ peer }) => peer))].map((peer) => ({
      peer,
      nickname: nicknames[peer] ?? '',
      addresses: ownedRanges(ring, peer).reduce((sum, range) => sum + sizeOf(range), 0),
      reachable: peer === this.#name || this.#mesh.isKnownPeer(peer),
    }))
  }

  ownCidrs(): string[] {
    return ownedRanges(this.state.ring, this.#name).flatMap(cidrsOf)
  }

  #merge(theirs: Ring): void {
    const { state } = this
    try {
      const { ring, updated } = mergeRings(state.ring, theirs, this.#name, (range) =>
        this.#taken().some((at) => at >= range.start && at < range.end),
      )
      if (!updated) return
      state.ring = ring
      this.#ringUpdated()
    } catch (error) {
      if (!(error instanceof RingConflict)) throw error
      const named = (peers: readonly string[]) =>
        peers.map((peer) => (state.nicknames[peer] ? `${peer}(${state.nicknames[peer]})` : peer)).join(' ')
      if (error.message === 'ranges') {
        throw new Error(`Incompatible IP allocation ranges (received: ${cidrsOf(theirs.range)[0]}, ours: ${this.cidr})`)
      }
      if (error.message === 'seeds') {
        throw new Error(
          `IP allocation was seeded by different peers (received: [${named(theirs.seeds)}], ours: [${named(state.ring.seeds)}])`,
        )
      }
      throw new Error(error.message)
    }
  }

  #establishRing(): void {
    const { state } = this
    if (state.ring.entries.length > 0 || state.awaitingConsensus) return
    state.awaitingConsensus = true
    const quorum = this.#mesh.quorum()
    state.known = propose(state.known, this.#name)
    if (quorum === 1) state.known = think(state.known, this.#name, quorum).known
    this.#mesh.broadcast(this.gossip())
    this.#decide(quorum)
  }

  #decide(quorum: number): void {
    const agreed = this.state.ring.entries.length === 0 ? consensus(this.state.known, quorum) : undefined
    if (!agreed) return
    this.state.ring = claimForPeers(this.state.ring.range, agreed)
    this.#ringUpdated()
    this.#mesh.broadcast(this.gossip())
  }

  #ringUpdated(): void {
    if (this.state.awaitingConsensus) this.#log('DEBU', `[allocator ${this.#name}]: Paxos consensus: [${this.state.ring.seeds.join(' ')}]`)
    this.state.awaitingConsensus = false
    this.#mesh.changed()
  }

  #taken(): number[] {
    return Object.values(this.state.owned)
      .map(toNumber)
      .sort((a, b) => a - b)
  }

  /** The parts of the own ranges that nobody has, without the network's first and last address. */
  #free(): Range[] {
    const { range } = this.state.ring
    const taken = [...this.#taken(), range.start, range.end - 1].sort((a, b) => a - b)
    return ownedRanges(this.state.ring, this.#name).flatMap((own) => {
      const parts: Range[] = []
      let start = own.start
      for (const at of taken) {
        if (at < start || at >= own.end) continue
        if (at > start) parts.push({ start, end: at })
        start = at + 1
      }
      if (start < own.end) parts.push({ start, end: own.end })
      return parts
    })
  }

  #firstFree(): number | undefined {
    return this.#free()[0]?.start
  }

  /** The biggest free CIDR, or its upper half where that were more than half of all. */
  #donation(): Range | undefined {
    const free = this.#free()
    const biggest = free
      .map(biggestCidr)
      .reduce<Range | undefined>((best, one) => (!best || sizeOf(one) >= sizeOf(best) ? one : best), undefined)
    if (!biggest) return undefined
    const total = free.reduce((sum, range) => sum + sizeOf(range), 0)
    return sizeOf(biggest) > total / 2 ? { start: biggest.start + Math.floor(sizeOf(biggest) / 2), end: biggest.end } : biggest
  }
}
