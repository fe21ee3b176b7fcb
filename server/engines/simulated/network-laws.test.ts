import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Plugin, plugins } from '../../../simulator/bootstrap/spec.ts'
import type { ClusterSnapshot } from '../../../simulator/cluster/cluster.ts'
import type { NetworkNamespace } from '../../../simulator/network/namespace.ts'
import { renderIptables } from '../../../simulator/network/netfilter/render.ts'
import { renderNftTable } from '../../../simulator/network/netfilter/render-nft.ts'
import type { Network } from '../../../simulator/network/network.ts'
import { routeLine } from '../../../simulator/network/route-line.ts'
import type { Hop } from '../../../simulator/network/trace.ts'
import { heldCluster } from './testing/held-cluster.ts'

const nodes = ['test-control-plane', 'test-worker', 'test-worker2']
const labels = ['red', 'green', 'blue'] as const
const label = fc.constantFrom(...labels)
const protocol = fc.constantFrom('TCP' as const, 'UDP' as const)

const topology = fc.record({
  pods: fc.array(fc.record({ node: fc.nat(2), label }), { minLength: 2, maxLength: 5 }),
  services: fc.array(
    fc.record({
      selects: label,
      protocol,
      type: fc.constantFrom('ClusterIP' as const, 'NodePort' as const),
      local: fc.constantFrom('none' as const, 'internal' as const, 'external' as const),
      affinity: fc.boolean(),
      /** 81 is a port on which nothing listens. */
      targetPort: fc.constantFrom(80, 80, 80, 81),
    }),
    { maxLength: 3 },
  ),
  policies: fc.array(
    fc.record({
      selects: fc.option(label, { nil: undefined }),
      from: fc.option(label, { nil: undefined }),
      types: fc.constantFrom<('Ingress' | 'Egress')[]>(['Ingress'], ['Egress'], ['Ingress', 'Egress']),
      protocol,
    }),
    { maxLength: 3 },
  ),
  flows: fc.array(
    fc.record({ from: fc.nat(8), to: fc.constantFrom('pod' as const, 'service' as const, 'node' as const), which: fc.nat(4), protocol }),
    { minLength: 1, maxLength: 12 },
  ),
})
type Topology = typeof topology extends fc.Arbitrary<infer T> ? T : never

const open = (cni: Plugin, from?: ClusterSnapshot) => heldCluster({ name: 'test', nodes: 3, cni, seed: 1 }, from)

type World = ReturnType<typeof open>

/** A pod on each node, so that what a plugin makes of a node with its first pod (a bridge, a block of addresses) is there from the start. */
async function base(cni: Plugin): Promise<ClusterSnapshot> {
  const world = open(cni)
  await world.pass(60_000)
  for (const namespace of ['anchor', 'laws'])
    world.cluster.api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  world.cluster.clock.settle()
  for (const [index, node] of nodes.entries()) pod(world, 'anchor', `anchor-${index}`, node, {})
  await world.pass(60_000)
  const snapshot = world.cluster.snapshot()
  world.cluster.close()
  expect(world.defects).toEqual([])
  return snapshot
}

function pod({ cluster }: World, namespace: string, name: string, nodeName: string, podLabels: Record<string, string>): void {
  cluster.api.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: podLabels },
    spec: { nodeName, tolerations: [{ operator: 'Exists' }], containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }] },
  })
}

async function build(world: World, { pods, services, policies }: Topology): Promise<void> {
  const { api } = world.cluster
  for (const [index, one] of pods.entries()) pod(world, 'laws', `pod-${index}`, nodes[one.node]!, { app: one.label })
  for (const [index, one] of services.entries()) {
    api.create('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `service-${index}`, namespace: 'laws' },
      spec: {
        type: one.type,
        selector: { app: one.selects },
        ...(one.affinity ? { sessionAffinity: 'ClientIP' } : {}),
        ...(one.local === 'internal' ? { internalTrafficPolicy: 'Local' } : {}),
        ...(one.local === 'external' && one.type === 'NodePort' ? { externalTrafficPolicy: 'Local' } : {}),
        ports: [
          {
            port: 80,
            targetPort: one.targetPort,
            protocol: one.protocol,
            ...(one.type === 'NodePort' ? { nodePort: 30_000 + index } : {}),
          },
        ],
      },
    })
  }
  for (const [index, one] of policies.entries()) {
    const peers = [{ podSelector: one.from ? { matchLabels: { app: one.from } } : {} }]
    const ports = [{ port: 80, protocol: one.protocol }]
    api.create('networkpolicies.networking.k8s.io', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `policy-${index}`, namespace: 'laws' },
      spec: {
        podSelector: one.selects ? { matchLabels: { app: one.selects } } : {},
        policyTypes: one.types,
        ...(one.types.includes('Ingress') ? { ingress: [{ from: peers, ports }] } : {}),
        ...(one.types.includes('Egress') ? { egress: [{ to: peers, ports }] } : {}),
      },
    })
  }
  await world.pass(15_000)
}

