import { describe, expect, it } from 'vitest'
import type { IcmpError } from './icmp.ts'
import type { NetworkNamespace } from './namespace.ts'
import { bytes, diary, echoServer, text, twoNodes } from './testing/two-nodes.ts'

interface PingOutcome {
  reply?: { from: string; ttl: number; bytes: number; rtt: number }
  error?: [string, string, number, number]
}

function ping(from: NetworkNamespace, to: string, options: { bytes?: number; ttl?: number; dontFragment?: boolean } = {}): PingOutcome {
  const outcome: PingOutcome = {}
  from.sockets.ping(
    to,
    { bytes: 56, ttl: 64, sequence: 1, id: 7, ...options },
    {
      reply: (reply) => {
        outcome.reply = reply
      },
      error: (...error) => {
        outcome.error = error
      },
    },
  )
  return outcome
}

describe('routing', () => {
  it('prefers the longest prefix, then the lowest metric', () => {
    const { nodes } = twoNodes()
    const { routing } = nodes[0]
    routing.add({ dst: '10.0.0.0/8', via: '172.18.0.9' })
    routing.add({ dst: '10.9.0.0/16', via: '172.18.0.8', metric: 20 })
    routing.add({ dst: '10.9.0.0/16', via: '172.18.0.7', metric: 10 })
    routing.add({ dst: '10.9.9.0/24', type: 'unreachable' })
    const via = (dst: string) => routing.lookup({ dst })?.route.via ?? routing.lookup({ dst })?.route.type
    expect([via('10.1.1.1'), via('10.9.1.1'), via('10.9.9.1'), via('8.8.8.8')]).toEqual([
      '172.18.0.9',
      '172.18.0.7',
      'unreachable',
      '172.18.0.1',
    ])
  })

  it('refuses a gateway that no link reaches, unless onlink; a route twice; a device that is not there', () => {
    const { nodes } = twoNodes()
    const { routing } = nodes[0]
    expect(() => routing.add({ dst: '10.9.0.0/16', via: '192.168.1.1' })).toThrow('Network is unreachable')
    routing.add({ dst: '10.9.0.0/16', via: '192.168.1.1', dev: 'eth0', onlink: true })
    expect(() => routing.add({ dst: '10.9.0.0/16', via: '172.18.0.1' })).toThrow('File exists')
    routing.add({ dst: '10.9.0.0/16', via: '172.18.0.1' }, true)
    expect(routing.lookup({ dst: '10.9.1.1' })?.nextHop).toBe('172.18.0.1')
    expect(() => routing.add({ dst: '10.8.0.0/16', dev: 'eth9' })).toThrow('No such device')
    expect(() => routing.remove({ dst: '10.7.0.0/16' })).toThrow('No such process')
  })

  it('forgets routes with the interface, its address, and when it goes down', () => {
    const { nodes } = twoNodes()
    const [node] = nodes
    node.addDummy('d0')
    node.setLink('d0', { up: true })
    node.addAddress('d0', '192.168.5.1/24')
    node.routing.add({ dst: '10.50.0.0/16', via: '192.168.5.9' })
    const known = () => node.routing.routes.filter(({ dev }) => dev === 'd0').map(({ dst }) => dst)
    expect(known()).toEqual(['192.168.5.1/32', '192.168.5.0/24', '192.168.5.255/32', '10.50.0.0/16'])
    node.setLink('d0', { up: false })
    expect(node.routing.lookup({ dst: '10.50.0.1' })?.link?.name).toBe('eth0')
    node.setLink('d0', { up: true })
    expect(node.routing.lookup({ dst: '192.168.5.7' })?.link?.name).toBe('d0')
    node.removeAddress('d0', '192.168.5.1/24')
    expect(known()).toEqual([])
    node.removeLink('d0')
    expect(node.link('d0')).toBeUndefined()
  })

  it('follows policy rules by mark and by source', () => {
    const { nodes } = twoNodes()
    const { routing } = nodes[0]
    routing.add({ dst: '0.0.0.0/0', via: '172.18.0.3', table: 100 })
    routing.addRule({ priority: 100, fwmark: { value: 0x10, mask: 0xff }, table: 100 })
    routing.addRule({ priority: 101, from: '10.244.0.0/24', table: 100 })
    expect(routing.lookup({ dst: '8.8.8.8' })?.nextHop).toBe('172.18.0.1')
    expect(routing.lookup({ dst: '8.8.8.8', mark: 0x10 })?.nextHop).toBe('172.18.0.3')
    expect(routing.lookup({ dst: '8.8.8.8', src: '10.244.0.5' })?.nextHop).toBe('172.18.0.3')
  })

  it('forwards only with ip_forward', () => {
    const { nodes, pod, settle } = twoNodes()
    const client = pod(0, 2)
    pod(1, 2)
    expect(
      Object.keys(
        (() => {
          const outcome = ping(client, '10.244.1.2')
          settle()
          return outcome
        })(),
      ),
    ).toEqual(['reply'])
    nodes[0].setSysctl('net.ipv4.ip_forward', '0')
    const outcome = ping(client, '10.244.1.2')
    settle()
    expect(outcome).toEqual({})
    expect(() => nodes[0].setSysctl('net.ipv4.nonsense', '1')).toThrow('cannot stat /proc/sys/net/ipv4/nonsense')
  })

  it('with strict rp_filter believes no packet that came the wrong way', () => {
    const { nodes, pod, settle } = twoNodes()
    const client = pod(0, 2)
    pod(1, 2)
    nodes[1].setSysctl('net.ipv4.conf.all.rp_filter', '1')
    let outcome = ping(client, '10.244.1.2')
    settle()
    expect(outcome.reply).toBeDefined()
    nodes[1].addDummy('d0')
    nodes[1].setLink('d0', { up: true })
    nodes[1].routing.add({ dst: '10.244.0.2/32', dev: 'd0' })
    outcome = ping(client, '10.244.1.2')
    settle()
    expect(outcome).toEqual({})
  })
})

