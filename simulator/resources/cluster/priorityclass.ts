import type { PriorityClass } from 'kubernetes-types/scheduling/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden } from '../fields.ts'
import { fillText } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { oneOf } from '../pod/spec.ts'

const highestOfUsers = 1_000_000_000

function validate(priority: Plain<PriorityClass>): FieldError[] {
  return [...valueErrors(priority), ...oneOf('preemptionPolicy', priority.preemptionPolicy, ['PreemptLowerPriority', 'Never'])]
}

function valueErrors(priority: Plain<PriorityClass>): FieldError[] {
  const name = priority.metadata?.name ?? ''
  const system: Record<string, number> = { 'system-node-critical': 2000001000, 'system-cluster-critical': 2000000000 }
  if (name.startsWith('system-')) {
    if (system[name] === priority.value) return []
    return [
      forbidden(
        'metadata.name',
        "priority class names with 'system-' prefix are reserved for system use only. error: not a known system priority class",
      ),
    ]
  }
  if (priority.value > highestOfUsers) return [forbidden('value', `maximum allowed value of a user defined priority is ${highestOfUsers}`)]
  return []
}

export const priorityclasses: ResourceDefinition<Plain<PriorityClass>> = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  shortNames: ['pc'],
  namespaced: false,
  defaults: (priority) => fillText(priority, { preemptionPolicy: 'PreemptLowerPriority' }),
  validate,
  validateUpdate: (priority, previous) => [
    ...validate(priority),
    ...(priority.value === previous.value ? [] : [forbidden('value', 'may not be changed in an update.')]),
    ...(priority.preemptionPolicy === previous.preemptionPolicy
      ? []
      : [
          {
            ...forbidden('preemptionPolicy', 'field is immutable'),
            message: `Invalid value: "${priority.preemptionPolicy}": field is immutable`,
          },
        ]),
  ],
  columns: [
    nameColumn,
    column('Value', 'The priority that pods of the class get.', (priority) => priority.value, 'integer'),
    column('Global-Default', 'Whether pods without a class get this one.', (priority) => priority.globalDefault ?? false, 'boolean'),
    ageColumn,
    column('PreemptionPolicy', 'Whether its pods may preempt others.', (priority) => priority.preemptionPolicy ?? ''),
  ],
}