interface Heard {
  /** What each flow's own socket heard, and from where. */
  readonly answers: ReadonlyMap<string, { readonly asked: string; readonly got: readonly string[] }>
  readonly hops: readonly Hop[]
}

/** Every pod answers on TCP and UDP 80 with what it was told; each flow says its own name. */
function run(world: World, { pods, services, flows }: Topology): Heard {
  const { cluster } = world
  const network = cluster.network
  const places = pods.map((_, index) => cluster.podPlace('laws', `pod-${index}`).namespace)
  for (const { sockets } of places) {
    const udp = sockets.bindUdp({ port: 80 }, { datagram: (bytes, from) => udp.send(bytes, from) })
    sockets.listenTcp({ port: 80 }, (connection) => ({ data: (bytes) => connection.write(bytes), end: () => connection.end() }))
  }
  const sources = [...places, ...nodes.map((name) => network.machine(name)!.root), network.machine('workstation')!.root]
  const addresses = places.map((place) => place.addresses()[0]!)
  const ips = services.map((_, index) => cluster.api.get<any>('services', 'laws', `service-${index}`).spec.clusterIP as string)
  const answers = new Map<string, { asked: string; got: string[] }>()
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  const recorder = network.record()
  const closers: (() => void)[] = []
  for (const [index, flow] of flows.entries()) {
    const from = sources[flow.from % sources.length]!
    const service = services.length === 0 ? undefined : flow.which % services.length
    const to =
      flow.to === 'service' && service !== undefined
        ? { address: ips[service]!, port: 80 }
        : flow.to === 'node' && service !== undefined
          ? { address: `172.18.0.${2 + (flow.which % 3)}`, port: 30_000 + service }
          : { address: addresses[flow.which % addresses.length]!, port: 80 }
    const name = `flow-${index}`
    const entry = { asked: `${to.address}:${to.port}`, got: [] as string[] }
    answers.set(name, entry)
    if (flow.protocol === 'UDP') {
      const socket = from.sockets.bindUdp(
        {},
        { datagram: (bytes, source) => entry.got.push(`${decoder.decode(bytes)} ${source.address}:${source.port}`) },
      )
      socket.send(encoder.encode(name), to)
      closers.push(() => socket.close())
    } else {
      const connection = from.sockets.connectTcp(to, {
        connected: () => connection.write(encoder.encode(name)),
        data: (bytes) => entry.got.push(`${decoder.decode(bytes)} ${connection.remote.address}:${connection.remote.port}`),
      })
      closers.push(() => connection.close())
    }
  }
  cluster.clock.settle()
  for (const close of closers) close()
  cluster.clock.settle()
  recorder.close()
  return { answers, hops: recorder.hops }
}

function namespaces(network: Network): NetworkNamespace[] {
  return nodes.flatMap((name) => network.machine(name)!.namespaces())
}

