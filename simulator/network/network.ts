import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { parsePrefix, prefixContains } from './address.ts'
import type { BpfProgram } from './bpf.ts'
import type { Link } from './link.ts'
import { Machine } from './machine.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { Segment } from './segment.ts'
import { type NetworkSnapshot, restoreNetwork, snapshotNetwork } from './snapshot.ts'
import type { Hop, Recorder } from './trace.ts'

export interface Attachment {
  /** Interface name; `eth0` by default. */
  readonly name?: string
  /** With prefix length: `172.18.0.2/16`. */
  readonly address: string
  /** Adds a default route through it. */
  readonly gateway?: string
  readonly mac?: string
  readonly mtu?: number
}

interface NetworkParts {
  readonly clock: Clock
  readonly random: Random
  readonly bpfPrograms?: readonly BpfProgram[] | undefined
}

/** All machines of a cluster and what joins them. */
export class Network {
  readonly clock: Clock
  readonly random: Random
  /** Open recorders; empty nearly always. */
  readonly recorders: Recorder[] = []
  /** Counts changes of interfaces and addresses: what was learned by ARP before one is asked again. */
  topology = 0
  readonly #machines = new Map<string, Machine>()
  /** What can be loaded into a kernel, by name: snapshots hold the names alone. */
  readonly bpfPrograms: ReadonlyMap<string, BpfProgram>
  readonly #segments = new Map<string, Segment>()
  #linkIds = 0
  #serials = 0

  constructor({ clock, random, bpfPrograms = [] }: NetworkParts) {
    this.clock = clock
    this.random = random
    this.bpfPrograms = new Map(bpfPrograms.map((program) => [program.id, program]))
  }

  addMachine(name: string): Machine {
    if (this.#machines.has(name)) throw new Error(`a machine named "${name}" is there already`)
    const machine = new Machine(this, name)
    this.#machines.set(name, machine)
    return machine
  }

  /** Switches a machine off and takes it away; absent is fine. */
  removeMachine(name: string): void {
    const machine = this.#machines.get(name)
    if (!machine) return
    machine.down = true
    for (const namespace of machine.namespaces()) namespace.destroy()
    this.#machines.delete(name)
  }

  machine(name: string): Machine | undefined {
    return this.#machines.get(name)
  }

  machines(): Machine[] {
    return [...this.#machines.values()]
  }

  /** `latency`: one way, ms. */
  addSegment(name: string, options: { mtu?: number; latency?: number } = {}): Segment {
    if (this.#segments.has(name)) throw new Error(`a segment named "${name}" is there already`)
    const segment: Segment = { name, links: [], mtu: options.mtu ?? 1500, down: false, latency: options.latency ?? 0.03 }
    this.#segments.set(name, segment)
    return segment
  }

  segment(name: string): Segment | undefined {
    return this.#segments.get(name)
  }

  segments(): Segment[] {
    return [...this.#segments.values()]
  }

  /** Gives a namespace an Ethernet card on a segment, up and with its address; lo comes up too. */
  attach(namespace: NetworkNamespace, segment: Segment, attachment: Attachment): Link {
    const name = attachment.name ?? 'eth0'
    const { address, gateway, mac, mtu } = attachment
    if (gateway !== undefined && !prefixContains(parsePrefix(address), gateway)) {
      throw new Error(`gateway ${gateway} is not within ${address}, the address of ${name} on ${namespace.machine.name}`)
    }
    const link = namespace.addEthernet(name, { mtu: mtu ?? segment.mtu, ...(mac === undefined ? {} : { mac }) })
    link.segment = segment
    segment.links.push(link)
    namespace.setLink(name, { up: true })
    namespace.addAddress(name, address)
    if (!namespace.loopback.up) upLoopback(namespace)
    if (gateway !== undefined) namespace.routing.add({ dst: '0.0.0.0/0', via: gateway, dev: name })
    return link
  }

  /** Records every hop of every packet until it is closed. */
  record(): Recorder {
    const recorder: Recorder = {
      hops: [],
      close: () => {
        const at = this.recorders.indexOf(recorder)
        if (at >= 0) this.recorders.splice(at, 1)
      },
    }
    this.recorders.push(recorder)
    return recorder
  }

  /** The hops of all that `task` causes before it returns: a connection's handshake is within that, callbacks and time-outs are not. */
  trace(task: () => void): Hop[] {
    const recorder = this.record()
    try {
      task()
    } finally {
      recorder.close()
    }
    return recorder.hops
  }

  /** Plain data; shares what never changes (routes, rules, sets) with the network. Sockets, taps and recorders are not in it. */
  snapshot(): NetworkSnapshot {
    return snapshotNetwork(this)
  }

  /**
   * Makes the network what the snapshot says. Machines and namespaces that are there by name stay the same objects; others come or go.
   * All sockets are gone silently: their owners open them anew.
   */
  restore(snapshot: NetworkSnapshot): void {
    restoreNetwork(this, snapshot)
  }

  nextSerial(): number {
    return ++this.#serials
  }

  nextLinkId(): number {
    return ++this.#linkIds
  }

  counters(): { links: number } {
    return { links: this.#linkIds }
  }

  /** For `restore`. */
  reset(counters: { links: number }): void {
    this.#linkIds = counters.links
    this.topology++
  }

  removeSegment(name: string): void {
    const segment = this.#segments.get(name)
    if (!segment) return
    for (const link of segment.links) link.segment = undefined
    this.#segments.delete(name)
    this.topology++
  }
}

export function createNetwork(parts: NetworkParts): Network {
  return new Network(parts)
}

/** Brings lo up with 127.0.0.1/8, as every host and every container runtime does. */
export function upLoopback(namespace: NetworkNamespace): void {
  namespace.setLink('lo', { up: true })
  if (namespace.loopback.addresses.length === 0) namespace.addAddress('lo', '127.0.0.1/8')
}
