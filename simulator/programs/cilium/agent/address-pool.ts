import { formatAddress, lastAddress, parseAddress, parsePrefix } from '../../../network/address.ts'
import type { Random } from '../../../random.ts'

/** Addresses of a node's pods: of its pod CIDR, without the network's own and the last (pkg/ipam, host scope). */
export class AddressPool {
  readonly #first: number
  readonly #count: number
  readonly #owners = new Map<string, string>()

  constructor(cidr: string) {
    const prefix = parsePrefix(cidr)
    this.#first = prefix.words[0]! + 1
    this.#count = parseAddress(lastAddress(prefix))![0]! - this.#first
  }

  get size(): number {
    return this.#count
  }

  owners(): ReadonlyMap<string, string> {
    return this.#owners
  }

  /** False where somebody has it, or it is none of this pool's. */
  take(address: string, owner: string): boolean {
    const number = parseAddress(address)?.[0] ?? 0
    if (number < this.#first || number >= this.#first + this.#count || this.#owners.has(address)) return false
    this.#owners.set(address, owner)
    return true
  }

  /** Begins anywhere, as upstream's allocator does. Undefined: the range is full. */
  next(owner: string, random: Random): string | undefined {
    if (this.#owners.size >= this.#count) return undefined
    const begin = random.below(this.#count)
    for (let step = 0; step < this.#count; step++) {
      const address = formatAddress([this.#first + ((begin + step) % this.#count)])
      if (this.take(address, owner)) return address
    }
    return undefined
  }

  release(address: string): void {
    this.#owners.delete(address)
  }
}
