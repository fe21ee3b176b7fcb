import type { Clock, Closer } from '../../clock.ts'
import type { Machine } from '../../network/machine.ts'
import type { NetworkNamespace } from '../../network/namespace.ts'
import { type HttpsService, NetworkError, type Sockets, type TcpConnection, type TcpHandlers } from '../../network/sockets.ts'

interface Listener {
  accept: (connection: TcpConnection) => TcpHandlers
  service?: HttpsService
}

/** Namespaces that reach each other by address at once: everything but packets. Addresses in `silent` answer nothing. */
export class FakeNetwork {
  readonly silent = new Set<string>()
  readonly #clock: Clock
  readonly #owners = new Map<string, FakeNamespace>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  machine(name: string, address: string): Machine {
    const namespaces = new Map<string, FakeNamespace>()
    const machine = {
      name,
      addNamespace: (id: string) => {
        const added = new FakeNamespace(this, this.#clock, id, machine)
        namespaces.set(id, added)
        return added
      },
      removeNamespace: (id: string) => {
        namespaces.get(id)?.clear()
        namespaces.delete(id)
      },
      namespace: (id: string) => (id === '' ? machine.root : namespaces.get(id)),
      namespaces: () => [machine.root, ...namespaces.values()],
      root: undefined as unknown as FakeNamespace,
    }
    machine.root = new FakeNamespace(this, this.#clock, '', machine)
    machine.root.address(address)
    return machine as unknown as Machine
  }

  own(address: string, namespace: FakeNamespace | undefined): void {
    if (namespace) this.#owners.set(address, namespace)
    else this.#owners.delete(address)
  }

  owner(address: string): FakeNamespace | undefined {
    return this.#owners.get(address)
  }
}

export class FakeNamespace {
  readonly name: string
  readonly machine: unknown
  readonly sockets: Sockets
  readonly listeners = new Map<number, Listener>()
  readonly #addresses: string[] = []
  readonly #network: FakeNetwork

  constructor(network: FakeNetwork, clock: Clock, name: string, machine: unknown) {
    this.#network = network
    this.name = name
    this.machine = machine
    this.sockets = this.#makeSockets(clock)
  }

  address(address: string): void {
    this.#addresses.push(address)
    this.#network.own(address, this)
  }

  clear(): void {
    for (const address of this.#addresses) this.#network.own(address, undefined)
    this.listeners.clear()
  }

  readonly loopback = { addresses: ['127.0.0.1/8'] }

  setLink(): void {}

  /** Listeners close with their owner; everything else is of no concern here. */
  socketsFor(): Sockets & Closer {
    const open = new Set<Closer>()
    return {
      ...this.sockets,
      listenTcp: (at, accept) => {
        const listener = this.sockets.listenTcp(at, accept)
        open.add(listener)
        return listener
      },
      close: () => {
        for (const closer of open) closer.close()
      },
    }
  }

  #makeSockets(clock: Clock): Sockets {
    const refuse = (): never => {
      throw new Error('not part of this fake')
    }
    return {
      listenTcp: (at, accept): Closer => {
        if (this.listeners.has(at.port)) throw new NetworkError('EADDRINUSE')
        this.listeners.set(at.port, { accept, ...(at.service ? { service: at.service } : {}) })
        return { close: () => this.listeners.delete(at.port) }
      },
      connectTcp: (to, handlers) => {
        const from = { address: this.#addresses[0] ?? '127.0.0.1', port: 40_000 }
        let peer: TcpHandlers | undefined
        let closed = false
        const side = (mine: () => TcpHandlers | undefined, service: HttpsService | undefined): TcpConnection => ({
          service,
          local: from,
          remote: to,
          write: (bytes) => clock.soon(() => closed || mine()?.data?.(bytes)),
          end: () => clock.soon(() => closed || mine()?.end?.()),
          reset: () => clock.soon(() => closed || mine()?.error?.(new NetworkError('ECONNRESET'))),
          close: () => clock.soon(() => closed || mine()?.end?.()),
        })
        const target = to.address === '127.0.0.1' ? this : this.#network.owner(to.address)
        const connection = { ...side(() => peer, target?.listeners.get(to.port)?.service) }
        clock.soon(() => {
          if (this.#network.silent.has(to.address)) return
          const listener = target?.listeners.get(to.port)
          if (!target) return handlers.error?.(new NetworkError('EHOSTUNREACH'))
          if (!listener) return handlers.error?.(new NetworkError('ECONNREFUSED'))
          peer = listener.accept(side(() => handlers, undefined))
          handlers.connected?.()
        })
        return {
          ...connection,
          close: () =>
            clock.soon(() => {
              closed = true
            }),
        }
      },
      bindUdp: refuse,
      bindQueue: refuse,
      bindLog: refuse,
      answerAtOnce: refuse,
      listenUnix: refuse,
      askUnix: refuse,
      ping: refuse,
      addresses: () => [...this.#addresses, '127.0.0.1'],
    }
  }
}

export function asNamespace(namespace: NetworkNamespace): FakeNamespace {
  return namespace as unknown as FakeNamespace
}
