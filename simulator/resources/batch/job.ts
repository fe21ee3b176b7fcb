import type { Job, JobSpec, PodFailurePolicyRule } from 'kubernetes-types/batch/v1'
import { ageColumn, column, containerColumns, nameColumn, selectorColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { humanDuration } from '../duration.ts'
import { invalid, nonNegative, notSupported, required, unchanged } from '../fields.ts'
import { change, fill, fillText, put } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { defaultPodTemplate } from '../pod/defaults.ts'
import { validatePodTemplate } from '../pod/spec.ts'
import { matchesSelector, validateSelector } from '../selectors.ts'
import { statusStrategy } from '../strategy.ts'

type JobObject = Plain<Job>

/** After batch/v1 defaults.go SetDefaults_Job. */
export function defaultJobSpec(given: JobSpec): JobSpec {
  let spec = given
  // One pod unless only parallelism is given: then as many as it takes.
  if (spec.completions === undefined && spec.parallelism === undefined) spec = { ...spec, completions: 1, parallelism: 1 }
  spec = fill(fillText(spec, { completionMode: 'NonIndexed' }), { parallelism: 1, suspend: false, manualSelector: undefined })
  if (spec.backoffLimit === undefined) spec = { ...spec, backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : 2147483647 }
  spec = fillText(spec, { podReplacementPolicy: spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed' })
  const rules = spec.podFailurePolicy?.rules
  if (rules) {
    const conditions = (rule: PodFailurePolicyRule) =>
      rule.onPodConditions ? { ...rule, onPodConditions: rule.onPodConditions.map((one) => fillText(one, { status: 'True' })) } : rule
    spec = { ...spec, podFailurePolicy: { rules: rules.map(conditions) } }
  }
  return put(spec, 'template', defaultPodTemplate(spec.template))
}

const controllerLabel = 'batch.kubernetes.io/controller-uid'

/** Unless the selector is the client's own, the job selects its pods by its UID (registry/batch/job generateSelector). */
function withSelector(job: JobObject): JobObject {
  const uid = job.metadata?.uid
  if (!job.spec || job.spec.manualSelector || !uid) return job
  const name = job.metadata?.name ?? ''
  const labels = {
    ...job.spec.template?.metadata?.labels,
    'controller-uid': uid,
    'job-name': name,
    [controllerLabel]: uid,
    'batch.kubernetes.io/job-name': name,
  }
  const template = { ...job.spec.template, metadata: { ...job.spec.template?.metadata, labels } }
  const selector = { ...job.spec.selector, matchLabels: { ...job.spec.selector?.matchLabels, [controllerLabel]: uid } }
  return { ...job, spec: { ...job.spec, template, selector } }
}

export function validateJobSpec(at: string, spec: JobSpec): FieldError[] {
  const errors: FieldError[] = []
  const counts = [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const
  for (const key of counts) errors.push(...nonNegative(`${at}.${key}`, spec[key]))
  if (spec.completionMode === 'Indexed' && spec.completions === undefined) {
    errors.push(required(`${at}.completions`, 'when completion mode is Indexed'))
  } else if (spec.completionMode && !['NonIndexed', 'Indexed'].includes(spec.completionMode)) {
    errors.push(notSupported(`${at}.completionMode`, spec.completionMode, ['NonIndexed', 'Indexed']))
  }
  errors.push(...validatePodTemplate(`${at}.template`, spec.template))
  const policy = spec.template?.spec?.restartPolicy
  if (policy === 'Always') {
    errors.push(required(`${at}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'))
  } else if (policy !== 'OnFailure' && policy !== 'Never') {
    errors.push(notSupported(`${at}.template.spec.restartPolicy`, policy, ['OnFailure', 'Never']))
  }
  return [...errors, ...validatePolicies(at, spec)]
}

/** How large an indexed job may be (batch/validation.go). */
function validateSize(at: string, { completions = 0, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes }: JobSpec): FieldError[] {
  const [many, parallelOfMany, failedOfMany] = [100_000, 10_000, 10_000]
  const errors: FieldError[] = []
  if (parallelism > many) {
    errors.push(invalid(`${at}.parallelism`, parallelism, `must be less than or equal to ${many} when completion mode is Indexed`))
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > many) {
    errors.push(invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${many}`))
  }
  if (completions <= many || backoffLimitPerIndex === undefined) return errors
  const atMost = (limit: number) =>
    `must be less than or equal to ${limit} when completions are above ${many} and used with backoff limit per index`
  if (maxFailedIndexes === undefined) {
    errors.push(required(`${at}.maxFailedIndexes`, `must be specified when completions is above ${many}`))
  }
  if (parallelism > parallelOfMany) errors.push(invalid(`${at}.parallelism`, parallelism, atMost(parallelOfMany)))
  if (maxFailedIndexes !== undefined && maxFailedIndexes > failedOfMany) {
    errors.push(invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, atMost(failedOfMany)))
  }
  return errors
}

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']

/** What fields of the policies ask of the others (batch/validation.go). */
function validatePolicies(at: string, spec: JobSpec): FieldError[] {
  const errors: FieldError[] = []
  const indexed = spec.completionMode === 'Indexed'
  const restart = spec.template?.spec?.restartPolicy
  const { backoffLimitPerIndex: limit, maxFailedIndexes: most, podFailurePolicy, successPolicy } = spec
  if (limit !== undefined && !indexed) errors.push(invalid(`${at}.backoffLimitPerIndex`, limit, 'requires indexed completion mode'))
  if (most !== undefined && limit === undefined) errors.push(required(`${at}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  if (most !== undefined && spec.completions !== undefined && most > spec.completions) {
    errors.push(invalid(`${at}.maxFailedIndexes`, most, 'must be less than or equal to completions'))
  }
  if (indexed) errors.push(...validateSize(at, spec))
  for (const [field, given] of Object.entries({ backoffLimitPerIndex: limit, podFailurePolicy })) {
    if (given === undefined || restart === 'Never' || restart === 'Always') continue
    errors.push(invalid(`${at}.template.spec.restartPolicy`, restart ?? '', `only "Never" is supported when ${field} is specified`))
  }
  podFailurePolicy?.rules.forEach((rule, index) => {
    const where = `${at}.podFailurePolicy.rules[${index}]`
    if (!actions.includes(rule.action)) errors.push(notSupported(`${where}.action`, rule.action, actions))
    if (rule.action === 'FailIndex' && limit === undefined) {
      errors.push(invalid(`${where}.action`, rule.action, 'requires the backoffLimitPerIndex to be set'))
    }
    if (!rule.onExitCodes && !rule.onPodConditions?.length) {
      errors.push(invalid(where, rule.action, 'specifying one of OnExitCodes and OnPodConditions is required'))
    }
    if (rule.onExitCodes && !['In', 'NotIn'].includes(rule.onExitCodes.operator)) {
      errors.push(notSupported(`${where}.onExitCodes.operator`, rule.onExitCodes.operator, ['In', 'NotIn']))
    }
    if (rule.onExitCodes && rule.onExitCodes.values.length === 0) {
      errors.push(invalid(`${where}.onExitCodes.values`, [], 'at least one value is required'))
    }
  })
  if (successPolicy && !indexed) errors.push(invalid(`${at}.successPolicy`, successPolicy, 'requires indexed completion mode'))
  if (successPolicy?.rules.length === 0)
    errors.push(required(`${at}.successPolicy.rules`, 'at least one rules must be specified when the successPolicy is specified'))
  successPolicy?.rules.forEach((rule, index) => {
    if (rule.succeededCount !== undefined || rule.succeededIndexes !== undefined) return
    errors.push(required(`${at}.successPolicy.rules[${index}]`, 'at least one of succeededCount or succeededIndexes must be specified'))
  })
  return errors
}

function validateJob(job: JobObject): FieldError[] {
  const spec = job.spec ?? { template: {} }
  const errors = validateJobSpec('spec', spec)
  if (!spec.selector) errors.push(required('spec.selector'))
  else {
    errors.push(...validateSelector('spec.selector', spec.selector))
    if (!matchesSelector(spec.selector, spec.template?.metadata?.labels)) {
      const labels = spec.template?.metadata?.labels ?? null
      errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
    }
  }
  return errors
}

function completions({ spec, status }: JobObject): string {
  const done = status?.succeeded ?? 0
  if (spec?.completions !== undefined) return `${done}/${spec.completions}`
  const parallelism = spec?.parallelism ?? 0
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`
}

function state(job: JobObject): string {
  const has = (type: string) => job.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True')
  if (has('Complete')) return 'Complete'
  if (has('Failed')) return 'Failed'
  if (job.metadata?.deletionTimestamp) return 'Terminating'
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running'
}

export const jobs: ResourceDefinition<JobObject> = {
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  categories: ['all'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  orphansDependents: {
    warning:
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  },
  prepareForCreate: (job) => ({ ...withSelector(job), status: {} }),
  prepareForUpdate: (job, previous) => ({ ...job, status: previous.status }),
  defaults: (job) => change(job, 'spec', defaultJobSpec),
  validate: validateJob,
  validateUpdate(job, previous) {
    const errors = validateJob(job)
    const [now, before] = [job.spec, previous.spec]
    if (now?.completionMode !== 'Indexed') errors.push(...unchanged('spec.completions', now?.completions, before?.completions))
    return [
      ...errors,
      ...unchanged('spec.selector', now?.selector, before?.selector),
      // A suspended job that never started may still be steered elsewhere by a queue.
      ...(before?.suspend && !previous.status?.startTime ? [] : unchanged('spec.template', now?.template, before?.template)),
      ...unchanged('spec.completionMode', now?.completionMode, before?.completionMode),
    ]
  },
  selectableFields: (job) => ({ 'status.successful': String(job.status?.succeeded ?? 0) }),
  columns: [
    nameColumn,
    column('Status', 'State of the job.', state),
    column('Completions', 'Pods that succeeded, of those needed.', completions),
    column('Duration', 'Time from start to completion.', ({ status }, { now }) => {
      if (!status?.startTime) return ''
      const end = status.completionTime ? Date.parse(status.completionTime as string) : now
      return humanDuration(end - Date.parse(status.startTime as string))
    }),
    ageColumn,
    ...containerColumns<JobObject>((job) => job.spec?.template.spec?.containers),
    selectorColumn<JobObject>((job) => job.spec?.selector),
  ],
}