describe('ICMP', () => {
  it('echoes, with the TTL of the way back and a small time', () => {
    const { pod, settle } = twoNodes()
    const client = pod(0, 2)
    pod(1, 2)
    const outcome = ping(client, '10.244.1.2')
    expect(outcome).toEqual({})
    settle()
    expect(outcome.reply).toMatchObject({ from: '10.244.1.2', ttl: 62, bytes: 64 })
    expect(outcome.reply!.rtt).toBeGreaterThan(0.05)
    expect(outcome.reply!.rtt).toBeLessThan(2)
    expect(client.table.pings.get(7)?.size).toBe(1)
  })

  it('says which router a TTL ended at', () => {
    const { pod, settle } = twoNodes()
    const client = pod(0, 2)
    pod(1, 2)
    const hops = [1, 2, 3].map((ttl) => {
      const outcome = ping(client, '10.244.1.2', { ttl })
      settle()
      return outcome.error?.slice(0, 2) ?? outcome.reply?.from
    })
    expect(hops).toEqual([['10.244.0.1', 'Time to live exceeded'], ['172.18.0.3', 'Time to live exceeded'], '10.244.1.2'])
  })

  it('tells host unreachable after ARP gave up, from the last router that tried', () => {
    const { pod, advance } = twoNodes()
    const outcome = ping(pod(0, 2), '10.244.1.9')
    advance(2_999)
    expect(outcome).toEqual({})
    advance(2)
    expect(outcome.error).toEqual(['172.18.0.3', 'Destination Host Unreachable', 3, 1])
  })

  it('answers what nobody listens for with port unreachable, and the sender learns who said so', () => {
    const { pod, settle } = twoNodes()
    const client = pod(0, 2)
    pod(1, 2)
    const errors: IcmpError[] = []
    client.sockets
      .bindUdp({}, { datagram: () => {}, error: (error) => errors.push(error as IcmpError) })
      .send(bytes('?'), { address: '10.244.1.2', port: 9 })
    expect(errors).toEqual([])
    settle()
    expect(errors[0]).toMatchObject({ code: 'ECONNREFUSED', from: '10.244.1.2', type: 3, icmpCode: 3 })
  })

  it('says that the own host refuses', () => {
    const { pod, settle } = twoNodes()
    const client = pod(0, 2)
    client.routing.remove({ dst: '0.0.0.0/0' })
    const outcomes = [ping(client, '8.8.8.8'), ping(client, '10.244.0.1', { bytes: 2000, dontFragment: true })]
    settle()
    expect(outcomes.map(({ error }) => error?.slice(0, 3))).toEqual([
      ['', 'Network is unreachable', -1],
      ['', 'message too long, mtu=1500', -1],
    ])
  })
})

