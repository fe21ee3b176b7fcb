import { expect, it } from 'vitest'
import { renderNftTable } from '../../../simulator/network/netfilter/render-nft.ts'
import { ninePods } from './testing/nine-pods.ts'

const closed = { policies: [{ podSelector: { matchLabels: { pod: 'a' } }, policyTypes: ['Ingress', 'Egress'] }] }

it('has the rules that a kind node shows', async () => {
  const world = await ninePods('kindnet')
  world.apply(closed)
  const table = world.cluster.network.machine('test-worker')!.root.netfilter.table('kindnet-network-policies')!
  expect(renderNftTable(table)).toBe(`table inet kindnet-network-policies {
	set podips-v4 {
		type ipv4_addr
		elements = { ${world.address('x/a')} }
	}

	set podips-v6 {
		type ipv6_addr
	}

	chain postrouting {
		type filter hook postrouting priority srcnat - 5; policy accept;
		udp dport 53 accept
		meta l4proto ipv6-icmp accept
		meta skuid 0 accept
		ct state established,related accept
		ip saddr @podips-v4 queue flags bypass to 101
		ip daddr @podips-v4 queue flags bypass to 101
		ip6 saddr @podips-v6 queue flags bypass to 101
		ip6 daddr @podips-v6 queue flags bypass to 101
	}

	chain prerouting {
		type filter hook prerouting priority dstnat + 5; policy accept;
		meta l4proto != udp accept
		udp dport != 53 accept
		ip saddr @podips-v4 queue flags bypass to 101
		ip daddr @podips-v4 queue flags bypass to 101
		ip6 saddr @podips-v6 queue flags bypass to 101
		ip6 daddr @podips-v6 queue flags bypass to 101
	}
}
`)
})

it('lets established connections be, and the own node in, but not another', async () => {
  const world = await ninePods('kindnet')
  const heard: string[] = []
  world.netns('x/a').sockets.listenTcp({ port: 9000 }, () => ({ data: (bytes) => void heard.push(new TextDecoder().decode(bytes)) }))
  const there = { address: world.address('x/a'), port: 9000 }
  const early = world.netns('y/a').sockets.connectTcp(there, {})
  world.cluster.clock.settle()
  world.apply(closed)
  early.write(new TextEncoder().encode('still here'))
  world.cluster.clock.settle()
  expect(heard).toEqual(['still here'])
  const log: string[] = []
  for (const node of ['test-worker', 'test-worker2', 'test-control-plane']) {
    world.cluster.network.machine(node)!.root.sockets.connectTcp(there, { connected: () => void log.push(node) })
  }
  world.cluster.clock.settle()
  expect(log).toEqual(['test-worker'])
})

it('answers DNS of a pod that is shut in only where a rule lets it', async () => {
  const world = await ninePods('kindnet')
  world.netns('y/b').sockets.bindUdp({ port: 53 }, { datagram: (bytes) => void heard.push(bytes.length) })
  const heard: number[] = []
  const ask = () => {
    world
      .netns('x/a')
      .sockets.bindUdp({}, { datagram: () => {} })
      .send(new Uint8Array(7), { address: world.address('y/b'), port: 53 })
    world.cluster.clock.settle()
    return heard.splice(0).length
  }
  expect(ask()).toBe(1)
  world.apply(closed)
  expect(ask()).toBe(0)
  world.undo(closed)
  world.apply({
    policies: [{ podSelector: {}, policyTypes: ['Egress'], egress: [{ ports: [{ protocol: 'UDP', port: 53 }] }] }],
  })
  expect(ask()).toBe(1)
})

it('is open while its agent is gone, keeps the rules, and closes again with it', async () => {
  const world = await ninePods('kindnet')
  world.apply(closed)
  expect(world.open(80, 'TCP').has('x/b > x/a')).toBe(false)
  const daemonset = world.cluster.api.get<any>('daemonsets.apps', 'kube-system', 'kindnet')
  const selecting = (nodeSelector: object) =>
    world.cluster.api.patch(
      'daemonsets.apps',
      'kube-system',
      'kindnet',
      { spec: { template: { spec: { nodeSelector: { 'kubernetes.io/os': 'linux', gone: null, ...nodeSelector } } } } },
      { type: 'merge' },
    )
  expect(daemonset.spec.template.spec.nodeSelector).toEqual({ 'kubernetes.io/os': 'linux' })
  selecting({ gone: 'yes' })
  await world.pass(60_000)
  expect(world.open(80, 'TCP').has('x/b > x/a')).toBe(true)
  const { netfilter } = world.cluster.network.machine('test-worker')!.root
  expect(netfilter.table('kindnet-network-policies')?.sets?.['podips-v4']?.members).toEqual([world.address('x/a')])
  selecting({})
  await world.pass(60_000)
  expect(world.open(80, 'TCP').has('x/b > x/a')).toBe(false)
  expect(world.defects).toEqual([])
})

it('names the policy in a trace', async () => {
  const world = await ninePods('kindnet')
  world.apply(closed)
  const hops = world.cluster.network.trace(() => {
    world.netns('x/b').sockets.connectTcp({ address: world.address('x/a'), port: 80 }, {})
  })
  expect(hops.find(({ verdict }) => verdict === 'DROP')).toMatchObject({
    stage: 'POSTROUTING',
    origin: { kind: 'NetworkPolicy', namespace: 'x', name: 'policy-0' },
    detail: 'queue 101: ingress allowed by no policy that selects the pod',
  })
})
