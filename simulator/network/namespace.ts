import type { Machine } from './machine.ts'
import type { Sockets } from './sockets.ts'

/** Placeholder shape until the network room is built. */
export interface NetworkNamespace {
  readonly name: string
  readonly machine: Machine
  readonly sockets: Sockets
}
