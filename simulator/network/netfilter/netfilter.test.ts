import { describe, expect, it } from 'vitest'
import type { NetworkNamespace } from '../namespace.ts'
import { bytes, diary, echoServer, text, twoNodes } from '../testing/two-nodes.ts'
import { renderIptables } from './render.ts'
import type { Rule } from './rule.ts'

const service = (to: string): Rule => ({
  destination: '10.96.0.10',
  protocol: 'tcp',
  matches: [{ match: 'tcp', dport: '80' }],
  target: { target: 'DNAT', to },
  origin: { kind: 'Service', namespace: 'default', name: 'web' },
})

/** The rules that kube-proxy's shape comes down to. */
function balance(node: NetworkNamespace, backends: readonly string[]): void {
  const { netfilter } = node
  const endpoints = backends.map((_, i) => `SEP-${i}`)
  netfilter.restore('nat', {
    SERVICES: [{ ...service(''), target: { target: 'jump', chain: 'SVC' } }],
    SVC: backends.map((_, i) => ({
      ...(i < backends.length - 1
        ? { matches: [{ match: 'statistic' as const, mode: 'random' as const, probability: 1 / (backends.length - i) }] }
        : {}),
      target: { target: 'jump', chain: endpoints[i]! },
    })),
    ...Object.fromEntries(
      backends.map((backend, i) => [
        endpoints[i]!,
        [
          { source: backend.split(':')[0]!, target: { target: 'jump' as const, chain: 'MARK-MASQ' } },
          { protocol: 'tcp' as const, target: { target: 'DNAT' as const, to: backend } },
        ],
      ]),
    ),
    'MARK-MASQ': [{ target: { target: 'MARK', value: 0x4000, mask: 0x4000 } }],
    PREROUTING: [{ target: { target: 'jump', chain: 'SERVICES' } }],
    OUTPUT: [{ target: { target: 'jump', chain: 'SERVICES' } }],
    POSTROUTING: [{ matches: [{ match: 'mark', value: 0x4000, mask: 0x4000 }], target: { target: 'MASQUERADE' } }],
  })
}

describe('the hooks', () => {
  it('run raw, conntrack, mangle, nat and filter in the kernel’s order, for a routed packet and for a local one', () => {
    const { network, nodes, pod, settle } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    const { netfilter } = nodes[0]
    for (const name of Object.keys(netfilter.tables)) {
      for (const chain of netfilter.chainNames(name)) {
        netfilter.append(name, chain, { matches: [{ match: 'comment', comment: 'here' }], target: { target: 'MARK', value: 0 } })
      }
    }
    server.sockets.bindUdp({ port: 53 }, { datagram: () => {} })
    settle()
    const udp = client.sockets.bindUdp({}, { datagram: () => {} })
    const routed = network.trace(() => udp.send(bytes('?'), { address: '10.244.1.2', port: 53 }))
    const serial = routed.find(({ stage }) => stage === 'send')!.serial
    const stages = routed
      .filter((hop) => hop.machine === 'node-0' && hop.table && hop.serial === serial)
      .map(({ stage, table }) => `${stage}/${table}`)
    expect(stages).toEqual([
      'PREROUTING/raw',
      'PREROUTING/mangle',
      'PREROUTING/nat',
      'FORWARD/mangle',
      'FORWARD/filter',
      'POSTROUTING/mangle',
      'POSTROUTING/nat',
    ])
    const local = nodes[0].sockets.bindUdp({}, { datagram: () => {} })
    const own = network.trace(() => local.send(bytes('?'), { address: '172.18.0.2', port: local.local.port }))
    const ownSerial = own.find(({ stage }) => stage === 'send')!.serial
    expect(own.filter((hop) => hop.table && hop.serial === ownSerial).map(({ stage, table }) => `${stage}/${table}`)).toEqual([
      'OUTPUT/raw',
      'OUTPUT/mangle',
      'OUTPUT/nat',
      'OUTPUT/filter',
      'POSTROUTING/mangle',
      'POSTROUTING/nat',
      // Second time round by lo: the connection is known already, so nat is not asked again.
      'PREROUTING/raw',
      'PREROUTING/mangle',
      'INPUT/mangle',
      'INPUT/filter',
    ])
  })

  it('have nothing to do where there are no rules, so a pod tracks nothing', () => {
    const { pod, settle } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    echoServer(server, 80)
    client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, {})
    settle()
    expect(client.netfilter.conntrack.size).toBe(0)
  })
})

