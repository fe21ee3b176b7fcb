import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid } from '../fields.ts'
import type { Plain } from '../plain.ts'
import { validateSelector } from '../selectors.ts'
import { statusStrategy } from '../strategy.ts'
import { notMoreThanAll, validateCountOrPercent } from '../workload/template.ts'

function validateBudget({ spec = {} }: Plain<PodDisruptionBudget>): FieldError[] {
  const errors: FieldError[] = []
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'))
  }
  for (const key of ['minAvailable', 'maxUnavailable'] as const) {
    errors.push(...validateCountOrPercent(`spec.${key}`, spec[key]), ...notMoreThanAll(`spec.${key}`, spec[key]))
  }
  return [...errors, ...validateSelector('spec.selector', spec.selector)]
}

export const poddisruptionbudgets: ResourceDefinition<Plain<PodDisruptionBudget>> = {
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  prepareForCreate: (budget) => ({
    ...budget,
    status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
  }),
  validate: validateBudget,
  columns: [
    nameColumn,
    column('Min Available', 'Pods that must stay available.', ({ spec }) => String(spec?.minAvailable ?? 'N/A')),
    column('Max Unavailable', 'Pods that may be unavailable.', ({ spec }) => String(spec?.maxUnavailable ?? 'N/A')),
    column('Allowed Disruptions', 'Pods that may be evicted now.', ({ status }) => status?.disruptionsAllowed ?? 0, 'integer'),
    ageColumn,
  ],
}
