import { socketInward, socketOutward } from './bpf-hooks.ts'
import { IcmpError } from './icmp.ts'
import { type Packet, udpPacket } from './packet.ts'
import type { SocketTable } from './socket-table.ts'
import { type Endpoint, NetworkError, type UdpHandlers, type UdpSocket } from './sockets.ts'

/** The kernel's side of a UDP socket. */
export interface UdpEndpoint {
  readonly owner: string
  readonly address: string | undefined
  readonly port: number
  closed: boolean
  receive(packet: Packet): void
  icmpError(from: string, type: number, code: number): void
}

/** The largest UDP payload of IPv4. */
const largest = 65_507

/**
 * Throws EADDRINUSE, EADDRNOTAVAIL. `ttl` is traceroute's. What sending fails with is told through `error`, like ICMP's complaints
 * (an `IcmpError`, which knows who complained).
 */
export function bindUdp(
  table: SocketTable,
  owner: string,
  at: { address?: string; port?: number; ttl?: number },
  handlers: UdpHandlers,
): UdpSocket {
  const address = table.checkAddress(at.address)
  const clashes = (port: number) =>
    (table.udpPorts.get(port) ?? []).some((other) => other.address === undefined || address === undefined || other.address === address)
  const port = at.port || table.ephemeralPort((candidate) => !clashes(candidate))
  if (clashes(port)) throw new NetworkError('EADDRINUSE', `listen udp ${at.address ?? ''}:${port}: bind: address already in use`)
  const { clock } = table.namespace.network
  const fail = (error: NetworkError) => {
    clock.soon(() => {
      if (!socket.closed) handlers.error?.(error)
    })
  }
  const cookie = `${table.namespace.name}:${port}`
  const socket: UdpEndpoint = {
    owner,
    address,
    port,
    closed: false,
    receive: (packet) => {
      const bytes = packet.payload ?? new Uint8Array()
      const from: Endpoint = socketInward(table.namespace, cookie, { address: packet.src, port: packet.sport })
      clock.soon(() => {
        if (!socket.closed) handlers.datagram(bytes, from)
      })
    },
    icmpError: (from, type, code) => fail(new IcmpError(from, type, code)),
  }
  table.udpPorts.set(port, [...(table.udpPorts.get(port) ?? []), socket])
  return {
    local: { address: address ?? '0.0.0.0', port },
    send: (bytes, to, options) => {
      if (socket.closed) return
      if (bytes.length > largest) return fail(new NetworkError('EMSGSIZE'))
      const shown = socketOutward(table.namespace, 'sendmsg4', 'udp', cookie, to)
      if (shown && 'errno' in shown) return fail(new NetworkError(shown.errno))
      const real = shown?.to ?? to
      const packet = udpPacket(address ?? '', port, real.address, real.port, bytes.slice())
      if (options?.dontFragment) packet.df = true
      if (at.ttl !== undefined) packet.ttl = at.ttl
      const errno = table.namespace.ip.output(packet)
      if (errno) fail(new NetworkError(errno))
    },
    close: () => {
      if (socket.closed) return
      socket.closed = true
      const left = (table.udpPorts.get(port) ?? []).filter((other) => other !== socket)
      if (left.length > 0) table.udpPorts.set(port, left)
      else table.udpPorts.delete(port)
    },
  }
}
