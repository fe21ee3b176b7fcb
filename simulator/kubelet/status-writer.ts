import type { Pod } from 'kubernetes-types/core/v1'
import { StatusError } from '../apiserver/api.ts'
import type { KubeObject } from '../kubernetes.ts'
import { isStatic } from './pod-source.ts'
import { podStatus } from './pod-status.ts'
import type { Kubelet } from './world.ts'

/** Writes the pod's status where it differs from what the API server has. */
export function flushStatus(kubelet: Kubelet, uid: string): void {
  const { api, clock } = kubelet.world
  const state = kubelet.state.pods[uid]
  const pod = kubelet.pods.get(uid)
  if (!state || !pod || kubelet.stopped) return
  const stored = api.find<KubeObject & Pod>('pods', state.namespace, state.name)
  if (!stored || (!isStatic(pod) && stored.metadata?.uid !== uid)) return
  const status = podStatus(stored, state, { now: clock.now(), hostAddresses: kubelet.hostAddresses })
  if (sameJson(status, stored.status)) return
  try {
    api.updateStatus('pods', { ...stored, status } as KubeObject)
  } catch (error) {
    if (!(error instanceof StatusError) || (error.reason !== 'NotFound' && error.reason !== 'Conflict')) throw error
  }
}

/** Equality of JSON values; an undefined field is an absent one. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const key in x) if (!sameJson(x[key], y[key])) return false
  for (const key in y) if (y[key] !== undefined && x[key] === undefined) return false
  return true
}
