import type { CheckView } from '../../protocol/session.ts'
import type { Check } from '../labs/lab.ts'
import { messageOf } from '../refused.ts'
import { checkDns } from './dns.ts'
import type { Finding, Scene } from './finding.ts'
import { checkMatrix } from './matrix.ts'
import { checkReach } from './reach.ts'
import { checkState } from './state.ts'
import { checkUntouched } from './untouched.ts'

/** A check's outcome with its evidence. Times in ms. */
export type CheckResult = Omit<CheckView, 'title'>

/** Runs a check once. Whatever goes wrong with the asking itself is `unknown`: only what was seen can fail. */
export async function runCheck(check: Check, scene: Scene, signal?: AbortSignal): Promise<CheckResult> {
  const started = performance.now()
  const finding = await find(check, scene, signal).catch(
    (error: unknown): Finding => ({ outcome: 'unknown', expected: check.title, seen: `it could not be checked: ${messageOf(error)}` }),
  )
  return {
    id: check.id,
    state: finding.outcome,
    evidence: {
      sentence:
        finding.outcome === 'passed' ? check.pass : finding.outcome === 'failed' ? check.fail : 'This could not be checked just now.',
      expected: finding.expected,
      seen: finding.seen,
      ...(finding.from === undefined ? {} : { from: finding.from }),
      at: new Date().toISOString(),
      elapsed: Math.round((performance.now() - started) * 10) / 10,
    },
  }
}

async function find(check: Check, scene: Scene, signal?: AbortSignal): Promise<Finding> {
  if (check.state !== undefined) return checkState(check.state, scene, signal)
  if (check.reach !== undefined) return checkReach(check.reach, scene, signal)
  if (check.matrix !== undefined) return checkMatrix(check.matrix, scene, signal)
  if (check.dns !== undefined) return checkDns(check.dns, scene, signal)
  if (check.untouched !== undefined) return checkUntouched(check.untouched, scene, signal)
  throw new Error('the check has no kind')
}
