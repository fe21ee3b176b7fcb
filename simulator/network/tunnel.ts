import { broadcastMac } from './address.ts'
import { type FdbEntry, floodMac, type Link } from './link.ts'
import { copyPacket, ipipPacket, type Packet, vxlanPacket } from './packet.ts'
import { note } from './trace.ts'

/** Wraps a frame into UDP for each tunnel end behind which its MAC lives (RFC 7348) and sends that through the host's own stack. */
export function vxlanTransmit(link: Link, packet: Packet): void {
  const { namespace, vxlan } = link
  if (!vxlan) return
  const broadcast = packet.dstMac === broadcastMac
  const told = vxlan.external ? packet.tunnel : undefined
  packet.tunnel = undefined
  const entries: readonly Pick<FdbEntry, 'remote' | 'esp'>[] = vxlan.external
    ? told
      ? [told]
      : []
    : ((broadcast ? undefined : link.fdb.get(packet.dstMac)) ?? link.fdb.get(floodMac) ?? [])
  if (entries.length === 0) {
    link.counters.txDropped++
    if (namespace.network.recorders.length > 0) {
      note(namespace, 'encapsulate', packet, {
        interface: link.name,
        detail: `${link.name} knows no tunnel end for ${packet.dstMac}`,
        verdict: 'LOST',
      })
    }
    return
  }
  for (const { remote, esp } of entries) {
    if (remote === undefined) continue
    const inner = entries.length === 1 ? packet : copyPacket(packet)
    inner.tracking = undefined
    const vni = told?.vni ?? vxlan.id
    const outer = vxlanPacket(vxlan.local, flowPort(inner), remote, vxlan.port, vni, inner)
    outer.serial = inner.serial
    outer.df = vxlan.df ?? false
    if (esp) outer.size = 20 + espSize(outer.size - 20)
    if (namespace.network.recorders.length > 0) {
      note(namespace, 'encapsulate', outer, { interface: link.name, detail: `vxlan ${vni} to ${remote}, ${outer.size} bytes` })
    }
    namespace.ip.output(outer)
  }
}

/** A UDP packet for one of this namespace's VXLAN devices; false where there is none for its port. */
export function vxlanReceive(packet: Packet, links: readonly Link[]): boolean {
  if (!packet.inner || packet.vni === undefined) return false
  const listening = links.filter((link) => link.vxlan?.port === packet.dport && link.up)
  if (listening.length === 0) return false
  const link = listening.find(({ vxlan }) => vxlan?.external || vxlan?.id === packet.vni)
  if (!link?.vxlan) {
    const { namespace } = listening[0]!
    if (namespace.network.recorders.length > 0) {
      note(namespace, 'decapsulate', packet, { detail: `no VXLAN device has VNI ${packet.vni}: dropped silently`, verdict: 'LOST' })
    }
    return true
  }
  const inner = packet.inner
  inner.latency = packet.latency
  inner.crossed = packet.crossed
  inner.mark = packet.mark
  inner.tracking = undefined
  if (link.vxlan.external) inner.tunnel = { remote: packet.src, vni: packet.vni }
  if (link.vxlan.learning && inner.srcMac !== '' && !link.fdb.get(inner.srcMac)?.some((entry) => entry.permanent)) {
    link.fdb.set(inner.srcMac, [{ mac: inner.srcMac, remote: packet.src, permanent: false }])
  }
  if (link.namespace.network.recorders.length > 0 && inner.protocol !== 'arp') {
    note(link.namespace, 'decapsulate', inner, { interface: link.name, detail: `vxlan ${packet.vni} from ${packet.src}` })
  }
  link.namespace.arrive(link, inner)
  return true
}

export function ipipTransmit(link: Link, packet: Packet): void {
  const { namespace } = link
  // An IPIP device has no MACs; the neighbour step left the next hop in dstMac.
  const remote = link.ipip?.remote ?? packet.dstMac
  packet.tracking = undefined
  const outer = ipipPacket(link.ipip?.local ?? '', remote, packet)
  outer.serial = packet.serial
  if (namespace.network.recorders.length > 0) {
    note(namespace, 'encapsulate', outer, { interface: link.name, detail: `ipip to ${remote}, ${outer.size} bytes` })
  }
  namespace.ip.output(outer)
}

export function ipipReceive(packet: Packet, links: readonly Link[]): boolean {
  const { inner } = packet
  if (!inner) return false
  const fits = (link: Link) =>
    link.ipip !== undefined &&
    link.up &&
    (link.ipip.remote === undefined || link.ipip.remote === packet.src) &&
    (link.ipip.local === undefined || link.ipip.local === packet.dst)
  const link = links.find(fits)
  if (!link) return false
  inner.latency = packet.latency
  inner.crossed = packet.crossed
  inner.tracking = undefined
  if (link.namespace.network.recorders.length > 0) {
    note(link.namespace, 'decapsulate', inner, { interface: link.name, detail: `ipip from ${packet.src}` })
  }
  link.namespace.arrive(link, inner)
  return true
}

/** Bytes of an IP payload in ESP's transport mode with AES-GCM (RFC 4303, 4106): header 8, IV 8, padding to 4 with its 2 bytes, check value 16. */
export function espSize(payload: number): number {
  return 8 + 8 + Math.ceil((payload + 2) / 4) * 4 + 16
}

/** The kernel hashes the inner flow into the ephemeral range, so that routers spread flows; any stable hash does. */
function flowPort(packet: Packet): number {
  let hash = 17
  for (const text of [packet.src, packet.dst]) for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  hash = (Math.imul(hash, 31) + packet.sport * 7 + packet.dport) | 0
  return 32768 + ((hash >>> 0) % 28232)
}
