import type { ClusterRole, PolicyRule, Role } from 'kubernetes-types/rbac/v1'
import { createdAtColumn, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid, required } from '../fields.ts'
import type { Plain } from '../plain.ts'

function validateRules(rules: readonly PolicyRule[] | undefined, namespaced: boolean): FieldError[] {
  return (rules ?? []).flatMap((rule, index) => {
    const at = `rules[${index}]`
    const errors: FieldError[] = []
    if (!rule.verbs?.length) errors.push(required(`${at}.verbs`, 'verbs must contain at least one value'))
    if (rule.nonResourceURLs?.length) {
      if (namespaced)
        errors.push(invalid(`${at}.nonResourceURLs`, rule.nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
      else if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
        errors.push(
          invalid(`${at}.nonResourceURLs`, rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'),
        )
      }
      return errors
    }
    if (!rule.apiGroups?.length) errors.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'))
    if (!rule.resources?.length) errors.push(required(`${at}.resources`, 'resource rules must supply at least one resource'))
    return errors
  })
}

export const roles: ResourceDefinition<Plain<Role>> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  namespaced: true,
  validate: (role) => validateRules(role.rules, true),
  columns: [nameColumn, createdAtColumn],
}

export const clusterroles: ResourceDefinition<Plain<ClusterRole>> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  validate: (role) => validateRules(role.rules, false),
  columns: [nameColumn, createdAtColumn],
}
