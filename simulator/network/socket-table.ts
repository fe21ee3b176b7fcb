import type { Closer } from '../clock.ts'
import { socketOutward } from './bpf-hooks.ts'
import { icmpMessage } from './icmp.ts'
import type { NetworkNamespace } from './namespace.ts'
import { type IcmpHeader, type Packet, tcpPacket } from './packet.ts'
import { openPing, type Ping } from './ping.ts'
import {
  type HttpsService,
  NetworkError,
  type PlainAnswer,
  type QueueVerdict,
  type Sockets,
  type TcpConnection,
  type TcpHandlers,
} from './sockets.ts'
import { TcpSocket, type TcpSocketState } from './tcp.ts'
import { note, type SocketView } from './trace.ts'
import { bindUdp, type UdpEndpoint } from './udp.ts'

interface Listener {
  readonly owner: string
  readonly address: string | undefined
  readonly port: number
  readonly service: HttpsService | undefined
  readonly accept: (connection: TcpConnection) => TcpHandlers
  closed: boolean
}

/** One line of `ss`. */
export interface SocketEntry {
  readonly protocol: 'tcp' | 'udp'
  readonly state: 'LISTEN' | 'UNCONN' | TcpSocketState
  readonly local: { readonly address: string; readonly port: number }
  readonly remote: { readonly address: string; readonly port: number } | undefined
  readonly sendQueue: number
  readonly owner: string
}

/** TCP_TIMEWAIT_LEN, ms. */
const timeWait = 60_000

/** All sockets of one namespace, whoever owns them. */
export class SocketTable {
  readonly namespace: NetworkNamespace
  readonly #listeners = new Map<number, Listener[]>()
  readonly #connections = new Map<string, TcpSocket>()
  readonly udpPorts = new Map<number, UdpEndpoint[]>()
  readonly pings = new Map<number, Set<Ping>>()
  readonly #queues = new Map<number, (packet: Packet) => QueueVerdict>()
  readonly #logs = new Map<number, Set<(packet: Packet) => void>>()
  readonly #answers = new Map<number, (method: string, path: string) => PlainAnswer>()
  readonly #lingering: { socket: TcpSocket; until: number }[] = []
  #nextPort: number | undefined

  constructor(namespace: NetworkNamespace) {
    this.namespace = namespace
  }

