import type { MetricSpec, MetricStatus } from 'kubernetes-types/autoscaling/v2'
import { quantityNumber } from '../../resources/quantity.ts'
import type { RemoteAnswer } from '../controller.ts'
import type { PodObject } from '../pods.ts'
import { MetricsProblem, milliValue, type PodMetrics, proposeReplicas } from './replicas.ts'

/** One metric's say, or why it has none: `reason` is the condition's, `event` what the controller's error says on top. */
export type Outcome =
  | { readonly replicas: number; readonly name: string; readonly status: MetricStatus }
  | { readonly reason: string; readonly problem: string; readonly event: string }

interface MeasuredPod {
  metadata?: { name?: string }
  timestamp?: string
  window?: string
  containers?: readonly { name: string; usage: Record<string, string> }[]
}

/** What metrics.k8s.io answered, to be asked by resource. */
export function evaluate(
  spec: MetricSpec,
  answer: RemoteAnswer,
  pods: readonly PodObject[],
  current: number,
  namespace: string,
  now: number,
): Outcome {
  switch (spec.type) {
    case 'Resource':
      return ofResource(spec.resource, undefined, answer, pods, current, now)
    case 'ContainerResource':
      return ofResource(spec.containerResource, spec.containerResource?.container, answer, pods, current, now)
    case 'Pods':
      return absent('FailedGetPodsMetric', 'pods', `unable to get metric ${spec.pods?.metric.name}: ${noCustomMetrics}`)
    case 'Object': {
      const { metric, describedObject } = spec.object ?? {}
      const about = `${describedObject?.kind} on ${namespace} ${describedObject?.name}`
      return absent('FailedGetObjectMetric', 'object', `unable to get metric ${metric?.name}: ${about}/${noCustomMetrics}`)
    }
    default: {
      const { metric } = spec.external ?? {}
      const why = `the server could not find the requested resource (get ${metric?.name}.external.metrics.k8s.io)`
      const selector = metric?.selector ? JSON.stringify(metric.selector) : 'nil'
      const problem = `unable to get external metric ${namespace}/${metric?.name}/${selector}: unable to fetch metrics from external metrics API: ${why}`
      return absent('FailedGetExternalMetric', 'external', problem)
    }
  }
}

const noCustomMetrics = 'unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered'

function absent(reason: string, kind: string, problem: string): Outcome {
  return { reason, problem, event: `failed to get ${kind} metric value: ${problem}` }
}

function ofResource(
  source: MetricSpec['resource'],
  container: string | undefined,
  answer: RemoteAnswer,
  pods: readonly PodObject[],
  current: number,
  now: number,
): Outcome {
  const { name: resource = '', target } = source ?? {}
  const utilization = target?.averageUtilization
  const title = container === undefined ? 'resource' : 'container resource'
  try {
    const metrics = podMetrics(answer, resource, container)
    const wanted = {
      resource,
      ...(container === undefined ? {} : { container }),
      ...(utilization === undefined ? { averageMilli: milliValue(target?.averageValue ?? '0') } : { utilization }),
    }
    const { replicas, average, utilization: seen } = proposeReplicas(pods, metrics, current, wanted, now)
    const status = {
      name: resource,
      current: { averageValue: milliText(average), ...(seen === undefined ? {} : { averageUtilization: seen }) },
    }
    return {
      replicas,
      name: `${resource} ${title}${utilization === undefined ? '' : ' utilization (percentage of request)'}`,
      status:
        container === undefined
          ? { type: 'Resource', resource: status }
          : { type: 'ContainerResource', containerResource: { ...status, container } },
    }
  } catch (error) {
    if (!(error instanceof MetricsProblem)) throw error
    const problem = `failed to get ${resource} ${utilization === undefined ? 'usage' : 'utilization'}: ${error.message}`
    const reason = container === undefined ? 'FailedGetResourceMetric' : 'FailedGetContainerResourceMetric'
    return { reason, problem, event: `failed to get ${resource} ${title} metric value: ${problem}` }
  }
}

/** Throws MetricsProblem. Pods of which a container was not measured are left out, as client-go's metrics client does. */
function podMetrics(answer: RemoteAnswer, resource: string, only: string | undefined): PodMetrics {
  const unable = (why: string) => new MetricsProblem(`unable to get metrics for resource ${resource}: ${why}`)
  if ('problem' in answer) throw unable(`unable to fetch metrics from resource metrics API: ${answer.problem}`)
  const items = (answer.body as { items?: readonly MeasuredPod[] }).items ?? []
  if (items.length === 0) throw unable('no metrics returned from resource metrics API')
  const metrics = new Map<string, { milli: number; at: number; windowMs: number }>()
  for (const { metadata, timestamp, window, containers = [] } of items) {
    const chosen = containers.filter(({ name }) => only === undefined || name === only)
    if (only !== undefined && chosen.length === 0) throw unable(`container ${only} not present in metrics for pod ${metadata?.name}`)
    if (chosen.some(({ usage }) => usage[resource] === undefined)) continue
    const milli = chosen.reduce((sum, { usage }) => sum + milliValue(usage[resource] ?? '0'), 0)
    metrics.set(metadata?.name ?? '', { milli, at: Date.parse(timestamp ?? ''), windowMs: Number.parseFloat(window ?? '0') * 1000 })
  }
  return metrics
}

/** A quantity in thousandths, `1500m` or `2`. */
function milliText(milli: number): string {
  return milli % 1000 === 0 ? String(quantityNumber(String(milli / 1000))) : `${milli}m`
}
