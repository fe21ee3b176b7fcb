import { longMoment } from '../print/age.ts'
import type { Describe } from './describe.ts'
import { eventsBlock } from './events.ts'
import type { Page } from './page.ts'
import { annotationsBlock, pairsBlock } from './page.ts'

/** autoscaling/v2. */
export const describeAutoscaler: Describe<any> = async ({ metadata = {}, spec = {}, status = {} }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `CreationTimestamp:\t${longMoment(metadata.creationTimestamp)}\n`)
  page.write(0, `Reference:\t${spec.scaleTargetRef?.kind}/${spec.scaleTargetRef?.name}\n`)
  page.write(0, 'Metrics:\t( current / target )\n')
  const metrics: any[] = spec.metrics ?? []
  metrics.forEach((metric, at) => {
    page.write(1, `${metricLine(metric, status.currentMetrics?.[at] ?? {})}\n`)
  })
  page.write(0, `Min replicas:\t${spec.minReplicas ?? '<unset>'}\n`)
  page.write(0, `Max replicas:\t${spec.maxReplicas}\n`)
  if (spec.behavior) {
    page.write(0, 'Behavior:\n')
    directionBlock(page, 'Scale Up', spec.behavior.scaleUp)
    directionBlock(page, 'Scale Down', spec.behavior.scaleDown)
  }
  page.write(0, `${spec.scaleTargetRef?.kind} pods:\t${status.currentReplicas ?? 0} current / ${status.desiredReplicas ?? 0} desired\n`)
  if (status.conditions?.length > 0) {
    page.write(0, 'Conditions:\n')
    page.write(1, 'Type\tStatus\tReason\tMessage\n')
    page.write(1, '----\t------\t------\t-------\n')
    for (const one of status.conditions) page.write(1, `${one.type}\t${one.status}\t${one.reason ?? ''}\t${one.message ?? ''}\n`)
  }
  eventsBlock(page, await around.events(), around.now)
}

function metricLine(metric: any, current: any): string {
  switch (metric.type) {
    case 'External':
    case 'Object': {
      const [wanted, found] = metric.type === 'External' ? [metric.external, current.external] : [metric.object, current.object]
      const on = metric.type === 'External' ? '' : ` on ${wanted.describedObject.kind}/${wanted.describedObject.name}`
      const average = metric.type === 'External' ? wanted.target.averageValue !== undefined : wanted.target.type === 'AverageValue'
      const side = average ? 'averageValue' : 'value'
      const unknown = average && metric.type === 'External' && found?.current?.averageValue === undefined ? '<unknown>' : '0'
      const now = found ? (found.current?.[side] ?? unknown) : '<unknown>'
      return `${JSON.stringify(wanted.metric.name)}${on} (target ${average ? 'average ' : ''}value):\t${now} / ${wanted.target[side] ?? '0'}`
    }
    case 'Pods':
      return `${JSON.stringify(metric.pods.metric.name)} on pods:\t${current.pods ? (current.pods.current?.averageValue ?? '0') : '<unknown>'} / ${metric.pods.target.averageValue}`
    case 'Resource':
      return `resource ${metric.resource.name} on pods${usage(metric.resource, current.resource)}`
    case 'ContainerResource':
      return `resource ${metric.containerResource.name} of container "${metric.containerResource.container}" on pods${usage(metric.containerResource, current.containerResource)}`
  }
  return `<unknown metric type ${JSON.stringify(metric.type)}>`
}

/** `:` and amounts, or the percentage of what was requested. */
function usage(wanted: any, found: any): string {
  if (wanted.target.averageValue !== undefined)
    return `:\t${found ? (found.current?.averageValue ?? '0') : '<unknown>'} / ${wanted.target.averageValue}`
  const used = found?.current?.averageUtilization
  const now = used === undefined ? '<unknown>' : `${used}% (${found.current.averageValue ?? '0'})`
  const target = wanted.target.averageUtilization
  return `  (as a percentage of request):\t${now} / ${target === undefined ? '<auto>' : `${target}%`}`
}

function directionBlock(page: Page, title: string, rules: any): void {
  if (!rules) return
  page.write(1, `${title}:\n`)
  if (rules.stabilizationWindowSeconds !== undefined) page.write(2, `Stabilization Window: ${rules.stabilizationWindowSeconds} seconds\n`)
  if (!rules.policies?.length) return
  page.write(2, `Select Policy: ${rules.selectPolicy ?? 'Max'}\n`)
  page.write(2, 'Policies:\n')
  for (const one of rules.policies) page.write(3, `- Type: ${one.type}\tValue: ${one.value}\tPeriod: ${one.periodSeconds} seconds\n`)
}
