import type { Service } from 'kubernetes-types/core/v1'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalidEach } from '../fields.ts'
import { isDns1123Subdomain } from '../names.ts'
import type { Plain } from '../plain.ts'
import { allocate, validateAllocation } from './allocation.ts'
import { serviceColumns } from './columns.ts'
import { defaultFamilies, defaultService, dropForeignFields, keepAllocated, normalizeAddresses } from './defaults.ts'
import { serviceWarnings, validateService, validateServiceUpdate } from './validation.ts'

/** The allocators are asked only about a service that is valid otherwise, as upstream does. */
function withAllocation(errors: FieldError[], allocation: () => FieldError[]): FieldError[] {
  return errors.length ? errors : allocation()
}

export const services: ResourceDefinition<Plain<Service>> = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  status: true,
  connects: [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  // Defaults come first here: what is allocated depends on the type and the traffic policy.
  prepareForCreate: (service, context) => ({
    ...allocate(defaultFamilies(normalizeAddresses(defaultService(service), undefined), context), context),
    status: { loadBalancer: {} },
  }),
  prepareForUpdate(service, previous, context) {
    const normal = normalizeAddresses(defaultService(service), previous)
    const settled = dropForeignFields(keepAllocated(normal, previous), previous)
    return { ...allocate(defaultFamilies(settled, context), context), status: previous.status }
  },
  prepareForStatusUpdate: (service, previous) => ({
    ...service,
    spec: previous.spec,
    status: {
      ...service.status,
      loadBalancer: {
        ...service.status?.loadBalancer,
        ...(service.status?.loadBalancer?.ingress && {
          ingress: service.status.loadBalancer.ingress.map((one) => (one.ip && !one.ipMode ? { ...one, ipMode: 'VIP' } : one)),
        }),
      },
    },
  }),
  defaults: defaultService,
  validate: (service, context) => withAllocation(validateService(service), () => validateAllocation(service, undefined, context)),
  validateUpdate: (service, previous, context) =>
    withAllocation(validateServiceUpdate(service, previous), () => validateAllocation(service, previous, context)),
  validateStatusUpdate: (service) =>
    (service.status?.loadBalancer?.ingress ?? []).flatMap(({ hostname }, index) =>
      hostname ? invalidEach(`status.loadBalancer.ingress[${index}].hostname`, hostname, isDns1123Subdomain(hostname)) : [],
    ),
  warnings: serviceWarnings,
  selectableFields: (service) => ({ 'spec.clusterIP': service.spec?.clusterIP ?? '', 'spec.type': service.spec?.type ?? '' }),
  columns: serviceColumns,
}
