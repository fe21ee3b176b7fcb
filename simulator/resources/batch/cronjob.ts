import type { CronJob } from 'kubernetes-types/batch/v1'
import { ageColumn, column, containerColumns, nameColumn, selectorColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { age } from '../duration.ts'
import { invalid, nonNegative, notSupported, required } from '../fields.ts'
import { change, fill, fillText } from '../fill.ts'
import { maxLength } from '../names.ts'
import type { Plain } from '../plain.ts'
import { statusStrategy } from '../strategy.ts'
import { defaultJobSpec, validateJobSpec } from './job.ts'

type CronJobObject = Plain<CronJob>
const policies = ['Allow', 'Forbid', 'Replace']
/** The name of a run is the cron job's with eleven more characters, and a job's name is also a label. */
const nameLimit = 52

function validateCronJob({ metadata, spec }: CronJobObject): FieldError[] {
  const errors: FieldError[] = []
  if ((metadata?.name ?? '').length > nameLimit) errors.push(invalid('metadata.name', metadata!.name, maxLength(nameLimit)))
  if (!spec?.schedule) errors.push(required('spec.schedule'))
  else errors.push(...validateSchedule('spec.schedule', spec.schedule))
  errors.push(...nonNegative('spec.startingDeadlineSeconds', spec?.startingDeadlineSeconds))
  if (!spec?.concurrencyPolicy) errors.push(required('spec.concurrencyPolicy'))
  else if (!policies.includes(spec.concurrencyPolicy)) {
    errors.push(notSupported('spec.concurrencyPolicy', spec.concurrencyPolicy, policies))
  }
  errors.push(
    ...nonNegative('spec.successfulJobsHistoryLimit', spec?.successfulJobsHistoryLimit),
    ...nonNegative('spec.failedJobsHistoryLimit', spec?.failedJobsHistoryLimit),
    ...validateJobSpec('spec.jobTemplate.spec', spec?.jobTemplate?.spec ?? { template: {} }),
  )
  return errors
}

/** Five fields, or `@hourly` and its like; the ranges of each are the scheduler's to check when it parses. */
function validateSchedule(field: string, schedule: string): FieldError[] {
  if (/TZ/.test(schedule)) {
    return [invalid(field, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')]
  }
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/.test(schedule)) return []
  const parts = schedule.trim().split(/\s+/)
  if (parts.length !== 5) {
    const list = `[${parts.join(' ')}]`
    return [invalid(field, schedule, `expected exactly 5 fields, found ${parts.length}: ${list}`)]
  }
  const bad = parts.find((part) => !/^[\d*?/,\-A-Za-z]+$/.test(part))
  return bad
    ? [invalid(field, schedule, `failed to parse int from ${bad}: strconv.Atoi: parsing ${JSON.stringify(bad)}: invalid syntax`)]
    : []
}

export const cronjobs: ResourceDefinition<CronJobObject> = {
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  ...statusStrategy,
  status: true,
  defaults: (job) =>
    change(job, 'spec', (given) => {
      const spec = fill(fillText(given, { concurrencyPolicy: 'Allow' }), {
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
      })
      return change(spec, 'jobTemplate', (template) => change(template, 'spec', defaultTemplateSpec))
    }),
  validate: validateCronJob,
  columns: [
    nameColumn,
    column('Schedule', 'When it runs, in cron form.', ({ spec }) => spec?.schedule ?? ''),
    column('Timezone', 'Time zone of the schedule.', ({ spec }) => spec?.timeZone ?? '<none>'),
    column('Suspend', 'Whether it is paused.', ({ spec }) => (spec?.suspend ? 'True' : 'False'), 'boolean'),
    column('Active', 'Jobs that run now.', ({ status }) => status?.active?.length ?? 0, 'integer'),
    column('Last Schedule', 'When a job was last started.', ({ status }, { now }) =>
      status?.lastScheduleTime ? age(status.lastScheduleTime as string, now) : '<none>',
    ),
    ageColumn,
    ...containerColumns<CronJobObject>((job) => job.spec?.jobTemplate.spec?.template.spec?.containers),
    selectorColumn<CronJobObject>((job) => job.spec?.jobTemplate.spec?.selector),
  ],
}

/** Of a job inside a cron job only the pod template is defaulted; the rest when the job is made. */
function defaultTemplateSpec(spec: Parameters<typeof defaultJobSpec>[0]) {
  return change(spec, 'template', (template) => defaultJobSpec({ template }).template)
}
