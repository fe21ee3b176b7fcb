import type { Event, ObjectReference } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../apiserver/api.ts'
import type { Clock } from '../clock.ts'
import { type KubeObject, timestamp } from '../kubernetes.ts'
import type { Random } from '../random.ts'

/** What was said already, by object UID, then by everything that makes an event the same. */
export type EventSeries = Record<string, { tokens: number; refilledAt: number; said: Record<string, { name: string; count: number }> }>

/** client-go's spam filter: 25 events of one source about one object, then one every five minutes. */
const burst = 25
const refillEvery = 300_000

export interface EventRecorder {
  /** `about` needs kind, name, namespace and uid. The same event again raises the count of the first. */
  record(about: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void
  /** The object is gone: its series is forgotten. */
  forget(uid: string): void
}

/** Events as client-go's recorder and correlator write them. */
export function eventRecorder(api: Api, clock: Clock, random: Random, node: string, series: EventSeries): EventRecorder {
  return {
    record(about, type, reason, message) {
      const now = clock.now()
      const uid = about.uid ?? ''
      series[uid] ??= { tokens: burst, refilledAt: now, said: {} }
      const spoken = series[uid]
      const refilled = Math.floor((now - spoken.refilledAt) / refillEvery)
      spoken.tokens = Math.min(burst, spoken.tokens + refilled)
      spoken.refilledAt += refilled * refillEvery
      if (spoken.tokens < 1) return
      spoken.tokens--
      const namespace = about.namespace || 'default'
      const key = `${about.fieldPath ?? ''}\n${type}\n${reason}\n${message}`
      const before = spoken.said[key]
      const time = timestamp(now)
      try {
        const known = before && api.find<KubeObject & Event>('events', namespace, before.name)
        if (before && known) {
          before.count++
          api.update('events', { ...known, count: before.count, lastTimestamp: time } as KubeObject)
          return
        }
        const name = `${about.name}.${(BigInt(now) * 1_000_000n + BigInt(random.below(1_000_000))).toString(16)}`
        spoken.said[key] = { name, count: 1 }
        api.create('events', {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name, namespace },
          involvedObject: about,
          reason,
          message,
          source: { component: 'kubelet', host: node },
          firstTimestamp: time,
          lastTimestamp: time,
          count: 1,
          type,
          eventTime: null,
          reportingComponent: 'kubelet',
          reportingInstance: node,
        } as KubeObject)
      } catch (error) {
        // As the real recorder: what the API server refuses (a namespace that is being deleted) is dropped.
        if (!(error instanceof StatusError)) throw error
      }
    },
    forget(uid) {
      delete series[uid]
    },
  }
}
