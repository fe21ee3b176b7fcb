import type { ResourceQuota } from 'kubernetes-types/core/v1'
import { countedResource, usedOf } from '../apiserver/admission/quota-usage.ts'
import type { KubeObject, ResourceName } from '../kubernetes.ts'
import { formatQuantity } from '../resources/quantity.ts'
import { type Controller, eachResource, keyOf, splitKey, unhandled, workQueue, writeStatus } from './controller.ts'

type QuotaObject = ResourceQuota & KubeObject

/**
 * Keeps what quotas say is used. Follows upstream's pkg/controller/resourcequota. Only what some quota limits is watched, so a cluster
 * without quotas does nothing for them.
 */
export const resourceQuotaController: Controller = {
  name: 'resourcequota-controller',
  start(world) {
    const { api, clock, fresh } = world
    const queue = workQueue('resourcequota', clock, reconcile, {
      retrying: unhandled(world, 'resource_quota_controller.go:269', (_key, why) => why),
    })
    const watched = new Set<ResourceName>()
    api.watch<QuotaObject>(
      'resourcequotas',
      ({ type, object }) => {
        if (type === 'DELETED') return
        follow(object)
        queue.add(keyOf(object))
      },
      { initial: fresh },
    )
    if (!fresh) for (const quota of api.list<QuotaObject>('resourcequotas')) follow(quota)
    // What a quota limits may be a custom kind that is yet to come.
    eachResource(api, ({ name }) => {
      if (!name.includes('.')) return
      for (const quota of api.list<QuotaObject>('resourcequotas')) {
        if (watched.has(name) || !Object.keys(quota.spec?.hard ?? {}).some((one) => countedResource(one) === name)) continue
        follow(quota)
        queue.add(keyOf(quota))
      }
    })

    function follow(quota: QuotaObject): void {
      for (const name of Object.keys(quota.spec?.hard ?? {})) {
        const resource = countedResource(name)
        if (watched.has(resource) || !isServed(resource)) continue
        watched.add(resource)
        api.watch(resource, ({ object }) => {
          for (const one of api.list<QuotaObject>('resourcequotas', { namespace: object.metadata?.namespace })) queue.add(keyOf(one))
        })
      }
    }

    function isServed(resource: ResourceName): boolean {
      return api.served().some(({ name, namespaced }) => namespaced && name === resource)
    }

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const quota = api.find<QuotaObject>('resourcequotas', namespace, name)
      if (!quota || quota.metadata?.deletionTimestamp) return
      const hard = (quota.spec?.hard ?? {}) as unknown as Record<string, string>
      // What nobody serves is limited, but not counted.
      const names = Object.keys(hard).filter((one) => isServed(countedResource(one)))
      const used = usedOf(quota, names, (resource) => api.list(resource, { namespace }), clock.now())
      writeStatus(api, 'resourcequotas', quota, {
        hard,
        used: Object.fromEntries([...used].map(([one, amount]) => [one, formatQuantity(amount)])),
      })
    }
  },
}
