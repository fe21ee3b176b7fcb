import type { Closer } from '../../clock.ts'
import type { KubeObject, ResourceName } from '../../kubernetes.ts'
import { conditionOf, isTrue, withCondition } from '../../resources/customresourcedefinition/conditions.ts'
import { customResourceDefinitionsName } from '../../resources/customresourcedefinition/definition.ts'
import { type Condition, type CustomResourceDefinition, cleanupFinalizer } from '../../resources/customresourcedefinition/types.ts'
import { type Controller, workQueue } from '../controller.ts'

type Said = Pick<Condition, 'status' | 'reason' | 'message'>

const inProgress: Said = { status: 'True', reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' }
const done: Said = { status: 'False', reason: 'InstanceDeletionCompleted', message: 'removed all instances' }
const never: Said = { status: 'False', reason: 'NeverEstablished', message: 'resource was never established' }
const waiting: Said = {
  status: 'True',
  reason: 'InstanceDeletionCheck',
  message: 'could not confirm zero CustomResources remaining: timed out waiting for the condition',
}
/** How long the real one looks for the last instance before it says that it does not go, ms. */
const patience = 60_000

/** Empties a kind whose definition is being deleted, then lets the definition go (pkg/controller/finalizer). */
export const finalizingController: Controller = {
  name: 'crd-finalizer',
  start({ api, clock, fresh }) {
    const queue = workQueue('crd-finalizer', clock, reconcile)
    const checks = clock.timers('controller/crd-finalizer/check', report)
    /** Instances that hold a definition up are watched until the last is gone. */
    const watched = new Map<string, Closer>()
    api.watch<CustomResourceDefinition>(
      customResourceDefinitionsName,
      ({ type, object }) => {
        const name = object.metadata?.name ?? ''
        if (type !== 'DELETED' && isEnding(object)) queue.add(name)
        if (type === 'DELETED') release(name)
      },
      { initial: fresh },
    )
    if (!fresh) {
      for (const one of api.list<CustomResourceDefinition>(customResourceDefinitionsName)) if (isEnding(one)) follow(one)
    }

    function reconcile(name: string): void {
      const definition = ending(name)
      if (!definition) return
      const established = isTrue(definition, 'Established')
      if (!established) return letGo(definition, never)
      const resource = instancesOf(definition)
      for (const instance of api.list(resource)) remove(resource, instance)
      if (api.list(resource).length === 0) return letGo(definition, done)
      follow(definition)
      // Said once; what is said after some time stays.
      if (conditionOf(definition, 'Terminating')?.reason === 'InstanceDeletionPending') {
        say(definition, inProgress)
        checks.set(name, clock.now() + patience)
      }
    }

    function remove(resource: ResourceName, { metadata }: KubeObject): void {
      if (!metadata?.deletionTimestamp) api.delete(resource, metadata?.namespace, metadata?.name ?? '')
    }

    function follow(definition: CustomResourceDefinition): void {
      const name = definition.metadata?.name ?? ''
      if (watched.has(name) || !isTrue(definition, 'Established')) return
      const again = () => queue.add(name)
      watched.set(
        name,
        api.watch(instancesOf(definition), ({ type }) => type === 'DELETED' && again()),
      )
    }

    function release(name: string): void {
      watched.get(name)?.close()
      watched.delete(name)
    }

    function report(name: string): void {
      const definition = ending(name)
      if (definition) say(definition, waiting)
    }

    function say(definition: CustomResourceDefinition, what: Said): void {
      api.updateStatus(customResourceDefinitionsName, withCondition(definition, { type: 'Terminating', ...what }, clock.now()))
    }

    function letGo(definition: CustomResourceDefinition, why: Said): void {
      const finalizers = definition.metadata?.finalizers?.filter((one) => one !== cleanupFinalizer) ?? []
      release(definition.metadata?.name ?? '')
      say({ ...definition, metadata: { ...definition.metadata, finalizers } }, why)
    }

    function ending(name: string): CustomResourceDefinition | undefined {
      const definition = api.find<CustomResourceDefinition>(customResourceDefinitionsName, undefined, name)
      return definition && isEnding(definition) ? definition : undefined
    }
  },
}

function isEnding({ metadata }: CustomResourceDefinition): boolean {
  return Boolean(metadata?.deletionTimestamp && metadata.finalizers?.includes(cleanupFinalizer))
}

function instancesOf({ spec }: CustomResourceDefinition): ResourceName {
  return `${spec.names.plural}.${spec.group}`
}
