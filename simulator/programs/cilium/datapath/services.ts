import { isLoopback } from '../../../network/address.ts'
import type { SocketAddressProgram, SocketContext, SocketVerdict } from '../../../network/bpf.ts'
import type { Packet } from '../../../network/packet.ts'
import type { Endpoint } from '../../../network/sockets.ts'
import type { Random } from '../../../random.ts'
import { isNode } from '../identity.ts'
import { type Backend, lookUp, type Maps, mapsOf, type ServiceEntry } from './maps.ts'

/** Datagrams whose answers are still to be shown to come from a service; a question is answered at once or never. */
const mostReversed = 256
const flowLifetime = 8_000_000

/**
 * A backend for a client: the one it had, where the flow or the client's affinity says so and it still serves, else one at random
 * (bpf/lib/lb.h). Undefined where there is none.
 */
export function choose(
  maps: Maps,
  service: ServiceEntry,
  backends: readonly Backend[],
  who: { readonly client: string; readonly sticky?: Packet },
  now: number,
  random: Random,
): Backend | undefined {
  if (backends.length === 0) return undefined
  const serves = (one: Backend | undefined) => backends.find((other) => other.address === one?.address && other.port === one.port)
  const { sticky } = who
  const flow = sticky && `service ${sticky.protocol} ${sticky.src}:${sticky.sport} ${sticky.dst}:${sticky.dport}`
  const opening = sticky?.tcp?.syn === true && !sticky.tcp.isAck
  const known = flow && !opening ? serves(maps.flows.get(flow)?.service) : undefined
  const affine = `${service.id} ${who.client}`
  const kept = service.affinity === undefined ? undefined : maps.affinity.get(affine)
  const chosen = known ?? (kept && kept.until > now ? serves(kept) : undefined) ?? backends[random.below(backends.length)]!
  if (flow) maps.flows.set(flow, { expires: now + flowLifetime, closing: false, service: chosen })
  if (service.affinity !== undefined) maps.affinity.set(affine, { ...chosen, until: now + service.affinity * 1000 })
  return chosen
}

/**
 * Services at the socket (bpf/bpf_sock.c): a connection to a front end goes to a backend from its first packet on, so that neither the
 * pod's interface nor any packet filter ever sees the service's address.
 */
export const socketServices: SocketAddressProgram = {
  type: 'cgroup_sock_addr',
  id: 'cil_sock4',
  outward(context, to) {
    const maps = mapsOf(context.maps)
    const service = frontEnd(maps, context, to)
    if (!service) return undefined
    const client = context.namespace.name || 'host'
    const backend = choose(maps, service, service.backends, { client }, context.clock.now(), context.random)
    if (!backend) return { errno: 'EHOSTUNREACH', origin: service.origin }
    if (context.protocol === 'udp') reverse(maps, context.cookie, backend, to)
    const verdict: SocketVerdict = { to: backend, origin: service.origin }
    return verdict
  },
  inward({ maps: kernel, cookie, protocol, asked }, from) {
    if (protocol === 'tcp') return asked
    return mapsOf(kernel).reverse.get(`${cookie} ${from.address}:${from.port}`)
  },
}

/** A front end's own address; of a node port any address of any node, and the loopback addresses for the host's own programs. */
function frontEnd(maps: Maps, { namespace, protocol }: SocketContext, { address, port }: Endpoint): ServiceEntry | undefined {
  const own = maps.services.get(`${protocol} ${address}:${port}`)
  if (own) return own
  const anywhere = maps.services.get(`${protocol} 0.0.0.0:${port}`)
  if (!anywhere) return undefined
  if (isLoopback(address)) return namespace.name === '' ? anywhere : undefined
  return isNode(lookUp(maps, address).identity) ? anywhere : undefined
}

function reverse(maps: Maps, cookie: string, backend: Backend, service: Endpoint): void {
  if (maps.reverse.size >= mostReversed) {
    const [oldest] = maps.reverse.entries().next().value ?? []
    if (oldest !== undefined) maps.reverse.delete(oldest)
  }
  maps.reverse.set(`${cookie} ${backend.address}:${backend.port}`, { address: service.address, port: service.port })
}
