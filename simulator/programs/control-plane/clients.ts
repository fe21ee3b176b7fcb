import type { Api, UserInfo } from '../../apiserver/api.ts'

/**
 * Controllers whose service account in kube-system is not called as they are (cmd/kube-controller-manager's names against the arguments of its
 * `ClientOrDie`).
 */
const accounts: Readonly<Record<string, string>> = {
  'certificatesigningrequest-cleaner-controller': 'certificate-controller',
  'certificatesigningrequest-signing-controller': 'certificate-controller',
  'daemonset-controller': 'daemon-set-controller',
  'endpointslice-mirroring-controller': 'endpointslicemirroring-controller',
  'garbage-collector-controller': 'generic-garbage-collector',
  'horizontal-pod-autoscaler-controller': 'horizontal-pod-autoscaler',
  'node-ipam-controller': 'node-controller',
  'node-lifecycle-controller': 'node-controller',
  'persistentvolume-binder-controller': 'persistent-volume-binder',
  'replicationcontroller-controller': 'replication-controller',
  'root-ca-certificate-publisher-controller': 'root-ca-cert-publisher',
  'serviceaccount-controller': 'service-account-controller',
  'taint-eviction-controller': 'node-controller',
}

/** The user of a component's kubeconfig. */
export function componentUser(component: string): UserInfo {
  return { username: `system:${component}`, groups: ['system:authenticated'] }
}

/**
 * What a controller of kube-controller-manager asks with (--use-service-account-credentials): it reads what the shared informers know, which are
 * the component's own, and writes as its service account.
 */
export function controllerApi(component: Api, connection: Api, controller: string): Api {
  if (controller === 'serviceaccount-token-controller') return component
  // In a real cluster a Deployment of its own.
  if (controller === 'local-path-provisioner') return connection
  const account = accounts[controller] ?? controller
  const user = {
    username: `system:serviceaccount:kube-system:${account}`,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
  }
  const { get, find, list, watch, served } = component
  return { ...connection.as(user, 'kube-controller-manager'), get, find, list, watch, served }
}
