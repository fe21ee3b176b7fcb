import { randomBytes, webcrypto } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import type { ClientAuthority } from './client-certificates.ts'

/** PEM texts of the listener's certificate and its key, and of the authorities that whoever connects is to know. */
export interface Certificates {
  /** What signed the listener's certificate, and what signs those of clients where that is another. */
  readonly authority: string
  readonly certificate: string
  readonly key: string
  readonly clients: ClientAuthority
}

/** As kept on disk; `clients` is absent in folders from before clients could have certificates. */
type Kept = Omit<Certificates, 'clients'> & { readonly clients?: ClientAuthority }

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const yearMs = 365 * 24 * 3600 * 1000

/**
 * The certificates under `folder`, made on first use and kept: a kubeconfig handed out yesterday must still be trusted tomorrow.
 * The private key is readable by its owner alone.
 */
export async function certificatesIn(folder: string): Promise<Certificates> {
  const path = join(folder, 'certificates.json')
  const kept = await read(path)
  if (kept?.clients) return { ...kept, clients: kept.clients }
  const made = kept ? await withClients(kept) : await makeCertificates()
  await mkdir(folder, { recursive: true })
  await writeFile(path, JSON.stringify(made), { mode: 0o600 })
  return made
}

async function read(path: string): Promise<Kept | undefined> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Kept
    const texts = [kept.authority, kept.certificate, kept.key, ...(kept.clients ? [kept.clients.certificate, kept.clients.key] : [])]
    if (!texts.every((pem) => typeof pem === 'string' && pem.startsWith('-----BEGIN'))) throw new SyntaxError('not the PEM texts expected')
    return kept
  } catch (error) {
    if (error instanceof SyntaxError) throw new Error(`${path} is damaged (${error.message})`, { cause: error })
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}

/** The old authority's key was not kept: clients get one of their own, and both are published. */
async function withClients(kept: Kept): Promise<Certificates> {
  const { authority, keys } = await makeAuthority()
  return {
    ...kept,
    authority: `${kept.authority.trimEnd()}\n${authority.toString('pem')}`,
    clients: await clientAuthority(authority, keys),
  }
}

async function clientAuthority(authority: x509.X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<ClientAuthority> {
  const exported = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    certificate: authority.toString('pem'),
    key: x509.PemConverter.encode(exported, 'PRIVATE KEY'),
    serialKey: randomBytes(32).toString('hex'),
  }
}

async function makeAuthority() {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto)
  const now = Date.now()
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=faultline',
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + 10 * yearMs),
    keys: keys as never,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  return { authority, keys }
}

async function makeCertificates(): Promise<Certificates> {
  const { authority, keys: authorityKeys } = await makeAuthority()
  const now = Date.now()
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
    clients: await clientAuthority(authority, authorityKeys),
  }
}
