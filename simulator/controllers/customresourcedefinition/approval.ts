import { approvalOf } from '../../resources/customresourcedefinition/approval.ts'
import { conditionOf, withCondition } from '../../resources/customresourcedefinition/conditions.ts'
import { customResourceDefinitionsName } from '../../resources/customresourcedefinition/definition.ts'
import type { CustomResourceDefinition } from '../../resources/customresourcedefinition/types.ts'
import { type Controller, workQueue } from '../controller.ts'

const said = {
  missing: ['False', 'MissingAnnotation'],
  invalid: ['False', 'InvalidAnnotation'],
  bypassed: ['False', 'UnapprovedAnnotation'],
  approved: ['True', 'ApprovedAnnotation'],
} as const

/** Says of kinds in the community's own groups whether they were agreed to (pkg/controller/apiapproval). */
export const apiApprovalController: Controller = {
  name: 'crd-api-approval-controller',
  start({ api, clock, fresh }) {
    const queue = workQueue('crd-api-approval', clock, (name) => {
      const definition = api.find<CustomResourceDefinition>(customResourceDefinitionsName, undefined, name)
      const approval = definition && approvalOf(definition)
      if (!approval) return
      const type = 'KubernetesAPIApprovalPolicyConformant'
      const [status, reason] = said[approval.state]
      const before = conditionOf(definition, type)
      if (before?.status === status && before.reason === reason && before.message === approval.reason) return
      const condition = { type, status, reason, message: approval.reason }
      api.updateStatus(customResourceDefinitionsName, withCondition(definition, condition, clock.now()))
    })
    api.watch<CustomResourceDefinition>(
      customResourceDefinitionsName,
      ({ type, object }) => {
        if (type !== 'DELETED') queue.add(object.metadata?.name ?? '')
      },
      { initial: fresh },
    )
  },
}
