/**
 * Frames of SPDY/3.1 (SPDY Protocol draft 3.1, section 2): what kubectl and kubelets multiplex streams with. Header blocks stay compressed
 * here, because their compression is the connection's (header-block.ts).
 */
export type Frame =
  | { readonly type: 'data'; readonly stream: number; readonly fin: boolean; readonly bytes: Uint8Array }
  | {
      readonly type: 'syn-stream'
      readonly stream: number
      readonly associated: number
      /** 0 (highest) to 7. */
      readonly priority: number
      readonly fin: boolean
      readonly unidirectional: boolean
      readonly block: Uint8Array
    }
  | { readonly type: 'syn-reply' | 'headers'; readonly stream: number; readonly fin: boolean; readonly block: Uint8Array }
  | { readonly type: 'rst-stream'; readonly stream: number; readonly status: number }
  | { readonly type: 'settings'; readonly clear: boolean; readonly entries: readonly { flags: number; id: number; value: number }[] }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway'; readonly lastStream: number; readonly status: number }
  | { readonly type: 'window-update'; readonly stream: number; readonly delta: number }

/** RST_STREAM's codes that are used here. */
export const resetStatus = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const

/** The peer does not speak SPDY/3. */
export class SpdyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SpdyError'
  }
}

const version = 3
const headerLength = 8
const codes = {
  'syn-stream': 1,
  'syn-reply': 2,
  'rst-stream': 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  headers: 8,
  'window-update': 9,
} as const
const flagFin = 1
const flagUnidirectional = 2
const flagClearSettings = 1
/** What a frame's 24 bits of length can say. */
const largestPayload = 0xff_ffff

export function encodeFrame(frame: Frame): Uint8Array {
  if (frame.type === 'data') {
    const out = frameOf(frame.bytes.length)
    const view = new DataView(out.buffer)
    view.setUint32(0, frame.stream & 0x7fff_ffff)
    out[4] = frame.fin ? flagFin : 0
    out.set(frame.bytes, headerLength)
    return out
  }
  const { flags, payload } = controlParts(frame)
  const out = frameOf(payload.length)
  const view = new DataView(out.buffer)
  view.setUint16(0, 0x8000 | version)
  view.setUint16(2, codes[frame.type])
  out[4] = flags
  out.set(payload, headerLength)
  return out
}

function frameOf(length: number): Uint8Array<ArrayBuffer> {
  if (length > largestPayload) throw new SpdyError(`a SPDY frame carries at most ${largestPayload} bytes, not ${length}`)
  const out = new Uint8Array(headerLength + length)
  out[5] = length >> 16
  out[6] = length >> 8
  out[7] = length
  return out
}

function controlParts(frame: Exclude<Frame, { type: 'data' }>): { flags: number; payload: Uint8Array } {
  switch (frame.type) {
    case 'syn-stream': {
      const payload = words(frame.block, frame.stream, frame.associated, frame.priority << 29)
      // Of the third word only the first half belongs to the frame: priority and slot.
      const trimmed = new Uint8Array(10 + frame.block.length)
      trimmed.set(payload.subarray(0, 10))
      trimmed.set(frame.block, 10)
      return { flags: (frame.fin ? flagFin : 0) | (frame.unidirectional ? flagUnidirectional : 0), payload: trimmed }
    }
    case 'syn-reply':
    case 'headers':
      return { flags: frame.fin ? flagFin : 0, payload: words(frame.block, frame.stream) }
    case 'rst-stream':
      return { flags: 0, payload: words(none, frame.stream, frame.status) }
    case 'settings':
      return {
        flags: frame.clear ? flagClearSettings : 0,
        payload: words(none, frame.entries.length, ...frame.entries.flatMap(({ flags, id, value }) => [(flags << 24) | id, value])),
      }
    case 'ping':
      return { flags: 0, payload: words(none, frame.id) }
    case 'goaway':
      return { flags: 0, payload: words(none, frame.lastStream, frame.status) }
    case 'window-update':
      return { flags: 0, payload: words(none, frame.stream, frame.delta) }
  }
}

