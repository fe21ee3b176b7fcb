/** What is known of the targets' health. */
export interface Health {
  /** Calls `done` with one answer for each address, at once where all are known, otherwise when the checks are back. */
  ofAll(addresses: readonly string[], done: (healthy: readonly boolean[]) => void): void
}

/** How long an answer holds, ms: Envoy's interval between checks, as cloud-provider-kind sets it. */
const interval = 2000
/** So many checks in a row make a healthy target an unhealthy one; the other way one does. */
const unhealthyThreshold = 2

interface Record {
  healthy: boolean
  failures: number
  /** ms since the epoch. */
  at: number
}

/**
 * Active health checks that are made when somebody needs to know and the last one is older than the interval, so that a load balancer
 * without traffic costs nothing. What time would have settled meanwhile is made up for: a target that fails after a pause is asked again at once.
 */
export function healthOf(check: (address: string, done: (healthy: boolean) => void) => void, now: () => number): Health {
  const known = new Map<string, Record>()
  const asked = new Map<string, ((healthy: boolean) => void)[]>()

  function one(address: string, done: (healthy: boolean) => void): void {
    const record = known.get(address)
    if (record && now() - record.at < interval) return done(record.healthy)
    const waiting = asked.get(address)
    if (waiting) return void waiting.push(done)
    asked.set(address, [done])
    const begun = now()
    check(address, (answer) => {
      const before = known.get(address)
      const failures = answer
        ? 0
        : (before?.failures ?? unhealthyThreshold) + Math.max(1, Math.floor((begun - (before?.at ?? begun)) / interval))
      const healthy = answer || (failures < unhealthyThreshold && (before?.healthy ?? false))
      known.set(address, { healthy, failures, at: now() })
      const told = asked.get(address) ?? []
      asked.delete(address)
      for (const tell of told) tell(healthy)
    })
  }

  return {
    ofAll(addresses, done) {
      const answers = addresses.map((): boolean | undefined => undefined)
      let left = addresses.length
      if (left === 0) return done([])
      for (const [index, address] of addresses.entries()) {
        one(address, (healthy) => {
          answers[index] = healthy
          if (--left === 0) done(answers as boolean[])
        })
      }
    },
  }
}
