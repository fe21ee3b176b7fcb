import type { KubeObject, ResourceName } from '../../kubernetes.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import type { StoreEvent } from '../../store/store.ts'
import type { Api, ListOptions, ServedResource, UserInfo, WatchEvent, WatchOptions } from '../api.ts'
import { answerTokenRequest } from '../authentication/token-request.ts'
import { type Predicate, selectorPredicate } from '../selectors.ts'
import { notImplemented } from '../status.ts'
import { apiVersionOf, type Definitions, isShownAsStored, presented, requireVerb, resourceNameOf } from './definitions.ts'
import { bindPod } from './pods.ts'
import { createRegistry, type Registry } from './registry.ts'
import { scaleOf, updateScale } from './scale.ts'
import type { RegistryWorld } from './world.ts'

/** The API for in-process clients, as `world.user`. */
export function createApi(world: RegistryWorld & { readonly user: UserInfo }): Api {
  return apiOf(createRegistry(world), world.user)
}

export function apiOf(registry: Registry, user: UserInfo, manager?: string): Api {
  const { definitions } = registry
  const { store } = registry.world
  const who = { user, ...(manager !== undefined && { fieldManager: manager }) }
  const listed = (resource: ResourceName, namespace: string | undefined): readonly KubeObject[] => {
    const definition = definitions.named(resource)
    const all = store.list(resource, namespace)
    return isShownAsStored(definition) ? all : all.map((object) => presented(definition, object))
  }
  return {
    served: () => servedBy(definitions),
    get: <T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string) =>
      registry.get(definitions.named(resource), namespace, name) as T,
    find: <T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string) =>
      registry.find(definitions.named(resource), namespace, name) as T | undefined,
    list: <T extends KubeObject>(resource: ResourceName, options: ListOptions = {}) => {
      const definition = definitions.named(resource)
      const all = listed(resource, definition.namespaced ? options.namespace : undefined)
      const matches = selectorPredicate(options, definition)
      return (matches ? all.filter(matches) : all) as readonly T[]
    },
    create: <T extends KubeObject>(resource: ResourceName, object: T) => registry.create(definitions.named(resource), object, who) as T,
    update: <T extends KubeObject>(resource: ResourceName, object: T) => registry.update(definitions.named(resource), object, who) as T,
    updateStatus: <T extends KubeObject>(resource: ResourceName, object: T) =>
      registry.update(definitions.named(resource), object, who, 'status') as T,
    scale(resource, namespace, name) {
      const definition = definitions.named(resource)
      return scaleOf(definition, registry.get(definition, namespace, name))
    },
    updateScale: (resource, scale) => updateScale(registry, definitions.named(resource), scale, who),
    finalize: (namespace) => void registry.update(definitions.named('namespaces'), namespace, who, 'finalize'),
    patch: <T extends KubeObject>(
      resource: ResourceName,
      namespace: string | undefined,
      name: string,
      patch: unknown,
      options: Parameters<Api['patch']>[4],
    ) => registry.patch(definitions.named(resource), namespace, name, patch, options, who).object as T,
    delete: (resource, namespace, name, options = {}) => {
      registry.delete(definitions.named(resource), namespace, name, options, who)
    },
    bind: (namespace, pod, node) => bindPod(registry, namespace, pod, node, who),
    requestToken(namespace, account, expirationSeconds) {
      const { tokens } = registry.world
      if (!tokens) throw notImplemented('this API server issues no tokens')
      const { status } = answerTokenRequest(registry, tokens, namespace, account, { spec: { expirationSeconds } } as KubeObject)
      const { token, expirationTimestamp } = status as { token: string; expirationTimestamp: string }
      return { token, expires: Date.parse(expirationTimestamp) }
    },
    watch: <T extends KubeObject>(resource: ResourceName, handler: (event: WatchEvent<T>) => void, options: WatchOptions = {}) => {
      const definition = definitions.named(resource)
      requireVerb(definition, 'watch')
      const matches = watchPredicate(definition.namespaced ? options.namespace : undefined, selectorPredicate(options, definition))
      let open = true
      if (options.initial) {
        const objects = listed(resource, definition.namespaced ? options.namespace : undefined)
        for (const object of objects) {
          if (!matches(object)) continue
          registry.world.clock.soon(() => {
            if (open) handler({ type: 'ADDED', object: object as T })
          })
        }
      }
      const subscription = store.subscribe(resource, (event) => {
        // A custom kind may have been changed since, or be gone.
        const seen = filtered(shown(definitions.find(resource) ?? definition, event), matches)
        if (seen) handler(seen as WatchEvent<T>)
      })
      return {
        close: () => {
          open = false
          subscription.close()
        },
      }
    },
    as: (other, name) => apiOf(registry, other, name),
  }
}

const served = new WeakMap<object, readonly ServedResource[]>()

function servedBy({ all }: Definitions): readonly ServedResource[] {
  let list = served.get(all)
  if (!list) {
    list = all.map((definition) => ({
      name: resourceNameOf(definition),
      kind: definition.kind,
      apiVersion: apiVersionOf(definition),
      namespaced: definition.namespaced,
    }))
    served.set(all, list)
  }
  return list
}

/** The change as the kind's version shows its objects. */
export function shown(definition: ResourceDefinition, event: StoreEvent): StoreEvent {
  if (isShownAsStored(definition)) return event
  const { object, previous } = event
  return { ...event, object: presented(definition, object), previous: previous && presented(definition, previous) }
}

function watchPredicate(namespace: string | undefined, selector: Predicate | undefined): Predicate {
  if (namespace === undefined) return selector ?? (() => true)
  return (object) => object.metadata?.namespace === namespace && (!selector || selector(object))
}

/** A change as a watcher with a selector sees it: what comes into view is added, what leaves it is deleted. */
export function filtered(event: StoreEvent, matches: Predicate): WatchEvent | undefined {
  const { type, object, previous } = event
  const before = previous !== undefined && matches(previous)
  if (type === 'DELETED') return before ? { type, object, previous: previous! } : undefined
  const after = matches(object)
  if (after) return before ? { type: 'MODIFIED', object, previous: previous! } : { type: 'ADDED', object }
  // The state that left the view, at the revision at which it left, as the watch cache sends it.
  if (!before) return undefined
  const left = { ...previous!, metadata: { ...previous!.metadata, resourceVersion: object.metadata!.resourceVersion! } }
  return { type: 'DELETED', object: left, previous: previous! }
}
