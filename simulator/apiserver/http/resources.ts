import type { KubeObject } from '../../kubernetes.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import type { UserInfo } from '../api.ts'
import { apiVersionOf, presented, requireVerb, resourceNameOf } from '../registry/definitions.ts'
import type { Deleted } from '../registry/deletion.ts'
import type { Registry } from '../registry/registry.ts'
import type { RequestContext } from '../registry/world.ts'
import { selectorPredicate } from '../selectors.ts'
import { badRequest, methodNotAllowed, tooLargeResourceVersion, unknownError } from '../status.ts'
import { readObject, readPatch } from './bodies.ts'
import { conform, fieldWarnings, unreadablePatch } from './conform.ts'
import { listPage, wholeNumber } from './lists.ts'
import { negotiate } from './negotiate.ts'
import { checkFieldValidation, deleteOptionsOf, dryRunOf, fieldManagerOf } from './options.ts'
import { jsonBytes, jsonResponse, jsonText } from './responses.ts'
import { type IncludeObject, partialText, type TableOptions, tableBytes, tableText } from './table.ts'
import { watchResponse } from './watches.ts'

/** One request for a resource, after authentication and authorization. */
export interface ResourceRequest {
  readonly request: Request
  readonly query: URLSearchParams
  readonly definition: ResourceDefinition
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly user: UserInfo
}

export function writeContext({ request, query, user }: ResourceRequest, kind: string): RequestContext {
  checkFieldValidation(query, kind)
  const fieldManager = fieldManagerOf(request, query)
  return { user, dryRun: dryRunOf(query.getAll('dryRun'), kind), ...(fieldManager !== undefined && { fieldManager }) }
}

/** `/pods`, `/namespaces/x/pods`: list, watch, create, deletecollection. */
export async function serveCollection(registry: Registry, given: ResourceRequest): Promise<Response> {
  const { request, query, definition, namespace } = given
  switch (request.method) {
    case 'GET':
    case 'HEAD': {
      if (isWatch(query)) {
        const { form, version } = negotiate(request.headers.get('accept'))
        requireVerb(definition, 'watch')
        return watchResponse(registry, {
          definition,
          namespace,
          query,
          form,
          table: tableOptions(registry, definition, query, version),
          signal: request.signal,
        })
      }
      requireVerb(definition, 'list')
      return listResponse(registry, given)
    }
    case 'POST': {
      requireVerb(definition, 'create')
      const context = writeContext(given, 'CreateOptions')
      const { object, warnings } = await bodyObject(given)
      const created = registry.create(definition, object, context)
      return objectResponse(registry, given, created, 201, [...warnings, ...(definition.warnings?.(created) ?? [])])
    }
    case 'DELETE': {
      requireVerb(definition, 'deletecollection')
      const options = deleteOptionsOf(query, await readObject(request))
      const matches = selectorPredicate(
        { labelSelector: query.get('labelSelector') ?? undefined, fieldSelector: query.get('fieldSelector') ?? undefined },
        definition,
      )
      const all = registry.world.store.list(resourceNameOf(definition), namespace).map((object) => presented(definition, object))
      const context = { user: given.user, dryRun: options.dryRun }
      const gone = all
        .filter((object) => !matches || matches(object))
        .map((object) => registry.delete(definition, object.metadata!.namespace, object.metadata!.name!, options, context).object)
      return jsonText(listText(definition, gone, { resourceVersion: String(registry.world.store.revision) }))
    }
    default:
      throw methodNotAllowed()
  }
}

/** `/pods/x`: get, update, patch, delete; `subresource` for those that are views of the object itself. */
export async function serveObject(registry: Registry, given: ResourceRequest & { name: string }, subresource?: string): Promise<Response> {
  const { request, query, definition, namespace, name } = given
  switch (request.method) {
    case 'GET':
    case 'HEAD': {
      requireVerb(definition, 'get')
      if (isWatch(query)) throw methodNotAllowed()
      const wanted = wholeNumber(query, 'resourceVersion')
      if (wanted !== undefined && wanted > registry.world.store.revision)
        throw tooLargeResourceVersion(wanted, registry.world.store.revision)
      return objectResponse(registry, given, registry.get(definition, namespace, name))
    }
    case 'PUT': {
      requireVerb(definition, 'update')
      const context = writeContext(given, 'UpdateOptions')
      const { object, warnings } = await bodyObject(given)
      const existed = registry.find(definition, namespace, name) !== undefined
      const updated = registry.update(definition, object, context, subresource)
      return objectResponse(registry, given, updated, existed ? 200 : 201, [...warnings, ...(definition.warnings?.(updated) ?? [])])
    }
    case 'PATCH': {
      requireVerb(definition, 'patch')
      const { type, patch } = await readPatch(request)
      const context = writeContext(given, 'PatchOptions')
      // An applier has to name itself; the user agent is no name.
      const fieldManager = type === 'apply' ? (query.get('fieldManager') ?? undefined) : context.fieldManager
      const force = query.get('force') === 'true'
      let warnings: string[] = []
      const decode = (patched: KubeObject): KubeObject => {
        const whole = type === 'json' || type === 'merge' ? unreadablePatch(patched) : undefined
        const { object, unknown } = conform(definition, patched, whole)
        if (type === 'apply' && definition.custom) refuseUndeclared(definition, patched, namespace, unknown)
        warnings = fieldWarnings(definition, unknown, query.get('fieldValidation') || 'Warn')
        return object
      }
      const { object, created } = registry.patch(
        definition,
        namespace,
        name,
        patch,
        { type, force, ...(subresource && { subresource }), ...(fieldManager && { fieldManager }) },
        { user: context.user, dryRun: context.dryRun ?? false, decode },
      )
      return objectResponse(registry, given, object, created ? 201 : 200, [...warnings, ...(definition.warnings?.(object) ?? [])])
    }
    case 'DELETE': {
      if (subresource) throw methodNotAllowed()
      requireVerb(definition, 'delete')
      const options = deleteOptionsOf(query, await readObject(request))
      const warning = options.propagationPolicy === undefined ? definition.orphansDependents?.warning : undefined
      const deleted = registry.delete(definition, namespace, name, options, { user: given.user, dryRun: options.dryRun })
      return deletedResponse(registry, given, deleted, warning === undefined ? [] : [warning])
    }
    default:
      throw methodNotAllowed()
  }
}

