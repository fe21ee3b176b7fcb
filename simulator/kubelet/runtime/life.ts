import type { Api } from '../../apiserver/api.ts'
import type { Clock, Closer } from '../../clock.ts'
import type { Guard } from './process-sockets.ts'

/** One process's life: what it opened closes with it, and nothing of it runs afterwards. */
export interface Life extends Closer {
  readonly over: boolean
  /** Closes `closer` at the end of the life (at once when it is over); returns it. */
  keep<T extends Closer>(closer: T): T
}

export function beginLife(): Life {
  const kept = new Set<Closer>()
  let over = false
  return {
    get over() {
      return over
    },
    keep(closer) {
      if (over) closer.close()
      else kept.add(closer)
      return closer
    },
    close() {
      if (over) return
      over = true
      for (const closer of kept) closer.close()
      kept.clear()
    },
  }
}

/** A clock whose callbacks go through `guard`. */
export function clockWithin(clock: Clock, guard: Guard): Clock {
  return {
    now: () => clock.now(),
    soon: (task) => clock.soon(guard(task)),
    get stirs() {
      return clock.stirs
    },
    whenStirred: (owner, task) => clock.whenStirred(owner, guard(task)),
    after: (ms, task) => clock.after(ms, guard(task)),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    timers: (owner, fire) => clock.timers(owner, guard(fire)),
  }
}

/** An API client whose watches end with `life`. */
export function apiWithin(api: Api, life: Life, guard: Guard): Api {
  return {
    get: (resource, namespace, name) => api.get(resource, namespace, name),
    find: (resource, namespace, name) => api.find(resource, namespace, name),
    list: (resource, options) => api.list(resource, options),
    create: (resource, object) => api.create(resource, object),
    update: (resource, object) => api.update(resource, object),
    updateStatus: (resource, object) => api.updateStatus(resource, object),
    scale: (resource, namespace, name) => api.scale(resource, namespace, name),
    updateScale: (resource, scale) => api.updateScale(resource, scale),
    finalize: (namespace) => api.finalize(namespace),
    patch: (resource, namespace, name, patch, options) => api.patch(resource, namespace, name, patch, options),
    delete: (resource, namespace, name, options) => api.delete(resource, namespace, name, options),
    bind: (namespace, pod, node) => api.bind(namespace, pod, node),
    requestToken: (namespace, account, expirationSeconds) => api.requestToken(namespace, account, expirationSeconds),
    watch: (resource, handler, options) =>
      life.keep(
        api.watch(
          resource,
          guard((event) => life.over || handler(event as never)),
          options?.ended ? { ...options, ended: guard((last) => life.over || options.ended?.(last)) } : options,
        ),
      ),
    served: () => api.served(),
    as: (user, manager) => apiWithin(api.as(user, manager), life, guard),
  }
}
