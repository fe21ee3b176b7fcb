import { isLoopback } from './address.ts'
import { destinationUnreachable, echoReply, echoRequest, rejectCode, timeExceeded, unreachableCode } from './icmp.ts'
import type { Link } from './link.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { Hook, RejectWith } from './netfilter/rule.ts'
import { copyPacket, echoPacket, type IcmpHeader, icmpErrorPacket, type Packet, tcpPacket } from './packet.ts'
import { routeLine } from './route-line.ts'
import type { Decision } from './routing.ts'
import type { Errno } from './sockets.ts'
import { note, type Stage } from './trace.ts'
import { ipipReceive, vxlanReceive } from './tunnel.ts'

/** `mtu_expires`: how long a path MTU that ICMP told is believed, ms. */
const pathMtuLifetime = 600_000

/** The IP layer of one namespace: Linux's ip_output, ip_input and ip_forward with netfilter's hooks between. */
export class Ip {
  readonly #namespace: NetworkNamespace
  readonly #pathMtus = new Map<string, { mtu: number; expires: number }>()

  constructor(namespace: NetworkNamespace) {
    this.#namespace = namespace
  }

  /**
   * Sends a packet of this host. An empty `src` is filled in by the route. Returns what `sendto` would fail with, undefined where it left.
   * Whatever the packet causes has happened when this returns.
   */
  output(packet: Packet): Errno | undefined {
    const namespace = this.#namespace
    if (namespace.machine.down) return 'ENETUNREACH'
    if (packet.serial === 0) packet.serial = namespace.network.nextSerial()
    packet.uid = 0
    let decision = this.#route(packet)
    if (!decision) return this.#refused(packet, undefined)
    if (packet.src === '') packet.src = namespace.routing.sourceFor(decision) ?? ''
    if (!decision.link) return this.#refused(packet, decision)
    if (packet.src === '') return 'EADDRNOTAVAIL'
    this.#noteRoute('send', packet, decision, undefined)
    const [dst, mark] = [packet.dst, packet.mark]
    if (!namespace.netfilter.run('OUTPUT', packet, undefined, this.#outLink(decision))) return 'EPERM'
    if (packet.dst !== dst || packet.mark !== mark) {
      decision = this.#route(packet)
      if (!decision?.link) return this.#refused(packet, decision)
      this.#noteRoute('route', packet, decision, undefined)
    }
    const mtu = this.#mtu(packet.dst, decision)
    // IP_PMTUDISC_WANT: what fits asks not to be cut on its way, what does not fit is cut here.
    if (packet.protocol === 'udp' && !packet.inner && !packet.df) packet.df = packet.size <= mtu
    if (packet.df && packet.size > mtu) {
      if (namespace.network.recorders.length > 0) {
        const detail = `${packet.size} bytes with DF are more than the MTU ${mtu} towards ${packet.dst}: EMSGSIZE`
        note(namespace, 'send', packet, { interface: this.#outLink(decision).name, detail, verdict: 'LOST' })
      }
      return 'EMSGSIZE'
    }
    return this.#finish(packet, decision, mtu)
  }

  /** A packet came in by `link` and is for this host's IP layer: PREROUTING and on. */
  receive(link: Link, packet: Packet): void {
    packet.uid = undefined
    if (!this.#namespace.netfilter.run('PREROUTING', packet, link, undefined)) return
    this.routed(link, packet)
  }

  /** Past PREROUTING: the routing decision for what came in. */
  routed(link: Link, packet: Packet): void {
    const namespace = this.#namespace
    const martian = this.#martian(link, packet)
    if (martian) return this.#lost('route', packet, link, martian)
    const decision = namespace.routing.lookup({ dst: packet.dst, src: packet.src, mark: packet.mark, iif: link.name })
    const type = decision?.route.type
    if (decision) this.#noteRoute('route', packet, decision, link)
    if (type === 'local') return this.#deliver(link, packet)
    if (type === 'broadcast') return this.#ended('route', packet, link, 'a broadcast, for which no socket listens')
    if (!namespace.forwards(link)) return this.#lost('route', packet, link, 'not for this host, and net.ipv4.ip_forward is 0')
    if (!decision) return this.#fail(packet, link, unreachableCode.net, `no route to ${packet.dst}`)
    if (type === 'blackhole') return this.#lost('route', packet, link, `blackhole ${decision.route.dst}`)
    if (type === 'prohibit') return this.#fail(packet, link, unreachableCode.adminProhibited, `prohibit ${decision.route.dst}`)
    if (type === 'unreachable') return this.#fail(packet, link, unreachableCode.host, `unreachable ${decision.route.dst}`)
    this.#forward(link, packet, decision)
  }

  /** Answers a packet that could not go on with ICMP destination unreachable. */
  unreachable(packet: Packet, code: number, mtu?: number): void {
    this.#complain(packet, { type: destinationUnreachable, code, ...(mtu === undefined ? {} : { mtu }) })
  }

  /** netfilter's REJECT. */
  reject(packet: Packet, kind: RejectWith, hook: Hook): void {
    if (kind !== 'tcp-reset') return this.#complain(packet, { type: destinationUnreachable, code: rejectCode(kind) }, hook !== 'FORWARD')
    if (!packet.tcp || packet.tcp.rst) return
    const reset = resetFor(packet)
    reset.tracking = this.#answering(packet, 'ESTABLISHED')
    this.output(reset)
  }

  /** The MTU towards `dst`, or undefined where there is no route: what TCP derives its segment size from. */
  pathMtu(dst: string): number | undefined {
    const decision = this.#namespace.routing.lookup({ dst })
    return decision?.link && this.#mtu(dst, decision)
  }

  pathMtus(): { address: string; mtu: number; expires: number }[] {
    return [...this.#pathMtus].map(([address, entry]) => ({ address, ...entry }))
  }

  load(pathMtus: readonly { address: string; mtu: number; expires: number }[]): void {
    this.#pathMtus.clear()
    for (const { address, mtu, expires } of pathMtus) this.#pathMtus.set(address, { mtu, expires })
  }

  #route(packet: Packet): Decision | undefined {
    return this.#namespace.routing.lookup({ dst: packet.dst, ...(packet.src === '' ? {} : { src: packet.src }), mark: packet.mark })
  }

  /** What is for the host itself goes through `lo`, whichever interface holds the address. */
  #outLink(decision: Decision): Link {
    return decision.route.type === 'local' ? this.#namespace.loopback : decision.link!
  }

  #mtu(dst: string, decision: Decision): number {
    let mtu = this.#outLink(decision).mtu
    if (decision.route.mtu !== undefined) mtu = Math.min(mtu, decision.route.mtu)
    if (this.#pathMtus.size === 0) return mtu
    const learned = this.#pathMtus.get(dst)
    if (!learned) return mtu
    if (learned.expires > this.#namespace.network.clock.now()) return Math.min(mtu, learned.mtu)
    this.#pathMtus.delete(dst)
    return mtu
  }

  #forward(link: Link, packet: Packet, decision: Decision): void {
    const namespace = this.#namespace
    const out = decision.link
    if (!out) return this.#ended('route', packet, link, `the route's interface ${decision.route.dev} is gone`)
    if (packet.ttl <= 1) {
      this.#lost('forward', packet, link, 'time to live exceeded')
      return this.#complain(packet, { type: timeExceeded, code: 0 })
    }
    const mtu = this.#mtu(packet.dst, decision)
    if (packet.df && packet.size > mtu) {
      this.#lost('forward', packet, link, `${packet.size} bytes with DF are more than the MTU ${mtu} of ${out.name}: fragmentation needed`)
      return this.unreachable(packet, unreachableCode.fragmentationNeeded, mtu)
    }
    packet.ttl--
    if (!namespace.netfilter.run('FORWARD', packet, link, out)) return
    this.#finish(packet, decision, mtu)
  }

  #finish(packet: Packet, decision: Decision, mtu: number): Errno | undefined {
    const namespace = this.#namespace
    const link = this.#outLink(decision)
    if (!namespace.netfilter.run('POSTROUTING', packet, undefined, link)) return 'EPERM'
    packet.fragments = packet.size > mtu ? Math.ceil((packet.size - 20) / ((mtu - 20) & ~7)) : 1
    if (link.kind === 'loopback') namespace.transmit(link, packet)
    else if (link.kind === 'ipip') {
      packet.dstMac = decision.nextHop
      namespace.transmit(link, packet)
    } else {
      const mac = namespace.neighbourMac(link, decision.nextHop, packet)
      if (mac === undefined) return undefined
      packet.srcMac = link.mac
      packet.dstMac = mac
      namespace.transmit(link, packet)
    }
    return undefined
  }

  #deliver(link: Link, packet: Packet): void {
    const namespace = this.#namespace
    if (!namespace.netfilter.run('INPUT', packet, link, undefined)) return
    packet.fragments = 1
    if (packet.inner) {
      const links = namespace.links()
      if (packet.protocol === 'ipip' ? ipipReceive(packet, links) : vxlanReceive(packet, links)) return
      return this.unreachable(packet, packet.protocol === 'ipip' ? unreachableCode.protocol : unreachableCode.port)
    }
    if (packet.protocol === 'icmp') return this.#icmp(link, packet)
    // Before the socket answers, so that the record stands in the order of cause and effect.
    if (namespace.network.recorders.length > 0) this.#noteDelivery(link, packet)
    const delivered = packet.protocol === 'tcp' ? namespace.table.tcp(packet) : namespace.table.udp(packet)
    if (delivered) return
    if (packet.protocol === 'udp') this.#complain(packet, { type: destinationUnreachable, code: unreachableCode.port }, true)
    else if (packet.tcp && !packet.tcp.rst) this.output(resetFor(packet))
  }

  #icmp(link: Link, packet: Packet): void {
    const namespace = this.#namespace
    const { icmp } = packet
    if (!icmp) return
    if (namespace.network.recorders.length > 0)
      note(namespace, 'deliver', packet, { interface: link.name, detail: 'to the kernel', verdict: 'DELIVERED' })
    if (icmp.about) {
      if (icmp.mtu !== undefined && icmp.code === unreachableCode.fragmentationNeeded) {
        this.#pathMtus.set(icmp.about.dst, { mtu: icmp.mtu, expires: namespace.network.clock.now() + pathMtuLifetime })
      }
      namespace.table.icmpError(packet.src, icmp, icmp.about)
    } else if (icmp.type === echoRequest) {
      if (namespace.sysctl('net.ipv4.icmp_echo_ignore_all') === '1') return
      const reply = echoPacket(packet.dst, packet.src, { ...icmp, type: echoReply }, packet.sport, packet.payload ?? new Uint8Array())
      reply.latency = packet.latency
      reply.crossed = 0
      this.output(reply)
    } else if (icmp.type === echoReply) namespace.table.echoReply(packet)
  }

  /** ICMP about `packet` to its sender; never about an ICMP error (RFC 1122). */
  #complain(packet: Packet, icmp: IcmpHeader, fromDestination = false): void {
    if (packet.icmp?.about || packet.protocol === 'arp') return
    const about = copyPacket(packet)
    about.payload = undefined
    about.inner = undefined
    about.tracking = undefined
    const own = fromDestination && this.#namespace.routing.isLocal(packet.dst)
    const error = icmpErrorPacket(own ? packet.dst : '', packet.src, { ...icmp, about })
    error.latency = packet.latency
    error.tracking = this.#answering(packet, 'RELATED')
    this.output(error)
  }

