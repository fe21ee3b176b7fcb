import type { Closer } from '../../clock.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { customResourceDefinitionsName } from '../../resources/customresourcedefinition/definition.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import type { StoreEvent } from '../../store/store.ts'
import type { WatchEvent } from '../api.ts'
import { filtered, shown } from '../registry/api.ts'
import { apiVersionOf, presented, resourceNameOf } from '../registry/definitions.ts'
import type { Registry } from '../registry/registry.ts'
import { type Predicate, selectorPredicate } from '../selectors.ts'
import { badRequest, expired, invalid, tooLargeResourceVersion, toStatus } from '../status.ts'
import { wholeNumber } from './lists.ts'
import type { Form } from './negotiate.ts'
import { partialText, type TableOptions, tableText } from './table.ts'

const encoder = new TextEncoder()
/** Half an hour, the lower end of what kube-apiserver picks from where the client names no time. */
const defaultTimeout = 1_800
const bookmarkInterval = 60_000
/** A client that does not read is let go when this many events wait for it, and has to list again. */
const backlog = 10_000

export interface WatchRequest {
  readonly definition: ResourceDefinition
  readonly namespace: string | undefined
  readonly query: URLSearchParams
  readonly form: Form
  readonly table: TableOptions
  readonly signal: AbortSignal
}

/** WATCH: JSON lines until the client goes, the time is up, or the server cannot tell a gapless story (an ERROR event with 410). */
export function watchResponse(registry: Registry, request: WatchRequest): Response {
  const { store, clock } = registry.world
  const { definition, namespace, query } = request
  const resource = resourceNameOf(definition)
  const selector = selectorPredicate(
    { labelSelector: query.get('labelSelector') ?? undefined, fieldSelector: query.get('fieldSelector') ?? undefined },
    definition,
  )
  const matches: Predicate = (object) =>
    (namespace === undefined || object.metadata?.namespace === namespace) && (selector === undefined || selector(object))
  const bookmarks = query.get('allowWatchBookmarks') === 'true'
  const initial = initialEvents(query, bookmarks)
  const from = wholeNumber(query, 'resourceVersion') ?? 0
  if (from > store.revision && initial) throw tooLargeResourceVersion(from, store.revision)
  const timeout = wholeNumber(query, 'timeoutSeconds') || defaultTimeout

  /** A definition that is changed or deleted takes the watches of what it was with it, as crdHandler does. */
  const isServed = () =>
    registry.definitions.at(definition.group, definition.version, definition.plural)?.custom?.source === definition.custom?.source

  const closers: Closer[] = []
  let columnsSent = false
  let sentRevision = 0
  let finish = () => {}

  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let open = true
        finish = () => {
          if (!open) return
          open = false
          for (const closer of closers.splice(0)) closer.close()
          request.signal.removeEventListener('abort', finish)
          controller.close()
        }
        const line = (text: string) => {
          if (!open) return
          if ((controller.desiredSize ?? 0) < -backlog) return finish()
          controller.enqueue(encoder.encode(`${text}\n`))
        }
        const send = ({ type, object }: Pick<WatchEvent, 'type' | 'object'>) => {
          line(`{"type":"${type}","object":${bodyText(object)}}`)
        }
        const bodyText = (object: KubeObject) => {
          if (request.form === 'table') {
            const text = tableText([object], { resourceVersion: object.metadata?.resourceVersion }, request.table, !columnsSent)
            columnsSent = true
            return text
          }
          return request.form === 'object' ? JSON.stringify(object) : partialText(object, request.table.version)
        }
        const bookmark = (annotations?: Record<string, string>) => {
          const metadata = { resourceVersion: String(store.revision), creationTimestamp: null, ...(annotations && { annotations }) }
          sentRevision = store.revision
          const object = { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata } as unknown as KubeObject
          const text =
            request.form === 'table'
              ? tableText([], { resourceVersion: String(store.revision) }, request.table)
              : request.form === 'object'
                ? JSON.stringify(object)
                : partialText(object, request.table.version)
          line(`{"type":"BOOKMARK","object":${text}}`)
        }
        const forward = (event: StoreEvent) => {
          const seen = filtered(shown(definition, event), matches)
          if (seen) send(seen)
        }

        if (initial || (initial === undefined && from === 0)) {
          for (const stored of store.list(resource, namespace)) {
            const object = presented(definition, stored)
            if (matches(object)) send({ type: 'ADDED', object })
          }
          if (initial) bookmark({ 'k8s.io/initial-events-end': 'true' })
        } else {
          const missed = store.since(resource, from)
          if (!missed) {
            const status = toStatus(expired(`too old resource version: ${from} (${store.compacted})`))
            line(`{"type":"ERROR","object":${JSON.stringify(status)}}`)
            return finish()
          }
          for (const event of missed) forward(event)
        }
        // A revision that is still to come (after a rewind) is watched from when it is passed.
        closers.push(store.subscribe(resource, (event) => event.revision > from && forward(event)))
        closers.push(clock.after(timeout * 1000, () => finish()))
        if (definition.custom) closers.push(store.subscribe(customResourceDefinitionsName, () => isServed() || finish()))
        if (bookmarks) {
          const again = () => {
            if (store.revision !== sentRevision) bookmark()
            if (open) next = clock.after(bookmarkInterval, again)
          }
          let next = clock.after(bookmarkInterval, again)
          closers.push({ close: () => next.close() })
        }
        if (request.signal.aborted) finish()
        else request.signal.addEventListener('abort', finish)
      },
      cancel() {
        for (const closer of closers.splice(0)) closer.close()
        request.signal.removeEventListener('abort', finish)
      },
    },
    { highWaterMark: 64 },
  )
  return new Response(body, { status: 200, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' } })
}

/** Whether the client asks for the streamed list (KEP-3157), and asks rightly. */
function initialEvents(query: URLSearchParams, bookmarks: boolean): boolean | undefined {
  const wish = query.get('sendInitialEvents')
  const match = query.get('resourceVersionMatch')
  const refuse = (field: string, message: string) =>
    invalid('meta.k8s.io', 'ListOptions', '', [{ reason: 'FieldValueForbidden', field, message: `Forbidden: ${message}` }])
  if (wish === null) {
    if (match) throw refuse('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')
    return undefined
  }
  if (wish !== 'true' && wish !== 'false')
    throw badRequest(`sendInitialEvents: Invalid value: ${JSON.stringify(wish)}: must be true or false`)
  if (match !== 'NotOlderThan') {
    throw refuse('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
  }
  if (wish === 'true' && !bookmarks) throw refuse('allowWatchBookmarks', 'sendInitialEvents requires allowWatchBookmarks to be set')
  return wish === 'true'
}
