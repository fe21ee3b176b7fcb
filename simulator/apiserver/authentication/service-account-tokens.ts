import type { Pod, Secret } from 'kubernetes-types/core/v1'
import { decodeBase64 } from '../../base64.ts'
import type { Clock } from '../../clock.ts'
import type { KubeObject, ResourceName } from '../../kubernetes.ts'
import type { Random } from '../../random.ts'
import type { UserInfo } from '../api.ts'
import { type BoundClaims, boundClaims, issuer, legacyClaims, legacyIssuer, type TokenSubject } from './claims.ts'
import { readJwt, signJwt } from './jwt.ts'

/** Whom a token stands for, or why it stands for nobody. `error` is absent where it is no token of these at all. */
export type TokenAnswer = { readonly user: UserInfo; readonly audiences: readonly string[] } | { readonly error?: string }

export interface ServiceAccountTokens {
  /** A signed token and what it says. */
  issue(subject: TokenSubject): { readonly token: string; readonly claims: BoundClaims }
  /** For a Secret of type kubernetes.io/service-account-token. */
  issueLegacy(serviceAccount: KubeObject, secret: KubeObject): string
  /** `audiences`: who must be meant; default the API server. */
  authenticate(token: string, audiences?: readonly string[]): TokenAnswer
}

interface Reader {
  get(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined
}

/** go-jose's leeway: so long after a deletion began a token is still good, ms. */
const leewayMs = 60_000
/** About the pods of a small cluster, ten of whose tokens take 8 kB. */
const mostBelieved = 64
const invalidated = 'service account token has been invalidated'

/**
 * Tokens of service accounts: the account and the object that a token is bound to must still be there, and be the same ones
 * (pkg/serviceaccount: jwt.go, claims.go, legacy.go).
 */
export function serviceAccountTokens(world: {
  readonly reader: Reader
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly key: string
}): ServiceAccountTokens {
  const { reader, clock, random, key } = world
  /** Claims of tokens whose signature is known to be right: signing costs as much as all other checks together. */
  const believed = new Map<string, Record<string, unknown>>()

  function believe(token: string, claims: Record<string, unknown>): void {
    if (believed.size >= mostBelieved) believed.clear()
    believed.set(token, claims)
  }

  function read(token: string): { claims: Record<string, unknown> } | { error: string } | undefined {
    const known = believed.get(token)
    if (known) return { claims: known }
    const found = readJwt(key, token)
    if (found && 'claims' in found) believe(token, found.claims)
    return found
  }

  /** Why the object is not what the token was bound to any more. */
  function gone(object: KubeObject | undefined, uid: string | undefined, mismatch: (found: string) => string): string | undefined {
    if (!object) return invalidated
    const { deletionTimestamp, uid: found = '' } = object.metadata ?? {}
    if (deletionTimestamp && Date.parse(deletionTimestamp) < clock.now() - leewayMs) return invalidated
    return found === uid ? undefined : mismatch(found)
  }

  function account(namespace: string, name: string, uid: string | undefined): string | undefined {
    const found = reader.get('serviceaccounts', namespace, name)
    if (!found) return `serviceaccounts ${JSON.stringify(name)} not found`
    const { deletionTimestamp } = found.metadata ?? {}
    if (deletionTimestamp && Date.parse(deletionTimestamp) < clock.now() - leewayMs)
      return `service account ${namespace}/${name} has been deleted`
    return found.metadata?.uid === uid ? undefined : `service account UID (${found.metadata?.uid}) does not match claim (${uid})`
  }

  function bound(claims: BoundClaims, wanted: readonly string[]): TokenAnswer {
    const audiences = claims.aud.filter((audience) => wanted.includes(audience))
    if (audiences.length === 0)
      return { error: `token audiences ${goList(claims.aud)} is invalid for the target audiences ${goList(wanted)}` }
    const seconds = Math.floor(clock.now() / 1000)
    if (seconds - leewayMs / 1000 > claims.exp) return { error: 'service account token has expired' }
    if (seconds + leewayMs / 1000 < claims.nbf) return { error: 'service account token is not valid yet' }
    const { namespace, serviceaccount, pod, node, secret } = claims['kubernetes.io']
    const error =
      account(namespace, serviceaccount.name, serviceaccount.uid) ??
      (secret &&
        gone(
          reader.get('secrets', namespace, secret.name),
          secret.uid,
          (found) => `secret UID (${found}) does not match service account secret ref claim (${secret.uid})`,
        )) ??
      (pod &&
        gone(
          reader.get('pods', namespace, pod.name),
          pod.uid,
          (found) => `pod UID (${found}) does not match service account pod ref claim (${pod.uid})`,
        )) ??
      // The node of a bound pod is told, not checked.
      (node && !pod
        ? gone(
            reader.get('nodes', undefined, node.name),
            node.uid,
            (found) => `node UID (${found}) does not match service account node ref claim (${node.uid})`,
          )
        : undefined)
    if (error !== undefined) return { error }
    const extra = {
      'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`],
      ...(node && { 'authentication.kubernetes.io/node-name': [node.name] }),
      ...(node?.uid && { 'authentication.kubernetes.io/node-uid': [node.uid] }),
      ...(pod && { 'authentication.kubernetes.io/pod-name': [pod.name] }),
      ...(pod?.uid && { 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
    }
    return { user: { ...serviceAccountUser(namespace, serviceaccount.name, serviceaccount.uid), extra }, audiences }
  }

  /** A legacy token counts as long as the Secret still holds it. */
  function legacy(claims: Record<string, unknown>, token: string, wanted: readonly string[]): TokenAnswer {
    const field = (name: string) => String(claims[`kubernetes.io/serviceaccount/${name}`] ?? '')
    const namespace = field('namespace')
    const name = field('service-account.name')
    if (!wanted.includes(issuer))
      return { error: `token audiences ${goList([issuer])} is invalid for the target audiences ${goList(wanted)}` }
    const secret = reader.get('secrets', namespace, field('secret.name')) as (Secret & KubeObject) | undefined
    const kept = decodeBase64(secret?.data?.['token'] ?? '')
    if (!secret || !kept || new TextDecoder().decode(kept) !== token) return { error: invalidated }
    const error = account(namespace, name, field('service-account.uid'))
    return error === undefined
      ? { user: serviceAccountUser(namespace, name, field('service-account.uid')), audiences: [issuer] }
      : { error }
  }

  return {
    issue(subject) {
      const claims = boundClaims(subject, random.uuid(), clock.now())
      const token = signJwt(key, claims)
      believe(token, { ...claims })
      return { token, claims }
    },
    issueLegacy: (serviceAccount, secret) => signJwt(key, legacyClaims(serviceAccount, secret)),
    authenticate(token, wanted = [issuer]) {
      const found = read(token)
      if (!found) return {}
      if ('error' in found) return found
      const { claims } = found
      if (claims['iss'] === issuer) return bound(claims as unknown as BoundClaims, wanted)
      if (claims['iss'] === legacyIssuer) return legacy(claims, token, wanted)
      return {}
    },
  }
}

/** Where a pod is, for its token: the node by name, and by UID while the API knows it. */
export function nodeOfPod(reader: Reader, pod: Pod & KubeObject): { name: string; uid?: string } | undefined {
  const name = pod.spec?.nodeName
  if (!name) return undefined
  const uid = reader.get('nodes', undefined, name)?.metadata?.uid
  return { name, ...(uid && { uid }) }
}

export function serviceAccountUser(namespace: string, name: string, uid?: string): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    ...(uid && { uid }),
  }
}

/** `["a" "b"]`, as Go's %q prints a list. */
function goList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
}
