import type { EventObject } from './recorder.ts'

/** An event as Go prints it in klog's `event="…"` (the generated String of core/v1), without the process's own clock (`m=+…`). */
export function goEvent({ metadata, involvedObject, reason, message, source, ...event }: EventObject): string {
  const about = `Kind:${involvedObject.kind ?? ''},Namespace:${involvedObject.namespace ?? ''},Name:${involvedObject.name ?? ''},UID:${involvedObject.uid ?? ''},APIVersion:${involvedObject.apiVersion ?? ''},ResourceVersion:${involvedObject.resourceVersion ?? ''},FieldPath:${involvedObject.fieldPath ?? ''},`
  const text = [
    `ObjectMeta:{${metadata.name}  ${metadata.namespace}    0 ${never} <nil> <nil> map[] map[] [] [] []}`,
    `InvolvedObject:ObjectReference{${about}}`,
    `Reason:${reason}`,
    `Message:${message}`,
    `Source:EventSource{Component:${source?.component ?? ''},Host:${source?.host ?? ''},}`,
    `FirstTimestamp:${goTime(event.firstTimestamp)}`,
    `LastTimestamp:${goTime(event.lastTimestamp)}`,
    `Count:${event.count}`,
    `Type:${event.type}`,
    `EventTime:${never}`,
    'Series:nil',
    'Action:',
    'Related:nil',
    `ReportingController:${event.reportingComponent ?? ''}`,
    `ReportingInstance:${event.reportingInstance ?? ''}`,
  ]
  return `event=${JSON.stringify(`&Event{${text.join(',')},}`)}`
}

/** Go's zero time. */
const never = '0001-01-01 00:00:00 +0000 UTC'

/** `2026-01-01T00:00:00Z` as `2026-01-01 00:00:00 +0000 UTC`. */
function goTime(time: string | undefined): string {
  return time ? `${time.slice(0, 10)} ${time.slice(11, 19)} +0000 UTC` : never
}
