import type { Tuple } from './conntrack.ts'

/**
 * Values by tuple. Addresses and ports are looked up as they are: a text of all four would have to be made and hashed anew for each packet
 * at each hook.
 */
export class TupleIndex<T> {
  readonly #bySource = new Map<string, Map<string, Map<number, T>>>()

  get({ src, sport, dst, dport }: Tuple): T | undefined {
    return this.#bySource.get(src)?.get(dst)?.get(ports(sport, dport))
  }

  set({ src, sport, dst, dport }: Tuple, value: T): void {
    let byDestination = this.#bySource.get(src)
    if (!byDestination) this.#bySource.set(src, (byDestination = new Map()))
    let byPorts = byDestination.get(dst)
    if (!byPorts) byDestination.set(dst, (byPorts = new Map()))
    byPorts.set(ports(sport, dport), value)
  }

  delete({ src, sport, dst, dport }: Tuple): void {
    const byDestination = this.#bySource.get(src)
    const byPorts = byDestination?.get(dst)
    if (!byDestination || !byPorts) return
    byPorts.delete(ports(sport, dport))
    if (byPorts.size > 0) return
    byDestination.delete(dst)
    if (byDestination.size === 0) this.#bySource.delete(src)
  }

  clear(): void {
    this.#bySource.clear()
  }
}

/** Both in the 32 bits of a small integer. */
function ports(sport: number, dport: number): number {
  return (sport << 16) | dport
}
