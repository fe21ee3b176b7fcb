import type { Timers } from '../../clock.ts'
import type { DaemonContext } from '../process.ts'
import type { CoreDnsState } from './state.ts'

/** The plugin's defaults, ms: it looks at the Corefile on a beat of 30 s, give or take half of 15, that is drawn once. */
const interval = 30_000
const jitter = 15_000

const timer = 'reload'

/** When the plugin looks at its Corefile. */
export interface ReloadBeat {
  /** A configuration that reloads begins to serve. */
  start(): void
  /** One that does not. */
  stop(): void
  /** The file may still differ from what runs: looks again on the next beat. */
  again(): void
}

/**
 * The beat of CoreDNS's reload plugin (plugin/reload). A look that would find the same text is not made: the timer is set when the
 * file changes, to the very moment at which the plugin would have found that. So an idle cluster's CoreDNS holds no timer.
 */
export function reloadBeat(context: DaemonContext<CoreDnsState>, timers: Timers, file: string): ReloadBeat {
  function again(): void {
    const { beat } = context.state
    if (!beat || timers.when(timer) !== undefined) return
    const passed = Math.floor((context.clock.now() - beat.since) / beat.every)
    timers.set(timer, beat.since + (passed + 1) * beat.every)
  }

  context.onFileChange(file, again)
  return {
    start() {
      context.state.beat = { since: context.clock.now(), every: interval + context.random.below(jitter) - jitter / 2 }
      timers.clear(timer)
    },
    stop() {
      context.state.beat = undefined
      timers.clear(timer)
    },
    again,
  }
}
