import type { Container, Pod } from 'kubernetes-types/core/v1'

const factors: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** A quantity (`100m`, `64Mi`) as a plain number; 0 for what is none. */
export function quantityValue(text: string | number): number {
  const match = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(String(text))
  return match ? Number(match[1]) * (factors[match[2] ?? ''] ?? 1) : 0
}

export function cpuText(cores: number): string {
  const milli = Math.round(cores * 1000)
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`
}

/** The largest binary unit that divides it. */
export function memoryText(bytes: number): string {
  if (bytes === 0) return '0'
  for (const unit of ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'])
    if (bytes % (factors[unit] as number) === 0) return `${bytes / (factors[unit] as number)}${unit}`
  return String(bytes)
}

/** What a pod asks for in all: its containers together, or an init container that asks for more; sidecars count always. */
export function podTotals(pod: Pod): { requests: Record<string, number>; limits: Record<string, number> } {
  return { requests: total(pod, 'requests'), limits: total(pod, 'limits') }
}

function total(pod: Pod, side: 'requests' | 'limits'): Record<string, number> {
  const sum: Record<string, number> = {}
  const of = (container: Container) => Object.entries((container.resources?.[side] ?? {}) as Record<string, string>)
  for (const container of pod.spec?.containers ?? [])
    for (const [name, amount] of of(container)) sum[name] = (sum[name] ?? 0) + quantityValue(amount)
  for (const container of pod.spec?.initContainers ?? []) {
    const sidecar = (container as { restartPolicy?: string }).restartPolicy === 'Always'
    for (const [name, amount] of of(container)) {
      const value = quantityValue(amount)
      sum[name] = sidecar ? (sum[name] ?? 0) + value : Math.max(sum[name] ?? 0, value)
    }
  }
  for (const [name, amount] of Object.entries((pod.spec?.overhead as Record<string, string> | undefined) ?? {}))
    sum[name] = (sum[name] ?? 0) + quantityValue(amount)
  return sum
}
