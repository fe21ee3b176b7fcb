import { type Api, type ListOptions, StatusError, type WatchEvent } from '../apiserver/api.ts'
import { labelPredicate } from '../apiserver/selectors.ts'
import type { KubeObject, ResourceName } from '../kubernetes.ts'
import type { DaemonContext } from './process.ts'

/** One kind that a program follows. */
export interface Followed {
  readonly resource: ResourceName
  /** As Go names it, `*v1.Service`. */
  readonly type: string
}

/** What the informers of a program must not forget: plain data, by resource. */
export type InformerMemory = Record<ResourceName, { listed?: boolean; failures?: number; stale?: readonly KubeObject[] }>

/** A request that failed: `what` of the type, with the message that the client library would wrap. */
export interface InformerFailure extends Followed {
  readonly what: 'list' | 'watch'
  readonly message: string
  /** The API server's answer; absent where nothing reached it. */
  readonly error?: StatusError
}

/** What the program knows of the cluster. Reading costs no right, and goes on when there is none any more. */
export type InformerCache = Pick<Api, 'list' | 'find'>

export interface Informers {
  readonly cache: InformerCache
  /** Every kind was listed once. */
  readonly synced: boolean
  /** Changes, also those found after an interruption. Before `start`; the objects of the first list are not told. */
  onChange<T extends KubeObject>(resource: ResourceName, handler: (event: WatchEvent<T>) => void): void
  start(): void
}

/** client-go's reflector: 800 ms doubling to 30 s, and up to as much again. */
const firstRetryMs = 800
const longestRetryMs = 30_000

/**
 * The shared informers of a program (client-go's tools/cache): list, watch, and both again with back-off when they are refused or the
 * connection breaks. What was known stays known meanwhile. After a restore of the cluster they go on without asking.
 */
