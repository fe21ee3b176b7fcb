import fc from 'fast-check'
import { expect, it } from 'vitest'
import { biggestCidr, cidrsOf, rangeOf, toNumber, toText } from './address-range.ts'
import { Allocator, type AllocatorState, allocatorState, type IpamGossip, type IpamUnicast } from './allocator.ts'
import { claimForPeers, ownedRanges } from './ring.ts'

const texts = (cidr: string, peers: string[]) =>
  claimForPeers(rangeOf(cidr), peers).entries.map(({ token, peer }) => `${toText(token)} ${peer}`)

it('divides the network as halves of halves, in the order of the peers', () => {
  expect(texts('10.32.0.0/12', ['c', 'a', 'b'])).toEqual(['10.32.0.0 a', '10.40.0.0 b', '10.44.0.0 c'])
  expect(texts('10.32.0.0/12', ['a'])).toEqual(['10.32.0.0 a'])
})

it('names ranges by CIDRs', () => {
  expect(cidrsOf({ start: toNumber('10.0.0.0'), end: toNumber('10.0.3.0') })).toEqual(['10.0.0.0/23', '10.0.2.0/24'])
  expect(biggestCidr({ start: toNumber('10.0.0.1'), end: toNumber('10.0.0.16') })).toEqual({
    start: toNumber('10.0.0.8'),
    end: toNumber('10.0.0.16'),
  })
})

/** Peers whose messages arrive one at a time, in an order that `pick` chooses. */
function peers(count: number, cidr = '10.32.0.0/26') {
  const names = Array.from({ length: count }, (_, index) => `peer${index}`)
  const queue: (() => void)[] = []
  const states = new Map<string, AllocatorState>()
  const all = new Map<string, Allocator>()
  for (const name of names) {
    const state = allocatorState(cidr, name, name)
    states.set(name, state)
    const copy = <T>(message: T): T => structuredClone(message)
    const mesh = {
      broadcast: (message: IpamGossip) => {
        const sent = copy(message)
        for (const other of names) if (other !== name) queue.push(() => all.get(other)?.receive(copy(sent), name))
      },
      unicast: (to: string, message: IpamUnicast) => {
        const sent = copy(message)
        queue.push(() => all.get(to)?.receiveUnicast(sent, name))
        return true
      },
      isKnownPeer: () => true,
      quorum: () => Math.floor((count - 1 || 1) / 2) + 1,
      changed: () => {},
    }
    all.set(name, new Allocator(state, name, mesh, () => {}))
  }
  const settle = (picks: readonly number[]) => {
    for (let step = 0; queue.length > 0; step++) {
      if (step > 20_000) throw new Error('the peers never stop talking')
      queue.splice((picks[step % picks.length] ?? 0) % queue.length, 1)[0]?.()
    }
  }
  return { names, all, states, settle }
}

it('peers agree on one ring whatever the order of their messages, and never give an address out twice', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat(50), { minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 40 }),
      (count, picks, asked) => {
        const { names, all, states, settle } = peers(count)
        const given: string[] = []
        for (const [index, who] of asked.entries()) {
          const peer = all.get(names[who % count] as string) as Allocator
          // What must wait for others is asked for again, as the kubelet does.
          for (let attempt = 0; attempt < 8; attempt++) {
            const address = peer.allocate(`container${index}`)
            settle(picks)
            if (!address) continue
            given.push(address)
            break
          }
        }
        expect(new Set(given).size).toBe(given.length)
        expect(given).toHaveLength(asked.length)
        const rings = [...states.values()].map(({ ring }) => ring)
        // Donations in flight are over: everybody's copy says the same of who owns what.
        for (const name of names)
          for (const ring of rings) expect(ownedRanges(ring, name)).toEqual(ownedRanges(rings[0] as (typeof rings)[0], name))
      },
    ),
    { numRuns: 300, seed: 1 },
  )
})

it('says what it cannot merge', () => {
  const { all, names, settle } = peers(1)
  const one = all.get(names[0] as string) as Allocator
  one.allocate('a')
  settle([0])
  const other = claimForPeers(rangeOf('10.0.0.0/24'), ['x'])
  expect(() => one.receive({ nicknames: {}, ring: other }, 'x')).toThrow(
    'Incompatible IP allocation ranges (received: 10.0.0.0/24, ours: 10.32.0.0/26)',
  )
  const seeds = claimForPeers(rangeOf('10.32.0.0/26'), ['x'])
  expect(() => one.receive({ nicknames: {}, ring: seeds }, 'x')).toThrow(
    'IP allocation was seeded by different peers (received: [x], ours: [peer0(peer0)])',
  )
})
