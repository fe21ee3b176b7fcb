import { applyMergePatch } from '../patch/json-merge.ts'
import { listMerge, rootOf } from '../patch/merge-keys.ts'

type Obj = Record<string, any>

interface Type {
  group: string
  version: string
  kind: string
  plural: string
  short: string[]
  namespaced: boolean
  categories: string[]
  subresources: string[]
  columns: [string, number, (object: Obj) => unknown][]
}

const type = (group: string, kind: string, plural: string, short: string[], namespaced: boolean, extra: Partial<Type> = {}): Type => ({
  group,
  version: 'v1',
  kind,
  plural,
  short,
  namespaced,
  categories: [],
  subresources: [],
  columns: [['Age', 0, () => '5m']],
  ...extra,
})

const all = ['all']
const podColumns: Type['columns'] = [
  ['Ready', 0, (pod) => `${(pod.status?.containerStatuses ?? []).filter((one: Obj) => one.ready).length}/${pod.spec.containers.length}`],
  ['Status', 0, (pod) => pod.status?.phase ?? 'Pending'],
  ['Restarts', 0, () => '0'],
  ['Age', 0, () => '5m'],
  ['IP', 1, (pod) => pod.status?.podIP ?? '<none>'],
  ['Node', 1, (pod) => pod.spec.nodeName ?? '<none>'],
]

