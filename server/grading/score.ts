import type { Task } from '../labs/lab.ts'
import type { CheckResult } from './run-check.ts'

export interface Score {
  /** Hints already taken off; never below zero. */
  readonly earned: number
  readonly possible: number
  readonly hintCost: number
}

/** A task's points are earned when all of its checks pass. */
export function score(tasks: readonly Task[], results: ReadonlyMap<string, CheckResult>, hintCost: number): Score {
  const possible = tasks.reduce((sum, task) => sum + task.points, 0)
  const won = tasks
    .filter((task) => task.checks.every((check) => results.get(check.id)?.state === 'passed'))
    .reduce((sum, task) => sum + task.points, 0)
  return { earned: Math.max(0, won - hintCost), possible, hintCost }
}
