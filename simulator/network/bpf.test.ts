import { expect, it } from 'vitest'
import { EventLoop, HeldTime } from '../clock.ts'
import { Random } from '../random.ts'
import type { BpfProgram } from './bpf.ts'
import { createNetwork, type Network } from './network.ts'

const programs: BpfProgram[] = [
  {
    type: 'tc',
    id: 'dropper',
    run: ({ packet }) => (packet.protocol === 'udp' ? { action: 'drop', reason: 'no datagrams' } : { action: 'pass' }),
  },
  {
    type: 'tc',
    id: 'counter',
    run: ({ maps, packet }) => {
      const seen = maps.map<number>('seen')
      if (packet.tcp) seen.set('tcp', (seen.get('tcp') ?? 0) + 1)
      return { action: 'pass' }
    },
  },
  {
    type: 'cgroup_sock_addr',
    id: 'balancer',
    outward: (_, to) =>
      to.address === '10.9.9.9' ? (to.port === 1 ? { errno: 'EHOSTUNREACH' } : { to: { address: '10.0.0.2', port: 80 } }) : undefined,
    inward: (_, from) => (from.address === '10.0.0.2' ? { address: '10.9.9.9', port: 2 } : undefined),
  },
]

function twoHosts(): { network: Network; clock: EventLoop } {
  const clock = new EventLoop(new HeldTime(0), (error) => {
    throw error
  })
  const network = createNetwork({ clock, random: new Random(1), bpfPrograms: programs })
  const segment = network.addSegment('lan')
  for (const [index, name] of ['a', 'b'].entries())
    network.attach(network.addMachine(name).root, segment, { address: `10.0.0.${index + 1}/24` })
  return { network, clock }
}

const root = (network: Network, name: string) => network.machine(name)!.root

it('asks a program at an interface about each packet: before taps on the way out, behind them on the way in', () => {
  const { network, clock } = twoHosts()
  const heard: string[] = []
  const tapped: string[] = []
  root(network, 'b').sockets.bindUdp({ port: 53 }, { datagram: () => void heard.push('datagram') })
  root(network, 'b').tap('eth0', ({ protocol }) => void tapped.push(`b ${protocol}`))
  root(network, 'a').tap('eth0', ({ protocol }) => void tapped.push(`a ${protocol}`))
  const send = () => {
    root(network, 'a')
      .sockets.bindUdp({}, { datagram: () => {} })
      .send(new Uint8Array(1), { address: '10.0.0.2', port: 53 })
    clock.settle()
    return [heard.splice(0).length, tapped.splice(0).filter((line) => line.endsWith('udp'))]
  }
  expect(send()).toEqual([1, ['a udp', 'b udp']])
  root(network, 'b').attachTc('eth0', 'ingress', 'dropper')
  expect(send()).toEqual([0, ['a udp', 'b udp']])
  expect(root(network, 'b').link('eth0')?.counters.rxDropped).toBe(1)
  root(network, 'b').attachTc('eth0', 'ingress', undefined)
  root(network, 'a').attachTc('eth0', 'egress', 'dropper')
  const hops = network.trace(() => expect(send()).toEqual([0, []]))
  expect(hops.find(({ stage }) => stage === 'bpf')).toMatchObject({ detail: 'dropper at tc egress: no datagrams', verdict: 'DROP' })
})

it('asks a program at the cgroup whereto a socket really goes', () => {
  const { network, clock } = twoHosts()
  const outcome: string[] = []
  root(network, 'b').sockets.listenTcp({ port: 80 }, () => ({}))
  for (const hook of ['connect4', 'sendmsg4', 'recvmsg4'] as const) network.machine('a')!.bpf.attachCgroup(hook, 'balancer')
  const dial = (port: number) =>
    root(network, 'a').sockets.connectTcp(
      { address: '10.9.9.9', port },
      { connected: () => void outcome.push('connected'), error: ({ code }) => void outcome.push(code) },
    )
  const connection = dial(2)
  dial(1)
  clock.settle()
  expect(connection.remote).toEqual({ address: '10.0.0.2', port: 80 })
  expect(outcome.sort()).toEqual(['EHOSTUNREACH', 'connected'])
  const echo = root(network, 'b').sockets.bindUdp({ port: 80 }, { datagram: (bytes, from) => echo.send(bytes, from) })
  const senders: string[] = []
  const client = root(network, 'a').sockets.bindUdp({}, { datagram: (_, from) => void senders.push(from.address) })
  client.send(new Uint8Array(1), { address: '10.9.9.9', port: 2 })
  clock.settle()
  expect(senders).toEqual(['10.9.9.9'])
})

it('keeps programs and maps over a snapshot, and shares what did not change', () => {
  const { network, clock } = twoHosts()
  root(network, 'b').sockets.listenTcp({ port: 80 }, () => ({}))
  root(network, 'b').attachTc('eth0', 'ingress', 'counter')
  root(network, 'a').sockets.connectTcp({ address: '10.0.0.2', port: 80 }, {})
  clock.settle()
  const snapshot = network.snapshot()
  expect(snapshot.machines[1]?.bpf?.maps['seen']?.[0]?.[0]).toBe('tcp')
  expect(network.snapshot().machines[1]?.bpf?.maps['seen']).toBe(snapshot.machines[1]?.bpf?.maps['seen'])
  const other = twoHosts()
  other.network.restore(JSON.parse(JSON.stringify(snapshot)))
  expect(root(other.network, 'b').link('eth0')?.tc).toEqual({ ingress: 'counter' })
  const count = () => other.network.machine('b')!.bpf.maps.map<number>('seen').get('tcp')
  const before = count()!
  root(other.network, 'a').sockets.connectTcp({ address: '10.0.0.2', port: 81 }, {})
  other.clock.settle()
  expect(count()).toBe(before + 1)
})
