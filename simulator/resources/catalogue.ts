import { apiservices } from './apiregistration/apiservice.ts'
import { horizontalpodautoscalers } from './autoscaling/horizontalpodautoscaler.ts'
import { horizontalpodautoscalersV1 } from './autoscaling/horizontalpodautoscaler-v1.ts'
import { cronjobs } from './batch/cronjob.ts'
import { jobs } from './batch/job.ts'
import { certificatesigningrequests } from './certificates/certificatesigningrequest.ts'
import { leases } from './cluster/lease.ts'
import { namespaces } from './cluster/namespace.ts'
import { nodes } from './cluster/node.ts'
import { priorityclasses } from './cluster/priorityclass.ts'
import { configmaps } from './configuration/configmap.ts'
import { secrets } from './configuration/secret.ts'
import { serviceaccounts } from './configuration/serviceaccount.ts'
import { customresourcedefinitions } from './customresourcedefinition/definition.ts'
import type { ResourceDefinition } from './definition.ts'
import { endpoints } from './discovery/endpoints.ts'
import { endpointslices } from './discovery/endpointslice.ts'
import { events } from './events/event.ts'
import { ingresses } from './networking/ingress.ts'
import { ingressclasses } from './networking/ingressclass.ts'
import { networkpolicies } from './networking/networkpolicy.ts'
import { pods } from './pod/definition.ts'
import { limitranges } from './policy/limitrange.ts'
import { poddisruptionbudgets } from './policy/poddisruptionbudget.ts'
import { resourcequotas } from './policy/resourcequota.ts'
import { clusterrolebindings, rolebindings } from './rbac/binding.ts'
import { clusterroles, roles } from './rbac/role.ts'
import { services } from './service/definition.ts'
import { persistentvolumes } from './storage/persistentvolume.ts'
import { persistentvolumeclaims } from './storage/persistentvolumeclaim.ts'
import { storageclasses } from './storage/storageclass.ts'
import { daemonsets } from './workload/daemonset.ts'
import { deployments } from './workload/deployment.ts'
import { replicasets } from './workload/replicaset.ts'
import { replicationcontrollers } from './workload/replicationcontroller.ts'
import { controllerrevisions, statefulsets } from './workload/statefulset.ts'

/** Every built-in kind that is served, group by group in the order of discovery. */
export const resources: readonly ResourceDefinition[] = [
  configmaps,
  endpoints,
  events,
  limitranges,
  namespaces,
  nodes,
  persistentvolumeclaims,
  persistentvolumes,
  pods,
  replicationcontrollers,
  resourcequotas,
  secrets,
  serviceaccounts,
  services,
  controllerrevisions,
  daemonsets,
  deployments,
  replicasets,
  statefulsets,
  horizontalpodautoscalers,
  horizontalpodautoscalersV1,
  cronjobs,
  jobs,
  certificatesigningrequests,
  ingressclasses,
  ingresses,
  networkpolicies,
  poddisruptionbudgets,
  clusterrolebindings,
  clusterroles,
  rolebindings,
  roles,
  storageclasses,
  customresourcedefinitions,
  leases,
  priorityclasses,
  endpointslices,
  apiservices,
]
