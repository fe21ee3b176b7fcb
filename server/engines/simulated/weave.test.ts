import { deserialize, serialize } from 'node:v8'
import { expect, it } from 'vitest'
import type { ClusterSnapshot } from '../../../simulator/cluster/cluster.ts'
import { runProcess } from '../../../simulator/kubelet/runtime/run-process.ts'
import { heldCluster } from './testing/held-cluster.ts'

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const nodes = ['test-control-plane', 'test-worker', 'test-worker2']

function boot(from?: ClusterSnapshot) {
  const { cluster, defects, pass } = heldCluster({ name: 'test', nodes: 3, cni: 'weave', seed: 1 }, from)
  const { api } = cluster
  const agentOn = (node: string) =>
    api.list<any>('pods').find(({ metadata, spec }) => metadata.labels?.name === 'weave-net' && spec.nodeName === node)!
  return {
    cluster,
    api,
    pass,
    defects,
    agentOn,
    async logs(node: string, container = 'weave') {
      const url = `https://cluster/api/v1/namespaces/kube-system/pods/${agentOn(node).metadata.name}/log?container=${container}`
      return (await cluster.server.fetch(new Request(url, { headers: { authorization: 'Bearer p' } }))).text()
    },
    async weave(node: string, ...words: string[]) {
      const place = cluster.podPlace('kube-system', agentOn(node).metadata.name, 'weave')
      const chunks: string[] = []
      const stdout = { write: async (chunk: Uint8Array | string) => void chunks.push(typeof chunk === 'string' ? chunk : decode(chunk)) }
      const child = runProcess(place, ['/home/weave/weave', '--local', ...words], { stdout })
      if ('problem' in child) throw new Error(child.problem)
      await pass(100)
      expect(await child.exit).toBe(0)
      return chunks.join('')
    },
    setEnv(env: { name: string; value: string }[]) {
      const patch = { spec: { template: { spec: { containers: [{ name: 'weave', env }] } } } }
      api.patch('daemonsets.apps', 'kube-system', 'weave-net', patch, { type: 'strategic' })
    },
    async pod(name: string, node: string) {
      api.create('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', labels: { app: name } },
        spec: { nodeName: node, containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }] },
      } as any)
      await pass(10_000)
      const { status } = api.get<any>('pods', 'default', name)
      return { address: status.podIP as string, place: cluster.podPlace('default', name) }
    },
  }
}

type Pod = Awaited<ReturnType<ReturnType<typeof boot>['pod']>>

/** How many bytes of a single write get from one pod to another within a minute. */
async function sent(world: ReturnType<typeof boot>, from: Pod, to: Pod, bytes: number, port = 8080): Promise<number> {
  let got = 0
  const listener = to.place.namespace.sockets.listenTcp({ port }, () => ({ data: (chunk) => void (got += chunk.length) }))
  const connection = from.place.namespace.sockets.connectTcp(
    { address: to.address, port },
    { connected: () => connection.write(new Uint8Array(bytes)) },
  )
  await world.pass(60_000)
  connection.reset()
  listener.close()
  return got
}

it('connects three peers by fast datapath, divides the network among them, and says so', async () => {
  const world = boot()
  await world.pass(60_000)
  const status = await world.weave('test-worker', 'status')
  expect(status).toContain('        Service: router\n       Protocol: weave 1..2\n')
  expect(status).toContain('     Encryption: disabled\n')
  expect(status).toContain('    Connections: 2 (2 established)\n          Peers: 3 (with 6 established connections)\n')
  expect(status).toContain('         Status: ready\n          Range: 10.244.0.0/16\n')
  expect((await world.weave('test-worker', 'status', 'connections')).split('\n')[0]).toMatch(
    /^-> 172\.18\.0\.\d:6783 {7}established fastdp [0-9a-f:]{17}\(test-[\w-]+\) mtu=1376$/,
  )
  expect((await world.weave('test-worker', 'status', 'peers')).split('\n').filter((line) => line.includes('established'))).toHaveLength(6)
  const ipam = (await world.weave('test-worker', 'status', 'ipam')).trim().split('\n')
  expect(ipam[0]).toMatch(/^[0-9a-f:]{17}\(test-worker\) +\d+ IPs \(\d\d\.\d% of total\) \(\d active\)$/)
  expect(ipam.reduce((sum, line) => sum + Number(/(\d+) IPs/.exec(line)?.[1]), 0)).toBe(65_536)
  expect(await world.weave('test-worker', 'version')).toBe('weave 2.8.1\n')
  const { annotations } = world.api.get<any>('configmaps', 'kube-system', 'weave-net').metadata
  expect(
    JSON.parse(annotations['kube-peers.weave.works/peers'])
      .Peers.map((peer: any) => peer.NodeName)
      .sort(),
  ).toEqual(nodes)
  const root = world.cluster.nodePlace('test-worker')!.namespace
  expect(root.link('vxlan-6784')).toMatchObject({ kind: 'vxlan', up: true, mtu: 65_535 })
  expect(root.link('weave')).toMatchObject({ kind: 'bridge', mtu: 1376 })
  expect(root.link('datapath')).toMatchObject({ kind: 'openvswitch', mtu: 1376 })
  const conditions = world.api.get<any>('nodes', undefined, 'test-worker').status.conditions
  expect(conditions.find((one: any) => one.type === 'NetworkUnavailable')).toMatchObject({ status: 'False', reason: 'WeaveIsUp' })
  expect(world.defects).toEqual([])
})

