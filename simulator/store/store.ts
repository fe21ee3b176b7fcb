import type { Clock, Closer } from '../clock.ts'
import type { KubeObject, ResourceName } from '../kubernetes.ts'
import { Bucket } from './bucket.ts'
import { jsonBytes } from './size.ts'

/** One write. `object` of DELETED is the last state, stamped with the revision of the deletion, as etcd's watch gives it. */
export interface StoreEvent {
  readonly revision: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly resource: ResourceName
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
}

/** Plain data. Objects are shared with the store they came from; nothing in it may be changed. */
export interface StoreSnapshot {
  readonly revision: number
  /** Resource, then namespace (empty for cluster-scoped), then objects sorted by name. */
  readonly objects: Readonly<Record<ResourceName, Readonly<Record<string, readonly KubeObject[]>>>>
  /** What the objects take up together; counted anew where it is not there. */
  readonly bytes?: number
}

export interface StoreOptions {
  readonly clock: Clock
  /** How many writes can be watched again from the past; older ones are compacted. */
  readonly history?: number
  /** etcd's --quota-backend-bytes: what all objects may take up together. */
  readonly quotaBytes?: number
}

/** What etcd says to a write that it does not take, as gRPC carries it to the API server. */
export class StoreRefusal extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StoreRefusal'
  }
}

const defaultHistory = 2_000
/** A thousand clusters share a process, and the largest lab needs a twentieth of this (etcd's own default is 2 GiB). */
const defaultQuotaBytes = 32 * 1024 * 1024
/** etcd's --max-request-bytes, and what its gRPC client sends at most. */
const mostRequestBytes = 1.5 * 1024 * 1024
const mostSentBytes = 2 * 1024 * 1024

interface Subscriber {
  handler: (event: StoreEvent) => void
  open: boolean
}

/**
 * Revisioned objects, one counter for all, as etcd keeps them for an API server. Values are immutable and shared: a snapshot costs
 * one reference per namespace of each resource that was not written since the last one.
 * Callers decide what may be written; the store only stamps `metadata.resourceVersion`.
 */
export class Store {
  readonly #clock: Clock
  readonly #limit: number
  readonly #quota: number
  /** Of the objects, and of what is kept of the past. */
  #bytes = 0
  #pastBytes = 0
  #revision: number
  #compacted: number
  #resources = new Map<ResourceName, Map<string, Bucket>>()
  #all = new Map<ResourceName, readonly KubeObject[]>()
  #history: { readonly event: StoreEvent; readonly bytes: number }[] = []
  #subscribers = new Map<ResourceName, Set<Subscriber>>()

  constructor(options: StoreOptions, snapshot?: StoreSnapshot) {
    this.#clock = options.clock
    this.#limit = options.history ?? defaultHistory
    this.#quota = options.quotaBytes ?? defaultQuotaBytes
    this.#revision = 1
    this.#compacted = 1
    if (snapshot) this.restore(snapshot)
  }

  /** The newest revision. */
  get revision(): number {
    return this.#revision
  }

  /** The oldest revision from which `since` still answers. */
  get compacted(): number {
    return this.#compacted
  }

  get(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#resources
      .get(resource)
      ?.get(namespace ?? '')
      ?.get(name)
  }

  /** Sorted as etcd's keys are: by namespace, then name. The array is never changed afterwards. */
  list(resource: ResourceName, namespace?: string): readonly KubeObject[] {
    const spaces = this.#resources.get(resource)
    if (!spaces) return []
    if (namespace !== undefined) return spaces.get(namespace)?.list() ?? []
    const known = this.#all.get(resource)
    if (known) return known
    const sorted = [...spaces].sort(([a], [b]) => (`${a}/` < `${b}/` ? -1 : 1))
    const all = sorted.length === 1 ? sorted[0]![1].list() : sorted.flatMap(([, bucket]) => bucket.list())
    this.#all.set(resource, all)
    return all
  }

