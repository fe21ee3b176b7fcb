import type { TcpConnection, TcpHandlers } from '../../../simulator/network/sockets.ts'
import type { SpdyConnection } from '../../../simulator/spdy/connection.ts'
import { Pipe } from '../../../simulator/streams.ts'

/** One forwarded connection is a pair of streams that share this (client-go's portforward). */
export interface Forwarded {
  readonly remotePort: number
  readonly requestId: number
  /** Told what the other side says on the error stream. */
  failed(message: string): void
}

/** Joins an accepted local connection with the pod's port. The result is what the listener gives for it. */
export function forwardConnection(spdy: SpdyConnection, connection: TcpConnection, forwarded: Forwarded): TcpHandlers {
  const fromLocal = new Pipe()
  void join(spdy, connection, fromLocal, forwarded).finally(() => connection.close())
  return {
    // In the order of their arrival: each waits for its turn in the pipe.
    data: (bytes) => void fromLocal.write(bytes).catch(() => {}),
    end: () => fromLocal.end(),
    error: () => fromLocal.end(),
  }
}

async function join(spdy: SpdyConnection, connection: TcpConnection, fromLocal: Pipe, forwarded: Forwarded): Promise<void> {
  const headers = (streamtype: string): [string, string][] => [
    ['streamtype', streamtype],
    ['port', String(forwarded.remotePort)],
    ['requestid', String(forwarded.requestId)],
  ]
  const error = await spdy.open(headers('error'))
  if (!error) return
  await error.end()
  const complaint = (async () => {
    const decoder = new TextDecoder()
    let text = ''
    for (let bytes = await error.read(); bytes; bytes = await error.read()) text += decoder.decode(bytes, { stream: true })
    return text
  })()
  const data = await spdy.open(headers('data'))
  if (!data) return
  const sending = (async () => {
    for (let bytes = await fromLocal.read(); bytes; bytes = await fromLocal.read()) await data.write(bytes)
    await data.end()
  })()
  // The pod's side may end first; what is still to be sent is then given up.
  sending.catch(() => {})
  for (let bytes = await data.read(); bytes; bytes = await data.read()) connection.write(bytes)
  fromLocal.abandon()
  await data.reset()
  const message = await complaint
  if (message !== '') forwarded.failed(message)
}
