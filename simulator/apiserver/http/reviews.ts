import { type KubeObject, timestamp } from '../../kubernetes.ts'
import type { UserInfo } from '../api.ts'
import type { Authenticator } from '../authentication/authenticator.ts'
import type { TokenAnswer } from '../authentication/service-account-tokens.ts'
import { badRequest, invalid } from '../status.ts'
import type { VirtualResource } from './discovery.ts'

/** What a request wants to do. `path` alone for URLs that are no resources. */
export interface Attributes {
  readonly verb: string
  readonly group?: string
  readonly version?: string
  readonly resource?: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly path?: string
  readonly fieldSelector?: string
}

export interface Decision {
  readonly allowed: boolean
  readonly reason?: string
}

/** Who may do what. Absent from an API server: everybody may do everything (`--authorization-mode=AlwaysAllow`). */
export type Authorize = (user: UserInfo, attributes: Attributes) => Decision

function virtual(group: string, kind: string, namespaced = false): VirtualResource {
  return { group, version: 'v1', plural: `${kind.toLowerCase()}s`, singular: kind.toLowerCase(), kind, namespaced, verbs: ['create'] }
}

export const reviews: readonly VirtualResource[] = [
  virtual('authentication.k8s.io', 'SelfSubjectReview'),
  virtual('authentication.k8s.io', 'TokenReview'),
  virtual('authorization.k8s.io', 'SelfSubjectAccessReview'),
  virtual('authorization.k8s.io', 'SelfSubjectRulesReview'),
  virtual('authorization.k8s.io', 'SubjectAccessReview'),
  virtual('authorization.k8s.io', 'LocalSubjectAccessReview', true),
]

export interface ReviewWorld {
  readonly authorize: Authorize
  /** ms since the epoch. */
  readonly now: number
  readonly rulesFor: ((user: UserInfo, namespace: string) => object) | undefined
  readonly reviewToken: Authenticator['review'] | undefined
}

/** Answers a review. Throws BadRequest, Invalid. */
export function answerReview(
  review: VirtualResource,
  object: KubeObject,
  user: UserInfo,
  { authorize, now, rulesFor, reviewToken }: ReviewWorld,
): KubeObject {
  if (object.kind !== undefined && object.kind !== review.kind) throw badRequest(`${object.kind} cannot be handled as a ${review.kind}`)
  const answer = (status: unknown, spec: unknown = object.spec ?? {}): KubeObject => ({
    kind: review.kind,
    apiVersion: `${review.group}/${review.version}`,
    metadata: { creationTimestamp: null as never, ...object.metadata },
    spec,
    status,
  })
  const spec = (object.spec ?? {}) as Record<string, any>
  switch (review.kind) {
    case 'SelfSubjectReview': {
      const { spec: _none, ...rest } = answer({ userInfo: user })
      return { ...rest, metadata: { creationTimestamp: timestamp(now) } }
    }
    case 'TokenReview': {
      if (!spec.token) throw badRequest('token is required for TokenReview in authentication')
      const audiences = Array.isArray(spec.audiences) && spec.audiences.length > 0 ? spec.audiences.map(String) : undefined
      return answer(tokenStatus(reviewToken?.(String(spec.token), audiences) ?? {}))
    }
    case 'SelfSubjectRulesReview': {
      if (!spec.namespace) throw badRequest('no namespace on request')
      if (rulesFor) return answer(rulesFor(user, String(spec.namespace)))
      const all = authorize(user, { verb: '*', group: '*', resource: '*', ...(spec.namespace && { namespace: spec.namespace }) }).allowed
      return answer({
        resourceRules: all ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : [],
        nonResourceRules: all ? [{ verbs: ['*'], nonResourceURLs: ['*'] }] : [],
        // Without a wildcard the rules are not enumerated, and the client is told that the list is not the whole.
        incomplete: !all,
        ...(!all && { evaluationError: 'the simulated API server does not enumerate rules' }),
      })
    }
    default: {
      const own = review.kind === 'SelfSubjectAccessReview'
      const subject = own ? user : { username: String(spec.user ?? ''), groups: Array.isArray(spec.groups) ? spec.groups.map(String) : [] }
      return answer(authorize(subject, attributesOf(spec, review.kind)))
    }
  }
}

/** Beside its own reason, a token that is nobody's is an invalid one (the bearer token authenticator's word). */
function tokenStatus(found: TokenAnswer): object {
  if ('user' in found) return { authenticated: true, user: found.user, audiences: found.audiences }
  return { user: {}, error: found.error === undefined ? 'invalid bearer token' : `[invalid bearer token, ${found.error}]` }
}

function attributesOf(spec: Record<string, any>, kind: string): Attributes {
  const { resourceAttributes, nonResourceAttributes } = spec
  if (Boolean(resourceAttributes) === Boolean(nonResourceAttributes)) {
    const message = 'Invalid value: "null": exactly one of nonResourceAttributes or resourceAttributes must be specified'
    throw invalid('authorization.k8s.io', kind, '', [{ reason: 'FieldValueInvalid', field: 'spec.resourceAttributes', message }])
  }
  if (nonResourceAttributes) return { verb: String(nonResourceAttributes.verb ?? ''), path: String(nonResourceAttributes.path ?? '') }
  const { verb, group, version, resource, subresource, namespace, name } = resourceAttributes
  return { verb, group: group ?? '', version, resource, subresource, namespace, name }
}

/** `User "x" cannot list resource "pods" in API group "" in the namespace "default"` */
export function refusalOf(user: UserInfo, { verb, group, resource, subresource, namespace, path }: Attributes): string {
  const who = `User ${JSON.stringify(user.username)} cannot ${verb}`
  if (path !== undefined) return `${who} path ${JSON.stringify(path)}`
  const what = subresource ? `${resource}/${subresource}` : resource
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope'
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group ?? '')} ${where}`
}
