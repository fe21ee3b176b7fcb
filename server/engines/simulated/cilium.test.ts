import { expect, it } from 'vitest'
import { renderIptables } from '../../../simulator/network/netfilter/render.ts'
import { udpPacket } from '../../../simulator/network/packet.ts'
import { heldCluster } from './testing/held-cluster.ts'
import { newPod, ninePods } from './testing/nine-pods.ts'

type World = Awaited<ReturnType<typeof ninePods>>
type Namespace = ReturnType<World['netns']>
const closed = { policies: [{ podSelector: { matchLabels: { pod: 'a' } }, policyTypes: ['Ingress', 'Egress'] }] }
const root = ({ cluster }: World, node = 'test-worker') => cluster.network.machine(node)!.root
const nodeAddress = '172.18.0.3'

/** Takes the agent off every node, or lets it come back. */
async function agents({ cluster, pass }: World, there: boolean): Promise<void> {
  const nodeSelector = { 'kubernetes.io/os': 'linux', gone: there ? null : 'yes' }
  cluster.api.patch('daemonsets.apps', 'kube-system', 'cilium', { spec: { template: { spec: { nodeSelector } } } }, { type: 'merge' })
  await pass(60_000)
  expect(cluster.api.list('pods', { labelSelector: 'k8s-app=cilium' })).toHaveLength(there ? 3 : 0)
}

function service({ cluster }: World, name: string, spec: Record<string, unknown>): { ip: string; nodePort: number } {
  cluster.api.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'x' }, spec })
  cluster.clock.settle()
  const made = cluster.api.get<any>('services', 'x', name).spec
  return { ip: made.clusterIP, nodePort: made.ports[0].nodePort }
}

/** How a connection ends: `open` with the peer's address as the program is told it, an error's name, or `silence`. */
function dial({ cluster }: World, from: Namespace, address: string, port: number): string {
  let ended = 'silence'
  const connection = from.sockets.connectTcp(
    { address, port },
    {
      connected: () => void (ended = `open ${connection.remote.address}:${connection.remote.port}`),
      error: (error) => void (ended = error.code),
    },
  )
  cluster.clock.settle()
  connection.reset()
  return ended
}

it('serves ClusterIPs at the socket: what leaves the pod shows a backend, and no packet filter knows the service', async () => {
  const world = await ninePods('cilium')
  const { ip } = service(world, 'b', { selector: { pod: 'b' }, ports: [{ port: 8080, targetPort: 80 }] })
  const seen: string[] = []
  const tap = world
    .netns('x/a')
    .tap('eth0', (packet, direction) => void (direction === 'out' && packet.tcp?.syn && seen.push(`${packet.dst}:${packet.dport}`)))
  expect(dial(world, world.netns('x/a'), ip, 8080)).toBe(`open ${ip}:8080`)
  tap.close()
  expect(seen).toEqual([`${world.address('x/b')}:80`])
  for (const node of ['test-worker', 'test-worker2', 'test-control-plane']) {
    expect(renderIptables(root(world, node))).not.toMatch(/KUBE-|10\.96\./)
    expect(JSON.stringify(root(world, node).netfilter.conntrack.list())).not.toContain(ip)
    expect(dial(world, root(world, node), ip, 8080)).toBe(`open ${ip}:8080`)
  }
  const hops = world.cluster.network.trace(() => void world.netns('x/a').sockets.connectTcp({ address: ip, port: 8080 }, {}))
  expect(hops[0]).toMatchObject({ stage: 'bpf', origin: { kind: 'Service', namespace: 'x', name: 'b' } })
  expect(world.cluster.api.list<any>('daemonsets.apps').map(({ metadata }) => metadata.name)).toEqual(['cilium'])
})

it('answers datagrams from the address that was asked', async () => {
  const world = await ninePods('cilium')
  const { ip } = service(world, 'b', { selector: { pod: 'b' }, ports: [{ port: 53, targetPort: 81, protocol: 'UDP' }] })
  const server = world.netns('x/b')
  const { port } = server.sockets.bindUdp({ port: 5353 }, { datagram: () => {} }).local
  expect(port).toBe(5353)
  const echo = server.sockets.bindUdp({ address: world.address('x/b'), port: 7000 }, { datagram: (bytes, from) => echo.send(bytes, from) })
  const other = service(world, 'echo', { selector: { pod: 'b' }, ports: [{ port: 7, targetPort: 7000, protocol: 'UDP' }] })
  const answers: string[] = []
  const client = world.netns('y/c').sockets.bindUdp({}, { datagram: (_, from) => void answers.push(`${from.address}:${from.port}`) })
  client.send(new Uint8Array(1), { address: other.ip, port: 7 })
  world.cluster.clock.settle()
  expect(answers).toEqual([`${other.ip}:7`])
  expect(ip).not.toBe(other.ip)
})

