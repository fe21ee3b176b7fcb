import type { HorizontalPodAutoscaler as AutoscalerV1 } from 'kubernetes-types/autoscaling/v1'
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from 'kubernetes-types/autoscaling/v2'
import { convertedVersion } from '../conversion.ts'
import type { ResourceDefinition } from '../definition.ts'
import type { Plain } from '../plain.ts'
import { horizontalpodautoscalers } from './horizontalpodautoscaler.ts'
import { behaviorToV1, behaviorToV2, metricToV1, metricToV2, statusToV1, statusToV2 } from './metrics-v1.ts'

type V1 = Plain<AutoscalerV1>
type V2 = Plain<HorizontalPodAutoscaler>

/** What the first version has no fields for goes with it as JSON in annotations, and comes back from them. */
const annotationsOf = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  current: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
} as const

const carried = new Set<string>(Object.values(annotationsOf))

const isCpu = ({ type, resource }: MetricSpec | MetricStatus) => type === 'Resource' && resource?.name === 'cpu'
const cpuTarget = (spec: MetricSpec) => (isCpu(spec) ? spec.resource?.target.averageUtilization : undefined)
const cpuCurrent = (status: MetricStatus) => (isCpu(status) ? status.resource?.current.averageUtilization : undefined)

/** As pkg/apis/autoscaling/v1/conversion.go: the cpu utilization has a field, all other metrics are an annotation. */
function fromV2(object: V2): V1 {
  const { metrics = [], behavior, ...spec } = object.spec ?? ({} as Partial<NonNullable<V2['spec']>>)
  const { currentMetrics = [], conditions = [], ...status } = object.status ?? ({} as Partial<NonNullable<V2['status']>>)
  const others = metrics.filter((one) => cpuTarget(one) === undefined)
  const target = metrics.map(cpuTarget).find((value) => value !== undefined)
  const current = currentMetrics.map(cpuCurrent).findLast((value) => value !== undefined)
  const annotations = {
    ...object.metadata?.annotations,
    ...(others.length > 0 && { [annotationsOf.metrics]: JSON.stringify(others.map(metricToV1)) }),
    ...(currentMetrics.length > 0 && { [annotationsOf.current]: JSON.stringify(currentMetrics.map(statusToV1)) }),
    ...(conditions.length > 0 && { [annotationsOf.conditions]: JSON.stringify(conditions) }),
    ...(behavior && { [annotationsOf.behavior]: JSON.stringify(behaviorToV1(behavior)) }),
  }
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: { ...object.metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { ...spec, ...(target !== undefined && { targetCPUUtilizationPercentage: target }) },
    ...(object.status && { status: { ...status, ...(current !== undefined && { currentCPUUtilizationPercentage: current }) } }),
  } as V1
}

function toV2(object: V1): V2 {
  const { targetCPUUtilizationPercentage: target, ...spec } = object.spec ?? ({} as Partial<NonNullable<V1['spec']>>)
  const { currentCPUUtilizationPercentage: current, ...status } = object.status ?? ({} as Partial<NonNullable<V1['status']>>)
  const cpu: MetricSpec[] = target === undefined ? [] : [cpuSpec(target)]
  const given = object.metadata?.annotations ?? {}
  const read = (name: keyof typeof annotationsOf): any => {
    const text = given[annotationsOf[name]]
    return text === undefined ? undefined : JSON.parse(text)
  }
  const metrics = [...cpu, ...(read('metrics') ?? []).map(metricToV2)]
  const currentMetrics: MetricStatus[] =
    read('current')?.map(statusToV2) ??
    (current === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }])
  const conditions = read('conditions')
  const behavior = read('behavior')
  const kept = Object.entries(given).filter(([name]) => !carried.has(name))
  const { annotations: _given, ...metadata } = object.metadata ?? {}
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: { ...metadata, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) },
    spec: { ...spec, ...(metrics.length > 0 && { metrics }), ...(behavior && { behavior: behaviorToV2(behavior) }) },
    ...(object.status && {
      status: { ...status, ...(currentMetrics.length > 0 && { currentMetrics }), ...(conditions && { conditions }) },
    }),
  } as V2
}

const cpuSpec = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})

/** What kubectl before 1.33 writes when it autoscales. */
export const horizontalpodautoscalersV1: ResourceDefinition<V1> = convertedVersion<V1, V2>(horizontalpodautoscalers, {
  version: 'v1',
  fromStored: fromV2,
  toStored: toV2,
})