/** The types that the tests' API serves. */
export const types: Type[] = [
  type('', 'ConfigMap', 'configmaps', ['cm'], true, {
    columns: [
      ['Data', 0, (cm) => Object.keys(cm.data ?? {}).length],
      ['Age', 0, () => '5m'],
    ],
  }),
  type('', 'Endpoints', 'endpoints', ['ep'], true),
  type('', 'Event', 'events', ['ev'], true),
  type('', 'Namespace', 'namespaces', ['ns'], false, {
    columns: [
      ['Status', 0, (ns) => ns.status?.phase ?? 'Active'],
      ['Age', 0, () => '5m'],
    ],
  }),
  type('', 'Node', 'nodes', ['no'], false, {
    columns: [
      ['Status', 0, () => 'Ready'],
      ['Age', 0, () => '5m'],
    ],
  }),
  type('', 'PersistentVolumeClaim', 'persistentvolumeclaims', ['pvc'], true),
  type('', 'Pod', 'pods', ['po'], true, {
    categories: all,
    subresources: ['log', 'exec', 'eviction', 'ephemeralcontainers'],
    columns: podColumns,
  }),
  type('', 'Secret', 'secrets', [], true),
  type('', 'ServiceAccount', 'serviceaccounts', ['sa'], true),
  type('', 'Service', 'services', ['svc'], true, {
    categories: all,
    columns: [
      ['Type', 0, (service) => service.spec.type ?? 'ClusterIP'],
      ['Cluster-IP', 0, (service) => service.spec.clusterIP ?? '<none>'],
      [
        'Selector',
        1,
        (service) =>
          Object.entries(service.spec.selector ?? {})
            .map(([key, value]) => `${key}=${value}`)
            .join(','),
      ],
    ],
  }),
  type('apps', 'DaemonSet', 'daemonsets', ['ds'], true, { categories: all }),
  type('apps', 'Deployment', 'deployments', ['deploy'], true, {
    categories: all,
    subresources: ['scale'],
    columns: [
      ['Ready', 0, (one) => `${one.status?.readyReplicas ?? 0}/${one.spec.replicas}`],
      ['Age', 0, () => '5m'],
    ],
  }),
  type('apps', 'ReplicaSet', 'replicasets', ['rs'], true, { categories: all, subresources: ['scale'] }),
  type('apps', 'StatefulSet', 'statefulsets', ['sts'], true, { categories: all, subresources: ['scale'] }),
  type('batch', 'Job', 'jobs', [], true, { categories: all }),
  type('networking.k8s.io', 'Ingress', 'ingresses', ['ing'], true),
  type('networking.k8s.io', 'NetworkPolicy', 'networkpolicies', ['netpol'], true),
  type('discovery.k8s.io', 'EndpointSlice', 'endpointslices', [], true),
  type('authorization.k8s.io', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', [], false),
]

/** A small in-memory Kubernetes API for tests: discovery, objects, tables, watches, patches and whatever `extra` answers. */
export function createTestApi(now: () => string = () => '2026-01-02T03:04:05Z') {
  const objects = new Map<string, Obj>()
  const watchers = new Set<{ type: Type; namespace: string | undefined; table: boolean; send(line: Obj): void; end(): void }>()
  const requests: { method: string; path: string; query: URLSearchParams; body: any; contentType: string | null }[] = []
  let revision = 100
  const extra: ((method: string, url: URL, body: any) => Response | Promise<Response> | undefined)[] = []
  const keyOf = (kind: Type, namespace: string | undefined, name: string) =>
    `${kind.plural}.${kind.group}/${kind.namespaced ? namespace : ''}/${name}`
  const typeOf = (object: Obj) =>
    types.find((one) => one.kind === object['kind'] && (one.group ? `${one.group}/v1` : 'v1') === object['apiVersion']) as Type

  function put(object: Obj, event: 'ADDED' | 'MODIFIED'): Obj {
    const kind = typeOf(object)
    const metadata = {
      uid: `uid-${object['metadata'].name}`,
      creationTimestamp: now(),
      ...object['metadata'],
      resourceVersion: String(++revision),
    }
    if (kind.namespaced) metadata.namespace ??= 'default'
    const stored = { ...object, metadata }
    objects.set(keyOf(kind, metadata.namespace, metadata.name), stored)
    notify(kind, event, stored)
    return stored
  }

  function notify(kind: Type, event: string, object: Obj): void {
    for (const watcher of watchers) {
      if (watcher.type !== kind || (watcher.namespace && watcher.namespace !== object['metadata'].namespace)) continue
      watcher.send({ type: event, object: watcher.table ? table(kind, [object], false) : object })
    }
  }

  function table(kind: Type, items: Obj[], columns = true): Obj {
    const definitions = [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      ...kind.columns.map(([name, priority]) => ({ name, type: 'string', format: '', priority })),
    ]
    return {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: String(revision) },
      columnDefinitions: columns ? definitions : null,
      rows: items.map((object) => ({ cells: [object['metadata'].name, ...kind.columns.map(([, , cell]) => cell(object))], object })),
    }
  }

  async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const text = await request.text()
    const body = text && request.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
    requests.push({
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      body,
      contentType: request.headers.get('content-type'),
    })
    for (const answer of extra) {
      const response = await answer(request.method, url, body)
      if (response) return response
    }
    if (url.pathname === '/api') return json(discovery(types.filter((one) => one.group === '')), discoveryType)
    if (url.pathname === '/apis') return json(discovery(types.filter((one) => one.group !== '')), discoveryType)
    if (url.pathname === '/version') return json({ major: '1', minor: '34', gitVersion: 'v1.34.0', platform: 'linux/amd64' })
    if (url.pathname.startsWith('/openapi/v3')) return openApi(url.pathname.slice('/openapi/v3'.length))
    const match = /^\/(?:api\/v1|apis\/([^/]+)\/v1)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/(.+))?$/.exec(url.pathname)
    const kind = match && types.find((one) => one.group === (match[1] ?? '') && one.plural === match[3])
    if (!match || !kind) return status(404, 'NotFound', 'the server could not find the requested resource')
    return resource(request, url, kind, match[2], match[4], match[5], body)
  }

  function resource(
    request: Request,
    url: URL,
    kind: Type,
    namespace: string | undefined,
    name: string | undefined,
    sub: string | undefined,
    body: any,
  ): Response {
    const asTable = request.headers.get('accept')?.includes('as=Table') ?? false
    const query = url.searchParams
    const full = kind.group ? `${kind.plural}.${kind.group}` : kind.plural
    if (name === undefined) {
      if (request.method === 'POST') {
        const given = {
          ...body,
          apiVersion: kind.group ? `${kind.group}/v1` : 'v1',
          kind: kind.kind,
          metadata: { ...body.metadata, ...(kind.namespaced ? { namespace } : {}) },
        }
        if (objects.has(keyOf(kind, namespace, given.metadata.name)))
          return status(409, 'AlreadyExists', `${full} "${given.metadata.name}" already exists`, {
            name: given.metadata.name,
            kind: kind.plural,
            group: kind.group,
          })
        if (query.get('dryRun')) return json(given)
        return json(put(given, 'ADDED'), 'application/json', 201)
      }
      const items = [...objects.values()].filter(
        (object) => typeOf(object) === kind && (!namespace || object['metadata'].namespace === namespace) && selected(object, query),
      )
      if (query.get('watch')) return watch(kind, namespace, asTable, query)
      if (asTable) return json(table(kind, items))
      return json({
        kind: `${kind.kind}List`,
        apiVersion: kind.group ? `${kind.group}/v1` : 'v1',
        metadata: { resourceVersion: String(revision) },
        items,
      })
    }
    const key = keyOf(kind, namespace, name)
    const object = objects.get(key)
    if (!object) return status(404, 'NotFound', `${full} "${name}" not found`, { name, kind: kind.plural, group: kind.group })
    if (sub === 'log') return new Response(`hello from ${name}\n`, { headers: { 'content-type': 'text/plain' } })
    if (sub === 'scale') {
      const replicas = request.method === 'GET' ? object['spec'].replicas : body.spec.replicas
      if (request.method !== 'GET') put({ ...object, spec: { ...object['spec'], replicas } }, 'MODIFIED')
      return json({ kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: object['metadata'], spec: { replicas }, status: { replicas } })
    }
    switch (request.method) {
      case 'GET':
        return json(asTable ? table(kind, [object]) : object)
      case 'PUT':
        return json(query.get('dryRun') ? body : put({ ...body, metadata: { ...object['metadata'], ...body.metadata } }, 'MODIFIED'))
      case 'PATCH': {
        const patched = request.headers.get('content-type')?.includes('strategic')
          ? strategic(object, body, [...rootOf(object)])
          : applyMergePatch(object, body)
        if (sameText(object, patched)) return json(object)
        return json(query.get('dryRun') ? patched : put(patched, 'MODIFIED'))
      }
      case 'DELETE':
        if (query.get('dryRun')) return json(object)
        objects.delete(key)
        notify(kind, 'DELETED', object)
        return json({
          kind: 'Status',
          apiVersion: 'v1',
          status: 'Success',
          details: { name, kind: kind.plural, uid: object['metadata'].uid },
        })
    }
    return status(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')
  }

  function watch(kind: Type, namespace: string | undefined, asTable: boolean, query: URLSearchParams): Response {
    const encoder = new TextEncoder()
    let closing = () => {}
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        let columns = true
        const watcher = {
          type: kind,
          namespace,
          table: asTable,
          send(line: Obj) {
            if (!asTable && !selected(line['object'], query)) return
            if (asTable && columns) line['object'].columnDefinitions = table(kind, [])['columnDefinitions']
            columns = false
            controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`))
          },
          end: () => controller.close(),
        }
        watchers.add(watcher)
        closing = () => watchers.delete(watcher)
      },
      cancel: () => closing(),
    })
    return new Response(body, { headers: { 'content-type': 'application/json' } })
  }

  return {
    handle,
    requests,
    extra,
    put: (object: Obj) =>
      put(
        object,
        objects.has(keyOf(typeOf(object), object['metadata'].namespace ?? 'default', object['metadata'].name)) ? 'MODIFIED' : 'ADDED',
      ),
    remove(plural: string, name: string, namespace = 'default') {
      const [key, object] = [...objects].find(([id]) => id.startsWith(`${plural}.`) && id.endsWith(`/${namespace}/${name}`)) ?? []
      if (!key || !object) return
      objects.delete(key)
      notify(typeOf(object), 'DELETED', object)
    },
    find: (plural: string, name: string, namespace = 'default') =>
      [...objects].find(([id]) => id.startsWith(`${plural}.`) && (id.endsWith(`/${namespace}/${name}`) || id.endsWith(`//${name}`)))?.[1],
    endWatches() {
      for (const watcher of watchers) watcher.end()
      watchers.clear()
    },
    watching: () => watchers.size,
  }
}

/** As much of OpenAPI v3 as tells a client that the server validates fields, and one schema to explain. */
function openApi(path: string): Response {
  const versions = [...new Set(types.map((one) => (one.group ? `apis/${one.group}/v1` : 'api/v1')))]
  if (path === '')
    return json({ paths: Object.fromEntries(versions.map((version) => [version, { serverRelativeURL: `/openapi/v3/${version}?hash=1` }])) })
  const served = types.filter((one) => path === (one.group ? `/apis/${one.group}/v1` : '/api/v1'))
  const parameters = [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }]
  return json({
    openapi: '3.0.0',
    info: { title: 'test', version: '1' },
    paths: Object.fromEntries(
      served.map((one) => [
        `${path}/${one.namespaced ? 'namespaces/{namespace}/' : ''}${one.plural}/{name}`,
        { patch: { parameters, responses: {}, 'x-kubernetes-group-version-kind': { group: one.group, version: 'v1', kind: one.kind } } },
      ]),
    ),
    components: {
      schemas: Object.fromEntries(
        served.map((one) => [
          `io.k8s.api.${one.kind}`,
          {
            type: 'object',
            description: `${one.kind} is a thing that this test serves.`,
            'x-kubernetes-group-version-kind': [{ group: one.group, version: 'v1', kind: one.kind }],
            properties: {
              apiVersion: { type: 'string', description: 'APIVersion is the version.' },
              kind: { type: 'string', description: 'Kind is the kind.' },
              metadata: { default: {}, description: 'Standard metadata.', allOf: [{ $ref: '#/components/schemas/Meta' }] },
              spec: {
                description: 'What is wanted.',
                type: 'object',
                required: ['name'],
                properties: {
                  name: {
                    type: 'string',
                    description: 'A name that is long enough to be folded by a printer that folds lines at eighty columns of text or so.',
                  },
                  tags: { type: 'array', items: { type: 'string' }, description: 'Tags.' },
                  labels: { type: 'object', additionalProperties: { type: 'string' } },
                  policy: { type: 'string', enum: ['Always', 'Never'], description: 'When.' },
                },
              },
            },
          },
        ]),
      ),
      ...{},
    },
  })
}

const discoveryType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

function discovery(served: Type[]): Obj {
  const groups = [...new Set(served.map((one) => one.group))]
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map((group) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: [
        {
          version: 'v1',
          freshness: 'Current',
          resources: served
            .filter((one) => one.group === group)
            .map((one) => ({
              resource: one.plural,
              responseKind: { group, version: 'v1', kind: one.kind },
              scope: one.namespaced ? 'Namespaced' : 'Cluster',
              singularResource: one.kind.toLowerCase(),
              verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
              ...(one.short.length > 0 ? { shortNames: one.short } : {}),
              ...(one.categories.length > 0 ? { categories: one.categories } : {}),
              subresources: one.subresources.map((subresource) => ({
                subresource,
                responseKind: { group, version: 'v1', kind: subresource === 'scale' ? 'Scale' : one.kind },
                verbs: ['get', 'create', 'patch', 'update'],
              })),
            })),
        },
      ],
    })),
  }
}

