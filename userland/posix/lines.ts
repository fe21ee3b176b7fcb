import type { ByteSource } from '../../simulator/streams.ts'

/** A source of which part can be read as lines, and the rest by somebody else: what is not consumed stays. */
export class Input implements ByteSource {
  readonly #source: ByteSource
  #left: Uint8Array | undefined

  constructor(source: ByteSource) {
    this.#source = source
  }

  async read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const left = this.#left
    if (!left) return this.#source.read(signal)
    this.#left = undefined
    return left
  }

  /** Bytes up to and with `delimiter`; what is left at the end of input without it; undefined at the end. */
  async readUntil(delimiter: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = []
    for (;;) {
      const chunk = await this.read(signal)
      if (!chunk) return chunks.length > 0 ? join(chunks) : undefined
      const at = chunk.indexOf(delimiter)
      if (at < 0) {
        chunks.push(chunk)
        continue
      }
      if (at + 1 < chunk.length) this.#left = chunk.subarray(at + 1)
      const head = chunk.subarray(0, at + 1)
      return chunks.length > 0 ? join([...chunks, head]) : head
    }
  }
}

export function join(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array
  let size = 0
  for (const chunk of chunks) size += chunk.length
  const all = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/**
 * Lines without their newline, in the batches in which they arrive: a filter that answers each batch at once streams,
 * and pays one write for what came together. `last.newline` is false where the final line has none.
 */
export async function* lineBatches(source: ByteSource, signal: AbortSignal, last = { newline: true }): AsyncGenerator<string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const chunk = await source.read(signal)
    if (!chunk) break
    const text = rest + decoder.decode(chunk, { stream: true })
    const end = text.lastIndexOf('\n')
    if (end < 0) {
      rest = text
      continue
    }
    rest = text.slice(end + 1)
    yield text.slice(0, end).split('\n')
  }
  rest += decoder.decode()
  if (rest !== '') {
    last.newline = false
    yield [rest]
  }
}

export async function readBytes(source: ByteSource, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for (let chunk = await source.read(signal); chunk; chunk = await source.read(signal)) chunks.push(chunk)
  return join(chunks.length > 0 ? chunks : [new Uint8Array(0)])
}

export async function readText(source: ByteSource, signal: AbortSignal): Promise<string> {
  return new TextDecoder().decode(await readBytes(source, signal))
}
