import type { ProbeOutcome, ProbeResult } from '../engines/engine.ts'
import { parseSource } from '../labs/references.ts'
import type { MatrixCheck } from '../labs/schema.ts'
import { type Finding, type Scene, shorten } from './finding.ts'
import { describeReach, tcpProbe } from './reach.ts'

/** One cell with what came of it. */
export interface Cell {
  readonly from: string
  readonly target: string
  readonly wanted: 'allowed' | 'denied'
  readonly result: ProbeResult
}

/** Every source against its targets, all connections at once. */
export async function checkMatrix(check: MatrixCheck, scene: Scene, signal?: AbortSignal): Promise<Finding> {
  const wanted = Object.entries(check.sources).flatMap(([from, cells]) =>
    Object.entries(cells).map(([target, cell]) => ({ from, target, wanted: cell })),
  )
  const cells = await Promise.all(
    wanted.map(async (cell): Promise<Cell> => {
      const source = parseSource(cell.from)
      const target = check.targets[cell.target]
      if (source === undefined || target === undefined) throw new Error(`"${cell.from}" to "${cell.target}" is no cell`)
      return { ...cell, result: await scene.cluster.probe(source, tcpProbe(target, check.timeout * 1000), signal) }
    }),
  )
  return judgeMatrix(cells)
}

/** A connection that did not come about because of somebody in between. A name without an answer says nothing of the way to it. */
const denials: ReadonlySet<ProbeOutcome> = new Set(['refused', 'timeout', 'unreachable'])

/** Pure: one wrong cell fails the table; a cell that could not be tried leaves it unknown unless another is wrong. */
export function judgeMatrix(cells: readonly Cell[]): Finding {
  const expected = cells.map(({ from, target, wanted }) => `${from} to ${target} ${wanted}`).join('; ')
  const wrong = cells.filter(({ wanted, result }) => isWrong(wanted, result.outcome))
  if (wrong.length > 0) {
    const seen = wrong.map(({ target, result }) => `${result.from} to ${target}: ${describeReach(result)}`).join('; ')
    return { outcome: 'failed', expected, seen }
  }
  const untried = cells.filter(({ result }) => result.outcome === 'unknown')
  if (untried.length > 0) {
    const seen = untried.map(({ from, result }) => `${from}: ${shorten(result.error ?? 'it could not be tried')}`)
    return { outcome: 'unknown', expected, seen: [...new Set(seen)].join('; ') }
  }
  return { outcome: 'passed', expected, seen: `all ${cells.length} connections are as they must be` }
}

function isWrong(wanted: Cell['wanted'], outcome: ProbeOutcome): boolean {
  if (outcome === 'unknown') return false
  return wanted === 'allowed' ? outcome !== 'answered' : !denials.has(outcome)
}
