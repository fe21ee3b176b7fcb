import type { EndpointAddress, EndpointSubset, Endpoints } from 'kubernetes-types/core/v1'
import type { Endpoint, EndpointPort, EndpointSlice } from 'kubernetes-types/discovery/v1'
import { StatusError } from '../apiserver/api.ts'
import { sameJson } from '../json.ts'
import type { KubeObject } from '../kubernetes.ts'
import { type Controller, controllerReference, keyOf, recorderOf, splitKey, workQueue } from './controller.ts'
import type { ServiceObject } from './endpointslice/endpoints.ts'

type EndpointsObject = Endpoints & KubeObject
type SliceObject = EndpointSlice & KubeObject
type Content = Pick<EndpointSlice, 'addressType'> & { endpoints: Endpoint[]; ports: EndpointPort[] }

const managedBy = 'endpointslicemirroring-controller.k8s.io'
const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const serviceLabel = 'kubernetes.io/service-name'
/** kube-controller-manager's --mirroring-max-endpoints-per-subset. */
const addressesPerSubset = 1000
const unmirroredAnnotations = ['endpoints.kubernetes.io/last-change-trigger-time', 'kubectl.kubernetes.io/last-applied-configuration']

/** Whether an Endpoints object wants to be mirrored at all. */
export function isMirrored({ metadata }: EndpointsObject): boolean {
  if (metadata?.deletionTimestamp) return false
  if (metadata?.labels?.['endpointslice.kubernetes.io/skip-mirror'] === 'true') return false
  return metadata?.annotations?.['control-plane.alpha.kubernetes.io/leader'] === undefined
}

/** The slices of a hand-written Endpoints object: one for each subset and family of addresses. */
export function mirrored(endpoints: EndpointsObject): Content[] {
  const contents: Content[] = []
  for (const subset of endpoints.subsets ?? []) {
    const all = [...addressesOf(subset)].slice(0, addressesPerSubset)
    for (const addressType of ['IPv4', 'IPv6'] as const) {
      const own = all.filter(([address]) => address.ip.includes(':') === (addressType === 'IPv6'))
      if (own.length === 0) continue
      contents.push({
        addressType,
        endpoints: own.map(([address, ready]) => endpointOf(address, ready)),
        ports: (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
          name,
          port,
          protocol,
          ...(appProtocol ? { appProtocol } : {}),
        })),
      })
    }
  }
  return contents
}

function* addressesOf(subset: EndpointSubset): Generator<[address: EndpointAddress, ready: boolean]> {
  for (const address of subset.addresses ?? []) yield [address, true]
  for (const address of subset.notReadyAddresses ?? []) yield [address, false]
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    ...(targetRef ? { targetRef } : {}),
  }
}

/** Endpoints made by hand for a Service without a selector, as slices. Follows upstream's pkg/controller/endpointslicemirroring. */
export const endpointsliceMirroringController: Controller = {
  name: 'endpointslice-mirroring-controller',
  start(world) {
    const { api, clock, fresh } = world
    const events = recorderOf(world, 'endpoint-slice-mirroring-controller')
    const queue = workQueue('endpointslice-mirroring', clock, reconcile)
    api.watch<EndpointsObject>('endpoints', ({ object }) => queue.add(keyOf(object)), { initial: fresh })
    api.watch<ServiceObject>('services', ({ object, previous }) => {
      if (!sameJson(object.spec?.selector, previous?.spec?.selector) || !previous) queue.add(keyOf(object))
    })
    api.watch<SliceObject>('endpointslices.discovery.k8s.io', ({ object }) => {
      const service = object.metadata?.labels?.[serviceLabel]
      if (service && object.metadata?.labels?.[managedByLabel] === managedBy) queue.add(`${object.metadata.namespace}/${service}`)
    })

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const endpoints = api.find<EndpointsObject>('endpoints', namespace, name)
      const service = api.find<ServiceObject>('services', namespace, name)
      const left = api
        .list<SliceObject>('endpointslices.discovery.k8s.io', { namespace })
        .filter(({ metadata }) => metadata?.labels?.[serviceLabel] === name && metadata.labels[managedByLabel] === managedBy)
      const wanted = endpoints && isMirrored(endpoints) && service && !hasSelector(service)
      if (wanted) {
        try {
          for (const content of mirrored(endpoints)) write(endpoints, content, left)
        } catch (error) {
          if (!(error instanceof StatusError)) throw error
          const sentence = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${error.message}`
          events.record(endpoints, 'Warning', 'FailedToUpdateEndpointSlices', sentence)
          throw error
        }
      }
      for (const slice of left) api.delete('endpointslices.discovery.k8s.io', namespace, slice.metadata?.name ?? '')
    }

    /** Writes one slice, over one that stands for the same ports where there is any, and takes that from `left`. */
    function write(endpoints: EndpointsObject, content: Content, left: SliceObject[]): void {
      const { namespace, name } = endpoints.metadata ?? {}
      const labels = { ...endpoints.metadata?.labels, [serviceLabel]: name ?? '', [managedByLabel]: managedBy }
      const annotations = Object.fromEntries(
        Object.entries(endpoints.metadata?.annotations ?? {}).filter(([annotation]) => !unmirroredAnnotations.includes(annotation)),
      )
      const index = left.findIndex((slice) => slice.addressType === content.addressType && sameJson(slice.ports ?? [], content.ports))
      if (index < 0) {
        api.create('endpointslices.discovery.k8s.io', {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: {
            namespace,
            generateName: `${name}-`,
            labels,
            ...(Object.keys(annotations).length ? { annotations } : {}),
            ownerReferences: [controllerReference(endpoints, 'v1', 'Endpoints')],
          },
          ...content,
        })
        return
      }
      const [slice] = left.splice(index, 1) as [SliceObject]
      const same =
        sameJson(slice.endpoints ?? [], content.endpoints) &&
        sameJson(slice.metadata?.labels, labels) &&
        sameJson(slice.metadata?.annotations ?? {}, annotations)
      if (same) return
      api.update('endpointslices.discovery.k8s.io', { ...slice, ...content, metadata: { ...slice.metadata, labels, annotations } })
    }
  },
}

function hasSelector({ spec }: ServiceObject): boolean {
  return spec?.selector !== undefined && spec.selector !== null
}
