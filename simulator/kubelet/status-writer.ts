import type { Pod } from 'kubernetes-types/core/v1'
import { StatusError } from '../apiserver/api.ts'
import { sameJson } from '../json.ts'
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
