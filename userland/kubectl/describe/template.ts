import type { PodTemplateSpec } from 'kubernetes-types/core/v1'
import { containersBlock } from './containers.ts'
import type { Page } from './page.ts'
import { annotationsBlock, pairsBlock, tolerationsBlock } from './page.ts'
import { volumesBlock } from './volumes.ts'

/** `Pod Template:` of a workload. `cause` is the change-cause of a revision, shown with the history only. */
export function describeTemplate(page: Page, template: PodTemplateSpec, cause?: string): void {
  page.write(0, 'Pod Template:\n')
  const annotations = { ...template.metadata?.annotations, ...(cause ? { 'kubernetes.io/change-cause': cause } : {}) }
  pairsBlock(page, 'Labels', template.metadata?.labels, '  ', '\t')
  if (Object.keys(annotations).length > 0) annotationsBlock(page, '  Annotations', annotations)
  const spec = template.spec
  if (!spec) return
  if (spec.serviceAccountName) page.write(0, `  Service Account:\t${spec.serviceAccountName}\n`)
  if (spec.initContainers && spec.initContainers.length > 0) containersBlock(page, 'Init Containers', spec.initContainers, [], '  ')
  containersBlock(page, 'Containers', spec.containers ?? [], [], '  ')
  volumesBlock(page, spec.volumes, '  ')
  if (spec.priorityClassName) page.write(0, `  Priority Class Name:\t${spec.priorityClassName}\n`)
  pairsBlock(page, '  Node-Selectors', spec.nodeSelector)
  tolerationsBlock(page, '  Tolerations', spec.tolerations)
}
