import type { Namespace, Pod } from 'kubernetes-types/core/v1'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1'
import type { Api, WatchEvent } from '../apiserver/api.ts'
import type { Clock } from '../clock.ts'
import type { KubeObject, ResourceName } from '../kubernetes.ts'
import { PolicyIndex } from './policy-index.ts'

type PolicyObject = NetworkPolicy & KubeObject

/** What an agent knows of policies, pods and namespaces, and how it hears of their changes: its informers. */
export interface PolicySource {
  readonly cache: Pick<Api, 'list'>
  onChange<T extends KubeObject>(resource: ResourceName, handler: (event: WatchEvent<T>) => void): void
}

/**
 * An index that follows the informers of an agent: before they start, and from what they know when `begin` is called. `changed` is called
 * once for all that changes in one instant, in that instant.
 * `lazy`: pods and namespaces are not looked at before there is a policy, which is all that an agent needs that only enforces.
 */
export function followPolicies(
  { cache, onChange }: PolicySource,
  clock: Pick<Clock, 'soon'>,
  { lazy }: { lazy: boolean },
  changed: () => void,
): { readonly index: PolicyIndex; begin(): void } {
  const index = new PolicyIndex()
  let begun = false
  let following = false
  let told = true
  const touch = () => {
    if (!told) return
    told = false
    clock.soon(() => {
      told = true
      changed()
    })
  }
  const follow = () => {
    if (following) return
    following = true
    for (const namespace of cache.list<Namespace & KubeObject>('namespaces')) index.setNamespace(namespace)
    for (const pod of cache.list<Pod & KubeObject>('pods')) index.setPod(pod)
  }
  onChange<Namespace & KubeObject>('namespaces', ({ type, object }) => {
    if (!following) return
    index.setNamespace(object, type === 'DELETED')
    if (index.changed) touch()
  })
  onChange<Pod & KubeObject>('pods', ({ type, object }) => {
    if (!following) return
    index.setPod(object, type === 'DELETED')
    if (index.changed) touch()
  })
  onChange<PolicyObject>('networkpolicies.networking.k8s.io', ({ type, object }) => {
    if (!begun) return
    follow()
    index.setPolicy(object, type === 'DELETED')
    touch()
  })
  return {
    index,
    begin() {
      begun = true
      const policies = cache.list<PolicyObject>('networkpolicies.networking.k8s.io')
      if (!lazy || policies.length > 0) follow()
      for (const policy of policies) index.setPolicy(policy)
    },
  }
}