it('ends a connection to a service without backends at once, inside and from outside', async () => {
  const world = await ninePods('cilium')
  const { ip, nodePort } = service(world, 'none', { type: 'NodePort', selector: { pod: 'nobody' }, ports: [{ port: 80 }] })
  expect(dial(world, world.netns('x/a'), ip, 80)).toBe('EHOSTUNREACH')
  expect(dial(world, world.netns('x/a'), nodeAddress, nodePort)).toBe('EHOSTUNREACH')
  expect(dial(world, root(world), '127.0.0.1', nodePort)).toBe('EHOSTUNREACH')
  expect(dial(world, root(world, 'workstation'), nodeAddress, nodePort)).toBe('ECONNREFUSED')
})

it('serves node ports on every node, and keeps the client with Local', async () => {
  const world = await ninePods('cilium')
  const spec = { type: 'NodePort', selector: { pod: 'c' }, ports: [{ port: 80, targetPort: 9000 }] }
  const clients: string[] = []
  world.netns('x/c').sockets.listenTcp({ port: 9000 }, (connection) => {
    clients.push(connection.remote.address)
    return { data: () => connection.write(new TextEncoder().encode('hello')) }
  })
  const anywhere = service(world, 'anywhere', spec)
  const local = service(world, 'local', { ...spec, externalTrafficPolicy: 'Local' })
  const workstation = root(world, 'workstation')
  const own = workstation.link('eth0')!.addresses[0]!.address
  for (const [address, expected] of [
    ['172.18.0.2', 'router'],
    [nodeAddress, own],
    ['172.18.0.4', 'router'],
  ] as const) {
    expect(dial(world, workstation, address, anywhere.nodePort)).toBe(`open ${address}:${anywhere.nodePort}`)
    const client = clients.pop()!
    if (expected === 'router') expect(client).toMatch(/^10\.244\.[02]\./)
    else expect(client).toBe(expected)
  }
  expect(dial(world, workstation, nodeAddress, local.nodePort)).toBe(`open ${nodeAddress}:${local.nodePort}`)
  expect(clients.pop()).toBe(own)
  expect(dial(world, workstation, '172.18.0.4', local.nodePort)).toBe('ECONNREFUSED')
  const balanced = service(world, 'balanced', { ...spec, type: 'LoadBalancer', externalTrafficPolicy: 'Local' })
  expect(balanced.nodePort).toBeGreaterThan(0)
  const { healthCheckNodePort } = world.cluster.api.get<any>('services', 'x', 'balanced').spec
  expect(dial(world, workstation, nodeAddress, healthCheckNodePort)).toBe(`open ${nodeAddress}:${healthCheckNodePort}`)
  // From within the cluster a node port leads to every backend, whatever node is asked.
  expect(dial(world, world.netns('y/a'), '172.18.0.4', local.nodePort)).toBe(`open 172.18.0.4:${local.nodePort}`)
  // Bytes go both ways through the translation.
  const heard: string[] = []
  const through = workstation.sockets.connectTcp(
    { address: '172.18.0.4', port: anywhere.nodePort },
    { data: (bytes) => void heard.push(new TextDecoder().decode(bytes)) },
  )
  through.write(new TextEncoder().encode('hi'))
  world.cluster.clock.settle()
  expect(heard).toEqual(['hello'])
  expect(world.defects).toEqual([])
})

it('keeps a client with its backend where the service says so', async () => {
  const world = await ninePods('cilium')
  for (const name of ['a', 'b', 'c'])
    world.cluster.api.patch('pods', 'x', name, { metadata: { labels: { all: 'yes' } } }, { type: 'merge' })
  const ports = [{ port: 80 }]
  const sticky = service(world, 'sticky', { type: 'NodePort', selector: { all: 'yes' }, ports, sessionAffinity: 'ClientIP' })
  const loose = service(world, 'loose', { selector: { all: 'yes' }, ports })
  const client = world.netns('y/a')
  const backendOf = (address: string) => {
    const connection = client.sockets.connectTcp({ address, port: 80 }, {})
    world.cluster.clock.settle()
    const entry = client.table.entries().find(({ local, state }) => state === 'ESTAB' && local.port === connection.local.port)
    connection.reset()
    return entry?.remote?.address
  }
  const backends = (ip: string) => new Set(Array.from({ length: 20 }, () => backendOf(ip))).size
  expect(backends(sticky.ip)).toBe(1)
  expect(backends(loose.ip)).toBe(3)
})

