import type { Secret } from 'kubernetes-types/core/v1'
import { decodeBase64Text } from '../../base64.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { type Certificate, readCertificates } from '../../x509/certificate.ts'
import { DerError, readPem } from '../../x509/der.ts'
import { isSameKey, publicHalf } from '../../x509/keys.ts'

export type SecretObject = Secret & KubeObject

/** What a server shows. */
export interface KeyPair {
  readonly chain: readonly Certificate[]
}

/** Go's crypto/tls refuses a pair; the message is its. */
export class KeyPairError extends Error {}

// A Secret is the same object until it changes, and clusters share it.
const pairs = new WeakMap<object, KeyPair | KeyPairError>()

/** `tls.crt` and `tls.key` of a Secret, as text; undefined where it lacks the key. */
export function secretText({ data }: SecretObject, key: string): string | undefined {
  const value = data?.[key]
  return value === undefined ? undefined : decodeBase64Text(value)
}

/** A Secret's certificate and key. Throws KeyPairError. */
export function keyPairOf(secret: SecretObject): KeyPair {
  let found = pairs.get(secret)
  if (!found) {
    found = read(secretText(secret, 'tls.crt') ?? '', secretText(secret, 'tls.key') ?? '')
    pairs.set(secret, found)
  }
  if (found instanceof KeyPairError) throw found
  return found
}

/** tls.X509KeyPair. */
function read(certificate: string, key: string): KeyPair | KeyPairError {
  const blocks = readPem(certificate)
  if (!blocks.some(({ label }) => label === 'CERTIFICATE')) {
    return new KeyPairError(
      blocks.length === 0
        ? 'tls: failed to find any PEM data in certificate input'
        : 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched',
    )
  }
  const keys = readPem(key)
  const found = keys.find(({ label }) => label === 'PRIVATE KEY' || label.endsWith(' PRIVATE KEY'))
  if (!found) {
    return new KeyPairError(
      keys.length === 0
        ? 'tls: failed to find any PEM data in key input'
        : 'tls: found a certificate rather than a key in the PEM for the private key',
    )
  }
  try {
    const chain = readCertificates(certificate)
    const half = publicHalf(found)
    const [leaf] = chain
    if (!half || !leaf) return new KeyPairError('tls: failed to parse private key')
    return isSameKey(half, leaf.key) ? { chain } : new KeyPairError('tls: private key does not match public key')
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return new KeyPairError(`x509: ${error.message}`)
  }
}
