import type { ClusterRoleBinding, PolicyRule, RoleBinding, Subject } from 'kubernetes-types/rbac/v1'
import { rbacGroup } from '../../apiserver/authorization/rules.ts'
import type { KubeObject } from '../../kubernetes.ts'

const apiVersion = `${rbacGroup}/v1`

/** Marks what the API server itself puts there, and puts right when it starts. */
export const bootstrapped: KubeObject['metadata'] = {
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
}

type Metadata = NonNullable<KubeObject['metadata']>

export function clusterRole(name: string, rules: readonly PolicyRule[], metadata?: Metadata): KubeObject {
  return { apiVersion, kind: 'ClusterRole', metadata: { ...metadata, name }, rules }
}

export function role(namespace: string, name: string, rules: readonly PolicyRule[], metadata?: Metadata): KubeObject {
  return { apiVersion, kind: 'Role', metadata: { ...metadata, name, namespace }, rules }
}

/** Binds a cluster role, of the same name unless another is given. */
export function clusterBinding(name: string, subjects: readonly Subject[], to = name, metadata?: Metadata): KubeObject {
  const binding: ClusterRoleBinding & KubeObject = {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { ...metadata, name },
    roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: to },
    ...(subjects.length > 0 && { subjects: [...subjects] }),
  }
  return binding
}

/** Binds a role of its own namespace, of the same name unless another is given. */
export function binding(namespace: string, name: string, subjects: readonly Subject[], to = name, metadata?: Metadata): KubeObject {
  const made: RoleBinding & KubeObject = {
    apiVersion,
    kind: 'RoleBinding',
    metadata: { ...metadata, name, namespace },
    roleRef: { apiGroup: rbacGroup, kind: 'Role', name: to },
    subjects: [...subjects],
  }
  return made
}

export const user = (name: string): Subject => ({ apiGroup: rbacGroup, kind: 'User', name })
export const group = (name: string): Subject => ({ apiGroup: rbacGroup, kind: 'Group', name })
export const account = (name: string, namespace = 'kube-system'): Subject => ({ kind: 'ServiceAccount', name, namespace })
