import type { ResourceKind } from './object.ts'

/** Built-in kinds, so that no discovery request stands between a session and its start. Other kinds are discovered. */
const table = `
v1 Pod pods +
v1 Service services +
v1 Endpoints endpoints +
v1 ConfigMap configmaps +
v1 Secret secrets +
v1 ServiceAccount serviceaccounts +
v1 PersistentVolumeClaim persistentvolumeclaims +
v1 ResourceQuota resourcequotas +
v1 LimitRange limitranges +
v1 ReplicationController replicationcontrollers +
v1 Event events +
v1 Namespace namespaces -
v1 Node nodes -
v1 PersistentVolume persistentvolumes -
apps/v1 Deployment deployments +
apps/v1 ReplicaSet replicasets +
apps/v1 DaemonSet daemonsets +
apps/v1 StatefulSet statefulsets +
batch/v1 Job jobs +
batch/v1 CronJob cronjobs +
discovery.k8s.io/v1 EndpointSlice endpointslices +
networking.k8s.io/v1 NetworkPolicy networkpolicies +
networking.k8s.io/v1 Ingress ingresses +
networking.k8s.io/v1 IngressClass ingressclasses -
policy/v1 PodDisruptionBudget poddisruptionbudgets +
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers +
rbac.authorization.k8s.io/v1 Role roles +
rbac.authorization.k8s.io/v1 RoleBinding rolebindings +
rbac.authorization.k8s.io/v1 ClusterRole clusterroles -
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings -
storage.k8s.io/v1 StorageClass storageclasses -
scheduling.k8s.io/v1 PriorityClass priorityclasses -
coordination.k8s.io/v1 Lease leases +
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions -
`

export const builtinKinds: readonly ResourceKind[] = table
  .trim()
  .split('\n')
  .map((line) => {
    const [apiVersion = '', kind = '', plural = '', scope] = line.split(' ')
    return { apiVersion, kind, plural, namespaced: scope === '+' }
  })

const byKind = new Map(builtinKinds.map((kind) => [kind.kind, kind]))

/** The built-in kind of that name, and of that group and version where one is given. */
export function builtinKind(kind: string, apiVersion?: string): ResourceKind | undefined {
  const found = byKind.get(kind)
  return apiVersion === undefined || found?.apiVersion === apiVersion ? found : undefined
}

/** `/api/v1` or `/apis/apps/v1`. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
}

export function collectionPath(kind: ResourceKind, namespace?: string): string {
  const scope = kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${groupPath(kind.apiVersion)}${scope}/${kind.plural}`
}
