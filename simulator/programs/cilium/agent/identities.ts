import type { Api } from '../../../apiserver/api.ts'
import type { Random } from '../../../random.ts'
import type { InformerCache } from '../../informers.ts'
import { firstPodIdentity, lastPodIdentity } from '../identity.ts'
import { labelsKey, type SecurityLabels } from '../policy/labels.ts'
import { apiVersion, type CiliumIdentity, resources } from '../resources.ts'

/** Numbers by labels, of the objects that one list was. */
const indexes = new WeakMap<object, Map<string, number>>()
const keys = new WeakMap<CiliumIdentity, string>()

/** The identity of a set of labels: the lowest there is, or a new one (pkg/identity/cache, CRD backend). Throws StatusError. */
export function allocateIdentity(api: Api, cache: InformerCache, labels: SecurityLabels, random: Random): number {
  const key = labelsKey(labels)
  const all = cache.list<CiliumIdentity>(resources.identities)
  let index = indexes.get(all)
  if (!index) {
    index = new Map()
    for (const identity of all) {
      let own = keys.get(identity)
      if (own === undefined) keys.set(identity, (own = labelsKey(identity['security-labels'])))
      const id = Number(identity.metadata?.name)
      if (id < (index.get(own) ?? Number.POSITIVE_INFINITY)) index.set(own, id)
    }
    indexes.set(all, index)
  }
  const known = index.get(key)
  if (known !== undefined) return known
  const taken = new Set(all.map(({ metadata }) => metadata?.name))
  let id = firstPodIdentity
  do id = firstPodIdentity + random.below(lastPodIdentity - firstPodIdentity + 1)
  while (taken.has(String(id)))
  api.create<CiliumIdentity>(resources.identities, {
    apiVersion,
    kind: 'CiliumIdentity',
    metadata: { name: String(id), labels: objectLabels(labels) },
    'security-labels': labels,
  })
  return id
}

/** The object itself carries those of its labels that are Kubernetes' own, and the namespace. */
function objectLabels(labels: SecurityLabels): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([key]) => key.startsWith('k8s:') && !key.startsWith('k8s:io.cilium.k8s.namespace.labels.'))
      .map(([key, value]) => [key.slice(4), value]),
  )
}
