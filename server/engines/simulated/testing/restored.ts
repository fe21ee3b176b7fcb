import { HeldTime } from '../../../../simulator/clock.ts'
import { type ClusterSnapshot, createCluster } from '../../../../simulator/cluster/cluster.ts'
import { catalogue } from '../images.ts'

/** A cluster from its snapshot on: as itself, or with other tokens as a fork. */
export function restored(snapshot: ClusterSnapshot, tokens = { platform: 'p', learner: 'l' }) {
  const time = new HeldTime(snapshot.at)
  const defects: unknown[] = []
  const world = { pacemaker: time, catalogue, tokens, rootCertificate: '', onError: (error: unknown) => void defects.push(error) }
  const copy = createCluster(snapshot.spec, world, snapshot)
  copy.clock.settle()
  return { copy, defects, pass: (ms: number) => time.pass(ms, () => new Promise((resolve) => setImmediate(resolve))) }
}