  /** The sockets of one owner. */
  scope(owner: string): Sockets & Closer {
    const open = new Set<Closer>()
    let closed = false
    const tracked = <T extends Closer>(socket: T): T => {
      open.add(socket)
      return socket
    }
    const check = () => {
      if (closed) throw new NetworkError('EPERM', `${owner} has ended and can open no sockets`)
    }
    // Long-lived owners open many short connections: what is over must not pile up here.
    const sweep = () => {
      if (open.size < 64 || open.size % 64 !== 0) return
      for (const socket of open)
        if (socket instanceof TcpSocket && (socket.state === 'CLOSED' || socket.state === 'TIME-WAIT')) open.delete(socket)
    }
    return {
      listenTcp: (at, accept) => {
        check()
        const listener = this.#listen(owner, at, (connection) => {
          tracked(connection)
          sweep()
          return accept(connection)
        })
        return tracked(once(open, listener))
      },
      connectTcp: (to, handlers) => {
        check()
        sweep()
        return tracked(this.#connect(owner, to, handlers))
      },
      bindUdp: (at, handlers) => {
        check()
        const socket = bindUdp(this, owner, at, handlers)
        return tracked({ local: socket.local, send: socket.send, ...once(open, socket) })
      },
      ping: (to, options, handlers) => {
        check()
        return tracked(once(open, openPing(this, to, options, handlers)))
      },
      bindQueue: (queue, decide) => {
        check()
        if (this.#queues.has(queue)) throw new NetworkError('EPERM', `queue ${queue} is bound already`)
        this.#queues.set(queue, decide)
        const unbind = () => {
          if (this.#queues.get(queue) === decide) this.#queues.delete(queue)
        }
        return tracked(once(open, { close: unbind }))
      },
      bindLog: (group, hear) => {
        check()
        let hearers = this.#logs.get(group)
        if (!hearers) this.#logs.set(group, (hearers = new Set()))
        hearers.add(hear)
        return tracked(once(open, { close: () => void this.#logs.get(group)?.delete(hear) }))
      },
      answerAtOnce: (port, answer) => {
        check()
        if (this.#answers.has(port)) throw new NetworkError('EADDRINUSE', `port ${port} is answered at already`)
        this.#answers.set(port, answer)
        const unbind = () => {
          if (this.#answers.get(port) === answer) this.#answers.delete(port)
        }
        return tracked(once(open, { close: unbind }))
      },
      listenUnix: (path, answer) => {
        check()
        const { unixSockets } = this.namespace.machine
        if (unixSockets.has(path)) throw new NetworkError('EADDRINUSE', `listen unix ${path}: bind: address already in use`)
        unixSockets.set(path, answer)
        const unlink = () => {
          if (unixSockets.get(path) === answer) unixSockets.delete(path)
        }
        return tracked(once(open, { close: unlink }))
      },
      askUnix: (path, request) => {
        const answer = this.namespace.machine.unixSockets.get(path)
        if (!answer) throw new NetworkError('ENOENT', `dial unix ${path}: connect: no such file or directory`)
        return answer(request)
      },
      addresses: () => this.namespace.addresses(),
      close: () => {
        closed = true
        for (const socket of open) socket.close()
        open.clear()
      },
    }
  }

  /** What `ss -a` lists: listeners first, then connections, then UDP. */
  entries(): SocketEntry[] {
    this.#expire()
    const any = '0.0.0.0'
    const listeners = [...this.#listeners.values()].flat().map(
      ({ address, port, owner }): SocketEntry => ({
        protocol: 'tcp',
        state: 'LISTEN',
        local: { address: address ?? any, port },
        remote: undefined,
        sendQueue: 0,
        owner,
      }),
    )
    const connections = [...this.#connections.values()].map(
      ({ state, local, peer, sendQueue, owner }): SocketEntry => ({ protocol: 'tcp', state, local, remote: peer, sendQueue, owner }),
    )
    const udp = [...this.udpPorts.values()].flat().map(
      ({ address, port, owner }): SocketEntry => ({
        protocol: 'udp',
        state: 'UNCONN',
        local: { address: address ?? any, port },
        remote: undefined,
        sendQueue: 0,
        owner,
      }),
    )
    return [...listeners, ...connections, ...udp]
  }

  /** A TCP segment reached this host. False: no socket wants it. */
  tcp(packet: Packet): boolean {
    const key = connectionKey(packet.dst, packet.dport, packet.src, packet.sport)
    const socket = this.#connections.get(key)
    const opening = packet.tcp?.syn === true && !packet.tcp.isAck && !packet.tcp.rst
    if (socket && !(socket.state === 'TIME-WAIT' && opening)) {
      // The peer closes late or repeats its FIN: TIME-WAIT only has to be there.
      if (socket.state !== 'TIME-WAIT') socket.receive(packet)
      return true
    }
    if (!opening) return false
    const listener = this.#listeners.get(packet.dport)?.find(({ address }) => address === undefined || address === packet.dst)
    if (!listener) return false
    const accepted = new TcpSocket(
      this,
      listener.owner,
      { address: packet.dst, port: packet.dport },
      { address: packet.src, port: packet.sport },
      { accept: (connection) => (listener.closed ? undefined : listener.accept(connection)), offers: listener.service },
    )
    this.#connections.set(key, accepted)
    accepted.passive(packet)
    return true
  }

  /** Who would take a TCP segment or a UDP datagram that reached this host; for traces. */
  wanting(packet: Packet): SocketView | undefined {
    if (packet.protocol === 'udp') {
      const sockets = this.udpPorts.get(packet.dport) ?? []
      const socket = sockets.find(({ address }) => address === packet.dst) ?? sockets.find(({ address }) => address === undefined)
      return socket && { owner: socket.owner, state: 'UNCONN' }
    }
    const opening = packet.tcp?.syn === true && !packet.tcp.isAck && !packet.tcp.rst
    const socket = this.#connections.get(connectionKey(packet.dst, packet.dport, packet.src, packet.sport))
    if (socket && !(socket.state === 'TIME-WAIT' && opening)) return { owner: socket.owner, state: socket.state }
    if (!opening) return undefined
    const listener = this.#listeners.get(packet.dport)?.find(({ address }) => address === undefined || address === packet.dst)
    return listener && { owner: listener.owner, state: 'LISTEN' }
  }

  /** What the program bound to an NFQUEUE says; undefined where there is none. */
  askQueue(queue: number, packet: Packet): QueueVerdict | undefined {
    return this.#queues.get(queue)?.(packet)
  }

  /** Whoever is bound to an NFLOG group hears of a packet. */
  tellLog(group: number, packet: Packet): void {
    for (const hear of this.#logs.get(group) ?? []) hear(packet)
  }

  /** What the program behind a port says at once; undefined where there is none. */
  answer(port: number, method: string, path: string): PlainAnswer | undefined {
    return this.#answers.get(port)?.(method, path)
  }

  /** A UDP datagram reached this host. False: no socket wants it. */
  udp(packet: Packet): boolean {
    const sockets = this.udpPorts.get(packet.dport)
    const socket = sockets?.find(({ address }) => address === packet.dst) ?? sockets?.find(({ address }) => address === undefined)
    if (!socket) return false
    socket.receive(packet)
    return true
  }

  /** An ICMP error about `about`, which this host sent. */
  icmpError(from: string, icmp: IcmpHeader, about: Packet): void {
    const { type, code, mtu } = icmp
    if (about.protocol === 'tcp')
      this.#connections.get(connectionKey(about.src, about.sport, about.dst, about.dport))?.icmpError(type, code)
    else if (about.protocol === 'udp') {
      const sockets = this.udpPorts.get(about.sport) ?? []
      const socket = sockets.find(({ address }) => address === about.src) ?? sockets.find(({ address }) => address === undefined)
      socket?.icmpError(from, type, code)
    } else if (about.protocol === 'icmp') {
      for (const ping of this.pings.get(about.sport) ?? []) ping.error(about, from, icmpMessage(type, code, mtu), type, code)
    }
  }

  echoReply(packet: Packet): void {
    for (const ping of this.pings.get(packet.sport) ?? []) ping.reply(packet)
  }

  finished(socket: TcpSocket, linger: boolean): void {
    const key = connectionKey(socket.local.address, socket.local.port, socket.peer.address, socket.peer.port)
    if (this.#connections.get(key) !== socket) return
    if (linger) this.#lingering.push({ socket, until: this.namespace.network.clock.now() + timeWait })
    else this.#connections.delete(key)
  }

  /** A free port of ip_local_port_range; throws EADDRINUSE when all are taken. */
  ephemeralPort(isFree: (port: number) => boolean): number {
    const [low = 32_768, high = 60_999] = (this.namespace.sysctl('net.ipv4.ip_local_port_range') ?? '').split(/\s+/).map(Number)
    const count = high - low + 1
    this.#nextPort ??= low + this.namespace.network.random.below(count)
    for (let tried = 0; tried < count; tried++) {
      const port = low + ((this.#nextPort - low + tried) % count)
      if (!isFree(port)) continue
      this.#nextPort = port + 1
      return port
    }
    throw new NetworkError('EADDRINUSE', 'no ephemeral port is free')
  }

  /** Throws EADDRNOTAVAIL where the address is not of this host. */
  checkAddress(address: string | undefined): string | undefined {
    if (address === undefined || address === '0.0.0.0' || address === '::' || address === '') return undefined
    if (!this.namespace.routing.isLocal(address))
      throw new NetworkError('EADDRNOTAVAIL', `bind: cannot assign requested address ${address}`)
    return address
  }

  /** As the end of every process of the namespace. */
  closeAll(): void {
    for (const listener of [...this.#listeners.values()].flat()) listener.closed = true
    this.#listeners.clear()
    for (const socket of this.#connections.values()) socket.close()
    this.udpPorts.clear()
    this.pings.clear()
    this.#queues.clear()
    this.#logs.clear()
    this.#answers.clear()
  }

  /** Everything is gone and nobody is told. */
  drop(): void {
    for (const listener of [...this.#listeners.values()].flat()) listener.closed = true
    for (const socket of this.#connections.values()) socket.drop()
    for (const socket of [...this.udpPorts.values()].flat()) socket.closed = true
    for (const pings of this.pings.values()) for (const ping of pings) ping.closed = true
    this.#listeners.clear()
    this.#connections.clear()
    this.udpPorts.clear()
    this.pings.clear()
    this.#queues.clear()
    this.#logs.clear()
    this.#answers.clear()
    this.#lingering.length = 0
  }

  #listen(owner: string, at: Parameters<Sockets['listenTcp']>[0], accept: Listener['accept']): Closer {
    const address = this.checkAddress(at.address)
    const { port, service } = at
    const others = this.#listeners.get(port) ?? []
    if (port === 0) throw new NetworkError('EADDRNOTAVAIL', 'listen: port 0 is not modelled for listeners')
    if (others.some((other) => other.address === undefined || address === undefined || other.address === address)) {
      throw new NetworkError('EADDRINUSE', `listen tcp ${at.address ?? ''}:${port}: bind: address already in use`)
    }
    const listener: Listener = { owner, address, port, service, accept, closed: false }
    this.#listeners.set(port, [...others, listener])
    return {
      close: () => {
        if (listener.closed) return
        listener.closed = true
        const left = (this.#listeners.get(port) ?? []).filter((other) => other !== listener)
        if (left.length > 0) this.#listeners.set(port, left)
        else this.#listeners.delete(port)
      },
    }
  }

  #connect(owner: string, wanted: { address: string; port: number }, handlers: TcpHandlers): TcpConnection {
    this.#expire()
    const { routing, network } = this.namespace
    const shown = socketOutward(this.namespace, 'connect4', 'tcp', '', wanted)
    const to = shown && 'to' in shown ? shown.to : wanted
    const decision = routing.lookup({ dst: to.address })
    const source = decision && routing.sourceFor(decision)
    const local = { address: source ?? '0.0.0.0', port: 0 }
    local.port = this.ephemeralPort((port) => {
      if (this.#listeners.has(port)) return false
      return !this.#connections.has(connectionKey(local.address, port, to.address, to.port))
    })
    const socket = new TcpSocket(this, owner, local, { ...to }, { handlers, asked: to === wanted ? undefined : { ...wanted } })
    const errno = shown && 'errno' in shown ? shown.errno : !decision || source === undefined ? 'ENETUNREACH' : undefined
    if (errno !== undefined) {
      if (errno === 'ENETUNREACH' && network.recorders.length > 0) this.#noteUnroutable(local, to)
      network.clock.soon(() => {
        if (socket.state === 'SYN-SENT') handlers.error?.(new NetworkError(errno))
        socket.drop()
      })
      return socket
    }
    this.#connections.set(connectionKey(local.address, local.port, to.address, to.port), socket)
    socket.connect()
    return socket
  }

  /** connect() fails before there is a packet: the SYN that is noted is the one that would have left. */
  #noteUnroutable(local: { address: string; port: number }, to: { address: string; port: number }): void {
    const header = { seq: 0, ack: 0, syn: true, fin: false, rst: false, isAck: false, psh: false, window: 0 }
    const packet = tcpPacket(local.address, local.port, to.address, to.port, header)
    packet.serial = this.namespace.network.nextSerial()
    note(this.namespace, 'route', packet, { detail: `no route to ${to.address}: ENETUNREACH`, verdict: 'LOST' })
  }

  #expire(): void {
    const now = this.namespace.network.clock.now()
    while (this.#lingering.length > 0 && this.#lingering[0]!.until <= now) {
      const { socket } = this.#lingering.shift()!
      const key = connectionKey(socket.local.address, socket.local.port, socket.peer.address, socket.peer.port)
      if (this.#connections.get(key) === socket) this.#connections.delete(key)
    }
  }
}

function connectionKey(local: string, localPort: number, remote: string, remotePort: number): string {
  return `${local} ${localPort} ${remote} ${remotePort}`
}

function once(open: Set<Closer>, socket: Closer): Closer {
  const closer: Closer = {
    close: () => {
      open.delete(closer)
      socket.close()
    },
  }
  return closer
}
