import { createHmac, createPrivateKey, type KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import type { Peer } from '../../../simulator/apiserver/api.ts'

/** What signs client certificates: PEM texts, and the secret that ties a certificate to its cluster. */
export interface ClientAuthority {
  readonly certificate: string
  readonly key: string
  /** Hex. */
  readonly serialKey: string
}

export interface CertificateRequest {
  /** PKCS#10, PEM. */
  readonly request: string
  /** As a CertificateSigningRequest lists them: `client auth`, `digital signature`. */
  readonly usages: readonly string[]
  readonly seconds: number
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const clientAuth = '1.3.6.1.5.5.7.3.2'
const yearSeconds = 365 * 24 * 3600
/** As kube-controller-manager: a client whose clock is behind is served, too. */
const backdateMs = 5 * 60_000
const nonceBytes = 8
const markBytes = 11

/** Signs a request for the cluster. Rejects where it cannot be read or its own signature is wrong. */
export async function signRequest(authority: ClientAuthority, cluster: string, wanted: CertificateRequest): Promise<string> {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto)
  const csr = new x509.Pkcs10CertificateRequest(wanted.request)
  if (!(await csr.verify())) throw new Error('x509: the signature of the certificate request is wrong')
  return issue(authority, cluster, csr.subject, csr.publicKey, wanted)
}

/** A new key and a certificate for it, as kubeadm makes for its administrators: PEM texts. */
export async function clientCredentials(
  authority: ClientAuthority,
  cluster: string,
  user: { readonly commonName: string; readonly organization: string },
): Promise<{ certificate: string; key: string }> {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto)
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const subject = `O=${user.organization}, CN=${user.commonName}`
  const usages = ['digital signature', 'key encipherment', 'client auth']
  const certificate = await issue(authority, cluster, subject, keys.publicKey, { usages, seconds: yearSeconds })
  return { certificate, key: x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY') }
}

async function issue(
  authority: ClientAuthority,
  cluster: string,
  subject: string,
  publicKey: unknown,
  { usages, seconds }: Omit<CertificateRequest, 'request'>,
): Promise<string> {
  const signingKey = await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(authority.key), algorithm, false, ['sign'])
  const now = Date.now()
  const flags =
    (usages.includes('digital signature') ? x509.KeyUsageFlags.digitalSignature : 0) |
    (usages.includes('key encipherment') ? x509.KeyUsageFlags.keyEncipherment : 0)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialOf(authority, cluster, randomBytes(nonceBytes)),
    subject,
    issuer: new x509.X509Certificate(authority.certificate).subject,
    notBefore: new Date(now - backdateMs),
    notAfter: new Date(now - backdateMs + seconds * 1000),
    publicKey: publicKey as never,
    signingKey: signingKey as never,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      ...(flags ? [new x509.KeyUsagesExtension(flags, true)] : []),
      ...(usages.includes('client auth') ? [new x509.ExtendedKeyUsageExtension([clientAuth])] : []),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

/**
 * The other end of a connection to `cluster`, from its client certificate. All clusters share the listener and its authority, so the
 * serial number says whose a certificate is: half of it is random, the rest a mark that only this authority can make.
 */
export function peerOf(authority: ClientAuthority, cluster: string, socket: TLSSocket): Peer {
  const shown = shownBy(authority, socket)
  return shown ? { certificate: verdict(authority, cluster, shown) } : {}
}

/**
 * The same of a client inside the cluster's network, which shows PEM texts. Throws what Go's crypto/tls says (X509KeyPair) of texts that are
 * no certificate and its key: such a client does not come as far as the server.
 */
export function peerShowing(authority: ClientAuthority, cluster: string, shown: { certificate: string; key: string }): Peer {
  const leaf = pemBlock(shown.certificate, 'certificate', (type) => type === 'CERTIFICATE')
  const key = pemBlock(shown.key, 'key', (type) => type.endsWith('PRIVATE KEY'))
  const certificate = parsed(() => new X509Certificate(leaf), 'x509: malformed certificate')
  const privateKey = parsed(() => createPrivateKey(key), 'tls: failed to parse private key')
  if (privateKey.asymmetricKeyType !== (certificate.publicKey as KeyObject).asymmetricKeyType)
    throw new Error('tls: private key type does not match public key type')
  if (!certificate.checkPrivateKey(privateKey)) throw new Error('tls: private key does not match public key')
  return { certificate: verdict(authority, cluster, check(authority, certificate)) }
}

/** The first block of a wanted type, in PEM. */
function pemBlock(text: string, input: 'certificate' | 'key', wanted: (type: string) => boolean): string {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g)].map(([block, type = '']) => ({ block, type }))
  const found = blocks.find(({ type }) => wanted(type))
  if (found) return `${found.block}\n`
  const skipped = blocks.map(({ type }) => type)
  if (skipped.length === 0) throw new Error(`tls: failed to find any PEM data in ${input} input`)
  if (input === 'certificate' && skipped.length === 1 && skipped[0]?.endsWith('PRIVATE KEY'))
    throw new Error(
      'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched',
    )
  if (input === 'key' && skipped.length === 1 && skipped[0] === 'CERTIFICATE')
    throw new Error('tls: found a certificate rather than a key in the PEM for the private key')
  const what = input === 'certificate' ? '"CERTIFICATE" PEM block' : 'PEM block with type ending in "PRIVATE KEY"'
  throw new Error(`tls: failed to find ${what} in ${input} input after skipping PEM blocks of the following types: [${skipped.join(' ')}]`)
}

