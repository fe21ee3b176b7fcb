import type { Closer } from '../../clock.ts'
import type { PlainAnswer, QueueVerdict, Sockets, TcpHandlers } from '../../network/sockets.ts'
import type { Account } from '../meter.ts'

/** Wraps a callback so that it does nothing after the end of its process, and a mistake in it ends that process alone. */
export type Guard = <A extends unknown[]>(run: (...args: A) => void) => (...args: A) => void

/** A process's sockets whose callbacks all go through `guard`, and whose work is put to its account. */
export function guardSockets(sockets: Sockets & Closer, guard: Guard, account?: Account): Sockets & Closer {
  const guarded = (handlers: TcpHandlers, over?: () => void): TcpHandlers => ({
    connected: guard(() => handlers.connected?.()),
    data: guard((bytes) => {
      account?.message()
      handlers.data?.(bytes)
    }),
    end: guard(() => {
      over?.()
      handlers.end?.()
    }),
    error: guard((error) => {
      over?.()
      handlers.error?.(error)
    }),
  })
  return {
    listenTcp: (at, accept) =>
      sockets.listenTcp(at, (connection) => {
        let handlers: TcpHandlers = {}
        guard(() => {
          handlers = accept(connection)
        })()
        return guarded(handlers, account?.connection())
      }),
    connectTcp: (to, handlers) => sockets.connectTcp(to, guarded(handlers)),
    bindUdp: (at, handlers) =>
      sockets.bindUdp(at, {
        datagram: guard((bytes, from) => {
          account?.message()
          handlers.datagram(bytes, from)
        }),
        error: guard((error) => handlers.error?.(error)),
      }),
    ping: (to, options, handlers) =>
      sockets.ping(to, options, {
        reply: guard((reply) => handlers.reply(reply)),
        error: guard((from, message, type, code) => handlers.error?.(from, message, type, code)),
      }),
    bindQueue: (queue, decide) =>
      sockets.bindQueue(queue, (packet) => {
        let verdict: QueueVerdict | undefined
        guard(() => {
          verdict = decide(packet)
        })()
        // Whoever dies over a packet leaves it without a verdict: the kernel drops what was queued to it.
        return verdict ?? { accept: false, reason: 'its program gave no verdict' }
      }),
    bindLog: (group, hear) => sockets.bindLog(group, guard(hear)),
    answerAtOnce: (port, answer) =>
      sockets.answerAtOnce(port, (method, path) => {
        let answered: PlainAnswer | undefined
        guard(() => {
          answered = answer(method, path)
        })()
        return answered ?? { status: 500, body: '' }
      }),
    listenUnix: (path, answer) =>
      sockets.listenUnix(path, (request) => {
        let answered: unknown
        guard(() => {
          answered = answer(request)
        })()
        return answered
      }),
    askUnix: (path, request) => sockets.askUnix(path, request),
    addresses: () => sockets.addresses(),
    close: () => sockets.close(),
  }
}
