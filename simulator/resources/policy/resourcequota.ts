import type { ResourceQuota } from 'kubernetes-types/core/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid, invalidEach } from '../fields.ts'
import { change, mapValues } from '../fill.ts'
import { isQualifiedName } from '../names.ts'
import type { Plain } from '../plain.ts'
import { standardResources, validateAmount } from '../pod/container.ts'
import { canonicalQuantity } from '../quantity.ts'
import { statusStrategy } from '../strategy.ts'

type QuotaObject = Plain<ResourceQuota>

const scopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'VolumeAttributesClass',
  'CrossNamespacePodAffinity',
]

function validateQuota(quota: QuotaObject): FieldError[] {
  const errors: FieldError[] = []
  for (const [name, amount] of Object.entries(quota.spec?.hard ?? {})) {
    const at = `spec.hard[${name}]`
    const sentences = isQualifiedName(name)
    errors.push(...invalidEach(at, name, sentences))
    if (!sentences.length && !name.includes('/') && !name.includes('hugepages-')) {
      if (!standardResources.has(name)) errors.push(invalid(at, name, 'must be a standard resource type or fully qualified'))
      if (!standardResources.has(name) || name === 'storage') errors.push(invalid(at, name, 'must be a standard resource for quota'))
    }
    errors.push(...validateAmount(at, amount, name))
  }
  const given = quota.spec?.scopes ?? []
  for (const scope of given) if (!scopes.includes(scope)) errors.push(invalid('spec.scopes', given, 'unsupported scope'))
  for (const [a, b] of [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ] as const) {
    if (given.includes(a) && given.includes(b)) errors.push(invalid('spec.scopes', given, 'conflicting scopes'))
  }
  return errors
}

/** `pods: 1/10, services: 2/5`: limits in one column, everything else in the other. */
function usage(quota: QuotaObject, limits: boolean): string {
  const { hard = {}, used = {} } = quota.status ?? {}
  return Object.keys(hard)
    .sort()
    .filter((name) => name.startsWith('limits') === limits)
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ')
}

export const resourcequotas: ResourceDefinition<QuotaObject> = {
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  defaults: (quota) =>
    change(quota, 'spec', (spec) => change(spec, 'hard', (hard) => mapValues(hard as Record<string, string>, canonicalQuantity))),
  validate: validateQuota,
  validateUpdate: (quota, previous) => {
    const now = [...(quota.spec?.scopes ?? [])].sort().join()
    const before = [...(previous.spec?.scopes ?? [])].sort().join()
    const errors = validateQuota(quota)
    if (now !== before) errors.push(invalid('spec.scopes', quota.spec?.scopes ?? null, 'field is immutable'))
    return errors
  },
  columns: [
    nameColumn,
    column('Request', 'What is used of everything but limits.', (quota) => usage(quota, false)),
    column('Limit', 'What is used of the limits.', (quota) => usage(quota, true)),
    ageColumn,
  ],
}
