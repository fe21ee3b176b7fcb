import { Bpf } from './bpf.ts'
import { NetworkNamespace } from './namespace.ts'
import type { Network } from './network.ts'

/** A kernel: a node, the workstation, a host outside. Its root namespace is there from the start. */
export class Machine {
  readonly name: string
  readonly network: Network
  readonly root: NetworkNamespace
  readonly bpf = new Bpf()
  /** Unix sockets by their path in the machine's own file system: who listens answers at once. */
  readonly unixSockets = new Map<string, (request: unknown) => unknown>()
  readonly #namespaces = new Map<string, NetworkNamespace>()
  #down = false
  readonly #kernelLog: string[] = []

  constructor(network: Network, name: string) {
    this.network = network
    this.name = name
    this.root = new NetworkNamespace(this, '')
  }

  /** Switched off: it neither sends nor receives, and its sockets are gone without a farewell. Configuration stays. */
  get down(): boolean {
    return this.#down
  }

  set down(down: boolean) {
    if (down && !this.#down) for (const namespace of this.namespaces()) namespace.dropSockets()
    this.#down = down
  }

  /** Lines of the kernel's ring buffer that netfilter's LOG wrote, oldest first; what `dmesg` shows of them. */
  get kernelLog(): readonly string[] {
    return this.#kernelLog
  }

  log(line: string): void {
    if (this.#kernelLog.push(line) > 1000) this.#kernelLog.shift()
  }

  /** The root namespace first, then the others in the order of their creation. */
  namespaces(): NetworkNamespace[] {
    return [this.root, ...this.#namespaces.values()]
  }

  namespace(name: string): NetworkNamespace | undefined {
    return name === '' ? this.root : this.#namespaces.get(name)
  }

  /** `ip netns add`: a namespace with nothing but a loopback interface that is down. Throws EEXIST. */
  addNamespace(name: string): NetworkNamespace {
    if (name === '' || this.#namespaces.has(name)) {
      throw new Error(`Cannot create namespace file "/run/netns/${name}": File exists`)
    }
    const namespace = new NetworkNamespace(this, name)
    this.#namespaces.set(name, namespace)
    return namespace
  }

  /** Ends the namespace's sockets as the end of its processes would (FIN), then removes its interfaces; absent is fine. */
  removeNamespace(name: string): void {
    const namespace = this.#namespaces.get(name)
    if (!namespace) return
    namespace.destroy()
    this.#namespaces.delete(name)
  }
}
