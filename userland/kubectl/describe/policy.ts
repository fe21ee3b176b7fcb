import type { LimitRange, ResourceQuota } from 'kubernetes-types/core/v1'
import type { PriorityClass } from 'kubernetes-types/scheduling/v1'
import { formatLabels } from '../print/table.ts'
import type { Describe } from './describe.ts'
import { eventsBlock } from './events.ts'
import type { Page } from './page.ts'
import { selectorText } from './page.ts'

export const describeBudget: Describe<any> = async ({ metadata = {}, spec = {}, status = {} }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  if (spec.minAvailable !== undefined) page.write(0, `Min available:\t${spec.minAvailable}\n`)
  else if (spec.maxUnavailable !== undefined) page.write(0, `Max unavailable:\t${spec.maxUnavailable}\n`)
  page.write(0, `Selector:\t${spec.selector ? selectorText(spec.selector) : '<unset>'}\n`)
  page.write(0, 'Status:\n')
  page.write(2, `Allowed disruptions:\t${status.disruptionsAllowed ?? 0}\n`)
  page.write(2, `Current:\t${status.currentHealthy ?? 0}\n`)
  page.write(2, `Desired:\t${status.desiredHealthy ?? 0}\n`)
  page.write(2, `Total:\t${status.expectedPods ?? 0}\n`)
  eventsBlock(page, await around.events(), around.now)
}

export const describePriorityClass: Describe<PriorityClass> = async (priority, page, around) => {
  page.write(0, `Name:\t${priority.metadata?.name}\n`)
  page.write(0, `Value:\t${priority.value}\n`)
  page.write(0, `GlobalDefault:\t${priority.globalDefault ?? false}\n`)
  page.write(0, `PreemptionPolicy:\t${priority.preemptionPolicy ?? ''}\n`)
  page.write(0, `Description:\t${priority.description ?? ''}\n`)
  page.write(0, `Annotations:\t${formatLabels(priority.metadata?.annotations)}\n`)
  eventsBlock(page, await around.events(), around.now)
}

export const describeLimitRange: Describe<LimitRange> = async ({ metadata = {}, spec }, page) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  page.write(0, 'Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n')
  page.write(0, '----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n')
  limitRows(page, spec?.limits ?? [], '')
}

/** A row per type and resource; sorted, where the real one takes a map's chance. */
export function limitRows(page: Page, limits: readonly any[], prefix: string): void {
  const parts = ['min', 'max', 'defaultRequest', 'default', 'maxLimitRequestRatio']
  for (const limit of limits) {
    const names = new Set(parts.flatMap((part) => Object.keys(limit[part] ?? {})))
    for (const name of [...names].sort())
      page.write(0, `${prefix}${limit.type}\t${name}\t${parts.map((part) => limit[part]?.[name] ?? '-').join('\t')}\n`)
  }
}

export const describeQuota: Describe<ResourceQuota> = async ({ metadata = {}, spec, status }, page) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  scopesBlock(page, 0, spec?.scopes, ' * ')
  page.write(0, 'Resource\tUsed\tHard\n')
  page.write(0, '--------\t----\t----\n')
  quotaRows(page, 0, status)
}

export function quotaRows(page: Page, level: number, status: any): void {
  for (const name of Object.keys(status?.hard ?? {}).sort())
    page.write(level, `${name}\t${status.used?.[name] ?? '0'}\t${status.hard[name]}\n`)
}

/** What quota scopes mean, as the description says it beneath their names. */
const scopes: Record<string, string> = {
  Terminating:
    'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
  NotTerminating:
    'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  BestEffort: 'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  NotBestEffort:
    'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
}

export function scopesBlock(page: Page, level: number, given: readonly string[] | undefined, bullet: string): void {
  if (!given || given.length === 0) return
  const sorted = [...given].sort()
  page.write(level, `Scopes:\t${sorted.join(', ')}\n`)
  for (const scope of sorted) if (scopes[scope]) page.write(level, `${bullet}${scopes[scope]}\n`)
}
