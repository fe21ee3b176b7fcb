import { broadcastMac } from './address.ts'
import type { Link } from './link.ts'
import { copyPacket, type Packet } from './packet.ts'
import { note } from './trace.ts'

/** The host itself sends through its bridge. */
export function bridgeTransmit(bridge: Link, packet: Packet): void {
  flood(bridge, portsFor(bridge, packet.dstMac), undefined, packet)
}

/** A frame came in by `port` of `bridge`: learn where its sender is, then pass it up or on. */
export function bridgeReceive(bridge: Link, port: Link, packet: Packet): void {
  if (!bridge.up) return
  learnPort(bridge, port, packet.srcMac)
  packet.physIn = port.name
  if (packet.dstMac === broadcastMac) {
    passUp(bridge, copyPacket(packet), false)
    return forward(bridge, port, packet, false)
  }
  // An Open vSwitch datapath switches frames likewise, but is no business of br_netfilter.
  const filtered = bridge.kind === 'bridge' && packet.protocol !== 'arp' && bridge.namespace.bridgeNetfilter()
  if (filtered && !prerouting(bridge, packet)) return
  if (!isOwn(bridge, packet.dstMac)) return forward(bridge, port, packet, filtered)
  packet.dstMac = bridge.mac
  passUp(bridge, packet, filtered)
}

/**
 * br_netfilter: IPv4 packets that enter a bridge pass PREROUTING there, whether they will be routed or bridged. This un-NATs replies between two
 * pods of one bridge, and what DNAT sends back behind the same bridge is bridged at once (so that hairpin is needed), not routed.
 */
function prerouting(bridge: Link, packet: Packet): boolean {
  const { namespace } = bridge
  const asked = packet.dst
  if (!namespace.netfilter.run('PREROUTING', packet, bridge, undefined)) return false
  if (packet.dst === asked) return true
  const decision = namespace.routing.lookup({ dst: packet.dst })
  const mac =
    decision?.link === bridge && decision.route.type === 'unicast' ? namespace.neighbourMac(bridge, decision.nextHop, packet) : bridge.mac
  if (mac === undefined) return false
  packet.dstMac = mac
  return true
}

function isOwn(bridge: Link, mac: string): boolean {
  return mac === bridge.mac || bridge.ports.some((port) => port.mac === mac)
}

function passUp(bridge: Link, packet: Packet, filtered: boolean): void {
  const { namespace } = bridge
  bridge.counters.rxPackets++
  bridge.counters.rxBytes += packet.size
  if (namespace.taps.length > 0) namespace.tapped(bridge, packet, 'in')
  namespace.up(bridge, packet, filtered)
}

function forward(bridge: Link, port: Link, packet: Packet, filtered: boolean): void {
  const { namespace } = bridge
  const ports = portsFor(bridge, packet.dstMac).filter((other) => other !== port || port.hairpin)
  if (filtered) {
    const out = ports.length === 1 ? ports[0]!.name : undefined
    if (!namespace.netfilter.run('FORWARD', packet, bridge, bridge, out)) return
    if (!namespace.netfilter.run('POSTROUTING', packet, undefined, bridge, out)) return
  }
  flood(bridge, ports, port, packet)
}

function flood(bridge: Link, ports: readonly Link[], from: Link | undefined, packet: Packet): void {
  const { namespace } = bridge
  const sending = ports.filter((port) => port.up)
  if (namespace.network.recorders.length > 0 && packet.protocol !== 'arp') {
    const names = sending.map((port) => port.name).join(', ')
    note(namespace, 'bridge', packet, {
      interface: bridge.name,
      detail: names
        ? `bridge ${bridge.name} forwards to port ${names}`
        : `bridge ${bridge.name} has no other port${from && !from.hairpin ? ` (hairpin is off on ${from.name})` : ''}`,
      ...(names ? {} : { verdict: 'LOST' as const }),
    })
  }
  for (const port of sending) {
    // A bridge drops what its port cannot carry, without ICMP.
    if (packet.size > port.mtu + 4 && packet.fragments === 1) {
      port.counters.txDropped++
      if (namespace.network.recorders.length > 0) {
        note(namespace, 'bridge', packet, {
          interface: port.name,
          detail: `${packet.size} bytes are more than the MTU ${port.mtu} of port ${port.name}`,
          verdict: 'LOST',
        })
      }
      continue
    }
    namespace.transmit(port, sending.length === 1 ? packet : copyPacket(packet))
  }
}

function portsFor(bridge: Link, mac: string): readonly Link[] {
  const known = bridge.fdb.get(mac)?.[0]?.port
  if (known !== undefined) {
    const port = bridge.ports.find((candidate) => candidate.name === known)
    if (port) return [port]
  }
  return bridge.ports
}

function learnPort(bridge: Link, port: Link, mac: string): void {
  const known = bridge.fdb.get(mac)?.[0]
  if (known?.permanent || known?.port === port.name) return
  bridge.fdb.set(mac, [{ mac, port: port.name, permanent: false }])
}
