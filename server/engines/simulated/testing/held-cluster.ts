import type { ClusterSpec } from '../../../../simulator/bootstrap/spec.ts'
import { HeldTime } from '../../../../simulator/clock.ts'
import { type ClusterSnapshot, createCluster } from '../../../../simulator/cluster/cluster.ts'
import { catalogue } from '../images.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * A cluster whose time stands but for what `pass` (ms) lets go by: from its beginning on, or from a snapshot of it; with other tokens as a
 * fork. What a component throws is in `defects`.
 */
export function heldCluster(spec: ClusterSpec, from?: ClusterSnapshot, tokens = { platform: 'p', learner: 'l' }) {
  const time = new HeldTime(from?.at ?? Date.UTC(2026, 0, 1))
  const defects: unknown[] = []
  const onError = (error: unknown) => void defects.push(error)
  const cluster = createCluster(spec, { pacemaker: time, catalogue, tokens, rootCertificate: 'certificate', turn, onError }, from)
  cluster.clock.settle()
  return { cluster, time, defects, pass: (ms: number) => time.pass(ms, turn) }
}