it('lets pods out of the cluster: of the two devices that answer ARP for the gateway, the bridge answers first', async () => {
  const world = boot()
  await world.pass(60_000)
  for (const node of ['test-worker', 'test-worker2']) {
    const { place } = await world.pod(`from-${node}`, node)
    let reply: unknown
    const on = { reply: (got: unknown) => (reply = got), error: (...error: unknown[]) => (reply = error) }
    place.namespace.sockets.ping('8.8.8.8', { bytes: 56, ttl: 64, sequence: 1, id: 7 }, on)
    await world.pass(2_000)
    expect(reply).toMatchObject({ from: '8.8.8.8' })
  }
  expect(world.defects).toEqual([])
  world.cluster.close()
})

it('falls back to sleeve where WEAVE_MTU is more than the underlay carries, and big segments still arrive', async () => {
  const world = boot()
  await world.pass(60_000)
  world.setEnv([{ name: 'WEAVE_MTU', value: '1480' }])
  await world.pass(120_000)
  const [one, two] = [await world.pod('one', 'test-worker'), await world.pod('two', 'test-worker2')]
  expect(await world.weave('test-worker', 'status', 'connections')).toMatch(/established sleeve .* mtu=1438/)
  expect(await world.logs('test-worker')).toMatch(/overlay_switch ->\[.*\] using sleeve/)
  expect(await sent(world, one, two, 20_000)).toBe(20_000)
})

it('loses big segments silently where the way got narrower after fast datapath was found to work', async () => {
  const world = boot()
  await world.pass(60_000)
  const [one, two] = [await world.pod('one', 'test-worker'), await world.pod('two', 'test-worker2')]
  expect(await sent(world, one, two, 20_000)).toBe(20_000)
  world.cluster.nodePlace('test-worker')!.namespace.setLink('eth0', { mtu: 1400 })
  expect(await sent(world, one, two, 1000)).toBe(1000)
  expect(await sent(world, one, two, 20_000)).toBe(0)
})

it('encrypts with the password of a Secret, for which the default MTU leaves room and 1420 does not', async () => {
  const world = boot()
  await world.pass(60_000)
  world.setEnv([{ name: 'WEAVE_PASSWORD', value: 's3cr3tp4ssw0rd' }])
  await world.pass(120_000)
  expect(await world.weave('test-worker', 'status')).toContain('     Encryption: enabled\n')
  expect(await world.weave('test-worker', 'status', 'connections')).toMatch(/established encrypted +fastdp .* encrypted=truemtu=1376/)
  expect(await world.logs('test-worker')).toMatch(/Setting up IPsec between .*\(test-worker\) and /)
  world.setEnv([{ name: 'WEAVE_MTU', value: '1420' }])
  await world.pass(120_000)
  expect(await world.weave('test-worker', 'status', 'connections')).toMatch(/established encrypted +sleeve .*mtu=1414/)
  world.api.patch(
    'daemonsets.apps',
    'kube-system',
    'weave-net',
    { spec: { template: { spec: { containers: [{ name: 'weave', env: [{ name: 'WEAVE_PASSWORD', $patch: 'delete' }] }] } } } },
    { type: 'strategic' },
  )
  await world.pass(120_000)
  // Without ESP the same frames fit.
  expect(await world.weave('test-worker', 'status', 'connections')).toMatch(/established fastdp .* mtu=1420/)
  expect(world.defects).toEqual([])
})

