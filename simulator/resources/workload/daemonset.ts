import type { DaemonSet } from 'kubernetes-types/apps/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid, nonNegative, notSupported, required, unchanged } from '../fields.ts'
import { change, fill, fillText, put } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { defaultPodTemplate } from '../pod/defaults.ts'
import { formatLabels } from '../selectors.ts'
import { statusStrategy } from '../strategy.ts'
import { isNone, noDeadline, notMoreThanAll, templateColumns, validateCountOrPercent, validateSelectorAndTemplate } from './template.ts'

type DaemonSetObject = Plain<DaemonSet>

/** After apps/v1 defaults.go SetDefaults_DaemonSet. */
function defaultDaemonSet(set: DaemonSetObject): DaemonSetObject {
  return change(set, 'spec', (given) => {
    const spec = change(fill(given, { updateStrategy: {}, revisionHistoryLimit: 10 }), 'updateStrategy', (strategy) => {
      const typed = fillText(strategy, { type: 'RollingUpdate' })
      if (typed.type !== 'RollingUpdate') return typed
      return change(fill(typed, { rollingUpdate: {} }), 'rollingUpdate', (rolling) => fill(rolling, { maxUnavailable: 1, maxSurge: 0 }))
    })
    return put(spec, 'template', defaultPodTemplate(spec.template))
  })
}

function validateDaemonSet(set: DaemonSetObject): FieldError[] {
  return [
    ...validateSelectorAndTemplate(set, { emptySelector: 'daemonset', deadline: noDeadline('DaemonSet') }),
    ...nonNegative('spec.minReadySeconds', set.spec?.minReadySeconds),
    ...validateStrategy(set),
    ...nonNegative('spec.revisionHistoryLimit', set.spec?.revisionHistoryLimit),
  ]
}

function validateStrategy(set: DaemonSetObject): FieldError[] {
  const field = 'spec.updateStrategy'
  const { type, rollingUpdate = {} } = set.spec?.updateStrategy ?? {}
  if (type === 'OnDelete') return []
  if (type !== 'RollingUpdate') return [notSupported(`${field}.type`, type ?? '', ['RollingUpdate', 'OnDelete'])]
  const { maxUnavailable, maxSurge } = rollingUpdate
  const at = `${field}.rollingUpdate`
  const errors = [
    ...validateCountOrPercent(`${at}.maxUnavailable`, maxUnavailable),
    ...validateCountOrPercent(`${at}.maxSurge`, maxSurge),
    ...notMoreThanAll(`${at}.maxUnavailable`, maxUnavailable),
    ...notMoreThanAll(`${at}.maxSurge`, maxSurge),
  ]
  if (!isNone(maxUnavailable) && !isNone(maxSurge)) {
    errors.push(invalid(`${at}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'))
  } else if (isNone(maxUnavailable) && isNone(maxSurge)) {
    errors.push(required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  }
  return errors
}

const count = (name: string, description: string, value: (status: Partial<NonNullable<DaemonSet['status']>>) => number | undefined) =>
  column<DaemonSetObject>(name, description, (set) => value(set.status ?? {}) ?? 0, 'integer')

export const daemonsets: ResourceDefinition<DaemonSetObject> = {
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  prepareForCreate: (set) => ({
    ...set,
    status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  }),
  defaults: defaultDaemonSet,
  validate: validateDaemonSet,
  validateUpdate: (set, previous) => [
    ...validateDaemonSet(set),
    ...unchanged('spec.selector', set.spec?.selector, previous.spec?.selector),
  ],
  columns: [
    nameColumn,
    count('Desired', 'Nodes that should run the pod.', (status) => status.desiredNumberScheduled),
    count('Current', 'Nodes that run the pod and should.', (status) => status.currentNumberScheduled),
    count('Ready', 'Nodes whose pod is ready.', (status) => status.numberReady),
    count('Up-to-date', 'Nodes whose pod is of the newest template.', (status) => status.updatedNumberScheduled),
    count('Available', 'Nodes whose pod has been ready for minReadySeconds.', (status) => status.numberAvailable),
    column('Node Selector', 'Labels of the nodes that are meant.', (set) => formatLabels(set.spec?.template.spec?.nodeSelector)),
    ageColumn,
    ...templateColumns<DaemonSetObject>(),
  ],
}
