import { apiServiceResource } from '../../apiserver/aggregation/aggregator.ts'
import { sameJson } from '../../json.ts'
import type { APIServiceObject } from '../../resources/apiregistration/apiservice.ts'
import { customResourceDefinitionsName } from '../../resources/customresourcedefinition/definition.ts'
import type { CustomResourceDefinition } from '../../resources/customresourcedefinition/types.ts'
import { type Controller, workQueue } from '../controller.ts'

const managed = 'kube-aggregator.kubernetes.io/automanaged'

/**
 * Every group and version that a definition serves has an APIService, as long as one does; whoever made one by hand keeps it
 * (pkg/controlplane/controller/crdregistration, and kube-aggregator's autoregister).
 */
export const registrationController: Controller = {
  name: 'crd-registration-controller',
  start({ api, clock, fresh }) {
    const queue = workQueue('crd-registration', clock, reconcile)
    api.watch<CustomResourceDefinition>(
      customResourceDefinitionsName,
      ({ object, previous }) => {
        for (const { spec } of previous ? [object, previous] : [object]) {
          for (const { name } of spec.versions) queue.add(`${name}.${spec.group}`)
        }
      },
      { initial: fresh },
    )
    api.watch<APIServiceObject>(apiServiceResource, ({ object }) => {
      if (object.metadata?.labels?.[managed] === 'true') queue.add(object.metadata.name ?? '')
    })

    function reconcile(name: string): void {
      const version = name.slice(0, name.indexOf('.'))
      const group = name.slice(version.length + 1)
      const isServed = api
        .list<CustomResourceDefinition>(customResourceDefinitionsName)
        .some(({ spec }) => spec.group === group && spec.versions.some((one) => one.name === version && one.served))
      const found = api.find<APIServiceObject>(apiServiceResource, undefined, name)
      if (found && found.metadata?.labels?.[managed] !== 'true') return
      if (!isServed) {
        if (found && !found.metadata?.deletionTimestamp) api.delete(apiServiceResource, undefined, name)
        return
      }
      const spec = { group, version, groupPriorityMinimum: 1000, versionPriority: 100 }
      if (found && !sameJson(found.spec, spec)) api.update<APIServiceObject>(apiServiceResource, { ...found, spec })
      if (found) return
      api.create<APIServiceObject>(apiServiceResource, {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name, labels: { [managed]: 'true' } },
        spec,
      })
    }
  },
}
