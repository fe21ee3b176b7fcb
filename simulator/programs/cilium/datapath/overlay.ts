import type { TcProgram } from '../../../network/bpf.ts'
import { isNode, reserved } from '../identity.ts'
import { deliver, encapsulate, pass } from './deliver.ts'
import { lookUp, mapsOf } from './maps.ts'
import { answerFromElsewhere } from './node-port.ts'

/** What comes out of the tunnel; the network identifier is the sender's identity (bpf/bpf_overlay.c). */
export const fromOverlay: TcProgram = {
  type: 'tc',
  id: 'cil_from_overlay',
  run(context) {
    const { packet, link } = context
    const maps = mapsOf(context.maps)
    let identity: number = packet.tunnel?.vni ?? reserved.world
    packet.tunnel = undefined
    // Nodes do not know of each other which of them the API server runs on.
    if (identity === reserved['remote-node']) {
      const known = lookUp(maps, packet.src).identity
      if (isNode(known)) identity = known
    }
    const answer = answerFromElsewhere(context)
    if (answer) return answer
    const local = maps.endpoints.get(packet.dst)
    if (local) return deliver(context, local, identity)
    packet.dstMac = link.mac
    return pass
  },
}

/** What the host sends to pods: its routes to all of them lead to cilium_host (bpf/bpf_host.c, cil_from_host). */
export const fromHost: TcProgram = {
  type: 'tc',
  id: 'cil_from_host',
  run(context) {
    const { packet } = context
    const maps = mapsOf(context.maps)
    const { identity } = lookUp(maps, packet.src)
    const local = maps.endpoints.get(packet.dst)
    if (local) return deliver(context, local, identity)
    const destination = lookUp(maps, packet.dst)
    return destination.tunnel ? encapsulate(context, destination.tunnel, identity, destination.identity) : pass
  },
}
