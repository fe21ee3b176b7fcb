import { resolvePath } from '../../../files.ts'
import { isAddress } from '../../../network/address.ts'
import { type Connection, DialTimeout } from '../../../network/async.ts'
import { NetworkError } from '../../../network/sockets.ts'
import { TlsError } from '../../../network/tls/client.ts'
import { alerts } from '../../../network/tls/handshake.ts'
import { type Certificate, readCertificate, readCertificates } from '../../../x509/certificate.ts'
import { DerError } from '../../../x509/der.ts'
import { signatureAlgorithms } from '../../../x509/keys.ts'
import { type ChainProblem, matchingName, verifyChain } from '../../../x509/verification.ts'
import type { Process } from '../../process.ts'
import { secure } from '../secure-connection.ts'
import type { CurlSettings } from './arguments.ts'
import { CurlFailure } from './failure.ts'

/** Where Debian's and Alpine's curl look for authorities. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt'
const systemFolder = '/etc/ssl/certs'

type Note = (text: string) => void

/** The connection with TLS on it, after curl's checks of the server's certificate. Throws CurlFailure. */
export async function secured(
  process: Process,
  settings: CurlSettings,
  connection: Connection,
  host: string,
  timeoutMs: number | undefined,
  note: Note,
): Promise<Connection> {
  const trusted = authoritiesOf(process, settings, note)
  note('ALPN: curl offers h2,http/1.1')
  note('TLSv1.3 (OUT), TLS handshake, Client hello (1):')
  if (connection.service) return offered(connection, settings, note)
  let failure: CurlFailure | undefined
  let certificates: readonly Certificate[] = []
  let problem: ChainProblem | undefined
  const check = (chain: readonly Uint8Array[]): number | undefined => {
    for (const line of inward) note(`TLSv1.3 (IN), ${line}`)
    certificates = chain.map(readCertificate)
    problem = verifyChain(certificates, trusted, process.clock.now())
    if (!problem || settings.has('insecure')) return undefined
    failure = new CurlFailure(60, `SSL certificate problem: ${problem.text}`)
    note(`TLSv1.3 (OUT), TLS alert, ${alertOf(problem).text}:`)
    note(failure.message)
    return alertOf(problem).code
  }
  let open: Connection
  try {
    open = await secure(process, connection, isAddress(host) ? undefined : host, {
      certificates: check,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
  } catch (error) {
    const known = failure ?? failureOf(error, timeoutMs)
    if (!(known instanceof CurlFailure)) throw known
    if (known !== failure) note(known.message)
    note('closing connection #0')
    throw known
  }
  for (const line of ['TLS change cipher, Change cipher spec (1):', 'TLS handshake, Finished (20):']) note(`TLSv1.3 (OUT), ${line}`)
  note('SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / x25519 / id-ecPublicKey')
  note('ALPN: server accepted http/1.1')
  describe(certificates, host, problem, settings, note)
  return open
}

const inward = [
  'TLS handshake, Server hello (2):',
  'TLS change cipher, Change cipher spec (1):',
  'TLS handshake, Encrypted Extensions (8):',
  'TLS handshake, Certificate (11):',
  'TLS handshake, CERT verify (15):',
  'TLS handshake, Finished (20):',
]

function authoritiesOf(process: Process, settings: CurlSettings, note: Note): Certificate[] {
  const given = settings.value('cacert')
  const path = given === undefined ? systemAuthorities : resolvePath(process.cwd, given)
  if (settings.has('insecure')) return []
  if (!process.files.exists(path)) {
    // The store of public authorities is not modelled; a file that somebody put there is read.
    if (given === undefined) return []
    throw new CurlFailure(77, `error adding trust anchors from file: ${given}`)
  }
  const found = certificatesIn(process.files.readText(path))
  if (given !== undefined && found.length === 0) throw new CurlFailure(77, `error adding trust anchors from file: ${given}`)
  note(` CAfile: ${given ?? path}`)
  note(` CApath: ${given === undefined ? systemFolder : 'none'}`)
  return found
}

function certificatesIn(pem: string): Certificate[] {
  try {
    return readCertificates(pem)
  } catch (error) {
    if (error instanceof DerError) return []
    throw error
  }
}

/**
 * A peer that offers its service whole shows no certificate. Those of clusters are signed by authorities that only they know: whoever names
 * one by `--cacert` is taken at their word, and nobody else trusts them.
 */
function offered(connection: Connection, settings: CurlSettings, note: Note): Connection {
  const trusted = connection.service?.publiclyTrusted || settings.value('cacert') !== undefined
  if (!trusted && !settings.has('insecure')) {
    note('TLSv1.3 (OUT), TLS alert, unknown CA (560):')
    throw new CurlFailure(60, 'SSL certificate problem: unable to get local issuer certificate')
  }
  note('SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / x25519 / RSASSA-PSS')
  if (settings.has('insecure'))
    note(' SSL certificate verify result: self-signed certificate in certificate chain (19), continuing anyway.')
  return connection
}

function alertOf({ code }: ChainProblem): { code: number; text: string } {
  if (code === 10) return { code: alerts.certificateExpired, text: 'certificate expired (557)' }
  if (code === 9 || code === 7) return { code: alerts.badCertificate, text: 'bad certificate (554)' }
  return { code: alerts.unknownAuthority, text: 'unknown CA (560)' }
}

/** What `-v` tells of the certificate; and the check of the host's name, which follows the handshake. */
function describe(
  certificates: readonly Certificate[],
  host: string,
  problem: ChainProblem | undefined,
  settings: CurlSettings,
  note: Note,
): void {
  const [leaf] = certificates
  if (!leaf) throw new CurlFailure(60, "SSL: couldn't get peer certificate")
  note('Server certificate:')
  note(` subject: ${leaf.subject}`)
  note(` start date: ${dateOf(leaf.notBefore)}`)
  note(` expire date: ${dateOf(leaf.notAfter)}`)
  if (!settings.has('insecure')) checkName(leaf, host, note)
  note(` issuer: ${leaf.issuer}`)
  note(
    problem
      ? ` SSL certificate verify result: ${problem.text} (${problem.code}), continuing anyway.`
      : settings.has('insecure')
        ? ' SSL certificate verify result: unable to get local issuer certificate (20), continuing anyway.'
        : ' SSL certificate verify ok.',
  )
  for (const [level, one] of certificates.entries()) {
    const { key } = one
    const kind =
      key.kind === 'RSA'
        ? `RSA (${key.bits}/112 Bits/secBits)`
        : key.kind === 'EC'
          ? `EC/${key.curve.name} (${key.bits}/128 Bits/secBits)`
          : key.algorithm
    const signed = signatureAlgorithms[one.signatureAlgorithm]?.name ?? one.signatureAlgorithm
    note(`  Certificate level ${level}: Public key type ${kind}, signed using ${signed}`)
  }
}

/** Alternative names alone count where there are any; the common name is the last resort (lib/vtls/openssl.c, ossl_verifyhost). */
function checkName(leaf: Certificate, host: string, note: Note): void {
  const address = isAddress(host)
  const found = address ? leaf.addresses.find((one) => one === host) : matchingName(host, leaf.names)
  if (found !== undefined) return note(` subjectAltName: host "${host}" matched cert's ${address ? 'IP address!' : `"${found}"`}`)
  const refuse = (message: string) => {
    note(message)
    note('closing connection #0')
    throw new CurlFailure(60, message)
  }
  if (leaf.names.length > 0 || leaf.addresses.length > 0) {
    const kind = address ? 'ipv4 address' : 'host name'
    note(` subjectAltName does not match ${kind} ${host}`)
    return refuse(`SSL: no alternative certificate subject name matches target ${kind} '${host}'`)
  }
  if (leaf.commonName === undefined) return refuse('SSL: unable to obtain common name from peer certificate')
  if (matchingName(host, [leaf.commonName]) === undefined)
    return refuse(`SSL: certificate subject name '${leaf.commonName}' does not match target host name '${host}'`)
  note(` common name: ${leaf.commonName} (matched)`)
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function dateOf(at: number): string {
  const date = new Date(at)
  return `${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${date.toISOString().slice(11, 19)} ${date.getUTCFullYear()} GMT`
}

function failureOf(error: unknown, timeoutMs: number | undefined): unknown {
  if (error instanceof DialTimeout) return new CurlFailure(28, `SSL connection timed out after ${timeoutMs} milliseconds`)
  if (error instanceof NetworkError) return new CurlFailure(35, 'Recv failure: Connection reset by peer')
  if (!(error instanceof TlsError)) return error
  if (error.reason === 'not-tls') return new CurlFailure(35, 'TLS connect error: error:0A0000C6:SSL routines::packet length too long')
  if (error.reason === 'eof') return new CurlFailure(35, 'TLS connect error: error:0A000126:SSL routines::unexpected eof while reading')
  return new CurlFailure(35, 'TLS connect error: error:0A000410:SSL routines::ssl/tls alert handshake failure')
}