const none = new Uint8Array()

function words(rest: Uint8Array, ...values: number[]): Uint8Array {
  const out = new Uint8Array(values.length * 4 + rest.length)
  const view = new DataView(out.buffer)
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value >>> 0)
  out.set(rest, values.length * 4)
  return out
}

/** Cuts a byte stream into frames, however it arrives. */
export class FrameReader {
  #chunks: Uint8Array[] = []
  #size = 0

  /** The frames that are whole now. Throws SpdyError for what is no SPDY/3; control frames of unknown types are passed over, as the draft asks. */
  push(bytes: Uint8Array): Frame[] {
    if (bytes.length > 0) {
      this.#chunks.push(bytes)
      this.#size += bytes.length
    }
    const frames: Frame[] = []
    while (this.#size >= headerLength) {
      const head = this.#peek(headerLength)
      const length = (head[5]! << 16) | (head[6]! << 8) | head[7]!
      if (this.#size < headerLength + length) break
      const frame = decodeFrame(this.#take(headerLength + length))
      if (frame) frames.push(frame)
    }
    return frames
  }

  #peek(length: number): Uint8Array {
    const first = this.#chunks[0]!
    if (first.length >= length) return first
    this.#chunks = [join(this.#chunks, this.#size)]
    return this.#chunks[0]!
  }

  #take(length: number): Uint8Array {
    let whole = this.#chunks[0]!
    if (whole.length < length) {
      whole = join(this.#chunks, this.#size)
      this.#chunks = [whole]
    }
    if (whole.length === length) this.#chunks.shift()
    else this.#chunks[0] = whole.subarray(length)
    this.#size -= length
    return whole.subarray(0, length)
  }
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

function decodeFrame(bytes: Uint8Array): Frame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const flags = bytes[4]!
  const payload = bytes.subarray(headerLength)
  const fin = (flags & flagFin) !== 0
  if ((bytes[0]! & 0x80) === 0) return { type: 'data', stream: view.getUint32(0), fin, bytes: payload }
  const spoken = view.getUint16(0) & 0x7fff
  if (spoken !== version) throw new SpdyError(`the peer speaks version ${spoken} of SPDY, not ${version}`)
  const code = view.getUint16(2)
  const word = (index: number): number => {
    if (payload.length < (index + 1) * 4)
      throw new SpdyError(`a SPDY control frame of type ${code} is cut short at ${payload.length} bytes`)
    return view.getUint32(headerLength + index * 4)
  }
  const id = (index: number) => word(index) & 0x7fff_ffff
  switch (code) {
    case codes['syn-stream']:
      if (payload.length < 10) throw new SpdyError(`a SYN_STREAM frame is cut short at ${payload.length} bytes`)
      return {
        type: 'syn-stream',
        stream: id(0),
        associated: id(1),
        priority: payload[8]! >> 5,
        fin,
        unidirectional: (flags & flagUnidirectional) !== 0,
        block: payload.subarray(10),
      }
    case codes['syn-reply']:
    case codes.headers:
      return { type: code === codes.headers ? 'headers' : 'syn-reply', stream: id(0), fin, block: payload.subarray(4) }
    case codes['rst-stream']:
      return { type: 'rst-stream', stream: id(0), status: word(1) }
    case codes.settings: {
      const entries = Array.from({ length: word(0) }, (_, index) => {
        const key = word(1 + 2 * index)
        return { flags: key >>> 24, id: key & 0xff_ffff, value: word(2 + 2 * index) }
      })
      return { type: 'settings', clear: (flags & flagClearSettings) !== 0, entries }
    }
    case codes.ping:
      return { type: 'ping', id: word(0) }
    case codes.goaway:
      return { type: 'goaway', lastStream: id(0), status: word(1) }
    case codes['window-update']:
      return { type: 'window-update', stream: id(0), delta: word(1) & 0x7fff_ffff }
    default:
      return undefined
  }
}
