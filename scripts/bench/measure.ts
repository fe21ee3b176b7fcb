export interface Figures {
  readonly runs: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

type Unit = 'ms' | 'ms of CPU' | 'MB' | '% of a core' | 'timers'

/** At most this much: of the value itself, or of a percentile. */
export interface Bar {
  readonly of: 'value' | 'p50' | 'p99'
  readonly most: number
}

/** One measured thing, with the bars it is held against; `how` says what is not plain from the name. */
export interface Measurement {
  readonly name: string
  readonly unit: Unit
  readonly how?: string
  readonly bars?: readonly Bar[]
  readonly value: number | Figures
}

export const p50 = (most: number): Bar => ({ of: 'p50', most })
export const p99 = (most: number): Bar => ({ of: 'p99', most })
export const most = (value: number): Bar => ({ of: 'value', most: value })

/** Whether every bar is met; undefined where there is none. */
export function isMet({ bars, value }: Measurement): boolean | undefined {
  return bars?.every(({ of, most }) => {
    if (typeof value === 'number') return of === 'value' && value <= most
    return of !== 'value' && value[of] <= most
  })
}

export function figures(samples: readonly number[]): Figures {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN)
  return { runs: samples.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}

export function round(value: number): number {
  return Math.round(value * 100) / 100
}

/** ms that each of `runs` calls takes, after `warmUp` that do not count. */
export function timed(runs: number, act: (run: number) => unknown, warmUp = 2): Promise<number[]> {
  return sampled(() => performance.now(), runs, act, warmUp)
}

/** ms of CPU, of this process with all its threads, that each of `runs` calls takes. */
export function cpuOf(runs: number, act: (run: number) => unknown, warmUp = 2): Promise<number[]> {
  return sampled(cpuMs, runs, act, warmUp)
}

/** What this process has computed since its start, ms. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function sampled(clock: () => number, runs: number, act: (run: number) => unknown, warmUp: number): Promise<number[]> {
  for (let run = 0; run < warmUp; run++) await act(-1 - run)
  const samples: number[] = []
  for (let run = 0; run < runs; run++) {
    const began = clock()
    await act(run)
    samples.push(clock() - began)
  }
  return samples
}
