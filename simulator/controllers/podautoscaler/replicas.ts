import { quantityNumber } from '../../resources/quantity.ts'
import type { PodObject } from '../pods.ts'

/** A pod's measurement, in thousandths of the resource's unit. */
export interface PodMetric {
  readonly milli: number
  /** ms since the epoch. */
  readonly at: number
  readonly windowMs: number
}

export type PodMetrics = ReadonlyMap<string, PodMetric>

export interface Proposal {
  readonly replicas: number
  /** Percent of the requests; absent for plain values. */
  readonly utilization?: number
  /** Average of a pod, in thousandths. */
  readonly average: number
}

/** Why no number can be given, in upstream's words. */
export class MetricsProblem extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MetricsProblem'
  }
}

/** How far from the target the usage may be without a change. */
const tolerance = 0.1
/** How long the CPU of a new pod is looked at with suspicion, and how soon a pod must have been ready to count as never having been. */
const cpuInitializationMs = 300_000
const initialReadinessDelayMs = 30_000

interface Target {
  readonly resource: string
  /** Of one container, for ContainerResource. */
  readonly container?: string
  readonly utilization?: number
  /** Per pod, in thousandths. */
  readonly averageMilli?: number
}

/** The number of replicas that brings the average to the target. Follows podautoscaler/replica_calculator.go. Throws MetricsProblem. */
export function proposeReplicas(pods: readonly PodObject[], measured: PodMetrics, current: number, target: Target, now: number): Proposal {
  if (pods.length === 0) throw new MetricsProblem('no pods returned by selector while calculating replica count')
  const groups = groupPods(pods, measured, target.resource, now)
  const metrics = new Map([...measured].filter(([name]) => groups.counted.has(name)).map(([name, { milli }]) => [name, milli]))
  const requests = target.utilization === undefined ? undefined : requestsOf(pods, target)
  if (metrics.size === 0) throw new MetricsProblem('did not receive metrics for targeted pods (pods might be unready)')
  const first = ratioOf(metrics, requests, target)
  const proposal = (replicas: number): Proposal => ({ ...first.told, replicas })
  const rebalance = groups.unready.size > 0 && first.ratio > 1
  if (!rebalance && groups.missing.size === 0) {
    if (Math.abs(1 - first.ratio) <= tolerance) return proposal(current)
    return proposal(Math.ceil(first.ratio * groups.counted.size))
  }
  // What is not known is taken to speak against a change: nothing used on the way up, the target or all of the request on the way down.
  for (const name of groups.missing) {
    if (first.ratio < 1)
      metrics.set(name, requests ? ((requests.get(name) ?? 0) * Math.max(100, target.utilization ?? 0)) / 100 : (target.averageMilli ?? 0))
    else if (first.ratio > 1) metrics.set(name, 0)
  }
  if (rebalance) for (const name of groups.unready) metrics.set(name, 0)
  const { ratio } = ratioOf(metrics, requests, target)
  if (Math.abs(1 - ratio) <= tolerance || (first.ratio < 1 && ratio > 1) || (first.ratio > 1 && ratio < 1)) return proposal(current)
  const replicas = Math.ceil(ratio * metrics.size)
  return proposal((ratio < 1 && replicas > current) || (ratio > 1 && replicas < current) ? current : replicas)
}

function groupPods(pods: readonly PodObject[], metrics: PodMetrics, resource: string, now: number) {
  const [counted, unready, missing] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (const { metadata, status } of pods) {
    const name = metadata?.name ?? ''
    if (metadata?.deletionTimestamp || status?.phase === 'Failed') continue
    const metric = metrics.get(name)
    if (status?.phase === 'Pending') unready.add(name)
    else if (!metric) missing.add(name)
    else if (resource === 'cpu' && isUnready(status, metric, now)) unready.add(name)
    else counted.add(name)
  }
  return { counted, unready, missing }
}

function isUnready(status: PodObject['status'], metric: PodMetric, now: number): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  if (!ready || !status?.startTime) return true
  const [started, changed] = [Date.parse(status.startTime as string), Date.parse((ready.lastTransitionTime as string | undefined) ?? '')]
  if (started + cpuInitializationMs > now) return ready.status === 'False' || metric.at < changed + metric.windowMs
  return ready.status === 'False' && started + initialReadinessDelayMs > changed
}

function requestsOf(pods: readonly PodObject[], { resource, container: only }: Target): Map<string, number> {
  const requests = new Map<string, number>()
  for (const { metadata, spec } of pods) {
    let sum = 0
    const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
    for (const { name, resources } of [...(spec?.containers ?? []), ...sidecars]) {
      if (only !== undefined && name !== only) continue
      const request = resources?.requests?.[resource]
      if (request === undefined) throw new MetricsProblem(`missing request for ${resource} in container ${name} of Pod ${metadata?.name}`)
      sum += milliValue(request)
    }
    requests.set(metadata?.name ?? '', sum)
  }
  return requests
}

function ratioOf(metrics: ReadonlyMap<string, number>, requests: ReadonlyMap<string, number> | undefined, target: Target) {
  let [used, requested, count] = [0, 0, 0]
  for (const [name, milli] of metrics) {
    const request = requests?.get(name)
    if (requests && request === undefined) continue
    used += milli
    requested += request ?? 0
    count++
  }
  const average = Math.floor(used / count)
  if (!requests) return { ratio: average / (target.averageMilli ?? 1), told: { average } }
  if (requested === 0) throw new MetricsProblem('no metrics returned matched known pods')
  const utilization = Math.floor((used * 100) / requested)
  return { ratio: utilization / (target.utilization ?? 1), told: { average, utilization } }
}

/** Quantity.MilliValue: thousandths, rounded up. */
export function milliValue(quantity: string): number {
  return Math.ceil(quantityNumber(quantity) * 1000 - 1e-6)
}
