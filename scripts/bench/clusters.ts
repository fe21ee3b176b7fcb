import { deserialize, serialize } from 'node:v8'
import type { ClusterSpec } from '../../server/engines/engine.ts'
import { type Hosted, hostCluster, prepareTemplate } from '../../server/engines/simulated/hosted.ts'
import { probe } from '../../server/engines/simulated/probe.ts'
import { figures, type Measurement, round, timed } from './measure.ts'

const spec: ClusterSpec = { nodes: 3, cni: 'kindnet', kubernetes: '1.34', seed: 1 }
const tokens = { platform: 'platform', learner: 'learner' }
const report = (error: unknown) => {
  throw error
}
const host = (saved?: Parameters<typeof hostCluster>[0]['saved']): Promise<Hosted> =>
  hostCluster({ spec, tokens, saved, report, changed: () => {} })

/** What a simulated cluster costs: to make, to run, to keep. */
export async function clusters(): Promise<Measurement[]> {
  const cold = await timed(1, () => prepareTemplate({ ...spec, cni: 'flannel' }, report), 0)
  await prepareTemplate(spec, report)

  const forks = await timed(50, async () => {
    const hosted = await host()
    const answer = await probe(
      hosted.cluster,
      { workstation: true },
      { kind: 'tcp', host: '172.18.0.2', port: 6443, timeoutMs: 1000 },
      new AbortController().signal,
    )
    if (answer.outcome !== 'answered') throw new Error(`a fork's API server does not answer: ${answer.error}`)
    const ready = hosted.cluster.api
      .list<any>('nodes')
      .every((node) => node.status.conditions.some((one: any) => one.type === 'Ready' && one.status === 'True'))
    if (!ready) throw new Error("a fork's nodes are not ready")
    const dns = await probe(
      hosted.cluster,
      { node: 'faultline-worker' },
      { kind: 'dns', name: 'kubernetes.default.svc.cluster.local', type: 'A', server: '10.96.0.10', timeoutMs: 1000 },
      new AbortController().signal,
    )
    if (dns.dns?.answers[0] !== '10.96.0.1') throw new Error(`a fork's DNS does not answer: ${JSON.stringify(dns)}`)
    hosted.close()
  })

  const nodePorts = await timed(10, async () => {
    const hosted = await host()
    deploy(hosted, 3, 30080)
    for (;;) {
      const answer = await probe(
        hosted.cluster,
        { workstation: true },
        { kind: 'http', url: 'http://172.18.0.3:30080/', timeoutMs: 1000 },
        new AbortController().signal,
      )
      if (answer.http?.status === 200 && available(hosted) === 3) break
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    hosted.close()
  })

  const fifty: number[] = []
  for (let run = 0; run < 5; run++) {
    const hosted = await host()
    const before = process.cpuUsage()
    deploy(hosted, 50)
    while (available(hosted) < 50) await new Promise((resolve) => setTimeout(resolve, 1))
    const { user, system } = process.cpuUsage(before)
    fifty.push((user + system) / 1000)
    hosted.close()
  }

  const lab = await host()
  deploy(lab, 10, 30080)
  while (available(lab) < 10) await new Promise((resolve) => setTimeout(resolve, 1))
  const snapshots = await timed(30, () => lab.save())
  const serialised = await timed(30, () => serialize(lab.save()))
  const saved = lab.save()
  const bytes = serialize(saved)
  const restores = await timed(30, async () => (await host(deserialize(bytes))).close())
  lab.close()

  return [
    { name: 'cold 3-node cluster (Flannel), nodes Ready and DNS answering', unit: 'ms', bar: '≤ 1000', value: round(cold[0] ?? 0) },
    { name: 'the same by fork of a template (kindnet)', unit: 'ms', bar: '≤ 50; p50 ≤ 10', value: figures(forks) },
    { name: 'fork to a 3-replica Deployment answering through a NodePort', unit: 'ms', bar: '≤ 100', value: figures(nodePorts) },
    { name: 'Deployment of 50 replicas to Ready, CPU', unit: 'ms', bar: '≤ 100', value: figures(fifty) },
    { name: 'snapshot of a lab-sized cluster', unit: 'ms', bar: '≤ 20', value: figures(snapshots) },
    { name: 'snapshot, serialised', unit: 'ms', value: figures(serialised) },
    { name: 'restore of it, from bytes', unit: 'ms', bar: '≤ 20', value: figures(restores) },
    ...(await idle()),
  ]
}

/** Memory and CPU of clusters that nobody touches. */
async function idle(): Promise<Measurement[]> {
  const count = 50
  collect()
  const before = process.memoryUsage().heapUsed
  const hosted = await Promise.all(
    Array.from({ length: count }, (_, index) => hostCluster({ spec: { ...spec, seed: index }, tokens, report, changed: () => {} })),
  )
  await new Promise((resolve) => setTimeout(resolve, 500))
  collect()
  const perCluster = (process.memoryUsage().heapUsed - before) / count / 1_000_000
  const seconds = 10
  const cpu = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const { user, system } = process.cpuUsage(cpu)
  for (const one of hosted) one.close()
  const share = ((user + system) / 1_000_000 / seconds) * 100
  return [
    { name: 'heap per idle cluster', unit: 'MB', bar: '≤ 3', value: round(perCluster) },
    {
      name: `CPU of 1,000 idle clusters (from ${count} over ${seconds} s, fresh)`,
      unit: '% of a core',
      bar: '≤ 2',
      value: round((share / count) * 1000),
    },
  ]
}

function collect(): void {
  ;(globalThis as { gc?: () => void }).gc?.()
}

function available(hosted: Hosted): number {
  return hosted.cluster.api.find<any>('deployments.apps', 'default', 'web')?.status?.availableReplicas ?? 0
}

function deploy({ cluster }: Hosted, replicas: number, nodePort?: number): void {
  const labels = { app: 'web' }
  cluster.api.create('deployments.apps', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'web', image: 'nginx:1.27-alpine', ports: [{ containerPort: 80 }] }] },
      },
    },
  })
  if (nodePort === undefined) return
  cluster.api.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { type: 'NodePort', selector: labels, ports: [{ port: 80, nodePort }] },
  })
}
