import type { NetworkNamespace } from './namespace.ts'

/** Placeholder shape until the network room is built. */
export interface Machine {
  readonly name: string
  readonly root: NetworkNamespace
  addNamespace(name: string): NetworkNamespace
  removeNamespace(name: string): void
}
