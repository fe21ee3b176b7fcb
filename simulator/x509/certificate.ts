import { type Der, DerError, readAll, readOid, readOne, readPem, tags, toBigInt } from './der.ts'
import { type PublicKey, readPublicKey, verifies } from './keys.ts'

/** What is read of an X.509 certificate (RFC 5280). Times in ms since the epoch. */
export interface Certificate {
  readonly bytes: Uint8Array
  readonly serial: string
  /** As OpenSSL prints names in one line: `O=Acme Co; CN=…`, in the order of the certificate. */
  readonly subject: string
  readonly issuer: string
  /** The bytes of both names, to compare. */
  readonly subjectKey: string
  readonly issuerKey: string
  readonly commonName: string | undefined
  readonly notBefore: number
  readonly notAfter: number
  readonly key: PublicKey
  readonly names: readonly string[]
  readonly addresses: readonly string[]
  /** Whether it names subjects beside its common name, of whatever kind. */
  readonly hasAlternativeNames: boolean
  /** basicConstraints; undefined where it says nothing. */
  readonly authority: boolean | undefined
  readonly signatureAlgorithm: string
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

const decoder = new TextDecoder()
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '1.2.840.113549.1.9.1': 'emailAddress',
}

/** The certificates of a PEM text, in order. Throws DerError where one is malformed. */
export function readCertificates(pem: string): Certificate[] {
  return readPem(pem)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ bytes }) => readCertificate(bytes))
}

export function readCertificate(bytes: Uint8Array): Certificate {
  const [tbs, algorithm, signature] = readAll(readOne(bytes).content)
  if (!tbs || !algorithm || !signature) throw new DerError('malformed certificate')
  const fields = readAll(tbs.content)
  // The version comes first, in brackets; certificates of version 1 have none.
  const [serial, , issuer, validity, subject, key] = fields[0]?.tag === 0xa0 ? fields.slice(1) : fields
  if (!serial || !issuer || !validity || !subject || !key) throw new DerError('malformed certificate')
  const [notBefore, notAfter] = readAll(validity.content).map(readTime)
  const subjectParts = nameParts(subject)
  return {
    bytes,
    serial: toBigInt(serial.content).toString(16),
    subject: nameText(subjectParts),
    issuer: nameText(nameParts(issuer)),
    subjectKey: subject.bytes.join(),
    issuerKey: issuer.bytes.join(),
    commonName: subjectParts.findLast(([name]) => name === 'CN')?.[1],
    notBefore: notBefore ?? Number.NaN,
    notAfter: notAfter ?? Number.NaN,
    key: readPublicKey(key.bytes),
    ...extensionsOf(fields.find(({ tag }) => tag === 0xa3)),
    signatureAlgorithm: readOid(readAll(algorithm.content)[0]?.content ?? new Uint8Array()),
    signed: tbs.bytes,
    signature: signature.content.subarray(1),
  }
}

export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  return verifies(issuer.key, certificate.signatureAlgorithm, certificate.signed, certificate.signature)
}

function nameParts(name: Der): [string, string][] {
  return readAll(name.content).flatMap(({ content }) =>
    readAll(content).map((pair): [string, string] => {
      const [oid, value] = readAll(pair.content)
      const dotted = readOid(oid?.content ?? new Uint8Array())
      return [shortNames[dotted] ?? dotted, decoder.decode(value?.content)]
    }),
  )
}

function nameText(parts: readonly (readonly [string, string])[]): string {
  return parts.map(([name, value]) => `${name}=${value}`).join('; ')
}

/** UTCTime (two digits of the year, 1950 to 2049) or GeneralizedTime. */
function readTime({ tag, content }: Der): number {
  const text = decoder.decode(content)
  const digits = tag === 0x17 ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits) ?? []
  if (year === undefined) throw new DerError(`malformed time ${JSON.stringify(text)}`)
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}

function extensionsOf(wrapped: Der | undefined) {
  const names: string[] = []
  const addresses: string[] = []
  let hasAlternativeNames = false
  let authority: boolean | undefined
  const list = wrapped ? readAll(readOne(wrapped.content).content) : []
  for (const extension of list) {
    const parts = readAll(extension.content)
    const value = parts.find(({ tag }) => tag === tags.octets)
    const oid = readOid(parts[0]?.content ?? new Uint8Array())
    if (!value) continue
    if (oid === '2.5.29.19') authority = readAll(readOne(value.content).content)[0]?.tag === 0x01
    if (oid !== '2.5.29.17') continue
    hasAlternativeNames = true
    for (const { tag, content } of readAll(readOne(value.content).content)) {
      if (tag === 0x82) names.push(decoder.decode(content))
      else if (tag === 0x87 && content.length === 4) addresses.push(content.join('.'))
    }
  }
  return { names, addresses, hasAlternativeNames, authority }
}
