import type { ClusterRoleBinding, RoleBinding, RoleRef, Subject } from 'kubernetes-types/rbac/v1'
import { ageColumn, column, nameColumn, wide } from '../columns.ts'
import type { Column, FieldError, ResourceDefinition } from '../definition.ts'
import { invalid, invalidEach, notSupported, required, sameValue } from '../fields.ts'
import { fillText, mapSame, put } from '../fill.ts'
import { isDns1123Subdomain, isPathSegmentName } from '../names.ts'
import type { Plain } from '../plain.ts'

const rbacGroup = 'rbac.authorization.k8s.io'
interface Binding {
  roleRef: RoleRef
  subjects?: Subject[]
}

function defaultBinding<T extends Binding>(binding: T): T {
  const withRole = binding.roleRef ? put(binding, 'roleRef', fillText<RoleRef>(binding.roleRef, { apiGroup: rbacGroup })) : binding
  const groupOf = ({ kind }: Subject) => (kind === 'ServiceAccount' ? '' : rbacGroup)
  return binding.subjects
    ? put(
        withRole,
        'subjects',
        mapSame<Subject>(binding.subjects, (one) => fillText(one, { apiGroup: groupOf(one) })),
      )
    : withRole
}

function validateBinding(binding: Binding, roleKinds: readonly string[]): FieldError[] {
  const { roleRef = { apiGroup: '', kind: '', name: '' }, subjects = [] } = binding
  const errors: FieldError[] = []
  if (roleRef.apiGroup !== rbacGroup) errors.push(notSupported('roleRef.apiGroup', roleRef.apiGroup, [rbacGroup]))
  if (!roleKinds.includes(roleRef.kind)) errors.push(notSupported('roleRef.kind', roleRef.kind, roleKinds))
  if (!roleRef.name) errors.push(required('roleRef.name'))
  else errors.push(...invalidEach('roleRef.name', roleRef.name, isPathSegmentName(roleRef.name)))
  subjects.forEach((subject, index) => {
    const at = `subjects[${index}]`
    if (!subject.name) errors.push(required(`${at}.name`))
    if (subject.kind === 'ServiceAccount') {
      if (subject.name) errors.push(...invalidEach(`${at}.name`, subject.name, isDns1123Subdomain(subject.name)))
      if (subject.apiGroup) errors.push(notSupported(`${at}.apiGroup`, subject.apiGroup, ['']))
      if (!subject.namespace) errors.push(required(`${at}.namespace`))
    } else if (subject.kind === 'User' || subject.kind === 'Group') {
      if (subject.apiGroup !== rbacGroup) errors.push(notSupported(`${at}.apiGroup`, subject.apiGroup, [rbacGroup]))
    } else errors.push(notSupported(`${at}.kind`, subject.kind, ['ServiceAccount', 'User', 'Group']))
  })
  return errors
}

function fixedRole(binding: Binding, previous: Binding): FieldError[] {
  return sameValue(binding.roleRef, previous.roleRef) ? [] : [invalid('roleRef', binding.roleRef, 'cannot change roleRef')]
}

const subjectsText = (binding: Binding, kind: string) =>
  (binding.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace}/${subject.name}` : subject.name))
    .join(', ')

const columns: readonly Column<any>[] = [
  nameColumn,
  column('Role', 'Role that is granted.', (binding: Binding) => `${binding.roleRef.kind}/${binding.roleRef.name}`),
  ageColumn,
  wide('Users', 'Users that get the role.', (binding: Binding) => subjectsText(binding, 'User')),
  wide('Groups', 'Groups that get the role.', (binding: Binding) => subjectsText(binding, 'Group')),
  wide('ServiceAccounts', 'Service accounts that get the role.', (binding: Binding) => subjectsText(binding, 'ServiceAccount')),
]

export const rolebindings: ResourceDefinition<Plain<RoleBinding>> = {
  group: rbacGroup,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  namespaced: true,
  defaults: defaultBinding,
  validate: (binding) => validateBinding(binding, ['Role', 'ClusterRole']),
  validateUpdate: (binding, previous) => [...validateBinding(binding, ['Role', 'ClusterRole']), ...fixedRole(binding, previous)],
  columns,
}

export const clusterrolebindings: ResourceDefinition<Plain<ClusterRoleBinding>> = {
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  namespaced: false,
  defaults: defaultBinding,
  validate: (binding) => validateBinding(binding, ['ClusterRole']),
  validateUpdate: (binding, previous) => [...validateBinding(binding, ['ClusterRole']), ...fixedRole(binding, previous)],
  columns,
}
