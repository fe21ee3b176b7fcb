/** The last bytes of a stream, addressed by their offset from its beginning. */
export class ByteRing {
  readonly #capacity: number
  #chunks: Uint8Array[] = []
  #start: number
  #end: number

  /** `from`: the offset of the first byte to come. */
  constructor(capacity: number, from = 0) {
    this.#capacity = capacity
    this.#start = from
    this.#end = from
  }

  /** Offset of the oldest byte that is kept. */
  get start(): number {
    return this.#start
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.#end
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#end += bytes.length
    for (
      let first = this.#chunks[0];
      first !== undefined && this.#end - this.#start - first.length >= this.#capacity;
      first = this.#chunks[0]
    ) {
      this.#start += first.length
      this.#chunks.shift()
    }
  }

  /** All bytes from `offset` on, at most `limit`; undefined where they are not all kept any more (or not there yet). */
  from(offset: number, limit = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    if (offset < this.#start || offset > this.#end) return undefined
    const length = Math.min(this.#end - offset, limit)
    const out = new Uint8Array(length)
    let at = this.#start
    let filled = 0
    for (const chunk of this.#chunks) {
      const skip = Math.max(0, offset + filled - at)
      if (skip < chunk.length && filled < length) {
        const part = chunk.subarray(skip, skip + length - filled)
        out.set(part, filled)
        filled += part.length
      }
      at += chunk.length
      if (filled === length) break
    }
    return out
  }
}