describe('NAT', () => {
  it('sends a Service’s connections to backends, and undoes it for replies', () => {
    const { nodes, pod, settle } = twoNodes()
    const client = pod(0, 2)
    const heard = { '10.244.1.2': 0, '10.244.1.3': 0 }
    for (const host of [2, 3]) {
      const address = `10.244.1.${host}` as keyof typeof heard
      pod(1, host).sockets.listenTcp({ port: 8080 }, (connection) => {
        heard[address]++
        expect(connection.remote.address).toBe('10.244.0.2')
        return { data: () => connection.write(bytes(address)) }
      })
    }
    balance(nodes[0], ['10.244.1.2:8080', '10.244.1.3:8080'])
    for (let i = 0; i < 40; i++) {
      const { log, handlers } = diary()
      const connection = client.sockets.connectTcp({ address: '10.96.0.10', port: 80 }, handlers)
      connection.write(bytes('?'))
      settle()
      expect(log[1]).toMatch(/^data:10\.244\.1\.[23]$/)
      expect(connection.remote).toEqual({ address: '10.96.0.10', port: 80 })
    }
    expect(heard['10.244.1.2']).toBeGreaterThan(8)
    expect(heard['10.244.1.3']).toBeGreaterThan(8)
    const entry = nodes[0].netfilter.conntrack.list()[0]!
    expect(entry).toMatchObject({
      protocol: 'tcp',
      tcp: 'ESTABLISHED',
      assured: true,
      dnat: true,
      original: { dst: '10.96.0.10', dport: 80 },
      reply: { dport: entry.original.sport, sport: 8080 },
    })
  })

  it('reaches a backend on the client’s own bridge only with br_netfilter, because the reply comes straight over the bridge', () => {
    for (const filtered of [true, false]) {
      const { nodes, pod, advance } = twoNodes()
      const [client, server] = [pod(0, 2), pod(0, 3)]
      echoServer(server, 8080)
      balance(nodes[0], ['10.244.0.3:8080'])
      nodes[0].setSysctl('net.bridge.bridge-nf-call-iptables', filtered ? '1' : '0')
      const { log, handlers } = diary()
      client.sockets.connectTcp({ address: '10.96.0.10', port: 80 }, handlers)
      advance(10)
      expect(log).toEqual(filtered ? ['connected'] : [])
    }
  })

  it('needs masquerade and hairpin for a pod that is its own backend', () => {
    const outcome = (masquerade: boolean, hairpin: boolean) => {
      const { nodes, pod, advance } = twoNodes()
      const client = pod(0, 2)
      echoServer(client, 8080)
      balance(nodes[0], ['10.244.0.2:8080'])
      if (!masquerade) nodes[0].netfilter.setRules('nat', 'POSTROUTING', [])
      nodes[0].setLink('veth2', { hairpin })
      const { log, handlers } = diary()
      client.sockets.connectTcp({ address: '10.96.0.10', port: 80 }, handlers)
      advance(10)
      return log
    }
    expect(outcome(true, true)).toEqual(['connected'])
    expect(outcome(false, true)).toEqual([])
    expect(outcome(true, false)).toEqual([])
  })

  it('works from the node itself (OUTPUT), choosing the route anew', () => {
    const { nodes, pod, settle } = twoNodes()
    echoServer(pod(1, 2), 8080)
    balance(nodes[0], ['10.244.1.2:8080'])
    const { log, handlers } = diary()
    nodes[0].sockets.connectTcp({ address: '10.96.0.10', port: 80 }, handlers)
    settle()
    expect(log).toEqual(['connected'])
  })

  it('masquerades two pods with the same source port to different ports', () => {
    const { nodes, pod, settle } = twoNodes()
    const clients = [pod(0, 2), pod(0, 3)]
    const seen: string[] = []
    const server = nodes[1].sockets.bindUdp(
      { port: 53 },
      {
        datagram: (data, from) => {
          seen.push(`${from.address}:${from.port}`)
          server.send(data, from)
        },
      },
    )
    nodes[0].netfilter.append('nat', 'POSTROUTING', {
      source: '10.244.0.0/24',
      destination: '!10.244.0.0/16',
      target: { target: 'MASQUERADE' },
    })
    const answers: string[] = []
    for (const [i, client] of clients.entries()) {
      const socket = client.sockets.bindUdp({ port: 5000 }, { datagram: (data) => answers.push(`${i} got ${text(data)}`) })
      socket.send(bytes(`from ${i}`), { address: '172.18.0.3', port: 53 })
    }
    settle()
    settle()
    expect(seen[0]).toBe('172.18.0.2:5000')
    expect(seen[1]).toMatch(/^172\.18\.0\.2:\d+$/)
    expect(seen[1]).not.toBe(seen[0])
    expect(answers).toEqual(['0 got from 0', '1 got from 1'])
  })

  it('gives ICMP errors back to the one who used the Service’s address', () => {
    const { nodes, pod, settle } = twoNodes()
    const client = pod(0, 2)
    pod(1, 2)
    nodes[0].netfilter.append('nat', 'PREROUTING', {
      destination: '10.96.0.10',
      protocol: 'udp',
      target: { target: 'DNAT', to: '10.244.1.2:53' },
    })
    const errors: string[] = []
    const socket = client.sockets.bindUdp({}, { datagram: () => {}, error: (error) => errors.push(error.code) })
    socket.send(bytes('?'), { address: '10.96.0.10', port: 53 })
    settle()
    expect(errors).toEqual(['ECONNREFUSED'])
  })

  it('keeps a UDP flow on its old backend until conntrack forgets it', () => {
    const { nodes, pod, advance, settle } = twoNodes()
    const client = pod(0, 2)
    const heard: string[] = []
    for (const host of [2, 3]) pod(1, host).sockets.bindUdp({ port: 53 }, { datagram: () => heard.push(`10.244.1.${host}`) })
    const rule = (host: number): Rule => ({
      destination: '10.96.0.10',
      protocol: 'udp',
      target: { target: 'DNAT', to: `10.244.1.${host}:53` },
    })
    const { netfilter } = nodes[0]
    netfilter.append('nat', 'PREROUTING', rule(2))
    const socket = client.sockets.bindUdp({}, { datagram: () => {} })
    const ask = () => {
      socket.send(bytes('?'), { address: '10.96.0.10', port: 53 })
      settle()
    }
    ask()
    netfilter.setRules('nat', 'PREROUTING', [rule(3)])
    ask()
    advance(29_000)
    ask()
    advance(31_000)
    ask()
    expect(heard).toEqual(['10.244.1.2', '10.244.1.2', '10.244.1.2', '10.244.1.3'])
    expect(netfilter.conntrack.remove(({ protocol }) => protocol === 'udp')).toBe(1)
  })
})