function parsed<T>(parse: () => T, problem: string): T {
  try {
    return parse()
  } catch {
    throw new Error(problem)
  }
}

function verdict(authority: ClientAuthority, cluster: string, shown: Shown | { invalid: string }): NonNullable<Peer['certificate']> {
  if ('invalid' in shown) return shown
  const now = Date.now()
  if (now > shown.until || now < shown.from) return { invalid: 'x509: certificate has expired or is not yet valid' }
  const nonce = Buffer.from(shown.serial.slice(0, nonceBytes * 2), 'hex')
  if (shown.serial !== serialOf(authority, cluster, nonce)) return { invalid: unknownAuthority }
  return shown.certificate
}

const unknownAuthority = 'x509: certificate signed by unknown authority'

interface Shown {
  readonly certificate: { readonly commonName: string; readonly organizations: readonly string[]; readonly fingerprint: string }
  readonly serial: string
  readonly from: number
  readonly until: number
}

/** Checked once for each connection, however many requests it carries. */
const checked = new WeakMap<TLSSocket, Shown | { invalid: string }>()
const authorities = new Map<string, X509Certificate>()

function shownBy(authority: ClientAuthority, socket: TLSSocket): Shown | { invalid: string } | undefined {
  const known = checked.get(socket)
  if (known) return known
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return undefined
  const found = check(authority, certificate)
  checked.set(socket, found)
  return found
}

function check(authority: ClientAuthority, certificate: X509Certificate): Shown | { invalid: string } {
  const parent = authorities.get(authority.certificate) ?? new X509Certificate(authority.certificate)
  authorities.set(authority.certificate, parent)
  if (!certificate.checkIssued(parent) || !certificate.verify(parent.publicKey)) return { invalid: unknownAuthority }
  if (!(certificate.keyUsage ?? []).includes(clientAuth)) return { invalid: 'x509: certificate specifies an incompatible key usage' }
  const { subject } = certificate.toLegacyObject() as { subject: { CN?: string | string[]; O?: string | string[] } }
  return {
    certificate: {
      commonName: [subject.CN ?? []].flat().at(-1) ?? '',
      organizations: [subject.O ?? []].flat(),
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    },
    serial: certificate.serialNumber.toLowerCase().padStart((nonceBytes + markBytes) * 2, '0'),
    from: Date.parse(certificate.validFrom),
    until: Date.parse(certificate.validTo),
  }
}

/** Hex. The first bit is 0, because serial numbers are positive, and the first byte is not. */
function serialOf(authority: ClientAuthority, cluster: string, nonce: Buffer): string {
  const random = Buffer.from(nonce)
  random[0] = ((random[0] ?? 0) & 0x3f) | 0x40
  const mark = createHmac('sha256', Buffer.from(authority.serialKey, 'hex')).update(cluster).update('\0').update(random).digest()
  return Buffer.concat([random, mark.subarray(0, markBytes)]).toString('hex')
}
