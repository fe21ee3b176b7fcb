import { decodeBase64 } from '../../base64.ts'

/** Who a certificate request is for, as far as the API server looks: the last common name, and every organization. */
export interface RequestSubject {
  readonly commonName: string
  readonly organizations: readonly string[]
}

const commonName = '55 04 03'
const organization = '55 04 0a'

/**
 * Reads a PKCS#10 request (RFC 2986) from PEM in the base64 of an API object, in Go's words where it is none. Its signature is not looked
 * at here: that takes the key of whoever signs.
 */
export function readRequest(base64: string | undefined): { subject: RequestSubject; pem: string } | { error: string } {
  const bytes = decodeBase64(base64 ?? '')
  const text = bytes ? new TextDecoder().decode(bytes) : ''
  const block = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([\sA-Za-z0-9+/=]+?)-----END \1-----/.exec(text)
  if (block?.[1] !== 'CERTIFICATE REQUEST') return { error: 'PEM block type must be CERTIFICATE REQUEST' }
  const der = decodeBase64((block[2] ?? '').replace(/\s/g, ''))
  try {
    return { subject: subjectOf(der ?? new Uint8Array()), pem: block[0] }
  } catch (error) {
    if (error instanceof DerError) return { error: error.message }
    throw error
  }
}

class DerError extends Error {}

interface Element {
  readonly tag: number
  readonly content: Uint8Array
}

/** CertificationRequest: info, algorithm, signature; info: version, subject, key, attributes. */
function subjectOf(der: Uint8Array): RequestSubject {
  const [request, ...trailing] = elements(der)
  if (!request || trailing.length > 0) throw new DerError('asn1: syntax error: trailing data')
  const [info, algorithm, signature] = inside(request, 0x30)
  if (!info || !algorithm || signature?.tag !== 0x03) throw new DerError("asn1: structure error: tags don't match")
  const [version, name, key] = inside(info, 0x30)
  if (version?.tag !== 0x02 || !name || !key) throw new DerError("asn1: structure error: tags don't match")
  const names: string[] = []
  const organizations: string[] = []
  for (const set of inside(name, 0x30)) {
    for (const pair of inside(set, 0x31)) {
      const [type, value] = inside(pair, 0x30)
      if (type?.tag !== 0x06 || !value) throw new DerError("asn1: structure error: tags don't match")
      const id = [...type.content].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
      if (id === commonName) names.push(new TextDecoder().decode(value.content))
      else if (id === organization) organizations.push(new TextDecoder().decode(value.content))
    }
  }
  return { commonName: names.at(-1) ?? '', organizations }
}

function inside(element: Element, tag: number): Element[] {
  if (element.tag !== tag) throw new DerError("asn1: structure error: tags don't match")
  return elements(element.content)
}

function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = []
  let at = 0
  const next = () => {
    const byte = bytes[at++]
    if (byte === undefined) throw new DerError('asn1: syntax error: data truncated')
    return byte
  }
  while (at < bytes.length) {
    const tag = next()
    let length = next()
    if (length > 0x84) throw new DerError('asn1: structure error: length too large')
    if (length >= 0x80) {
      const digits = length & 0x7f
      length = 0
      for (let digit = 0; digit < digits; digit++) length = length * 256 + next()
    }
    if (at + length > bytes.length) throw new DerError('asn1: syntax error: data truncated')
    found.push({ tag, content: bytes.subarray(at, at + length) })
    at += length
  }
  return found
}
