import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { NetworkError, TcpConnection, TcpHandlers } from '../../network/sockets.ts'
import { espSize } from '../../network/tunnel.ts'
import type { DaemonContext } from '../process.ts'
import type { IpamGossip, IpamUnicast } from './allocator.ts'
import { datapathMtu, fastPort, joinPeer, leavePeer, meshPort, type Overlay } from './datapath.ts'
import type { WeaveLog } from './log.ts'

/** One end's view of a connection to another peer. Plain data. */
export interface MeshConnection {
  readonly id: string
  /** `172.18.0.3:6783`, or the far end's own port where it dialled. */
  readonly address: string
  readonly outbound: boolean
  /** The peer behind it, `name(nickname)` apart; empty during the handshake. */
  remote: string
  nickname: string
  /** Both ends' random numbers together: the same on either side. */
  uid: number
  added: boolean
  established: boolean
  overlay: Overlay
}

/** An address that is to be connected to. */
export interface Target {
  state: 'waiting' | 'attempting' | 'connected' | 'suspended'
  error?: string
  /** ms since the epoch. */
  tryAfter: number
  interval: number
}

export interface PeerInfo {
  readonly name: string
  readonly nickname: string
  readonly version: number
  readonly connections: readonly { name: string; nickname: string; address: string; outbound: boolean; established: boolean }[]
}

export interface MeshState {
  readonly connections: Record<string, MeshConnection>
  readonly targets: Record<string, Target>
  readonly peers: Record<string, PeerInfo>
  version: number
  count: number
}

export const meshState = (): MeshState => ({ connections: {}, targets: {}, peers: {}, version: 0, count: 0 })

type Message =
  | { kind: 'hello'; encrypted: boolean }
  /** What follows the key exchange. `seal` stands for the session key that the password makes: another's cannot be opened. */
  | { kind: 'features'; seal: string; name: string; nickname: string; number: number }
  | { kind: 'confirmed' }
  | { kind: 'ack'; overlay: Overlay }
  | { kind: 'peers'; peers: readonly PeerInfo[] }
  | { kind: 'ipam'; from: string; gossip: IpamGossip }
  | { kind: 'unicast'; from: string; message: IpamUnicast }

export interface MeshListener {
  ipam(gossip: IpamGossip, from: string): void
  unicast(message: IpamUnicast, from: string): void
  /** What a new peer is told. */
  gossip(): IpamGossip
  changed(): void
}

type Handlers = Required<Pick<TcpHandlers, 'data' | 'end' | 'error'>>

/** weaver's bounds of waiting between attempts, ms. */
const [firstInterval, longestInterval, resetAfter] = [2000, 360_000, 60_000]
/** A connection over which no overlay works is given up after six slow heartbeats, ms. */
const heartbeatTimeout = 60_000
/** What sleeve adds to a packet, without and with encryption, bytes. */
const [sleeveOverhead, encryptedOverhead] = [62, 86]

/**
 * The peers' TCP connections, what they tell each other, and the overlay under each. Follows weaveworks/mesh and weave 2.8's router: every
 * heartbeat is of the overlay's full size, so that a path which cannot carry it is not used. They are sent when a connection is made and not again.
 */
export class Mesh {
  readonly state: MeshState
  readonly #context: DaemonContext<unknown>
  readonly #own: { name: string; nickname: string; password: string | undefined }
  readonly #log: WeaveLog
  readonly #listener: MeshListener
  readonly #live = new Map<string, TcpConnection>()
  readonly #timers

  constructor(
    context: DaemonContext<unknown>,
    state: MeshState,
    own: { name: string; nickname: string; password: string | undefined },
    log: WeaveLog,
    listener: MeshListener,
  ) {
    this.state = state
    this.#context = context
    this.#own = own
    this.#log = log
    this.#listener = listener
    this.#timers = context.timers((key) => this.#fire(key))
  }

  get encrypted(): boolean {
    return this.#own.password !== undefined
  }

