import { parsePrefix, prefixContains } from '../../../network/address.ts'
import type { TcContext, TcProgram, TcVerdict } from '../../../network/bpf.ts'
import { destinationUnreachable, unreachableCode } from '../../../network/icmp.ts'
import { copyPacket, icmpErrorPacket, type Packet } from '../../../network/packet.ts'
import { reserved } from '../identity.ts'
import { remember, standing } from './conntrack.ts'
import { deliver, drop, encapsulate, leave, pass } from './deliver.ts'
import { type Backend, lookUp, type Maps, mapsOf, type NodeConfig, type ServiceEntry } from './maps.ts'
import { choose } from './services.ts'

/** CT_CONNECTION_LIFETIME_TCP, ms: how long a translation is kept without a packet. */
const translationLifetime = 8_000_000
const mostTranslations = 4096
/** NODEPORT_PORT_MIN_NAT. */
const firstPort = 32_768

/** What comes in by the node's own interface: front ends of services are served before the host's stack sees it (bpf/lib/nodeport.h). */
export const fromNetdev: TcProgram = {
  type: 'tc',
  id: 'cil_from_netdev',
  run(context) {
    const { packet } = context
    if ((packet.protocol !== 'tcp' && packet.protocol !== 'udp') || packet.inner) return pass
    const maps = mapsOf(context.maps)
    const config = maps.config.get('')
    if (!config) return pass
    const answer = answerFromElsewhere(context)
    if (answer) return answer
    const entry = frontEnd(maps, config, packet)
    return entry ? serve(context, maps, config, entry) : pass
  },
}

/** What leaves by it: an answer of the host's own programs to who came by a service's address shows that address. */
export const toNetdev: TcProgram = {
  type: 'tc',
  id: 'cil_to_netdev',
  run({ packet, maps: kernel, clock }) {
    if (packet.inner) return pass
    const maps = mapsOf(kernel)
    if (packet.src !== maps.config.get('')?.nodeAddress || (packet.protocol !== 'tcp' && packet.protocol !== 'udp')) return pass
    const at = standing(maps, packet, 'egress', clock.now())
    if (at.state !== 'reply' || !at.service) return pass
    packet.src = at.service.address
    packet.sport = at.service.port
    return pass
  },
}

/** ClusterIPs are no front ends for who comes from outside (bpf-lb-external-clusterip). */
function frontEnd(maps: Maps, { nodeAddress }: NodeConfig, { protocol, dst, dport }: Packet): ServiceEntry | undefined {
  const own = maps.services.get(`${protocol} ${dst}:${dport}`)
  if (own) return own.type === 'ClusterIP' ? undefined : own
  return dst === nodeAddress ? maps.services.get(`${protocol} 0.0.0.0:${dport}`) : undefined
}

function serve(context: TcContext, maps: Maps, config: NodeConfig, entry: ServiceEntry): TcVerdict {
  const { packet, clock, random } = context
  const now = clock.now()
  const { identity } = lookUp(maps, packet.src)
  const nowhere = { direction: 'ingress', identities: [identity, reserved.world] } as const
  if (entry.sourceRanges && !entry.sourceRanges.some((range) => prefixContains(parsePrefix(range), packet.src)))
    return drop(context, 'Denied by LB src range check', nowhere, entry.origin)
  const service: Backend = { address: packet.dst, port: packet.dport }
  const backend = choose(maps, entry, entry.outside, { client: packet.src, sticky: packet }, now, random)
  if (!backend) return config.rejectsWithoutBackend ? reject(context) : drop(context, 'Service backend not found', nowhere, entry.origin)
  packet.dst = backend.address
  packet.dport = backend.port
  const local = maps.endpoints.get(backend.address)
  if (local) return deliver(context, local, identity, service)
  if (backend.address === config.nodeAddress) {
    remember(maps, packet, standing(maps, packet, 'ingress', now), now, service)
    return pass
  }
  const destination = lookUp(maps, backend.address)
  const source = destination.tunnel ? config.router : config.nodeAddress
  const client = { address: packet.src, port: packet.sport }
  packet.src = source
  packet.sport = translate(maps, packet, { client, service, backend }, now, (limit) => random.below(limit))
  // A client from outside must not pass for a node of the cluster at the other end.
  if (destination.tunnel) return encapsulate(context, destination.tunnel, reserved.world, destination.identity)
  return leave(context, () => `to ${backend.address}:${backend.port} for ${service.address}:${service.port}`)
}

/** The source port under which a client's flow goes on; the same one while the flow lasts. */
function translate(
  maps: Maps,
  packet: Packet,
  flow: { client: Backend; service: Backend; backend: Backend },
  now: number,
  below: (limit: number) => number,
): number {
  const { client, backend } = flow
  const key = (port: number) => `${packet.protocol} ${backend.address}:${backend.port} ${packet.src}:${port}`
  const mine = (port: number) => {
    const known = maps.translations.get(key(port))
    return known?.client.address === client.address && known.client.port === client.port
  }
  let port = client.port >= firstPort ? client.port : firstPort + (client.port % (65_536 - firstPort))
  for (let tries = 0; tries < 128 && !mine(port); tries++) {
    const known = maps.translations.get(key(port))
    if (!known || known.expires <= now) break
    port = firstPort + below(65_536 - firstPort)
  }
  if (maps.translations.size >= mostTranslations) {
    const [oldest] = maps.translations.entries().next().value ?? []
    if (oldest !== undefined) maps.translations.delete(oldest)
  }
  maps.translations.set(key(port), { ...flow, expires: now + translationLifetime })
  return port
}

/** The answer of a backend on another node to a flow that this node passed on: to the client, from the service. */
export function answerFromElsewhere(context: TcContext): TcVerdict | undefined {
  const { packet, clock } = context
  const maps = mapsOf(context.maps)
  if (maps.translations.size === 0) return undefined
  const found = maps.translations.get(`${packet.protocol} ${packet.src}:${packet.sport} ${packet.dst}:${packet.dport}`)
  if (!found || found.expires <= clock.now()) return undefined
  packet.src = found.service.address
  packet.sport = found.service.port
  packet.dst = found.client.address
  packet.dport = found.client.port
  return leave(context, () => `answer of ${found.service.address}:${found.service.port}`)
}

/** ICMP port unreachable back by the interface it came by (tail_no_service_ipv4). */
function reject({ packet, link }: TcContext): TcVerdict {
  const about = copyPacket(packet)
  about.payload = undefined
  const { serial, crossed, latency, srcMac } = packet
  Object.assign(packet, icmpErrorPacket(packet.dst, packet.src, { type: destinationUnreachable, code: unreachableCode.port, about }))
  Object.assign(packet, { serial, crossed, latency, srcMac: link.mac, dstMac: srcMac })
  return { action: 'redirect', to: link.name, detail: () => 'no backend: ICMP port unreachable' }
}