describe('MTU', () => {
  it('a router answers DF that does not fit with fragmentation needed, and TCP goes on in smaller segments', () => {
    const { nodes, pod, settle } = twoNodes('vxlan')
    const [client, server] = [pod(0, 2), pod(1, 2)]
    // The pod believes in 1500 where the tunnel carries 1450.
    for (const [node, namespace] of [
      [nodes[0], client],
      [nodes[1], server],
    ] as const) {
      namespace.setLink('eth0', { mtu: 1500 })
      node.setLink('veth2', { mtu: 1500 })
    }
    let received = 0
    server.sockets.listenTcp({ port: 80 }, () => ({
      data: (data) => {
        received += data.length
      },
    }))
    const connection = client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, {})
    connection.write(new Uint8Array(10_000))
    settle()
    expect(received).toBe(10_000)
    expect(client.ip.pathMtus()).toMatchObject([{ address: '10.244.1.2', mtu: 1450 }])
    const outcome = ping(client, '10.244.1.2', { bytes: 1450, dontFragment: true })
    settle()
    expect(outcome.error?.[1]).toBe('message too long, mtu=1450')
  })

  it('an underlay that silently drops what is large is a black hole: the handshake works, data never arrives', () => {
    const { network, pod, advance, settle } = twoNodes('vxlan')
    network.segment('kind')!.mtu = 1450
    const [client, server] = [pod(0, 2), pod(1, 2)]
    echoServer(server, 80)
    const { log, handlers } = diary()
    const connection = client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    settle()
    connection.write(bytes('small'))
    settle()
    expect(log).toEqual(['connected', 'data:small'])
    connection.write(new Uint8Array(1400))
    advance(60_000)
    expect(log).toHaveLength(2)
    advance(20 * 60_000)
    expect(log.at(-1)).toBe('error:ETIMEDOUT')
  })

  it('VXLAN costs 50 bytes and walks as UDP between the nodes, where a firewall can stop it', () => {
    const { nodes, pod, settle } = twoNodes('vxlan')
    const client = pod(0, 2)
    pod(1, 2)
    const seen: string[] = []
    nodes[1].tap('eth0', (packet, direction) => {
      if (direction === 'in' && packet.vni !== undefined)
        seen.push(`${packet.protocol} ${packet.src} ${packet.dst}:${packet.dport} ${packet.size} ${packet.inner?.src}`)
    })
    let outcome = ping(client, '10.244.1.2')
    settle()
    expect(seen).toEqual(['udp 172.18.0.2 172.18.0.3:8472 134 10.244.0.2'])
    expect(outcome.reply?.ttl).toBe(62)
    nodes[1].netfilter.append('filter', 'INPUT', {
      protocol: 'udp',
      matches: [{ match: 'udp', dport: '8472' }],
      target: { target: 'DROP' },
    })
    outcome = ping(client, '10.244.1.2')
    settle()
    expect(outcome).toEqual({})
  })

  it('another VNI, or a MAC the tunnel does not know, is lost', () => {
    const { nodes, pod, settle } = twoNodes('vxlan')
    const client = pod(0, 2)
    pod(1, 2)
    nodes[0].removeFdb('flannel.1', '02:00:00:00:01:01')
    const lost = ping(client, '10.244.1.2')
    settle()
    expect(lost).toEqual({})
    nodes[0].addFdb('flannel.1', { mac: '02:00:00:00:01:01', remote: '172.18.0.3' })
    const found = ping(client, '10.244.1.2')
    settle()
    expect(found.reply).toBeDefined()
  })

  it('learns tunnel ends and neighbours through a flooding VXLAN in a bridge', () => {
    const { nodes, settle } = twoNodes()
    for (const [i, node] of nodes.entries()) {
      node.addVxlan('vx', { id: 7, local: `172.18.0.${i + 2}`, port: 4789, learning: true })
      node.addBridge('br')
      node.setLink('vx', { up: true, master: 'br' })
      node.setLink('br', { up: true, mtu: 1450 })
      node.addAddress('br', `192.168.9.${i + 1}/24`)
      node.addFdb('vx', { mac: '00:00:00:00:00:00', remote: `172.18.0.${3 - i}` })
    }
    const outcome = ping(nodes[0], '192.168.9.2')
    settle()
    expect(outcome.reply?.ttl).toBe(64)
    const { mac } = nodes[1].link('br')!
    expect(nodes[0].link('vx')?.fdb.get(mac)).toEqual([{ mac, remote: '172.18.0.3', permanent: false }])
    expect(nodes[0].link('br')?.neighbours.get('192.168.9.2')).toMatchObject({ mac, state: 'REACHABLE' })
  })
})

