import type { Clock, Closer } from '../../clock.ts'
import { parsePrefix, prefixContains } from '../../network/address.ts'
import { httpRequest } from '../../network/http.ts'
import type { Endpoint, Sockets, TcpConnection, TcpHandlers, UdpSocket } from '../../network/sockets.ts'
import type { Random } from '../../random.ts'
import { type Health, healthOf } from './health.ts'

/** What a load balancer does: plain data. */
export interface LoadBalancerConfig {
  /** Its machine's name, `kindccm-` and twelve hex digits. */
  readonly name: string
  readonly listeners: readonly Listener[]
  /** Every node is asked for `/healthz` there. */
  readonly healthCheckPort: number
  /** Who may connect over TCP; empty: everybody. */
  readonly sourceRanges: readonly string[]
  /** The same client goes to the same node. */
  readonly clientAffinity: boolean
}

export interface Listener {
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
  readonly targets: readonly Endpoint[]
}

interface Proxy {
  readonly sockets: Sockets
  readonly clock: Clock
  readonly random: Random
}

/** Envoy's connect_timeout, ms, as cloud-provider-kind sets it. */
const connectPatience = 3000
/** How long a UDP session outlives its last datagram, ms: Envoy's udp_proxy default. */
const sessionIdle = 60_000

/**
 * A layer 4 proxy: connections and datagrams go on to one of the healthy targets, from the load balancer's own address. With no healthy target
 * a connection is closed and a datagram lost. Closing stops new ones. Throws nothing: the machine is its own.
 */
export function serveLoadBalancer(proxy: Proxy, config: LoadBalancerConfig): Closer {
  const health = healthOf(
    (address, done) => ask(proxy, address, config.healthCheckPort, done),
    () => proxy.clock.now(),
  )
  const open = config.listeners.map((listener) =>
    listener.protocol === 'TCP' ? serveTcp(proxy, config, listener, health) : serveUdp(proxy, config, listener, health),
  )
  return {
    close() {
      for (const one of open) one.close()
    },
  }
}

/** One health check; a node that does not answer in time is not healthy. */
function ask({ sockets, clock }: Proxy, address: string, port: number, done: (healthy: boolean) => void): void {
  const timer = clock.after(connectPatience, () => finish(false))
  const request = httpRequest(
    sockets,
    { address, port },
    { target: '/healthz', headers: [['User-Agent', 'Envoy/HC']] },
    { response: ({ status }) => finish(status === 200), error: () => finish(false) },
  )
  function finish(healthy: boolean): void {
    timer.close()
    request.close()
    done(healthy)
  }
}

/** Calls `use` with a healthy target, or with undefined where there is none. */
function choose(
  proxy: Proxy,
  config: LoadBalancerConfig,
  { targets }: Listener,
  health: Health,
  client: string,
  use: (to: Endpoint | undefined) => void,
): void {
  health.ofAll(
    targets.map(({ address }) => address),
    (healthy) => {
      const usable = targets.filter((_target, index) => healthy[index])
      use(usable.length === 0 ? undefined : usable[config.clientAffinity ? ring(client, usable.length) : proxy.random.below(usable.length)])
    },
  )
}

function ring(client: string, count: number): number {
  let hash = 0
  for (const part of client.split('.')) hash = (hash * 31 + Number(part)) >>> 0
  return hash % count
}

function serveTcp(proxy: Proxy, config: LoadBalancerConfig, listener: Listener, health: Health): Closer {
  const ranges = config.sourceRanges.map(parsePrefix)
  return proxy.sockets.listenTcp({ port: listener.port }, (client): TcpHandlers => {
    // No filter chain fits: Envoy closes what it has accepted already.
    if (ranges.length > 0 && !ranges.some((range) => prefixContains(range, client.remote.address))) {
      proxy.clock.soon(() => client.end())
      return {}
    }
    const waiting: Uint8Array[] = []
    let target: TcpConnection | undefined
    let connected = false
    let ended = false
    choose(proxy, config, listener, health, client.remote.address, (to) => {
      const nobodyWaits = ended && waiting.length === 0
      if (!to || nobodyWaits) return client.end()
      const timer = proxy.clock.after(connectPatience, () => {
        target?.reset()
        client.end()
      })
      target = proxy.sockets.connectTcp(to, {
        connected() {
          connected = true
          timer.close()
          for (const bytes of waiting.splice(0)) target?.write(bytes)
          if (ended) target?.end()
        },
        data: (bytes) => client.write(bytes),
        end: () => client.end(),
        error() {
          timer.close()
          if (connected) client.reset()
          else client.end()
        },
      })
    })
    return {
      data: (bytes) => (connected ? target?.write(bytes) : void waiting.push(bytes)),
      end() {
        ended = true
        if (connected) target?.end()
      },
      error: () => target?.reset(),
    }
  })
}

function serveUdp(proxy: Proxy, config: LoadBalancerConfig, listener: Listener, health: Health): Closer {
  const sessions = new Map<string, { socket: UdpSocket; to: Endpoint; at: number }>()
  const front = proxy.sockets.bindUdp(
    { port: listener.port },
    {
      datagram(bytes, client) {
        const key = `${client.address}:${client.port}`
        const known = sessions.get(key)
        if (known) {
          known.at = proxy.clock.now()
          return known.socket.send(bytes, known.to)
        }
        choose(proxy, config, listener, health, client.address, (to) => {
          if (!to) return
          const socket = proxy.sockets.bindUdp({}, { datagram: (answer) => front.send(answer, client) })
          const session = { socket, to, at: proxy.clock.now() }
          sessions.set(key, session)
          expire(key, session)
          socket.send(bytes, to)
        })
      },
    },
  )

  function expire(key: string, session: { socket: UdpSocket; at: number }): void {
    proxy.clock.after(session.at + sessionIdle - proxy.clock.now(), () => {
      if (proxy.clock.now() < session.at + sessionIdle) return expire(key, session)
      session.socket.close()
      sessions.delete(key)
    })
  }
  return front
}
