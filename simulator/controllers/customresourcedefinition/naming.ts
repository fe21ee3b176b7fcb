import { sameJson } from '../../json.ts'
import { conditionOf, withCondition } from '../../resources/customresourcedefinition/conditions.ts'
import { customResourceDefinitionsName } from '../../resources/customresourcedefinition/definition.ts'
import type { Condition, CustomResourceDefinition } from '../../resources/customresourcedefinition/types.ts'
import { sameValue } from '../../resources/fields.ts'
import { type Controller, workQueue } from '../controller.ts'
import { namingOf } from './names.ts'

/** Gives definitions the names that they want, first come first served; a name that becomes free goes to who waits for it. */
export const namingController: Controller = {
  name: 'crd-naming-condition-controller',
  start({ api, clock, fresh }) {
    const queue = workQueue('crd-naming', clock, reconcile)
    api.watch<CustomResourceDefinition>(customResourceDefinitionsName, ({ object }) => queue.add(object.metadata?.name ?? ''), {
      initial: fresh,
    })

    function reconcile(name: string): void {
      const definition = api.find<CustomResourceDefinition>(customResourceDefinitionsName, undefined, name)
      if (!definition) return again(name)
      const { spec, status } = definition
      if (sameValue(spec.names, status?.acceptedNames)) return
      const all = api.list<CustomResourceDefinition>(customResourceDefinitionsName)
      const { accepted, condition } = namingOf(
        definition,
        all.filter((one) => one.metadata?.name !== name),
      )
      const before = conditionOf(definition, 'NamesAccepted')
      if (sameJson(accepted, status?.acceptedNames) && before && sameCondition(before, condition)) return
      let next: CustomResourceDefinition = { ...definition, status: { storedVersions: [], ...status, acceptedNames: accepted } }
      next = withCondition(next, condition, clock.now())
      next = withCondition(next, establishedOf(next, condition.status === 'True'), clock.now())
      api.updateStatus(customResourceDefinitionsName, next)
      again(name)
    }

    /** What this one gave up, another of its group may have waited for. */
    function again(name: string): void {
      const group = name.slice(name.indexOf('.') + 1)
      for (const { spec, metadata } of api.list<CustomResourceDefinition>(customResourceDefinitionsName)) {
        if (spec.group === group && metadata?.name !== name) queue.add(metadata?.name ?? '')
      }
    }
  },
}

function sameCondition(a: Condition, b: Omit<Condition, 'lastTransitionTime'>): boolean {
  return a.status === b.status && a.reason === b.reason && a.message === b.message
}

/** Not yet established, but for one that already is: names lost later take nothing away. */
function establishedOf(definition: CustomResourceDefinition, accepted: boolean): Omit<Condition, 'lastTransitionTime'> {
  const before = conditionOf(definition, 'Established')
  if (before?.status === 'True') return before
  const type = 'Established'
  if (accepted) return { type, status: 'False', reason: 'Installing', message: 'the initial names have been accepted' }
  return before ?? { type, status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
}
