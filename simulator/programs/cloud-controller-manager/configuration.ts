import { sha256 } from '@noble/hashes/sha2.js'
import type { LoadBalancerConfig } from '../../outside/cloud/load-balancer.ts'
import type { NodeObject, ServiceObject } from './service-controller.ts'

/** kube-proxy's own health, where no Service has a health check port of its own. */
const kubeProxyHealthPort = 10256
const excluded = 'node.kubernetes.io/exclude-from-external-load-balancers'
const goingTaint = 'ToBeDeletedByClusterAutoscaler'

/** `kindccm-3f1a…`: the name of a Service's load balancer, as cloud-provider-kind makes it. */
export function loadBalancerName(cluster: string, { metadata }: ServiceObject): string {
  const digest = sha256(new TextEncoder().encode(`${cluster}/${metadata?.namespace}/${metadata?.name}`))
  return `kindccm-${Array.from(digest.slice(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** Nodes that take traffic from load balancers: whether they are ready is for the health checks to say (stableNodeSetPredicates). */
export function balancedNodes(nodes: readonly NodeObject[]): NodeObject[] {
  return nodes.filter(
    ({ metadata, spec }) =>
      !metadata?.deletionTimestamp && metadata?.labels?.[excluded] === undefined && !spec?.taints?.some(({ key }) => key === goingTaint),
  )
}

export function configOf(cluster: string, service: ServiceObject, nodes: readonly NodeObject[]): LoadBalancerConfig {
  const { spec } = service
  const addresses = nodes.flatMap(({ status }) => (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP'))
  return {
    name: loadBalancerName(cluster, service),
    healthCheckPort: (spec?.externalTrafficPolicy === 'Local' && spec.healthCheckNodePort) || kubeProxyHealthPort,
    sourceRanges: (spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim()),
    clientAffinity: spec?.sessionAffinity === 'ClientIP',
    listeners: (spec?.ports ?? []).flatMap(({ port, protocol = 'TCP', nodePort = 0 }) =>
      protocol === 'TCP' || protocol === 'UDP'
        ? [{ port, protocol, targets: addresses.map(({ address }) => ({ address, port: nodePort })) }]
        : [],
    ),
  }
}
