import { broadcastMac } from './address.ts'
import { classify } from './bpf-hooks.ts'
import { bridgeReceive, bridgeTransmit } from './bridge.ts'
import type { Link } from './link.ts'
import { copyPacket, type Packet, scrub } from './packet.ts'
import { note } from './trace.ts'
import { ipipTransmit, vxlanTransmit } from './tunnel.ts'

/** Devices a frame may cross before it is taken for one that circles; far above any real path. */
const crossingLimit = 64
/** What Linux's `is_skb_forwardable` grants beyond the MTU: room for a VLAN tag. */
const vlanTag = 4
/** One way between two ends of a veth pair, ms. */
const vethLatency = 0.004

/** Hands a packet whose MAC addresses are set to an interface. Synchronous: what it causes has happened when this returns. */
export function transmit(link: Link, packet: Packet): void {
  const { namespace } = link
  const { network } = namespace
  if (!link.up || namespace.machine.down) return lose(link, packet, `${link.name} is down`)
  if (++packet.crossed > crossingLimit) return lose(link, packet, `crossed more than ${crossingLimit} devices: a layer 2 loop`)
  if (link.tc.egress !== undefined && !classify(link, packet, 'egress')) return
  link.counters.txPackets++
  link.counters.txBytes += packet.size
  if (namespace.taps.length > 0) namespace.tapped(link, packet, 'out')
  if (network.recorders.length > 0 && packet.protocol !== 'arp')
    note(namespace, 'transmit', packet, { interface: link.name, detail: `leaves by ${link.name}` })
  switch (link.kind) {
    case 'loopback':
      return receive(link, packet)
    case 'veth':
      if (!link.peer?.up) return lose(link, packet, `the peer of ${link.name} is down`)
      if (link.peer.namespace !== namespace) scrub(packet)
      packet.latency += vethLatency
      return receive(link.peer, packet)
    case 'ethernet':
      return segmentTransmit(link, packet)
    case 'bridge':
    case 'openvswitch':
      return bridgeTransmit(link, packet)
    case 'vxlan':
      return vxlanTransmit(link, packet)
    case 'ipip':
      return ipipTransmit(link, packet)
    case 'dummy':
      if (network.recorders.length > 0) {
        note(namespace, 'transmit', packet, {
          interface: link.name,
          detail: `${link.name} is a dummy: nothing is behind it`,
          verdict: 'LOST',
        })
      }
      return
  }
}

/** A frame arrives at an interface from outside. */
export function receive(link: Link, packet: Packet): void {
  const { namespace } = link
  if (!link.up || namespace.machine.down) return lose(link, packet, `${link.name} is down`)
  if (link.kind !== 'loopback' && packet.size > link.mtu + vlanTag && packet.fragments === 1) {
    return lose(link, packet, `${packet.size} bytes are more than the MTU ${link.mtu} of ${link.name}`)
  }
  link.counters.rxPackets++
  link.counters.rxBytes += packet.size
  if (namespace.taps.length > 0) namespace.tapped(link, packet, 'in')
  if (link.tc.ingress !== undefined && !classify(link, packet, 'ingress')) return
  if (link.master) return bridgeReceive(link.master, link, packet)
  receiveUp(link, packet)
}

/** Past layer 2: the frame is for this host if its MAC says so. `filtered`: a bridge has run PREROUTING on it. */
export function receiveUp(link: Link, packet: Packet, filtered = false): void {
  const { namespace } = link
  const direct = link.kind === 'loopback' || link.kind === 'ipip'
  if (!direct && packet.dstMac !== link.mac && packet.dstMac !== broadcastMac) {
    return lose(link, packet, `frame for ${packet.dstMac}, which is not ${link.name}`)
  }
  if (packet.protocol === 'arp') return namespace.arp(link, packet)
  if (namespace.network.recorders.length > 0)
    note(namespace, 'receive', packet, { interface: link.name, detail: `arrives by ${link.name}` })
  if (filtered) namespace.ip.routed(link, packet)
  else namespace.ip.receive(link, packet)
}

function segmentTransmit(link: Link, packet: Packet): void {
  const { segment } = link
  if (!segment || segment.down) return lose(link, packet, `${link.name} has no carrier`)
  if (packet.size > segment.mtu + vlanTag && packet.fragments === 1) {
    return lose(link, packet, `${packet.size} bytes are more than segment ${segment.name} carries (${segment.mtu})`)
  }
  packet.latency += segment.latency
  scrub(packet)
  const hearing = segment.links.filter(
    (other) => other !== link && (packet.dstMac === broadcastMac || other.mac === packet.dstMac || other.master !== undefined),
  )
  if (hearing.length === 0) return lose(link, packet, `nobody on segment ${segment.name} has ${packet.dstMac}`)
  for (const other of hearing) receive(other, hearing.length === 1 ? packet : copyPacket(packet))
}

/** Counts and notes a frame that ends here without a word to anyone. */
export function lose(link: Link, packet: Packet, detail: string): void {
  link.counters.rxDropped++
  if (link.namespace.network.recorders.length > 0)
    note(link.namespace, 'receive', packet, { interface: link.name, detail, verdict: 'LOST' })
}
