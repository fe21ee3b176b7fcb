import type { ResourceName } from '../../kubernetes.ts'
import type { Api, ListOptions, UserInfo } from '../api.ts'
import { type Authorize, refusalOf } from '../http/reviews.ts'
import { forbidden } from '../status.ts'
import type { SelectingAttributes } from './node.ts'

/**
 * The in-process API as `user`, with every call authorized as the HTTP request that it stands for.
 * What the user may list and watch counts as an informer's cache: `get` and `find` are good too, and reading goes on for as long as
 * this client lives, as the real daemons' caches and open watches outlast a right that is taken away. `api` must act as the same user.
 * Throws Forbidden.
 */
export function authorizedApi(api: Api, user: UserInfo, authorize: Authorize): Api {
  const allowed = (attributes: SelectingAttributes) => authorize(user, attributes)
  /** Resources, with the namespace where it is only one, that this client follows. */
  const followed = new Set<string>()

  function check(verb: string, resource: ResourceName, more: Partial<SelectingAttributes> = {}): void {
    const attributes = attributesOf(verb, resource, more)
    const decision = allowed(attributes)
    if (decision.allowed) return
    const why = refusalOf(user, attributes) + (decision.reason ? `: ${decision.reason}` : '')
    throw forbidden({ group: attributes.group!, resource: attributes.resource!, ...(more.name && { name: more.name }) }, why)
  }

  function follows(resource: ResourceName, namespace: string | undefined): boolean {
    if (followed.has(resource)) return true
    const key = namespace ? `${resource} ${namespace}` : resource
    if (followed.has(key)) return true
    const scope = at(namespace)
    if (!allowed(attributesOf('list', resource, scope)).allowed || !allowed(attributesOf('watch', resource, scope)).allowed) return false
    followed.add(key)
    return true
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
    watch(resource, handler, options = {}) {
      checkList('watch', resource, options)
      return api.watch(resource, handler, options)
    },
    // Discovery is for everybody who is somebody (system:discovery).
    served: () => api.served(),
    as: (other) => authorizedApi(api.as(other), other, authorize),
  }
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
