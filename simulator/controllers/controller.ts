import { type Api, type ServedResource, StatusError, type WatchEvent } from '../apiserver/api.ts'
import type { Clock } from '../clock.ts'
import type { Heartbeats } from '../cluster/heartbeats.ts'
import type { EventMemory } from '../events/correlator.ts'
import { type EventRecorder, eventRecorder } from '../events/recorder.ts'
import { goEvent } from '../events/rejected.ts'
import { sameJson } from '../json.ts'
import type { KubeObject, OwnerReference, ResourceName } from '../kubernetes.ts'
import type { Random } from '../random.ts'
import { customResourceDefinitionsName } from '../resources/customresourcedefinition/definition.ts'
import { fullBucket, type Pace, type PaceMemory, requestPace } from './pace.ts'
import type { AutoscalingMemory } from './podautoscaler/stabilization.ts'

/** What a controller is given. */
export interface ControllerWorld {
  readonly api: Api
  readonly clock: Clock
  readonly random: Random
  /** Asks an API that another server serves (`/apis/metrics.k8s.io/…`); absent: there is none. `done` is called later, in an event of its own. */
  readonly remote?: (path: string, done: (answer: RemoteAnswer) => void) => void
  /** `10.244.0.0/16`: cut into one /24 per node. */
  readonly podCidr: string
  /** PEM of the cluster's certificate authority. */
  readonly rootCertificate: string
  /**
   * False after a restore: what was reconciled is in the snapshot, so watches start from now instead of from every object.
   */
  readonly fresh: boolean
  /** The kubelets' leases; absent: nobody keeps any. */
  readonly heartbeats?: Heartbeats
  /** A line of their process's log, as `klog` writes it; absent: nobody reads one. */
  readonly log?: (severity: 'I' | 'W' | 'E' | 'F', source: string, message: string) => void
  /** What control loops remember besides objects: plain data that a restore brings back, and a restart of their process loses. */
  readonly memory: ControllerMemory
}

/** The body of an answer, or why there is none, in client-go's words. */
export type RemoteAnswer = { readonly body: unknown } | { readonly problem: string }

export interface ControllerMemory {
  /** By component. */
  readonly events: Record<string, EventMemory>
  /** What the autoscaler recommended and did lately, by HorizontalPodAutoscaler. */
  readonly autoscaling: Record<string, AutoscalingMemory>
  /** How much each controller has written lately; absent until one does. */
  paces?: Record<string, PaceMemory>
}

/** `component` is what stands under From in `kubectl describe`. */
export function recorderOf(world: ControllerWorld, component: string): EventRecorder {
  return eventRecorder(world.api, world.clock, { component }, (world.memory.events[component] ??= {}), (error, event) =>
    world.log?.('E', 'event.go:359', `"Server rejected event (will not retry!)" err=${JSON.stringify(error.message)} ${goEvent(event)}`),
  )
}

/** The pace of a controller's own client. */
export function paceOf({ memory, clock }: ControllerWorld, controller: string): Pace {
  memory.paces ??= {}
  return requestPace(clock, (memory.paces[controller] ??= fullBucket(clock)))
}

/** A control loop, named as kube-controller-manager names it. */
export interface Controller {
  readonly name: string
  start(world: ControllerWorld): void
}

/** Keys waiting to be reconciled: each at most once, each in an event of its own, again later with back-off when it failed. */
export interface WorkQueue {
  add(key: string): void
  /** Reconciles `key` again at the moment `at` (ms since the epoch), unless an earlier one is set. */
  addAt(key: string, at: number): void
}

/** client-go's default item back-off: 5 ms doubling to 1,000 s. */
const firstRetryMs = 5
const longestRetryMs = 1_000_000

/** How a work queue takes refusals. */
export interface FailureHandling {
  /** A key is tried again this often and then left alone until something happens to it; absent: for ever. */
  readonly retries?: number
  /** Called at each failure that is to be tried again. */
  retrying?(key: string, error: StatusError): void
  /** Called where a key is left alone. */
  dropped?(key: string, error: StatusError): void
}

/** Most of upstream's controllers: maxRetries. */
export const usualRetries = 15

/** utilruntime.HandleError: `words` is what a controller makes of the key and the refusal. */
export function unhandled(world: ControllerWorld, source: string, words: (key: string, message: string) => string) {
  return (key: string, error: StatusError): void =>
    world.log?.('E', source, `"Unhandled Error" err=${JSON.stringify(words(key, error.message))} logger="UnhandledError"`)
}

/**
 * A work queue whose delayed keys are durable. An expected refusal (`StatusError`) retries with back-off; any other error
 * is a defect and goes to the event loop's handler.
 */
export function workQueue(name: string, clock: Clock, reconcile: (key: string) => void, failing: FailureHandling = {}): WorkQueue {
  const waiting = new Set<string>()
  const failures = new Map<string, number>()
  const timers = clock.timers(`controller/${name}`, (key) => add(key))

  function add(key: string): void {
    if (waiting.has(key)) return
    waiting.add(key)
    clock.soon(() => {
      waiting.delete(key)
      try {
        reconcile(key)
        failures.delete(key)
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        const failed = failures.get(key) ?? 0
        // What cannot be made because its namespace is going away is nobody's trouble.
        const ending = error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')
        if (failing.retries !== undefined && failed >= failing.retries) {
          failures.delete(key)
          if (!ending) failing.dropped?.(key, error)
          return
        }
        if (!ending) failing.retrying?.(key, error)
        failures.set(key, failed + 1)
        timers.set(key, clock.now() + Math.min(firstRetryMs * 2 ** failed, longestRetryMs))
      }
    })
  }

  return {
    add,
    addAt(key, at) {
      const set = timers.when(key)
      if (set === undefined || at < set) timers.set(key, at)
    },
  }
}

export function keyOf(object: KubeObject): string {
  return object.metadata?.namespace ? `${object.metadata.namespace}/${object.metadata.name}` : (object.metadata?.name ?? '')
}

/** The two halves of a namespaced key. */
export function splitKey(key: string): [namespace: string, name: string] {
  const slash = key.indexOf('/')
  return [key.slice(0, slash), key.slice(slash + 1)]
}

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((owner) => owner.controller) as OwnerReference | undefined
}

export function controllerReference(owner: KubeObject, apiVersion: string, kind: string): OwnerReference {
  return {
    apiVersion,
    kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

/**
 * Calls `found` for each resource that is served, each once, and for those of custom kinds when they come. Where a kind goes and comes
 * again, it is the same resource.
 */
export function eachResource(api: Api, found: (resource: ServedResource) => void): void {
  const known = new Set<ResourceName>()
  const look = () => {
    for (const resource of api.served()) {
      if (known.has(resource.name)) continue
      known.add(resource.name)
      found(resource)
    }
  }
  look()
  api.watch(customResourceDefinitionsName, look)
}

/** Queues the controller of every changed object of `resource`, of the given kind: before the change and after it. */
export function watchOwned(
  world: ControllerWorld,
  resource: ResourceName,
  ownerKind: string,
  queue: WorkQueue,
  also?: (event: WatchEvent) => void,
): void {
  world.api.watch(resource, (event) => {
    for (const object of [event.object, event.previous]) {
      const owner = object && controllerOf(object)
      if (owner?.kind === ownerKind) queue.add(`${event.object.metadata?.namespace}/${owner.name}`)
    }
    also?.(event)
  })
}

/** Writes the status only where it says something new. */
export function writeStatus<T extends KubeObject>(api: Api, resource: ResourceName, object: T, status: unknown): void {
  if (sameJson(object['status'], status)) return
  api.updateStatus(resource, { ...object, status })
}
