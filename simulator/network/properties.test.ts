import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Rule } from './netfilter/rule.ts'
import { bytes, text, twoNodes } from './testing/two-nodes.ts'

const address = fc.constantFrom('10.244.0.2', '10.244.0.3', '10.244.1.2', '10.244.1.3', '10.244.0.0/24', '!10.244.1.0/24', '0.0.0.0/0')
const filterRule: fc.Arbitrary<Rule> = fc.record({
  source: address,
  destination: address,
  protocol: fc.constantFrom('tcp' as const, 'udp' as const, undefined),
  target: fc.constantFrom(
    { target: 'DROP' as const },
    { target: 'REJECT' as const },
    { target: 'ACCEPT' as const },
    { target: 'RETURN' as const },
  ),
}) as fc.Arbitrary<Rule>
const dial = fc.record({ from: fc.nat(3), to: fc.nat(3), port: fc.constantFrom(80, 81) })

describe('laws of the walk', () => {
  it('no packet is both delivered and dropped, and every one ends', () => {
    fc.assert(
      fc.property(
        fc.array(filterRule, { maxLength: 4 }),
        fc.array(filterRule, { maxLength: 4 }),
        fc.array(dial, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('routes' as const, 'vxlan' as const),
        (here, there, dials, overlay) => {
          const { network, nodes, pod, errors } = twoNodes(overlay)
          const pods = [pod(0, 2), pod(0, 3), pod(1, 2), pod(1, 3)]
          for (const one of pods) one.sockets.bindUdp({ port: 80 }, { datagram: () => {} })
          nodes[0].netfilter.append('filter', 'FORWARD', ...here)
          nodes[1].netfilter.append('filter', 'FORWARD', ...there)
          for (const { from, to, port } of dials) {
            const [client, server] = [pods[from]!, pods[to]!]
            const hops = network.trace(() => {
              client.sockets.bindUdp({}, { datagram: () => {} }).send(bytes('x'), { address: server.addresses()[0]!, port })
            })
            const ends = new Map<number, string[]>()
            for (const { serial, verdict, stage } of hops) {
              if (!ends.has(serial)) ends.set(serial, [])
              const final = verdict === 'DROP' || verdict === 'LOST' || verdict === 'DELIVERED' || verdict === 'REJECT'
              if (final && stage !== 'encapsulate') ends.get(serial)!.push(verdict)
            }
            for (const verdicts of ends.values()) expect(verdicts).toHaveLength(1)
          }
          expect(errors).toEqual([])
        },
      ),
      { numRuns: 150 },
    )
  })

  it('a reply reaches only the socket that asked, through NAT with clashing ports', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ from: fc.nat(3), port: fc.integer({ min: 4000, max: 4003 }) }), { minLength: 1, maxLength: 12 }),
        (asks) => {
          const { nodes, pod, settle } = twoNodes()
          const pods = [pod(0, 2), pod(0, 3), pod(1, 2), pod(1, 3)]
          const server = pod(1, 9)
          const service = server.sockets.bindUdp({ port: 53 }, { datagram: (data, from) => service.send(data, from) })
          for (const node of nodes) {
            node.netfilter.append('nat', 'PREROUTING', {
              destination: '10.96.0.10',
              protocol: 'udp',
              target: { target: 'DNAT', to: '10.244.1.9:53' },
            })
            node.netfilter.append('nat', 'POSTROUTING', { destination: '10.244.1.9', target: { target: 'MASQUERADE' } })
          }
          const answers: string[] = []
          const open = new Set<string>()
          for (const { from, port } of asks) {
            const name = `${from}:${port}`
            if (open.has(name)) continue
            open.add(name)
            const socket = pods[from]!.sockets.bindUdp(
              { port },
              { datagram: (data, source) => answers.push(`${name} ${text(data)} ${source.address}`) },
            )
            socket.send(bytes(name), { address: '10.96.0.10', port: 53 })
          }
          settle()
          expect(answers.sort()).toEqual([...open].map((name) => `${name} ${name} 10.96.0.10`).sort())
        },
      ),
      { numRuns: 100 },
    )
  })

  it('TCP delivers what was written, in order and once, whatever is lost on the way', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { minLength: 1, maxLength: 6 }),
        fc.double({ min: 0, max: 0.4, noNaN: true }),
        fc.nat(),
        (writes, loss, seed) => {
          const { nodes, pod, advance, errors } = twoNodes('routes', seed)
          const [client, server] = [pod(0, 2), pod(1, 2)]
          // By default a handshake is given up after seven lost SYNs in a row, which this loss brings about now and then (tcp.test.ts).
          for (const end of [client, server])
            for (const retries of ['syn_retries', 'synack_retries', 'retries2']) end.setSysctl(`net.ipv4.tcp_${retries}`, '100')
          nodes[0].netfilter.append('filter', 'FORWARD', {
            matches: [{ match: 'statistic', mode: 'random', probability: loss }],
            target: { target: 'DROP' },
          })
          const received: number[] = []
          let ended = 0
          server.sockets.listenTcp({ port: 80 }, () => ({
            data: (data) => received.push(...data),
            end: () => {
              ended++
            },
          }))
          const connection = client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, {})
          for (const data of writes) connection.write(data)
          connection.end()
          advance(12_000_000)
          expect(received).toEqual(writes.flatMap((data) => [...data]))
          expect(ended).toBe(1)
          expect(errors).toEqual([])
        },
      ),
      { numRuns: 60 },
    )
  })

  it('everything expires: conntrack is empty when long enough nothing happened', () => {
    const { nodes, pod, advance } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    nodes[0].netfilter.append('filter', 'FORWARD', { target: { target: 'ACCEPT' } })
    server.sockets.listenTcp({ port: 80 }, () => ({}))
    for (let i = 0; i < 20; i++) client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, {}).close()
    advance(0)
    expect(nodes[0].netfilter.conntrack.size).toBe(20)
    advance(6 * 86_400_000)
    expect(nodes[0].netfilter.conntrack.size).toBe(0)
  })
})
