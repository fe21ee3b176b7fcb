import type { KubeObject } from '../../kubernetes.ts'

/** The one that is marked as the default; of several, the newest, then the first by name (as upstream since 1.26). */
export function newestDefault<T extends KubeObject>(classes: readonly T[], marks: readonly string[]): T | undefined {
  const made = ({ metadata }: T) => Date.parse((metadata?.creationTimestamp as string | undefined) ?? '')
  return classes
    .filter(({ metadata }) => marks.some((mark) => metadata?.annotations?.[mark] === 'true'))
    .sort((a, b) => made(b) - made(a) || ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))[0]
}
