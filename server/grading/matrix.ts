import { setMaxListeners } from 'node:events'
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
    Object.entries(cells).flatMap(([target, cell]) => Array.from({ length: check.tries }, () => ({ from, target, wanted: cell }))),
  )
  // Each connection listens for the end of the look: many of them are no leak.
  if (signal !== undefined) setMaxListeners(0, signal)
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
  const expected = distinct(cells.map(({ from, target, wanted }) => `${from} to ${target} ${wanted}`))
  const wrong = cells.filter(({ wanted, result }) => isWrong(wanted, result.outcome))
  if (wrong.length > 0) {
    return { outcome: 'failed', expected, seen: [...new Set(wrong.map(pairOf))].map((pair) => describe(pair, wrong, cells)).join('; ') }
  }
  const untried = cells.filter(({ result }) => result.outcome === 'unknown')
  if (untried.length > 0) {
    const seen = untried.map(({ from, result }) => `${from}: ${shorten(result.error ?? 'it could not be tried')}`)
    return { outcome: 'unknown', expected, seen: distinct(seen) }
  }
  return { outcome: 'passed', expected, seen: `all ${cells.length} connections are as they must be` }
}

const pairOf = ({ result, target }: Cell) => `${result.from} to ${target}`

/** The first of a pair's wrong tries, and how many of all its tries were. */
function describe(pair: string, wrong: readonly Cell[], all: readonly Cell[]): string {
  const failures = wrong.filter((cell) => pairOf(cell) === pair)
  const tries = all.filter((cell) => pairOf(cell) === pair).length
  const share = tries === 1 ? '' : `, ${failures.length} of ${tries} times`
  return `${pair}: ${failures.slice(0, 1).map(({ result }) => describeReach(result))}${share}`
}

function distinct(sentences: readonly string[]): string {
  return [...new Set(sentences)].join('; ')
}

function isWrong(wanted: Cell['wanted'], outcome: ProbeOutcome): boolean {
  if (outcome === 'unknown') return false
  return wanted === 'allowed' ? outcome !== 'answered' : !denials.has(outcome)
}
