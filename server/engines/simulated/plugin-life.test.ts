import { describe, expect, it } from 'vitest'
import { type InstallablePlugin, installablePlugins } from '../../../simulator/bootstrap/plugin-manifests.ts'
import { pluginWorld } from './testing/plugin-world.ts'

interface Life {
  conflist: string
  /** Its agents' label and, of the containers that matter, the one with the network's agent. */
  label: string
  container: string
  /** What stays on a node for which nobody cleans up. */
  leftovers: readonly string[]
  /** What a new pod is told without its agents; absent: it gets a network all the same. */
  withoutAgents?: RegExp
  /** A mistake in the configuration that its manifest has, and what its agent says of it. */
  mistake?: { change(object: any): void; log: RegExp }
}

/** A line for each plugin. */
const lives: Readonly<Record<InstallablePlugin, Life>> = {
  kindnet: { conflist: '10-kindnet.conflist', label: 'app=kindnet', container: 'kindnet-cni', leftovers: [] },
  flannel: {
    conflist: '10-flannel.conflist',
    label: 'app=flannel',
    container: 'kube-flannel',
    leftovers: ['cni0', 'flannel.1'],
    mistake: {
      change: (object) => {
        if (object.kind === 'ConfigMap') object.data['net-conf.json'] = '{ "Network": "10.244.0.0/16", }'
      },
      log: /E\d{4} .* main\.go:\d+\] .*error parsing subnet config/,
    },
  },
  weave: {
    conflist: '10-weave.conflist',
    label: 'name=weave-net',
    container: 'weave',
    leftovers: ['weave', 'datapath', 'vethwe-bridge', 'vethwe-datapath', 'vxlan-6784'],
    withoutAgents:
      /plugin type="weave-net" name="weave" failed \(add\): unable to allocate IP address: Post "http:\/\/127\.0\.0\.1:6784\/ip\/[0-9a-f]{64}": dial tcp 127\.0\.0\.1:6784: connect: connection refused/,
    mistake: {
      change: (object) => {
        if (object.kind !== 'DaemonSet') return
        object.spec.template.spec.containers[0].env.push({ name: 'IPALLOC_RANGE', value: '172.16.0.0/12' })
      },
      log: /Network 172\.16\.0\.0\/12 overlaps with existing route 172\.18\.0\.0\/16 on host/,
    },
  },
}

const [one, two] = ['test-worker', 'test-worker2']
const notReady =
  'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized'

