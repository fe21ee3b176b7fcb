import { Inflate } from 'fflate'
import { dictionary, dictionaryId } from './dictionary.ts'
import { SpdyError } from './frames.ts'

/** Names in lower case; several values of one name stand one after the other. */
export type Headers = readonly (readonly [string, string])[]

const encoder = new TextEncoder()
const decoder = new TextDecoder()
/** The most that a deflate block carries as it is. */
const largestStored = 0xffff

export function headerOf(headers: Headers, name: string): string | undefined {
  return headers.find(([key]) => key === name)?.[1]
}

/**
 * Header blocks of one direction of a connection (SPDY/3 draft, 2.6.10). The compressor is one zlib stream over all blocks; this one stores
 * instead of compressing, which every decompressor takes: the headers of Kubernetes' streams are a few dozen bytes.
 */
export class HeaderBlockWriter {
  #begun = false

  write(headers: Headers): Uint8Array {
    const plain = serialise(headers)
    const parts: number[] = []
    if (!this.#begun) {
      // CMF and FLG: deflate, 32 KiB window, with a dictionary; divisible by 31 as zlib asks.
      parts.push(0x78, 0x20, dictionaryId >>> 24, (dictionaryId >>> 16) & 0xff, (dictionaryId >>> 8) & 0xff, dictionaryId & 0xff)
      this.#begun = true
    }
    for (let at = 0; at < plain.length; at += largestStored) {
      const piece = plain.subarray(at, at + largestStored)
      parts.push(0, piece.length & 0xff, piece.length >> 8, ~piece.length & 0xff, (~piece.length >> 8) & 0xff, ...piece)
    }
    // An empty stored block is zlib's sync flush: without one Go's inflater waits for more before it hands anything out.
    parts.push(0, 0, 0, 0xff, 0xff)
    return new Uint8Array(parts)
  }
}

/** The other side of it. */
export class HeaderBlockReader {
  #begun = false
  #plain: Uint8Array[] = []
  readonly #inflate = new Inflate({ dictionary }, (bytes) => this.#plain.push(bytes))

  /** Throws SpdyError for what is no header block. */
  read(block: Uint8Array): [string, string][] {
    let deflated = block
    if (!this.#begun) {
      const id = block.length < 6 ? undefined : new DataView(block.buffer, block.byteOffset).getUint32(2)
      if (id !== dictionaryId || (block[0]! & 0x0f) !== 8) throw new SpdyError("a header block is not compressed with SPDY/3's dictionary")
      this.#begun = true
      deflated = block.subarray(6)
    }
    this.#plain = []
    try {
      // The inflater keeps what it is given.
      this.#inflate.push(deflated.slice(), false)
    } catch (error) {
      throw new SpdyError(`a header block cannot be decompressed: ${error instanceof Error ? error.message : String(error)}`)
    }
    return parse(this.#plain)
  }
}

function serialise(headers: Headers): Uint8Array {
  const values = new Map<string, string[]>()
  for (const [name, value] of headers) values.set(name.toLowerCase(), [...(values.get(name.toLowerCase()) ?? []), value])
  const texts = [...values].flatMap(([name, all]) => [encoder.encode(name), encoder.encode(all.join('\0'))])
  const out = new Uint8Array(4 + texts.reduce((sum, text) => sum + 4 + text.length, 0))
  const view = new DataView(out.buffer)
  view.setUint32(0, values.size)
  let at = 4
  for (const text of texts) {
    view.setUint32(at, text.length)
    out.set(text, at + 4)
    at += 4 + text.length
  }
  return out
}

function parse(chunks: readonly Uint8Array[]): [string, string][] {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let filled = 0
  for (const chunk of chunks) {
    bytes.set(chunk, filled)
    filled += chunk.length
  }
  const view = new DataView(bytes.buffer)
  let at = 0
  const word = (): number => {
    if (at + 4 > bytes.length) throw new SpdyError('a header block is cut short')
    at += 4
    return view.getUint32(at - 4)
  }
  const text = (): string => {
    const length = word()
    if (at + length > bytes.length) throw new SpdyError('a header block is cut short')
    at += length
    return decoder.decode(bytes.subarray(at - length, at))
  }
  const count = word()
  const headers: [string, string][] = []
  for (let index = 0; index < count; index++) {
    const name = text()
    for (const value of text().split('\0')) headers.push([name, value])
  }
  return headers
}
