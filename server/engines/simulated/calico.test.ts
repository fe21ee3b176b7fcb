import { expect, it } from 'vitest'
import { renderIptables } from '../../../simulator/network/netfilter/render.ts'
import { udpPacket } from '../../../simulator/network/packet.ts'
import { heldCluster } from './testing/held-cluster.ts'
import { newPod, ninePods } from './testing/nine-pods.ts'

type World = Awaited<ReturnType<typeof ninePods>>
const closed = { policies: [{ podSelector: { matchLabels: { pod: 'a' } }, policyTypes: ['Ingress', 'Egress'] }] }
const worker = ({ cluster }: World) => cluster.network.machine('test-worker')!.root

/** Takes calico-node off every node, or lets it come back. */
async function agents({ cluster, pass }: World, there: boolean): Promise<void> {
  const nodeSelector = { 'kubernetes.io/os': 'linux', gone: there ? null : 'yes' }
  cluster.api.patch('daemonsets.apps', 'kube-system', 'calico-node', { spec: { template: { spec: { nodeSelector } } } }, { type: 'merge' })
  await pass(60_000)
  const running = cluster.api.list<any>('pods', { labelSelector: 'k8s-app=calico-node' })
  expect(running).toHaveLength(there ? 3 : 0)
}

it('shows the rules, sets and routes of a real node', async () => {
  const world = await ninePods('calico')
  world.apply({
    policies: [{ podSelector: { matchLabels: { pod: 'a' } }, ingress: [{ from: [{ podSelector: { matchLabels: { pod: 'b' } } }] }] }],
  })
  const root = worker(world)
  const rules = renderIptables(root).split('\n')
  for (const known of [
    '-A INPUT -m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT',
    '-A POSTROUTING -m comment --comment "cali:0i8pjzKKPyA34aQD" -j cali-POSTROUTING',
    '-A cali-nat-outgoing -m comment --comment "cali:flqWnvo8yq4ULQLa" -m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40all-ipam-pools dst -j MASQUERADE --random-fully',
    '-A cali-wl-to-host -m comment --comment "cali:Ee9Sbo10IpVujdIY" -j cali-from-wl-dispatch',
  ]) {
    expect(rules).toContain(known)
  }
  const set = Object.values(root.netfilter.sets).find(({ name }) => name.startsWith('cali40s:'))
  expect(set?.members).toEqual([world.address('x/b')])
  expect(rules.filter((rule) => rule.includes(`--match-set ${set?.name} src`))).toHaveLength(1)
  const device = root.link('vxlan.calico')!
  expect(device).toMatchObject({ mtu: 1450, vxlan: { id: 4096, port: 4789 } })
  const blocks = root.routing.routes.filter(({ protocol }) => protocol === 80)
  expect(blocks.map(({ type, dev }) => `${type} ${dev}`).sort()).toEqual([
    'blackhole undefined',
    'unicast vxlan.calico',
    'unicast vxlan.calico',
  ])
  const pod = world.netns('x/a')
  expect(pod.link('eth0')).toMatchObject({ mtu: 1450, addresses: [{ length: 32 }] })
  expect(pod.routing.lookup({ dst: '8.8.8.8' })?.nextHop).toBe('169.254.1.1')
})

it('keeps its rules when the agent is gone: policies stay as they were, and a new pod is cut off until it is back', async () => {
  const world = await ninePods('calico')
  world.apply(closed)
  await agents(world, false)
  expect(world.open(80, 'TCP').has('x/b > x/a')).toBe(false)
  world.undo(closed)
  expect(world.open(80, 'TCP').has('x/b > x/a')).toBe(false)
  newPod(world.cluster, 'late')
  await world.pass(5000)
  expect(world.cluster.api.get<any>('pods', 'x', 'late').status.phase).toBe('Running')
  const late = world.cluster.podPlace('x', 'late').namespace
  late.sockets.listenTcp({ port: 80 }, () => ({}))
  const reaches = (from: { sockets: (typeof late)['sockets'] }) => {
    let connected = false
    const connection = from.sockets.connectTcp({ address: late.addresses()[0]!, port: 80 }, { connected: () => void (connected = true) })
    world.cluster.clock.settle()
    connection.reset()
    return connected
  }
  expect(reaches(world.netns('x/b'))).toBe(false)
  // What the host sends its pods is held to nothing, but the answer comes by an interface that Felix does not know.
  expect(reaches(worker(world))).toBe(false)
  await agents(world, true)
  expect(world.open(80, 'TCP').has('x/b > x/a')).toBe(true)
  expect(reaches(world.netns('x/b'))).toBe(true)
  expect(reaches(worker(world))).toBe(true)
  expect(world.defects).toEqual([])
})

