import type { Closer } from '../clock.ts'
import { broadcastMac } from './address.ts'
import type { Link } from './link.ts'
import { arpPacket, copyPacket, type Packet } from './packet.ts'
import { note } from './trace.ts'

export type NeighbourState = 'PERMANENT' | 'REACHABLE' | 'INCOMPLETE' | 'FAILED'

export interface Neighbour {
  readonly address: string
  mac: string | undefined
  state: NeighbourState
  /** When it was last heard, ms since the epoch. Older than `reachableTime` shows as STALE. */
  heard: number
  /** The network's `topology` at that time: a change since then makes it worth asking anew. */
  topology: number
  /** What waits for the answer, at most `queueLength`. */
  waiting: Packet[]
  timer: Closer | undefined
}

/** `base_reachable_time`, ms. */
export const reachableTime = 30_000
/** `mcast_solicit`, and `retrans_time` in ms: three questions a second apart, then it is given up. */
const probes = 3
const probeTime = 1_000
const queueLength = 101
/** `locktime`, ms: of several answers that come back to back, the first one counts (arp_process in net/ipv4/arp.c). */
const lockTime = 1_000

/**
 * The MAC of a next hop, asked for by ARP (RFC 826) where it is not known.
 * Undefined: nobody answers; the packet is kept until the question is given up, and then answered with ICMP host unreachable.
 */
export function resolve(link: Link, address: string, packet: Packet): string | undefined {
  if (link.noarp) return link.mac
  let entry = link.neighbours.get(address)
  const { network, machine } = link.namespace
  if (entry?.state === 'PERMANENT') return found(link, entry, packet)
  if (entry?.state === 'REACHABLE' && entry.topology === network.topology) return found(link, entry, packet)
  if (entry?.state !== 'INCOMPLETE') {
    if (!entry) {
      entry = { address, mac: undefined, state: 'INCOMPLETE', heard: 0, topology: 0, waiting: [], timer: undefined }
      link.neighbours.set(address, entry)
    }
    const known = entry.state === 'REACHABLE' ? entry : undefined
    entry.state = 'INCOMPLETE'
    ask(link, address)
    const answered = link.neighbours.get(address)
    if (answered?.state === 'REACHABLE') return found(link, answered, packet)
    if (known && network.recorders.length > 0)
      note(link.namespace, 'neighbour', packet, { interface: link.name, detail: `${address} no longer answers` })
    const waited = entry
    waited.mac = undefined
    waited.timer = network.clock.after(probeTime, () => unanswered(link, waited, 1))
  }
  const full = entry.waiting.length >= queueLength
  if (!full) entry.waiting.push(copyPacket(packet))
  if (network.recorders.length > 0) {
    note(link.namespace, 'neighbour', packet, {
      interface: link.name,
      detail: `no answer to ARP who-has ${address} on ${machine.name}: ${full ? 'the queue is full' : 'the packet waits'}`,
      neighbour: { address },
      ...(full ? { verdict: 'LOST' as const } : {}),
    })
  }
  return undefined
}

function found(link: Link, { address, mac, state }: Neighbour, packet: Packet): string | undefined {
  if (link.namespace.network.recorders.length > 0 && mac !== undefined) {
    note(link.namespace, 'neighbour', packet, {
      interface: link.name,
      detail: `${address} lladdr ${mac} ${state}`,
      neighbour: { address, mac },
    })
  }
  return mac
}

/** An ARP message came in by `link`. */
export function receiveArp(link: Link, packet: Packet): void {
  const { arp } = packet
  if (!arp) return
  const namespace = link.namespace
  const forUs = namespace.routing.isLocal(packet.dst)
  if (!arp.request) {
    if (packet.dstMac === link.mac) learn(link, packet.src, arp.senderMac)
    return
  }
  if (!forUs && !proxies(link, packet.dst)) return
  if (forUs || link.neighbours.has(packet.src)) learn(link, packet.src, arp.senderMac)
  const reply = arpPacket(packet.dst, packet.src, { request: false, senderMac: link.mac, targetMac: arp.senderMac })
  reply.serial = namespace.network.nextSerial()
  reply.crossed = packet.crossed
  reply.srcMac = link.mac
  reply.dstMac = arp.senderMac
  namespace.transmit(link, reply)
}

export function learn(link: Link, address: string, mac: string): void {
  const { network } = link.namespace
  let entry = link.neighbours.get(address)
  if (entry?.state === 'PERMANENT') return
  if (
    entry?.state === 'REACHABLE' &&
    entry.mac !== mac &&
    entry.topology === network.topology &&
    network.clock.now() < entry.heard + lockTime
  )
    return
  if (!entry) {
    entry = { address, mac, state: 'REACHABLE', heard: 0, topology: 0, waiting: [], timer: undefined }
    link.neighbours.set(address, entry)
  }
  entry.mac = mac
  entry.state = 'REACHABLE'
  entry.heard = network.clock.now()
  entry.topology = network.topology
  entry.timer?.close()
  entry.timer = undefined
  for (const packet of entry.waiting.splice(0)) sendTo(link, mac, packet)
}

function ask(link: Link, address: string): void {
  const namespace = link.namespace
  const source = namespace.routing.sourceFor({
    route: { dst: `${address}/32`, type: 'unicast', metric: 0, table: 'main', scope: 'link', protocol: 'kernel' },
    link,
    nextHop: address,
  })
  if (source === undefined) return
  const question = arpPacket(source, address, { request: true, senderMac: link.mac })
  question.serial = namespace.network.nextSerial()
  question.srcMac = link.mac
  question.dstMac = broadcastMac
  namespace.transmit(link, question)
}

function unanswered(link: Link, entry: Neighbour, asked: number): void {
  entry.timer = undefined
  if (entry.state !== 'INCOMPLETE') return
  if (asked < probes) {
    if (link.up && !link.namespace.machine.down) ask(link, entry.address)
    // The answer to that question has already come, if there is one.
    if ((entry.state as NeighbourState) === 'REACHABLE') return
    entry.timer = link.namespace.network.clock.after(probeTime, () => unanswered(link, entry, asked + 1))
    return
  }
  entry.state = 'FAILED'
  for (const packet of entry.waiting.splice(0)) {
    if (link.namespace.network.recorders.length > 0) {
      const detail = `nobody answered ${probes} ARP questions for ${entry.address}: FAILED`
      note(link.namespace, 'neighbour', packet, { interface: link.name, detail, neighbour: { address: entry.address }, verdict: 'LOST' })
    }
    link.namespace.ip.unreachable(packet, 1)
  }
}

function sendTo(link: Link, mac: string, packet: Packet): void {
  packet.srcMac = link.mac
  packet.dstMac = mac
  link.namespace.transmit(link, packet)
}

/** `proxy_arp`: answers for what it would route out by another interface (Calico's 169.254.1.1). */
function proxies(link: Link, address: string): boolean {
  const namespace = link.namespace
  if (namespace.sysctl(`net.ipv4.conf.${link.name}.proxy_arp`) !== '1' && namespace.sysctl('net.ipv4.conf.all.proxy_arp') !== '1')
    return false
  if (!namespace.forwards(link)) return false
  const decision = namespace.routing.lookup({ dst: address })
  return decision?.route.type === 'unicast' && decision.link !== link
}
