import { timestamp } from '../kubernetes.ts'
import { MiB, type Usage } from '../programs/usage.ts'
import type { Kubelet } from './world.ts'

/** The parts of the kubelet's summary (stats/v1alpha1) that say what is used of CPU and memory. */
export interface StatsSummary {
  readonly node: { readonly nodeName: string } & UsageStats
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string }
    readonly containers: readonly ({ readonly name: string; readonly startTime: string } & UsageStats)[]
  }[]
}

export interface UsageStats {
  readonly cpu: { readonly time: string; readonly usageNanoCores: number; readonly usageCoreNanoSeconds: number }
  readonly memory: { readonly time: string; readonly workingSetBytes: number }
}

/** What a node takes besides its pods: the operating system, containerd and the kubelet itself. */
const system: Required<Pick<Usage, 'cores' | 'bytes'>> = { cores: 0.022, bytes: 190 * MiB }
/** Over how long the rate of CPU use is measured, ms. */
const rateWindow = 15_000

export function statsSummary(kubelet: Kubelet): StatsSummary {
  const now = kubelet.world.clock.now()
  const time = timestamp(now)
  const usage = (cores: number, seconds: number, bytes: number): UsageStats => ({
    cpu: { time, usageNanoCores: Math.round(cores * 1e9), usageCoreNanoSeconds: Math.round(seconds * 1e9) },
    memory: { time, workingSetBytes: Math.round(bytes) },
  })
  const total = { cores: system.cores, seconds: (system.cores * (now - kubelet.state.bootedAt)) / 1000, bytes: system.bytes }
  const pods = new Map<string, StatsSummary['pods'][number] & { containers: StatsSummary['pods'][number]['containers'][number][] }>()
  for (const { uid, container, instance, place, cores: limit } of kubelet.live.values()) {
    const { meter } = place
    const state = kubelet.state.pods[uid]
    if (!meter || !state) continue
    // A container younger than the window has its whole life in it; the scheduler of the kernel gives no more than the limit.
    const window = Math.max(1000, Math.min(rateWindow, now - instance.startedAt))
    const cores = Math.min(meter.cores(window), limit ?? Number.POSITIVE_INFINITY)
    const seconds = meter.seconds()
    const bytes = meter.bytes()
    total.cores += cores
    total.seconds += seconds
    total.bytes += bytes
    const pod = pods.get(uid) ?? { podRef: { name: state.name, namespace: state.namespace, uid }, containers: [] }
    pods.set(uid, pod)
    pod.containers.push({ name: container, startTime: timestamp(instance.startedAt), ...usage(cores, seconds, bytes) })
  }
  return { node: { nodeName: kubelet.world.node, ...usage(total.cores, total.seconds, total.bytes) }, pods: [...pods.values()] }
}

/** `/metrics/resource`: the same in Prometheus' text format. */
export function resourceMetrics({ node, pods }: StatsSummary): string {
  const lines: string[] = []
  const stamp = Date.parse(node.cpu.time)
  const metric = (name: string, type: 'counter' | 'gauge', about: string, values: readonly [labels: string, value: number][]) => {
    lines.push(`# HELP ${name} [STABLE] ${about}`, `# TYPE ${name} ${type}`)
    for (const [labels, value] of values) lines.push(`${name}${labels} ${value} ${stamp}`)
  }
  const containers = pods.flatMap(({ podRef, containers }) =>
    containers.map((container) => ({
      labels: `{container="${container.name}",namespace="${podRef.namespace}",pod="${podRef.name}"}`,
      container,
    })),
  )
  const ofPods = (value: (container: UsageStats) => number): [string, number][] =>
    pods.map(({ podRef, containers }) => [
      `{namespace="${podRef.namespace}",pod="${podRef.name}"}`,
      containers.reduce((sum, container) => sum + value(container), 0),
    ])
  const seconds = ({ cpu }: UsageStats) => cpu.usageCoreNanoSeconds / 1e9
  const bytes = ({ memory }: UsageStats) => memory.workingSetBytes
  metric(
    'container_cpu_usage_seconds_total',
    'counter',
    'Cumulative cpu time consumed by the container in core-seconds',
    containers.map(({ labels, container }) => [labels, seconds(container)]),
  )
  metric(
    'container_memory_working_set_bytes',
    'gauge',
    'Current working set of the container in bytes',
    containers.map(({ labels, container }) => [labels, bytes(container)]),
  )
  metric(
    'container_start_time_seconds',
    'gauge',
    'Start time of the container since unix epoch in seconds',
    containers.map(({ labels, container }) => [labels, Date.parse(container.startTime) / 1000]),
  )
  metric('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [['', seconds(node)]])
  metric('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [['', bytes(node)]])
  metric('pod_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the pod in core-seconds', ofPods(seconds))
  metric('pod_memory_working_set_bytes', 'gauge', 'Current working set of the pod in bytes', ofPods(bytes))
  return `${lines.join('\n')}\n`
}
