import type { EndpointAddress, EndpointSubset, Endpoints } from 'kubernetes-types/core/v1'
import { validateAddress, validateEndpointAddress } from '../addresses.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalidEach, required, sameValue } from '../fields.ts'
import { change, fillText, mapSame } from '../fill.ts'
import { isDns1123Label, isDns1123Subdomain, isValidPortNumber } from '../names.ts'
import type { Plain } from '../plain.ts'
import { validateProtocol } from '../pod/container.ts'

type EndpointsObject = Plain<Endpoints>

function validateSubset(at: string, subset: EndpointSubset): FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset
  const errors: FieldError[] = []
  if (!addresses.length && !notReadyAddresses.length) errors.push(required(at, 'must specify `addresses` or `notReadyAddresses`'))
  addresses.forEach((address, index) => void errors.push(...validateOne(`${at}.addresses[${index}]`, address)))
  notReadyAddresses.forEach((address, index) => void errors.push(...validateOne(`${at}.notReadyAddresses[${index}]`, address)))
  ports.forEach((port, index) => {
    const field = `${at}.ports[${index}]`
    if (ports.length > 1 && !port.name) errors.push(required(`${field}.name`))
    else if (port.name) errors.push(...invalidEach(`${field}.name`, port.name, isDns1123Label(port.name)))
    errors.push(
      ...invalidEach(`${field}.port`, port.port ?? 0, isValidPortNumber(port.port ?? 0)),
      ...validateProtocol(`${field}.protocol`, port.protocol),
    )
  })
  return errors
}

function validateOne(at: string, address: EndpointAddress): FieldError[] {
  const errors = validateAddress(`${at}.ip`, address.ip ?? '')
  if (address.hostname) errors.push(...invalidEach(`${at}.hostname`, address.hostname, isDns1123Label(address.hostname)))
  if (address.nodeName) errors.push(...invalidEach(`${at}.nodeName`, address.nodeName, isDns1123Subdomain(address.nodeName)))
  return [...errors, ...validateEndpointAddress(`${at}.ip`, address.ip ?? '')]
}

function validateEndpoints(endpoints: EndpointsObject): FieldError[] {
  return (endpoints.subsets ?? []).flatMap((subset, index) => validateSubset(`subsets[${index}]`, subset))
}

/** The first three addresses with their ports, and how many more there are. */
function summary(endpoints: EndpointsObject): string {
  const all = (endpoints.subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports.length
      ? ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)))
      : addresses.map(({ ip }) => ip),
  )
  if (!endpoints.subsets?.length) return '<none>'
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',')
}

export const endpoints: ResourceDefinition<EndpointsObject> = {
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  defaults: (object) =>
    change(object, 'subsets', (subsets) =>
      mapSame(subsets, (subset) => change(subset, 'ports', (ports) => mapSame(ports, (port) => fillText(port, { protocol: 'TCP' })))),
    ),
  validate: validateEndpoints,
  validateUpdate: (object, previous) => (sameValue(object.subsets, previous.subsets) ? [] : validateEndpoints(object)),
  warnings: () => ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  columns: [nameColumn, column('Endpoints', 'Addresses and ports behind the service.', summary), ageColumn],
}
