import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventLoop, HeldTime } from '../../../clock.ts'
import { createNetwork } from '../../../network/network.ts'
import { type Packet, tcpPacket, udpPacket } from '../../../network/packet.ts'
import { attempt, history, world } from '../../../network-policy/testing/random-world.ts'
import { permits } from '../../../network-policy/testing/specification.ts'
import { Random } from '../../../random.ts'
import { vethName } from '../names.ts'
import { policyDataplane } from './policy-dataplane.ts'
import { installStandingRules, standingFilterChains } from './standing-rules.ts'

/** A node's packet filter with an interface for whoever is asked for. */
function node() {
  const clock = new EventLoop(new HeldTime(0), (error) => {
    throw error
  })
  const { root } = createNetwork({ clock, random: new Random(1) }).addMachine('node')
  installStandingRules(root.netfilter, { vxlan: true, ipip: false }, 'ACCEPT')
  const link = (name: string) => root.link(name) ?? root.addDummy(name)
  /** Whether a first packet, forwarded from one interface to another, passes. */
  const forwards = (packet: Packet, from: string, to: string) => {
    packet.tracking = { connection: undefined, reply: false, state: 'NEW' }
    return root.netfilter.run('FORWARD', packet, link(from), link(to))
  }
  return { netfilter: root.netfilter, forwards }
}

const syn = { seq: 0, ack: 0, syn: true, fin: false, rst: false, isAck: false, psh: false, window: 0 }

it("lets through what the specification does, by Felix's rules alone, as random policies come and go", () => {
  let policies = 0
  let [allowed, denied] = [0, 0]
  fc.assert(
    fc.property(history, fc.array(attempt, { minLength: 12, maxLength: 12 }), ([spaces, pods, changes], attempts) => {
      const { index, apply, lists } = world('node')
      const { netfilter, forwards } = node()
      const dataplane = policyDataplane(netfilter, index, 'node', standingFilterChains)
      const interfaceOf = (address: string) => {
        const pod = index.selections.podAt(address)
        return pod ? vethName(pod.namespace, pod.name) : 'eth0'
      }
      for (const one of [...spaces, ...pods]) apply(one)
      dataplane.sync()
      for (const step of changes) {
        apply(step)
        dataplane.sync()
        if (step.kind === 'policy' && step.policy) policies++
        for (const { from, to, protocol, port } of attempts) {
          // There is no SCTP in the simulated network, and a pod reaches itself without its node.
          if (protocol === 'SCTP' || from === to) continue
          const packet = protocol === 'TCP' ? tcpPacket(from, 1000, to, port, syn) : udpPacket(from, 1000, to, port, new Uint8Array())
          const passes = forwards(packet, interfaceOf(from), interfaceOf(to))
          const expected = permits(lists(), { from, to, protocol, port })
          if (passes !== expected) expect({ from, to, protocol, port, passes }).toEqual({ from, to, protocol, port, passes: expected })
          if (passes) allowed++
          else denied++
        }
      }
    }),
    { numRuns: 600, seed: 2 },
  )
  expect(policies).toBeGreaterThan(2500)
  expect(Math.min(allowed, denied)).toBeGreaterThan(4000)
}, 60_000)

it('leaves nothing behind when the pods and policies are gone', () => {
  fc.assert(
    fc.property(history, ([spaces, pods, changes]) => {
      const { index, apply } = world('node')
      const { netfilter } = node()
      const before = netfilter.chainNames('filter').sort()
      const dataplane = policyDataplane(netfilter, index, 'node', standingFilterChains)
      for (const one of [...spaces, ...pods, ...changes]) {
        apply(one)
        dataplane.sync()
      }
      for (let at = 0; at < 8; at++) apply({ kind: 'pod', at, pod: undefined })
      for (const name of ['p', 'q', 'r']) apply({ kind: 'policy', name, policy: undefined })
      dataplane.sync()
      expect(netfilter.chainNames('filter').sort()).toEqual(before)
      expect(Object.keys(netfilter.sets)).toEqual([])
    }),
    { numRuns: 40, seed: 3 },
  )
})
