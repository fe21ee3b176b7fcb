import type { Usage } from '../programs/usage.ts'

/** A container's consumption as plain data, kept with its instance. */
export interface MeterState {
  /** Until when consumption at rest has been counted, ms since the epoch. */
  at: number
  /** CPU seconds since it started. */
  seconds: number
  /** CPU seconds by second since the epoch, the last minute's, only where there were any. */
  recent: [second: number, seconds: number][]
}

/** What one process takes; closed when it ends. */
export interface Account {
  /** It accepted a connection; the answer is to be called when that is over. */
  connection(): () => void
  /** Data or a datagram reached it. */
  message(): void
  /** CPU seconds that it has taken. */
  seconds(): number
  close(): void
}

export interface Meter {
  begin(usage: Usage): Account
  /** CPU seconds since the start. */
  seconds(): number
  /** Cores over the last `ms`, at most 60 s. */
  cores(ms: number): number
  /** Bytes now. */
  bytes(): number
}

/** For how long consumption can be told by the second. */
const remembered = 60

export function newMeterState(now: number): MeterState {
  return { at: now, seconds: 0, recent: [] }
}

export function copyMeterState(state: MeterState): MeterState {
  return { ...state, recent: state.recent.map(([second, seconds]) => [second, seconds]) }
}

/**
 * Measures a container as its cgroup does. Costs nothing while nothing happens: what is taken at rest is counted when somebody asks.
 * `grown` is told the bytes whenever they became more.
 */
export function createMeter(state: MeterState, now: () => number, grown: (bytes: number) => void): Meter {
  let cores = 0
  let bytes = 0

  function work(seconds: number, at: number): void {
    if (seconds <= 0) return
    state.seconds += seconds
    const second = Math.floor(at / 1000)
    const last = state.recent.at(-1)
    if (last && last[0] >= second) last[1] += seconds
    else state.recent.push([second, seconds])
    while (state.recent[0] && state.recent[0][0] < second - remembered) state.recent.shift()
  }

  /** Counts what was taken at rest until now: the last minute by the second, what is older in one. */
  function catchUp(): void {
    const until = now()
    if (cores > 0 && until > state.at) {
      const detailed = Math.max(state.at, Math.floor(until / 1000 - remembered) * 1000)
      state.seconds += (cores * (detailed - state.at)) / 1000
      for (let from = detailed; from < until; ) {
        const to = Math.min(until, (Math.floor(from / 1000) + 1) * 1000)
        work((cores * (to - from)) / 1000, from)
        from = to
      }
    }
    state.at = until
  }

  function take(more: number): void {
    bytes += more
    if (more > 0) grown(bytes)
  }

  return {
    begin(usage) {
      catchUp()
      let open = true
      let connections = 0
      const began = now()
      let worked = usage.secondsAtStart ?? 0
      const own = usage.bytes ?? 0
      const each = usage.bytesPerConnection ?? 0
      cores += usage.cores ?? 0
      work(usage.secondsAtStart ?? 0, now())
      take(own)
      return {
        connection() {
          if (!open) return () => {}
          connections++
          work(usage.secondsPerConnection ?? 0, now())
          worked += usage.secondsPerConnection ?? 0
          take(each)
          let over = false
          return () => {
            if (over || !open) return
            over = true
            connections--
            bytes -= each
          }
        },
        message() {
          if (!open) return
          work(usage.secondsPerMessage ?? 0, now())
          worked += usage.secondsPerMessage ?? 0
        },
        seconds: () => worked + ((usage.cores ?? 0) * (now() - began)) / 1000,
        close() {
          if (!open) return
          open = false
          catchUp()
          cores = Math.max(0, cores - (usage.cores ?? 0))
          bytes -= own + connections * each
        },
      }
    },
    seconds() {
      catchUp()
      return state.seconds
    },
    cores(ms) {
      catchUp()
      const since = Math.floor((now() - ms) / 1000)
      let taken = 0
      for (const [second, seconds] of state.recent) if (second > since) taken += seconds
      return taken / (ms / 1000)
    },
    bytes: () => bytes,
  }
}
