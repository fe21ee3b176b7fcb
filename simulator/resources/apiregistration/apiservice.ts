import type { KubeObject } from '../../kubernetes.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid, required } from '../fields.ts'
import { change, fill } from '../fill.ts'
import { statusStrategy } from '../strategy.ts'

interface APIServiceSpec {
  group?: string
  version?: string
  groupPriorityMinimum?: number
  versionPriority?: number
  insecureSkipTLSVerify?: boolean
  caBundle?: string
  /** Absent: this API server serves the group itself. */
  service?: { namespace?: string; name?: string; port?: number }
}

export interface APIServiceCondition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  lastTransitionTime?: string
  reason?: string
  message?: string
}

/** apiregistration.k8s.io/v1. */
export interface APIServiceObject extends KubeObject {
  spec?: APIServiceSpec
  status?: { conditions?: APIServiceCondition[] }
}

/** After kube-aggregator's validation.go: the name says what is served. */
function validateService({ metadata, spec = {} }: APIServiceObject): FieldError[] {
  const errors: FieldError[] = []
  const name = `${spec.version ?? ''}.${spec.group ?? ''}`
  if (metadata?.name !== name)
    errors.push(invalid('metadata.name', metadata?.name ?? '', `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`))
  if (!spec.version) errors.push(required('spec.version'))
  const priorities = [
    ['groupPriorityMinimum', 20_000],
    ['versionPriority', 1000],
  ] as const
  for (const [field, most] of priorities) {
    const value = spec[field] ?? 0
    if (value <= 0 || value > most) errors.push(invalid(`spec.${field}`, value, `must be positive and less than ${most}`))
  }
  if (!spec.service) {
    if (spec.caBundle) errors.push(invalid('spec.caBundle', `${spec.caBundle.length} bytes`, 'local APIServices may not have a caBundle'))
    if (spec.insecureSkipTLSVerify)
      errors.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'))
    return errors
  }
  if (!spec.service.namespace) errors.push(required('spec.service.namespace'))
  if (!spec.service.name) errors.push(required('spec.service.name'))
  if (spec.insecureSkipTLSVerify && spec.caBundle) {
    errors.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'))
  }
  return errors
}

function available({ status }: APIServiceObject): string {
  const condition = status?.conditions?.find(({ type }) => type === 'Available')
  if (!condition) return 'Unknown'
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`
}

export const apiservices: ResourceDefinition<APIServiceObject> = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  singular: 'apiservice',
  categories: ['api-extensions'],
  namespaced: false,
  ...statusStrategy,
  // One that leads to no other server is always there (strategy.go).
  prepareForCreate: (service) => ({
    ...service,
    status: service.spec?.service ? {} : { conditions: [localCondition(service.metadata?.creationTimestamp as string | undefined)] },
  }),
  defaults: (service) =>
    change(service, 'spec', (spec: APIServiceSpec) => (spec.service ? { ...spec, service: fill(spec.service, { port: 443 }) } : spec)),
  validate: validateService,
  validateUpdate: validateService,
  columns: [
    nameColumn,
    column('Service', 'Who serves it.', ({ spec }) => (spec?.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local')),
    column('Available', 'Whether it can be reached.', available),
    ageColumn,
  ],
}

function localCondition(now: string | undefined): APIServiceCondition {
  return {
    type: 'Available',
    status: 'True',
    ...(now ? { lastTransitionTime: now } : {}),
    reason: 'Local',
    message: 'Local APIServices are always available',
  }
}
