import type { Event } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from './apiserver/api.ts'
import type { Clock } from './clock.ts'
import { type KubeObject, timestamp } from './kubernetes.ts'

/** Writes Kubernetes Events for one component, as client-go's recorder does: the same event again raises its count. */
export interface EventRecorder {
  record(regarding: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void
}

/** `component` is what stands under From in `kubectl describe`. */
export function eventRecorder(api: Api, clock: Clock, component: string): EventRecorder {
  /** The name of each event that this component wrote, by all that makes one the same. Read once, then kept. */
  let known: Map<string, { namespace: string; name: string }> | undefined
  let readAgainAt = 0

  return {
    record(...event) {
      try {
        write(...event)
      } catch (error) {
        // As client-go: an event that the server rejects (its namespace is going away) is dropped.
        if (!(error instanceof StatusError)) throw error
      }
    },
  }

  function write(...[regarding, type, reason, message, fieldPath]: Parameters<EventRecorder['record']>): void {
    const { namespace, name, uid, resourceVersion } = regarding.metadata ?? {}
    const home = namespace ?? 'default'
    if (!api.find('namespaces', undefined, home)) return
    const now = clock.now()
    const seconds = timestamp(now)
    const key = keyOf(home, uid, type, reason, message, fieldPath)
    if (!known || known.size > readAgainAt) {
      known = written()
      readAgainAt = 2 * known.size + slack
    }
    const before = known.get(key)
    const same = before && api.find<Event & KubeObject>('events', before.namespace, before.name)
    if (same) {
      api.update<Event & KubeObject>('events', { ...same, count: (same.count ?? 1) + 1, lastTimestamp: seconds })
      return
    }
    const created = api.create<Event & KubeObject>('events', {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: home, name: uniqueName(api, home, name ?? 'unknown', now) },
      involvedObject: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name,
        namespace,
        uid,
        resourceVersion,
        fieldPath,
      },
      reason,
      message,
      source: { component },
      type,
      count: 1,
      firstTimestamp: seconds,
      lastTimestamp: seconds,
      reportingComponent: component,
      reportingInstance: '',
    })
    known.set(key, { namespace: home, name: created.metadata?.name ?? '' })
  }

  function written(): NonNullable<typeof known> {
    const names: NonNullable<typeof known> = new Map()
    for (const { metadata, source, involvedObject, type = '', reason = '', message = '' } of api.list<Event & KubeObject>('events')) {
      if (source?.component !== component) continue
      const [namespace, name] = [metadata?.namespace ?? '', metadata?.name ?? '']
      names.set(keyOf(namespace, involvedObject.uid, type, reason, message, involvedObject.fieldPath), { namespace, name })
    }
    return names
  }
}

/** How many names of events that are gone may pile up before all are read again. */
const slack = 1000

function keyOf(namespace: string, uid: string | undefined, type: string, reason: string, message: string, fieldPath = ''): string {
  return `${namespace}\n${uid ?? ''}\n${fieldPath}\n${type}\n${reason}\n${message}`
}

/** `web-1.18a9f3…`: the object's name and the time in nanoseconds as hex, moved on where two fall into one moment. */
function uniqueName(api: Api, namespace: string, name: string, now: number): string {
  for (let nanoseconds = BigInt(Math.floor(now)) * 1_000_000n; ; nanoseconds++) {
    const candidate = `${name}.${nanoseconds.toString(16)}`
    if (!api.find('events', namespace, candidate)) return candidate
  }
}
