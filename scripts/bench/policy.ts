import { catalogue } from '../../server/engines/simulated/images.ts'
import { type Plugin, plugins, type ClusterSpec as SimulatedSpec } from '../../simulator/bootstrap/spec.ts'
import { HeldTime } from '../../simulator/clock.ts'
import { createCluster } from '../../simulator/cluster/cluster.ts'
import { type Measurement, most, round } from './measure.ts'

const pods = 100
const policies = 100

/** What a NetworkPolicy costs the packets that it is about. */
export async function policy(): Promise<Measurement[]> {
  const measured: Measurement[] = []
  for (const cni of plugins) measured.push(...(await onPlugin(cni)))
  return measured
}

async function onPlugin(cni: Plugin): Promise<Measurement[]> {
  const { cluster, pass, places } = await crowd(cni)
  const matrix = () => {
    const began = process.cpuUsage()
    let open = 0
    for (const from of places) {
      const connections = places.map((to) =>
        from.namespace.sockets.connectTcp({ address: to.address, port: 80 }, { connected: () => void open++ }),
      )
      cluster.clock.settle()
      for (const connection of connections) connection.reset()
    }
    const { user, system } = process.cpuUsage(began)
    return { ms: (user + system) / 1000, open }
  }
  const walks = () => {
    const [from, to] = [places[0]!, places[1]!]
    let heard = 0
    to.namespace.sockets.bindUdp({ port: 5000 }, { datagram: () => void heard++ })
    const sender = from.namespace.sockets.bindUdp({}, { datagram: () => {} })
    const bytes = new Uint8Array(64)
    const count = 50_000
    const send = (many: number) => {
      for (let index = 0; index < many; index++) {
        sender.send(bytes, { address: to.address, port: 5000 })
        // A socket's buffer holds only so many that nobody has read.
        if (index % 1000 === 999) cluster.clock.settle()
      }
    }
    send(5000)
    const began = process.cpuUsage()
    send(count)
    const { user, system } = process.cpuUsage(began)
    if (heard !== count + 5000) throw new Error(`${count + 5000 - heard} packets did not arrive`)
    return (user + system) / 1000
  }
  matrix()
  const bare = matrix()
  for (let index = 0; index < policies; index++) {
    cluster.api.create('networkpolicies.networking.k8s.io', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `policy-${index}`, namespace: 'crowd' },
      spec: {
        podSelector: index === 0 ? {} : { matchLabels: { group: `g${index % 10}` } },
        ingress: [
          {
            from: [{ podSelector: { matchLabels: { group: `g${(index + 1) % 10}` } } }],
            ...(index === 0 ? {} : { ports: [{ port: 80 }, { port: 443 }] }),
          },
          ...(index === 0 ? [{ ports: [{ protocol: 'UDP', port: 5000 }] }] : []),
        ],
      },
    })
  }
  const began = performance.now()
  cluster.clock.settle()
  const enforced = performance.now() - began
  await pass(1000)
  matrix()
  const policed = matrix()
  const took = walks()
  cluster.close()
  return [
    { name: `${cni}: matrix of ${pods} × ${pods} pods without policies`, unit: 'ms', value: round(bare.ms) },
    { name: `${cni}: ${policies} policies enforced at once`, unit: 'ms', value: round(enforced) },
    {
      name: `${cni}: the matrix with ${policies} policies (${policed.open} of ${pods * pods} open)`,
      unit: 'ms',
      bars: [most(1000)],
      value: round(policed.ms),
    },
    {
      name: `${cni}: 50,000 packets of one flow between nodes with ${policies} policies`,
      unit: 'ms of CPU',
      bars: [most(1000)],
      value: round(took),
    },
  ]
}

/** 100 pods of 10 groups on 3 nodes, each listening on 80. */
async function crowd(cni: Plugin) {
  const time = new HeldTime(Date.UTC(2026, 0, 1))
  const spec: SimulatedSpec = { name: 'bench', nodes: 4, cni, seed: 1 }
  const cluster = createCluster(spec, {
    pacemaker: time,
    catalogue,
    tokens: { platform: 'p', learner: 'l' },
    rootCertificate: '',
    onError: (error) => {
      throw error
    },
  })
  const pass = (ms: number) => time.pass(ms, () => new Promise((resolve) => setImmediate(resolve)))
  cluster.clock.settle()
  await pass(60_000)
  cluster.api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'crowd' } })
  cluster.clock.settle()
  for (let index = 0; index < pods; index++) {
    cluster.api.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${index}`, namespace: 'crowd', labels: { group: `g${index % 10}` } },
      spec: {
        nodeName: ['bench-worker', 'bench-worker2', 'bench-worker3'][index % 3],
        containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }],
      },
    })
  }
  await pass(30_000)
  const places = Array.from({ length: pods }, (_, index) => {
    const { namespace } = cluster.podPlace('crowd', `pod-${index}`)
    namespace.sockets.listenTcp({ port: 80 }, () => ({}))
    return { namespace, address: cluster.api.get<any>('pods', 'crowd', `pod-${index}`).status.podIP as string }
  })
  return { cluster, pass, places }
}
