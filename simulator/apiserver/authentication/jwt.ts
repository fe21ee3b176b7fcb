import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { encodeBase64Url } from '../../base64.ts'

/**
 * A JSON Web Token over `claims`, signed with a key that only this API server has (HS256). Upstream signs with RS256, so that others can
 * verify with the public half; nobody but the API server and TokenReview verifies here.
 */
export function signJwt(key: string, claims: object): string {
  const body = `${header}.${encodeBase64Url(utf8ToBytes(JSON.stringify(claims)))}`
  return `${body}.${signature(key, body)}`
}

/** What a token says, or why it is not to be believed; undefined where it is no token of this form at all. */
export function readJwt(key: string, token: string): { claims: Record<string, unknown> } | { error: string } | undefined {
  const [head, payload, signed, ...more] = token.split('.')
  if (!head || !payload || !signed || more.length > 0) return undefined
  const claims = parsed(payload)
  if (!claims) return undefined
  if (signed !== signature(key, `${head}.${payload}`)) return { error: 'go-jose/go-jose: error in cryptographic primitive' }
  return { claims }
}

const header = encodeBase64Url(utf8ToBytes(JSON.stringify({ alg: 'HS256', kid: 'faultline' })))

function parsed(payload: string): Record<string, unknown> | undefined {
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0))
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function signature(key: string, body: string): string {
  return encodeBase64Url(hmac(sha256, utf8ToBytes(key), utf8ToBytes(body)))
}
