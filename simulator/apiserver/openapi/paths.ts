import type { ResourceDefinition } from '../../resources/definition.ts'
import { defaultVerbs } from '../registry/definitions.ts'
import type { GroupVersionKind } from './schema.ts'

/** What an OpenAPI document says of a kind: kinds with objects, and reviews, which are only created. */
export type PublishedKind = Pick<
  ResourceDefinition,
  'group' | 'version' | 'kind' | 'plural' | 'namespaced' | 'verbs' | 'status' | 'openapi'
> & {
  readonly scale?: unknown
}

/** References to the schemas that the operations of a kind speak. */
export interface Contents {
  readonly object: object
  readonly list: object
  readonly scale: object
  readonly status: object
  readonly deleteOptions: object
}

const query = (name: string, description: string, type = 'string') => ({
  name,
  in: 'query',
  description,
  schema: { type, uniqueItems: true },
})
const inPath = (name: string, description: string) => ({
  name,
  in: 'path',
  description,
  required: true,
  schema: { type: 'string', uniqueItems: true },
})
const pretty = query('pretty', 'Asks for output that is indented.')
const inName = (kind: string) => inPath('name', `name of the ${kind}`)
const inNamespace = inPath('namespace', 'the namespace of the object')

const dryRun = query('dryRun', 'When present, the change is checked but not stored. The only value is All.')
const writing = [
  dryRun,
  query('fieldManager', 'A name for the actor that makes the change.'),
  query('fieldValidation', 'What is done about unknown and duplicate fields: Ignore, Warn or Strict.'),
]
const patching = [...writing, query('force', 'Takes fields over from other managers. Only for apply.', 'boolean')]
const listing = [
  query('allowWatchBookmarks', 'Asks for BOOKMARK events in a watch.', 'boolean'),
  query('continue', 'Where the next page of a list begins.'),
  query('fieldSelector', 'Keeps objects with these fields.'),
  query('labelSelector', 'Keeps objects with these labels.'),
  query('limit', 'The most objects in one page.', 'integer'),
  query('resourceVersion', 'The state that is asked for, or after which a watch begins.'),
  query('resourceVersionMatch', 'How resourceVersion is meant in a list.'),
  query('sendInitialEvents', 'Begins a watch with the objects that there are.', 'boolean'),
  query('timeoutSeconds', 'How long a list or watch may take.', 'integer'),
  query('watch', 'Streams changes in place of a list.', 'boolean'),
]
const deleting = [
  dryRun,
  query('gracePeriodSeconds', 'How long the object may take to end; zero is at once.', 'integer'),
  query('orphanDependents', 'Deprecated: use propagationPolicy.', 'boolean'),
  query('propagationPolicy', 'What becomes of dependents: Orphan, Background or Foreground.'),
]

const anything = { schema: { type: 'object' } }

/** The paths of a kind with its operations, as kube-apiserver's installer routes them; `strategic`: whether strategic merge patches are taken. */
export function kindPaths(published: PublishedKind, contents: Contents, strategic: boolean): Record<string, unknown> {
  const { group, version, kind, plural, namespaced } = published
  const allows = (verb: string) => (published.verbs ?? defaultVerbs).includes(verb)
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`
  const base = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`
  const scope = namespaced ? 'Namespaced' : ''
  const own: GroupVersionKind = { group, version, kind }

  const operation = (action: string, id: string, answer: object, more: Operation = {}) => ({
    operationId: `${id.replace('*', `${apiName(group, version)}${scope}`)}`,
    parameters: more.parameters ?? [],
    ...(more.body && { requestBody: { content: more.body, required: true } }),
    responses: {
      '200': { description: 'OK', content: { 'application/json': { schema: answer } } },
      '401': { description: 'Unauthorized' },
    },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': more.of ?? own,
  })
  const body = (schema: object) => ({ '*/*': { schema } })
  const patches = {
    'application/apply-patch+yaml': anything,
    'application/json-patch+json': anything,
    'application/merge-patch+json': anything,
    ...(strategic && { 'application/strategic-merge-patch+json': anything }),
  }
  const named = { parameters: [inName(kind), ...(namespaced ? [inNamespace] : []), pretty] }
  /** Read, replace and patch a part of the object that has a path of its own. */
  const part = (suffix: string, schema: object, of: GroupVersionKind) => ({
    ...(allows('get') && { get: operation('get', `read*${kind}${suffix}`, schema, { of }) }),
    ...(allows('update') && { put: operation('put', `replace*${kind}${suffix}`, schema, { of, parameters: writing, body: body(schema) }) }),
    ...(allows('patch') && { patch: operation('patch', `patch*${kind}${suffix}`, schema, { of, parameters: patching, body: patches }) }),
  })
  const list = operation('list', `list*${kind}`, contents.list, { parameters: listing })

  const paths: Record<string, unknown> = {
    [base]: {
      ...(allows('list') && { get: list }),
      ...(allows('create') && {
        post: operation('post', `create*${kind}`, contents.object, { parameters: writing, body: body(contents.object) }),
      }),
      ...(allows('deletecollection') && {
        delete: operation('deletecollection', `delete*Collection${kind}`, contents.status, {
          parameters: [...deleting, ...listing.filter(({ name }) => name !== 'watch' && name !== 'allowWatchBookmarks')],
        }),
      }),
      parameters: [...(namespaced ? [inNamespace] : []), pretty],
    },
  }
  const item = {
    ...part('', contents.object, own),
    ...(allows('delete') && {
      delete: operation('delete', `delete*${kind}`, contents.status, { parameters: deleting, body: body(contents.deleteOptions) }),
    }),
  }
  if (Object.keys(item).length > 0) paths[`${base}/{name}`] = { ...item, ...named }
  if (published.status) paths[`${base}/{name}/status`] = { ...part('Status', contents.object, own), ...named }
  if (published.scale) {
    const of = { group: 'autoscaling', version: 'v1', kind: 'Scale' }
    paths[`${base}/{name}/scale`] = { ...part('Scale', contents.scale, of), ...named }
  }
  if (namespaced && allows('list')) {
    const everywhere = { ...list, operationId: `list${apiName(group, version)}${kind}ForAllNamespaces` }
    paths[`${root}/${plural}`] = { get: everywhere, parameters: [pretty] }
  }
  return paths
}

interface Operation {
  readonly parameters?: readonly object[]
  readonly body?: object
  /** The kind of the operation, where it is another one. */
  readonly of?: GroupVersionKind
}

/** `CoreV1`, `RbacAuthorizationV1` */
function apiName(group: string, version: string): string {
  const words = group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split('.')
  return [...words, version].map((word) => `${word[0]!.toUpperCase()}${word.slice(1)}`).join('')
}
