import { Refused } from '../refused.ts'
import type { Lab } from './lab.ts'
import { describeProblem, type LabProblem } from './problems.ts'
import { readLabs } from './read-lab.ts'

/** The labs of one folder, read once at start. A broken lab does not keep the others from being used. */
export interface LabShelf {
  readonly labs: readonly Lab[]
  readonly problems: readonly LabProblem[]
  /** Refuses with `unknown-lab`, or with `broken-lab` and what is wrong with it. */
  get(id: string): Lab
}

export async function openShelf(folder: string): Promise<LabShelf> {
  const read = await readLabs(folder)
  return shelfOf(
    read.flatMap((each) => ('lab' in each ? [each.lab] : [])),
    new Map(read.flatMap((each) => ('problems' in each ? [[each.id, each.problems] as const] : []))),
  )
}

export function shelfOf(labs: readonly Lab[], broken: ReadonlyMap<string, readonly LabProblem[]> = new Map()): LabShelf {
  return {
    labs,
    problems: [...broken.values()].flat(),
    get(id) {
      const lab = labs.find((each) => each.id === id)
      if (lab !== undefined) return lab
      const problems = broken.get(id)
      if (problems !== undefined) {
        throw new Refused('broken-lab', `The lab ${id} has mistakes: ${problems.map(describeProblem).join('; ')}.`, {
          mend: `Mend them and run \`faultline lab test ${id}\`.`,
          status: 500,
        })
      }
      throw new Refused('unknown-lab', `There is no lab "${id}".`, { mend: 'Choose one from the catalogue.', status: 404 })
    },
  }
}