it('does not connect peers with different passwords', async () => {
  const world = boot()
  await world.pass(60_000)
  world.api.patch('daemonsets.apps', 'kube-system', 'weave-net', { spec: { updateStrategy: { type: 'OnDelete' } } }, { type: 'merge' })
  world.setEnv([{ name: 'WEAVE_PASSWORD', value: 'one' }])
  for (const node of ['test-worker', 'test-worker2']) world.api.delete('pods', 'kube-system', world.agentOn(node).metadata.name)
  await world.pass(60_000)
  expect(await world.logs('test-control-plane')).toContain('no password specificed, but peer requested an encrypted connection')
  expect(await world.logs('test-worker')).toContain('password specified, but peer requested an unencrypted connection')
  world.setEnv([{ name: 'WEAVE_PASSWORD', value: 'two' }])
  world.api.delete('pods', 'kube-system', world.agentOn('test-worker').metadata.name)
  await world.pass(60_000)
  expect(await world.logs('test-worker')).toMatch(/connection shutting down due to error during handshake: Unable to decrypt TCP msg/)
  const [one, two] = [await world.pod('one', 'test-worker'), await world.pod('two', 'test-worker2')]
  expect(await sent(world, one, two, 100)).toBe(0)
})

it('says which connection weave-npc blocked', async () => {
  const world = boot()
  await world.pass(60_000)
  const [one, two] = [await world.pod('one', 'test-worker'), await world.pod('two', 'test-worker2')]
  world.api.create('networkpolicies.networking.k8s.io', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'deny', namespace: 'default' },
    spec: { podSelector: {}, policyTypes: ['Ingress'] },
  } as any)
  await world.pass(1000)
  expect(await sent(world, one, two, 100)).toBe(0)
  const line = new RegExp(`TCP connection from ${one.address}:\\d+ to ${two.address}:8080 blocked by Weave NPC\\.`)
  expect(await world.logs('test-worker2', 'weave-npc')).toMatch(line)
  expect(await world.logs('test-worker', 'weave-npc')).not.toMatch(line)
})

it('takes up persisted addresses after a restart, and a deleted node leaves its range to another', async () => {
  const world = boot()
  await world.pass(60_000)
  const [one, two] = [await world.pod('one', 'test-worker'), await world.pod('two', 'test-worker2')]
  world.api.delete('pods', 'kube-system', world.agentOn('test-worker').metadata.name)
  await world.pass(60_000)
  expect(await world.logs('test-worker')).toContain('Initialising with persisted data')
  expect(await sent(world, one, two, 5000)).toBe(5000)
  const three = await world.pod('three', 'test-worker')
  expect(three.address).not.toBe(one.address)
  world.cluster.setKubelet('test-worker2', false)
  world.api.delete('nodes', undefined, 'test-worker2')
  await world.pass(120_000)
  const ipam = (await world.weave('test-worker', 'status', 'ipam')).trim()
  expect(ipam).not.toContain('test-worker2')
  const { annotations } = world.api.get<any>('configmaps', 'kube-system', 'weave-net').metadata
  expect(annotations['kube-peers.weave.works/peers']).not.toContain('test-worker2')
})

it('has the same future after a snapshot, and says nothing about it', async () => {
  const original = boot()
  await original.pass(60_000)
  const snapshot = deserialize(serialize(original.cluster.snapshot())) as ClusterSnapshot
  const copy = boot(snapshot)
  const before = await original.logs('test-worker')
  expect(await copy.logs('test-worker')).toBe(before)
  const work = async (world: typeof original) => {
    const [one, two] = [await world.pod('one', 'test-worker'), await world.pod('two', 'test-worker2')]
    world.api.delete('pods', 'kube-system', world.agentOn('test-worker').metadata.name)
    await world.pass(60_000)
    const got = await sent(world, one, two, 5000)
    const texts = [await world.logs('test-worker2'), await world.weave('test-worker2', 'status', 'connections')]
    // Sockets are opened anew after a restore, from ports of their own.
    return [one.address, two.address, got, ...texts.map((text) => text.replaceAll(/:\d{5}\b/g, ':PORT'))]
  }
  expect(await work(copy)).toEqual(await work(original))
  expect(copy.defects).toEqual([])
})
