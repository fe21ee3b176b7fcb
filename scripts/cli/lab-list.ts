import { pointsOf } from '../../server/labs/lab.ts'
import { describeProblem } from '../../server/labs/problems.ts'
import { openShelf } from '../../server/labs/shelf.ts'
import { readLabFlags } from './lab-flags.ts'
import { table } from './table.ts'

export async function listLabs(argv: readonly string[]): Promise<number> {
  const flags = readLabFlags(argv)
  const shelf = await openShelf(flags.labs)
  if (flags.json) {
    const labs = shelf.labs.map((lab) => ({
      id: lab.id,
      title: lab.file.title,
      track: lab.file.track,
      level: lab.file.level,
      minutes: lab.file.minutes,
    }))
    process.stdout.write(`${JSON.stringify({ labs, problems: shelf.problems }, undefined, 2)}\n`)
  } else {
    const rows = shelf.labs.map(({ id, file, ...lab }) => [
      id,
      file.title,
      file.track,
      file.level,
      `${file.minutes} min`,
      String(pointsOf({ id, file, ...lab })),
    ])
    process.stdout.write(table([['LAB', 'TITLE', 'TRACK', 'LEVEL', 'TIME', 'POINTS'], ...rows]))
  }
  for (const problem of shelf.problems) process.stderr.write(`faultline: ${describeProblem(problem)}\n`)
  return shelf.problems.length === 0 ? 0 : 1
}
