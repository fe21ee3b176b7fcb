import type { Node, Pod } from 'kubernetes-types/core/v1'
import type { Api } from '../../../apiserver/api.ts'
import type { KubeObject } from '../../../kubernetes.ts'
import { labelTexts, type SecurityLabels } from '../policy/labels.ts'
import type { NamedPort } from '../policy/resolve.ts'
import { apiVersion, type CiliumEndpoint, type CiliumNode, resources } from '../resources.ts'
import type { Endpoint } from './endpoint.ts'

type PodObject = Pod & KubeObject

/** Container ports that have a name. */
export function portsOf(pod: PodObject | undefined): NamedPort[] {
  return (pod?.spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, containerPort, protocol = 'TCP' }) =>
      name ? [{ name, port: containerPort, protocol: protocol.toLowerCase() as NamedPort['protocol'] }] : [],
    ),
  )
}

/** The endpoint as the cluster sees it: its CiliumEndpoint. Throws StatusError. */
export function tellEndpoint(api: Api, endpoint: Endpoint, pod: PodObject, labels: SecurityLabels, nodeAddress: string): void {
  const { id, identity, containerId, namespace, pod: name, address } = endpoint
  const ports = portsOf(pod).map((port) => ({ ...port, protocol: port.protocol.toUpperCase() }))
  const status = {
    encryption: {},
    'external-identifiers': {
      'cni-attachment-id': `${containerId}:eth0`,
      'container-id': containerId,
      'k8s-namespace': namespace,
      'k8s-pod-name': name,
      'pod-name': `${namespace}/${name}`,
    },
    id,
    identity: { id: identity, labels: labelTexts(labels) },
    ...(ports.length > 0 ? { 'named-ports': ports } : {}),
    networking: { addressing: [{ ipv4: address }], node: nodeAddress },
    state: 'ready',
  }
  if (api.find<CiliumEndpoint>(resources.endpoints, namespace, name)) {
    api.patch(resources.endpoints, namespace, name, { status }, { type: 'merge' })
    return
  }
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata?.uid ?? '' }]
  const metadata = { name, namespace, labels: pod.metadata?.labels ?? {}, ownerReferences }
  api.create<KubeObject>(resources.endpoints, { apiVersion, kind: 'CiliumEndpoint', metadata, status })
}

/** The node as the other agents see it: its CiliumNode. Throws StatusError. */
export function tellNode(
  api: Api,
  node: (Node & KubeObject) | undefined,
  own: { readonly name: string; readonly nodeAddress: string; readonly router: string; readonly podCidr: string },
  known: CiliumNode | undefined,
): void {
  const { name, nodeAddress, router, podCidr } = own
  const spec: CiliumNode['spec'] = {
    addresses: [
      { ip: nodeAddress, type: 'InternalIP' },
      { ip: router, type: 'CiliumInternalIP' },
    ],
    ipam: { podCIDRs: [podCidr] },
  }
  if (known) {
    if (JSON.stringify(known.spec) !== JSON.stringify(spec)) api.update(resources.nodes, { ...known, spec })
    return
  }
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid: node?.metadata?.uid ?? '' }]
  const metadata = { name, labels: node?.metadata?.labels ?? {}, ownerReferences }
  api.create<KubeObject>(resources.nodes, { apiVersion, kind: 'CiliumNode', metadata, spec })
}