describe.each(installablePlugins)('the life of %s', (plugin) => {
  const life = lives[plugin]

  it('is installed onto a cluster without a network: nodes become ready, pods reach each other', async () => {
    const world = await pluginWorld()
    expect(Object.values(world.ready()).map(({ status, message }) => [status, message])).toEqual(Array(3).fill(['False', notReady]))
    await world.install(plugin)
    expect(Object.values(world.ready()).map(({ status }) => status)).toEqual(['True', 'True', 'True'])
    await world.pod('a', one)
    await world.pod('b', two)
    expect([await world.reaches('a', 'b'), await world.reaches('b', 'a')]).toEqual([true, true])
    expect([world.networkOf('a', one), world.networkOf('b', two)]).toEqual([plugin, plugin])
    expect(world.files(one).exists(`/etc/cni/net.d/${life.conflist}`)).toBe(true)
    expect(world.defects).toEqual([])
  })

  it('leaves nodes without a network where its image does not exist', async () => {
    const world = await pluginWorld()
    await world.install(plugin, (object) => {
      if (object.kind !== 'DaemonSet') return
      const { containers, initContainers = [] } = object.spec.template.spec
      for (const container of [...containers, ...initContainers]) container.image = container.image.replace(/:[^:]+$/, ':v0.0.0-missing')
    })
    expect(Object.values(world.ready()).map(({ message }) => message)).toEqual(Array(3).fill(notReady))
    const [agent] = world.api.list<any>('pods', { labelSelector: life.label })
    const statuses = [...(agent.status.initContainerStatuses ?? []), ...(agent.status.containerStatuses ?? [])]
    expect(statuses.map(({ state }: any) => state.waiting?.reason)).toContain('ImagePullBackOff')
  })

  it('leaves the nodes that its daemonset does not select without a network', async () => {
    const world = await pluginWorld()
    world.api.patch('nodes', undefined, one, { metadata: { labels: { network: 'yes' } } }, { type: 'merge' })
    await world.install(plugin, (object) => {
      if (object.kind === 'DaemonSet') object.spec.template.spec.nodeSelector = { network: 'yes' }
    })
    expect(world.ready()).toMatchObject({ [one]: { status: 'True' }, [two]: { status: 'False', message: notReady } })
  })

  it.runIf(life.mistake)('says what is wrong with its configuration', async () => {
    const world = await pluginWorld()
    await world.install(plugin, life.mistake!.change)
    expect(await world.logs(life.label, life.container)).toMatch(life.mistake!.log)
    const [agent] = world.api.list<any>('pods', { labelSelector: life.label })
    expect(agent.status.containerStatuses.find(({ name }: any) => name === life.container).restartCount).toBeGreaterThan(0)
    expect(world.defects).toEqual([])
  })

  it('is removed: what it left on the nodes stays, and old pods keep their network', async () => {
    const world = await pluginWorld()
    await world.install(plugin)
    await world.pod('a', one)
    await world.pod('near', one)
    await world.pod('b', two)
    await world.remove(plugin)
    expect(world.api.list('pods', { labelSelector: life.label })).toEqual([])
    expect(world.files(one).exists(`/etc/cni/net.d/${life.conflist}`)).toBe(true)
    expect(Object.values(world.ready()).map(({ status }) => status)).toEqual(['True', 'True', 'True'])
    expect(life.leftovers.filter((name) => !world.root(one).link(name))).toEqual([])
    expect(await world.reaches('a', 'near')).toBe(true)
    expect(await world.reaches('a', 'b')).toBe(true)
    const late = await world.pod('late', one)
    if (life.withoutAgents) {
      expect(late).toBeUndefined()
      expect(world.warnings('late').join('\n')).toMatch(life.withoutAgents)
    } else expect(late).toMatch(/^10\./)
    expect(world.defects).toEqual([])
  })

  it.each(installablePlugins.filter((other) => other !== plugin))('gives way to %s', async (next) => {
    const world = await pluginWorld()
    await world.install(plugin)
    const before = await world.pod('old', one)
    await world.remove(plugin)
    await world.install(next)
    // Both configurations are there; the runtime takes the first by name.
    const winner = [life, lives[next]].sort((a, b) => (a.conflist < b.conflist ? -1 : 1))[0] === life ? plugin : next
    await world.pod('mixed', one)
    if (winner === next || !life.withoutAgents) expect(world.networkOf('mixed', one)).toBe(winner)
    for (const node of ['test-control-plane', one, two]) world.files(node).remove(`/etc/cni/net.d/${life.conflist}`)
    await world.pod('new', one)
    await world.pod('far', two)
    expect([world.networkOf('new', one), world.networkOf('far', two)]).toEqual([next, next])
    expect(world.networkOf('old', one)).toBe(plugin)
    expect(world.api.get<any>('pods', 'default', 'old').status.podIP).toBe(before)
    // Restarted, pods are on the new network. Until then, an old one may hold an address that the new plugin gives out again.
    for (const pod of world.api.list<any>('pods')) {
      if (!pod.spec.hostNetwork) world.api.delete('pods', pod.metadata.namespace, pod.metadata.name, { gracePeriodSeconds: 0 })
    }
    await world.pass(30_000)
    await world.pod('old', one)
    await world.pod('far', two)
    expect([world.networkOf('old', one), world.networkOf('far', two)]).toEqual([next, next])
    expect([await world.reaches('old', 'far'), await world.reaches('far', 'old')]).toEqual([true, true])
    expect(life.leftovers.filter((name) => !world.root(one).link(name))).toEqual([])
    expect(world.defects).toEqual([])
  })
})
