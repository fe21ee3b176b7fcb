import { isTrue, withCondition } from '../../resources/customresourcedefinition/conditions.ts'
import { customResourceDefinitionsName } from '../../resources/customresourcedefinition/definition.ts'
import type { CustomResourceDefinition } from '../../resources/customresourcedefinition/types.ts'
import { type Controller, workQueue } from '../controller.ts'

/** Has definitions served whose names are accepted: with one API server there is nothing to wait for (pkg/controller/establish). */
export const establishingController: Controller = {
  name: 'crd-establishing-controller',
  start({ api, clock, fresh }) {
    const queue = workQueue('crd-establishing', clock, (name) => {
      const definition = api.find<CustomResourceDefinition>(customResourceDefinitionsName, undefined, name)
      if (!definition || !isTrue(definition, 'NamesAccepted') || isTrue(definition, 'Established')) return
      const established = { type: 'Established', status: 'True', reason: 'InitialNamesAccepted' } as const
      const message = 'the initial names have been accepted'
      api.updateStatus(customResourceDefinitionsName, withCondition(definition, { ...established, message }, clock.now()))
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
