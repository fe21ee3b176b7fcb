import { webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

/** PEM of a certificate and of its key. */
export interface Issued {
  readonly certificate: string
  readonly key: string
  readonly name: string
  readonly keys: CryptoKeyPair
}
type CryptoKeyPair = webcrypto.CryptoKeyPair

const algorithms = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 },
  p256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  p384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
} as const

const day = 24 * 3600_000

/** A certificate as a real tool would issue it: by `by`, or by itself. Times are days from `now` (ms since the epoch). */
export async function issue(options: {
  readonly name: string
  readonly now: number
  readonly by?: Issued
  readonly kind?: keyof typeof algorithms
  readonly hosts?: readonly string[]
  readonly addresses?: readonly string[]
  readonly authority?: boolean
  readonly fromDay?: number
  readonly toDay?: number
}): Promise<Issued> {
  const { name, now, by, kind = 'p256', hosts = [], addresses = [], authority = false, fromDay = -1, toDay = 365 } = options
  x509.cryptoProvider.set(webcrypto as never)
  const algorithm: { name: string; namedCurve?: string } = algorithms[kind]
  const keys = (await webcrypto.subtle.generateKey(algorithms[kind], true, ['sign', 'verify'])) as CryptoKeyPair
  const alternatives = [
    ...hosts.map((value) => ({ type: 'dns' as const, value })),
    ...addresses.map((value) => ({ type: 'ip' as const, value })),
  ]
  const signer = by ? (by.keys.privateKey.algorithm as { name: string; namedCurve?: string }) : algorithm
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '01a2',
    subject: name,
    issuer: by?.name ?? name,
    notBefore: new Date(now + fromDay * day),
    notAfter: new Date(now + toDay * day),
    publicKey: keys.publicKey as never,
    signingKey: (by?.keys ?? keys).privateKey as never,
    signingAlgorithm: { name: signer.name, hash: signer.namedCurve === 'P-384' ? 'SHA-384' : 'SHA-256' } as never,
    extensions: [
      ...(authority ? [new x509.BasicConstraintsExtension(true, undefined, true)] : []),
      ...(alternatives.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives)] : []),
    ],
  })
  const exported = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certificate: `${certificate.toString('pem')}\n`, key: `${x509.PemConverter.encode(exported, 'PRIVATE KEY')}\n`, name, keys }
}
