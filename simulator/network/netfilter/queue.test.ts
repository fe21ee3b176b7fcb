import { expect, it } from 'vitest'
import { echoPacket } from '../packet.ts'
import { bytes, twoNodes } from '../testing/two-nodes.ts'
import { chainsOf } from './chains.ts'
import { renderRule } from './render.ts'
import { renderNftTable } from './render-nft.ts'
import type { Rule, Table } from './rule.ts'
import { inSet } from './sets.ts'

const queueing = (bypass: boolean, rules: readonly Rule[] = []): Table => ({
  name: 'agent',
  type: 'filter',
  iptables: false,
  sets: { pods: { name: 'pods', type: 'hash:ip', members: ['10.244.1.3'] } },
  chains: chainsOf({
    post: {
      hook: 'POSTROUTING',
      priority: 95,
      policy: 'ACCEPT',
      rules: [
        ...rules,
        {
          matches: [{ match: 'set', set: 'pods', flags: ['dst'] }],
          target: { target: 'NFQUEUE', queue: 7, ...(bypass ? { bypass } : {}) },
        },
        { matches: [{ match: 'set', set: 'pods', flags: ['dst'] }], target: { target: 'DROP' } },
      ],
    },
  }),
})

function scene(table: Table) {
  const net = twoNodes()
  const [client, server] = [net.pod(0, 2), net.pod(1, 3)]
  let heard = 0
  server.sockets.bindUdp({ port: 53 }, { datagram: () => void heard++ })
  net.nodes[1].netfilter.setTable('agent', table)
  const arrives = (from = client) => {
    heard = 0
    from.sockets.bindUdp({}, { datagram: () => {} }).send(bytes('x'), { address: '10.244.1.3', port: 53 })
    net.settle()
    return heard === 1
  }
  return { ...net, client, server, arrives }
}

it('asks the program on the queue, whose word goes for the rest of the chain', () => {
  const { nodes, arrives } = scene(queueing(false))
  const asked: string[] = []
  let accept = true
  const bound = nodes[1].sockets.bindQueue(7, ({ src, dst, dport }) => {
    asked.push(`${src} ${dst}:${dport}`)
    return { accept, reason: 'because' }
  })
  expect(arrives()).toBe(true)
  accept = false
  expect(arrives()).toBe(false)
  expect(asked).toEqual(['10.244.0.2 10.244.1.3:53', '10.244.0.2 10.244.1.3:53'])
  expect(() => nodes[1].sockets.bindQueue(7, () => ({ accept, reason: '' }))).toThrow('queue 7 is bound already')
  bound.close()
  expect(() => nodes[1].sockets.bindQueue(7, () => ({ accept, reason: '' })).close()).not.toThrow()
})

it('drops where nobody listens, and passes with bypass; a program that ends takes its binding along', () => {
  expect(scene(queueing(false)).arrives()).toBe(false)
  const { nodes, arrives } = scene(queueing(true))
  expect(arrives()).toBe(true)
  const agent = nodes[1].socketsFor('agent')
  agent.bindQueue(7, () => ({ accept: false, reason: 'no' }))
  expect(arrives()).toBe(false)
  agent.close()
  expect(arrives()).toBe(true)
})

it('knows what a socket of the host sent from what it only forwards', () => {
  const { nodes, arrives, client } = scene(queueing(false, [{ matches: [{ match: 'owner', uid: 0 }], target: { target: 'ACCEPT' } }]))
  expect(arrives(nodes[1])).toBe(true)
  expect(arrives(client)).toBe(false)
  expect(arrives(nodes[0])).toBe(false)
})

it('says in words what it does', () => {
  expect(renderRule('X', { target: { target: 'NFQUEUE', queue: 7, bypass: true } })).toBe('-A X -j NFQUEUE --queue-num 7 --queue-bypass')
  expect(renderRule('X', { matches: [{ match: 'owner', uid: 0 }] })).toBe('-A X -m owner --uid-owner 0')
  expect(renderRule('X', { matches: [{ match: 'rpfilter', validmark: true, invert: true }] })).toBe('-A X -m rpfilter --validmark --invert')
  expect(renderNftTable(queueing(true))).toBe(
    'table inet agent {\n\tset pods {\n\t\ttype ipv4_addr\n\t\telements = { 10.244.1.3 }\n\t}\n\n\tchain post {\n\t\ttype filter hook postrouting priority srcnat - 5; policy accept;\n\t\tip daddr @pods queue flags bypass to 7\n\t\tip daddr @pods drop\n\t}\n}\n',
  )
})

it('lets the narrowest net of a set decide, however many there are', () => {
  const members = ['10.0.0.0/8', '10.244.0.0/16 nomatch', '10.244.7.0/24', '192.0.2.1']
  const set = { name: 'nets', type: 'hash:net' as const, members }
  const holds = (src: string) => inSet(set, echoPacket(src, '10.9.9.9', { type: 8, code: 0 }, 1, new Uint8Array()), ['src'])
  expect(['10.1.1.1', '10.244.1.1', '10.244.7.9', '192.0.2.1', '192.0.2.2'].map(holds)).toEqual([true, false, true, true, false])
})
