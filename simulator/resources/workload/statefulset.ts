import type { ControllerRevision, StatefulSet } from 'kubernetes-types/apps/v1'
import type { PersistentVolumeClaim } from 'kubernetes-types/core/v1'
import { ageColumn, column, containerColumns, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, invalid, nonNegative, required, sameValue, unchanged } from '../fields.ts'
import { change, fill, fillText, mapSame, put } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { defaultPodTemplate } from '../pod/defaults.ts'
import { statusStrategy } from '../strategy.ts'
import { scaleOf, validateSelectorAndTemplate } from './template.ts'

type StatefulSetObject = Plain<StatefulSet>

/** After apps/v1 defaults.go SetDefaults_StatefulSet. */
function defaultStatefulSet(set: StatefulSetObject): StatefulSetObject {
  return change(set, 'spec', (given) => {
    let spec = fillText(fill(given, { replicas: 1, revisionHistoryLimit: 10, updateStrategy: {} }), { podManagementPolicy: 'OrderedReady' })
    spec = change(spec, 'updateStrategy', (strategy) => {
      const typed = fillText(strategy, { type: 'RollingUpdate' })
      if (typed.type !== 'RollingUpdate') return typed
      return change(fill(typed, { rollingUpdate: {} }), 'rollingUpdate', (rolling) => fill(rolling, { partition: 0 }))
    })
    spec = change(fill(spec, { persistentVolumeClaimRetentionPolicy: {} }), 'persistentVolumeClaimRetentionPolicy', (policy) =>
      fillText(policy, { whenDeleted: 'Retain', whenScaled: 'Retain' }),
    )
    spec = change(spec, 'volumeClaimTemplates', (claims) => mapSame(claims, defaultClaim))
    return put(spec, 'template', defaultPodTemplate(spec.template))
  })
}

function defaultClaim(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  const typed = fill(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', status: { phase: 'Pending' } })
  return change(typed, 'spec', (spec) => fill(spec, { volumeMode: 'Filesystem' }))
}

function validateStatefulSet(set: StatefulSetObject): FieldError[] {
  const spec: Partial<NonNullable<StatefulSet['spec']>> = set.spec ?? {}
  const errors: FieldError[] = []
  const { podManagementPolicy: management, updateStrategy: strategy } = spec
  if (management !== 'OrderedReady' && management !== 'Parallel') {
    errors.push(invalid('spec.podManagementPolicy', management, "must be 'OrderedReady' or 'Parallel'"))
  }
  if (strategy?.type === 'OnDelete') {
    if (strategy.rollingUpdate) {
      const sentence = "only allowed for updateStrategy 'RollingUpdate'"
      errors.push(invalid('spec.updateStrategy.rollingUpdate', strategy.rollingUpdate, sentence))
    }
  } else if (strategy?.type === 'RollingUpdate') {
    errors.push(...nonNegative('spec.updateStrategy.rollingUpdate.partition', strategy.rollingUpdate?.partition))
  } else {
    const value = { Type: strategy?.type ?? '', RollingUpdate: strategy?.rollingUpdate ?? null }
    errors.push(invalid('spec.updateStrategy', value, "must be 'RollingUpdate' or 'OnDelete'"))
  }
  errors.push(
    ...nonNegative('spec.replicas', spec.replicas),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validateSelectorAndTemplate(set, {
      emptySelector: 'statefulset',
      deadline: invalid(
        'spec.template.spec.activeDeadlineSeconds',
        spec.template?.spec?.activeDeadlineSeconds,
        'activeDeadlineSeconds in StatefulSet is not Supported',
      ),
      claimedVolumes: (spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata?.name ?? ''),
    }),
  )
  return errors
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const

function validateUpdate(set: StatefulSetObject, previous: StatefulSetObject): FieldError[] {
  const errors = validateStatefulSet(set)
  const fixed = Object.fromEntries(Object.entries(set.spec ?? {}).filter(([key]) => !changeable.includes(key as 'replicas')))
  const before = Object.fromEntries(Object.entries(previous.spec ?? {}).filter(([key]) => !changeable.includes(key as 'replicas')))
  if (!sameValue(fixed, before)) {
    const names = `${changeable
      .slice(0, -1)
      .map((name) => `'${name}'`)
      .join(', ')} and 'minReadySeconds'`
    errors.push(forbidden('spec', `updates to statefulset spec for fields other than ${names} are forbidden`))
  }
  return errors
}

export const statefulsets: ResourceDefinition<StatefulSetObject> = {
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  prepareForCreate: (set) => ({ ...set, status: { replicas: 0, availableReplicas: 0 } }),
  scale: scaleOf<StatefulSetObject>(),
  defaults: defaultStatefulSet,
  validate: validateStatefulSet,
  validateUpdate,
  columns: [
    nameColumn,
    column('Ready', 'Pods that are ready, of those wanted.', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    ageColumn,
    ...containerColumns<StatefulSetObject>((set) => set.spec?.template.spec?.containers),
  ],
}

export const controllerrevisions: ResourceDefinition<Plain<ControllerRevision>> = {
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  validate: (revision) => [
    ...(revision.data === undefined ? [required('data', 'data is mandatory')] : []),
    ...nonNegative('revision', revision.revision),
  ],
  validateUpdate: (revision, previous) => unchanged('data', revision.data, previous.data),
  columns: [
    nameColumn,
    column('Controller', 'Object that the revision belongs to.', (revision) => {
      const owner = revision.metadata?.ownerReferences?.find((one) => one.controller)
      if (!owner) return '<none>'
      const [group = ''] = owner.apiVersion.split('/')
      return `${owner.kind.toLowerCase()}.${group}/${owner.name}`
    }),
    column('Revision', 'Number of the revision.', (revision) => revision.revision),
    ageColumn,
  ],
}
