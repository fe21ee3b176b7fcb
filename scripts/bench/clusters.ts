import { deserialize, serialize } from 'node:v8'
import { type Hosted, prepareTemplate } from '../../server/engines/simulated/hosted.ts'
import { probe } from '../../server/engines/simulated/probe.ts'
import { available, deploy, host, report, spec, untilAvailable } from './cluster.ts'
import { cpuOf, figures, type Measurement, most, p50, p99, round, timed } from './measure.ts'

/** What a simulated cluster costs to make, to run and to save. */
export async function clusters(): Promise<Measurement[]> {
  const cold = await timed(1, () => prepareTemplate({ ...spec, cni: 'flannel' }, report), 0)
  await prepareTemplate(spec, report)

  const forks = await timed(50, async () => {
    const hosted = await host()
    await ready(hosted)
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

  const large: Hosted[] = []
  for (let run = 0; run < 12; run++) large.push(await host())
  const fifty = await cpuOf(
    10,
    async () => {
      const hosted = large.pop()
      if (!hosted) throw new Error('there are fewer clusters than runs')
      deploy(hosted, 50)
      await untilAvailable(hosted, 50)
      hosted.close()
    },
    2,
  )

  const lab = await host()
  deploy(lab, 10, 30080)
  await untilAvailable(lab, 10)
  const snapshots = await timed(30, () => lab.save())
  const serialised = await timed(30, () => serialize(lab.save()))
  const saved = lab.save()
  const labForks = await timed(30, async () => (await host(saved)).close())
  const bytes = serialize(saved)
  const restores = await timed(30, async () => (await host(deserialize(bytes))).close())
  lab.close()

  return [
    { name: 'cold 3-node cluster (Flannel), nodes Ready and DNS answering', unit: 'ms', bars: [most(1000)], value: round(cold[0] ?? 0) },
    {
      name: 'new 3-node cluster, by fork of a template (kindnet)',
      unit: 'ms',
      how: 'until its API server took a connection, its nodes were Ready and CoreDNS had answered a question, and with its end',
      bars: [p50(10), p99(50)],
      value: figures(forks),
    },
    { name: 'fork to a 3-replica Deployment answering through a NodePort', unit: 'ms', bars: [p50(100)], value: figures(nodePorts) },
    {
      name: 'Deployment of 50 replicas to Ready',
      unit: 'ms of CPU',
      how: 'the whole process, garbage collection and compilation included, from the create to the 50th available replica',
      bars: [p50(100)],
      value: figures(fifty),
    },
    { name: 'snapshot of a lab-sized cluster (22 pods)', unit: 'ms', bars: [p50(20)], value: figures(snapshots) },
    { name: 'snapshot of it, to bytes', unit: 'ms', bars: [p50(20)], value: figures(serialised) },
    { name: 'fork of it', unit: 'ms', bars: [p50(10)], value: figures(labForks) },
    { name: 'restore of it, from bytes', unit: 'ms', bars: [p50(20)], value: figures(restores) },
  ]
}

/** Throws unless the cluster's API server can be reached, its nodes are Ready and its DNS answers. */
async function ready(hosted: Hosted): Promise<void> {
  const answer = await probe(
    hosted.cluster,
    { workstation: true },
    { kind: 'tcp', host: '172.18.0.2', port: 6443, timeoutMs: 1000 },
    new AbortController().signal,
  )
  if (answer.outcome !== 'answered') throw new Error(`a fork's API server does not answer: ${answer.error}`)
  const nodes = hosted.cluster.api.list<any>('nodes')
  if (!nodes.every((node) => node.status.conditions.some((one: any) => one.type === 'Ready' && one.status === 'True')))
    throw new Error("a fork's nodes are not ready")
  const dns = await probe(
    hosted.cluster,
    { node: 'faultline-worker' },
    { kind: 'dns', name: 'kubernetes.default.svc.cluster.local', type: 'A', server: '10.96.0.10', timeoutMs: 1000 },
    new AbortController().signal,
  )
  if (dns.dns?.answers[0] !== '10.96.0.1') throw new Error(`a fork's DNS does not answer: ${JSON.stringify(dns)}`)
}
