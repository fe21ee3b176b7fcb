import { describe, expect, it } from 'vitest'
import { EventLoop, HeldTime } from '../clock.ts'
import { Random } from '../random.ts'
import { createNetwork } from './network.ts'
import { diary, echoServer, twoNodes } from './testing/two-nodes.ts'

function populated() {
  const cluster = twoNodes('vxlan')
  const [client, server] = [cluster.pod(0, 2), cluster.pod(1, 2)]
  echoServer(server, 80)
  cluster.nodes[0].netfilter.append('nat', 'PREROUTING', {
    destination: '10.96.0.10',
    protocol: 'tcp',
    target: { target: 'DNAT', to: '10.244.1.2:80' },
  })
  client.sockets.connectTcp({ address: '10.96.0.10', port: 80 }, {})
  cluster.settle()
  return { ...cluster, client, server }
}

describe('snapshot and restore', () => {
  it('is plain data, and a restored network gives the same snapshot and carries the same traffic', () => {
    const { network } = populated()
    const snapshot = network.snapshot()
    const stored = JSON.parse(JSON.stringify(snapshot))
    expect(stored).toEqual(snapshot)
    const time = new HeldTime(1_700_000_000_000)
    const loop = new EventLoop(time, (error) => {
      throw error
    })
    const fork = createNetwork({ clock: loop, random: new Random(2) })
    fork.restore(stored)
    expect(fork.snapshot()).toEqual(stored)
    echoServer(fork.machine('node-1')!.namespace('pod-1-2')!, 80)
    const { log, handlers } = diary()
    fork.machine('node-0')!.namespace('pod-0-2')!.sockets.connectTcp({ address: '10.96.0.10', port: 80 }, handlers)
    loop.settle()
    expect(log).toEqual(['connected'])
  })

  it('rewinds in place: namespaces stay the same objects, later ones and all sockets are gone, edits do not reach the snapshot', () => {
    const { network, nodes, pod, client, server } = populated()
    const snapshot = network.snapshot()
    const text = JSON.stringify(snapshot)
    pod(0, 9)
    nodes[0].netfilter.append('nat', 'PREROUTING', { target: { target: 'ACCEPT' } })
    nodes[0].netfilter.setPolicy('filter', 'FORWARD', 'DROP')
    nodes[0].routing.remove({ dst: '0.0.0.0/0' })
    nodes[0].setSysctl('net.ipv4.ip_forward', '0')
    network.addMachine('late')
    expect(JSON.stringify(snapshot)).toBe(text)
    network.restore(snapshot)
    expect(JSON.stringify(network.snapshot())).toBe(text)
    expect(network.machine('late')).toBeUndefined()
    expect(nodes[0].machine.namespace('pod-0-9')).toBeUndefined()
    expect(nodes[0].machine.namespace('pod-0-2')).toBe(client)
    expect(server.table.entries()).toEqual([])
  })

  it('two forks do not see each other', () => {
    const { network } = populated()
    const snapshot = network.snapshot()
    const forks = [1, 2].map((seed) => {
      const fork = createNetwork({ clock: new EventLoop(new HeldTime(0), () => {}), random: new Random(seed) })
      fork.restore(snapshot)
      return fork
    })
    const first = forks[0]!.machine('node-0')!.root
    first.netfilter.setRules('nat', 'PREROUTING', [])
    first.setLink('cni0', { mtu: 1400 })
    expect(forks[1]!.snapshot()).toEqual({ ...snapshot })
  })
})
