import type { Endpoint, EndpointPort, EndpointSlice } from 'kubernetes-types/discovery/v1'
import { parseAddress, validateEndpointAddress } from '../addresses.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { duplicate, invalid, invalidEach, notSupported, required, tooMany, unchanged } from '../fields.ts'
import { change, fillText, mapSame, put } from '../fill.ts'
import { isDns1123Label, isDns1123Subdomain, isFullyQualifiedDomainName, isQualifiedName } from '../names.ts'
import type { Plain } from '../plain.ts'
import { protocols, validateProtocol } from '../pod/container.ts'

type SliceObject = Plain<EndpointSlice>
const addressTypes = ['FQDN', 'IPv4', 'IPv6']

function validateSlice(slice: SliceObject): FieldError[] {
  const errors: FieldError[] = []
  const type = slice.addressType
  if (!type) errors.push(required('addressType'))
  else if (!addressTypes.includes(type)) errors.push(notSupported('addressType', type, addressTypes))
  const list = slice.endpoints ?? []
  if (list.length > 1000) errors.push(tooMany('endpoints', list.length, 1000))
  else list.forEach((endpoint, index) => void errors.push(...validateEndpoint(`endpoints[${index}]`, endpoint, type)))
  const ports = slice.ports ?? []
  if (ports.length > 100) errors.push(tooMany('ports', ports.length, 100))
  else errors.push(...validatePorts(ports))
  return errors
}

function validateEndpoint(at: string, endpoint: Endpoint, type: string): FieldError[] {
  const errors: FieldError[] = []
  const addresses = endpoint.addresses ?? []
  if (!addresses.length) errors.push(required(`${at}.addresses`, 'must contain at least 1 address'))
  else if (addresses.length > 100) errors.push(tooMany(`${at}.addresses`, addresses.length, 100))
  addresses.forEach((address, index) => {
    const field = `${at}.addresses[${index}]`
    if (type === 'FQDN') errors.push(...invalidEach(field, address, isFullyQualifiedDomainName(address)))
    else if (type === 'IPv4' || type === 'IPv6') {
      if (parseAddress(address)?.family !== type) errors.push(invalid(field, address, `must be a valid ${type} address`))
      errors.push(...validateEndpointAddress(field, address))
    }
  })
  if (endpoint.nodeName) errors.push(...invalidEach(`${at}.nodeName`, endpoint.nodeName, isDns1123Subdomain(endpoint.nodeName)))
  if (endpoint.hostname) errors.push(...invalidEach(`${at}.hostname`, endpoint.hostname, isDns1123Label(endpoint.hostname)))
  return errors
}

function validatePorts(ports: readonly EndpointPort[]): FieldError[] {
  const names = new Set<string>()
  return ports.flatMap((port, index) => {
    const at = `ports[${index}]`
    const name = port.name ?? ''
    const errors = name ? invalidEach(`${at}.name`, name, isDns1123Label(name)) : []
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
    names.add(name)
    if (!protocols.includes(port.protocol ?? '')) errors.push(...validateProtocol(`${at}.protocol`, port.protocol))
    if (port.appProtocol !== undefined)
      errors.push(...invalidEach(`${at}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol)))
    return errors
  })
}

function firstThree(list: readonly string[]): string {
  if (!list.length) return '<unset>'
  return list.length > 3 ? `${list.slice(0, 3).join(',')} + ${list.length - 3} more...` : list.join(',')
}

export const endpointslices: ResourceDefinition<SliceObject> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  defaults: (slice) =>
    change(slice, 'ports', (ports) => mapSame(ports, (port) => put(fillText(port, { protocol: 'TCP' }), 'name', port.name ?? ''))),
  validate: validateSlice,
  validateUpdate: (slice, previous) => [...validateSlice(slice), ...unchanged('addressType', slice.addressType, previous.addressType)],
  columns: [
    nameColumn,
    column('AddressType', 'Kind of the addresses.', (slice) => slice.addressType),
    column('Ports', 'Ports of the endpoints.', (slice) =>
      firstThree((slice.ports ?? []).map((port) => (port.port === undefined ? port.name || '*' : String(port.port)))),
    ),
    column('Endpoints', 'Addresses of the endpoints.', (slice) =>
      firstThree((slice.endpoints ?? []).flatMap((one) => one.addresses ?? [])),
    ),
    ageColumn,
  ],
}
