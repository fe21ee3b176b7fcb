/** As client-go's flowcontrol.Backoff keeps per key. Times are ms. */
export interface BackOff {
  readonly delay: number
  readonly updatedAt: number
}

const initial = 10_000
const maximum = 300_000

/** How long nothing may have failed for the series to start over. */
const forgotten = 2 * maximum

/** The entry after one more failure: 10 s, 20 s, 40 s … 300 s; from the start again after ten quiet minutes. */
export function nextBackOff(previous: BackOff | undefined, eventAt: number, now: number): BackOff {
  const fresh = !previous || eventAt - previous.updatedAt > forgotten
  return { delay: fresh ? initial : Math.min(previous.delay * 2, maximum), updatedAt: now }
}

/** When the next attempt may be made after something that ended at `eventAt`; undefined: at once. */
export function blockedUntil(backOff: BackOff | undefined, eventAt: number): number | undefined {
  if (!backOff || eventAt - backOff.updatedAt > forgotten) return undefined
  return eventAt + backOff.delay
}

/** Go's `time.Duration` in whole seconds as the kubelet prints it: `10s`, `1m20s`, `5m0s`. */
export function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`
  const seconds = Math.round(ms / 1000)
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60]
  return h > 0 ? `${h}h${m}m${s}s` : m > 0 ? `${m}m${s}s` : `${s}s`
}
