import type { Service, ServicePort } from 'kubernetes-types/core/v1'
import { ageColumn, column, nameColumn, wide } from '../columns.ts'
import type { Column } from '../definition.ts'
import type { Plain } from '../plain.ts'
import { formatLabels } from '../selectors.ts'

/** Addresses or names of a load balancer, in order, cut to 16 characters as in the narrow table. */
export function loadBalancerText(ingress: readonly { ip?: string; hostname?: string }[] | undefined): string {
  const text = [...new Set((ingress ?? []).map((one) => one.ip || one.hostname || '').filter(Boolean))].sort().join(',')
  return text.length > 16 ? `${text.slice(0, 13)}...` : text
}

function externalAddress(service: Plain<Service>): string {
  const { type, externalIPs = [], externalName = '' } = service.spec ?? {}
  if (type === 'ExternalName') return externalName
  if (type === 'LoadBalancer') {
    const text = loadBalancerText(service.status?.loadBalancer?.ingress)
    return [...(text ? [text] : []), ...externalIPs].join(',') || '<pending>'
  }
  if (type === 'ClusterIP' || type === 'NodePort') return externalIPs.join(',') || '<none>'
  return '<unknown>'
}

function portText({ port, nodePort, protocol }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`
}

export const serviceColumns: readonly Column<Plain<Service>>[] = [
  nameColumn,
  column('Type', 'How the service is exposed.', (service) => service.spec?.type ?? ''),
  column('Cluster-IP', 'Address of the service inside the cluster.', (service) => service.spec?.clusterIPs?.[0] ?? '<none>'),
  column('External-IP', 'Addresses of the service from outside.', externalAddress),
  column('Port(s)', 'Ports that the service exposes.', (service) => (service.spec?.ports ?? []).map(portText).join(',') || '<none>'),
  ageColumn,
  wide('Selector', 'Labels of the pods that traffic goes to.', (service) => formatLabels(service.spec?.selector)),
]
