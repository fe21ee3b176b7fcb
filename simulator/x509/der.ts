import { decodeBase64, encodeBase64 } from '../base64.ts'
import { concatenate } from '../network/http-message.ts'

/** One value of DER (X.690): its tag byte, its content, and all of its bytes. */
export interface Der {
  readonly tag: number
  readonly content: Uint8Array
  readonly bytes: Uint8Array
}

export class DerError extends Error {}

/** The values that stand one after another. Throws DerError where they are cut off. */
export function readAll(bytes: Uint8Array): Der[] {
  const values: Der[] = []
  for (let at = 0; at < bytes.length; ) {
    const value = readAt(bytes, at)
    values.push(value)
    at += value.bytes.length
  }
  return values
}

/** The one value that the bytes begin with. */
export function readOne(bytes: Uint8Array): Der {
  return readAt(bytes, 0)
}

function readAt(bytes: Uint8Array, at: number): Der {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) throw new DerError('unexpected end of DER')
  let length = first
  let start = at + 2
  if (first > 0x80) {
    const count = first & 0x7f
    if (count > 4) throw new DerError('a DER length is too long')
    length = 0
    for (let index = 0; index < count; index++) length = length * 256 + (bytes[start + index] ?? 0)
    start += count
  } else if (first === 0x80) throw new DerError('DER has no indefinite lengths')
  if (start + length > bytes.length) throw new DerError('unexpected end of DER')
  return { tag, content: bytes.subarray(start, start + length), bytes: bytes.subarray(at, start + length) }
}

export const tags = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, sequence: 0x30, set: 0x31 } as const

export function write(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = parts.length === 0 ? new Uint8Array() : concatenate(parts)
  const { length } = content
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return concatenate([Uint8Array.of(tag, ...head), content])
}

export function readOid(content: Uint8Array): string {
  const numbers: number[] = []
  let value = 0
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f)
    if (byte & 0x80) continue
    numbers.push(value)
    value = 0
  }
  const [first = 0, ...rest] = numbers
  const top = Math.min(2, Math.floor(first / 40))
  return [top, first - top * 40, ...rest].join('.')
}

export function writeOid(text: string): Uint8Array {
  const [top = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = [top * 40 + second, ...rest].flatMap((number) => {
    const digits = [number & 0x7f]
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left & 0x7f) | 0x80)
    return digits
  })
  return write(tags.oid, Uint8Array.from(bytes))
}

export function toBigInt(bytes: Uint8Array): bigint {
  let text = '0x0'
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return BigInt(text)
}

/** Big-endian, padded to `length` bytes. */
export function fromBigInt(value: bigint, length: number): Uint8Array {
  const text = value.toString(16).padStart(length * 2, '0')
  return Uint8Array.from({ length: text.length / 2 }, (_, index) => Number.parseInt(text.slice(index * 2, index * 2 + 2), 16))
}

export function writeInteger(value: bigint): Uint8Array {
  const text = value.toString(16)
  const bytes = fromBigInt(value, Math.ceil(text.length / 2))
  return write(tags.integer, (bytes[0] ?? 0) & 0x80 ? concatenate([Uint8Array.of(0), bytes]) : bytes)
}

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`. */
  readonly label: string
  readonly bytes: Uint8Array
}

/** The PEM blocks of a text (RFC 7468), in order; what stands between them is passed over, as is a block that is no base64. */
export function readPem(text: string): PemBlock[] {
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----\s*([\s\S]*?)-----END \1-----/g)].flatMap(([, label = '', body = '']) => {
    const bytes = decodeBase64(body.replace(/\s/g, ''))
    return bytes ? [{ label, bytes }] : []
  })
}

export function writePem(label: string, bytes: Uint8Array): string {
  const lines = encodeBase64(bytes).match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
