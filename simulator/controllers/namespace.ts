import type { Namespace } from 'kubernetes-types/core/v1'
import { type KubeObject, timestamp } from '../kubernetes.ts'
import { type Controller, eachResource, unhandled, workQueue } from './controller.ts'

/**
 * Empties a namespace that is being deleted, then lets it go. Follows upstream's pkg/controller/namespace:
 * content first, the `kubernetes` finalizer last.
 */
export const namespaceController: Controller = {
  name: 'namespace-controller',
  start(world) {
    const { api, clock } = world
    const queue = workQueue('namespace', clock, reconcile, {
      retrying: unhandled(world, 'namespace_controller.go:162', (key, why) => `deletion of namespace ${key} failed: ${why}`),
    })
    api.watch<Namespace & KubeObject>(
      'namespaces',
      ({ type, object }) => {
        if (type !== 'DELETED' && object.metadata?.deletionTimestamp) queue.add(object.metadata.name ?? '')
      },
      { initial: world.fresh },
    )
    // What had to go gracefully or waited for a finalizer is gone: look again.
    eachResource(api, ({ name, namespaced }) => {
      if (!namespaced) return
      api.watch(name, ({ type, object }) => {
        if (type !== 'DELETED') return
        const home = api.find<Namespace & KubeObject>('namespaces', undefined, object.metadata?.namespace ?? '')
        if (home?.metadata?.deletionTimestamp) queue.add(home.metadata.name ?? '')
      })
    })

    function reconcile(name: string): void {
      const namespace = api.find<Namespace & KubeObject>('namespaces', undefined, name)
      if (!namespace?.metadata?.deletionTimestamp) return
      const left = new Map<string, number>()
      const finalizers = new Map<string, number>()
      // A custom kind stands once for each of its versions.
      const resources = new Set(api.served().flatMap((resource) => (resource.namespaced ? [resource.name] : [])))
      for (const resource of resources) {
        for (const object of api.list(resource, { namespace: name })) {
          if (!object.metadata?.deletionTimestamp)
            api.delete(resource, name, object.metadata?.name ?? '', { propagationPolicy: 'Background' })
        }
        for (const object of api.list(resource, { namespace: name })) {
          left.set(resource, (left.get(resource) ?? 0) + 1)
          for (const finalizer of object.metadata?.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1)
        }
      }
      const conditions = terminatingConditions(left, finalizers, timestamp(clock.now()), namespace.status?.conditions)
      const emptied = left.size === 0
      if (!emptied) {
        if (JSON.stringify(conditions) !== JSON.stringify(namespace.status?.conditions)) {
          api.updateStatus('namespaces', { ...namespace, status: { ...namespace.status, phase: 'Terminating', conditions } })
        }
        return
      }
      api.finalize({ ...api.get('namespaces', undefined, name), spec: {} })
    }
  },
}

/** What `kubectl get namespace -o yaml` shows of a namespace that is stuck, in upstream's words. */
function terminatingConditions(
  left: Map<string, number>,
  finalizers: Map<string, number>,
  now: string,
  before: readonly { type?: string; status?: string; lastTransitionTime?: string }[] | undefined,
) {
  const listed = (counts: Map<string, number>, of: (name: string, count: number) => string) =>
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => of(name, count))
      .join(', ')
  const conditions = [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'False',
      reason: 'ResourcesDiscovered',
      message: 'All resources successfully discovered',
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      status: 'False',
      reason: 'ParsedGroupVersions',
      message: 'All legacy kube types successfully parsed',
    },
    {
      type: 'NamespaceDeletionContentFailure',
      status: 'False',
      reason: 'ContentDeleted',
      message: 'All content successfully deleted, may be waiting on finalization',
    },
    left.size
      ? {
          type: 'NamespaceContentRemaining',
          status: 'True',
          reason: 'SomeResourcesRemain',
          message: `Some resources are remaining: ${listed(left, (name, count) => `${name.includes('.') ? name : `${name}.`} has ${count} resource instances`)}`,
        }
      : { type: 'NamespaceContentRemaining', status: 'False', reason: 'ContentRemoved', message: 'All content successfully removed' },
    finalizers.size
      ? {
          type: 'NamespaceFinalizersRemaining',
          status: 'True',
          reason: 'SomeFinalizersRemain',
          message: `Some content in the namespace has finalizers remaining: ${listed(finalizers, (name, count) => `${name} in ${count} resource instances`)}`,
        }
      : {
          type: 'NamespaceFinalizersRemaining',
          status: 'False',
          reason: 'ContentHasNoFinalizers',
          message: 'All content-preserving finalizers finished',
        },
  ]
  return conditions.map((condition) => {
    const old = before?.find(({ type }) => type === condition.type)
    return { ...condition, lastTransitionTime: old?.status === condition.status ? (old.lastTransitionTime ?? now) : now }
  })
}
