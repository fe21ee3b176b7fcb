import type { PolicyRule } from 'kubernetes-types/rbac/v1'
import { read, rule, urls, write } from './rule.ts'

export interface RoleData {
  readonly rules?: readonly PolicyRule[]
  /** `rbac.authorization.k8s.io/aggregate-to-<x>: "true"`: the role is part of x. */
  readonly partOf?: string
  /** The role is made of those that are part of this. */
  readonly aggregates?: string
}

const apps = 'apps'
const scaled = 'deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale'

/** Roles for people and what everybody may see: upstream's bootstrappolicy/policy.go. */
export const userRoles: Readonly<Record<string, RoleData>> = {
  'cluster-admin': { rules: [rule('*', '*', '*'), urls('*', '*')] },
  admin: { aggregates: 'admin' },
  edit: { aggregates: 'edit', partOf: 'admin' },
  view: { aggregates: 'view', partOf: 'edit' },
  'system:aggregate-to-admin': {
    partOf: 'admin',
    rules: [
      rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
      rule(`${read} ${write}`, 'rbac.authorization.k8s.io', 'rolebindings roles'),
    ],
  },
  'system:aggregate-to-edit': {
    partOf: 'edit',
    rules: [
      // Reading these is a way to more rights, so view does not have it.
      rule(read, '', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
      rule('impersonate', '', 'serviceaccounts'),
      rule(write, '', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
      rule('create', '', 'pods/eviction'),
      rule(
        write,
        '',
        'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
      ),
      rule('create', '', 'serviceaccounts/token'),
      rule(write, apps, `daemonsets deployments/rollback ${scaled}`),
      rule(write, 'autoscaling', 'horizontalpodautoscalers'),
      rule(write, 'batch', 'cronjobs jobs'),
      rule(
        write,
        'extensions',
        'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale',
      ),
      rule(write, 'policy', 'poddisruptionbudgets'),
      rule(write, 'networking.k8s.io', 'ingresses networkpolicies'),
      rule(`${read} ${write}`, 'coordination.k8s.io', 'leases'),
    ],
  },
  'system:aggregate-to-view': {
    partOf: 'view',
    rules: [
      rule(
        read,
        '',
        'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
      ),
      rule(
        read,
        '',
        'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
      ),
      rule(read, '', 'namespaces'),
      rule(read, 'discovery.k8s.io', 'endpointslices'),
      rule(
        read,
        apps,
        `controllerrevisions daemonsets daemonsets/status deployments/status replicasets/status statefulsets/status ${scaled}`,
      ),
      rule(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
      rule(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
      rule(
        read,
        'extensions',
        'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale',
      ),
      rule(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
      rule(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
    ],
  },
  'system:basic-user': {
    rules: [
      rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
      rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
    ],
  },
  'system:discovery': { rules: [urls('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/')] },
  'system:public-info-viewer': { rules: [urls('/healthz /livez /readyz /version /version/')] },
  'system:monitoring': { rules: [urls('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')] },
  'system:service-account-issuer-discovery': {
    rules: [urls('/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/')],
  },
}
