import { concatenate } from '../http-message.ts'

/** TLS's content types (RFC 8446, 5.1). Payloads are not encrypted here. */
export const contentTypes = { alert: 21, handshake: 22, data: 23 } as const

/** Bytes of a record's payload at most. */
const limit = 16_384

/** The peer's bytes are no TLS records. */
export class NotTls extends Error {
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    super('first record does not look like a TLS handshake')
    this.name = 'NotTls'
    this.bytes = bytes
  }
}

export interface TlsRecord {
  readonly type: number
  readonly payload: Uint8Array
}

/** One or, where the payload is long, several records. */
export function encodeRecords(type: number, payload: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  for (let at = 0; at === 0 || at < payload.length; at += limit) {
    const piece = payload.subarray(at, at + limit)
    parts.push(Uint8Array.of(type, 3, 3, piece.length >> 8, piece.length & 0xff), piece)
  }
  return concatenate(parts)
}

/** Takes bytes as they come and gives whole records. Throws NotTls at the first byte that begins none. */
export class RecordReader {
  #pending: Uint8Array = new Uint8Array()

  push(bytes: Uint8Array): TlsRecord[] {
    this.#pending = this.#pending.length === 0 ? bytes : concatenate([this.#pending, bytes])
    const records: TlsRecord[] = []
    for (;;) {
      const [type, major, , high = 0, low = 0] = this.#pending
      if (type === undefined) return records
      if (type < 20 || type > 24 || (major !== undefined && major !== 3)) throw new NotTls(this.#pending)
      const length = high * 256 + low
      if (this.#pending.length < 5 + length || this.#pending.length < 5) return records
      records.push({ type, payload: this.#pending.slice(5, 5 + length) })
      this.#pending = this.#pending.subarray(5 + length)
    }
  }
}
