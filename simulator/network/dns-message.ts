import { formatAddress, parseAddress } from './address.ts'
import { classCode, className, escapeOctet, type Rcode, rcodeCode, rcodeName, splitName, typeCode, typeName } from './dns-codes.ts'

// What a message's reader and writer needs beside it.
export { type Rcode, rcodeCode } from './dns-codes.ts'

/** Names are absolute and end in a dot; what is no plain character of a label is escaped as in master files (`\.`, `\032`). */
export interface Question {
  readonly name: string
  readonly type: string
  /** `IN` nearly always. */
  readonly class?: string
}

/** `data` by type; a type that is not known here keeps its bytes. */
export type ResourceRecord = { readonly name: string; readonly ttl: number; readonly class?: string } & (
  | { readonly type: 'A' | 'AAAA'; readonly data: string }
  | { readonly type: 'CNAME' | 'NS' | 'PTR'; readonly data: string }
  | { readonly type: 'MX'; readonly data: { readonly preference: number; readonly exchange: string } }
  | {
      readonly type: 'SRV'
      readonly data: { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string }
    }
  | { readonly type: 'TXT'; readonly data: readonly string[] }
  | { readonly type: 'SOA'; readonly data: Soa }
  | { readonly type: 'OTHER'; readonly code: number; readonly data: Uint8Array }
)

