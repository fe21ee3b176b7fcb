import type { Check } from '../labs/lab.ts'
import { failsWhenBroken } from '../labs/lab.ts'
import type { CheckResult } from './run-check.ts'

export type Results = ReadonlyMap<string, CheckResult>

/** Resolves with true when the results meet the condition, with false after `timeoutMs`. `onResult` subscribes to changes. */
export function awaitResults(
  results: () => Results,
  onResult: (listener: () => void) => () => void,
  met: (results: Results) => boolean,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(() => resolve(met(results()))), timeoutMs)
    const abort = () => finish(() => reject(signal.reason))
    const unsubscribe = onResult(look)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    else look()

    function look(): void {
      if (met(results())) finish(() => resolve(true))
    }
    function finish(settle: () => void): void {
      clearTimeout(timer)
      unsubscribe()
      signal.removeEventListener('abort', abort)
      settle()
    }
  })
}

export function allPass(checks: readonly Check[], results: Results): boolean {
  return checks.every((check) => results.get(check.id)?.state === 'passed')
}

/** What keeps a lab from being armed: each check that is not as it must be before the repair. Empty when armed. */
export function unarmed(checks: readonly Check[], results: Results): readonly string[] {
  return checks.flatMap((check) => {
    const result = results.get(check.id)
    const state = result?.state ?? 'pending'
    const seen = result?.evidence?.seen ?? 'not looked at yet'
    if (failsWhenBroken(check)) return state === 'failed' ? [] : [`${check.id} must fail before the repair, but ${words[state]} (${seen})`]
    // A check that holds has been seen true; the arming need not wait for its time.
    const passes = state === 'passed' || (state === 'pending' && result?.evidence !== undefined)
    return passes ? [] : [`${check.id} must pass before the repair, but ${words[state]} (${seen})`]
  })
}

const words: Record<CheckResult['state'], string> = {
  passed: 'passes',
  failed: 'fails',
  unknown: 'cannot be checked',
  pending: 'has no result',
}