/** Server-side apply of a custom resource knows only what its schema declares (structured-merge-diff's typed values). Throws what that says. */
function refuseUndeclared(
  definition: ResourceDefinition,
  { metadata }: KubeObject,
  namespace: string | undefined,
  unknown: readonly string[],
): void {
  if (unknown.length === 0) return
  const sentences = unknown.map((path) => `.${path}: field not declared in schema`)
  const list = sentences.length === 1 ? sentences[0] : `errors:\n${sentences.map((one) => `  ${one}`).join('\n')}`
  const subject = `${namespace ?? ''}/${metadata?.name ?? ''}; ${apiVersionOf(definition)}, Kind=${definition.kind}`
  throw unknownError(`failed to create typed patch object (${subject}): ${list}`)
}

/** Kinds whose DELETE answers with the object even when it is gone (ReturnDeletedObject). */
const returnsObject = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'persistentvolumes',
  'persistentvolumeclaims',
  'resourcequotas',
  'podtemplates',
])

function deletedResponse(
  registry: Registry,
  given: ResourceRequest & { name: string },
  { object, removed }: Deleted,
  warnings: readonly string[],
): Response {
  const { definition, name } = given
  if (!removed || returnsObject.has(resourceNameOf(definition))) return objectResponse(registry, given, object, 200, warnings)
  const details = { name, ...(definition.group && { group: definition.group }), kind: definition.plural, uid: object.metadata?.uid }
  return jsonResponse({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }, { warnings })
}

function listResponse(registry: Registry, given: ResourceRequest): Response {
  const { request, query, definition, namespace } = given
  const { form, yaml, version } = negotiate(request.headers.get('accept'))
  const { items, metadata } = listPage(registry, definition, namespace, query)
  if (form === 'table') return jsonBytes(tableBytes(items, metadata, tableOptions(registry, definition, query, version)))
  if (form === 'partial-list' || form === 'partial') {
    const head = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(metadata)}`
    return jsonText(`${head},"items":[${items.map((object) => partialText(object, version)).join(',')}]}`)
  }
  const text = listText(definition, items, metadata)
  return yaml ? jsonResponse(JSON.parse(text), { yaml }) : jsonText(text)
}

/** A list as JSON text. Its items leave out what its own kind says, as those of built-in kinds do; custom resources say it. */
function listText(definition: ResourceDefinition, items: readonly KubeObject[], metadata: object): string {
  const kind = definition.custom?.listKind ?? `${definition.kind}List`
  const head = `{"kind":"${kind}","apiVersion":"${apiVersionOf(definition)}","metadata":${JSON.stringify(metadata)}`
  const texts = items.map((object) => JSON.stringify(definition.custom ? object : { ...object, kind: undefined, apiVersion: undefined }))
  return `${head},"items":[${texts.join(',')}]}`
}

export function objectResponse(
  registry: Registry,
  { request, query, definition }: ResourceRequest,
  object: KubeObject,
  status = 200,
  warnings: readonly string[] = [],
): Response {
  const { form, yaml, version } = negotiate(request.headers.get('accept'))
  if (form === 'table') {
    const meta = { resourceVersion: object.metadata?.resourceVersion }
    return jsonText(tableText([object], meta, tableOptions(registry, definition, query, version)), { status, warnings })
  }
  if (form === 'partial' || form === 'partial-list') return jsonText(partialText(object, version), { status, warnings })
  return jsonResponse(object, { status, yaml, warnings })
}

function tableOptions(registry: Registry, definition: ResourceDefinition, query: URLSearchParams, version: string): TableOptions {
  const include = query.get('includeObject') || 'Metadata'
  if (include !== 'None' && include !== 'Metadata' && include !== 'Object') {
    throw badRequest(`unrecognized includeObject value: ${JSON.stringify(include)}`)
  }
  return { definition, include: include as IncludeObject, version, now: registry.world.clock.now() }
}

/** The body's object in the namespace and under the name that the URL says. */
async function bodyObject({
  request,
  query,
  definition,
  namespace,
  name,
}: ResourceRequest): Promise<{ object: KubeObject; warnings: string[] }> {
  const body = (await readObject(request, definition.kind)) as KubeObject
  const { object, unknown } = conform(definition, body)
  const warnings = fieldWarnings(definition, unknown, query.get('fieldValidation') || 'Warn')
  const metadata = { ...object.metadata }
  if (definition.namespaced) {
    if (metadata.namespace && metadata.namespace !== namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
    }
    if (namespace) metadata.namespace = namespace
  }
  if (name !== undefined && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name ?? ''}) does not match the name on the URL (${name})`)
  }
  return { object: { ...object, metadata }, warnings }
}

export function isWatch(query: URLSearchParams): boolean {
  const watch = query.get('watch')
  return watch === 'true' || watch === '1'
}