export function informers(
  context: Pick<DaemonContext<unknown>, 'clock' | 'random' | 'timers' | 'connectApi' | 'env'>,
  options: {
    readonly memory: InformerMemory
    readonly followed: readonly Followed[]
    readonly server?: { readonly host: string; readonly port: number } | undefined
    failed(failure: InformerFailure): void
    /** All are listed for the first time, or known again after a restore. */
    synced(api: Api): void
    /** One kind is listed for the first time, or known again after a restore; before `synced`. */
    listed?(resource: ResourceName): void
    /** A connection stands, the first or another. */
    connected?(api: Api): void
    /** The connection itself could not be made; true where the program takes it from there. */
    unconnected?(error: Error): boolean
  },
): Informers {
  const { memory, followed } = options
  const handlers = new Map<ResourceName, (event: WatchEvent<any>) => void>()
  const timers = context.timers((key) => {
    if (key === 'connect') return connect()
    const one = followed.find(({ resource }) => resource === key)
    if (one && api) listAndWatch(one, api)
  })
  let api: Api | undefined
  let told = false
  const toldKinds = new Set<ResourceName>()
  for (const { resource } of followed) memory[resource] ??= {}
  const known = (resource: ResourceName) => (memory[resource] ??= {})

  function connect(): void {
    context.connectApi(options.server ? { server: options.server } : {}, {
      connected(connection) {
        api = connection
        options.connected?.(connection)
        for (const one of followed) {
          const { listed, stale } = known(one.resource)
          if (!listed || stale) {
            if (timers.when(one.resource) === undefined) listAndWatch(one, connection)
          } else watch(one, connection, true)
        }
        tell(connection)
      },
      error(error) {
        if (options.unconnected?.(error)) return
        for (const one of followed) options.failed({ ...one, what: 'list', message: `Get "${urlOf(one)}": ${error.message}` })
        again('connect', known(followed[0]?.resource ?? '').failures ?? 0)
        for (const { resource } of followed) known(resource).failures = (known(resource).failures ?? 0) + 1
      },
      ended() {
        const last = api
        api = undefined
        for (const { resource } of followed) {
          timers.clear(resource)
          if (last && known(resource).listed) known(resource).stale ??= last.list(resource)
        }
        again('connect', 0)
      },
    })
  }

  function listAndWatch(one: Followed, connection: Api): void {
    const { resource } = one
    const state = known(resource)
    let list: readonly KubeObject[]
    try {
      list = connection.list(resource)
    } catch (error) {
      return refused(one, 'list', error)
    }
    const before = state.stale
    try {
      watch(one, connection, false)
    } catch (error) {
      state.stale = list
      state.listed = true
      if (before) tellDifference(resource, before, list)
      tell(connection)
      return refused(one, 'watch', error)
    }
    delete state.stale
    state.listed = true
    state.failures = 0
    if (before) tellDifference(resource, before, list)
    tell(connection)
  }

  function watch(one: Followed, connection: Api, resumed: boolean): void {
    const { resource } = one
    const handler = handlers.get(resource) ?? (() => {})
    connection.watch(resource, handler, {
      resumed,
      ended(last) {
        known(resource).stale = last
        // The watch is asked for again at once; where that is refused, everything begins anew.
        try {
          watch(one, connection, false)
        } catch (error) {
          return refused(one, 'watch', error)
        }
        delete known(resource).stale
      },
    })
  }

  function refused(one: Followed, what: 'list' | 'watch', error: unknown): void {
    if (!(error instanceof StatusError)) throw error
    options.failed({ ...one, what, message: error.message, error })
    const state = known(one.resource)
    again(one.resource, state.failures ?? 0)
    state.failures = (state.failures ?? 0) + 1
  }

  function again(key: string, failures: number): void {
    const wait = Math.min(firstRetryMs * 2 ** failures, longestRetryMs)
    timers.set(key, context.clock.now() + wait + context.random.below(wait))
  }

  function tellDifference(resource: ResourceName, before: readonly KubeObject[], after: readonly KubeObject[]): void {
    const handler = handlers.get(resource)
    if (!handler) return
    const old = new Map(before.map((object) => [keyOf(object), object]))
    for (const object of after) {
      const previous = old.get(keyOf(object))
      old.delete(keyOf(object))
      if (!previous) handler({ type: 'ADDED', object })
      else if (previous.metadata?.resourceVersion !== object.metadata?.resourceVersion) handler({ type: 'MODIFIED', object, previous })
    }
    for (const object of old.values()) handler({ type: 'DELETED', object, previous: object })
  }

  function tell(connection: Api): void {
    if (told) return
    for (const { resource } of followed) {
      if (!known(resource).listed || toldKinds.has(resource)) continue
      toldKinds.add(resource)
      options.listed?.(resource)
    }
    if (!isSynced()) return
    told = true
    options.synced(connection)
  }

  const isSynced = () => followed.every(({ resource }) => known(resource).listed)

  function urlOf({ resource }: Followed): string {
    const host = options.server?.host ?? context.env['KUBERNETES_SERVICE_HOST']
    const port = options.server?.port ?? context.env['KUBERNETES_SERVICE_PORT']
    const dot = resource.indexOf('.')
    const path = dot < 0 ? `api/v1/${resource}` : `apis/${resource.slice(dot + 1)}/v1/${resource.slice(0, dot)}`
    return `https://${host}:${port}/${path}?limit=500&resourceVersion=0`
  }

  const cache: InformerCache = {
    list<T extends KubeObject>(resource: ResourceName, wanted: ListOptions = {}): readonly T[] {
      const { stale } = known(resource)
      if (!stale) return api?.list<T>(resource, wanted) ?? []
      const matches = wanted.labelSelector ? labelPredicate(wanted.labelSelector) : undefined
      const inPlace = ({ metadata }: KubeObject) => wanted.namespace === undefined || metadata?.namespace === wanted.namespace
      return stale.filter((object) => inPlace(object) && (!matches || matches(object))) as readonly KubeObject[] as readonly T[]
    },
    find<T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string): T | undefined {
      const { stale } = known(resource)
      if (!stale) return api?.find<T>(resource, namespace, name)
      return stale.find(({ metadata }) => metadata?.name === name && (metadata.namespace ?? '') === (namespace ?? '')) as T | undefined
    },
  }

  return {
    cache,
    get synced() {
      return isSynced()
    },
    onChange: (resource, handler) => void handlers.set(resource, handler),
    start: connect,
  }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name}`
}
