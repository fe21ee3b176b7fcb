import { nodeRules } from './node-rules.ts'
import { events, read, rule } from './rule.ts'
import type { RoleData } from './user-roles.ts'

const delegated = [rule('create', 'authentication.k8s.io', 'tokenreviews'), rule('create', 'authorization.k8s.io', 'subjectaccessreviews')]
const leader = (name: string) => [
  rule('create', 'coordination.k8s.io', 'leases'),
  rule('get list update watch', 'coordination.k8s.io', 'leases', name),
]
const approver = (signer: string): RoleData => ({ rules: [rule('approve', 'certificates.k8s.io', 'signers', `kubernetes.io/${signer}`)] })
const certificates = 'system:certificates.k8s.io:'

/** Roles of the cluster's own programs: upstream's bootstrappolicy/policy.go, feature gates at their defaults of 1.34. */
export const componentRoles: Readonly<Record<string, RoleData>> = {
  'system:node': { rules: nodeRules },
  'system:node-proxier': {
    rules: [
      rule('list watch', '', 'endpoints services'),
      rule(read, '', 'nodes'),
      events,
      rule('list watch', 'discovery.k8s.io', 'endpointslices'),
      rule('list watch', 'networking.k8s.io', 'servicecidrs'),
    ],
  },
  'system:kube-controller-manager': {
    rules: [
      events,
      ...leader('kube-controller-manager'),
      rule('create', '', 'secrets serviceaccounts'),
      rule('delete', '', 'secrets'),
      rule('get', '', 'configmaps namespaces secrets serviceaccounts'),
      rule('update', '', 'secrets serviceaccounts'),
      ...delegated,
      // The shared informers of all controllers.
      rule('list watch', '*', '*'),
      rule('create', '', 'serviceaccounts/token'),
    ],
  },
  'system:kube-scheduler': {
    rules: [
      events,
      ...leader('kube-scheduler'),
      rule(read, '', 'nodes'),
      rule(`delete ${read}`, '', 'pods'),
      rule('create', '', 'bindings pods/binding'),
      rule('patch update', '', 'pods/status'),
      rule(read, '', 'replicationcontrollers services'),
      rule(read, ['apps', 'extensions'], 'replicasets'),
      rule(read, 'apps', 'statefulsets'),
      rule(read, 'policy', 'poddisruptionbudgets'),
      rule(read, '', 'persistentvolumeclaims persistentvolumes'),
      ...delegated,
      rule(read, 'storage.k8s.io', 'csinodes'),
      rule(read, '', 'namespaces'),
      rule(read, 'storage.k8s.io', 'csidrivers'),
      rule(read, 'storage.k8s.io', 'csistoragecapacities'),
      rule(read, 'storage.k8s.io', 'volumeattachments'),
      rule(read, 'resource.k8s.io', 'deviceclasses resourceslices'),
      rule(`patch update ${read}`, 'resource.k8s.io', 'resourceclaims'),
      rule('patch update', 'resource.k8s.io', 'resourceclaims/status'),
      rule('update', '', 'pods/finalizers'),
    ],
  },
  'system:volume-scheduler': {
    rules: [
      rule(`patch update ${read}`, '', 'persistentvolumes'),
      rule(read, 'storage.k8s.io', 'storageclasses'),
      rule(`patch update ${read}`, '', 'persistentvolumeclaims'),
    ],
  },
  'system:persistent-volume-provisioner': {
    rules: [
      rule('create delete get list watch', '', 'persistentvolumes'),
      rule('get list update watch', '', 'persistentvolumeclaims'),
      rule(read, 'storage.k8s.io', 'storageclasses'),
      rule('watch', '', 'events'),
      events,
    ],
  },
  'system:auth-delegator': { rules: delegated },
  'system:kube-aggregator': { rules: [rule(read, '', 'endpoints services')] },
  'system:kube-dns': { rules: [rule('list watch', '', 'endpoints services')] },
  'system:heapster': { rules: [rule(read, '', 'events namespaces nodes pods'), rule(read, 'extensions', 'deployments')] },
  'system:node-problem-detector': { rules: [rule('get', '', 'nodes'), rule('patch', '', 'nodes/status'), events] },
  'system:node-bootstrapper': { rules: [rule('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests')] },
  'system:kubelet-api-admin': {
    rules: [
      rule(read, '', 'nodes'),
      rule('proxy', '', 'nodes'),
      rule('*', '', 'nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats'),
    ],
  },
  [`${certificates}certificatesigningrequests:nodeclient`]: {
    rules: [rule('create', 'certificates.k8s.io', 'certificatesigningrequests/nodeclient')],
  },
  [`${certificates}certificatesigningrequests:selfnodeclient`]: {
    rules: [rule('create', 'certificates.k8s.io', 'certificatesigningrequests/selfnodeclient')],
  },
  [`${certificates}kube-apiserver-client-approver`]: approver('kube-apiserver-client'),
  [`${certificates}kube-apiserver-client-kubelet-approver`]: approver('kube-apiserver-client-kubelet'),
  [`${certificates}kubelet-serving-approver`]: approver('kubelet-serving'),
  [`${certificates}legacy-unknown-approver`]: approver('legacy-unknown'),
}
