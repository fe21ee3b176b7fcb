/** Where bytes come from. Several readers share one source: each read takes what is there. */
export interface ByteSource {
  /** The next bytes, or undefined at the end. Rejects with `signal.reason` when aborted while waiting. */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>
}

/** Where bytes go. */
export interface ByteSink {
  /** Resolves when the sink can take more; rejects with `BrokenPipe` when nobody reads any more. */
  write(data: Uint8Array | string): Promise<void>
}

export class BrokenPipe extends Error {
  constructor() {
    super('Broken pipe')
    this.name = 'BrokenPipe'
  }
}

const encoder = new TextEncoder()
/** As a Linux pipe. */
const capacity = 65_536

/** A bounded pipe: a writer waits while it is full, a reader while it is empty. */
export class Pipe implements ByteSource, ByteSink {
  #chunks: Uint8Array[] = []
  #size = 0
  #ended = false
  #broken = false
  #readers: (() => void)[] = []
  #writers: (() => void)[] = []

  async write(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === 'string' ? encoder.encode(data) : data
    while (this.#size >= capacity && !this.#broken) await new Promise<void>((resolve) => this.#writers.push(resolve))
    if (this.#broken || this.#ended) throw new BrokenPipe()
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#size += bytes.length
    wake(this.#readers)
  }

  async read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#ended || this.#broken) return undefined
      signal?.throwIfAborted()
      await new Promise<void>((resolve, reject) => {
        const abort = () => reject(signal?.reason)
        signal?.addEventListener('abort', abort, { once: true })
        this.#readers.push(() => {
          signal?.removeEventListener('abort', abort)
          resolve()
        })
      })
    }
    const chunk = this.#chunks.shift() as Uint8Array
    this.#size -= chunk.length
    wake(this.#writers)
    return chunk
  }

  /** No more bytes will be written; readers see the end after what is buffered. */
  end(): void {
    this.#ended = true
    wake(this.#readers)
  }

  /** Nobody will read any more; writers get `BrokenPipe`. */
  abandon(): void {
    this.#broken = true
    this.#chunks = []
    this.#size = 0
    wake(this.#writers)
    wake(this.#readers)
  }
}

function wake(waiting: (() => void)[]): void {
  for (const resolve of waiting.splice(0)) resolve()
}

/** A source that is at its end: `< /dev/null`. */
export const emptySource: ByteSource = { read: async () => undefined }

/** A sink that swallows: `> /dev/null`. */
export const nullSink: ByteSink = { write: async () => {} }
