import { decodeDns, encodeDns } from '../../network/dns-message.ts'
import { type Endpoint, NetworkError, type UdpHandlers } from '../../network/sockets.ts'
import { framed, framedMessage } from './framing.ts'
import type { Setup } from './plugin.ts'
import type { Answer, Query } from './query.ts'

/** How long one upstream may take to answer, ms; CoreDNS's readTimeout. */
const readTimeoutMs = 2000

/** One question to one upstream. `done` gets the answer, or in Go's words why there is none. */
export function exchange(
  { context }: Pick<Setup, 'context'>,
  protocol: 'udp' | 'tcp',
  query: Query,
  upstream: Endpoint,
  done: (result: Answer | string) => void,
): void {
  const id = context.random.below(65_536)
  const bytes = encodeDns({ ...query.message, id, recursionDesired: true })
  let opened: { close(): void } | undefined
  let phase = protocol === 'udp' ? 'read' : 'dial'
  let local = 0
  let over = false
  const finish = (result: Answer | string) => {
    if (over) return
    over = true
    timer.close()
    opened?.close()
    done(result)
  }
  const to = `${upstream.address}:${upstream.port}`
  const where = () =>
    phase === 'dial' ? `dial ${protocol} ${to}` : `${phase} ${protocol} ${context.sockets.addresses()[0] ?? '0.0.0.0'}:${local}->${to}`
  const timer = context.clock.after(readTimeoutMs, () => finish(`${where()}: i/o timeout`))
  const failed = (error: NetworkError) => finish(`${where()}: ${goError(error, phase)}`)
  const receive: UdpHandlers['datagram'] = (received) => {
    const message = decodeDns(received)
    if (message.id !== id) return
    const { rcode, authoritative, answers, authorities, truncated } = message
    finish({ rcode, authoritative, answers, authorities, truncated })
  }
  try {
    if (protocol === 'udp') {
      const socket = context.sockets.bindUdp({}, { datagram: receive, error: failed })
      opened = socket
      local = socket.local.port
      socket.send(bytes, upstream)
      return
    }
    const connection = context.sockets.connectTcp(upstream, {
      connected() {
        phase = 'read'
        connection.write(framedMessage(bytes))
      },
      data: framed((received) => receive(received, upstream)),
      end: () => finish('EOF'),
      error: failed,
    })
    opened = connection
    local = connection.local.port
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    phase = 'write'
    failed(error)
  }
}

function goError(error: NetworkError, phase: string): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return `${phase === 'dial' ? 'connect' : 'read'}: connection refused`
    case 'ECONNRESET':
      return 'read: connection reset by peer'
    case 'EHOSTUNREACH':
      return 'connect: no route to host'
    case 'ENETUNREACH':
      return 'connect: network is unreachable'
    case 'ETIMEDOUT':
      return 'i/o timeout'
    default:
      return error.message
  }
}
