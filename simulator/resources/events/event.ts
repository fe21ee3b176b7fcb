import type { Event } from 'kubernetes-types/core/v1'
import { column, wide } from '../columns.ts'
import type { Column, FieldError, ResourceDefinition } from '../definition.ts'
import { age } from '../duration.ts'
import { invalid } from '../fields.ts'
import type { Plain } from '../plain.ts'

type EventObject = Plain<Event>

function firstSeen(event: EventObject, now: number): string {
  return age((event.firstTimestamp ?? event.eventTime) as string | undefined, now)
}

function lastSeen(event: EventObject, now: number): string {
  if (event.series) return age(event.series.lastObservedTime as string | undefined, now)
  return event.lastTimestamp ? age(event.lastTimestamp as string, now) : firstSeen(event, now)
}

function target({ involvedObject }: EventObject): string {
  const kind = (involvedObject?.kind ?? '').toLowerCase()
  return involvedObject?.name ? `${kind}/${involvedObject.name}` : kind
}

function source(event: EventObject): string {
  const { component, host } = event.source ?? {}
  const parts = [component || event.reportingComponent || '', host || (component ? '' : (event.reportingInstance ?? ''))]
  return parts.filter(Boolean).join(', ')
}

const columns: readonly Column<EventObject>[] = [
  column('Last Seen', 'When it last happened.', (event, { now }) => lastSeen(event, now)),
  column('Type', 'Normal or Warning.', (event) => event.type ?? ''),
  column('Reason', 'Why, in one word for machines.', (event) => event.reason ?? ''),
  column('Object', 'What it happened to.', target),
  wide('Subobject', 'The part that it happened to.', (event) => event.involvedObject?.fieldPath ?? ''),
  wide('Source', 'Who reported it.', source),
  column('Message', 'What happened, for people.', (event) => (event.message ?? '').trim()),
  wide('First Seen', 'When it first happened.', (event, { now }) => firstSeen(event, now)),
  wide('Count', 'How often it happened.', (event) => event.series?.count ?? (event.count || 1)),
  { ...wide<EventObject>('Name', 'Name of the event.', (event) => event.metadata?.name ?? ''), format: 'name' },
]

function validateEvent(event: EventObject): FieldError[] {
  const about = event.involvedObject?.namespace ?? ''
  const namespace = event.metadata?.namespace ?? ''
  // Events about cluster-scoped objects live in the default namespace.
  if (about ? about !== namespace : namespace !== 'default' && namespace !== 'kube-system') {
    return [invalid('involvedObject.namespace', about, 'does not match event.namespace')]
  }
  return []
}

export const events: ResourceDefinition<EventObject> = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  validate: validateEvent,
  selectableFields: (event) => ({
    'involvedObject.kind': event.involvedObject?.kind ?? '',
    'involvedObject.namespace': event.involvedObject?.namespace ?? '',
    'involvedObject.name': event.involvedObject?.name ?? '',
    'involvedObject.uid': event.involvedObject?.uid ?? '',
    'involvedObject.apiVersion': event.involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': event.involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': event.involvedObject?.fieldPath ?? '',
    reason: event.reason ?? '',
    reportingComponent: event.reportingComponent ?? '',
    source: event.source?.component || (event.reportingComponent ?? ''),
    type: event.type ?? '',
  }),
  columns,
}
