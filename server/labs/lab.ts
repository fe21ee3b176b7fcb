import type { ClusterSpec, EngineName } from '../engines/engine.ts'
import type { KubeObject } from '../kubernetes/object.ts'
import type { CheckFile, LabFile } from './schema.ts'

export type Check = CheckFile
export type Task = LabFile['tasks'][number]

/** A script with its name (without `.sh`) and the other files of its folder, which lie beside it when it runs. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly files: Readonly<Record<string, string>>
}

/** One thing that breaks the world, in the order of the file names. */
export type FaultStep = { readonly file: string } & ({ readonly objects: readonly KubeObject[] } | { readonly script: Script })

export interface Lab {
  readonly id: string
  readonly file: LabFile
  /** Markdown. */
  readonly story: string
  readonly debrief: string
  readonly world: readonly KubeObject[]
  readonly fault: readonly FaultStep[]
  readonly solutions: readonly Script[]
  readonly wrongFixes: readonly (Script & { readonly caughtBy: string })[]
}

export function checksOf(lab: Lab): readonly Check[] {
  return lab.file.tasks.flatMap((task) => task.checks)
}

export function pointsOf(lab: Lab): number {
  return lab.file.tasks.reduce((sum, task) => sum + task.points, 0)
}

/** Whether a check must fail before the repair. */
export function failsWhenBroken(check: Check): boolean {
  return (check.whenBroken ?? (check.untouched === undefined ? 'fails' : 'passes')) === 'fails'
}

export function clusterSpecOf(lab: Lab, seed: number): ClusterSpec {
  const { healthy: _, ...cluster } = lab.file.cluster
  return { ...cluster, seed }
}

/** The cluster on which the world is well; undefined where that is the lab's own, before the fault. */
export function healthySpecOf(lab: Lab, seed: number): ClusterSpec | undefined {
  const { healthy } = lab.file.cluster
  return healthy === undefined ? undefined : { ...clusterSpecOf(lab, seed), ...healthy }
}

export function runsOn(lab: Lab, engine: EngineName): boolean {
  return lab.file.engines.includes(engine)
}
