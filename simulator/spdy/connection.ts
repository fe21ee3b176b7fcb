import type { MessageSocket } from '../apiserver/api.ts'
import { BrokenPipe, type ByteSink, type ByteSource, Pipe } from '../streams.ts'
import { encodeFrame, type Frame, FrameReader, resetStatus } from './frames.ts'
import { HeaderBlockReader, HeaderBlockWriter, type Headers } from './header-block.ts'

/** Larger writes leave in several frames, so that streams take turns. */
const largestData = 32 * 1024

/** One stream of a connection: both directions, each of which may end by itself. */
export class SpdyStream implements ByteSource, ByteSink {
  readonly id: number
  readonly headers: Headers
  readonly #send: (frame: Frame) => Promise<void>
  readonly #input = new Pipe()
  readonly #ended: (stream: SpdyStream) => void
  #inputOver = false
  #outputOver = false

  constructor(id: number, headers: Headers, send: (frame: Frame) => Promise<void>, ended: (stream: SpdyStream) => void) {
    this.id = id
    this.headers = headers
    this.#send = send
    this.#ended = ended
  }

  read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#input.read(signal)
  }

  /** Resolves when the transport can take more; rejects with BrokenPipe once the stream is reset, ended or lost. */
  async write(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    for (let at = 0; at < bytes.length; at += largestData) {
      if (this.#outputOver) throw new BrokenPipe()
      await this.#send({ type: 'data', stream: this.id, fin: false, bytes: bytes.subarray(at, at + largestData) })
    }
  }

  /** FIN: nothing more is written; reading goes on. */
  async end(): Promise<void> {
    if (this.#outputOver) return
    this.#outputOver = true
    await this.#send({ type: 'data', stream: this.id, fin: true, bytes: new Uint8Array() }).catch(ignoreLoss)
    this.#check()
  }

  /** Ends both directions at once, on both sides. */
  async reset(status: number = resetStatus.cancel): Promise<void> {
    const over = this.#inputOver && this.#outputOver
    this.lost()
    if (!over) await this.#send({ type: 'rst-stream', stream: this.id, status }).catch(ignoreLoss)
  }

  /** What the peer sent; waits while the reader is behind, and with it the whole connection. */
  async received(bytes: Uint8Array, fin: boolean): Promise<void> {
    // Whoever read this stream has gone: its bytes are dropped, the others' must go on.
    if (bytes.length > 0 && !this.#inputOver) await this.#input.write(bytes).catch(ignoreLoss)
    if (fin) this.endInput()
  }

  endInput(): void {
    this.#inputOver = true
    this.#input.end()
    this.#check()
  }

  /** Nobody reads any more: what comes is dropped. */
  abandon(): void {
    this.#input.abandon()
  }

  /** The peer reset the stream, or the connection is gone. */
  lost(): void {
    this.#outputOver = true
    this.endInput()
  }

  #check(): void {
    if (this.#inputOver && this.#outputOver) this.#ended(this)
  }
}

function ignoreLoss(): void {}

/**
 * A SPDY/3.1 connection over anything that carries messages: their borders mean nothing. As Kubernetes' own (moby/spdystream) it keeps no
 * flow-control windows: the transport holds a fast writer back.
 */
export class SpdyConnection {
  readonly #socket: MessageSocket
  readonly #accept: (stream: SpdyStream) => boolean
  readonly #streams = new Map<number, SpdyStream>()
  readonly #replies = new Map<number, (accepted: boolean) => void>()
  readonly #writer = new HeaderBlockWriter()
  #nextId: number
  #lastPeer = 0
  #closed = false

  /** `accept` is told of each stream that the peer opens; false refuses it. Clients open odd streams, servers even ones. */
  constructor(socket: MessageSocket, role: 'client' | 'server', accept: (stream: SpdyStream) => boolean) {
    this.#socket = socket
    this.#accept = accept
    this.#nextId = role === 'client' ? 1 : 2
  }

  /** Reads until the transport ends or speaks nonsense (SpdyError); then every stream is at its end. */
  async run(): Promise<void> {
    const frames = new FrameReader()
    const blocks = new HeaderBlockReader()
    try {
      for (;;) {
        const message = await this.#socket.receive()
        if (message === undefined) return
        const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message
        for (const frame of frames.push(bytes)) await this.#handle(frame, blocks)
      }
    } finally {
      this.#closed = true
      for (const stream of [...this.#streams.values()]) stream.lost()
      for (const reply of this.#replies.values()) reply(false)
    }
  }

  /** Resolves with the stream once the peer has accepted it; undefined where it refuses or is gone. */
  async open(headers: Headers): Promise<SpdyStream | undefined> {
    if (this.#closed) return undefined
    const id = this.#nextId
    this.#nextId += 2
    const stream = this.#stream(id, headers)
    const accepted = new Promise<boolean>((resolve) => this.#replies.set(id, resolve))
    const syn = { type: 'syn-stream', stream: id, associated: 0, priority: 0, fin: false, unidirectional: false } as const
    await this.#send({ ...syn, block: this.#writer.write(headers) })
    return (await accepted) ? stream : undefined
  }

  /** Says goodbye and closes the transport. */
  async close(): Promise<void> {
    if (!this.#closed) await this.#send({ type: 'goaway', lastStream: this.#lastPeer, status: 0 }).catch(ignoreLoss)
    this.#closed = true
    this.#socket.close(1000)
  }

  #stream(id: number, headers: Headers): SpdyStream {
    const stream = new SpdyStream(
      id,
      headers,
      (frame) => this.#send(frame),
      () => this.#streams.delete(id),
    )
    this.#streams.set(id, stream)
    return stream
  }

  async #send(frame: Frame): Promise<void> {
    if (this.#closed) throw new BrokenPipe()
    await this.#socket.send(encodeFrame(frame))
  }

  async #handle(frame: Frame, blocks: HeaderBlockReader): Promise<void> {
    switch (frame.type) {
      case 'syn-stream': {
        const stream = this.#stream(frame.stream, blocks.read(frame.block))
        this.#lastPeer = frame.stream
        if (frame.fin) stream.endInput()
        if (!this.#accept(stream)) return stream.reset(resetStatus.cancel)
        return this.#send({ type: 'syn-reply', stream: frame.stream, fin: false, block: this.#writer.write([]) })
      }
      case 'syn-reply':
        blocks.read(frame.block)
        this.#answer(frame.stream, true)
        if (frame.fin) this.#streams.get(frame.stream)?.endInput()
        return
      case 'headers':
        blocks.read(frame.block)
        if (frame.fin) this.#streams.get(frame.stream)?.endInput()
        return
      case 'data':
        return this.#streams.get(frame.stream)?.received(frame.bytes, frame.fin)
      case 'rst-stream':
        this.#answer(frame.stream, false)
        return this.#streams.get(frame.stream)?.lost()
      case 'ping':
        // The peer's own question comes back to it; an answer to ours needs nothing.
        if (frame.id % 2 !== this.#nextId % 2) await this.#send(frame)
        return
      case 'goaway':
      case 'settings':
      case 'window-update':
        return
    }
  }

  #answer(id: number, accepted: boolean): void {
    this.#replies.get(id)?.(accepted)
    this.#replies.delete(id)
  }
}
