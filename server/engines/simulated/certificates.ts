import { webcrypto } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

/** PEM texts of the listener's certificate, its key, and the authority that signed it. */
export interface Certificates {
  readonly authority: string
  readonly certificate: string
  readonly key: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const yearMs = 365 * 24 * 3600 * 1000

/**
 * The certificates under `folder`, made on first use and kept: a kubeconfig handed out yesterday must still be trusted tomorrow.
 * The private key is readable by its owner alone.
 */
export async function certificatesIn(folder: string): Promise<Certificates> {
  const path = join(folder, 'certificates.json')
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Certificates
    if (![kept.authority, kept.certificate, kept.key].every((pem) => typeof pem === 'string' && pem.startsWith('-----BEGIN')))
      throw new SyntaxError('not three PEM texts')
    return kept
  } catch (error) {
    if (error instanceof SyntaxError) throw new Error(`${path} is damaged (${error.message})`, { cause: error })
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const made = await makeCertificates()
  await mkdir(folder, { recursive: true })
  await writeFile(path, JSON.stringify(made), { mode: 0o600 })
  return made
}

async function makeCertificates(): Promise<Certificates> {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto)
  const now = Date.now()
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=faultline',
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + 10 * yearMs),
    keys: authorityKeys as never,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=kube-apiserver',
    issuer: authority.subject,
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + 10 * yearMs),
    publicKey: keys.publicKey as never,
    signingKey: authorityKeys.privateKey as never,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  })
  const exported = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    authority: authority.toString('pem'),
    certificate: certificate.toString('pem'),
    key: x509.PemConverter.encode(exported, 'PRIVATE KEY'),
  }
}
