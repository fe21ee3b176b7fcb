import type { ObjectMeta } from 'kubernetes-types/meta/v1'

/**
 * Any Kubernetes object as JSON. Objects that the store hands out are shared and must never be changed in place;
 * make a new one (`{ ...pod, status: { … } }`) and write that.
 */
export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata?: ObjectMeta
  [field: string]: unknown
}

/** `pods`, `deployments.apps`, `endpointslices.discovery.k8s.io`: the plural, then the group where it is not core. */
export type ResourceName = string

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** RFC 3339 with whole seconds, as metav1.Time; `ms` since the epoch. */
export function timestamp(ms: number): string {
  const second = Math.floor(ms / 1000)
  // Whatever happens in one instant is written down with the same time, often a dozen times.
  if (second !== latest.second) latest = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` }
  return latest.text
}

let latest = { second: Number.NaN, text: '' }
