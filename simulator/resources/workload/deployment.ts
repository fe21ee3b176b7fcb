import type { Deployment, DeploymentStrategy } from 'kubernetes-types/apps/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, invalid, nonNegative, notSupported, unchanged } from '../fields.ts'
import { change, fill, fillText, put } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { defaultPodTemplate } from '../pod/defaults.ts'
import { statusStrategy } from '../strategy.ts'
import {
  isNone,
  noDeadline,
  notMoreThanAll,
  scaleOf,
  templateColumns,
  validateCountOrPercent,
  validateSelectorAndTemplate,
} from './template.ts'

type DeploymentObject = Plain<Deployment>

/** After apps/v1 defaults.go SetDefaults_Deployment. */
function defaultDeployment(deployment: DeploymentObject): DeploymentObject {
  return change(deployment, 'spec', (given) => {
    let spec = fill(given, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 })
    spec = change(spec, 'strategy', (strategy) => {
      const typed = fillText(strategy, { type: 'RollingUpdate' })
      if (typed.type !== 'RollingUpdate') return typed
      return change(fill(typed, { rollingUpdate: {} }), 'rollingUpdate', (rolling) =>
        fill(rolling, { maxUnavailable: '25%', maxSurge: '25%' }),
      )
    })
    return put(spec, 'template', defaultPodTemplate(spec.template))
  })
}

function validateDeployment(deployment: DeploymentObject): FieldError[] {
  const spec: Partial<NonNullable<Deployment['spec']>> = deployment.spec ?? {}
  const errors = [
    ...nonNegative('spec.replicas', spec.replicas),
    ...validateSelectorAndTemplate(deployment, { emptySelector: 'deployment', deadline: noDeadline('ReplicaSet') }),
    ...validateStrategy(spec.strategy ?? {}),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...nonNegative('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds),
  ]
  const deadline = spec.progressDeadlineSeconds
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)) {
    errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
  }
  return errors
}

function validateStrategy({ type, rollingUpdate }: DeploymentStrategy): FieldError[] {
  const field = 'spec.strategy'
  if (type === 'Recreate') {
    return rollingUpdate ? [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")] : []
  }
  if (type !== 'RollingUpdate') {
    // Printed from the internal type, hence Go's field names.
    return [notSupported(field, { Type: type, RollingUpdate: rollingUpdate ?? null }, ['Recreate', 'RollingUpdate'])]
  }
  const { maxUnavailable, maxSurge } = rollingUpdate ?? {}
  const at = `${field}.rollingUpdate`
  const errors = [...validateCountOrPercent(`${at}.maxUnavailable`, maxUnavailable), ...validateCountOrPercent(`${at}.maxSurge`, maxSurge)]
  if (isNone(maxUnavailable) && isNone(maxSurge)) {
    errors.push(invalid(`${at}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'))
  }
  return [...errors, ...notMoreThanAll(`${at}.maxUnavailable`, maxUnavailable)]
}

export const deployments: ResourceDefinition<DeploymentObject> = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  scale: scaleOf<DeploymentObject>(),
  defaults: defaultDeployment,
  validate: validateDeployment,
  validateUpdate: (deployment, previous) => [
    ...validateDeployment(deployment),
    ...unchanged('spec.selector', deployment.spec?.selector, previous.spec?.selector),
  ],
  columns: [
    nameColumn,
    column('Ready', 'Pods that are ready, of those wanted.', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    column('Up-to-date', 'Pods of the newest template.', ({ status }) => status?.updatedReplicas ?? 0),
    column('Available', 'Pods that have been ready for minReadySeconds.', ({ status }) => status?.availableReplicas ?? 0),
    ageColumn,
    ...templateColumns<DeploymentObject>(),
  ],
}