export interface Soa {
  readonly mname: string
  readonly rname: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

export interface DnsMessage {
  readonly id: number
  readonly response?: boolean
  /** 0 is a query. */
  readonly opcode?: number
  readonly authoritative?: boolean
  readonly truncated?: boolean
  readonly recursionDesired?: boolean
  readonly recursionAvailable?: boolean
  readonly authenticData?: boolean
  readonly checkingDisabled?: boolean
  readonly rcode?: Rcode
  readonly questions: readonly Question[]
  readonly answers?: readonly ResourceRecord[]
  readonly authorities?: readonly ResourceRecord[]
  readonly additionals?: readonly ResourceRecord[]
  /** EDNS0 (RFC 6891): the OPT record, apart from the additionals. */
  readonly edns?: {
    readonly udpSize: number
    readonly version?: number
    readonly dnssecOk?: boolean
    readonly options?: readonly { code: number; data: Uint8Array }[]
  }
}

/** What is always there after decoding. */
export type DecodedMessage = Required<Omit<DnsMessage, 'edns'>> & Pick<DnsMessage, 'edns'>

/** The bytes are no DNS message. `id` is that of the message where it could be read, for a FORMERR. */
export class DnsFormatError extends Error {
  readonly id: number | undefined
  constructor(message: string, id: number | undefined) {
    super(`malformed DNS message: ${message}`)
    this.name = 'DnsFormatError'
    this.id = id
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** RFC 1035's limit for UDP without EDNS0, bytes. */
export const classicUdpSize = 512

/**
 * Encodes a message with name compression. Where it would be longer than `limit` bytes, whole records are left off from the end and TC is set
 * (additionals may go without TC). Throws where a name or a datum cannot be encoded.
 */
export function encodeDns(message: DnsMessage, limit = 65_535): Uint8Array {
  const writer = new Writer()
  const counts = [0, 0, 0, 0]
  let truncated = message.truncated ?? false
  writer.skip(12)
  for (const { name, type, class: className } of message.questions) {
    writer.name(name)
    writer.u16(typeCode(type))
    writer.u16(classCode(className))
    counts[0]!++
  }
  const optSize = message.edns ? 11 + (message.edns.options ?? []).reduce((sum, option) => sum + 4 + option.data.length, 0) : 0
  const sections = [message.answers, message.authorities, message.additionals]
  let full = false
  for (const [index, records] of sections.entries()) {
    for (const record of full ? [] : (records ?? [])) {
      const mark = writer.mark()
      writer.record(record)
      if (writer.length + optSize > limit) {
        writer.rewind(mark)
        full = true
        if (index < 2) truncated = true
        break
      }
      counts[index + 1]!++
    }
  }
  const rcode = rcodeCode(message.rcode)
  if (message.edns) {
    writer.opt(message.edns, rcode >> 4)
    counts[3]!++
  }
  const bit = (flag: boolean | undefined, position: number) => (flag ? 1 << position : 0)
  writer.header([
    message.id & 0xffff,
    bit(message.response, 15) |
      (((message.opcode ?? 0) & 15) << 11) |
      bit(message.authoritative, 10) |
      bit(truncated, 9) |
      bit(message.recursionDesired, 8) |
      bit(message.recursionAvailable, 7) |
      bit(message.authenticData, 5) |
      bit(message.checkingDisabled, 4) |
      (rcode & 15),
    ...counts,
  ])
  return writer.bytes()
}

/** Throws DnsFormatError. */
export function decodeDns(bytes: Uint8Array): DecodedMessage {
  const reader = new Reader(bytes)
  const id = reader.u16()
  const flags = reader.u16()
  const [questionCount = 0, ...recordCounts] = [reader.u16(), reader.u16(), reader.u16(), reader.u16()]
  const questions: Question[] = []
  for (let i = 0; i < questionCount; i++) {
    const name = reader.name()
    questions.push({ name, type: typeName(reader.u16()), class: className(reader.u16()) })
  }
  let edns: DnsMessage['edns']
  let extended = 0
  const [answers = [], authorities = [], additionals = []] = recordCounts.map((count) => {
    const records: ResourceRecord[] = []
    for (let i = 0; i < count; i++) {
      const record = reader.record()
      if ('record' in record) records.push(record.record)
      else {
        edns = record.edns
        extended = record.extendedRcode
      }
    }
    return records
  })
  const bit = (position: number) => ((flags >> position) & 1) === 1
  const code = (flags & 15) | (extended << 4)
  return {
    id,
    response: bit(15),
    opcode: (flags >> 11) & 15,
    authoritative: bit(10),
    truncated: bit(9),
    recursionDesired: bit(8),
    recursionAvailable: bit(7),
    authenticData: bit(5),
    checkingDisabled: bit(4),
    rcode: rcodeName(code),
    questions,
    answers,
    authorities,
    additionals,
    ...(edns ? { edns } : {}),
  }
}

/** The name under which an address's PTR record lives. Throws where `address` is none. */
export function reverseName(address: string): string {
  const words = parseAddress(address)
  if (!words) throw new Error(`"${address}" is not an IP address`)
  if (words.length === 1) return `${address.split('.').reverse().join('.')}.in-addr.arpa.`
  const nibbles = words.map((word) => word.toString(16).padStart(8, '0')).join('')
  return `${[...nibbles].reverse().join('.')}.ip6.arpa.`
}

class Writer {
  #bytes = new Uint8Array(512)
  #at = 0
  // Where each name suffix was written: later names point there. Offsets beyond 14 bits cannot be pointed at.
  readonly #names = new Map<string, number>()

  get length(): number {
    return this.#at
  }

  skip(count: number): void {
    this.#need(count)
    this.#at += count
  }

  mark(): number {
    return this.#at
  }

  rewind(mark: number): void {
    this.#at = mark
    for (const [name, offset] of this.#names) if (offset >= mark) this.#names.delete(name)
  }

  header(words: readonly number[]): void {
    const end = this.#at
    this.#at = 0
    for (const word of words) this.u16(word)
    this.#at = end
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }

  u8(value: number): void {
    this.#need(1)
    this.#bytes[this.#at++] = value
  }

  u16(value: number): void {
    this.u8((value >> 8) & 255)
    this.u8(value & 255)
  }

  u32(value: number): void {
    this.u16(value >>> 16)
    this.u16(value & 0xffff)
  }

  raw(bytes: Uint8Array): void {
    this.#need(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  name(name: string): void {
    const labels = splitName(name)
    if (labels.reduce((sum, label) => sum + label.length + 1, 1) > 255) throw new Error(`domain name "${name}" is longer than 255 octets`)
    for (let i = 0; i < labels.length; i++) {
      const suffix = labels
        .slice(i)
        .map((label) => label.join(','))
        .join('.')
      const known = this.#names.get(suffix)
      if (known !== undefined) return this.u16(0xc000 | known)
      if (this.#at < 0x4000) this.#names.set(suffix, this.#at)
      const label = labels[i]!
      this.u8(label.length)
      this.raw(new Uint8Array(label))
    }
    this.u8(0)
  }

  record(record: ResourceRecord): void {
    this.name(record.name)
    this.u16(record.type === 'OTHER' ? record.code : typeCode(record.type))
    this.u16(classCode(record.class))
    this.u32(record.ttl)
    const lengthAt = this.#at
    this.u16(0)
    this.#data(record)
    const length = this.#at - lengthAt - 2
    this.#bytes[lengthAt] = length >> 8
    this.#bytes[lengthAt + 1] = length & 255
  }

  opt(edns: NonNullable<DnsMessage['edns']>, extendedRcode: number): void {
    this.u8(0)
    this.u16(41)
    this.u16(edns.udpSize)
    this.u8(extendedRcode)
    this.u8(edns.version ?? 0)
    this.u16(edns.dnssecOk ? 0x8000 : 0)
    const options = edns.options ?? []
    this.u16(options.reduce((sum, option) => sum + 4 + option.data.length, 0))
    for (const { code, data } of options) {
      this.u16(code)
      this.u16(data.length)
      this.raw(data)
    }
  }

  #data(record: ResourceRecord): void {
    switch (record.type) {
      case 'A':
      case 'AAAA': {
        const words = parseAddress(record.data)
        if (words?.length !== (record.type === 'A' ? 1 : 4)) throw new Error(`"${record.data}" is not the data of a ${record.type} record`)
        for (const word of words) this.u32(word)
        return
      }
      case 'CNAME':
      case 'NS':
      case 'PTR':
        return this.name(record.data)
      case 'MX':
        this.u16(record.data.preference)
        return this.name(record.data.exchange)
      case 'SRV':
        for (const value of [record.data.priority, record.data.weight, record.data.port]) this.u16(value)
        return this.name(record.data.target)
      case 'TXT':
        for (const text of record.data) {
          const bytes = encoder.encode(text)
          if (bytes.length > 255) throw new Error(`a TXT string of ${bytes.length} octets is longer than 255`)
          this.u8(bytes.length)
          this.raw(bytes)
        }
        return
      case 'SOA': {
        const { mname, rname, serial, refresh, retry, expire, minimum } = record.data
        this.name(mname)
        this.name(rname)
        for (const value of [serial, refresh, retry, expire, minimum]) this.u32(value)
        return
      }
      case 'OTHER':
        return this.raw(record.data)
    }
  }

  #need(count: number): void {
    if (this.#at + count <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  u8(): number {
    const value = this.#bytes[this.#at]
    if (value === undefined) throw this.#error('it ends too early')
    this.#at++
    return value
  }

  u16(): number {
    return (this.u8() << 8) | this.u8()
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16()
  }

  name(): string {
    const labels: string[] = []
    let back: number | undefined
    let size = 1
    for (let jumps = 0; ; ) {
      const length = this.u8()
      if (length === 0) break
      if ((length & 0xc0) === 0xc0) {
        const to = ((length & 0x3f) << 8) | this.u8()
        back ??= this.#at
        // A pointer must point back; more than a name can have labels is a loop.
        if (to >= this.#at - 2 || ++jumps > 127) throw this.#error('a compression pointer does not point back')
        this.#at = to
        continue
      }
      if (length > 63) throw this.#error(`a label of kind ${length >> 6}`)
      size += length + 1
      if (size > 255) throw this.#error('a name longer than 255 octets')
      let label = ''
      for (let i = 0; i < length; i++) label += escapeOctet(this.u8())
      labels.push(label)
    }
    if (back !== undefined) this.#at = back
    return `${labels.join('.')}.`
  }

  record(): { record: ResourceRecord } | { edns: NonNullable<DnsMessage['edns']>; extendedRcode: number } {
    const name = this.name()
    const code = this.u16()
    const classNumber = this.u16()
    const ttl = this.u32()
    const length = this.u16()
    const end = this.#at + length
    if (end > this.#bytes.length) throw this.#error('a record ends behind the message')
    if (code === 41) return this.#opt(classNumber, ttl, end)
    const head = { name, ttl, class: className(classNumber) }
    const record = { ...head, ...this.#data(code, end) } as ResourceRecord
    if (this.#at !== end) throw this.#error(`the data of a ${record.type} record does not fill its length`)
    return { record }
  }

  #opt(udpSize: number, ttl: number, end: number) {
    const options: { code: number; data: Uint8Array }[] = []
    while (this.#at < end) {
      const code = this.u16()
      options.push({ code, data: this.#take(this.u16()) })
    }
    if (this.#at !== end) throw this.#error('EDNS options do not fill their length')
    return {
      edns: { udpSize, version: (ttl >>> 16) & 255, dnssecOk: (ttl & 0x8000) !== 0, ...(options.length > 0 ? { options } : {}) },
      extendedRcode: ttl >>> 24,
    }
  }

  #data(code: number, end: number): { type: string; data: unknown; code?: number } {
    const type = typeName(code)
    switch (type) {
      case 'A':
        return { type, data: formatAddress([this.u32()]) }
      case 'AAAA':
        return { type, data: formatAddress([this.u32(), this.u32(), this.u32(), this.u32()]) }
      case 'CNAME':
      case 'NS':
      case 'PTR':
        return { type, data: this.name() }
      case 'MX':
        return { type, data: { preference: this.u16(), exchange: this.name() } }
      case 'SRV':
        return { type, data: { priority: this.u16(), weight: this.u16(), port: this.u16(), target: this.name() } }
      case 'TXT': {
        const data: string[] = []
        while (this.#at < end) data.push(decoder.decode(this.#take(this.u8())))
        return { type, data }
      }
      case 'SOA': {
        const [mname, rname] = [this.name(), this.name()]
        const [serial, refresh, retry, expire, minimum] = [this.u32(), this.u32(), this.u32(), this.u32(), this.u32()]
        return { type, data: { mname, rname, serial, refresh, retry, expire, minimum } }
      }
      default:
        return { type: 'OTHER', code, data: this.#take(end - this.#at) }
    }
  }

  #take(count: number): Uint8Array {
    if (count < 0 || this.#at + count > this.#bytes.length) throw this.#error('it ends too early')
    const taken = this.#bytes.slice(this.#at, this.#at + count)
    this.#at += count
    return taken
  }

  #error(message: string): DnsFormatError {
    return new DnsFormatError(message, this.#bytes.length >= 2 ? (this.#bytes[0]! << 8) | this.#bytes[1]! : undefined)
  }
}