it('lets established connections be, and only the own node in', async () => {
  const world = await ninePods('calico')
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
    world.cluster.network.machine(node)!.root.sockets.connectTcp(there, { connected: () => log.push(node) })
  }
  world.cluster.clock.settle()
  expect(log).toEqual(['test-worker'])
})

it("does not let a pod send under another's address", async () => {
  const world = await ninePods('calico')
  const hops = world.cluster.network.trace(() => {
    world.netns('x/a').ip.output(udpPacket(world.address('x/b'), 1000, world.address('y/a'), 80, new Uint8Array(1)))
  })
  expect(hops.find(({ verdict }) => verdict === 'DROP')).toMatchObject({
    machine: 'test-worker',
    table: 'raw',
    rule: expect.stringContaining('rpfilter'),
  })
})

it('names the policies behind a rule in a trace', async () => {
  const world = await ninePods('calico')
  world.apply(closed)
  const hops = world.cluster.network.trace(() => {
    world.netns('x/b').sockets.connectTcp({ address: world.address('x/a'), port: 80 }, {})
  })
  expect(hops.find(({ verdict }) => verdict === 'DROP')).toMatchObject({
    table: 'filter',
    chain: expect.stringMatching(/^cali-tw-/),
    origin: { kind: 'NetworkPolicy', namespace: 'x', name: 'policy-0' },
    rule: expect.stringContaining('End of tier default. Drop if no policies passed packet'),
  })
})

it('goes on after a restore as if nothing had been', async () => {
  const world = await ninePods('calico')
  world.apply(closed)
  const snapshot = world.cluster.snapshot()
  const { cluster: copy, defects, pass } = heldCluster(snapshot.spec, snapshot)
  const root = copy.network.machine('test-worker')!.root
  // Felix knew its own rules again and wrote nothing, so that the fork still shares them.
  expect(root.netfilter.tables['filter']).toBe(worker(world).netfilter.tables['filter'])
  copy.api.delete('networkpolicies.networking.k8s.io', 'x', 'policy-0')
  copy.clock.settle()
  expect(root.netfilter.chainNames('filter').some((name) => name.startsWith('cali-pi-'))).toBe(false)
  await pass(30_000)
  expect(
    copy.api.list<any>('pods').every((pod) => pod.status.conditions.some((one: any) => one.type === 'Ready' && one.status === 'True')),
  ).toBe(true)
  expect(defects).toEqual([])
})

it('fails new pods in its own words: a token that is nobody’s, a datastore that is not there, a pool that does not exist', async () => {
  const world = await ninePods('calico')
  const files = world.cluster.nodePlace('test-worker')!.files
  const kubeconfig = '/etc/cni/net.d/calico-kubeconfig'
  const good = files.readText(kubeconfig)
  const failure = async (name: string, annotations = {}) => {
    newPod(world.cluster, name, 'test-worker', annotations)
    await world.pass(2000)
    const events = world.cluster.api.list<any>('events', { namespace: 'x' })
    return events
      .find(({ reason, involvedObject }) => reason === 'FailedCreatePodSandBox' && involvedObject.name === name)
      ?.message.replace(/"[0-9a-f]{64}"/, 'ID')
  }
  const begins =
    'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox ID: plugin type="calico" failed (add): '
  files.write(kubeconfig, good.replace(/token: .*/, 'token: nonsense'))
  expect(await failure('one')).toBe(`${begins}error getting ClusterInformation: connection is unauthorized: Unauthorized`)
  files.write(kubeconfig, good.replace('10.96.0.1:443', '10.96.0.1:444'))
  expect(await failure('two')).toMatch(
    /error getting ClusterInformation: Get "https:\/\/10\.96\.0\.1:444\/apis\/crd\.projectcalico\.org\/v1\/clusterinformations\/default": dial tcp 10\.96\.0\.1:444: i\/o timeout$/,
  )
  files.write(kubeconfig, good)
  expect(await failure('three', { 'cni.projectcalico.org/ipv4pools': '["other"]' })).toBe(
    `${begins}failed to request IPv4 addresses: the given pool (other) does not exist, or is not enabled`,
  )
  await world.pass(60_000)
  expect(world.cluster.api.get<any>('pods', 'x', 'one').status.phase).toBe('Running')
  expect(world.defects).toEqual([])
})

