import type { KubeObject } from '../kubernetes.ts'
import type { ResourceDefinition } from '../resources/definition.ts'

/** kube-apiserver's priorities of its own groups (pkg/controlplane/apiserver/aggregator.go); a version's is 15 unless it is here. */
const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000,
  'apiregistration.k8s.io': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'admissionregistration.k8s.io': 16_700,
  'apiextensions.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
}
const versionPriorities: Readonly<Record<string, number>> = { v1: 1, 'autoscaling/v2': 30, 'apiregistration.k8s.io/v1': 18 }

/** The APIServices of what the API server serves itself, as its auto-registration makes them. */
export function localApiServices(definitions: readonly ResourceDefinition[]): KubeObject[] {
  const served = new Set(definitions.map(({ group, version }) => `${group}/${version}`))
  return [...served].map((groupVersion) => {
    const [group = '', version = ''] = groupVersion.split('/')
    const spec = {
      ...(group && { group }),
      version,
      groupPriorityMinimum: groupPriorities[group] ?? 1000,
      versionPriority: versionPriorities[group ? groupVersion : version] ?? 15,
    }
    const labels = { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' }
    return { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: `${version}.${group}`, labels }, spec }
  })
}
