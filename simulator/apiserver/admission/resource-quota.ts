import type { Pod, ResourceQuota } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { addQuantities, compareQuantities, formatQuantity, type Quantity, subtractQuantities } from '../../resources/quantity.ts'
import { forbidden } from '../status.ts'
import type { Admission } from './admission.ts'
import type { Amounts } from './pod-amounts.ts'
import { countedResource, hardOf, inScope, unspecified, usageOf, usedOf } from './quota-usage.ts'

/** Kinds whose use can grow when they are changed; all others count once, when they are made. */
const growing = new Set(['services', 'persistentvolumeclaims'])

/**
 * ResourceQuota: refuses what would go beyond a quota of the namespace. Where upstream keeps a running count in the quota's status and
 * writes it on every admission, this counts what is in the store, which is the same number at every moment.
 */
export const resourceQuota: Admission = {
  name: 'ResourceQuota',
  validate({ operation, definition, resource, subresource, namespace, name, object, previous }, context) {
    if (!namespace || subresource || !object || resource === 'events') return
    if (operation !== 'CREATE' && !(operation === 'UPDATE' && growing.has(resource))) return
    const quotas = context.list<ResourceQuota & KubeObject>('resourcequotas', namespace)
    if (quotas.length === 0) return
    const refuse = (why: string) => forbidden({ group: definition.group, resource: definition.plural, name }, why)
    const usage = usageOf(resource, object, context.now)
    for (const quota of quotas) {
      const hard = hardOf(quota)
      const names = [...hard.keys()].filter((one) => countedResource(one) === resource)
      if (names.length === 0 || !inScope(quota, resource, object)) continue
      if (resource === 'pods') {
        const silent = unspecified(object as Pod & KubeObject, names)
        if (silent) throw refuse(`failed quota: ${quota.metadata?.name}: ${silent}`)
      }
      const before = previous && inScope(quota, resource, previous) ? usageOf(resource, previous, context.now) : undefined
      const wanted = growth(usage, before, names)
      if (wanted.size === 0) continue
      const used = usedOf(quota, wanted.keys(), (one) => context.list(one, namespace), context.now)
      const exceeded = [...wanted.keys()].filter(
        (one) => compareQuantities(addQuantities(used.get(one)!, wanted.get(one)!), hard.get(one)!) > 0,
      )
      if (exceeded.length === 0) continue
      const [requested, inUse, limited] = [wanted, used, hard].map((amounts) => printed(amounts, exceeded))
      throw refuse(`exceeded quota: ${quota.metadata?.name}, requested: ${requested}, used: ${inUse}, limited: ${limited}`)
    }
  },
}

/** What is used now and was not before, of the given names. */
function growth(usage: Amounts, before: Amounts | undefined, names: readonly string[]): Map<string, Quantity> {
  const more: Amounts = new Map()
  for (const name of names) {
    const now = usage.get(name)
    if (!now) continue
    const standing = before?.get(name)
    const difference = standing ? subtractQuantities(now, standing) : now
    if (difference.nanos > 0n) more.set(name, difference)
  }
  return more
}

function printed(amounts: Amounts, names: readonly string[]): string {
  return [...names]
    .sort()
    .map((name) => `${name}=${formatQuantity(amounts.get(name)!)}`)
    .join(',')
}