it('applies a policy to connections that are open, and lets answers through', async () => {
  const world = await ninePods('cilium')
  const heard: string[] = []
  world.netns('x/a').sockets.listenTcp({ port: 9000 }, () => ({ data: (bytes) => void heard.push(new TextDecoder().decode(bytes)) }))
  const there = { address: world.address('x/a'), port: 9000 }
  const early = world.netns('y/a').sockets.connectTcp(there, {})
  world.cluster.clock.settle()
  world.apply(closed)
  early.write(new TextEncoder().encode('too late'))
  world.cluster.clock.settle()
  expect(heard).toEqual([])
  world.undo(closed)
  world.apply({ policies: [{ podSelector: { matchLabels: { pod: 'a' } }, policyTypes: ['Ingress'] }] })
  expect(dial(world, world.netns('x/a'), world.address('y/b'), 80)).toBe(`open ${world.address('y/b')}:80`)
  const hops = world.cluster.network.trace(
    () => void world.netns('x/b').sockets.connectTcp({ address: world.address('x/a'), port: 80 }, {}),
  )
  expect(hops.find(({ verdict }) => verdict === 'DROP')).toMatchObject({ stage: 'bpf', detail: expect.stringContaining('Policy denied') })
})

it("does not let a pod send under another's address", async () => {
  const world = await ninePods('cilium')
  const hops = world.cluster.network.trace(() => {
    world.netns('x/a').ip.output(udpPacket(world.address('x/b'), 1000, world.address('y/a'), 80, new Uint8Array(1)))
  })
  expect(hops.find(({ verdict }) => verdict === 'DROP')).toMatchObject({
    machine: 'test-worker',
    detail: expect.stringContaining('Invalid source ip'),
  })
})

it('leaves the cluster under the address of the node', async () => {
  const world = await ninePods('cilium')
  const workstation = root(world, 'workstation')
  const clients: string[] = []
  workstation.sockets.listenTcp({ port: 7777 }, (connection) => {
    clients.push(connection.remote.address)
    return {}
  })
  const own = workstation.link('eth0')!.addresses[0]!.address
  expect(dial(world, world.netns('x/a'), own, 7777)).toBe(`open ${own}:7777`)
  expect(clients).toEqual([nodeAddress])
})

it('goes on without its agent: what was stays, and a new pod gets no network in the words of the plugin', async () => {
  const world = await ninePods('cilium')
  const { ip } = service(world, 'b', { selector: { pod: 'b' }, ports: [{ port: 80 }] })
  world.apply(closed)
  newPod(world.cluster, 'gone')
  await world.pass(2000)
  await agents(world, false)
  expect(world.open(80, 'TCP').has('x/b > x/a')).toBe(false)
  expect(dial(world, world.netns('y/c'), ip, 80)).toBe(`open ${ip}:80`)
  world.undo(closed)
  expect(world.open(80, 'TCP').has('x/b > x/a')).toBe(false)
  newPod(world.cluster, 'late')
  world.cluster.api.delete('pods', 'x', 'gone')
  await world.pass(40_000)
  const failure = world.cluster.api
    .list<any>('events', { namespace: 'x' })
    .find(({ reason, involvedObject }) => reason === 'FailedCreatePodSandBox' && involvedObject.name === 'late')
  expect(failure?.message.replace(/"[0-9a-f]{64}"/, 'ID')).toBe(
    'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox ID: plugin type="cilium-cni" failed (add): unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds timeout: Get "http://localhost/v1/config": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory\nIs the agent running?',
  )
  expect(
    world.cluster.api.get<any>('nodes', undefined, 'test-worker').status.conditions.find((one: any) => one.type === 'Ready').status,
  ).toBe('True')
  await agents(world, true)
  expect(world.open(80, 'TCP').has('x/b > x/a')).toBe(true)
  await world.pass(60_000)
  expect(world.cluster.api.get<any>('pods', 'x', 'late').status.phase).toBe('Running')
  const names = world.cluster.api.list<any>('ciliumendpoints.cilium.io').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  expect(names).toContain('x/late')
  expect(names).not.toContain('x/gone')
  expect(world.defects).toEqual([])
})

