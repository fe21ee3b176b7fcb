import type { KubeObject } from '../../kubernetes.ts'

/** `--service-account-issuer`, which is also the API server's own audience. */
export const issuer = 'https://kubernetes.default.svc.cluster.local'

/** Legacy tokens, kept in Secrets, have an issuer of their own and do not expire. */
export const legacyIssuer = 'kubernetes/serviceaccount'

interface Reference {
  readonly name: string
  readonly uid?: string
}

/** What a bound token says (pkg/serviceaccount/claims.go); times in seconds since the epoch. */
export interface BoundClaims {
  readonly aud: readonly string[]
  readonly exp: number
  readonly iat: number
  readonly iss: string
  readonly jti: string
  readonly 'kubernetes.io': {
    readonly namespace: string
    readonly node?: Reference
    readonly pod?: Reference
    readonly secret?: Reference
    readonly serviceaccount: Reference
    readonly warnafter?: number
  }
  readonly nbf: number
  readonly sub: string
}

/** What a token is to be issued for. */
export interface TokenSubject {
  readonly serviceAccount: KubeObject
  readonly audiences: readonly string[]
  /** Asked for, s. */
  readonly expirationSeconds: number
  readonly pod?: KubeObject
  readonly node?: Reference
  readonly secret?: KubeObject
}

/** The hour and seven seconds that mark a token nobody asked for by name: it lasts a year, and is reported from then on. */
const warnOnlySeconds = 3607
const extendedSeconds = 365 * 24 * 3600

/** `now` in ms since the epoch. */
export function boundClaims(subject: TokenSubject, jti: string, now: number): BoundClaims {
  const { serviceAccount, audiences, expirationSeconds, pod, node, secret } = subject
  const { namespace = '', name = '' } = serviceAccount.metadata ?? {}
  const seconds = Math.floor(now / 1000)
  const extended = pod !== undefined && expirationSeconds === warnOnlySeconds && audiences.every((audience) => audience === issuer)
  return {
    aud: audiences,
    exp: seconds + (extended ? extendedSeconds : expirationSeconds),
    iat: seconds,
    iss: issuer,
    jti,
    'kubernetes.io': {
      namespace,
      ...(node && { node }),
      ...(pod && { pod: referenceTo(pod) }),
      ...(secret && { secret: referenceTo(secret) }),
      serviceaccount: referenceTo(serviceAccount),
      ...(extended && { warnafter: seconds + expirationSeconds }),
    },
    nbf: seconds,
    sub: `system:serviceaccount:${namespace}:${name}`,
  }
}

/** Of a token that a Secret keeps (pkg/serviceaccount/legacy.go). */
export function legacyClaims(serviceAccount: KubeObject, secret: KubeObject): Record<string, unknown> {
  const { namespace = '', name = '', uid = '' } = serviceAccount.metadata ?? {}
  return {
    iss: legacyIssuer,
    'kubernetes.io/serviceaccount/namespace': namespace,
    'kubernetes.io/serviceaccount/secret.name': secret.metadata?.name ?? '',
    'kubernetes.io/serviceaccount/service-account.name': name,
    'kubernetes.io/serviceaccount/service-account.uid': uid,
    sub: `system:serviceaccount:${namespace}:${name}`,
  }
}

function referenceTo({ metadata }: KubeObject): Reference {
  return { name: metadata?.name ?? '', uid: metadata?.uid ?? '' }
}
