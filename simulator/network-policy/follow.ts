import type { Namespace, Pod } from 'kubernetes-types/core/v1'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1'
import type { Api } from '../apiserver/api.ts'
import type { Clock } from '../clock.ts'
import type { KubeObject } from '../kubernetes.ts'
import { PolicyIndex } from './policy-index.ts'

type PolicyObject = NetworkPolicy & KubeObject

/**
 * An index that follows the API, from what is there now. `changed` is called once for all that changes in one instant, in that instant.
 * `lazy`: pods and namespaces are not looked at before there is a policy, which is all that an agent needs that only enforces.
 */
export function followPolicies(api: Api, clock: Pick<Clock, 'soon'>, { lazy }: { lazy: boolean }, changed: () => void): PolicyIndex {
  const index = new PolicyIndex()
  let told = true
  let following = false
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
    for (const namespace of api.list<Namespace & KubeObject>('namespaces')) index.setNamespace(namespace)
    for (const pod of api.list<Pod & KubeObject>('pods')) index.setPod(pod)
    api.watch<Namespace & KubeObject>('namespaces', ({ type, object }) => {
      index.setNamespace(object, type === 'DELETED')
      if (index.changed) touch()
    })
    api.watch<Pod & KubeObject>('pods', ({ type, object }) => {
      index.setPod(object, type === 'DELETED')
      if (index.changed) touch()
    })
  }
  const policies = api.list<PolicyObject>('networkpolicies.networking.k8s.io')
  if (!lazy || policies.length > 0) follow()
  for (const policy of policies) index.setPolicy(policy)
  api.watch<PolicyObject>('networkpolicies.networking.k8s.io', ({ type, object }) => {
    follow()
    index.setPolicy(object, type === 'DELETED')
    touch()
  })
  return index
}
