import { Failure } from '../cli/failure.ts'
import { fromBase64 } from '../objects/text.ts'
import { humanDuration, longMoment } from '../print/age.ts'
import { formatLabels } from '../print/table.ts'
import type { Describe } from './describe.ts'
import { eventsBlock } from './events.ts'
import type { Page } from './page.ts'

export const describeCertificateRequest: Describe<any> = async ({ metadata = {}, spec = {}, status = {} }, page, around) => {
  const request = readRequest(new TextDecoder().decode(fromBase64(spec.request ?? '')))
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Labels:\t${formatLabels(metadata.labels)}\n`)
  page.write(0, `Annotations:\t${formatLabels(metadata.annotations)}\n`)
  page.write(0, `CreationTimestamp:\t${longMoment(metadata.creationTimestamp)}\n`)
  page.write(0, `Requesting User:\t${spec.username ?? ''}\n`)
  if (spec.signerName) page.write(0, `Signer:\t${spec.signerName}\n`)
  if (spec.expirationSeconds !== undefined) page.write(0, `Requested Duration:\t${humanDuration(spec.expirationSeconds * 1000)}\n`)
  page.write(0, `Status:\t${statusText(status)}\n`)
  page.write(0, 'Subject:\n')
  page.write(0, `\tCommon Name:\t${request.subject.get('2.5.4.3')?.at(-1) ?? ''}\n`)
  page.write(0, `\tSerial Number:\t${request.subject.get('2.5.4.5')?.at(-1) ?? ''}\n`)
  for (const [name, type] of subjectLists) valuesBlock(page, name, request.subject.get(type))
  if (request.names.size > 0) {
    page.write(0, 'Subject Alternative Names:\n')
    for (const [name, tag] of alternativeNames) valuesBlock(page, name, request.names.get(tag))
  }
  eventsBlock(page, await around.events(), around.now)
}

function statusText(status: any): string {
  const has = (type: string) => (status.conditions ?? []).some((one: any) => one.type === type)
  const answer = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${answer}${has('Failed') ? ',Failed' : ''}${status.certificate ? ',Issued' : ''}`
}

function valuesBlock(page: Page, name: string, values: readonly string[] | undefined): void {
  if (values?.length) page.write(0, `\t${name}:\t${values.join('\n\t\t')}\n`)
}

/** Attribute types of X.520, in the order of the description. */
const subjectLists = [
  ['Organization', '2.5.4.10'],
  ['Organizational Unit', '2.5.4.11'],
  ['Country', '2.5.4.6'],
  ['Locality', '2.5.4.7'],
  ['Province', '2.5.4.8'],
  ['StreetAddress', '2.5.4.9'],
  ['PostalCode', '2.5.4.17'],
] as const

/** Context tags of GeneralName (RFC 5280, 4.2.1.6). */
const alternativeNames = [
  ['DNS Names', 2],
  ['Email Addresses', 1],
  ['URIs', 6],
  ['IP Addresses', 7],
] as const

interface Request {
  readonly subject: ReadonlyMap<string, readonly string[]>
  readonly names: ReadonlyMap<number, readonly string[]>
}

const extensionRequest = '1.2.840.113549.1.9.14'
const subjectAltName = '2.5.29.17'

/** Subject and alternative names of a PKCS#10 request in PEM. Throws what `describe` says about anything else. */
function readRequest(pem: string): Request {
  const body = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]*?)-----END/.exec(pem)?.[1]
  if (!body) throw new Failure('Error parsing CSR: PEM block type must be CERTIFICATE REQUEST')
  const info = children(children(element(fromBase64(body.replace(/\s+/g, '')), 0))[0] as Element)
  const subject = new Map<string, string[]>()
  for (const set of children(info[1] as Element))
    for (const pair of children(set)) {
      const [type, value] = children(pair)
      if (type && value) add(subject, identifier(type), new TextDecoder().decode(value.content))
    }
  const names = new Map<number, string[]>()
  const attributes = info.find((one) => one.tag === 0xa0)
  for (const attribute of attributes ? children(attributes) : []) {
    const [type, values] = children(attribute)
    if (!type || !values || identifier(type) !== extensionRequest) continue
    for (const extension of children(values).flatMap(children)) {
      const parts = children(extension)
      if (parts[0] && identifier(parts[0]) === subjectAltName) readNames(parts.at(-1) as Element, names)
    }
  }
  return { subject, names }
}

function readNames(octets: Element, names: Map<number, string[]>): void {
  for (const name of children(element(octets.content, 0))) {
    const tag = name.tag & 0x1f
    add(names, tag, tag === 7 ? addressText(name.content) : new TextDecoder().decode(name.content))
  }
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return [...bytes].join('.')
  const groups = Array.from({ length: 8 }, (_, at) => (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16))
  const zeros = /(?:^|:)(?:0(?::|$)){2,}/.exec(groups.join(':'))?.[0]
  return zeros ? groups.join(':').replace(zeros, '::') : groups.join(':')
}

function add<K>(map: Map<K, string[]>, key: K, value: string): void {
  map.set(key, [...(map.get(key) ?? []), value])
}

/** One element of DER (X.690): its tag, its content, and where the next begins. */
interface Element {
  readonly tag: number
  readonly content: Uint8Array
  readonly end: number
}

function element(bytes: Uint8Array, at: number): Element {
  const short = bytes[at + 1] ?? 0
  const extra = short < 0x80 ? 0 : short & 0x7f
  let length = short < 0x80 ? short : 0
  for (let index = 0; index < extra; index++) length = length * 256 + (bytes[at + 2 + index] ?? 0)
  const start = at + 2 + extra
  if (start + length > bytes.length) throw new Failure('Error parsing CSR: asn1: syntax error: data truncated')
  return { tag: bytes[at] ?? 0, content: bytes.subarray(start, start + length), end: start + length }
}

function children({ content }: Element): Element[] {
  const found: Element[] = []
  for (let at = 0; at < content.length; ) {
    const next = element(content, at)
    found.push(next)
    at = next.end
  }
  return found
}

function identifier({ content }: Element): string {
  const first = content[0] ?? 0
  const parts = [Math.floor(first / 40), first % 40]
  let value = 0
  for (const byte of content.subarray(1)) {
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      parts.push(value)
      value = 0
    }
  }
  return parts.join('.')
}
