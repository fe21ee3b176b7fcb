import type { ServicePort } from 'kubernetes-types/core/v1'
import type { Endpoint } from '../../network/sockets.ts'
import type { ServiceObject, SliceObject } from '../ingress/objects.ts'

/**
 * The ready endpoints of a Service's port, straight from its EndpointSlices: the Service's own rules on the nodes are never used.
 * The port goes by its name, and where no name fits by a number in targetPort (endpointslices.go, getEndpointsFromSlices).
 */
export function endpointsOf(port: ServicePort, slices: readonly SliceObject[]): Endpoint[] {
  const found = new Map<string, Endpoint>()
  for (const slice of slices) {
    const ports = portsOf(port, slice.ports ?? [])
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      if (conditions?.ready === false) continue
      for (const number of ports) for (const address of addresses) found.set(`${address}:${number}`, { address, port: number })
    }
  }
  return [...found.values()]
}

function portsOf(port: ServicePort, slicePorts: NonNullable<SliceObject['ports']>): number[] {
  const numeric = typeof port.targetPort === 'number' ? port.targetPort : undefined
  if (slicePorts.length === 0) return numeric === undefined ? [] : [numeric]
  return slicePorts.flatMap(({ name, port: number, protocol = 'TCP' }) => {
    if (protocol !== 'TCP') return []
    const target = !port.name || port.name === name ? number : numeric
    return target === undefined ? [] : [target]
  })
}

/** The port of a Service that an Ingress means, by number, by target or by name. */
export function portNamed(service: ServiceObject, wanted: string): ServicePort | undefined {
  return service.spec?.ports?.find(({ name, port, targetPort }) => [String(port), String(targetPort ?? port), name].includes(wanted))
}
