import type { Container, Probe } from 'kubernetes-types/core/v1'
import type { Random } from '../random.ts'

export type ProbeKind = 'startup' | 'readiness' | 'liveness'

export interface ProbeState {
  /** When it runs next, ms; undefined while it does not run (not started yet, on hold, or in flight). */
  nextAt?: number
  /** In a row, of the same sort. */
  successes: number
  failures: number
  /** How often it ran in this instance. */
  runs: number
}

export type ProbeOutcome =
  | { readonly result: 'success' }
  | { readonly result: 'failure'; readonly output: string }
  /** The probe itself could not be carried out: counts neither way. */
  | { readonly result: 'unknown'; readonly output: string }

export const probeTitles: Record<ProbeKind, string> = { startup: 'Startup', readiness: 'Readiness', liveness: 'Liveness' }

export function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  return container[`${kind}Probe`]
}

export function periodOf(probe: Probe): number {
  return (probe.periodSeconds ?? 10) * 1000
}

/** What a probe's result means for the container, after counting it against the thresholds. Follows prober/worker.go. */
export function countOutcome(
  state: ProbeState,
  probe: Probe,
  outcome: ProbeOutcome['result'],
): { state: ProbeState; verdict: 'success' | 'failure' | undefined } {
  const runs = state.runs + 1
  if (outcome === 'unknown') return { state: { ...state, runs }, verdict: undefined }
  if (outcome === 'success') {
    const successes = state.successes + 1
    return { state: { successes, failures: 0, runs }, verdict: successes >= (probe.successThreshold ?? 1) ? 'success' : undefined }
  }
  const failures = state.failures + 1
  return { state: { successes: 0, failures, runs }, verdict: failures >= (probe.failureThreshold ?? 3) ? 'failure' : undefined }
}

/** How long nobody may have touched anything on the node for its steady probes to be made rarely, ms. */
export const restAfter = 120_000
/** How many periods a steady probe then waits: with 10 s, five minutes. */
const restPeriods = 30

export function isSteady({ successes }: ProbeState): boolean {
  return successes >= 3
}

/** The rhythm of a node's steady probes: `beat` is its place within the longest period, ms; a `resting` node skips most beats. */
export interface Rhythm {
  readonly beat: number
  readonly resting: boolean
}

/**
 * When a probe runs again. A failing probe of a container that never was ready is asked once more after a second, because the
 * kubelet triggers one whenever it looks at an unready pod; a steady one keeps to the node's common beat, so that all of them share one
 * timer. On a resting node, where nothing happens, a steady probe would find what it found before, and is made rarely: idle clusters
 * are to cost nothing, and each rests on a beat of its own, so that a thousand of them do not wake at once.
 */
export function nextRun(state: ProbeState, probe: Probe, kind: ProbeKind, now: number, rhythm: Rhythm): number {
  const period = periodOf(probe)
  if (kind !== 'liveness' && state.runs === 1 && state.failures === 1) return now + Math.min(1000, period)
  if (!isSteady(state)) return now + period
  return nextBeat(period, now, rhythm)
}

/**
 * When a probe runs whose turn (`dueAt`) came while its kubelet did not run. A kubelet that starts does not probe everything at once
 * (prober/worker.go waits a part of the period): a steady one joins the beat, and only what is undecided runs at once.
 */
export function resumedRun(state: ProbeState, probe: Probe, dueAt: number, now: number, rhythm: Rhythm): number {
  // What is due in this very moment is not late: a cluster that was saved and restored in one goes on as if nothing had been.
  if (dueAt >= now) return dueAt
  return isSteady(state) ? nextBeat(periodOf(probe), now, rhythm) : now
}

function nextBeat(period: number, now: number, { beat, resting }: Rhythm): number {
  const every = resting ? period * restPeriods : period
  return Math.floor((now - beat) / every + 1) * every + beat
}

/** A beat for a node whose kubelet starts. */
export function drawBeat(random: Random): number {
  return random.below(10_000 * restPeriods)
}

/** The event's message. */
export function unhealthyMessage(kind: ProbeKind, outcome: Exclude<ProbeOutcome, { result: 'success' }>): string {
  const title = probeTitles[kind]
  return outcome.result === 'failure'
    ? `${title} probe failed: ${outcome.output}`
    : `${title} probe errored and resulted in unknown state: ${outcome.output}`
}
