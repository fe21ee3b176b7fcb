import type { Event, ObjectReference } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../apiserver/api.ts'
import type { Clock } from '../clock.ts'
import { type KubeObject, timestamp } from '../kubernetes.ts'
import { type Correlated, correlate, type EventMemory } from './correlator.ts'

/** Writes Kubernetes Events for one component, as client-go's recorder and correlator do. */
export interface EventRecorder {
  record(about: KubeObject | ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void
  /** The object is gone: what was said of it is forgotten. */
  forget(uid: string): void
}

export interface EventSource {
  readonly component: string
  /** The node of a kubelet. */
  readonly host?: string
}

export type EventObject = Event & KubeObject

/**
 * `source` is what stands under From in `kubectl describe`; `memory` is kept by whoever is snapshotted; `rejected` is told of what the server
 * did not take.
 */
export function eventRecorder(
  api: Api,
  clock: Clock,
  source: EventSource,
  memory: EventMemory,
  rejected?: (error: StatusError, event: EventObject) => void,
): EventRecorder {
  return {
    record(about, type, reason, message) {
      const involved = isObject(about) ? referenceTo(about) : about
      const now = clock.now()
      const correlated = correlate(memory, { uid: involved.uid ?? '', type, reason, message, fieldPath: involved.fieldPath }, now)
      if (!correlated) return
      try {
        write(involved, type, reason, correlated, now)
      } catch (error) {
        // As client-go: an event that the server rejects (its namespace is going away) is dropped.
        if (!(error instanceof StatusError)) throw error
      }
    },
    forget(uid) {
      delete memory[uid]
    },
  }

  function write(involved: ObjectReference, type: string, reason: string, correlated: Correlated, now: number): void {
    const { message, name, count, firstAt, named } = correlated
    const namespace = involved.namespace || 'default'
    if (name) {
      try {
        api.patch<EventObject>('events', namespace, name, { count, lastTimestamp: timestamp(now), message }, { type: 'merge' })
        return
      } catch (error) {
        // Expired or deleted: written anew, with what was counted.
        if (!(error instanceof StatusError) || error.reason !== 'NotFound') throw error
      }
    }
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: involved,
      reason,
      message,
      source,
      firstTimestamp: timestamp(firstAt),
      lastTimestamp: timestamp(now),
      count,
      type,
      eventTime: null,
      reportingComponent: source.component,
      reportingInstance: source.host ?? '',
    }
    const about = involved.name ?? 'unknown'
    try {
      const created = createNamed(api, namespace, about, now, named, event as unknown as EventObject)
      correlated.written(created.name, created.named)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      const ending = error.status.details?.causes?.some(({ reason: why }) => why === 'NamespaceTerminating')
      if (!ending) rejected?.(error, { ...(event as unknown as EventObject), metadata: { name: eventName(about, now, named), namespace } })
      throw error
    }
  }
}

/**
 * `web-1.18a9f3…`: the object's name and the time in nanoseconds as hex, moved on where several fall into one moment: beyond the `named` that
 * this recorder gave itself, and what it finds taken by another.
 */
function createNamed(
  api: Api,
  namespace: string,
  about: string,
  now: number,
  named: number,
  event: EventObject,
): { readonly name: string; readonly named: number } {
  for (let next = named; ; next++) {
    const name = eventName(about, now, next)
    try {
      api.create<EventObject>('events', { ...event, metadata: { name, namespace } })
      return { name, named: next + 1 }
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error
    }
  }
}

function eventName(about: string, now: number, moved: number): string {
  return `${about}.${(BigInt(Math.floor(now)) * 1_000_000n + BigInt(moved)).toString(16)}`
}

function isObject(about: KubeObject | ObjectReference): about is KubeObject {
  return 'metadata' in about
}

function referenceTo(object: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata ?? {}
  return JSON.parse(JSON.stringify({ kind: object.kind, namespace, name, uid, apiVersion: object.apiVersion, resourceVersion }))
}
