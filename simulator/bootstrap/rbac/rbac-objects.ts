import { aggregatedRules, type ClusterRoleObject } from '../../apiserver/authorization/aggregation.ts'
import { rbacGroup } from '../../apiserver/authorization/rules.ts'
import type { KubeObject } from '../../kubernetes.ts'
import type { ClusterSpec } from '../spec.ts'
import { componentRoles } from './component-roles.ts'
import { controllerRoles } from './controller-roles.ts'
import { kubeadmRbac } from './kubeadm.ts'
import { namespacedRbac } from './namespaced.ts'
import { account, bootstrapped, clusterBinding, clusterRole, group, user } from './objects.ts'
import { pluginRbac } from './plugins.ts'
import { type RoleData, userRoles } from './user-roles.ts'

const controllerPrefix = 'system:controller:'

/**
 * Roles and bindings of a fresh cluster: the API server's defaults, kubeadm's, and those of the network plugin.
 * kube-system and kube-public must be there; flannel's namespace need not.
 */
export function rbacObjects(spec: Pick<ClusterSpec, 'cni'>): KubeObject[] {
  return [...defaults, ...kubeadmRbac(), ...pluginRbac(spec)]
}

/** Made once: every cluster shares what never differs. */
const defaults: readonly KubeObject[] = [...clusterRoles(), ...clusterBindings(), ...namespacedRbac()]

function clusterRoles(): KubeObject[] {
  const named = Object.entries({ ...userRoles, ...componentRoles }).map(([name, data]) => fromData(name, data))
  const controllers = Object.entries(controllerRoles).map(([name, rules]) => clusterRole(`${controllerPrefix}${name}`, rules, bootstrapped))
  const all = [...named, ...controllers] as ClusterRoleObject[]
  // As the aggregation controller has left them by the time that anybody looks.
  return all.map((role) => (role.aggregationRule ? { ...role, rules: [...aggregatedRules(role, all)] } : role))
}

function fromData(name: string, { rules = [], partOf, aggregates }: RoleData): KubeObject {
  const label = (target: string) => ({ [`${rbacGroup}/aggregate-to-${target}`]: 'true' })
  const metadata = { ...bootstrapped, labels: { ...bootstrapped?.labels, ...(partOf && label(partOf)) } }
  const role = clusterRole(name, rules, metadata)
  return aggregates ? { ...role, aggregationRule: { clusterRoleSelectors: [{ matchLabels: label(aggregates) }] } } : role
}

function clusterBindings(): KubeObject[] {
  const authenticated = group('system:authenticated')
  const scheduler = user('system:kube-scheduler')
  const named = [
    ['cluster-admin', group('system:masters')],
    ['system:monitoring', group('system:monitoring')],
    ['system:discovery', authenticated],
    ['system:basic-user', authenticated],
    ['system:public-info-viewer', authenticated, group('system:unauthenticated')],
    ['system:node-proxier', user('system:kube-proxy')],
    ['system:kube-controller-manager', user('system:kube-controller-manager')],
    ['system:kube-dns', account('kube-dns')],
    ['system:kube-scheduler', scheduler],
    ['system:volume-scheduler', scheduler],
    ['system:service-account-issuer-discovery', group('system:serviceaccounts')],
    // Nobody: what kubelets may do is the node authorizer's.
    ['system:node'],
  ] as const
  return [
    ...named.map(([name, ...subjects]) => clusterBinding(name, subjects, name, bootstrapped)),
    ...Object.keys(controllerRoles).map((name) => clusterBinding(`${controllerPrefix}${name}`, [account(name)], undefined, bootstrapped)),
  ]
}
