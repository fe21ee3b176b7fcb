import { catalogue } from '../../server/engines/simulated/images.ts'
import { HeldTime } from '../../simulator/clock.ts'
import { createCluster, type SimulatedCluster } from '../../simulator/cluster/cluster.ts'
import type { KubeObject } from '../../simulator/kubernetes.ts'
import { report } from './cluster.ts'
import { cpuMs, figures, type Measurement, most, p50, round } from './measure.ts'

const services = 2000
const endpoints = 10

/** What it costs kube-proxy to program many Services, and one change among them. */
export async function servicesBench(): Promise<Measurement[]> {
  const time = new HeldTime(Date.UTC(2026, 0, 1))
  const cluster = createCluster(
    { name: 'bench', nodes: 3, cni: 'kindnet', seed: 1 },
    { pacemaker: time, catalogue, tokens: { platform: 'p', learner: 'l' }, rootCertificate: '', onError: report },
  )
  cluster.clock.settle()
  await time.pass(60_000, () => new Promise((resolve) => setImmediate(resolve)))
  cluster.api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'many' } })
  cluster.clock.settle()

  // The objects themselves are no part of it: kube-proxy is held, and let go when they are there.
  setProxies(cluster, 0)
  await time.pass(60_000, () => new Promise((resolve) => setImmediate(resolve)))
  for (let index = 0; index < services; index++) create(cluster, index)
  cluster.clock.settle()
  setProxies(cluster, 1)
  const began = cpuMs()
  await time.pass(60_000, () => new Promise((resolve) => setImmediate(resolve)))
  const programmed = cpuMs() - began
  const root = cluster.network.machine('bench-worker')!.root
  const count = () => root.netfilter.chainNames('nat').length
  if (count() < services * (endpoints + 1)) throw new Error(`only ${count()} chains were programmed`)

  const changes: number[] = []
  for (let run = 0; run < 40; run++) {
    // As the platform does while somebody works: what follows copies what the snapshot shares.
    cluster.snapshot()
    const slice = cluster.api.get<any>('endpointslices.discovery.k8s.io', 'many', `s${run}`)
    cluster.api.update('endpointslices.discovery.k8s.io', { ...slice, endpoints: slice.endpoints.slice(run % 2) })
    const from = cpuMs()
    cluster.clock.settle()
    changes.push(cpuMs() - from)
  }
  cluster.close()
  return [
    {
      name: `kube-proxy on three nodes starts with ${services} Services of ${endpoints} endpoints`,
      unit: 'ms of CPU',
      bars: [most(2000)],
      value: round(programmed),
    },
    {
      name: 'one EndpointSlice changed afterwards, until three nodes are programmed',
      unit: 'ms of CPU',
      bars: [p50(5)],
      value: figures(changes.slice(5)),
    },
  ]
}

function setProxies({ api }: SimulatedCluster, running: 0 | 1): void {
  const nodeSelector = { 'kubernetes.io/os': 'linux', held: running ? null : 'yes' }
  api.patch('daemonsets.apps', 'kube-system', 'kube-proxy', { spec: { template: { spec: { nodeSelector } } } }, { type: 'merge' })
}

function create({ api }: SimulatedCluster, index: number): void {
  const name = `s${index}`
  api.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'many' },
    spec: { ports: [{ port: 80, targetPort: 8080 }] },
  } as KubeObject)
  api.create('endpointslices.discovery.k8s.io', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'many', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: endpoints }, (_, at) => ({
      addresses: [`10.250.${index >> 3}.${(index % 8) * endpoints + at + 1}`],
      conditions: { ready: true },
    })),
  } as KubeObject)
}
