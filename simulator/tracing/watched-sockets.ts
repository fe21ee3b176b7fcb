import { NetworkError, type Sockets } from '../network/sockets.ts'

/** A socket that the client opened, as far as it is known from its own side. */
export interface Opened {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  /** ms since the epoch. */
  readonly at: number
  /** The port; of ICMP the identifier. */
  readonly port: number
  readonly to: { readonly address: string; readonly port: number }
  connected: boolean
  errno: string | undefined
  readonly sent: Uint8Array[]
  readonly received: Uint8Array[]
}

/** The same sockets, of which each one that opens is told to `opened`, with what went through it. */
export function watchSockets(sockets: Sockets, now: () => number, opened: Opened[]): Sockets {
  const open = (protocol: Opened['protocol'], port: number, to: Opened['to']): Opened => {
    const one: Opened = { protocol, at: now(), port, to, connected: false, errno: undefined, sent: [], received: [] }
    opened.push(one)
    return one
  }
  const failed = (one: Opened | undefined, error: unknown) => {
    if (one && error instanceof NetworkError) one.errno = error.code
  }
  return {
    ...sockets,
    connectTcp: (to, handlers) => {
      let one: Opened | undefined
      const connection = sockets.connectTcp(to, {
        connected: () => {
          if (one) one.connected = true
          handlers.connected?.()
        },
        data: (bytes) => {
          one?.received.push(bytes)
          handlers.data?.(bytes)
        },
        end: () => handlers.end?.(),
        error: (error) => {
          failed(one, error)
          handlers.error?.(error)
        },
      })
      one = open('tcp', connection.local.port, { address: to.address, port: to.port })
      return connection
    },
    bindUdp: (at, handlers) => {
      const flows = new Map<string, Opened>()
      const socket = sockets.bindUdp(at, {
        datagram: (bytes, from) => {
          flows.get(`${from.address} ${from.port}`)?.received.push(bytes)
          handlers.datagram(bytes, from)
        },
        error: (error) => {
          for (const one of flows.values()) failed(one, error)
          handlers.error?.(error)
        },
      })
      return {
        local: socket.local,
        close: () => socket.close(),
        send: (bytes, to) => {
          const key = `${to.address} ${to.port}`
          const one = flows.get(key) ?? open('udp', socket.local.port, { address: to.address, port: to.port })
          flows.set(key, one)
          one.sent.push(bytes)
          socket.send(bytes, to)
        },
      }
    },
    ping: (to, options, handlers) => {
      const one = open('icmp', options.id, { address: to, port: 0 })
      return sockets.ping(to, options, {
        reply: (reply) => {
          one.connected = true
          handlers.reply(reply)
        },
        error: (from, message, type, code) => {
          one.errno ??= type === -1 ? message : 'EHOSTUNREACH'
          handlers.error?.(from, message, type, code)
        },
      })
    },
  }
}
