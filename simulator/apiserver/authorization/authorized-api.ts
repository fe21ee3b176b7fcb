import type { Closer } from '../../clock.ts'
import type { ResourceName } from '../../kubernetes.ts'
import { type Api, type ListOptions, StatusError, type UserInfo, type WatchEvent, type WatchOptions } from '../api.ts'
import { type Authorize, refusalOf } from '../http/reviews.ts'
import { forbidden } from '../status.ts'
import type { SelectingAttributes } from './node.ts'
import type { WatchRights } from './watch-rights.ts'

/**
 * The in-process API with every call authorized as the HTTP request that it stands for, as the user that `who` names at that moment
 * (Unauthorized where its credentials are no good any more). `api` must act as the same user. Throws Forbidden.
 * Without `rights`, for kubelets: what the user may list and watch counts as an informer's cache, so `get` and `find` are good too, and
 * reading goes on for as long as this client lives. With it, only what is watched is such a cache, and a watch ends as `rights` says.
 */
export function authorizedApi(api: Api, who: UserInfo | (() => UserInfo), authorize: Authorize, rights?: WatchRights): Api {
  const user = typeof who === 'function' ? who : () => who
  const allowed = (attributes: SelectingAttributes) => authorize(user(), attributes)
  /** Resources, with the namespace where it is only one, that this client follows, and how often. */
  const followed = new Map<string, number>()

  function check(verb: string, resource: ResourceName, more: Partial<SelectingAttributes> = {}): void {
    const attributes = attributesOf(verb, resource, more)
    const decision = allowed(attributes)
    if (decision.allowed) return
    const why = refusalOf(user(), attributes) + (decision.reason ? `: ${decision.reason}` : '')
    throw forbidden({ group: attributes.group!, resource: attributes.resource!, ...(more.name && { name: more.name }) }, why)
  }

  function mayFollow(resource: ResourceName, namespace: string | undefined): boolean {
    const scope = at(namespace)
    return allowed(attributesOf('list', resource, scope)).allowed && allowed(attributesOf('watch', resource, scope)).allowed
  }

  function follows(resource: ResourceName, namespace: string | undefined): boolean {
    if (followed.has(resource)) return true
    const key = keyOf(resource, namespace)
    if (followed.has(key)) return true
    if (rights || !mayFollow(resource, namespace)) return false
    followed.set(key, 1)
    return true
  }

  /** A watch whose reads are good as long as it is open. */
  function follow(resource: ResourceName, handler: (event: WatchEvent<any>) => void, options: WatchOptions, ends: WatchRights): Closer {
    const { namespace } = options
    if (!options.resumed) check('watch', resource, { ...at(namespace), ...selected(options) })
    const key = keyOf(resource, namespace)
    followed.set(key, (followed.get(key) ?? 0) + 1)
    const watch = api.watch(resource, handler, options)
    let open = true
    const close = () => {
      if (!open) return
      open = false
      watch.close()
      registered.close()
      const left = (followed.get(key) ?? 0) - 1
      if (left > 0) followed.set(key, left)
      else followed.delete(key)
    }
    const end = () => {
      const last = api.list(resource, options)
      close()
      options.ended?.(last)
    }
    const registered = ends.register(() => holds(() => mayFollow(resource, namespace)), end, options.resumed === true)
    return { close }
  }

  function checkRead(resource: ResourceName, namespace: string | undefined, name: string): void {
    if (follows(resource, undefined) || (namespace && follows(resource, namespace))) return
    check('get', resource, at(namespace, name))
  }

  function checkList(verb: 'list' | 'watch', resource: ResourceName, options: ListOptions): void {
    if (follows(resource, undefined) || (options.namespace && follows(resource, options.namespace))) return
    check(verb, resource, { ...at(options.namespace), ...selected(options) })
  }

  const metadataOf = (object: { metadata?: { namespace?: string; name?: string } }) => at(object.metadata?.namespace, object.metadata?.name)

  return {
    get(resource, namespace, name) {
      checkRead(resource, namespace, name)
      return api.get(resource, namespace, name)
    },
    find(resource, namespace, name) {
      checkRead(resource, namespace, name)
      return api.find(resource, namespace, name)
    },
    list(resource, options = {}) {
      checkList('list', resource, options)
      return api.list(resource, options)
    },
    create(resource, object) {
      check('create', resource, at(object.metadata?.namespace))
      return api.create(resource, object)
    },
    update(resource, object) {
      check('update', resource, metadataOf(object))
      return api.update(resource, object)
    },
    updateStatus(resource, object) {
      check('update', resource, { ...metadataOf(object), subresource: 'status' })
      return api.updateStatus(resource, object)
    },
    scale(resource, namespace, name) {
      check('get', resource, { ...at(namespace, name), subresource: 'scale' })
      return api.scale(resource, namespace, name)
    },
    updateScale(resource, scale) {
      check('update', resource, { ...metadataOf(scale), subresource: 'scale' })
      return api.updateScale(resource, scale)
    },
    finalize(namespace) {
      check('update', 'namespaces', { ...at(undefined, namespace.metadata?.name), subresource: 'finalize' })
      api.finalize(namespace)
    },
    patch(resource, namespace, name, patch, options) {
      check('patch', resource, { ...at(namespace, name), ...(options.subresource && { subresource: options.subresource }) })
      return api.patch(resource, namespace, name, patch, options)
    },
    delete(resource, namespace, name, options) {
      check('delete', resource, at(namespace, name))
      api.delete(resource, namespace, name, options)
    },
    bind(namespace, pod, node) {
      check('create', 'pods', { ...at(namespace, pod), subresource: 'binding' })
      api.bind(namespace, pod, node)
    },
    requestToken(namespace, account, expirationSeconds) {
      check('create', 'serviceaccounts', { ...at(namespace, account), subresource: 'token' })
      return api.requestToken(namespace, account, expirationSeconds)
    },
    watch(resource, handler, options = {}) {
      if (rights) return follow(resource, handler, options, rights)
      checkList('watch', resource, options)
      return api.watch(resource, handler, options)
    },
    // Discovery is for everybody who is somebody (system:discovery).
    served: () => api.served(),
    as: (other, manager) => authorizedApi(api.as(other, manager), other, authorize),
  }
}

/** Credentials that are no good any more give no right. */
function holds(ask: () => boolean): boolean {
  try {
    return ask()
  } catch (error) {
    if (error instanceof StatusError) return false
    throw error
  }
}

function keyOf(resource: ResourceName, namespace: string | undefined): string {
  return namespace ? `${resource} ${namespace}` : resource
}

function attributesOf(verb: string, resource: ResourceName, more: Partial<SelectingAttributes>): SelectingAttributes {
  const dot = resource.indexOf('.')
  const plural = dot < 0 ? resource : resource.slice(0, dot)
  return { verb, group: dot < 0 ? '' : resource.slice(dot + 1), resource: plural, ...more }
}

function at(namespace: string | undefined, name?: string): Partial<SelectingAttributes> {
  return { ...(namespace && { namespace }), ...(name && { name }) }
}

/** A selector of one name is that name, as upstream's RequestInfo has it. */
function selected({ fieldSelector }: { fieldSelector?: string }): Partial<SelectingAttributes> {
  if (!fieldSelector) return {}
  const name = /^metadata\.name==?([^,]+)$/.exec(fieldSelector)?.[1]
  return { fieldSelector, ...(name && { name }) }
}
