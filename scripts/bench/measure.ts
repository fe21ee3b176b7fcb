export interface Figures {
  readonly runs: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** One measured thing, with the bar it is held against; `unit` says what the numbers are. */
export interface Measurement {
  readonly name: string
  readonly unit: 'ms' | 'MB' | '% of a core' | 'per second'
  readonly bar?: string
  readonly value: number | Figures
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
export async function timed(runs: number, act: (run: number) => unknown, warmUp = 2): Promise<number[]> {
  for (let run = 0; run < warmUp; run++) await act(-1 - run)
  const samples: number[] = []
  for (let run = 0; run < runs; run++) {
    const began = performance.now()
    await act(run)
    samples.push(performance.now() - began)
  }
  return samples
}
