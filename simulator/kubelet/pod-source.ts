import type { Pod } from 'kubernetes-types/core/v1'

export const sourceKey = 'kubernetes.io/config.source'
export const mirrorKey = 'kubernetes.io/config.mirror'

/** A pod that comes from a file of this node (not its mirror). */
export function isStatic(pod: Pod): boolean {
  return pod.metadata?.annotations?.[sourceKey] === 'file' && !isMirror(pod)
}

/** The API object that only shows a static pod. */
export function isMirror(pod: Pod): boolean {
  return pod.metadata?.annotations?.[mirrorKey] !== undefined
}