it('frees what a pod had, and a node that is gone', async () => {
  const world = await ninePods('calico')
  const { api } = world.cluster
  const held = () =>
    api
      .list<any>('ipamblocks.crd.projectcalico.org')
      .flatMap(({ spec }) => spec.attributes.map(({ secondary }: any) => secondary.pod ?? secondary.type))
  expect(held().filter((name) => name === 'a')).toHaveLength(3)
  const links = () =>
    worker(world)
      .links()
      .filter(({ name }) => name.startsWith('cali')).length
  const before = links()
  api.delete('pods', 'x', 'a')
  await world.pass(40_000)
  expect(held().filter((name) => name === 'a')).toHaveLength(2)
  expect(links()).toBe(before - 1)
  expect(api.list('blockaffinities.crd.projectcalico.org')).toHaveLength(3)
  world.cluster.network.machine('test-worker')!.down = true
  api.delete('nodes', undefined, 'test-worker')
  await world.pass(1000)
  expect(
    api
      .list<any>('blockaffinities.crd.projectcalico.org')
      .map(({ spec }) => spec.node)
      .sort(),
  ).toEqual(['test-control-plane', 'test-worker2'])
})

it('does with traffic to the host what its environment says, and ends where the pool cannot be', async () => {
  const world = await ninePods('calico')
  const { api } = world.cluster
  const environment = (change: (env: any[]) => any[]) => {
    const daemonset = api.get<any>('daemonsets.apps', 'kube-system', 'calico-node')
    const { spec } = daemonset.spec.template
    const containers = spec.containers.map((container: any) => ({ ...container, env: change(container.env) }))
    api.update('daemonsets.apps', {
      ...daemonset,
      spec: { ...daemonset.spec, template: { ...daemonset.spec.template, spec: { ...spec, containers } } },
    })
  }
  const toHost = () => {
    let connected = false
    const connection = world.netns('x/a').sockets.connectTcp(
      { address: '172.18.0.3', port: 10250 },
      {
        connected: () => {
          connected = true
        },
        error: () => {
          connected = true
        },
      },
    )
    world.cluster.clock.settle()
    connection.reset()
    return connected
  }
  expect(toHost()).toBe(true)
  environment((env) => env.filter(({ name }) => name !== 'FELIX_DEFAULTENDPOINTTOHOSTACTION'))
  await world.pass(120_000)
  expect(toHost()).toBe(false)
  const felix = (spec: object) => {
    api.patch('felixconfigurations.crd.projectcalico.org', undefined, 'default', { spec }, { type: 'merge' })
    world.cluster.clock.settle()
  }
  felix({ defaultEndpointToHostAction: 'Accept', bpfEnabled: false })
  expect(toHost()).toBe(true)
  expect(() => felix({ wireguardEnabled: true })).toThrow(
    'spec.wireguardEnabled: Invalid value: "boolean": the simulated Calico does not model it',
  )
  expect(() => felix({ defaultEndpointToHostAction: 'Reject' })).toThrow('spec.defaultEndpointToHostAction in body should match')
  api.delete('ippools.crd.projectcalico.org', undefined, 'default-ipv4-ippool')
  environment((env) => env.map((one) => (one.name === 'CALICO_IPV4POOL_CIDR' ? { ...one, value: '10.300.0.0/16' } : one)))
  await world.pass(60_000)
  const broken = api
    .list<any>('pods', { labelSelector: 'k8s-app=calico-node' })
    .find(({ status }) => status.containerStatuses[0].restartCount > 0)
  const answer = await world.cluster.server.fetch(
    new Request(`https://x/api/v1/namespaces/kube-system/pods/${broken?.metadata.name}/log`, { headers: { authorization: 'Bearer p' } }),
  )
  expect(await answer.text()).toMatch(
    /\[ERROR\]\[9\] startup\/startup\.go 838: Invalid CIDR specified in CALICO_IPV4POOL_CIDR '10\.300\.0\.0\/16'/,
  )
  expect(world.defects).toEqual([])
})
