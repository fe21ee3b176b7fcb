import { concatenate, emptyBody, type HttpHeaders, header } from './http-message.ts'

export interface HttpHead {
  /** `HTTP/1.1`. */
  readonly version: string
  /** A request's method and target, or a response's status and reason. */
  readonly method?: string
  readonly target?: string
  readonly status?: number
  readonly reason?: string
  readonly headers: HttpHeaders
}

export interface HttpParserHandlers {
  head?(head: HttpHead): void
  /** A piece of the body, as it came. */
  body?(bytes: Uint8Array): void
  /** The message is complete; the next one may follow. */
  end?(): void
}

/** The bytes are no HTTP/1.1 message; `status` is what a server answers to that. */
export class HttpParseError extends Error {
  readonly status: 400 | 413 | 431 | 501 | 505
  constructor(status: 400 | 413 | 431 | 501 | 505, message: string) {
    super(message)
    this.name = 'HttpParseError'
    this.status = status
  }
}

export interface HttpParserOptions {
  readonly kind: 'request' | 'response'
  /** Bytes of the start line and all fields; 8 KiB of a line and 64 KiB in all are common in servers. */
  readonly headLimit?: number
  /** A response's body is left out when its request was a HEAD; asked at each head. */
  readonly withoutBody?: () => boolean
}

const decoder = new TextDecoder()
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const newline = 10

/** An incremental HTTP/1.1 parser (RFC 9112). How the bytes are cut into pieces makes no difference to what it reports. */
export class HttpParser {
  readonly #options: HttpParserOptions
  readonly #handlers: HttpParserHandlers
  #state: 'head' | 'length' | 'close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'failed' = 'head'
  #line: Uint8Array[] = []
  #lineLength = 0
  #lines: string[] = []
  #headLength = 0
  #left = 0

  constructor(options: HttpParserOptions, handlers: HttpParserHandlers) {
    this.#options = options
    this.#handlers = handlers
  }

  /** Whether it is between messages. */
  get idle(): boolean {
    return this.#state === 'head' && this.#lines.length === 0 && this.#lineLength === 0
  }

