import type { CgroupHook, SocketAddressProgram, SocketContext, SocketVerdict, TcHook, TcProgram } from './bpf.ts'
import type { Link } from './link.ts'
import type { NetworkNamespace } from './namespace.ts'
import { type Packet, tcpPacket, udpPacket } from './packet.ts'
import type { Endpoint } from './sockets.ts'
import { headerOf, note } from './trace.ts'

/** Asks the program at an interface's tc hook, if there is one. False: the packet does not go on here. */
export function classify(link: Link, packet: Packet, hook: TcHook): boolean {
  const id = link.tc[hook]
  if (id === undefined) return true
  const { namespace } = link
  const { network } = namespace
  const program = network.bpfPrograms.get(id)
  if (program?.type !== 'tc') throw new Error(`${link.name} has ${id} at tc ${hook}, which is no tc program of this network`)
  const recording = network.recorders.length > 0
  const before = recording ? headerOf(packet) : undefined
  const verdict = (program as TcProgram).run({
    maps: namespace.machine.bpf.maps,
    clock: network.clock,
    random: network.random,
    link,
    packet,
  })
  if (recording && packet.protocol !== 'arp') {
    const now = headerOf(packet)
    const changed = before && (now.src !== before.src || now.dst !== before.dst || now.sport !== before.sport || now.dport !== before.dport)
    const origin = 'origin' in verdict && verdict.origin ? { origin: verdict.origin } : {}
    const common = { interface: link.name, ...origin, ...(changed ? { before } : {}) }
    const where = `${id} at tc ${hook}`
    if (verdict.action === 'drop') note(namespace, 'bpf', packet, { ...common, detail: `${where}: ${verdict.reason}`, verdict: 'DROP' })
    else
      note(namespace, 'bpf', packet, {
        ...common,
        detail: verdict.action === 'pass' ? `${where}: to the stack` : `${where}: ${verdict.detail()}`,
      })
  }
  switch (verdict.action) {
    case 'pass':
      return true
    case 'drop':
      if (hook === 'ingress') link.counters.rxDropped++
      else link.counters.txDropped++
      return false
    case 'redirect': {
      const to = namespace.link(verdict.to)
      if (to) namespace.transmit(to, packet)
      return false
    }
    case 'redirect-neigh': {
      const to = namespace.link(verdict.to)
      const mac = to && namespace.neighbourMac(to, verdict.nextHop, packet)
      if (!to || mac === undefined) return false
      packet.srcMac = to.mac
      packet.dstMac = mac
      namespace.transmit(to, packet)
      return false
    }
  }
}

/** What the program at a cgroup hook makes of the destination of a socket; undefined where it stays. */
export function socketOutward(
  namespace: NetworkNamespace,
  hook: Exclude<CgroupHook, 'recvmsg4' | 'getpeername4'>,
  protocol: 'tcp' | 'udp',
  cookie: string,
  to: Endpoint,
): SocketVerdict | undefined {
  const program = attached(namespace, hook)
  const verdict = program?.outward?.(contextOf(namespace, protocol, cookie), to)
  if (verdict && namespace.network.recorders.length > 0) noteSocket(namespace, `${program?.id} at cgroup ${hook}`, protocol, to, verdict)
  return verdict
}

/** Whom a datagram's sender is shown to be. */
export function socketInward(namespace: NetworkNamespace, cookie: string, from: Endpoint): Endpoint {
  const program = attached(namespace, 'recvmsg4')
  return program?.inward?.(contextOf(namespace, 'udp', cookie), from) ?? from
}

/** Whom a connection's peer is shown to be, to the program that asked to be connected with `asked`. */
export function socketPeer(namespace: NetworkNamespace, asked: Endpoint, peer: Endpoint): Endpoint {
  const program = attached(namespace, 'getpeername4')
  return program?.inward?.({ ...contextOf(namespace, 'tcp', ''), asked }, peer) ?? peer
}

function attached({ machine, network }: NetworkNamespace, hook: CgroupHook): SocketAddressProgram | undefined {
  const id = machine.bpf.attached(hook)
  if (id === undefined) return undefined
  const program = network.bpfPrograms.get(id)
  if (program?.type !== 'cgroup_sock_addr') throw new Error(`${machine.name} has ${id} at cgroup ${hook}, which is no such program`)
  return program
}

function contextOf(namespace: NetworkNamespace, protocol: 'tcp' | 'udp', cookie: string): SocketContext {
  const { machine, network } = namespace
  return { maps: machine.bpf.maps, clock: network.clock, random: network.random, namespace, protocol, cookie }
}

/** There is no packet yet: the hop shows the one that would have been sent. */
function noteSocket(namespace: NetworkNamespace, where: string, protocol: 'tcp' | 'udp', to: Endpoint, verdict: SocketVerdict): void {
  const header = { seq: 0, ack: 0, syn: true, fin: false, rst: false, isAck: false, psh: false, window: 0 }
  const shown = (address: string, port: number) =>
    protocol === 'tcp' ? tcpPacket('', 0, address, port, header) : udpPacket('', 0, address, port, new Uint8Array())
  const origin = verdict.origin ? { origin: verdict.origin } : {}
  const asked = `${to.address}:${to.port}`
  if ('errno' in verdict) {
    note(namespace, 'bpf', shown(to.address, to.port), { detail: `${where}: ${verdict.errno} for ${asked}`, ...origin, verdict: 'REJECT' })
    return
  }
  const { address, port } = verdict.to
  const detail = `${where}: ${asked} is ${address}:${port}`
  note(namespace, 'bpf', shown(address, port), { detail, before: headerOf(shown(to.address, to.port)), ...origin })
}
