import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { UserInfo } from '../apiserver/api.ts'

/** Bearer tokens of people, and the key that signs those of service accounts. */
export interface Credentials {
  /** Token to who it is. */
  readonly people: ReadonlyMap<string, UserInfo>
  readonly signingKey: string
}

export interface TokenRequest {
  readonly namespace: string
  readonly serviceAccount: string
  readonly audience?: string
  readonly pod?: { readonly name: string; readonly uid: string }
  /** ms since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
}

const issuer = 'https://kubernetes.default.svc.cluster.local'

/** A service account's token: a JWT as upstream's, but signed with a shared key (HS256), which is all that this API server must check. */
export function serviceAccountToken({ signingKey }: Credentials, request: TokenRequest): string {
  const claims = {
    aud: [request.audience ?? issuer],
    exp: Math.floor(request.expiresAt / 1000),
    iat: Math.floor(request.issuedAt / 1000),
    iss: issuer,
    'kubernetes.io': {
      namespace: request.namespace,
      ...(request.pod ? { pod: request.pod } : {}),
      serviceaccount: { name: request.serviceAccount },
    },
    nbf: Math.floor(request.issuedAt / 1000),
    sub: `system:serviceaccount:${request.namespace}:${request.serviceAccount}`,
  }
  const body = `${header}.${base64url(asciiJson(claims))}`
  return `${body}.${signature(signingKey, body)}`
}

/** Who a request's bearer token stands for; undefined where it is nobody's, or has expired. */
export function authenticate(credentials: Credentials, authorization: string | null, now: number): UserInfo | undefined {
  const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1]
  if (!token) return undefined
  const person = credentials.people.get(token)
  if (person) return person
  const [head, payload, signed] = token.split('.')
  if (!head || !payload || signed !== signature(credentials.signingKey, `${head}.${payload}`)) return undefined
  const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as {
    exp: number
    sub: string
    'kubernetes.io': { namespace: string }
  }
  if (claims.exp * 1000 <= now) return undefined
  return {
    username: claims.sub,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${claims['kubernetes.io'].namespace}`, 'system:authenticated'],
  }
}

/** The key's part of the computation, which is half of it, made once per key. */
let keyed: { readonly key: string; readonly state: ReturnType<typeof startHmac> } | undefined

function startHmac(key: string) {
  return hmac.create(sha256, utf8ToBytes(key))
}

const header = base64url(JSON.stringify({ alg: 'HS256', kid: 'faultline' }))

function signature(key: string, body: string): string {
  if (keyed?.key !== key) keyed = { key, state: startHmac(key) }
  return base64url(String.fromCharCode(...keyed.state.clone().update(utf8ToBytes(body)).digest()))
}

/** An audience may be any text; escaped, every character is a byte. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Of a text whose characters stand for bytes. */
function base64url(text: string): string {
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
