import fc from 'fast-check'
import { expect, it } from 'vitest'
import { horizontalpodautoscalersV1 } from './horizontalpodautoscaler-v1.ts'

const { fromStored, toStored } = horizontalpodautoscalersV1.conversion!
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const stored = (spec: object, status?: object, annotations?: Record<string, string>) => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web', namespace: 'default', ...(annotations && { annotations }) },
  spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5, ...spec },
  ...(status && { status }),
})
const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})

it('shows the utilization of the cpu as a field, and everything else as annotations in the words of the first version', () => {
  const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } } }
  const behavior = {
    scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] },
  }
  const current = [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 12, averageValue: '24m' } } }]
  const conditions = [{ type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale' }]
  const shown = fromStored(
    stored(
      { metrics: [cpu(50), memory], behavior },
      { currentReplicas: 1, desiredReplicas: 1, currentMetrics: current, conditions },
      { own: 'x' },
    ),
  ) as any
  expect(shown.apiVersion).toBe('autoscaling/v1')
  expect(shown.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 50 })
  expect(shown.status).toEqual({ currentReplicas: 1, desiredReplicas: 1, currentCPUUtilizationPercentage: 12 })
  expect(shown.metadata.annotations).toEqual({
    own: 'x',
    'autoscaling.alpha.kubernetes.io/metrics': '[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"100Mi"}}]',
    'autoscaling.alpha.kubernetes.io/current-metrics':
      '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":12,"currentAverageValue":"24m"}}]',
    'autoscaling.alpha.kubernetes.io/conditions': '[{"type":"AbleToScale","status":"True","reason":"ReadyForNewScale"}]',
    'autoscaling.alpha.kubernetes.io/behavior':
      '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":60,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":60}],"Tolerance":null}}',
  })
})

it('loses nothing on the way there and back', () => {
  const quantity = fc.integer({ min: 1, max: 900 }).map((value) => `${value}m`)
  const selector = fc.option(fc.constant({ matchLabels: { verb: 'GET' } }), { nil: undefined })
  const named = (name: string, labels: object | undefined) => ({ name, ...(labels && { selector: labels }) })
  const metric = fc.oneof(
    fc.record({ name: fc.constantFrom('memory', 'cpu'), averageValue: quantity }).map(({ name, averageValue }) => ({
      type: 'Resource',
      resource: { name, target: { type: 'AverageValue', averageValue } },
    })),
    fc.record({ averageValue: quantity, labels: selector }).map(({ averageValue, labels }) => ({
      type: 'Pods',
      pods: { metric: named('packets', labels), target: { type: 'AverageValue', averageValue } },
    })),
    fc.record({ value: quantity, labels: selector }).map(({ value, labels }) => ({
      type: 'Object',
      object: { describedObject: { kind: 'Ingress', name: 'main' }, metric: named('requests', labels), target: { type: 'Value', value } },
    })),
    fc.record({ averageValue: quantity, labels: selector }).map(({ averageValue, labels }) => ({
      type: 'External',
      external: { metric: named('queue', labels), target: { type: 'AverageValue', averageValue } },
    })),
    fc.integer({ min: 1, max: 200 }).map((averageUtilization) => ({
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container: 'app', target: { type: 'Utilization', averageUtilization } },
    })),
  )
  // The first version has one place for the utilization of the cpu, and it comes back first.
  const metrics = fc.tuple(fc.array(fc.integer({ min: 1, max: 200 }).map(cpu), { maxLength: 1 }), fc.array(metric, { maxLength: 4 }))
  fc.assert(
    fc.property(metrics, fc.boolean(), ([first, others], withBehavior) => {
      const all = [...first, ...others]
      const rules = { selectPolicy: 'Min', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] }
      const object = stored({ ...(all.length > 0 && { metrics: all }), ...(withBehavior && { behavior: { scaleUp: rules } }) })
      expect(toStored(fromStored(object))).toEqual(object)
    }),
  )
})

it('shows the columns of the stored version', () => {
  const shown = fromStored(stored({ metrics: [cpu(50)] }))
  const targets = horizontalpodautoscalersV1.columns.find(({ name }) => name === 'Targets')!
  expect(targets.value(shown, { now: 0 })).toBe('cpu: <unknown>/50%')
})
