import { describe, expect, it } from 'vitest'
import { bytes, diary, echoServer, twoNodes } from './testing/two-nodes.ts'

describe.each(['routes', 'vxlan', 'ipip'] as const)('TCP between pods of two nodes over %s', (overlay) => {
  it('connects, carries bytes both ways and closes', () => {
    const { pod, settle, errors } = twoNodes(overlay)
    const [client, server] = [pod(0, 2), pod(1, 2)]
    echoServer(server, 80)
    const { log, handlers } = diary()
    const connection = client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    expect(log).toEqual([])
    settle()
    expect(log).toEqual(['connected'])
    connection.write(bytes('hello'))
    settle()
    connection.end()
    settle()
    expect(log).toEqual(['connected', 'data:hello', 'end'])
    expect(client.table.entries().map(({ state }) => state)).toEqual(['TIME-WAIT'])
    expect(server.table.entries().map(({ state }) => state)).toEqual(['LISTEN'])
    expect(errors).toEqual([])
  })

  it('carries more than one segment', () => {
    const { pod, settle } = twoNodes(overlay)
    const [client, server] = [pod(0, 2), pod(1, 2)]
    let received = 0
    const sizes: number[] = []
    server.tap('eth0', (packet, direction) => {
      if (direction === 'in') sizes.push(packet.size)
    })
    server.sockets.listenTcp({ port: 80 }, () => ({
      data: (data) => {
        received += data.length
      },
    }))
    const connection = client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, {})
    connection.write(new Uint8Array(200_000))
    settle()
    expect(received).toBe(200_000)
    expect(Math.max(...sizes)).toBe({ routes: 1500, vxlan: 1450, ipip: 1480 }[overlay])
  })
})

describe('TCP that does not get through', () => {
  it('is refused where nobody listens', () => {
    const { pod, settle } = twoNodes()
    const client = pod(0, 2)
    pod(1, 2)
    const { log, handlers } = diary()
    client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    settle()
    expect(log).toEqual(['error:ECONNREFUSED'])
  })

  it('is unreachable after three seconds where no host has the address', () => {
    const { pod, advance } = twoNodes()
    const client = pod(0, 2)
    const { log, handlers } = diary()
    client.sockets.connectTcp({ address: '10.244.1.77', port: 80 }, handlers)
    advance(2_900)
    expect(log).toEqual([])
    advance(200)
    expect(log).toEqual(['error:EHOSTUNREACH'])
  })

  it('has no route', () => {
    const { pod, settle, nodes } = twoNodes()
    const client = pod(0, 2)
    client.routing.remove({ dst: '0.0.0.0/0' })
    const { log, handlers } = diary()
    client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    settle()
    expect(log).toEqual(['error:ENETUNREACH'])
    expect(nodes[0].netfilter.conntrack.size).toBe(0)
  })

  it('tries SYN at 0, 1, 3, 7, 15, 31 and 63 s and gives up after 127 s', () => {
    const { pod, time, advance, nodes } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    echoServer(server, 80)
    nodes[1].netfilter.append('filter', 'FORWARD', { destination: '10.244.1.2', target: { target: 'DROP' } })
    const start = time.now()
    const tries: number[] = []
    client.tap('eth0', (packet, direction) => {
      if (direction === 'out' && packet.tcp) tries.push(Math.round((time.now() - start) / 1000))
    })
    const { log, handlers } = diary()
    client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    advance(126_900)
    expect(log).toEqual([])
    advance(200)
    expect(log).toEqual(['error:ETIMEDOUT'])
    expect(tries).toEqual([0, 1, 3, 7, 15, 31, 63])
  })

  it('survives a short outage by sending again', () => {
    const { pod, advance, settle, nodes } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    echoServer(server, 80)
    const { log, handlers } = diary()
    const connection = client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    settle()
    nodes[1].netfilter.setPolicy('filter', 'FORWARD', 'DROP')
    connection.write(bytes('one'))
    connection.write(bytes('two'))
    advance(1000)
    expect(log).toEqual(['connected'])
    nodes[1].netfilter.setPolicy('filter', 'FORWARD', 'ACCEPT')
    advance(5000)
    expect(log.slice(1).join('').replaceAll('data:', '')).toBe('onetwo')
  })

  it('gives the writer ETIMEDOUT when the peer stays away', () => {
    const { pod, advance, settle, network } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    echoServer(server, 80)
    const { log, handlers } = diary()
    const connection = client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    settle()
    network.machine('node-1')!.down = true
    connection.write(bytes('anyone?'))
    advance(15 * 60_000)
    expect(log).toEqual(['connected'])
    advance(60_000)
    expect(log).toEqual(['connected', 'error:ETIMEDOUT'])
  })
})

describe('the end of a connection', () => {
  it('resets', () => {
    const { pod, settle } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    const far = diary()
    server.sockets.listenTcp({ port: 80 }, () => far.handlers)
    const connection = client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, {})
    settle()
    connection.reset()
    settle()
    expect(far.log).toEqual(['error:ECONNRESET'])
    expect(server.table.entries().map(({ state }) => state)).toEqual(['LISTEN'])
  })

  it('closes exactly the sockets of the process that ends', () => {
    const { pod, settle } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    const process = server.socketsFor('nginx')
    const other = server.socketsFor('sidecar')
    process.listenTcp({ port: 80 }, () => ({}))
    other.listenTcp({ port: 81 }, () => ({}))
    const [first, second] = [diary(), diary()]
    client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, first.handlers)
    client.sockets.connectTcp({ address: '10.244.1.2', port: 81 }, second.handlers)
    settle()
    process.close()
    settle()
    expect(first.log).toEqual(['connected', 'end'])
    expect(second.log).toEqual(['connected'])
    expect(() => process.listenTcp({ port: 80 }, () => ({}))).toThrow('has ended')
  })

  it('tells the peers of a namespace that goes', () => {
    const { pod, settle, nodes } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    server.sockets.listenTcp({ port: 80 }, () => ({}))
    const { log, handlers } = diary()
    client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    settle()
    nodes[1].machine.removeNamespace(server.name)
    settle()
    expect(log).toEqual(['connected', 'end'])
    expect(nodes[1].link('veth2')).toBeUndefined()
    expect(nodes[1].link('cni0')?.ports).toEqual([])
  })

  it('refuses a second listener on a port, and an address of another host', () => {
    const { pod } = twoNodes()
    const client = pod(0, 2)
    client.sockets.listenTcp({ port: 80 }, () => ({}))
    expect(() => client.sockets.listenTcp({ port: 80, address: '10.244.0.2' }, () => ({}))).toThrow(
      expect.objectContaining({ code: 'EADDRINUSE' }),
    )
    expect(() => client.sockets.listenTcp({ port: 81, address: '10.9.9.9' }, () => ({}))).toThrow(
      expect.objectContaining({ code: 'EADDRNOTAVAIL' }),
    )
  })

  it('hands the listener’s TLS service to the one who connected, through NAT too', () => {
    const { pod, settle, nodes } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    const service = { fetch: async () => new Response(), upgrade: async () => new Response() }
    server.sockets.listenTcp({ port: 6443, service }, () => ({}))
    nodes[0].netfilter.append('nat', 'PREROUTING', {
      destination: '10.96.0.1',
      protocol: 'tcp',
      target: { target: 'DNAT', to: '10.244.1.2:6443' },
    })
    const connection = client.sockets.connectTcp({ address: '10.96.0.1', port: 443 }, {})
    settle()
    expect(connection.service).toBe(service)
  })
})