  /** Listens, and connects to `peers`; after a restore takes up what stood. */
  start(peers: readonly string[]): void {
    const { sockets, clock, resumed } = this.#context
    sockets.listenTcp({ port: meshPort }, (tcp) => this.#accept(tcp))
    const heartbeat =
      (overlay: Overlay) =>
      (bytes: Uint8Array, { address }: { address: string }) => {
        const uid = Number(new TextDecoder().decode(bytes).trim())
        const found = this.#connections().find((one) => one.added && one.uid === uid && ipOf(one.address) === address)
        if (found) this.#send(found, { kind: 'ack', overlay })
      }
    this.#fast = sockets.bindUdp({ port: fastPort }, { datagram: heartbeat('fastdp') })
    this.#slow = sockets.bindUdp({ port: meshPort }, { datagram: heartbeat('sleeve') })
    if (resumed) {
      // When all daemons of this instant listen again.
      clock.soon(() => clock.soon(() => this.#resume()))
      return
    }
    for (const peer of peers)
      this.state.targets[`${peer}:${meshPort}`] = { state: 'waiting', tryAfter: clock.now(), interval: firstInterval }
    this.#publish()
    this.#connectTargets()
  }

  /** SIGTERM: every connection is reset, so that the others know at once. */
  stop(): void {
    for (const tcp of this.#live.values()) tcp.reset()
  }

  broadcast(gossip: IpamGossip): void {
    for (const connection of this.#added()) this.#send(connection, { kind: 'ipam', from: this.#own.name, gossip })
  }

  unicast(peer: string, message: IpamUnicast): boolean {
    const connection = this.#added().find(({ remote }) => remote === peer)
    if (connection) this.#send(connection, { kind: 'unicast', from: this.#own.name, message })
    return connection !== undefined
  }

  /** MTU that an overlay offers, as `weave status connections` shows it. */
  mtuOf({ overlay }: MeshConnection): number {
    const { namespace } = this.#context
    if (overlay === 'fastdp') return datapathMtu(namespace)
    return (namespace.link('eth0')?.mtu ?? 1500) - (this.encrypted ? encryptedOverhead : sleeveOverhead)
  }

  #fast: { send(bytes: Uint8Array, to: { address: string; port: number }, options?: { dontFragment?: boolean }): void } | undefined
  #slow: { send(bytes: Uint8Array, to: { address: string; port: number }): void } | undefined

  #connections(): MeshConnection[] {
    return Object.values(this.state.connections)
  }

  #added(): MeshConnection[] {
    return this.#connections().filter(({ added }) => added)
  }

  #fire(key: string): void {
    const [what, id = ''] = key.split(' ')
    if (what === 'dial') return this.#connectTargets()
    const connection = this.state.connections[id]
    if (connection && !connection.established) this.#close(connection, `no working forwarders to ${named(connection)}`)
  }

  // --- connecting

  #connectTargets(): void {
    const now = this.#context.clock.now()
    let next: number | undefined
    for (const [address, target] of Object.entries(this.state.targets)) {
      if (target.state === 'attempting' || target.state === 'connected') continue
      // Whoever is connected already, by its own dialling, is not dialled.
      if (this.#added().some((one) => ipOf(one.address) === ipOf(address))) {
        target.state = 'suspended'
        continue
      }
      target.state = 'waiting'
      if (target.tryAfter <= now) this.#dial(address, target)
      else next = Math.min(next ?? target.tryAfter, target.tryAfter)
    }
    if (next === undefined) this.#timers.clear('dial')
    else this.#timers.set('dial', next)
  }

  #dial(address: string, target: Target): void {
    target.state = 'attempting'
    this.#log('INFO', `->[${address}] attempting connection`)
    const connection = this.#newConnection(address, true)
    const handlers = this.#handlers(connection)
    const tcp = this.#context.sockets.connectTcp(
      { address: ipOf(address), port: Number(address.split(':')[1]) },
      {
        ...handlers,
        connected: () => this.#send(connection, { kind: 'hello', encrypted: this.encrypted }),
        error: (error) => {
          if (this.#live.has(connection.id) && connection.remote) return handlers.error(error)
          const text = `dial tcp :0->${address}: connect: ${worded(error)}`
          this.#log('INFO', `->[${address}] error during connection attempt: ${text}`)
          this.#forget(connection)
          this.#tryLater(address, text)
          this.#connectTargets()
        },
      },
    )
    this.#live.set(connection.id, tcp)
  }

