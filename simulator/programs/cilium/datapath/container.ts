import type { TcContext, TcProgram, TcVerdict } from '../../../network/bpf.ts'
import { reserved } from '../identity.ts'
import { remember, standing } from './conntrack.ts'
import { allowed, deliver, denied, drop, encapsulate, leave, observe, pass } from './deliver.ts'
import { lookUp, mapsOf } from './maps.ts'
import { judge } from './policy.ts'

/** What a pod sends, at the host's end of its veth pair: its egress policy, and where it goes (bpf/bpf_lxc.c). */
export const fromContainer: TcProgram = {
  type: 'tc',
  id: 'cil_from_container',
  run(context) {
    const { packet, link, clock } = context
    const maps = mapsOf(context.maps)
    const now = clock.now()
    if (packet.protocol === 'arp') return answerArp(context)
    const endpoint = maps.endpoints.get(packet.src)
    if (endpoint?.link !== link.name) return drop(context, 'Invalid source ip', { direction: 'egress', identities: [0, 0] })
    const destination = lookUp(maps, packet.dst)
    const at = standing(maps, packet, 'egress', now)
    if (at.state === 'new' || at.state === 'established') {
      const verdict = judge(maps.policy.get(String(endpoint.id)), 'egress', destination.identity, packet)
      const seen = { direction: 'egress', identities: [endpoint.identity, destination.identity], endpoint: endpoint.id } as const
      if (!verdict.allowed) return denied(context, verdict, seen)
      if (at.state === 'new') allowed(context, verdict, seen)
      remember(maps, packet, at, now)
    } else if (at.service) {
      // An answer to who came by a service's address outside shows that address, and leaves as it came.
      const { address, port } = at.service
      packet.src = address
      if (at.state === 'reply') packet.sport = port
      return leave(context, () => `answer of ${address}:${port}`)
    }
    const local = maps.endpoints.get(packet.dst)
    if (local) return deliver(context, local, endpoint.identity)
    if (destination.identity !== reserved.host && destination.tunnel)
      return encapsulate(context, destination.tunnel, endpoint.identity, destination.identity, at.fresh)
    observe(context, 'to-stack', [endpoint.identity, destination.identity], at.fresh)
    return pass
  },
}

/** Whatever address a pod asks for, the host's end of its veth pair has it (tail_handle_arp). */
function answerArp({ packet, link }: TcContext): TcVerdict {
  if (!packet.arp?.request) return pass
  const { senderMac } = packet.arp
  packet.arp = { request: false, senderMac: link.mac, targetMac: senderMac }
  const asked = packet.dst
  packet.dst = packet.src
  packet.src = asked
  packet.srcMac = link.mac
  packet.dstMac = senderMac
  return { action: 'redirect', to: link.name, detail: () => 'ARP answered' }
}
