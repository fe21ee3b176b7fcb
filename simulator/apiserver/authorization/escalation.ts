import type { ClusterRole, PolicyRule, RoleRef } from 'kubernetes-types/rbac/v1'
import { sameJson } from '../../json.ts'
import type { KubeObject } from '../../kubernetes.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import type { Admission, AdmissionRequest } from '../admission/admission.ts'
import type { UserInfo } from '../api.ts'
import { forbidden, notFound, unknownError } from '../status.ts'
import type { ClusterAuthorizer } from './authorizer.ts'
import { isPrivileged } from './rbac.ts'
import { describeRules, quotedList, rbacGroup, uncovered } from './rules.ts'

/** What nobody can hold more than. */
const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/**
 * Nobody grants what they do not have: upstream's policy-based storage of roles and bindings (pkg/registry/rbac), as an admission
 * plugin. `escalate` on the role, or `bind` on the role that a binding refers to, lifts it.
 */
export function escalationCheck({ authorize, rbac }: Pick<ClusterAuthorizer, 'authorize' | 'rbac'>): Admission {
  function confirm(request: AdmissionRequest, rules: readonly PolicyRule[], why?: string): void {
    const { user } = request
    const held = rbac.heldRules(user, request.namespace)
    const missing = uncovered(held.rules, rules)
    if (missing.length === 0) return
    const unresolved = held.missing.length > 0 ? `; resolution errors: [${held.missing.join(' ')}]` : ''
    const sentence = `user ${JSON.stringify(user.username)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${describeRules(missing).join('\n')}${unresolved}`
    throw forbidden(subjectOf(request.definition, request.name), why ?? sentence)
  }

  function role(request: AdmissionRequest, object: KubeObject): void {
    const { definition, user, operation, name, namespace } = request
    // The name of a new role stands in its body, which the authorizer does not see.
    const named = operation === 'CREATE' ? '' : name
    if (may(user, 'escalate', { resource: definition.plural, name: named }, namespace)) return
    const { rules, aggregationRule } = object as ClusterRole & KubeObject
    confirm(request, rules ?? [])
    // An aggregate can come to hold anything.
    if (aggregationRule || request.previous?.['aggregationRule']) {
      confirm(request, everything, 'must have cluster-admin privileges to use the aggregationRule')
    }
  }

  function binding(request: AdmissionRequest, object: KubeObject): void {
    const { user, namespace } = request
    const roleRef = object['roleRef'] as RoleRef | undefined
    // Without one there is nothing granted; validation refuses it.
    if (!roleRef?.kind || !roleRef.name) return
    const resource = { ClusterRole: 'clusterroles', Role: 'roles' }[roleRef.kind]
    if (!resource) throw unknownError(`unsupported role reference kind: ${JSON.stringify(roleRef.kind)}`)
    if (may(user, 'bind', { resource, name: roleRef.name }, namespace)) return
    const rules = rbac.roleRules(roleRef, namespace)
    if ('missing' in rules) throw notFound({ group: rbacGroup, resource, name: roleRef.name })
    confirm(request, rules)
  }

  function may(user: UserInfo, verb: string, what: { resource: string; name: string }, namespace: string | undefined): boolean {
    return authorize(user, { verb, group: rbacGroup, version: 'v1', ...what, ...(namespace && { namespace }) }).allowed
  }

  return {
    name: 'RBACEscalation',
    validate(request) {
      const { definition, object, previous, user, subresource } = request
      if (definition.group !== rbacGroup || !object || subresource || isPrivileged(user)) return
      if (previous && sameButOwnership(object, previous)) return
      if (definition.kind === 'Role' || definition.kind === 'ClusterRole') role(request, object)
      else if (definition.kind === 'RoleBinding' || definition.kind === 'ClusterRoleBinding') binding(request, object)
    },
  }
}

function subjectOf({ group, plural }: ResourceDefinition, name: string) {
  return { group, resource: plural, ...(name && { name }) }
}

/** Whether an update is only for the garbage collector: owners and finalizers (IsOnlyMutatingGCFields). */
function sameButOwnership(object: KubeObject, previous: KubeObject): boolean {
  const rest = ({ metadata, ...body }: KubeObject) => {
    const { ownerReferences: _owners, finalizers: _finalizers, managedFields: _fields, ...kept } = metadata ?? {}
    return { ...body, metadata: kept }
  }
  return sameJson(rest(object), rest(previous))
}