describe('filtering', () => {
  const cases: [string, Rule['target'], string[], number][] = [
    ['DROP', { target: 'DROP' }, ['error:ETIMEDOUT'], 128_000],
    ['REJECT', { target: 'REJECT' }, ['error:ECONNREFUSED'], 0],
    ['REJECT with tcp-reset', { target: 'REJECT', with: 'tcp-reset' }, ['error:ECONNREFUSED'], 0],
    ['REJECT with icmp-host-unreachable', { target: 'REJECT', with: 'icmp-host-unreachable' }, ['error:EHOSTUNREACH'], 0],
    ['REJECT with icmp-net-unreachable', { target: 'REJECT', with: 'icmp-net-unreachable' }, ['error:ENETUNREACH'], 0],
    ['REJECT with icmp-admin-prohibited', { target: 'REJECT', with: 'icmp-admin-prohibited' }, ['error:EHOSTUNREACH'], 0],
    ['ACCEPT', { target: 'ACCEPT' }, ['connected'], 0],
  ]
  it.each(cases)('%s in FORWARD', (_, target, expected, after) => {
    const { nodes, pod, advance, settle } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    echoServer(server, 80)
    nodes[1].netfilter.append('filter', 'FORWARD', { protocol: 'tcp', destination: '10.244.1.2', target: target! })
    const { log, handlers } = diary()
    client.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    settle()
    if (after > 0) expect(log).toEqual([])
    advance(after)
    expect(log).toEqual(expected)
  })

  it.each(cases.slice(1))('%s in OUTPUT of the sender', (_, target, expected) => {
    const { nodes, pod, settle } = twoNodes()
    echoServer(pod(1, 2), 80)
    nodes[0].netfilter.append('filter', 'OUTPUT', { protocol: 'tcp', destination: '10.244.1.2', target: target! })
    const { log, handlers } = diary()
    nodes[0].sockets.connectTcp({ address: '10.244.1.2', port: 80 }, handlers)
    settle()
    expect(log).toEqual(expected)
  })

  it('lets replies through by connection state, and not new connections', () => {
    const { nodes, pod, advance, settle } = twoNodes()
    const [a, b] = [pod(0, 2), pod(1, 2)]
    echoServer(a, 80)
    echoServer(b, 80)
    nodes[1].netfilter.append(
      'filter',
      'FORWARD',
      { matches: [{ match: 'conntrack', ctstate: ['RELATED', 'ESTABLISHED'] }], target: { target: 'ACCEPT' } },
      { source: '10.244.1.2', target: { target: 'ACCEPT' } },
      { target: { target: 'DROP' } },
    )
    const [out, back] = [diary(), diary()]
    b.sockets.connectTcp({ address: '10.244.0.2', port: 80 }, out.handlers)
    a.sockets.connectTcp({ address: '10.244.1.2', port: 80 }, back.handlers)
    settle()
    advance(1000)
    expect(out.log).toEqual(['connected'])
    expect(back.log).toEqual([])
  })

  it('matches sets, multiports, ranges and interfaces', () => {
    const { nodes, pod, settle } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    for (const port of [80, 81, 8001]) echoServer(server, port)
    const { netfilter } = nodes[1]
    netfilter.setSet({ name: 'web', type: 'hash:net', members: ['10.244.0.0/24', '10.244.0.2/32 nomatch'] })
    netfilter.append(
      'filter',
      'FORWARD',
      {
        protocol: 'tcp',
        inInterface: 'eth+',
        matches: [{ match: 'multiport', dports: ['81', '8000:8010'] }],
        target: { target: 'REJECT', with: 'tcp-reset' },
      },
      { protocol: 'tcp', matches: [{ match: 'set', set: 'web', flags: ['src'] }], target: { target: 'REJECT' } },
    )
    const dial = (port: number) => {
      const { log, handlers } = diary()
      client.sockets.connectTcp({ address: '10.244.1.2', port }, handlers)
      settle()
      return log[0]
    }
    expect([dial(80), dial(81), dial(8001)]).toEqual(['connected', 'error:ECONNREFUSED', 'error:ECONNREFUSED'])
    netfilter.setSet({ name: 'web', type: 'hash:net', members: ['10.244.0.0/24'] })
    expect(dial(80)).toBe('error:ECONNREFUSED')
  })

  it('remembers addresses in a recent list for its seconds', () => {
    const { nodes, pod, advance, settle } = twoNodes()
    const client = pod(0, 2)
    const heard: number[] = []
    for (const host of [2, 3])
      pod(1, host).sockets.listenTcp({ port: 80 }, () => {
        heard.push(host)
        return {}
      })
    nodes[0].netfilter.restore('nat', {
      PREROUTING: [
        {
          destination: '10.96.0.1',
          protocol: 'tcp',
          matches: [{ match: 'recent', action: 'rcheck', name: 'A', seconds: 100, reap: true }],
          target: { target: 'jump', chain: 'A' },
        },
        { destination: '10.96.0.1', protocol: 'tcp', target: { target: 'DNAT', to: '10.244.1.3:80' } },
        { destination: '10.96.0.2', protocol: 'tcp', target: { target: 'jump', chain: 'A' } },
      ],
      A: [{ protocol: 'tcp', matches: [{ match: 'recent', action: 'set', name: 'A' }], target: { target: 'DNAT', to: '10.244.1.2:80' } }],
    })
    const dial = (address: string) => {
      client.sockets.connectTcp({ address, port: 80 }, {})
      settle()
    }
    dial('10.96.0.1')
    dial('10.96.0.2')
    dial('10.96.0.1')
    advance(101_000)
    dial('10.96.0.1')
    expect(heard).toEqual([3, 2, 2, 3])
  })

  it('a user of a UDP socket whose own OUTPUT drops is told EPERM', () => {
    const { nodes, settle } = twoNodes()
    nodes[0].netfilter.setPolicy('filter', 'OUTPUT', 'DROP')
    const errors: string[] = []
    nodes[0].sockets
      .bindUdp({}, { datagram: () => {}, error: ({ code }) => errors.push(code) })
      .send(bytes('?'), { address: '172.18.0.3', port: 53 })
    settle()
    expect(errors).toEqual(['EPERM'])
  })

  it('stops at 127.0.0.1 from outside unless route_localnet allows it', () => {
    const { nodes, pod, advance } = twoNodes()
    echoServer(pod(1, 2), 8080)
    nodes[0].netfilter.append('nat', 'OUTPUT', {
      destination: '127.0.0.1',
      protocol: 'tcp',
      matches: [{ match: 'tcp', dport: '30080' }],
      target: { target: 'DNAT', to: '10.244.1.2:8080' },
    })
    nodes[0].netfilter.append('nat', 'POSTROUTING', { source: '127.0.0.0/8', outInterface: '!lo', target: { target: 'MASQUERADE' } })
    const dial = () => {
      const { log, handlers } = diary()
      nodes[0].sockets.connectTcp({ address: '127.0.0.1', port: 30080 }, handlers)
      advance(10)
      return log
    }
    expect(dial()).toEqual([])
    nodes[0].setSysctl('net.ipv4.conf.all.route_localnet', '1')
    expect(dial()).toEqual(['connected'])
  })
})