describe('links', () => {
  it('a bridge learns which port a MAC is behind and sends only there', () => {
    const { nodes, pod, settle } = twoNodes()
    const [a, b, c] = [pod(0, 2), pod(0, 3), pod(0, 4)]
    ping(a, '10.244.0.3')
    settle()
    const heard: string[] = []
    c.tap('eth0', (packet) => heard.push(packet.protocol))
    const outcome = ping(a, '10.244.0.3')
    settle()
    expect(outcome.reply?.ttl).toBe(64)
    expect(heard).toEqual([])
    expect(nodes[0].link('cni0')?.fdb.get(b.link('eth0')!.mac)?.[0]?.port).toBe('veth3')
  })

  it('a veth pair goes together', () => {
    const { nodes, pod } = twoNodes()
    const client = pod(0, 2)
    client.removeLink('eth0')
    expect(nodes[0].link('veth2')).toBeUndefined()
    expect(client.routing.routes.filter(({ dev }) => dev === 'eth0')).toEqual([])
  })

  it('gives names and errors as Linux does', () => {
    const { nodes } = twoNodes()
    expect(() => nodes[0].addDummy('a-name-of-16-char')).toThrow('not a valid ifname')
    expect(() => nodes[0].addDummy('eth0')).toThrow('File exists')
    expect(() => nodes[0].needLink('nope')).toThrow('Cannot find device "nope"')
    expect(() => nodes[0].addAddress('eth0', '172.18.0.2/16')).toThrow('File exists')
    expect(() => nodes[0].addAddress('eth0', 'fd00::1/64')).toThrow('does not carry IPv6')
    expect(nodes[0].addresses()).toEqual(['172.18.0.2', '10.244.0.1', '127.0.0.1'])
  })

  it('a pod moved to a link-local gateway is answered by proxy_arp', () => {
    const { nodes, settle, advance } = twoNodes()
    const [node] = nodes
    const pod = node.machine.addNamespace('calico')
    node.addVeth('cali1', pod, 'eth0')
    node.setLink('cali1', { up: true })
    node.routing.add({ dst: '10.7.0.2/32', dev: 'cali1' })
    pod.setLink('eth0', { up: true })
    pod.addAddress('eth0', '10.7.0.2/32')
    pod.routing.add({ dst: '169.254.1.1/32', dev: 'eth0' })
    pod.routing.add({ dst: '0.0.0.0/0', via: '169.254.1.1', dev: 'eth0' })
    const before = ping(pod, '172.18.0.2')
    settle()
    expect(before).toEqual({})
    node.setSysctl('net.ipv4.conf.cali1.proxy_arp', '1')
    advance(1000)
    expect(before.reply?.from).toBe('172.18.0.2')
    expect(pod.link('eth0')?.neighbours.get('169.254.1.1')?.mac).toBe(node.link('cali1')?.mac)
  })

  it('a machine that is down neither answers nor speaks', () => {
    const { network, nodes, pod, advance } = twoNodes()
    const client = pod(0, 2)
    pod(1, 2)
    network.machine('node-1')!.down = true
    const outcome = ping(client, '10.244.1.2')
    advance(4000)
    expect(outcome.error?.slice(0, 2)).toEqual(['10.244.0.1', 'Destination Host Unreachable'])
    network.machine('node-1')!.down = false
    const again = ping(client, '10.244.1.2')
    advance(0)
    expect(again.reply).toBeDefined()
    expect(nodes[1].table.entries()).toEqual([])
  })
})

describe('UDP', () => {
  it('cuts what is larger than the MTU, and says EMSGSIZE beyond the protocol’s limit', () => {
    const { pod, settle } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    let size = 0
    server.sockets.bindUdp(
      { port: 53 },
      {
        datagram: (data) => {
          size = data.length
        },
      },
    )
    const errors: string[] = []
    const socket = client.sockets.bindUdp({}, { datagram: () => {}, error: ({ code }) => errors.push(code) })
    socket.send(new Uint8Array(4000), { address: '10.244.1.2', port: 53 })
    socket.send(new Uint8Array(65_508), { address: '10.244.1.2', port: 53 })
    settle()
    expect(size).toBe(4000)
    expect(errors).toEqual(['EMSGSIZE'])
  })

  it('delivers to the more precise address, and nothing after close', () => {
    const { nodes, settle } = twoNodes()
    const heard: string[] = []
    const one = nodes[1].sockets.bindUdp({ port: 53, address: '172.18.0.3' }, { datagram: (data) => heard.push(text(data)) })
    const client = nodes[0].sockets.bindUdp({}, { datagram: () => {} })
    client.send(bytes('a'), { address: '172.18.0.3', port: 53 })
    client.send(bytes('b'), { address: '10.244.1.1', port: 53 })
    settle()
    one.close()
    client.send(bytes('c'), { address: '172.18.0.3', port: 53 })
    settle()
    expect(heard).toEqual(['a'])
  })
})