export function json(value: unknown, contentType = 'application/json', code = 200): Response {
  return new Response(JSON.stringify(value), { status: code, headers: { 'content-type': contentType } })
}

export function status(code: number, reason: string, message: string, details?: Obj): Response {
  return json(
    { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code, ...(details ? { details } : {}) },
    'application/json',
    code,
  )
}

function selected(object: Obj, query: URLSearchParams): boolean {
  const labels = object['metadata'].labels ?? {}
  const byLabel = (query.get('labelSelector') ?? '').split(',').filter(Boolean)
  const byField = (query.get('fieldSelector') ?? '').split(',').filter(Boolean)
  const at = (path: string) => path.split('.').reduce((value: any, name) => value?.[name], object)
  return (
    byLabel.every((term) => {
      const [key = '', value] = term.split(/==?/)
      return value === undefined ? key in labels : labels[key] === value
    }) && byField.every((term) => String(at(term.split(/==?/)[0] as string) ?? '') === term.split(/==?/)[1])
  )
}

/** Strategic merge as far as these tests need it. */
export function strategic(target: any, patch: any, path: string[]): any {
  const result = { ...target }
  const keep = patch['$retainKeys']
  for (const [field, value] of Object.entries<any>(patch)) {
    if (field.startsWith('$')) continue
    const merge = listMerge([...path, field])
    if (value === null) delete result[field]
    else if (Array.isArray(value) && merge && merge !== 'set') {
      let items: any[] = [...(result[field] ?? [])]
      for (const item of value) {
        const at = items.findIndex((one) => one[merge.key] === item[merge.key])
        if (item.$patch === 'delete') items = items.filter((_, index) => index !== at)
        else if (at < 0) items.push(item)
        else items[at] = strategic(items[at], item, [...path, field])
      }
      result[field] = items
    } else
      result[field] =
        value && typeof value === 'object' && !Array.isArray(value) ? strategic(result[field] ?? {}, value, [...path, field]) : value
  }
  if (keep) for (const key of Object.keys(result)) if (!keep.includes(key)) delete result[key]
  return result
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
