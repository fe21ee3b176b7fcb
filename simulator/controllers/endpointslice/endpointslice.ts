import type { Node } from 'kubernetes-types/core/v1'
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1'
import { sameJson } from '../../json.ts'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import { matchesSelector } from '../../resources/selectors.ts'
import { type Controller, controllerOf, controllerReference, splitKey, unhandled, usualRetries, workQueue } from '../controller.ts'
import type { PodObject } from '../pods.ts'
import { type EndpointGroup, endpointGroups, type ServiceObject } from './endpoints.ts'
import { watchServicePods } from './watch.ts'

type SliceObject = EndpointSlice & KubeObject
const managedBy = 'endpointslice-controller.k8s.io'
const serviceLabel = 'kubernetes.io/service-name'
/** kube-controller-manager's --max-endpoints-per-slice. */
const endpointsPerSlice = 100

/** Keeps the EndpointSlices of Services with a selector. Follows upstream's pkg/controller/endpointslice. */
export const endpointsliceController: Controller = {
  name: 'endpointslice-controller',
  start(world) {
    const { api, clock, log } = world
    const queue = workQueue('endpointslice', clock, reconcile, {
      retries: usualRetries,
      retrying: (key, { message }) =>
        log?.('I', 'endpointslice_controller.go:344', `"Error syncing endpoint slices for service, retrying" ${about(key, message)}`),
      dropped(key, error) {
        log?.(
          'I',
          'endpointslice_controller.go:349',
          `"Retry budget exceeded, dropping service out of the queue" ${about(key, error.message)}`,
        )
        giveUp(key, error)
      },
    })
    const about = (key: string, why: string) => `logger="endpointslice-controller" key=${JSON.stringify(key)} err=${JSON.stringify(why)}`
    const giveUp = unhandled(world, 'endpointslice_controller.go:351', (_key, why) => why)
    watchServicePods(world, queue)
    api.watch<SliceObject>('endpointslices.discovery.k8s.io', ({ type, object }) => {
      const service = object.metadata?.labels?.[serviceLabel]
      if (service && (type === 'DELETED' || object.metadata?.labels?.['endpointslice.kubernetes.io/managed-by'] === managedBy)) {
        queue.add(`${object.metadata?.namespace}/${service}`)
      }
    })

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const service = api.find<ServiceObject>('services', namespace, name)
      // What a Service that is gone leaves is the garbage collector's; what one leaves that lost its selector, nobody's.
      if (!service || service.spec?.type === 'ExternalName' || !service.spec?.selector) return
      const slices = api
        .list<SliceObject>('endpointslices.discovery.k8s.io', { namespace })
        .filter(
          ({ metadata }) =>
            metadata?.labels?.[serviceLabel] === name && metadata.labels['endpointslice.kubernetes.io/managed-by'] === managedBy,
        )
      const selector = { matchLabels: service.spec.selector }
      const pods = api.list<PodObject>('pods', { namespace }).filter((pod) => matchesSelector(selector, pod.metadata?.labels))
      const zoneOf = (node: string) =>
        api.find<Node & KubeObject>('nodes', undefined, node)?.metadata?.labels?.['topology.kubernetes.io/zone']
      const groups = endpointGroups(service, pods, zoneOf)
      // A Service without pods keeps one empty slice, so that kube-proxy knows that there is nothing.
      const [own, others] = partition(slices, ({ metadata }) => controllerOf({ metadata } as KubeObject)?.uid === service.metadata?.uid)
      write(service, groups.length ? groups : [{ ports: [], endpoints: [] }], own)
      // They belong to a Service of the same name that was there before.
      for (const slice of others) api.delete('endpointslices.discovery.k8s.io', namespace, slice.metadata?.name ?? '')
    }

    function write(service: ServiceObject, groups: EndpointGroup[], left: SliceObject[]): void {
      const namespace = service.metadata?.namespace ?? ''
      const labels = sliceLabels(service)
      for (const group of groups) {
        const ports = group.ports.length ? group.ports : null
        for (const endpoints of portions(group.endpoints)) {
          const index = bestMatch(left, ports, endpoints)
          const slice = index === undefined ? undefined : left.splice(index, 1)[0]
          const wanted = { endpoints: endpoints.length ? endpoints : null, ports, addressType: 'IPv4' }
          if (!slice) {
            // A new one could escape the garbage collector that takes away the others.
            if (service.metadata?.deletionTimestamp) continue
            api.create('endpointslices.discovery.k8s.io', {
              apiVersion: 'discovery.k8s.io/v1',
              kind: 'EndpointSlice',
              metadata: {
                namespace,
                generateName: `${service.metadata?.name}-`,
                labels,
                annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': timestamp(clock.now()) },
                ownerReferences: [controllerReference(service, 'v1', 'Service')],
              },
              ...wanted,
            })
          } else if (
            !sameJson({ endpoints: slice.endpoints ?? null, ports: slice.ports ?? null }, { endpoints: wanted.endpoints, ports }) ||
            !sameJson(slice.metadata?.labels, labels)
          ) {
            api.update('endpointslices.discovery.k8s.io', {
              ...slice,
              ...wanted,
              metadata: {
                ...slice.metadata,
                labels,
                annotations: { ...slice.metadata?.annotations, 'endpoints.kubernetes.io/last-change-trigger-time': timestamp(clock.now()) },
              },
            })
          }
        }
      }
      for (const slice of left) api.delete('endpointslices.discovery.k8s.io', namespace, slice.metadata?.name ?? '')
    }
  },
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))]
}

function portions(endpoints: Endpoint[]): Endpoint[][] {
  if (endpoints.length === 0) return [[]]
  const result: Endpoint[][] = []
  for (let at = 0; at < endpoints.length; at += endpointsPerSlice) result.push(endpoints.slice(at, at + endpointsPerSlice))
  return result
}

/** The existing slice with the same ports and the most endpoints in common, so that as little as possible is rewritten. */
function bestMatch(slices: readonly SliceObject[], ports: unknown, endpoints: readonly Endpoint[]): number | undefined {
  const addresses = new Set(endpoints.map((endpoint) => endpoint.addresses[0]))
  let best: number | undefined
  let most = -1
  for (const [index, slice] of slices.entries()) {
    if (!sameJson(slice.ports ?? null, ports) && (slice.endpoints?.length ?? 0) > 0 && endpoints.length > 0) continue
    const common = (slice.endpoints ?? []).filter((endpoint) => addresses.has(endpoint.addresses[0])).length
    if (common > most) {
      most = common
      best = index
    }
  }
  return best
}

function sliceLabels(service: ServiceObject): Record<string, string> {
  return {
    ...service.metadata?.labels,
    'endpointslice.kubernetes.io/managed-by': managedBy,
    [serviceLabel]: service.metadata?.name ?? '',
    ...(service.spec?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}),
  }
}