/** What a node has of interfaces, addresses, routes, rules, sets and settings; not what it learned or counted. */
function fingerprint(network: Network): string[] {
  return namespaces(network).flatMap((namespace) => {
    const { netfilter, routing } = namespace
    const nft = Object.values(netfilter.tables).filter(({ iptables }) => !iptables)
    const where = `${namespace.machine.name}/${namespace.name}`
    return [
      where,
      ...namespace
        .links()
        .map(({ name, kind, up, mtu, addresses }) => `link ${name} ${kind} ${up} ${mtu} ${JSON.stringify(addresses)}`)
        .sort(),
      ...routing.routes.map((route) => `route ${route.table} ${routeLine(namespace, route)}`).sort(),
      ...routing.rules.map((rule) => `rule ${JSON.stringify(rule)}`),
      ...renderIptables(namespace).split('\n'),
      ...nft.map(renderNftTable),
      ...Object.values(netfilter.sets)
        .map(({ name, type, members }) => `set ${name} ${type} ${[...members].sort().join(' ')}`)
        .sort(),
      ...Object.entries(namespace.sysctls())
        .map(([key, value]) => `${key}=${value}`)
        .sort(),
    ].map((line) => `${where} ${line}`)
  })
}

/** What the real one leaves: weave-npc adds its rule against egress with the first policy of that kind, and never takes it away (npc/controller.go). */
const left: Partial<Record<Plugin, RegExp>> = { weave: /-A WEAVE-NPC-EGRESS .*(NFLOG|DROP)/ }

describe.each(plugins)('laws of the network on %s', (cni) => {
  let from: ClusterSnapshot
  beforeAll(async () => {
    from = await base(cni)
  })

  it('hold whatever the topology, the Services, the policies and the flows', { timeout: 400_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(topology, async (drawn) => {
        const world = open(cni, from)
        try {
          const before = fingerprint(world.cluster.network)
          await build(world, drawn)
          const { answers, hops } = run(world, drawn)

          // No packet is both delivered and dropped, none is delivered twice, and each one that left a socket ends.
          const ends = new Map<number, string[]>()
          const sent = new Set<number>()
          const tunnelled = new Set<number>()
          for (const { serial, stage, verdict, detail } of hops) {
            // A frame that a bridge floods through a tunnel (ARP) left no socket.
            if (stage === 'encapsulate') tunnelled.add(serial)
            if (stage === 'send' && !tunnelled.has(serial)) sent.add(serial)
            const list = ends.get(serial) ?? []
            ends.set(serial, list)
            // A bridge that does not know a MAC yet floods: the copies that nobody wants say nothing about the packet.
            const copy = stage === 'receive' && detail.startsWith('frame for')
            if (verdict && verdict !== 'ACCEPT' && stage !== 'encapsulate' && !copy) list.push(verdict)
          }
          for (const serial of sent) {
            const way = () =>
              hops.filter((hop) => hop.serial === serial).map(({ machine, stage, detail }) => `${machine} ${stage} ${detail}`)
            expect(ends.get(serial), JSON.stringify(way(), undefined, 1)).toHaveLength(1)
          }

          // A reply reaches only the socket that asked, once, from where it asked.
          for (const [name, { asked, got }] of answers)
            expect(got.length === 0 ? [] : got).toEqual(got.length === 0 ? [] : [`${name} ${asked}`])

          // Deleting everything returns every node to its first state.
          const { api, network } = world.cluster
          const gone = drawn.pods.map((_, index) => api.get<any>('pods', 'laws', `pod-${index}`).status.podIP as string)
          const ips = drawn.services.map((_, index) => api.get<any>('services', 'laws', `service-${index}`).spec.clusterIP as string)
          for (const [index] of drawn.policies.entries()) api.delete('networkpolicies.networking.k8s.io', 'laws', `policy-${index}`)
          for (const [index] of drawn.services.entries()) api.delete('services', 'laws', `service-${index}`)
          for (const [index] of drawn.pods.entries()) api.delete('pods', 'laws', `pod-${index}`)
          await world.pass(60_000)
          const stays = (line: string) => left[cni]?.test(line) ?? false
          expect(fingerprint(network).filter((line) => !stays(line))).toEqual(before.filter((line) => !stays(line)))

          // Connections of what is gone are forgotten.
          await world.pass(180_000)
          const flows = namespaces(network).flatMap(({ netfilter }) => netfilter.conntrack.list())
          const stale = flows.filter(({ original, reply }) =>
            [original, reply].some(({ src, dst }) => [...gone, ...ips].some((ip) => ip === src || ip === dst)),
          )
          expect(stale).toEqual([])
          expect(world.defects).toEqual([])
        } finally {
          world.cluster.close()
        }
      }),
      { numRuns: Number(process.env['NETWORK_LAWS_RUNS'] ?? 6) },
    )
  })
})