it('frees what a pod had, and tells a pod whose labels changed as another', async () => {
  const world = await ninePods('cilium')
  const { api } = world.cluster
  const links = () =>
    root(world)
      .links()
      .filter(({ name }) => name.startsWith('lxc')).length
  const before = links()
  const identity = () => api.get<any>('ciliumendpoints.cilium.io', 'x', 'c').status.identity
  const old = identity()
  api.patch('pods', 'x', 'c', { metadata: { labels: { role: 'new' } } }, { type: 'merge' })
  world.cluster.clock.settle()
  expect(identity().id).not.toBe(old.id)
  expect(identity().labels).toContain('k8s:role=new')
  expect(api.find('ciliumidentities.cilium.io', undefined, String(old.id))).toBeDefined()
  await world.pass(31 * 60_000)
  expect(api.find('ciliumidentities.cilium.io', undefined, String(old.id))).toBeUndefined()
  api.delete('pods', 'x', 'c')
  await world.pass(40_000)
  expect(links()).toBe(before - 1)
  expect(api.find('ciliumendpoints.cilium.io', 'x', 'c')).toBeUndefined()
})

it('ends where its configuration cannot be', async () => {
  const world = await ninePods('cilium')
  const { api } = world.cluster
  const restarted = async (data: Record<string, string>) => {
    api.patch('configmaps', 'kube-system', 'cilium-config', { data }, { type: 'merge' })
    for (const { metadata } of api.list<any>('pods', { labelSelector: 'k8s-app=cilium' })) api.delete('pods', 'kube-system', metadata.name)
    await world.pass(90_000)
    const [pod] = api.list<any>('pods', { labelSelector: 'k8s-app=cilium' })
    return pod.status.containerStatuses[0]
  }
  const broken = await restarted({ 'routing-mode': 'tunel' })
  expect(broken.state.waiting?.reason).toBe('CrashLoopBackOff')
  expect(broken.lastState.terminated).toMatchObject({ exitCode: 1, message: expect.stringContaining('invalid routing mode') })
  expect((await restarted({ 'routing-mode': 'native' })).lastState.terminated.message).toContain(
    'does not model Cilium with routing-mode=native',
  )
  expect((await restarted({ 'routing-mode': 'tunnel' })).ready).toBe(true)
})

it('goes on after a restore as if nothing had been', async () => {
  const world = await ninePods('cilium')
  world.apply(closed)
  const { nodePort } = service(world, 'c', { type: 'NodePort', selector: { pod: 'c' }, ports: [{ port: 80 }] })
  const snapshot = JSON.parse(JSON.stringify(world.cluster.snapshot())) as ReturnType<typeof world.cluster.snapshot>
  const { cluster: copy, defects, pass } = heldCluster(snapshot.spec, snapshot)
  // What the agents wrote stands, and none of it was written again.
  const written = ({ network: { machines } }: typeof snapshot) =>
    machines.map(({ name, bpf }) => [
      name,
      ...['cilium_ipcache_v2', 'cilium_lxc', 'cilium_policy_v2', 'cilium_lb4_services_v2'].map((map) => bpf?.maps[map]),
    ])
  expect(written(copy.snapshot())).toEqual(written(snapshot))
  const netns = copy.podPlace('x', 'c').namespace
  netns.sockets.listenTcp({ port: 80 }, () => ({}))
  copy.podPlace('x', 'a').namespace.sockets.listenTcp({ port: 80 }, () => ({}))
  const reaches = (from: Namespace, address: string, port: number) => {
    let connected = false
    const connection = from.sockets.connectTcp({ address, port }, { connected: () => void (connected = true) })
    copy.clock.settle()
    connection.reset()
    return connected
  }
  expect(reaches(copy.network.machine('workstation')!.root, '172.18.0.2', nodePort)).toBe(true)
  const y = copy.podPlace('y', 'a').namespace
  expect(reaches(y, world.address('x/a'), 80)).toBe(false)
  copy.api.delete('networkpolicies.networking.k8s.io', 'x', 'policy-0')
  copy.clock.settle()
  expect(reaches(y, world.address('x/a'), 80)).toBe(true)
  await pass(60_000)
  expect(
    copy.api.list<any>('pods').every((pod) => pod.status.conditions.some((one: any) => one.type === 'Ready' && one.status === 'True')),
  ).toBe(true)
  expect(defects).toEqual([])
})
