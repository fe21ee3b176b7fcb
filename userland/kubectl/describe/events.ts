import type { Event } from 'kubernetes-types/core/v1'
import { StatusFailure } from '../cli/failure.ts'
import type { Call } from '../cli/verb.ts'
import type { Info } from '../objects/targets.ts'
import { ageOf } from '../print/age.ts'
import type { Page } from './page.ts'

/** The events about an object. A node's kubelet names it by its name for a uid, a static pod's by the hash of its file. */
export async function eventsOf(call: Call, info: Info): Promise<Event[]> {
  const { uid = '', annotations } = info.object.metadata ?? {}
  const mirrored = info.type.kind === 'Pod' ? annotations?.['kubernetes.io/config.mirror'] : undefined
  const found = await search(call, info, mirrored ?? uid)
  return info.type.kind === 'Node' ? [...found, ...(await search(call, info, info.name))] : found
}

/** As client-go's `Search`; kubectl takes events that it may not see for none. */
async function search(call: Call, info: Info, uid: string): Promise<Event[]> {
  const selector = {
    'involvedObject.name': info.name,
    'involvedObject.namespace': info.namespace ?? '',
    'involvedObject.kind': info.type.kind,
    'involvedObject.uid': uid,
  }
  const fieldSelector = Object.entries(selector)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  const path = info.namespace ? `/api/v1/namespaces/${info.namespace}/events` : '/api/v1/events'
  try {
    return (await call.client().json('GET', path, { query: { fieldSelector, limit: 500 } })).items ?? []
  } catch (error) {
    if (error instanceof StatusFailure) return []
    throw error
  }
}

export const eventMoment = (event: Event): string | undefined =>
  event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp

/** `2s`, or `2s (x3 over 40s)` for what happened several times. */
export function eventAge(event: Event, now: number): string {
  const first = ageOf(event.eventTime ?? event.firstTimestamp, now)
  if (event.series) return `${ageOf(event.series.lastObservedTime, now)} (x${event.series.count} over ${first})`
  return (event.count ?? 0) > 1 ? `${ageOf(event.lastTimestamp, now)} (x${event.count} over ${first})` : first
}

export function eventsBlock(page: Page, events: readonly Event[], now: number): void {
  if (events.length === 0) return page.write(0, 'Events:\t<none>\n')
  page.flush()
  const moments = new Map(events.map((event) => [event, Date.parse(eventMoment(event) ?? '') || 0]))
  const sorted = [...events].sort((a, b) => (moments.get(a) as number) - (moments.get(b) as number))
  page.write(0, 'Events:\n  Type\tReason\tAge\tFrom\tMessage\n')
  page.write(1, '----\t------\t----\t----\t-------\n')
  for (const event of sorted) {
    const from = event.source?.component || event.reportingComponent || ''
    page.write(
      1,
      `${event.type ?? ''}\t${event.reason ?? ''}\t${eventAge(event, now)}\t${from}\t${(event.involvedObject.fieldPath ? `${event.involvedObject.fieldPath}: ` : '') + (event.message ?? '').trim()}\n`,
    )
  }
}
