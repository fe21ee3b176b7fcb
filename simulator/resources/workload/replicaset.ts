import type { ReplicaSet } from 'kubernetes-types/apps/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid, nonNegative, unchanged } from '../fields.ts'
import { change, fill } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { defaultPodTemplate } from '../pod/defaults.ts'
import { statusStrategy } from '../strategy.ts'
import { noDeadline, scaleOf, templateColumns, validateSelectorAndTemplate } from './template.ts'

type ReplicaSetObject = Plain<ReplicaSet>

function validateReplicaSet(set: ReplicaSetObject): FieldError[] {
  return [
    ...nonNegative('spec.replicas', set.spec?.replicas),
    ...nonNegative('spec.minReadySeconds', set.spec?.minReadySeconds),
    // Upstream says deployment here, too.
    ...validateSelectorAndTemplate(set, { emptySelector: 'deployment', deadline: noDeadline('ReplicaSet') }),
  ]
}

/** What the numbers of a status may not say; those of a ReplicationController obey the same. */
export function validateReplicaStatus({ status }: Pick<ReplicaSetObject, 'status'>): FieldError[] {
  const errors: FieldError[] = []
  const counts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const
  for (const key of counts) {
    const value = status?.[key] ?? 0
    if (value > (status?.replicas ?? 0)) errors.push(invalid(`status.${key}`, value, 'cannot be greater than status.replicas'))
  }
  if ((status?.availableReplicas ?? 0) > (status?.readyReplicas ?? 0)) {
    errors.push(invalid('status.availableReplicas', status!.availableReplicas, 'cannot be greater than readyReplicas'))
  }
  return errors
}

export const replicasets: ResourceDefinition<ReplicaSetObject> = {
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  scale: scaleOf<ReplicaSetObject>(),
  defaults: (set) =>
    change(set, 'spec', (spec) => change(fill(spec, { replicas: 1 }), 'template', (template) => defaultPodTemplate(template))),
  validate: validateReplicaSet,
  validateUpdate: (set, previous) => [
    ...validateReplicaSet(set),
    ...unchanged('spec.selector', set.spec?.selector, previous.spec?.selector),
  ],
  validateStatusUpdate: validateReplicaStatus,
  selectableFields: (set) => ({ 'status.replicas': String(set.status?.replicas ?? 0) }),
  columns: [
    nameColumn,
    column('Desired', 'Pods wanted.', ({ spec }) => spec?.replicas ?? 0, 'integer'),
    column('Current', 'Pods that exist.', ({ status }) => status?.replicas ?? 0, 'integer'),
    column('Ready', 'Pods that are ready.', ({ status }) => status?.readyReplicas ?? 0, 'integer'),
    ageColumn,
    ...templateColumns<ReplicaSetObject>(),
  ],
}
