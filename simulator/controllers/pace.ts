import type { Clock } from '../clock.ts'

/** What is left of a client's bucket, and since when (ms since the epoch). */
export interface PaceMemory {
  tokens: number
  at: number
}

/** How fast one controller may write: client-go's token bucket before its client. */
export interface Pace {
  /** Takes one request's token; false where there is none now. */
  take(): boolean
  /** When there are so many again (a full bucket at most), ms since the epoch. */
  next(count?: number): number
}

/** kube-controller-manager's --kube-api-qps and --kube-api-burst, which each of its controllers has for itself. */
const perSecond = 20
const burst = 30

/** `memory` is what a restore brings back; a new process begins with a full bucket. */
export function requestPace(clock: Pick<Clock, 'now'>, memory: PaceMemory): Pace {
  const refill = () => {
    const now = clock.now()
    memory.tokens = Math.min(burst, memory.tokens + (Math.max(0, now - memory.at) * perSecond) / 1000)
    memory.at = now
  }
  return {
    take() {
      refill()
      if (memory.tokens < 1) return false
      memory.tokens--
      return true
    },
    next(count = 1) {
      refill()
      return memory.at + Math.ceil((Math.max(0, Math.min(burst, count) - memory.tokens) * 1000) / perSecond)
    },
  }
}

export const fullBucket = (clock: Pick<Clock, 'now'>): PaceMemory => ({ tokens: burst, at: clock.now() })
