import type { ReplicationController } from 'kubernetes-types/core/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid, nonNegative, notSupported, required } from '../fields.ts'
import { change, fill, put } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { defaultPodTemplate } from '../pod/defaults.ts'
import { validatePodTemplate } from '../pod/spec.ts'
import { matchesSelector, selectorText } from '../selectors.ts'
import { statusStrategy } from '../strategy.ts'
import { validateReplicaStatus } from './replicaset.ts'
import { noDeadline, templateColumns } from './template.ts'

type ReplicationControllerObject = Plain<ReplicationController>

const isEmpty = (map: Record<string, string> | undefined) => !map || Object.keys(map).length === 0

/** Selector and labels of its own come from the template where they are not given (core/v1 SetDefaults_ReplicationController). */
function defaultReplicationController(given: ReplicationControllerObject): ReplicationControllerObject {
  const controller = change(given, 'spec', (spec) =>
    change(fill(spec, { replicas: 1 }), 'template', (template) => defaultPodTemplate(template)),
  )
  const { spec } = controller
  const labels = spec?.template?.metadata?.labels
  if (!spec || isEmpty(labels)) return controller
  const selected = isEmpty(spec.selector) ? put(controller, 'spec', put(spec, 'selector', labels)) : controller
  return isEmpty(selected.metadata?.labels) ? { ...selected, metadata: { ...selected.metadata, labels } } : selected
}

function validateReplicationController({ spec = {} }: ReplicationControllerObject): FieldError[] {
  const { selector, template } = spec
  const errors = [
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...(isEmpty(selector) ? [required('spec.selector')] : []),
    ...nonNegative('spec.replicas', spec.replicas),
  ]
  if (!template) return [...errors, required('spec.template')]
  const labels = template.metadata?.labels
  if (!isEmpty(selector) && !matchesSelector({ matchLabels: selector! }, labels)) {
    errors.push(invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'))
  }
  errors.push(...validatePodTemplate('spec.template', template))
  const policy = template.spec?.restartPolicy
  if (policy && policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']))
  if (template.spec?.activeDeadlineSeconds !== undefined) errors.push(noDeadline('ReplicationController'))
  return errors
}

export const replicationcontrollers: ResourceDefinition<ReplicationControllerObject> = {
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  scale: {
    replicas: ({ spec }) => spec?.replicas ?? 0,
    statusReplicas: ({ status }) => status?.replicas ?? 0,
    selector: ({ spec }) => selectorText({ matchLabels: spec?.selector ?? {} }),
    withReplicas: (controller, replicas) => ({ ...controller, spec: { ...controller.spec, replicas } }),
  },
  orphansDependents: {},
  defaults: defaultReplicationController,
  validate: validateReplicationController,
  validateStatusUpdate: validateReplicaStatus,
  selectableFields: ({ status }) => ({ 'status.replicas': String(status?.replicas ?? 0) }),
  columns: [
    nameColumn,
    column('Desired', 'Pods wanted.', ({ spec }) => spec?.replicas ?? 0, 'integer'),
    column('Current', 'Pods that exist.', ({ status }) => status?.replicas ?? 0, 'integer'),
    column('Ready', 'Pods that are ready.', ({ status }) => status?.readyReplicas ?? 0, 'integer'),
    ageColumn,
    ...templateColumns<ReplicationControllerObject>(({ spec }) => spec?.selector && { matchLabels: spec.selector }),
  ],
}
