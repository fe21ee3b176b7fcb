import { join } from 'node:path'
import type { ClusterEngine, ClusterSpec } from '../engines/engine.ts'
import { createSimulatedEngine } from '../engines/simulated/engine.ts'

export interface EngineNeeds {
  /** The data folder, in which each engine keeps a folder of its own. */
  readonly data: string
  /** Shapes that labs ask for, to be made ready before a person does. */
  readonly shapes: readonly ClusterSpec[]
  /** For stock kubectl; the same at every start, so that a downloaded kubeconfig stays true. 0 picks a free one. */
  readonly apiPort: number
  /** Address that the server itself listens on. */
  readonly host: string
  readonly report: (what: string, error: unknown) => void
}

export type EngineComposition = (needs: EngineNeeds) => ClusterEngine[] | Promise<ClusterEngine[]>

/** Every engine of this server. */
export const createEngines: EngineComposition = ({ data, shapes, apiPort, host, report }) => [
  createSimulatedEngine({
    folder: join(data, 'simulated'),
    port: apiPort,
    host,
    prepare: shapes,
    report: ({ what, error }) => report(what, error),
  }),
]
