import { type Api, StatusError, type WatchEvent } from '../../apiserver/api.ts'
import type { Clock } from '../../clock.ts'
import type { KubeObject } from '../../kubernetes.ts'
import type { Random } from '../../random.ts'

interface Watch {
  resource: string
  handler: (event: WatchEvent<any>) => void
  namespace?: string
  field?: [string, string]
}

/** Objects in a map with the little that the kubelet relies on: versions, watches in events of their own, graceful deletion of pods. */
export function fakeApi(clock: Clock, random: Random): Api & { writes: Record<string, number> } {
  const objects = new Map<string, KubeObject>()
  const watches = new Set<Watch>()
  const writes: Record<string, number> = {}
  let version = 0
  const key = (resource: string, namespace: string | undefined, name: string) => `${resource}/${namespace ?? ''}/${name}`
  const refuse = (reason: string, code: number, message: string) => new StatusError({ status: 'Failure', reason, code, message })
  const matches = (watch: Watch, object: KubeObject) =>
    (!watch.namespace || object.metadata?.namespace === watch.namespace) &&
    (watch.field?.[0] !== 'spec.nodeName' || (object as any).spec?.nodeName === watch.field?.[1])
  const tell = (resource: string, event: WatchEvent) => {
    for (const watch of watches) {
      if (watch.resource === resource && matches(watch, event.object)) clock.soon(() => watches.has(watch) && watch.handler(event))
    }
  }
  const put = (resource: string, object: KubeObject): any => {
    const id = key(resource, object.metadata?.namespace, object.metadata?.name ?? '')
    const previous = objects.get(id)
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } }
    objects.set(id, stored)
    tell(resource, previous ? { type: 'MODIFIED', object: stored, previous } : { type: 'ADDED', object: stored })
    return stored
  }
  const find = (resource: string, namespace: string | undefined, name: string): any => objects.get(key(resource, namespace, name))
  const need = (resource: string, namespace: string | undefined, name: string): any => {
    const found = find(resource, namespace, name)
    if (!found) throw refuse('NotFound', 404, `${resource} "${name}" not found`)
    return found
  }
  const count = (verb: string, resource: string) => {
    writes[`${verb} ${resource}`] = (writes[`${verb} ${resource}`] ?? 0) + 1
  }
  const api: Api & { writes: Record<string, number> } = {
    writes,
    get: need,
    find,
    list: (resource, options) =>
      [...objects.entries()]
        .filter(([id]) => id.startsWith(`${resource}/`))
        .map(([, object]) => object as any)
        .filter((object) => !options?.namespace || object.metadata.namespace === options.namespace)
        .filter(
          (object) => !options?.fieldSelector?.startsWith('spec.nodeName=') || object.spec?.nodeName === options.fieldSelector.slice(14),
        ),
    create(resource, object) {
      count('create', resource)
      const { name = '', namespace } = object.metadata ?? {}
      if (find(resource, namespace, name)) throw refuse('AlreadyExists', 409, `${resource} "${name}" already exists`)
      return put(resource, { ...object, metadata: { ...object.metadata, uid: random.uuid() } })
    },
    update(resource, object) {
      count('update', resource)
      const before = need(resource, object.metadata?.namespace, object.metadata?.name ?? '')
      return put(resource, { ...object, status: object.status ?? before.status })
    },
    updateStatus(resource, object) {
      count('status', resource)
      const before = need(resource, object.metadata?.namespace, object.metadata?.name ?? '')
      if (object.metadata?.resourceVersion !== before.metadata.resourceVersion) throw refuse('Conflict', 409, 'conflict')
      return put(resource, { ...before, status: object.status })
    },
    patch(resource, namespace, name, patch) {
      return put(resource, { ...need(resource, namespace, name), ...(patch as object) })
    },
    delete(resource, namespace, name, options) {
      const found = need(resource, namespace, name)
      if (options?.preconditions?.uid && options.preconditions.uid !== found.metadata.uid) throw refuse('Conflict', 409, 'uid differs')
      const grace = options?.gracePeriodSeconds ?? (resource === 'pods' ? (found.spec.terminationGracePeriodSeconds ?? 30) : 0)
      if (resource === 'pods' && grace > 0) {
        const deletionTimestamp = new Date(clock.now() + grace * 1000).toISOString()
        put(resource, { ...found, metadata: { ...found.metadata, deletionTimestamp, deletionGracePeriodSeconds: grace } })
        return
      }
      objects.delete(key(resource, namespace, name))
      tell(resource, { type: 'DELETED', object: found, previous: found })
    },
    scale() {
      throw new Error('not needed')
    },
    updateScale() {
      throw new Error('not needed')
    },
    finalize() {
      throw new Error('not needed')
    },
    bind() {
      throw new Error('not needed')
    },
    requestToken() {
      throw new Error('not needed')
    },
    served: () => [],
    watch(resource, handler, options) {
      const field = options?.fieldSelector?.split('=') as [string, string] | undefined
      const watch: Watch = {
        resource,
        handler,
        ...(options?.namespace ? { namespace: options.namespace } : {}),
        ...(field ? { field } : {}),
      }
      watches.add(watch)
      if (options?.initial) {
        for (const object of api.list(resource, options))
          clock.soon(() => watches.has(watch) && handler({ type: 'ADDED', object: object as any }))
      }
      return { close: () => watches.delete(watch) }
    },
    as: () => api,
  }
  return api
}
