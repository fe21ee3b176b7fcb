import type { Clock } from '../clock.ts'
import { concatenate } from './http-message.ts'
import { type Endpoint, type HttpsService, NetworkError, type Sockets, type TcpConnection } from './sockets.ts'

/** The caller's own patience ended; the kernel would have waited longer (its own is `NetworkError` ETIMEDOUT). */
export class DialTimeout extends Error {
  readonly timeoutMs: number
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`)
    this.name = 'DialTimeout'
    this.timeoutMs = timeoutMs
  }
}

export interface Waiting {
  readonly clock: Clock
  /** ms; absent: as long as the kernel waits. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** A TCP connection for code that awaits. */
export interface Connection {
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly service: HttpsService | undefined
  /** What came next, with `atMost` (bytes) everything that has come, up to that; undefined once the peer closed its side. Rejects with NetworkError, DialTimeout or `signal.reason`. */
  read(options?: { timeoutMs?: number; signal?: AbortSignal; atMost?: number }): Promise<Uint8Array | undefined>
  write(bytes: Uint8Array): void
  /** Sends FIN; reading goes on. */
  end(): void
  close(): void
}

/** Resolves when the handshake is done; rejects with NetworkError, DialTimeout or `signal.reason`, and nothing stays open then. */
export function connect(sockets: Sockets, to: Endpoint, options: Waiting): Promise<Connection> {
  const { clock } = options
  const chunks: Uint8Array[] = []
  let ended = false
  let failure: NetworkError | undefined
  let wake: () => void = () => {}
  let open = false
  const socket: TcpConnection = sockets.connectTcp(to, {
    connected: () => {
      open = true
      wake()
    },
    data: (bytes) => {
      chunks.push(bytes)
      wake()
    },
    end: () => {
      ended = true
      wake()
    },
    error: (error) => {
      failure = error
      wake()
    },
  })
  const until = async (ready: () => boolean, waiting: Waiting): Promise<void> => {
    await waitUntil(ready, waiting, (listener) => {
      wake = listener
    })
  }
  const connection: Connection = {
    local: socket.local,
    remote: socket.remote,
    get service() {
      return socket.service
    },
    read: async (reading = {}) => {
      await until(() => chunks.length > 0 || ended || failure !== undefined, { clock, ...reading })
      const chunk = reading.atMost === undefined ? chunks.shift() : takeTogether(chunks, reading.atMost)
      if (chunk) return chunk
      if (failure) throw failure
      return undefined
    },
    write: (bytes) => socket.write(bytes),
    end: () => socket.end(),
    close: () => socket.close(),
  }
  return until(() => open || failure !== undefined, options).then(
    () => {
      if (failure && !open) throw failure
      return connection
    },
    (error: unknown) => {
      socket.close()
      throw error
    },
  )
}

/** As many of the first chunks as fit into `atMost` bytes, at least one. */
function takeTogether(chunks: Uint8Array[], atMost: number): Uint8Array | undefined {
  let count = 1
  let size = chunks[0]?.length ?? 0
  while (count < chunks.length && size + chunks[count]!.length <= atMost) size += chunks[count++]!.length
  const taken = chunks.splice(0, count)
  return taken.length < 2 ? taken[0] : concatenate(taken)
}

/** A datagram there and one back: what a resolver does. Rejects with NetworkError (ICMP said no), DialTimeout or `signal.reason`. */
export async function exchangeUdp(sockets: Sockets, to: Endpoint, question: Uint8Array, options: Waiting): Promise<Uint8Array> {
  let answer: Uint8Array | undefined
  let failure: NetworkError | undefined
  let wake: () => void = () => {}
  const socket = sockets.bindUdp(
    {},
    {
      // As a connected socket: what comes from elsewhere is not for it.
      datagram: (bytes, from) => {
        if (from.address !== to.address || from.port !== to.port) return
        answer ??= bytes
        wake()
      },
      error: (error) => {
        failure = error
        wake()
      },
    },
  )
  try {
    socket.send(question, to)
    await waitUntil(
      () => answer !== undefined || failure !== undefined,
      options,
      (listener) => {
        wake = listener
      },
    )
    if (answer) return answer
    throw failure ?? new NetworkError('ECONNRESET')
  } finally {
    socket.close()
  }
}

function waitUntil(ready: () => boolean, { clock, timeoutMs, signal }: Waiting, listen: (listener: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    if (ready()) return resolve()
    const finish = (task: () => void) => {
      timer?.close()
      signal?.removeEventListener('abort', abort)
      listen(() => {})
      task()
    }
    const abort = () => finish(() => reject(signal?.reason))
    const timer = timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => finish(() => reject(new DialTimeout(timeoutMs))))
    signal?.addEventListener('abort', abort, { once: true })
    listen(() => {
      if (ready()) finish(resolve)
    })
  })
}
