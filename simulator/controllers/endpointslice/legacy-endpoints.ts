import type { EndpointAddress, EndpointSubset, Endpoints } from 'kubernetes-types/core/v1'
import { sameJson } from '../../json.ts'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import { matchesSelector } from '../../resources/selectors.ts'
import { type Controller, splitKey, unhandled, usualRetries, workQueue } from '../controller.ts'
import { isReady, type PodObject } from '../pods.ts'
import { hasEndpoint, type ServiceObject, targetPort } from './endpoints.ts'
import { watchServicePods } from './watch.ts'

type EndpointsObject = Endpoints & KubeObject

/** Keeps the older Endpoints object of each Service, which people still read. Follows upstream's pkg/controller/endpoint. */
export const endpointsController: Controller = {
  name: 'endpoint-controller',
  start(world) {
    const { api, clock } = world
    const queue = workQueue('endpoints', clock, reconcile, {
      retries: usualRetries,
      dropped: unhandled(world, 'endpoints_controller.go:357', (_key, why) => why),
    })
    watchServicePods(world, queue)

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const service = api.find<ServiceObject>('services', namespace, name)
      const existing = api.find<EndpointsObject>('endpoints', namespace, name)
      if (!service) {
        if (existing) api.delete('endpoints', namespace, name)
        return
      }
      const selector = service.spec?.selector
      if (!selector || service.spec?.type === 'ExternalName') return
      const pods = api
        .list<PodObject>('pods', { namespace })
        .filter((pod) => matchesSelector({ matchLabels: selector }, pod.metadata?.labels))
      const subsets = subsetsOf(service, pods)
      const labels = {
        ...service.metadata?.labels,
        'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
        ...(service.spec?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
      }
      const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': timestamp(clock.now()) }
      if (!existing) {
        api.create('endpoints', {
          apiVersion: 'v1',
          kind: 'Endpoints',
          metadata: { namespace, name, labels, annotations },
          ...(subsets.length ? { subsets } : {}),
        })
      } else if (!sameJson(existing.subsets ?? [], subsets) || !sameJson(existing.metadata?.labels, labels)) {
        const { subsets: _, ...rest } = existing
        api.update('endpoints', {
          ...rest,
          metadata: { ...existing.metadata, labels, annotations: { ...existing.metadata?.annotations, ...annotations } },
          ...(subsets.length ? { subsets } : {}),
        })
      }
    }
  },
}

interface Group {
  readonly ports: NonNullable<EndpointSubset['ports']>
  readonly ready: EndpointAddress[]
  readonly not: EndpointAddress[]
}

/** Addresses grouped by the ports they serve, ready and not ready apart, each sorted as upstream's RepackSubsets does. */
function subsetsOf(service: ServiceObject, pods: readonly PodObject[]): EndpointSubset[] {
  const groups = new Map<string, Group>()
  for (const pod of pods) {
    if (!hasEndpoint(pod) || pod.metadata?.deletionTimestamp) continue
    const ports = (service.spec?.ports ?? []).flatMap((port) => {
      const number = targetPort(pod, port)
      return number === undefined ? [] : [{ ...(port.name ? { name: port.name } : {}), port: number, protocol: port.protocol ?? 'TCP' }]
    })
    if (ports.length === 0 && (service.spec?.ports?.length ?? 0) > 0) continue
    const key = JSON.stringify(ports)
    const group: Group = groups.get(key) ?? { ports, ready: [], not: [] }
    groups.set(key, group)
    const address: EndpointAddress = {
      ip: pod.status?.podIP ?? '',
      nodeName: pod.spec?.nodeName,
      targetRef: { kind: 'Pod', namespace: pod.metadata?.namespace, name: pod.metadata?.name, uid: pod.metadata?.uid },
      ...(pod.spec?.hostname && pod.spec.subdomain === service.metadata?.name ? { hostname: pod.spec.hostname } : {}),
    }
    if (isReady(pod) || service.spec?.publishNotReadyAddresses) group.ready.push(address)
    else group.not.push(address)
  }
  const byAddress = (a: EndpointAddress, b: EndpointAddress) => (a.ip < b.ip ? -1 : 1)
  return [...groups.values()].map(({ ports, ready, not }) => ({
    ...(ready.length ? { addresses: ready.sort(byAddress) } : {}),
    ...(not.length ? { notReadyAddresses: not.sort(byAddress) } : {}),
    ports,
  }))
}
