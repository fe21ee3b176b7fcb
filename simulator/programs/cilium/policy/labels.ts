import type { Namespace, Pod } from 'kubernetes-types/core/v1'
import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { KubeObject } from '../../../kubernetes.ts'
import { meetsRequirement } from '../../../resources/selectors.ts'

/** Labels of an identity with their source: `{ 'k8s:app': 'web' }`, `{ 'reserved:host': '' }`. */
export type SecurityLabels = Readonly<Record<string, string>>

export const namespaceLabel = 'k8s:io.kubernetes.pod.namespace'
export const namespaceLabels = 'k8s:io.cilium.k8s.namespace.labels.'
const clusterLabel = 'k8s:io.cilium.k8s.policy.cluster'
const accountLabel = 'k8s:io.cilium.k8s.policy.serviceaccount'

/** Pods' labels that make no identity, by default (pkg/labelsfilter): those that differ from pod to pod of one workload. */
const ignored = [
  // `topology.kubernetes.io/zone` stays: only what begins so is left out.
  /^(io\.kubernetes|kubernetes\.io)/,
  /^statefulset\.kubernetes\.io\/pod-name/,
  /^apps\.kubernetes\.io\/pod-index/,
  /^batch\.kubernetes\.io\/(job-completion-index|controller-uid)/,
  /^.*beta\.kubernetes\.io/,
  /^k8s\.io/,
  /^pod-template-(generation|hash)/,
  /^controller-(revision-hash|uid)/,
  /^annotation.*/,
  /^etcd_node/,
]

/** What makes a pod's identity: its labels, its namespace with that one's labels, its account and the cluster. Sorted by key. */
export function podLabels(pod: Pod & KubeObject, namespace: (Namespace & KubeObject) | undefined, cluster: string): SecurityLabels {
  const own = Object.entries(pod.metadata?.labels ?? {}).filter(([key]) => !ignored.some((pattern) => pattern.test(key)))
  const labels: [string, string][] = [
    ...own.map(([key, value]): [string, string] => [`k8s:${key}`, value]),
    ...Object.entries(namespace?.metadata?.labels ?? {}).map(([key, value]): [string, string] => [`${namespaceLabels}${key}`, value]),
    [namespaceLabel, pod.metadata?.namespace ?? ''],
    [clusterLabel, cluster],
    [accountLabel, pod.spec?.serviceAccountName ?? 'default'],
  ]
  return Object.fromEntries(labels.sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function labelsKey(labels: SecurityLabels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** `k8s:app=web`, `reserved:host`. */
export function labelTexts(labels: SecurityLabels): string[] {
  return Object.entries(labels)
    .map(([key, value]) => (value === '' && key.startsWith('reserved:') ? key : `${key}=${value}`))
    .sort()
}

const sources = /^(k8s|any|reserved|cidr|container|unspec):/

/** A label by a key with its source, or from any source where the key names none. */
function labelValue(labels: SecurityLabels, key: string): string | undefined {
  const source = sources.exec(key)?.[1]
  if (source && source !== 'any') return labels[key]
  const bare = source ? key.slice(4) : key
  for (const prefix of ['k8s:', 'reserved:', 'cidr:', 'any:']) {
    const value = labels[prefix + bare]
    if (value !== undefined) return value
  }
  return undefined
}

/** An empty selector selects everybody. */
export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: SecurityLabels): boolean {
  for (const [key, wanted] of Object.entries(matchLabels)) if (labelValue(labels, key) !== wanted) return false
  return matchExpressions.every((expression) => meetsRequirement(expression, labelValue(labels, expression.key)))
}

export function exists(key: string): LabelSelector {
  return { matchExpressions: [{ key, operator: 'Exists' }] }
}
