import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeClient, KubeError, type WatchEvent } from './client.ts'
import type { ResourceKind } from './object.ts'

/** ms between watches that fail, so that a cluster that is gone is not hammered. */
const backOff = [50, 200, 1000, 3000] as const

/**
 * Watches a kind for as long as the signal lets it. A watch that ends is opened again from its beginning, which reports every
 * object as ADDED anew: followers are level-triggered, so that is no loss. A kind that the cluster does not serve is left alone.
 */
export async function follow(
  client: KubeClient,
  kind: ResourceKind,
  onEvent: (event: WatchEvent) => void,
  signal: AbortSignal,
  onTrouble: (error: unknown) => void = () => {},
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      await client.watch(
        kind,
        {},
        (event) => {
          failures = 0
          if (event.type !== 'BOOKMARK' && event.type !== 'ERROR') onEvent(event)
        },
        signal,
      )
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof KubeError && error.status === 404) return
      onTrouble(error)
      failures++
    }
    if (signal.aborted) return
    await sleep(backOff[Math.min(failures, backOff.length - 1)], undefined, { signal }).catch(() => {})
  }
}
