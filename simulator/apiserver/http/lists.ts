import type { KubeObject } from '../../kubernetes.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import { isShownAsStored, presented, resourceNameOf } from '../registry/definitions.ts'
import type { Registry } from '../registry/registry.ts'
import { selectorPredicate } from '../selectors.ts'
import { badRequest, expired, tooLargeResourceVersion } from '../status.ts'

export interface ListResult {
  readonly items: readonly KubeObject[]
  readonly metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
}

const tooOld =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'

interface Token {
  /** Revision of the first page; -1 for an inconsistent continuation at whatever is newest. */
  rv: number
  /** Key of the last object seen. */
  after: string
}

/** LIST: selectors, pages that all show one revision, and the semantics of `resourceVersion`. */
export function listPage(
  registry: Registry,
  definition: ResourceDefinition,
  namespace: string | undefined,
  query: URLSearchParams,
): ListResult {
  const { store } = registry.world
  const resource = resourceNameOf(definition)
  const selector = {
    labelSelector: query.get('labelSelector') ?? undefined,
    fieldSelector: query.get('fieldSelector') ?? undefined,
  }
  const matches = selectorPredicate(selector, definition)
  const limit = wholeNumber(query, 'limit') ?? 0
  const token = query.get('continue') ? parseToken(query.get('continue')!) : undefined
  const wanted = wholeNumber(query, 'resourceVersion')
  const match = query.get('resourceVersionMatch')

  let revision = store.revision
  let all: readonly KubeObject[] | undefined
  if (token) {
    if (wanted) throw badRequest('specifying resource version is not allowed when using continue')
    if (token.rv >= 0) revision = token.rv
    all = store.listAt(resource, namespace, revision)
    if (!all) throw expired(tooOld, makeToken({ rv: -1, after: token.after }))
  } else {
    if (match && wanted === undefined) throw badRequest('resourceVersionMatch is forbidden unless resourceVersion is provided')
    if (match && match !== 'Exact' && match !== 'NotOlderThan') {
      throw badRequest(`resourceVersionMatch: Unsupported value: "${match}": supported values: "Exact", "NotOlderThan", ""`)
    }
    if (wanted !== undefined && wanted > revision) throw tooLargeResourceVersion(wanted, revision)
    if (match === 'Exact' && wanted) {
      revision = wanted
      all = store.listAt(resource, namespace, revision)
      if (!all) throw expired(`The resourceVersion for the provided list is too old.`)
    }
    all ??= store.list(resource, namespace)
  }

  if (!isShownAsStored(definition)) all = all.map((object) => presented(definition, object))
  const start = token ? all.findIndex((object) => keyOf(object) > token.after) : 0
  const rest = start < 0 ? [] : token ? all.slice(start) : all
  const found = matches ? rest.filter(matches) : rest
  const metadata: ListResult['metadata'] = { resourceVersion: String(revision) }
  if (limit === 0 || found.length <= limit) return { items: found, metadata }
  const items = found.slice(0, limit)
  metadata.continue = makeToken({ rv: revision, after: keyOf(items.at(-1)!) })
  // With a selector the server does not know how many are left.
  if (!matches) metadata.remainingItemCount = found.length - limit
  return { items, metadata }
}

/** Orders as the store's lists do. */
function keyOf(object: KubeObject): string {
  return `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`
}

/** A whole number from the query, undefined where it is absent or empty. Throws BadRequest. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: must be a whole number that is not negative`)
  return Number(text)
}

function makeToken(token: Token): string {
  return btoa(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.rv, start: token.after }))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function parseToken(text: string): Token {
  try {
    const { v, rv, start } = JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
    if (v === 'meta.k8s.io/v1' && typeof rv === 'number' && typeof start === 'string') return { rv, after: start }
  } catch {
    // Said below, for every kind of broken token.
  }
  throw badRequest('continue key is not valid: the token was not made by this server')
}
