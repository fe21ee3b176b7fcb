import type { HorizontalPodAutoscalerBehavior, MetricSpec, MetricStatus } from 'kubernetes-types/autoscaling/v2'

type Fields = Record<string, any>

/**
 * Metrics and behavior as annotations of autoscaling/v1 hold them: metrics in that version's own types, behavior as the server's internal
 * type prints itself. What a version leaves out is left out here, too. Follows pkg/apis/autoscaling/v1/conversion.go.
 */
export function metricToV1(spec: MetricSpec): Fields {
  const { type, object, pods, resource, containerResource, external } = spec
  return set({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      targetValue: object.target.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    },
    pods: pods && { metricName: pods.metric.name, targetAverageValue: pods.target.averageValue ?? '0', selector: pods.metric.selector },
    resource: resource && { name: resource.name, ...targetToV1(resource.target) },
    containerResource: containerResource && {
      name: containerResource.name,
      ...targetToV1(containerResource.target),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    },
  })
}

export function metricToV2({ type, object, pods, resource, containerResource, external }: Fields): MetricSpec {
  return set({
    type,
    object: object && {
      describedObject: object.target,
      metric: { name: object.metricName, selector: object.selector },
      target:
        object.averageValue === undefined
          ? { type: 'Value', value: object.targetValue }
          : { type: 'AverageValue', averageValue: object.averageValue },
    },
    pods: pods && {
      metric: { name: pods.metricName, selector: pods.selector },
      target: { type: 'AverageValue', averageValue: pods.targetAverageValue },
    },
    resource: resource && { name: resource.name, target: targetToV2(resource) },
    containerResource: containerResource && {
      name: containerResource.name,
      container: containerResource.container,
      target: targetToV2(containerResource),
    },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      target:
        external.targetAverageValue === undefined
          ? { type: 'Value', value: external.targetValue }
          : { type: 'AverageValue', averageValue: external.targetAverageValue },
    },
  }) as MetricSpec
}

export function statusToV1({ type, object, pods, resource, containerResource, external }: MetricStatus): Fields {
  return set({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      currentValue: object.current.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    },
    pods: pods && { metricName: pods.metric.name, currentAverageValue: pods.current.averageValue ?? '0', selector: pods.metric.selector },
    resource: resource && { name: resource.name, ...currentToV1(resource.current) },
    containerResource: containerResource && {
      name: containerResource.name,
      ...currentToV1(containerResource.current),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? '0',
      currentAverageValue: external.current.averageValue,
    },
  })
}

export function statusToV2({ type, object, pods, resource, containerResource, external }: Fields): MetricStatus {
  const current = ({ currentAverageUtilization, currentAverageValue }: Fields) => ({
    averageUtilization: currentAverageUtilization,
    averageValue: currentAverageValue,
  })
  return set({
    type,
    object: object && {
      describedObject: object.target,
      metric: { name: object.metricName, selector: object.selector },
      current: { value: object.currentValue, averageValue: object.averageValue },
    },
    pods: pods && { metric: { name: pods.metricName, selector: pods.selector }, current: { averageValue: pods.currentAverageValue } },
    resource: resource && { name: resource.name, current: current(resource) },
    containerResource: containerResource && {
      name: containerResource.name,
      container: containerResource.container,
      current: current(containerResource),
    },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      current: { value: external.currentValue, averageValue: external.currentAverageValue },
    },
  }) as MetricStatus
}

const targetToV1 = ({ averageUtilization, averageValue }: Fields) => ({
  targetAverageUtilization: averageUtilization,
  targetAverageValue: averageValue,
})
const currentToV1 = ({ averageUtilization, averageValue }: Fields) => ({
  currentAverageUtilization: averageUtilization,
  currentAverageValue: averageValue ?? '0',
})
const targetToV2 = ({ targetAverageUtilization, targetAverageValue }: Fields) =>
  targetAverageUtilization === undefined
    ? { type: 'AverageValue', averageValue: targetAverageValue }
    : { type: 'Utilization', averageUtilization: targetAverageUtilization }

const upper = (name: string) => name[0]!.toUpperCase() + name.slice(1)
const lower = (name: string) => name[0]!.toLowerCase() + name.slice(1)

/** `{"ScaleUp":{"StabilizationWindowSeconds":0,…},"ScaleDown":null}`. */
export function behaviorToV1(behavior: HorizontalPodAutoscalerBehavior): Fields {
  const rules = (given: Fields | undefined) =>
    given
      ? {
          StabilizationWindowSeconds: given['stabilizationWindowSeconds'] ?? null,
          SelectPolicy: given['selectPolicy'] ?? null,
          Policies: (given['policies'] as Fields[] | undefined)?.map((policy) => renamed(policy, upper)) ?? null,
          Tolerance: given['tolerance'] ?? null,
        }
      : null
  return { ScaleUp: rules(behavior.scaleUp), ScaleDown: rules(behavior.scaleDown) }
}

export function behaviorToV2(given: Fields): HorizontalPodAutoscalerBehavior {
  const rules = (one: Fields | null | undefined) => {
    if (!one) return undefined
    const { policies, ...rest } = renamed(one, lower)
    return set({ ...rest, policies: (policies as Fields[] | undefined)?.map((policy) => renamed(policy, lower)) })
  }
  const { scaleUp, scaleDown } = renamed(given, lower)
  return set({ scaleUp: rules(scaleUp), scaleDown: rules(scaleDown) })
}

function renamed(fields: Fields, how: (name: string) => string): Fields {
  return set(Object.fromEntries(Object.entries(fields).map(([name, value]) => [how(name), value])))
}

/** Without what is not set, at any depth. */
function set(fields: Fields): Fields {
  const result: Fields = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue
    result[name] = typeof value === 'object' && !Array.isArray(value) ? set(value) : value
  }
  return result
}
