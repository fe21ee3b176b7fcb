import type { Closer } from '../clock.ts'
import { echoRequest } from './icmp.ts'
import { echoPacket, icmpHeaderSize, type Packet } from './packet.ts'
import type { SocketTable } from './socket-table.ts'
import type { Errno, Sockets } from './sockets.ts'

/** One echo request that waits for its reply. */
export interface Ping {
  closed: boolean
  reply(packet: Packet): void
  error(about: Packet, from: string, message: string, type: number, code: number): void
}

/** strerror, as ping prints it when its own host refuses to send. */
const words: Partial<Record<Errno, string>> = {
  ENETUNREACH: 'Network is unreachable',
  EHOSTUNREACH: 'No route to host',
  EPERM: 'Operation not permitted',
  EACCES: 'Permission denied',
  EMSGSIZE: 'Message too long',
  EADDRNOTAVAIL: 'Cannot assign requested address',
}

/** Where the own host refuses to send, `error` is called with an empty `from`, type -1 and the words of strerror. */
export function openPing(
  table: SocketTable,
  to: string,
  options: Parameters<Sockets['ping']>[1],
  handlers: Parameters<Sockets['ping']>[2],
): Closer {
  const { namespace, pings } = table
  const { clock, random } = namespace.network
  const { id, sequence, ttl } = options
  const later = (task: () => void) => {
    clock.soon(() => {
      if (!ping.closed) task()
    })
  }
  const ping: Ping = {
    closed: false,
    reply: (packet) => {
      if (packet.icmp?.sequence !== sequence || packet.src !== to) return
      // A little of what makes two measurements differ, a tenth at most.
      const rtt = packet.latency * (1 + random.next() / 10) + 0.02
      const bytes = packet.size - 20
      later(() => handlers.reply({ from: packet.src, ttl: packet.ttl, bytes, rtt }))
    },
    error: (about, from, message, type, code) => {
      if (about.icmp?.sequence !== sequence || about.dst !== to) return
      later(() => handlers.error?.(from, message, type, code))
    },
  }
  const same = pings.get(id) ?? new Set<Ping>()
  same.add(ping)
  pings.set(id, same)
  const packet = echoPacket('', to, { type: echoRequest, code: 0, sequence }, id, new Uint8Array(options.bytes))
  packet.ttl = ttl
  const mtu = namespace.ip.pathMtu(to)
  // As for UDP: asks not to be cut where it fits anyway.
  packet.df = options.dontFragment ?? (mtu !== undefined && options.bytes + icmpHeaderSize + 20 <= mtu)
  const errno = namespace.ip.output(packet)
  if (errno) {
    const message = errno === 'EMSGSIZE' && mtu !== undefined ? `message too long, mtu=${mtu}` : (words[errno] ?? errno)
    later(() => handlers.error?.('', message, -1, 0))
  }
  return {
    close: () => {
      ping.closed = true
      same.delete(ping)
      if (same.size === 0 && pings.get(id) === same) pings.delete(id)
    },
  }
}
