import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from 'kubernetes-types/autoscaling/v2'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, invalid, notSupported, required } from '../fields.ts'
import { change, fill } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { parseQuantity } from '../quantity.ts'
import { statusStrategy } from '../strategy.ts'

type AutoscalerObject = Plain<HorizontalPodAutoscaler>
const metricTypes = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']

/** One replica at least, and 80 % of the requested cpu where no metric is named (autoscaling/v2 defaults.go). */
function defaultAutoscaler(autoscaler: AutoscalerObject): AutoscalerObject {
  return change(autoscaler, 'spec', (given) => {
    const spec = fill(given, { minReplicas: 1 })
    if (spec.metrics?.length) return spec
    const cpu: MetricSpec = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }
    return { ...spec, metrics: [cpu] }
  })
}

function validateAutoscaler({ spec }: AutoscalerObject): FieldError[] {
  const errors: FieldError[] = []
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [] } = spec ?? {}
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'))
  }
  if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  }
  if (!scaleTargetRef?.kind) errors.push(required('spec.scaleTargetRef.kind'))
  if (!scaleTargetRef?.name) errors.push(required('spec.scaleTargetRef.name'))
  metrics.forEach((metric, index) => {
    const at = `spec.metrics[${index}]`
    if (!metric.type) errors.push(required(`${at}.type`, 'must specify a metric source type'))
    else if (!metricTypes.includes(metric.type)) errors.push(notSupported(`${at}.type`, metric.type, metricTypes))
    else errors.push(...sourceErrors(at, metric))
  })
  return errors
}

/** The source that the type names is there, and has a target (validateMetricSpec). */
function sourceErrors(at: string, metric: MetricSpec): FieldError[] {
  const field = `${metric.type[0]!.toLowerCase()}${metric.type.slice(1)}` as
    | 'resource'
    | 'containerResource'
    | 'pods'
    | 'object'
    | 'external'
  const source = metric[field]
  if (!source) return [required(`${at}.${field}`, 'must populate information for the given metric source')]
  const errors: FieldError[] = []
  if ((field === 'resource' || field === 'containerResource') && !(source as { name?: string }).name) {
    errors.push(required(`${at}.${field}.name`, 'must specify a resource name'))
  }
  errors.push(...targetErrors(`${at}.${field}.target`, source.target ?? ({} as MetricTarget)))
  const { averageUtilization, averageValue, value } = source.target ?? {}
  const none = (name: string, sentence: string) => errors.push(required(`${at}.${field}.target.${name}`, sentence))
  if (field === 'resource' || field === 'containerResource') {
    if (averageUtilization === undefined && averageValue === undefined) {
      none('averageUtilization', 'must set either a target raw value or a target utilization')
    } else if (averageUtilization !== undefined && averageValue !== undefined) {
      errors.push(forbidden(`${at}.${field}.target.averageValue`, 'may not set both a target raw value and a target utilization'))
    }
  } else if (field === 'pods') {
    if (!isPositive(averageValue)) none('averageValue', 'must specify a positive target averageValue')
  } else if (value === undefined && averageValue === undefined) {
    const sentence =
      field === 'external'
        ? 'must set either a target value for metric or a per-pod target'
        : 'must set either a target value or averageValue'
    none('averageValue', sentence)
  } else if (field === 'external' && value !== undefined && averageValue !== undefined) {
    errors.push(forbidden(`${at}.external.target.value`, 'may not set both a target value for metric and a per-pod target'))
  }
  return errors
}

function targetErrors(at: string, { type, value, averageValue, averageUtilization }: MetricTarget): FieldError[] {
  const errors: FieldError[] = []
  if (!type) errors.push(required(`${at}.type`, 'must specify a metric target type'))
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(invalid(`${at}.type`, type ?? '', 'must be either Utilization, Value, or AverageValue'))
  }
  if (value !== undefined && !isPositive(value)) errors.push(invalid(`${at}.value`, value, 'must be positive'))
  if (averageValue !== undefined && !isPositive(averageValue)) errors.push(invalid(`${at}.averageValue`, averageValue, 'must be positive'))
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalid(`${at}.averageUtilization`, averageUtilization, 'must be greater than 0'))
  }
  return errors
}

const isPositive = (quantity: string | undefined): boolean => (parseQuantity(quantity ?? '0')?.nanos ?? 0n) > 0n

function targets(autoscaler: AutoscalerObject): string {
  const specs = autoscaler.spec?.metrics ?? []
  if (!specs.length) return '<none>'
  const list = specs.slice(0, 2).map((spec, index) => metricText(spec, autoscaler.status?.currentMetrics?.[index]))
  return specs.length > 2 ? `${list.join(', ')} + ${specs.length - 2} more...` : list.join(', ')
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  if (spec.resource) return resourceText(spec.resource.name, spec.resource.target, status?.resource?.current)
  if (spec.containerResource) {
    return resourceText(spec.containerResource.name, spec.containerResource.target, status?.containerResource?.current)
  }
  if (spec.pods) return `${status?.pods?.current?.averageValue ?? '<unknown>'}/${spec.pods.target?.averageValue ?? '<auto>'}`
  const one = spec.external ?? spec.object
  const current = status?.external?.current ?? status?.object?.current
  if (!one) return '<unknown type>'
  if (one.target?.averageValue !== undefined) return `${current?.averageValue ?? '<unknown>'}/${one.target.averageValue} (avg)`
  return `${current?.value ?? '<unknown>'}/${one.target?.value ?? ''}`
}

function resourceText(name: string, target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${name}: ${current?.averageValue ?? '<unknown>'}/${target.averageValue}`
  const now = current?.averageUtilization === undefined ? '<unknown>' : `${current.averageUtilization}%`
  const wanted = target?.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`
  return `${name}: ${now}/${wanted}`
}

export const horizontalpodautoscalers: ResourceDefinition<AutoscalerObject> = {
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  prepareForCreate: (autoscaler) => ({ ...autoscaler, status: { currentReplicas: 0, desiredReplicas: 0 } }),
  defaults: defaultAutoscaler,
  validate: validateAutoscaler,
  columns: [
    nameColumn,
    column('Reference', 'What it scales.', ({ spec }) => `${spec?.scaleTargetRef?.kind}/${spec?.scaleTargetRef?.name}`),
    column('Targets', 'Metrics now and wanted.', targets),
    column('MinPods', 'Fewest pods.', ({ spec }) => (spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas))),
    column('MaxPods', 'Most pods.', ({ spec }) => spec?.maxReplicas ?? 0),
    column('Replicas', 'Pods now.', ({ status }) => status?.currentReplicas ?? 0),
    ageColumn,
  ],
}
