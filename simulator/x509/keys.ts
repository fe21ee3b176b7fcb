import { sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { DerError, fromBigInt, type PemBlock, readAll, readOid, readOne, tags, toBigInt } from './der.ts'
import { type Curve, curves, type Point, publicPoint, verifyEcdsa } from './elliptic-curve.ts'

export type PublicKey =
  | { readonly kind: 'RSA'; readonly modulus: bigint; readonly exponent: bigint; readonly bits: number }
  | { readonly kind: 'EC'; readonly curve: Curve; readonly point: Point; readonly bits: number }
  | { readonly kind: 'other'; readonly algorithm: string }

const rsaEncryption = '1.2.840.113549.1.1.1'
const ecPublicKey = '1.2.840.10045.2.1'

/** SubjectPublicKeyInfo (RFC 5280, 4.1.2.7). Throws DerError. */
export function readPublicKey(bytes: Uint8Array): PublicKey {
  const [algorithm, bits] = readAll(readOne(bytes).content)
  if (!algorithm || !bits) throw new DerError('a public key lacks a part')
  const [oid, parameters] = readAll(algorithm.content)
  const name = readOid(oid?.content ?? new Uint8Array())
  const key = bits.content.subarray(1)
  if (name === rsaEncryption) return readRsaKey(key)
  if (name === ecPublicKey) {
    const curve = curves.find((one) => one.oid === readOid(parameters?.content ?? new Uint8Array()))
    const size = (key.length - 1) / 2
    if (curve && key[0] === 4) {
      const point: Point = [toBigInt(key.subarray(1, 1 + size)), toBigInt(key.subarray(1 + size))]
      return { kind: 'EC', curve, point, bits: curve.bits }
    }
  }
  return { kind: 'other', algorithm: name }
}

function readRsaKey(bytes: Uint8Array): PublicKey {
  const [modulus, exponent] = readAll(readOne(bytes).content).map(({ content }) => toBigInt(content))
  if (modulus === undefined || exponent === undefined) throw new DerError('an RSA key lacks a number')
  return { kind: 'RSA', modulus, exponent, bits: modulus.toString(2).length }
}

/** What a private key's public half is; undefined where it is of a kind that is not modelled (PKCS#1, PKCS#8, SEC 1 are). */
export function publicHalf({ label, bytes }: PemBlock): PublicKey | undefined {
  const parts = readAll(readOne(bytes).content)
  if (label === 'RSA PRIVATE KEY') {
    const [modulus, exponent] = parts.slice(1).map(({ content }) => toBigInt(content))
    return modulus === undefined || exponent === undefined
      ? undefined
      : { kind: 'RSA', modulus, exponent, bits: modulus.toString(2).length }
  }
  if (label === 'EC PRIVATE KEY') {
    const named = parts.find(({ tag }) => tag === 0xa0)
    return ecHalf(parts[1]?.content, named && readOne(named.content).content)
  }
  if (label !== 'PRIVATE KEY') return undefined
  const [, algorithm, key] = parts
  const [oid, parameters] = readAll(algorithm?.content ?? new Uint8Array())
  const name = readOid(oid?.content ?? new Uint8Array())
  if (!key) return undefined
  if (name === rsaEncryption) return publicHalf({ label: 'RSA PRIVATE KEY', bytes: key.content })
  if (name === ecPublicKey) return ecHalf(readAll(readOne(key.content).content)[1]?.content, parameters?.content)
  return undefined
}

function ecHalf(secret: Uint8Array | undefined, oid: Uint8Array | undefined): PublicKey | undefined {
  const curve = oid && curves.find((one) => one.oid === readOid(oid))
  if (!curve || !secret) return undefined
  return { kind: 'EC', curve, point: publicPoint(curve, toBigInt(secret)), bits: curve.bits }
}

export function isSameKey(one: PublicKey, other: PublicKey): boolean {
  if (one.kind === 'RSA' && other.kind === 'RSA') return one.modulus === other.modulus && one.exponent === other.exponent
  if (one.kind === 'EC' && other.kind === 'EC') return one.curve === other.curve && one.point.join() === other.point.join()
  return false
}

interface SignatureAlgorithm {
  /** As OpenSSL prints it. */
  readonly name: string
  readonly hash: (bytes: Uint8Array) => Uint8Array
  /** The object identifier of the hash, for PKCS#1's DigestInfo. */
  readonly hashOid?: string
}

export const signatureAlgorithms: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.113549.1.1.5': { name: 'sha1WithRSAEncryption', hash: sha1, hashOid: '1.3.14.3.2.26' },
  '1.2.840.113549.1.1.11': { name: 'sha256WithRSAEncryption', hash: sha256, hashOid: '2.16.840.1.101.3.4.2.1' },
  '1.2.840.113549.1.1.12': { name: 'sha384WithRSAEncryption', hash: sha384, hashOid: '2.16.840.1.101.3.4.2.2' },
  '1.2.840.113549.1.1.13': { name: 'sha512WithRSAEncryption', hash: sha512, hashOid: '2.16.840.1.101.3.4.2.3' },
  '1.2.840.10045.4.3.2': { name: 'ecdsa-with-SHA256', hash: sha256 },
  '1.2.840.10045.4.3.3': { name: 'ecdsa-with-SHA384', hash: sha384 },
  '1.2.840.10045.4.3.4': { name: 'ecdsa-with-SHA512', hash: sha512 },
}

/** Whether `key` signed `signed`: RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2) or ECDSA. Other algorithms verify nothing. */
export function verifies(key: PublicKey, algorithm: string, signed: Uint8Array, signature: Uint8Array): boolean {
  const known = signatureAlgorithms[algorithm]
  if (!known) return false
  const hash = known.hash(signed)
  if (key.kind === 'RSA' && known.hashOid) {
    const size = Math.ceil(key.bits / 8)
    const block = fromBigInt(power(toBigInt(signature), key.exponent, key.modulus), size)
    const separator = block.indexOf(0, 2)
    if (block[0] !== 0 || block[1] !== 1 || separator < 10 || !block.subarray(2, separator).every((byte) => byte === 0xff)) return false
    const [digestAlgorithm, digest] = readAll(readOne(block.subarray(separator + 1)).content)
    const named = digestAlgorithm && readAll(digestAlgorithm.content)[0]
    return named !== undefined && readOid(named.content) === known.hashOid && digest?.content.join() === hash.join()
  }
  if (key.kind !== 'EC' || known.hashOid) return false
  const [r, s] = readAll(readOne(signature).content)
  if (r?.tag !== tags.integer || s?.tag !== tags.integer) return false
  return verifyEcdsa(key.curve, key.point, hashNumber(hash, key.curve), [toBigInt(r.content), toBigInt(s.content)])
}

/** The leftmost bits of a hash, as many as the curve's order has. */
export function hashNumber(hash: Uint8Array, { bits }: Curve): bigint {
  return toBigInt(hash.subarray(0, bits / 8))
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let factor = base % modulus
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * factor) % modulus
    factor = (factor * factor) % modulus
  }
  return result
}
