import type { ByteSource } from '../../simulator/streams.ts'

/** A member of a tar archive (POSIX.1-2001 ustar and pax, and GNU's long names). */
export interface Member {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
  /** Permission bits. */
  readonly mode: number
  /** ms since the epoch; archives keep seconds. */
  readonly modified: number
  /** Of a symbolic link: where it points. */
  readonly target: string
  readonly content: Uint8Array
}

/** The bytes are no tar archive (`stump`: not even long enough for one), or are cut short. */
export class ArchiveError extends Error {
  readonly code: 'magic' | 'stump' | 'short'
  constructor(code: 'magic' | 'stump' | 'short') {
    super(code === 'short' ? 'Unexpected EOF in archive' : 'This does not look like a tar archive')
    this.name = 'ArchiveError'
    this.code = code
  }
}

const block = 512
/** Archives are padded to whole records of 20 blocks. */
const record = 20 * block
const encoder = new TextEncoder()
const decoder = new TextDecoder()
const kinds: Readonly<Record<string, Member['kind']>> = { '0': 'file', '\0': 'file', '7': 'file', '2': 'symlink', '5': 'directory' }

/** Reads members as the archive arrives; each file's content is gathered whole. Throws ArchiveError. */
export async function* readArchive(source: ByteSource, signal: AbortSignal): AsyncGenerator<Member> {
  const input = new BlockInput(source, signal)
  let long: { path?: string; linkpath?: string; size?: string } = {}
  for (let first = true; ; first = false) {
    const header = await input.take(block).catch((error: unknown) => {
      throw first && error instanceof ArchiveError ? new ArchiveError('stump') : error
    })
    if (first && header === undefined) throw new ArchiveError('stump')
    if (header === undefined || header.every((byte) => byte === 0)) {
      // Whoever writes the archive still writes its padding, and must not meet a closed pipe.
      return input.drain()
    }
    if (!checksumHolds(header)) throw new ArchiveError('magic')
    const type = String.fromCharCode(header[156]!)
    const size = Number(long.size ?? numberAt(header, 124, 12))
    const content = await input.take(size)
    if (content === undefined || (size % block > 0 && (await input.take(block - (size % block))) === undefined))
      throw new ArchiveError('short')
    if (type === 'x') Object.assign(long, paxRecords(content))
    else if (type === 'L') long.path = textOf(content)
    else if (type === 'K') long.linkpath = textOf(content)
    else if (type !== 'g') {
      const prefix = textAt(header, 257, 5) === 'ustar' && header[263] === 0x30 ? textAt(header, 345, 155) : ''
      const short = textAt(header, 0, 100)
      const name = long.path ?? (prefix ? `${prefix}/${short}` : short)
      yield {
        name,
        // Before there was a type for folders, a slash at the end made one.
        kind: name.endsWith('/') ? 'directory' : (kinds[type] ?? 'other'),
        mode: numberAt(header, 100, 8) & 0o7777,
        modified: numberAt(header, 136, 12) * 1000,
        target: long.linkpath ?? textAt(header, 157, 100),
        content,
      }
      long = {}
    }
  }
}

/** One member's header and content, padded to whole blocks. */
export function* writeMember(member: Omit<Member, 'target'>): Generator<Uint8Array> {
  const name = member.kind === 'directory' && !member.name.endsWith('/') ? `${member.name}/` : member.name
  const bytes = encoder.encode(name)
  if (bytes.length > 100) {
    const long = new Uint8Array(bytes.length + 1)
    long.set(bytes)
    yield headerOf(encoder.encode('././@LongLink'), 'L', 0o644, 0, long.length)
    yield* padded(long)
  }
  const type = member.kind === 'directory' ? '5' : '0'
  yield headerOf(bytes.subarray(0, 100), type, member.mode & 0o7777, member.modified, member.content.length)
  yield* padded(member.content)
}

/** What ends an archive of which `written` bytes are out. */
export function endOfArchive(written: number): Uint8Array {
  const end = written + 2 * block
  return new Uint8Array(2 * block + ((record - (end % record)) % record))
}

function* padded(content: Uint8Array): Generator<Uint8Array> {
  if (content.length > 0) yield content
  if (content.length % block > 0) yield new Uint8Array(block - (content.length % block))
}

function headerOf(name: Uint8Array, type: string, mode: number, modified: number, size: number): Uint8Array {
  const header = new Uint8Array(block)
  const put = (at: number, text: string) => header.set(encoder.encode(text), at)
  const octal = (value: number, width: number) => value.toString(8).padStart(width, '0')
  header.set(name)
  put(100, `${octal(mode, 7)}\0`)
  put(108, `${octal(0, 7)}\0`)
  put(116, `${octal(0, 7)}\0`)
  put(124, `${octal(size, 11)}\0`)
  put(136, `${octal(Math.max(0, Math.floor(modified / 1000)), 11)}\0`)
  put(156, type)
  put(257, 'ustar  \0')
  put(265, 'root')
  put(297, 'root')
  put(148, `${octal(sumOf(header), 6)}\0 `)
  return header
}

/** The header's bytes added up, its checksum field counted as spaces. */
function sumOf(header: Uint8Array): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0)
}

function checksumHolds(header: Uint8Array): boolean {
  return numberAt(header, 148, 8) === sumOf(header)
}

function textAt(header: Uint8Array, at: number, length: number): string {
  return textOf(header.subarray(at, at + length))
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end))
}

function numberAt(header: Uint8Array, at: number, length: number): number {
  // GNU's base 256 for what octal cannot say.
  if (header[at]! & 0x80) return header.subarray(at + 1, at + length).reduce((value, byte) => value * 256 + byte, header[at]! & 0x7f)
  return Number.parseInt(textAt(header, at, length).trim() || '0', 8)
}

/** `LENGTH KEY=VALUE\n` each, LENGTH counting itself. */
function paxRecords(content: Uint8Array): Record<string, string> {
  const records: Record<string, string> = {}
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at)
    const length = Number(decoder.decode(content.subarray(at, space)))
    if (space < 0 || !(length > 0)) throw new ArchiveError('magic')
    const text = decoder.decode(content.subarray(space + 1, at + length - 1))
    const equals = text.indexOf('=')
    if (['path', 'linkpath', 'size'].includes(text.slice(0, equals))) records[text.slice(0, equals)] = text.slice(equals + 1)
    at += length
  }
  return records
}

/** Bytes of a source in the amounts that are asked for. */
class BlockInput {
  readonly #source: ByteSource
  readonly #signal: AbortSignal
  #chunks: Uint8Array[] = []
  #size = 0

  constructor(source: ByteSource, signal: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  /** Exactly so many bytes; undefined at the end. Throws ArchiveError where the source ends in between. */
  async take(length: number): Promise<Uint8Array | undefined> {
    while (this.#size < length) {
      const chunk = await this.#source.read(this.#signal)
      if (chunk === undefined) {
        if (this.#size === 0) return undefined
        throw new ArchiveError('short')
      }
      this.#chunks.push(chunk)
      this.#size += chunk.length
    }
    const taken = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const first = this.#chunks[0]!
      const part = first.subarray(0, length - at)
      taken.set(part, at)
      at += part.length
      if (part.length === first.length) this.#chunks.shift()
      else this.#chunks[0] = first.subarray(part.length)
    }
    this.#size -= length
    return taken
  }

  async drain(): Promise<void> {
    while ((await this.#source.read(this.#signal)) !== undefined);
  }
}
