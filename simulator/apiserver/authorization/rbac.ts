import type { PolicyRule, RoleRef } from 'kubernetes-types/rbac/v1'
import type { UserInfo } from '../api.ts'
import type { Authorize } from '../http/reviews.ts'
import { createRoleIndex, type Grant, type RbacReader, type RoleRules } from './role-index.ts'
import { ruleAllows } from './rules.ts'

/** What a user may do in a namespace, as a SelfSubjectRulesReview's status lists it. */
export interface UserRules {
  readonly resourceRules: readonly { verbs: string[]; apiGroups?: string[]; resources?: string[]; resourceNames?: string[] }[]
  readonly nonResourceRules: readonly { verbs: string[]; nonResourceURLs?: string[] }[]
  readonly incomplete: boolean
  readonly evaluationError?: string
}

export interface Rbac {
  readonly authorize: Authorize
  /** Every rule that applies to the user; `missing` are sentences about bindings that lead nowhere. */
  heldRules(user: UserInfo, namespace: string | undefined): { readonly rules: readonly PolicyRule[]; readonly missing: readonly string[] }
  roleRules(ref: RoleRef, namespace: string | undefined): RoleRules
  rulesFor(user: UserInfo, namespace: string): UserRules
}

/**
 * Role-based access control over the roles and bindings that `reader` holds (pkg/registry/rbac/validation and
 * plugin/pkg/auth/authorizer/rbac). Deny by default; members of system:masters may do everything, whatever the bindings say.
 */
export function createRbac(reader: RbacReader): Rbac {
  const index = createRoleIndex(reader)

  const heldRules: Rbac['heldRules'] = (user, namespace) => {
    const rules: PolicyRule[] = []
    const missing: string[] = []
    for (const { binding } of index.grants(user, namespace)) {
      const found = index.rules(binding.roleRef, binding.metadata?.namespace)
      if ('missing' in found) missing.push(found.missing)
      else rules.push(...found)
    }
    return { rules, missing }
  }

  return {
    heldRules,
    roleRules: index.rules,
    authorize(user, attributes) {
      // DENY-proof on purpose: the API server's own way in (authorizerfactory.NewPrivilegedGroups).
      if (isPrivileged(user)) return { allowed: true }
      let missing: string[] | undefined
      for (const grant of index.grants(user, attributes.namespace)) {
        const { binding } = grant
        const rules = index.rules(binding.roleRef, binding.metadata?.namespace)
        if ('missing' in rules) (missing ??= []).push(rules.missing)
        else if (rules.some((rule) => ruleAllows(rule, attributes))) return { allowed: true, reason: `RBAC: allowed by ${describe(grant)}` }
      }
      return { allowed: false, ...(missing && { reason: `RBAC: ${aggregate(missing)}` }) }
    },
    rulesFor(user, namespace) {
      const { rules, missing } = heldRules(user, namespace)
      return {
        resourceRules: rules
          .filter(({ resources }) => resources?.length)
          .map(({ verbs, apiGroups, resources, resourceNames }) => ({
            verbs,
            ...(apiGroups?.length && { apiGroups }),
            ...(resources?.length && { resources }),
            ...(resourceNames?.length && { resourceNames }),
          })),
        nonResourceRules: rules
          .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
          .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs: nonResourceURLs! })),
        incomplete: false,
        ...(missing.length > 0 && { evaluationError: aggregate(missing) }),
      }
    },
  }
}

export function rbacAuthorizer(reader: RbacReader): Authorize {
  return createRbac(reader).authorize
}

export function isPrivileged(user: UserInfo): boolean {
  return user.groups.includes('system:masters')
}

/** As apimachinery prints several errors: each once, in brackets where there is more than one. */
export function aggregate(sentences: readonly string[]): string {
  const distinct = [...new Set(sentences)]
  return distinct.length === 1 ? distinct[0]! : `[${distinct.join(', ')}]`
}

/** `RoleBinding "read/default" of ClusterRole "view" to User "jane"` */
function describe({ binding, subject }: Grant): string {
  const { name = '', namespace } = binding.metadata ?? {}
  const what = namespace ? `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}` : `ClusterRoleBinding ${JSON.stringify(name)}`
  const whom = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || namespace}` : subject.name
  return `${what} of ${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)} to ${subject.kind} ${JSON.stringify(whom)}`
}