  /** Throws HttpParseError; after that nothing more is accepted. */
  push(bytes: Uint8Array): void {
    if (this.#state === 'failed') throw new HttpParseError(400, 'an earlier message was malformed')
    try {
      let at = 0
      while (at < bytes.length) at = this.#step(bytes, at)
    } catch (error) {
      this.#state = 'failed'
      throw error
    }
  }

  /** The connection is at its end. Throws HttpParseError where a message is cut off. */
  finish(): void {
    if (this.#state === 'failed' || this.idle) return
    const complete = this.#state === 'close'
    this.#state = 'failed'
    if (!complete) throw new HttpParseError(400, 'unexpected EOF')
    this.#handlers.end?.()
  }

  #step(bytes: Uint8Array, at: number): number {
    switch (this.#state) {
      case 'length':
      case 'chunk': {
        const piece = bytes.subarray(at, Math.min(bytes.length, at + this.#left))
        this.#left -= piece.length
        this.#handlers.body?.(piece)
        if (this.#left === 0) {
          if (this.#state === 'length') this.#complete()
          else this.#state = 'chunk-end'
        }
        return at + piece.length
      }
      case 'close':
        this.#handlers.body?.(bytes.subarray(at))
        return bytes.length
      default:
        return this.#takeLine(bytes, at)
    }
  }

  #takeLine(bytes: Uint8Array, at: number): number {
    const end = bytes.indexOf(newline, at)
    const stop = end < 0 ? bytes.length : end + 1
    this.#headLength += stop - at
    if (this.#headLength > (this.#options.headLimit ?? 65_536)) throw new HttpParseError(431, 'header fields are too large')
    if (stop > at) this.#line.push(bytes.slice(at, stop))
    this.#lineLength += stop - at
    if (end < 0) return stop
    const line = decoder.decode(concatenate(this.#line)).replace(/\r?\n$/, '')
    this.#line = []
    this.#lineLength = 0
    this.#onLine(line)
    return stop
  }

  #onLine(line: string): void {
    switch (this.#state) {
      case 'head':
        // Empty lines before a request line are tolerated (RFC 9112, 2.2).
        if (line === '' && this.#lines.length === 0) return
        if (line === '') return this.#onHead()
        // A start line is judged as soon as it is there: what follows a stranger's first line may never end.
        if (this.#lines.length === 0) this.#start(line, [])
        this.#lines.push(line)
        return
      case 'chunk-size': {
        const size = /^([0-9a-f]{1,8})\s*(;.*)?$/i.exec(line)?.[1]
        if (size === undefined) throw new HttpParseError(400, `malformed chunk size ${JSON.stringify(line)}`)
        this.#left = Number.parseInt(size, 16)
        this.#headLength = 0
        this.#state = this.#left === 0 ? 'trailer' : 'chunk'
        return
      }
      case 'chunk-end':
        if (line !== '') throw new HttpParseError(400, 'a chunk is longer than its size says')
        this.#state = 'chunk-size'
        return
      case 'trailer':
        if (line === '') this.#complete()
    }
  }

  #onHead(): void {
    const [start = '', ...fields] = this.#lines
    this.#lines = []
    this.#headLength = 0
    const headers = fields.map(parseField)
    const head = this.#start(start, headers)
    const next = this.#framing(head)
    this.#handlers.head?.(head)
    if (next === 'none') this.#complete()
    else this.#state = next
  }

  #start(line: string, headers: HttpHeaders): HttpHead {
    return this.#options.kind === 'request' ? requestHead(line, headers) : responseHead(line, headers)
  }

  #framing(head: HttpHead): 'none' | 'length' | 'close' | 'chunk-size' {
    const { status } = head
    if (status !== undefined) {
      if (status < 200 || status === 204 || status === 304 || this.#options.withoutBody?.()) return 'none'
    }
    const coding = header(head, 'transfer-encoding')
    const lengths = new Set(head.headers.filter(([name]) => name.toLowerCase() === 'content-length').map(([, value]) => value))
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw new HttpParseError(501, `transfer coding "${coding}" is not known`)
      // Both at once is how requests are smuggled.
      if (lengths.size > 0) throw new HttpParseError(400, 'both Content-Length and Transfer-Encoding')
      return 'chunk-size'
    }
    if (lengths.size === 0) return status === undefined ? 'none' : 'close'
    const [length = ''] = lengths
    if (lengths.size > 1 || !/^\d{1,15}$/.test(length))
      throw new HttpParseError(400, `bad Content-Length ${JSON.stringify([...lengths].join(', '))}`)
    this.#left = Number(length)
    return this.#left === 0 ? 'none' : 'length'
  }

  #complete(): void {
    this.#state = 'head'
    this.#headLength = 0
    this.#handlers.end?.()
  }
}

function parseField(line: string): [string, string] {
  const colon = line.indexOf(':')
  const name = line.slice(0, colon)
  if (colon < 1 || !token.test(name)) throw new HttpParseError(400, `malformed header field ${JSON.stringify(line)}`)
  return [name, line.slice(colon + 1).trim()]
}

function requestHead(line: string, headers: HttpHeaders): HttpHead {
  const parts = /^(\S+) (\S+) (HTTP\/\d\.\d)$/.exec(line)
  if (!parts || !token.test(parts[1]!)) throw new HttpParseError(400, `malformed HTTP request ${JSON.stringify(line)}`)
  if (!parts[3]!.startsWith('HTTP/1.')) throw new HttpParseError(505, `${parts[3]} is not supported`)
  return { method: parts[1]!, target: parts[2]!, version: parts[3]!, headers }
}

function responseHead(line: string, headers: HttpHeaders): HttpHead {
  const parts = /^(HTTP\/1\.\d) (\d{3})(?: (.*))?$/.exec(line)
  if (!parts) throw new HttpParseError(400, `malformed HTTP response ${JSON.stringify(line)}`)
  return { version: parts[1]!, status: Number(parts[2]), reason: parts[3] ?? '', headers }
}

/** Whether the connection stays open after this message (RFC 9112, 9.3). */
export function keepsAlive(head: { version: string; headers: HttpHeaders }): boolean {
  const options = (header(head, 'connection') ?? '').toLowerCase().split(/\s*,\s*/)
  return head.version === 'HTTP/1.0' ? options.includes('keep-alive') : !options.includes('close')
}

/** Gathers a whole message's body. */
export function gatherBody(): { add(bytes: Uint8Array): void; take(): Uint8Array } {
  let parts: Uint8Array[] = []
  return {
    add: (bytes) => {
      parts.push(bytes)
    },
    take: () => {
      const body = parts.length === 0 ? emptyBody : concatenate(parts)
      parts = []
      return body
    },
  }
}
