import type { Node } from 'kubernetes-types/core/v1'
import type { IngressLoadBalancerIngress } from 'kubernetes-types/networking/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import { isAddress } from '../../network/address.ts'
import type { IngressObject, PodObject, ServiceObject } from '../ingress/objects.ts'
import type { klog } from '../klog.ts'
import type { Flags } from './flags.ts'

/** What a published Ingress shows as ADDRESS: the flag's, else the Service's, else that of the nodes where ready controllers run. */
export function runningAddresses(
  flags: Flags,
  known: {
    readonly service: (key: string) => ServiceObject | undefined
    readonly pods: readonly PodObject[]
    readonly own: PodObject | undefined
    readonly node: (name: string) => Node | undefined
  },
): IngressLoadBalancerIngress[] {
  if (flags.publishStatusAddress) return flags.publishStatusAddress.split(/,\s*/).map(pointOf)
  if (flags.publishService) return serviceAddresses(known.service(flags.publishService))
  const labels = Object.entries(known.own?.metadata?.labels ?? {})
  const ready = known.pods.filter(
    ({ metadata, status }) =>
      labels.every(([key, value]) => metadata?.labels?.[key] === value) &&
      status?.phase === 'Running' &&
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  )
  const found = ready.map(({ spec }) => {
    const addresses = known.node(spec?.nodeName ?? '')?.status?.addresses ?? []
    const external = addresses.find(({ type }) => type === 'ExternalIP')
    const internal = addresses.find(({ type }) => type === 'InternalIP')
    return (flags.reportInternalAddress ? internal : (external ?? internal))?.address ?? spec?.nodeName ?? ''
  })
  return [...new Set(found)].sort().map(pointOf)
}

function pointOf(address: string): IngressLoadBalancerIngress {
  return isAddress(address) ? { ip: address } : { hostname: address }
}

function serviceAddresses(service: ServiceObject | undefined): IngressLoadBalancerIngress[] {
  const { type, clusterIP, externalIPs = [], externalName } = service?.spec ?? {}
  if (type === 'ExternalName') return externalName ? [{ hostname: externalName }] : []
  if (type === 'ClusterIP') return clusterIP && clusterIP !== 'None' ? [{ ip: clusterIP }] : []
  const external = externalIPs.map((ip) => ({ ip }))
  if (type === 'NodePort') return external.length > 0 || !clusterIP ? external : [{ ip: clusterIP }]
  const given = service?.status?.loadBalancer?.ingress ?? []
  return [...given.map(({ ip, hostname }) => (ip ? { ip } : { hostname: hostname ?? '' })), ...external]
}

/** Writes the addresses into every Ingress that shows others. */
export function publish(
  api: Api,
  ingresses: readonly IngressObject[],
  addresses: readonly IngressLoadBalancerIngress[],
  log: ReturnType<typeof klog>,
): void {
  const wanted = JSON.stringify(addresses)
  for (const ingress of ingresses) {
    const { namespace, name } = ingress.metadata ?? {}
    const current = (ingress.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => (ip ? { ip } : { hostname: hostname ?? '' }))
    if (JSON.stringify(current) === wanted) continue
    log(
      'I',
      'status.go:309',
      `"updating Ingress status" namespace="${namespace}" ingress="${name}" currentValue=${JSON.stringify(current)} newValue=${wanted}`,
    )
    try {
      const newest = api.get<IngressObject>('ingresses.networking.k8s.io', namespace, name ?? '')
      api.updateStatus('ingresses.networking.k8s.io', { ...newest, status: { loadBalancer: { ingress: [...addresses] } } } as IngressObject)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      log('W', 'status.go:313', `error updating ingress rule: ${error.message}`)
    }
  }
}
