import type { Pod } from 'kubernetes-types/core/v1'
import type { Plain } from '../plain.ts'
import { parseQuantity } from '../quantity.ts'

/** BestEffort without any request or limit, Guaranteed where every container's cpu and memory limits equal its requests, else Burstable. */
export function podQosClass(pod: Plain<Pod>): 'BestEffort' | 'Burstable' | 'Guaranteed' {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
  const amount = (list: Record<string, string> | undefined, name: string) => parseQuantity(list?.[name] ?? '0')?.nanos ?? 0n
  let any = false
  let guaranteed = containers.length > 0
  for (const { resources } of containers) {
    for (const name of ['cpu', 'memory']) {
      const limit = amount(resources?.limits, name)
      const request = amount(resources?.requests, name)
      if (limit > 0n || request > 0n) any = true
      if (limit === 0n || limit !== request) guaranteed = false
    }
  }
  return !any ? 'BestEffort' : guaranteed ? 'Guaranteed' : 'Burstable'
}