describe('the trace', () => {
  it('names rules, their Kubernetes object, rewriting and verdicts on both legs', () => {
    const { network, nodes, pod } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    echoServer(server, 80)
    nodes[0].netfilter.append('nat', 'PREROUTING', service('10.244.1.2:80'))
    const hops = network.trace(() => client.sockets.connectTcp({ address: '10.96.0.10', port: 80 }, {}))
    const dnat = hops.find(({ rule }) => rule?.includes('DNAT'))!
    expect(dnat).toMatchObject({
      machine: 'node-0',
      stage: 'PREROUTING',
      table: 'nat',
      rule: '-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.1.2:80',
      origin: { kind: 'Service', namespace: 'default', name: 'web' },
    })
    expect(hops.find(({ before, detail }) => before && detail.startsWith('destination'))?.before).toMatchObject({
      dst: '10.96.0.10',
      dport: 80,
      flags: 'S',
    })
    expect(hops.filter(({ detail }) => detail === 'source rewritten by conntrack undone for a reply')).not.toEqual([])
    expect(hops.at(-1)).toMatchObject({ namespace: 'pod-1-2', stage: 'deliver', verdict: 'DELIVERED' })
    expect(network.recorders).toEqual([])
  })
})

describe('iptables-save', () => {
  it('prints tables, chains and rules as the tool does', () => {
    const { nodes } = twoNodes()
    const { netfilter } = nodes[0]
    netfilter.restore('nat', {
      'KUBE-SVC': [
        {
          source: '!10.244.0.0/16',
          destination: '10.96.0.10',
          protocol: 'tcp',
          matches: [
            { match: 'comment', comment: 'default/web cluster IP' },
            { match: 'tcp', dport: '80' },
          ],
          target: { target: 'jump', chain: 'KUBE-MARK-MASQ' },
        },
        {
          matches: [
            { match: 'comment', comment: 'default/web -> 10.244.1.2:80' },
            { match: 'statistic', mode: 'random', probability: 1 / 3 },
          ],
          target: { target: 'RETURN' },
        },
      ],
      'KUBE-MARK-MASQ': [{ target: { target: 'MARK', value: 0x4000, mask: 0x4000 } }],
    })
    expect(renderIptables(nodes[0], 'nat')).toBe(`*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SVC - [0:0]
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SVC ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC -m comment --comment "default/web -> 10.244.1.2:80" -m statistic --mode random --probability 0.33333333349 -j RETURN
COMMIT
`)
  })

  it('refuses what the kernel refuses, changing nothing', () => {
    const { netfilter } = twoNodes().nodes[0]
    const before = JSON.stringify(netfilter.tables)
    expect(() => netfilter.restore('nat', { A: [{ target: { target: 'jump', chain: 'B' } }] })).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    )
    expect(() => netfilter.append('filter', 'NONE', {})).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(() => netfilter.addChain('filter', 'INPUT')).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    expect(() => netfilter.removeChain('filter', 'INPUT')).toThrow(expect.objectContaining({ code: 'EINVAL' }))
    expect(JSON.stringify(netfilter.tables)).toBe(before)
    netfilter.addChain('filter', 'A')
    netfilter.append('filter', 'INPUT', { target: { target: 'jump', chain: 'A' } })
    expect(() => netfilter.removeChain('filter', 'A')).toThrow(expect.objectContaining({ code: 'EBUSY' }))
  })
})
