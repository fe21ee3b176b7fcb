import { SpdyConnection, type SpdyStream } from '../../spdy/connection.ts'
import { headerOf } from '../../spdy/header-block.ts'
import { Pipe } from '../../streams.ts'
import type { MessageSocket, PortForwarder } from '../api.ts'
import { framed } from './channels.ts'

export const channelProtocol = 'v4.channel.k8s.io'
/** Pairs of SPDY streams, each pair a connection. */
export const streamProtocol = 'portforward.k8s.io'
/** The same with the SPDY connection inside a WebSocket's messages: kubectl's way since 1.31. */
export const tunnelProtocol = `SPDY/3.1+${streamProtocol}`

const encoder = new TextEncoder()

/** kubelet's portforward/httpstream.go: a data and an error stream with one request id are one connection; an error is told and the streams end. */
export async function forwardStreams(socket: MessageSocket, forward: PortForwarder): Promise<void> {
  const halves = new Map<string, SpdyStream>()
  const gone = new AbortController()
  const connection = new SpdyConnection(socket, 'server', (stream) => {
    const port = Number(headerOf(stream.headers, 'port'))
    const type = headerOf(stream.headers, 'streamtype')
    if (!Number.isInteger(port) || port < 1 || port > 65_535 || (type !== 'data' && type !== 'error')) return false
    // Old clients name no request: their error stream comes first, and the data stream next to it.
    const request = headerOf(stream.headers, 'requestid') ?? String(type === 'error' ? stream.id : stream.id - 2)
    const other = halves.get(request)
    if (!other || headerOf(other.headers, 'streamtype') === type) {
      halves.set(request, stream)
      return true
    }
    halves.delete(request)
    const [data, error] = type === 'data' ? [stream, other] : [other, stream]
    void forwardPair(forward, port, data, error, gone.signal)
    return true
  })
  try {
    await connection.run()
  } finally {
    gone.abort(new Error('the client went away'))
    await connection.close()
  }
}

async function forwardPair(forward: PortForwarder, port: number, data: SpdyStream, error: SpdyStream, gone: AbortSignal): Promise<void> {
  try {
    await forward(port, { source: data, sink: data }, gone)
  } catch (problem) {
    if (!gone.aborted) await error.write(textOf(problem)).catch(() => {})
  }
  data.abandon()
  await error.end()
  await data.end()
}

/** kubelet's portforward/websocket.go: port i has data channel 2i and error channel 2i+1; each begins with the port number, little-endian. */
export async function forwardChannels(socket: MessageSocket, ports: readonly number[], forward: PortForwarder): Promise<void> {
  const gone = new AbortController()
  const inputs = ports.map(() => new Pipe())
  const forwards = ports.map(async (port, index) => {
    const number = new Uint8Array([port & 0xff, port >> 8])
    await socket.send(framed(2 * index, number))
    await socket.send(framed(2 * index + 1, number))
    const sink = {
      write: (data: Uint8Array | string) => socket.send(framed(2 * index, typeof data === 'string' ? encoder.encode(data) : data)),
    }
    try {
      await forward(port, { source: inputs[index]!, sink }, gone.signal)
    } catch (problem) {
      if (!gone.signal.aborted) await socket.send(framed(2 * index + 1, encoder.encode(textOf(problem))))
    }
    inputs[index]!.abandon()
  })
  const over = Promise.all(forwards).finally(() => socket.close(1000))
  // A transport that breaks while it is written to is a client that is gone, which the reader below notices.
  over.catch(() => {})
  for (;;) {
    const message = await socket.receive()
    if (message === undefined) break
    const index = typeof message === 'string' ? -1 : (message[0] ?? -1) / 2
    if (typeof message !== 'string') await inputs[index]?.write(message.subarray(1)).catch(() => {})
  }
  gone.abort(new Error('the client went away'))
  for (const input of inputs) input.end()
}

function textOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem)
}
