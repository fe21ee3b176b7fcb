import type { Container, Pod } from 'kubernetes-types/core/v1'
import { addQuantities, compareQuantities, parseQuantity, type Quantity } from '../../resources/quantity.ts'

/** Amounts of resources by name; what is not named is not asked for. */
export type Amounts = Map<string, Quantity>

export function amountsOf(texts: unknown): Amounts {
  const amounts: Amounts = new Map()
  for (const [name, text] of Object.entries((texts ?? {}) as Record<string, string>)) {
    const quantity = parseQuantity(text)
    if (quantity) amounts.set(name, quantity)
  }
  return amounts
}

export function addAmounts(sum: Amounts, more: Amounts): void {
  for (const [name, quantity] of more) {
    const before = sum.get(name)
    sum.set(name, before ? addQuantities(before, quantity) : quantity)
  }
}

export function containerLimits(container: Container): Amounts {
  return amountsOf(container.resources?.limits)
}

/** A limit without a request is also the request: what defaulting makes of it. */
export function containerRequests(container: Container): Amounts {
  return new Map([...amountsOf(container.resources?.limits), ...amountsOf(container.resources?.requests)])
}

/**
 * What a pod needs at its worst: its containers and sidecars together, or a single init container with the sidecars started before it,
 * plus overhead (component-helpers' PodRequests and PodLimits).
 */
export function podAmounts(pod: Pod, of: (container: Container) => Amounts): Amounts {
  const total: Amounts = new Map()
  for (const container of pod.spec?.containers ?? []) addAmounts(total, of(container))
  const sidecars: Amounts = new Map()
  const peak: Amounts = new Map()
  for (const container of pod.spec?.initContainers ?? []) {
    const own = of(container)
    if (container.restartPolicy === 'Always') {
      addAmounts(total, own)
      addAmounts(sidecars, own)
      raise(peak, sidecars)
    } else {
      const together: Amounts = new Map(own)
      addAmounts(together, sidecars)
      raise(peak, together)
    }
  }
  raise(total, peak)
  const overhead = amountsOf(pod.spec?.overhead)
  // Overhead counts for what is limited anyway, and for every request.
  if (of === containerLimits) for (const name of overhead.keys()) if (!total.has(name)) overhead.delete(name)
  addAmounts(total, overhead)
  return total
}

function raise(amounts: Amounts, floor: Amounts): void {
  for (const [name, quantity] of floor) {
    const standing = amounts.get(name)
    if (!standing || compareQuantities(standing, quantity) < 0) amounts.set(name, quantity)
  }
}
