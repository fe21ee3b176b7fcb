import type { UserInfo } from '../api.ts'
import type { Authorize } from '../http/reviews.ts'
import { nodeAuthorizer, nodeOf } from './node.ts'
import { createRbac, isPrivileged, type Rbac, type UserRules } from './rbac.ts'
import type { RbacReader } from './role-index.ts'

export interface ClusterAuthorizer {
  readonly authorize: Authorize
  /** For SelfSubjectRulesReview. */
  rulesFor(user: UserInfo, namespace: string): UserRules
  /** For the escalation check. */
  readonly rbac: Rbac
}

/** `--authorization-mode=Node,RBAC`: the first that allows decides; reasons of those without an opinion are joined. */
export function clusterAuthorizer(reader: RbacReader): ClusterAuthorizer {
  const rbac = createRbac(reader)
  const asNode = nodeAuthorizer(reader)
  return {
    rbac,
    authorize(user, attributes) {
      if (isPrivileged(user)) return { allowed: true }
      const node = asNode(user, attributes)
      if (node.allowed) return node
      const role = rbac.authorize(user, attributes)
      if (role.allowed) return role
      const reason = [node.reason, role.reason].filter(Boolean).join('\n')
      return { allowed: false, ...(reason && { reason }) }
    },
    rulesFor(user, namespace) {
      const rules = rbac.rulesFor(user, namespace)
      const node = nodeOf(user)
      if (node === undefined) return rules
      const error = `node authorizer does not support user rule resolution for node ${JSON.stringify(node)}`
      return { ...rules, incomplete: true, evaluationError: [error, rules.evaluationError].filter(Boolean).join(', ') }
    },
  }
}