  /** nf_ct_attach: an answer of this host belongs to the connection it answers, even one that is not confirmed yet. */
  #answering(packet: Packet, state: 'RELATED' | 'ESTABLISHED'): Packet['tracking'] {
    const tracking = packet.tracking
    return tracking?.connection && { connection: tracking.connection, reply: !tracking.reply, state }
  }

  /** Why Linux would not believe this packet (fib_validate_source), or undefined. */
  #martian(link: Link, packet: Packet): string | undefined {
    if (link.kind === 'loopback') return undefined
    const namespace = this.#namespace
    if (isLoopback(packet.dst) || isLoopback(packet.src)) {
      const allowed = namespace.interfaceFlag('route_localnet', link)
      if (!allowed) return `martian: a loopback address on ${link.name}`
    }
    if (namespace.routing.isLocal(packet.src) && !namespace.interfaceFlag('accept_local', link)) {
      return `martian source ${packet.src}: it is this host's own address`
    }
    const filter = namespace.reversePathFilter(link)
    if (filter === 0) return undefined
    const back = namespace.routing.lookup({ dst: packet.src, src: packet.dst, mark: packet.mark })
    if (back?.link && (filter === 2 || back.link === link)) return undefined
    return `rp_filter: the way back to ${packet.src} is not ${link.name}`
  }

  #refused(packet: Packet, decision: Decision | undefined): Errno {
    const type = decision?.route.type
    const errno: Errno = type === 'unreachable' ? 'EHOSTUNREACH' : type === 'prohibit' ? 'EACCES' : 'ENETUNREACH'
    if (this.#namespace.network.recorders.length > 0) {
      const route = decision ? routeLine(this.#namespace, decision.route).trimEnd() : undefined
      const detail = route ?? `no route to ${packet.dst}`
      note(this.#namespace, 'route', packet, { detail: `${detail}: ${errno}`, ...(route ? { route } : {}), verdict: 'LOST' })
    }
    return errno
  }

  #fail(packet: Packet, link: Link, code: number, detail: string): void {
    this.#lost('route', packet, link, detail)
    this.unreachable(packet, code)
  }

  #lost(stage: Stage, packet: Packet, link: Link, detail: string): void {
    link.counters.rxDropped++
    if (this.#namespace.network.recorders.length > 0)
      note(this.#namespace, stage, packet, { interface: link.name, detail, verdict: 'LOST' })
  }

  #noteRoute(stage: Stage, packet: Packet, decision: Decision, from: Link | undefined): void {
    if (this.#namespace.network.recorders.length === 0) return
    const { route } = decision
    const line = routeLine(this.#namespace, route).trimEnd()
    const ends = { ...(from ? { in: from.name } : {}), ...(route.dev ? { interface: route.dev, out: route.dev } : {}) }
    note(this.#namespace, stage, packet, { ...ends, detail: `${stage === 'send' ? 'sent' : 'routed'} by ${line}`, route: line })
  }

  #noteDelivery(link: Link, packet: Packet): void {
    const socket = this.#namespace.table.wanting(packet)
    const port = `${packet.protocol} port ${packet.dport}`
    note(
      this.#namespace,
      'deliver',
      packet,
      socket
        ? { interface: link.name, detail: `to ${socket.owner} on ${port} (${socket.state})`, socket, verdict: 'DELIVERED' }
        : { interface: link.name, detail: `no socket on ${port}`, verdict: 'REJECT' },
    )
  }

  /** What Linux drops without counting it against an interface. */
  #ended(stage: Stage, packet: Packet, link: Link, detail: string): void {
    if (this.#namespace.network.recorders.length > 0)
      note(this.#namespace, stage, packet, { interface: link.name, detail, verdict: 'LOST' })
  }
}

/** RFC 9293, 3.10.7.1: the reset that answers a segment for which there is no connection. */
function resetFor(packet: Packet): Packet {
  const tcp = packet.tcp!
  const length = (packet.payload?.length ?? 0) + (tcp.syn ? 1 : 0) + (tcp.fin ? 1 : 0)
  const header = { syn: false, fin: false, rst: true, psh: false, window: 0 }
  const reset = tcp.isAck ? { ...header, seq: tcp.ack, ack: 0, isAck: false } : { ...header, seq: 0, ack: tcp.seq + length, isAck: true }
  return tcpPacket(packet.dst, packet.dport, packet.src, packet.sport, reset)
}
