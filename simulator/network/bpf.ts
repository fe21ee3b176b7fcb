import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { Link } from './link.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { Packet } from './packet.ts'
import type { Endpoint, Errno } from './sockets.ts'
import type { Origin } from './trace.ts'

/** What a program at a tc hook says of a packet, which it may have rewritten. `detail` is for traces. */
export type TcVerdict =
  | { readonly action: 'pass' }
  | { readonly action: 'drop'; readonly reason: string; readonly origin?: Origin }
  /** `bpf_redirect`: out by an interface of the same namespace; MAC addresses are the program's affair. */
  | { readonly action: 'redirect'; readonly to: string; readonly detail: () => string; readonly origin?: Origin }
  /** `bpf_redirect_neigh`: likewise, and the kernel finds the next hop's MAC. */
  | {
      readonly action: 'redirect-neigh'
      readonly to: string
      readonly nextHop: string
      readonly detail: () => string
      readonly origin?: Origin
    }

/** What every program can reach of its kernel. */
export interface BpfKernel {
  readonly maps: BpfMaps
  readonly clock: Clock
  readonly random: Random
}

export interface TcContext extends BpfKernel {
  readonly link: Link
  readonly packet: Packet
}

export interface TcProgram {
  readonly type: 'tc'
  /** As `bpftool` and `tc` name it. */
  readonly id: string
  run(context: TcContext): TcVerdict
}

export interface SocketContext extends BpfKernel {
  readonly namespace: NetworkNamespace
  readonly protocol: 'tcp' | 'udp'
  /** Tells the sockets of a machine apart (`bpf_get_socket_cookie`). */
  readonly cookie: string
  /** What connect was asked for; the kernel keeps it with a TCP socket, where real programs keep it in a map by the cookie. */
  readonly asked?: Endpoint
}

/** Where a socket really goes to, or the error that the system call ends with. */
export type SocketVerdict = { readonly to: Endpoint; readonly origin?: Origin } | { readonly errno: Errno; readonly origin?: Origin }

/** A program at a cgroup hook (BPF_PROG_TYPE_CGROUP_SOCK_ADDR): asked by system calls, before there is a packet. */
export interface SocketAddressProgram {
  readonly type: 'cgroup_sock_addr'
  readonly id: string
  /** For connect and sendmsg: undefined leaves the destination as it is. */
  outward?(context: SocketContext, to: Endpoint): SocketVerdict | undefined
  /** For recvmsg and getpeername: whom the sender, or the peer, is shown to be. */
  inward?(context: SocketContext, from: Endpoint): Endpoint | undefined
}

export type BpfProgram = TcProgram | SocketAddressProgram
export type TcHook = 'ingress' | 'egress'
export type CgroupHook = 'connect4' | 'getpeername4' | 'sendmsg4' | 'recvmsg4'

type Entries = readonly (readonly [string, unknown])[]

/** JSON-able; arrays and values are shared with the machine that made it and never changed. */
export interface BpfSnapshot {
  readonly cgroup: Readonly<Partial<Record<CgroupHook, string>>>
  readonly maps: Readonly<Record<string, Entries>>
}

/** A hash map of a kernel. Values are replaced, never changed: snapshots share them. */
export class BpfMap<V> {
  #entries: Map<string, V> | undefined
  #saved: Entries | undefined

  constructor(saved: Entries = []) {
    this.#saved = saved
  }

  get(key: string): V | undefined {
    return this.#live().get(key)
  }

  set(key: string, value: V): void {
    this.#live().set(key, value)
    this.#saved = undefined
  }

  delete(key: string): boolean {
    if (!this.#live().delete(key)) return false
    this.#saved = undefined
    return true
  }

  get size(): number {
    return this.#entries?.size ?? this.#saved?.length ?? 0
  }

  /** In the order of insertion. */
  entries(): IterableIterator<[string, V]> {
    return this.#live().entries()
  }

  /** Makes the map hold exactly these; what is equal by identity already costs nothing. */
  replace(wanted: ReadonlyMap<string, V>): void {
    const live = this.#live()
    for (const key of live.keys()) if (!wanted.has(key)) this.delete(key)
    for (const [key, value] of wanted) if (live.get(key) !== value) this.set(key, value)
  }

  save(): Entries {
    this.#saved ??= [...this.#live()]
    return this.#saved
  }

  #live(): Map<string, V> {
    // Made when first asked for: most of a fork's maps never are.
    this.#entries ??= new Map(this.#saved as readonly (readonly [string, V])[])
    return this.#entries
  }
}

/** The maps of a kernel by the name under which they are pinned: they outlive the process that made them. */
export class BpfMaps {
  readonly #maps = new Map<string, BpfMap<unknown>>()
  /** Another number whenever a map of a name may be another one: who keeps maps at hand asks. */
  generation = 0

  map<V>(name: string): BpfMap<V> {
    let map = this.#maps.get(name)
    if (!map) this.#maps.set(name, (map = new BpfMap<unknown>()))
    return map as BpfMap<V>
  }

  names(): string[] {
    return [...this.#maps.keys()]
  }

  remove(name: string): void {
    this.#maps.delete(name)
    this.generation++
  }

  save(): Record<string, Entries> {
    return Object.fromEntries([...this.#maps].map(([name, map]) => [name, map.save()]))
  }

  load(saved: Readonly<Record<string, Entries>>): void {
    this.#maps.clear()
    this.generation++
    for (const [name, entries] of Object.entries(saved)) this.#maps.set(name, new BpfMap<unknown>(entries))
  }
}

/** What eBPF is on one machine: pinned maps, and programs at the root cgroup. Programs at interfaces hang on their links. */
export class Bpf {
  readonly maps = new BpfMaps()
  #cgroup: Partial<Record<CgroupHook, string>> = {}

  /** Undefined takes the program away. */
  attachCgroup(hook: CgroupHook, program: string | undefined): void {
    const { [hook]: _before, ...others } = this.#cgroup
    this.#cgroup = program === undefined ? others : { ...others, [hook]: program }
  }

  attached(hook: CgroupHook): string | undefined {
    return this.#cgroup[hook]
  }

  save(): BpfSnapshot {
    return { cgroup: this.#cgroup, maps: this.maps.save() }
  }

  load(saved: BpfSnapshot | undefined): void {
    this.#cgroup = saved?.cgroup ?? {}
    this.maps.load(saved?.maps ?? {})
  }
}