  #accept(tcp: TcpConnection) {
    const address = `${tcp.remote.address}:${tcp.remote.port}`
    let handlers: Handlers | undefined
    return {
      data: (bytes: Uint8Array) => {
        if (handlers) return handlers.data(bytes)
        // A connection that is taken up after a restore says so with its first word.
        const text = new TextDecoder().decode(bytes)
        if (text.startsWith('{"kind":"resume"')) {
          const { name, uid } = JSON.parse(text) as { name: string; uid: number }
          const before = this.#connections().find((one) => one.remote === name && one.uid === uid)
          if (!before) return tcp.reset()
          this.#live.set(before.id, tcp)
          handlers = this.#handlers(before)
          return
        }
        const connection = this.#newConnection(address, false)
        this.#live.set(connection.id, tcp)
        handlers = this.#handlers(connection)
        this.#log('INFO', `->[${address}] connection accepted`)
        this.#send(connection, { kind: 'hello', encrypted: this.encrypted })
        handlers.data(bytes)
      },
      end: () => handlers?.end(),
      error: (error: NetworkError) => handlers?.error(error),
    }
  }

  #newConnection(address: string, outbound: boolean): MeshConnection {
    const id = `${this.state.count++}`
    const number = this.#context.random.below(2 ** 31)
    const connection: MeshConnection = {
      id,
      address,
      outbound,
      remote: '',
      nickname: '',
      uid: number,
      added: false,
      established: false,
      overlay: 'fastdp',
    }
    this.state.connections[id] = connection
    return connection
  }

  #handlers(connection: MeshConnection): Handlers {
    let rest = ''
    return {
      data: (bytes: Uint8Array) => {
        const lines = (rest + new TextDecoder().decode(bytes)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (this.#live.has(connection.id)) this.#receive(connection, JSON.parse(line) as Message)
      },
      end: () => this.#close(connection, 'EOF'),
      error: (error: NetworkError) =>
        this.#close(connection, `read tcp4 ${this.#localOf(connection)}->${connection.address}: read: ${worded(error)}`),
    }
  }

  #localOf({ id }: MeshConnection): string {
    const local = this.#live.get(id)?.local
    return local ? `${local.address}:${local.port}` : ''
  }

  #send({ id }: MeshConnection, message: Message): void {
    this.#live.get(id)?.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`))
  }

  // --- what arrives

  #receive(connection: MeshConnection, message: Message): void {
    switch (message.kind) {
      case 'hello': {
        if (message.encrypted !== this.encrypted) {
          const reason = this.encrypted
            ? 'password specified, but peer requested an unencrypted connection'
            : 'no password specificed, but peer requested an encrypted connection'
          return this.#close(connection, reason)
        }
        const { name, nickname } = this.#own
        return this.#send(connection, { kind: 'features', seal: this.#seal(), name, nickname, number: connection.uid })
      }
      case 'features':
        if (message.seal !== this.#seal()) return this.#close(connection, 'Unable to decrypt TCP msg')
        return this.#identified(connection, message)
      case 'confirmed':
        return this.#sendHeartbeats(connection)
      case 'ack':
        return this.#works(connection, message.overlay)
      case 'peers':
        return this.#learn(connection, message.peers)
      case 'ipam':
      case 'unicast':
        try {
          if (message.kind === 'ipam') this.#listener.ipam(message.gossip, message.from)
          else this.#listener.unicast(message.message, message.from)
        } catch (error) {
          if (!(error instanceof Error)) throw error
          this.#close(connection, error.message)
        }
    }
  }

  #seal(): string {
    return this.#own.password === undefined ? '' : bytesToHex(sha256(utf8ToBytes(this.#own.password))).slice(0, 16)
  }

  #identified(connection: MeshConnection, { name, nickname, number }: { name: string; nickname: string; number: number }): void {
    connection.remote = name
    connection.nickname = nickname
    connection.uid = (connection.uid ^ number) >>> 0
    if (name === this.#own.name) {
      return this.#close(connection, `local "${name}(${this.#own.nickname})" and remote "${name}(${nickname})" peer names collision`)
    }
    this.#say(connection, 'connection ready; using protocol version 2')
    const twin = this.#added().find((other) => other.remote === name)
    const duplicate = `Multiple connections to ${named(connection)} added to ${this.#own.name}(${this.#own.nickname})`
    if (twin && twin.uid < connection.uid) return this.#close(connection, duplicate)
    if (twin) this.#close(twin, duplicate)
    const known = name in this.state.peers
    connection.added = true
    this.#log('INFO', `overlay_switch ->[${named(connection)}] using fastdp`)
    if (this.encrypted) this.#log('INFO', `Setting up IPsec between ${this.#own.name}(${this.#own.nickname}) and ${named(connection)}`)
    this.#say(connection, known ? 'connection added' : 'connection added (new peer)')
    const target = this.state.targets[connection.address]
    if (connection.outbound && target) target.state = 'connected'
    this.#timers.set(`heartbeat ${connection.id}`, this.#context.clock.now() + heartbeatTimeout)
    this.#send(connection, { kind: 'confirmed' })
    this.#publish()
    this.#send(connection, { kind: 'peers', peers: Object.values(this.state.peers) })
    this.#send(connection, { kind: 'ipam', from: this.#own.name, gossip: this.#listener.gossip() })
    this.#listener.changed()
  }

  #sendHeartbeats(connection: MeshConnection): void {
    if (!connection.added) return
    const address = ipOf(connection.address)
    const framed = 20 + 8 + 8 + 14 + datapathMtu(this.#context.namespace)
    const size = this.encrypted ? 20 + espSize(framed - 20) : framed
    this.#fast?.send(padded(connection.uid, size - 28), { address, port: fastPort }, { dontFragment: true })
    this.#slow?.send(padded(connection.uid, 22), { address, port: meshPort })
  }

  /** A heartbeat of ours came through an overlay. Fast datapath is preferred. */
  #works(connection: MeshConnection, overlay: Overlay): void {
    if (connection.established && (connection.overlay === 'fastdp' || overlay === 'sleeve')) {
      if (overlay === 'sleeve') this.#saySleeveMtu(connection)
      return
    }
    if (overlay !== connection.overlay) this.#log('INFO', `overlay_switch ->[${named(connection)}] using ${overlay}`)
    connection.overlay = overlay
    this.#carry(connection)
    if (!connection.established) {
      connection.established = true
      this.#timers.clear(`heartbeat ${connection.id}`)
      this.#say(connection, 'connection fully established')
      this.#publish()
    }
    if (overlay === 'sleeve') this.#saySleeveMtu(connection)
  }

  #saySleeveMtu(connection: MeshConnection): void {
    const address = `${ipOf(connection.address)}:${meshPort}`
    this.#log(
      'INFO',
      `sleeve ->[${address}|${named(connection)}]: Effective MTU verified at ${this.mtuOf({ ...connection, overlay: 'sleeve' })}`,
    )
  }

  #carry({ overlay, address }: MeshConnection): void {
    const { namespace } = this.#context
    const local = namespace.link('eth0')?.addresses[0]?.address ?? ''
    joinPeer(namespace, overlay, local, ipOf(address), this.encrypted)
  }

  #learn(from: MeshConnection, peers: readonly PeerInfo[]): void {
    const news = peers.filter(({ name, version }) => name !== this.#own.name && version > (this.state.peers[name]?.version ?? -1))
    if (news.length === 0) return
    for (const peer of news) this.state.peers[peer.name] = peer
    for (const other of this.#added()) if (other !== from) this.#send(other, { kind: 'peers', peers: news })
    this.#listener.changed()
  }

  /** Tells all what this peer is connected to now. */
  #publish(): void {
    const { name, nickname } = this.#own
    const version = ++this.state.version
    const connections = this.#added().map((one) => ({
      name: one.remote,
      nickname: one.nickname,
      address: one.address,
      outbound: one.outbound,
      established: one.established,
    }))
    // Versions begin anew with each process, and the clock makes them newer than the last one's.
    const info = { name, nickname, version: this.#context.clock.now() + version, connections }
    this.state.peers[name] = info
    for (const one of this.#added()) this.#send(one, { kind: 'peers', peers: [info] })
  }

  // --- ending

  #close(connection: MeshConnection, reason: string): void {
    if (!this.#live.has(connection.id)) return
    const text = connection.remote
      ? `->[${connection.address}|${named(connection)}]: connection shutting down due to error: ${reason}`
      : `->[${connection.address}] connection shutting down due to error during handshake: ${reason}`
    this.#log('INFO', text)
    const tcp = this.#live.get(connection.id)
    const { added } = connection
    this.#forget(connection)
    tcp?.reset()
    if (added) {
      this.#say(connection, 'connection deleted')
      if (!this.#added().some((other) => ipOf(other.address) === ipOf(connection.address))) {
        leavePeer(this.#context.namespace, ipOf(connection.address))
      }
      this.#collect()
      this.#publish()
      this.#listener.changed()
    }
    if (connection.outbound) this.#tryLater(connection.address, reason)
    this.#connectTargets()
  }

  #forget({ id }: MeshConnection): void {
    this.#live.delete(id)
    delete this.state.connections[id]
    this.#timers.clear(`heartbeat ${id}`)
  }

  #tryLater(address: string, error: string): void {
    const target = this.state.targets[address]
    if (!target) return
    const { clock, random } = this.#context
    target.state = 'waiting'
    target.error = error
    if (clock.now() > target.tryAfter + resetAfter) {
      target.tryAfter = clock.now()
      target.interval = firstInterval
      return
    }
    target.tryAfter = clock.now() + target.interval / 2 + random.below(target.interval)
    target.interval = Math.min(target.interval * 1.5, longestInterval)
  }

  /** Peers that nobody we can reach is connected to are forgotten. */
  #collect(): void {
    const reached = new Set([this.#own.name])
    const walk = (names: readonly string[]) => {
      for (const name of names) {
        if (reached.has(name)) continue
        reached.add(name)
        walk((this.state.peers[name]?.connections ?? []).map((one) => one.name))
      }
    }
    walk(this.#added().map(({ remote }) => remote))
    for (const { name, nickname } of Object.values(this.state.peers)) {
      if (reached.has(name)) continue
      delete this.state.peers[name]
      this.#log('INFO', `Removed unreachable peer ${name}(${nickname})`)
    }
  }

  // --- after a restore

  #resume(): void {
    for (const connection of this.#connections()) {
      if (this.#live.has(connection.id)) continue
      if (!connection.added) {
        delete this.state.connections[connection.id]
        const target = this.state.targets[connection.address]
        if (connection.outbound && target) Object.assign(target, { state: 'waiting', tryAfter: this.#context.clock.now() })
        continue
      }
      if (!connection.outbound) continue
      const tcp = this.#context.sockets.connectTcp(
        { address: ipOf(connection.address), port: Number(connection.address.split(':')[1]) },
        {
          ...this.#handlers(connection),
          connected: () => {
            const resume = { kind: 'resume', name: this.#own.name, uid: connection.uid }
            tcp.write(new TextEncoder().encode(`${JSON.stringify(resume)}\n`))
          },
        },
      )
      this.#live.set(connection.id, tcp)
    }
    this.#connectTargets()
  }

  #say(connection: MeshConnection, text: string): void {
    this.#log('INFO', `->[${connection.address}|${named(connection)}]: ${text}`)
  }
}

export const named = ({ remote, nickname }: { remote: string; nickname: string }) => `${remote}(${nickname})`
const ipOf = (address: string) => address.slice(0, address.lastIndexOf(':'))

function padded(uid: number, length: number): Uint8Array {
  return new TextEncoder().encode(`${uid}`.padEnd(length, ' '))
}

function worded({ code }: NetworkError): string {
  const words: Partial<Record<NetworkError['code'], string>> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset by peer',
    ETIMEDOUT: 'connection timed out',
    EHOSTUNREACH: 'no route to host',
    ENETUNREACH: 'network is unreachable',
  }
  return words[code] ?? code
}