  /**
   * Writes the object under its own namespace and name and returns it as stored. Throws StoreRefusal where it is too large, or where no
   * room is left; a removal makes room at once (etcd would want to be compacted and defragmented first).
   */
  put(resource: ResourceName, object: KubeObject): KubeObject {
    const metadata = object.metadata
    if (!metadata?.name) throw new Error(`store: an object of ${resource} has no metadata.name; name it before it is written`)
    const bucket = this.#bucket(resource, metadata.namespace ?? '')
    const previous = bucket.get(metadata.name)
    const stored = stamped(object, this.#revision + 1)
    const bytes = jsonBytes(stored)
    const growth = bytes - (previous ? jsonBytes(previous) : 0)
    this.#admit(bytes, growth)
    this.#bytes += growth
    this.#revision++
    bucket.set(metadata.name, stored)
    this.#all.delete(resource)
    this.#record({ revision: this.#revision, type: previous ? 'MODIFIED' : 'ADDED', resource, object: stored, previous }, bytes)
    return stored
  }

  /** Removes it and returns its last state, or undefined where there was none. */
  remove(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined {
    const previous = this.get(resource, namespace, name)
    if (!previous) return undefined
    this.#bucket(resource, namespace ?? '').delete(name)
    this.#all.delete(resource)
    const bytes = jsonBytes(previous)
    this.#bytes -= bytes
    const object = stamped(previous, ++this.#revision)
    this.#record({ revision: this.#revision, type: 'DELETED', resource, object, previous }, bytes)
    return object
  }

  /** Later writes to `resource`, in order, each handled in a clock event of its own, never inside the write. */
  subscribe(resource: ResourceName, handler: (event: StoreEvent) => void): Closer {
    const subscriber: Subscriber = { handler, open: true }
    let set = this.#subscribers.get(resource)
    if (!set) this.#subscribers.set(resource, (set = new Set()))
    set.add(subscriber)
    return {
      close: () => {
        subscriber.open = false
        this.#subscribers.get(resource)?.delete(subscriber)
      },
    }
  }

  /** Writes to `resource` after `revision`, oldest first; undefined where they are compacted (`410 Gone`). */
  since(resource: ResourceName, revision: number): StoreEvent[] | undefined {
    if (revision < this.#compacted) return undefined
    const events: StoreEvent[] = []
    for (let i = this.#history.length - 1; i >= 0; i--) {
      const { event } = this.#history[i]!
      if (event.revision <= revision) break
      if (event.resource === resource) events.push(event)
    }
    return events.reverse()
  }

  /** The list as it was at `revision`; undefined where that is compacted or still to come. */
  listAt(resource: ResourceName, namespace: string | undefined, revision: number): readonly KubeObject[] | undefined {
    if (revision > this.#revision) return undefined
    const later = this.since(resource, revision)
    if (!later) return undefined
    if (later.length === 0) return this.list(resource, namespace)
    const objects = new Map(this.list(resource, namespace).map((object) => [keyOf(object), object]))
    for (const event of later.reverse()) {
      if (namespace !== undefined && event.object.metadata?.namespace !== namespace) continue
      const key = keyOf(event.object)
      if (event.previous) objects.set(key, event.previous)
      else objects.delete(key)
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  /** Names of the resources that hold objects. */
  resources(): ResourceName[] {
    return [...this.#resources].filter(([, spaces]) => [...spaces.values()].some((bucket) => bucket.size > 0)).map(([name]) => name)
  }

  snapshot(): StoreSnapshot {
    const objects: Record<ResourceName, Record<string, readonly KubeObject[]>> = {}
    for (const [resource, spaces] of this.#resources) {
      const lists: Record<string, readonly KubeObject[]> = {}
      for (const [namespace, bucket] of spaces) if (bucket.size > 0) lists[namespace] = bucket.list()
      objects[resource] = lists
    }
    return { revision: this.#revision, objects, bytes: this.#bytes }
  }

  /**
   * Puts the state back. Subscribers stay but are not told; the past before it is compacted. Where clients may have seen later
   * revisions (a rewind), `atLeast` bumps the counter beyond them, as `etcdutl snapshot restore --bump-revision` does.
   */
  restore(snapshot: StoreSnapshot, atLeast = 0): void {
    this.#resources = new Map()
    for (const [resource, spaces] of Object.entries(snapshot.objects)) {
      const buckets = new Map<string, Bucket>()
      for (const [namespace, list] of Object.entries(spaces)) buckets.set(namespace, new Bucket(list))
      this.#resources.set(resource, buckets)
    }
    this.#all.clear()
    this.#history = []
    this.#pastBytes = 0
    this.#bytes = snapshot.bytes ?? this.resources().reduce((sum, resource) => sum + total(this.list(resource)), 0)
    this.#revision = Math.max(snapshot.revision, atLeast)
    this.#compacted = this.#revision
  }

  /** Forgets the oldest writes, until so many at most are left and take up so many bytes at most. */
  #compact(events: number, bytes: number): void {
    let dropped = 0
    while (dropped < this.#history.length - 1 && (this.#history.length - dropped > events || this.#pastBytes > bytes)) {
      this.#pastBytes -= this.#history[dropped++]!.bytes
    }
    if (dropped > 0) this.#compacted = this.#history.splice(0, dropped).at(-1)!.event.revision
  }

  #bucket(resource: ResourceName, namespace: string): Bucket {
    let spaces = this.#resources.get(resource)
    if (!spaces) this.#resources.set(resource, (spaces = new Map()))
    let bucket = spaces.get(namespace)
    if (!bucket) spaces.set(namespace, (bucket = new Bucket([])))
    return bucket
  }

  #admit(bytes: number, growth: number): void {
    if (bytes > mostSentBytes) {
      throw new StoreRefusal(
        `rpc error: code = ResourceExhausted desc = trying to send message larger than max (${bytes} vs. ${mostSentBytes})`,
      )
    }
    if (bytes > mostRequestBytes) throw new StoreRefusal('etcdserver: request is too large')
    if (growth > 0 && this.#bytes + growth > this.#quota) throw new StoreRefusal('etcdserver: mvcc: database space exceeded')
  }

  #record(event: StoreEvent, bytes: number): void {
    this.#history.push({ event, bytes })
    this.#pastBytes += bytes
    // Dropping half at once keeps the cost per write constant.
    if (this.#history.length >= this.#limit * 2) this.#compact(this.#limit, this.#quota)
    else if (this.#pastBytes > this.#quota) this.#compact(this.#history.length, this.#quota / 2)
    const subscribers = this.#subscribers.get(event.resource)
    if (!subscribers) return
    for (const subscriber of subscribers) {
      this.#clock.soon(() => {
        if (subscriber.open) subscriber.handler(event)
      })
    }
  }
}

function keyOf(object: KubeObject): string {
  return `${object.metadata?.namespace ?? ''}/${object.metadata?.name}`
}

function total(objects: readonly KubeObject[]): number {
  return objects.reduce((sum, object) => sum + jsonBytes(object), 0)
}

function stamped(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}
