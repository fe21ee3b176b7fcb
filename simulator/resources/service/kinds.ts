import type { Service, ServiceSpec } from 'kubernetes-types/core/v1'
import type { Plain } from '../plain.ts'

/** `clusterIP: None`: no address of its own. */
export function isHeadless(service: Plain<Service>): boolean {
  return service.spec?.clusterIP === 'None' || (service.spec?.clusterIPs?.length === 1 && service.spec.clusterIPs[0] === 'None')
}

export function hasNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
}

export function isExternallyAccessible(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && Boolean(spec.externalIPs?.length))
}

export function needsHealthCheck(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
}
