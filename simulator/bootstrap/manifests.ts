import { standardStorageClass } from '../controllers/persistentvolume/local-path-provisioner.ts'
import type { KubeObject } from '../kubernetes.ts'
import { resources } from '../resources/catalogue.ts'
import { localApiServices } from './api-services.ts'
import { calico } from './calico.ts'
import { cilium } from './cilium.ts'
import { cloudProvider } from './cloud-provider.ts'
import { coredns } from './coredns.ts'
import { flannel } from './flannel.ts'
import { ingressNginx } from './ingress-nginx.ts'
import { kindnet } from './kindnet.ts'
import { kubeProxy } from './kube-proxy.ts'
import { ingressReady } from './nodes.ts'
import { rbacObjects } from './rbac/rbac-objects.ts'
import { type Addon, addresses, type ClusterSpec, nodeAddress } from './spec.ts'
import { traefik } from './traefik.ts'
import { weave } from './weave.ts'

/** Everything that stands in a fresh cluster's API, in the order in which it is created. */
export function bootstrapObjects(spec: ClusterSpec): KubeObject[] {
  return [
    ...['default', 'kube-system', 'kube-public', 'kube-node-lease'].map(namespace),
    ...localApiServices(resources),
    ...rbacObjects(spec),
    priorityClass(
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
    priorityClass('system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'),
    standardStorageClass(),
    ...apiService(),
    // Cilium stands in for it.
    ...(spec.cni === 'cilium' ? [] : kubeProxy(spec)),
    ...networkPlugin(spec),
    ...coredns(),
    ...(spec.loadBalancers === undefined ? [] : cloudProvider()),
    ...(spec.addons ?? []).flatMap(addonObjects),
  ]
}

function networkPlugin(spec: ClusterSpec): KubeObject[] {
  switch (spec.cni) {
    case 'kindnet':
      return kindnet(spec)
    case 'flannel':
      return flannel()
    case 'calico':
      return calico()
    case 'cilium':
      return cilium(spec)
    case 'weave':
      return weave(addresses.podCidr)
    case 'none':
      return []
  }
}

function addonObjects(addon: Addon): KubeObject[] {
  switch (addon) {
    case 'ingress-nginx':
      return ingressNginx(ingressReady)
    case 'traefik':
      return traefik()
  }
}

function namespace(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

function priorityClass(name: string, value: number, description: string): KubeObject {
  return { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, description, globalDefault: false }
}

/** `default/kubernetes`, which the API server itself keeps. */
export function apiService(): KubeObject[] {
  const metadata = { name: 'kubernetes', namespace: 'default' }
  const port = { name: 'https', port: addresses.apiPort, protocol: 'TCP' }
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, labels: { component: 'apiserver', provider: 'kubernetes' } },
      spec: { clusterIP: addresses.apiService, ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: addresses.apiPort }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [{ ip: nodeAddress(0) }], ports: [port] }],
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [nodeAddress(0)], conditions: { ready: true } }],
      ports: [port],
    },
  ]
}
