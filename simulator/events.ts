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
    const same = api
      .list<Event & KubeObject>('events', { namespace: home })
      .find(
        (event) =>
          event.involvedObject.uid === uid &&
          event.reason === reason &&
          event.message === message &&
          event.type === type &&
          event.source?.component === component &&
          event.involvedObject.fieldPath === fieldPath,
      )
    if (same) {
      api.update<Event & KubeObject>('events', { ...same, count: (same.count ?? 1) + 1, lastTimestamp: seconds })
      return
    }
    api.create<Event & KubeObject>('events', {
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
  }
}

/** `web-1.18a9f3…`: the object's name and the time in nanoseconds as hex, moved on where two fall into one moment. */
function uniqueName(api: Api, namespace: string, name: string, now: number): string {
  for (let nanoseconds = BigInt(Math.floor(now)) * 1_000_000n; ; nanoseconds++) {
    const candidate = `${name}.${nanoseconds.toString(16)}`
    if (!api.find('events', namespace, candidate)) return candidate
  }
}
