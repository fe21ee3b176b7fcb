import { stringify } from 'yaml'
import type { Random } from '../../simulator/random.ts'
import { bent, oddTexts, oneOf } from './bending.ts'
import { type Plain, validObjects } from './valid-objects.ts'

export interface FuzzedRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array<ArrayBuffer> | undefined
}

export interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

const methods = ['GET', 'GET', 'POST', 'POST', 'POST', 'POST', 'PUT', 'PUT', 'PATCH', 'PATCH', 'PATCH', 'DELETE', 'HEAD']
const rareMethods = ['OPTIONS', 'BREW', 'POST', 'PUT', 'DELETE']
const subresources = ['status', 'scale', 'log', 'exec', 'attach', 'portforward', 'proxy', 'eviction', 'binding', 'token', 'finalize']
const moreSubresources = ['ephemeralcontainers', 'resize', 'approval', 'nonsense', 'proxy/a/b', 'status/more']
const patchTypes = ['json-patch+json', 'merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml', 'apply-patch+cbor', 'json']
const bodyTypes = [
  'application/json',
  'application/json; charset=utf-8',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'text/plain',
  'application/cbor',
  'multipart/form-data',
  ';;;',
]
const accepts = [
  'application/json',
  '*/*',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  'application/json;as=Nonsense;v=v9;g=meta.k8s.io,application/json',
  'application/json;as=__proto__;g=meta.k8s.io;v=v1',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/vnd.kubernetes.protobuf,application/json',
  'text/html',
  ';=,;,',
]
const parameters: Readonly<Record<string, readonly string[]>> = {
  limit: ['1', '0', '-1', 'x', '99999999999999999999', '1.5'],
  continue: [
    'x',
    'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJ4In0',
    'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MWU5OSwic3RhcnQiOiIvIn0',
    '%',
  ],
  resourceVersion: ['0', '1', '-1', 'x', '99999999999', '2'],
  resourceVersionMatch: ['Exact', 'NotOlderThan', 'Nonsense'],
  labelSelector: ['app=x', 'app in (x,y),!z', 'a=b=c', '((', 'a in', ',', 'x>5', 'a notin ()', '!'],
  fieldSelector: ['metadata.name=x', 'spec.nodeName!=', 'status.phase==Running', 'nonsense=1', '=', 'metadata.name', '__proto__=x'],
  watch: ['true', '1', 'false', 'x', ''],
  allowWatchBookmarks: ['true', 'x'],
  sendInitialEvents: ['true', 'false', 'x'],
  timeoutSeconds: ['1', '0', '-5', '1e9', 'x'],
  dryRun: ['All', 'None', 'x'],
  fieldManager: ['me', '', 'x'.repeat(200), '\u0007'],
  fieldValidation: ['Strict', 'Warn', 'Ignore', 'x'],
  force: ['true', 'false', 'x'],
  gracePeriodSeconds: ['0', '1', '-1', 'x'],
  propagationPolicy: ['Orphan', 'Foreground', 'Background', 'x'],
  orphanDependents: ['true', 'x'],
  includeObject: ['None', 'Object', 'Metadata', 'x'],
  container: ['app', 'x', ''],
  tailLines: ['1', '-1', 'x'],
  sinceSeconds: ['1', '0', 'x'],
  sinceTime: ['x', '2026-01-01T00:00:00Z'],
  limitBytes: ['1', '0'],
  previous: ['true', 'x'],
  command: ['ls', ''],
  stdout: ['true', 'x'],
  ports: ['80', '0', 'x'],
  __proto__x: ['1'],
}

/** Namespaces and names that the requests know, so that they meet each other's objects. `odd-0` holds what may break. */
const namespaces = ['odd-0', 'odd-0', 'odd-0', 'odd-0', 'odd-0', 'odd-0', 'odd-1', 'odd-1', 'odd-1', 'nowhere']
const names = ['x', 'x', 'x', 'y', 'z']

/** The next request of the run: mostly near to what is right, since what is far off is refused at the door. */
export function nextRequest(random: Random, kinds: readonly Kind[]): FuzzedRequest {
  const object = oneOf(random, validObjects)
  const kind = kindOf(object, kinds)
  // One of the cluster's own nodes gets its share of odd labels, taints and statuses, too.
  const fresh = random.below(2) === 0 ? `n${random.below(300)}` : undefined
  const name = kind.kind === 'Node' && random.below(2) === 0 ? 'fuzz-worker2' : oneOf(random, names)
  let method = random.below(40) === 0 ? oneOf(random, rareMethods) : oneOf(random, methods)
  if (random.below(25) === 0) return nonsense(random, method)
  const collection = method === 'POST' || (method === 'GET' && random.below(2) === 0) || random.below(100) === 0
  const namespace = oneOf(random, namespaces)
  let path = collectionPath(kind, namespace)
  if (!collection || random.below(40) === 0) path += `/${name}`
  if (random.below(collection ? 25 : 4) === 0) {
    const writes = method === 'PUT' || method === 'PATCH'
    const subresource = writes && random.below(4) > 0 ? 'status' : oneOf(random, random.below(4) === 0 ? moreSubresources : subresources)
    if (collection) path += `/${name}`
    path += `/${subresource}`
  }
  if (random.below(30) === 0) path = path.replaceAll('/', oneOf(random, ['//', '/./', '/%2e%2e/', '/%2f/', '/']))
  // A whole namespace or a control-plane component gone would only show that the rest of the run met nothing.
  if (method === 'DELETE' && !kind.namespaced && !/\/[xyz]\b/.test(path)) method = 'GET'
  const headers: Record<string, string> = { accept: random.below(3) > 0 ? 'application/json' : oneOf(random, accepts) }
  if (random.below(20) === 0) headers['user-agent'] = oneOf(random, ['', 'kubectl/v1', '/'.repeat(50), 'x'.repeat(500)])
  if (random.below(100) === 0)
    headers['impersonate-user'] = oneOf(random, ['jane', '', 'system:serviceaccount:odd-0:x', 'system:node:fuzz-worker'])
  path += queryText(random, method)
  if (method === 'GET' || method === 'HEAD') return { method, path, headers, body: undefined }
  return {
    method,
    path,
    headers,
    ...bodyFor(random, method, named(object, method === 'POST' ? (fresh ?? name) : name, namespace, kind), headers),
  }
}

function kindOf(object: Plain, kinds: readonly Kind[]): Kind {
  const found = kinds.find(
    ({ group, version, kind }) => kind === object['kind'] && object['apiVersion'] === (group ? `${group}/${version}` : version),
  )
  if (!found) throw new Error(`${String(object['apiVersion'])} ${String(object['kind'])} is not served`)
  return found
}

function collectionPath({ group, version, plural, namespaced }: Kind, namespace: string): string {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`
  return namespaced ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`
}

function named(object: Plain, name: string, namespace: string, { namespaced }: Kind): Plain {
  return { ...object, metadata: { ...(object['metadata'] as Plain), name, ...(namespaced && { namespace }) } }
}

function queryText(random: Random, method: string): string {
  const query: string[] = []
  const keys = Object.keys(parameters)
  for (let i = random.below(method === 'GET' ? 4 : 5) >> (method === 'GET' ? 0 : 2); i > 0; i--) {
    const key = oneOf(random, keys)
    const value = random.below(10) === 0 ? oneOf(random, oddTexts) : oneOf(random, parameters[key]!)
    query.push(`${key}=${random.below(15) === 0 ? value.replaceAll(/[\s#]/g, '') : encodeURIComponent(Buffer.from(value).toString())}`)
  }
  return query.length > 0 ? `?${query.join('&')}` : ''
}

function bodyFor(random: Random, method: string, object: Plain, headers: Record<string, string>): Pick<FuzzedRequest, 'body'> {
  if (random.below(40) === 0) return { body: undefined }
  if (method === 'PATCH') {
    headers['content-type'] = `application/${oneOf(random, random.below(10) === 0 ? patchTypes : patchTypes.slice(0, 4))}`
    return { body: spoiled(random, patchText(random, object, headers['content-type'])) }
  }
  if (method === 'DELETE') {
    const options = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      gracePeriodSeconds: 1,
      propagationPolicy: 'Background',
      preconditions: { uid: 'x' },
    }
    return random.below(2) === 0 ? { body: undefined } : { body: spoiled(random, JSON.stringify(bent(random, options, random.below(3)))) }
  }
  const subject = bent(random, object, oneOf(random, [0, 1, 1, 1, 2, 2, 3]))
  const type = random.below(8) > 0 ? 'application/json' : oneOf(random, bodyTypes)
  headers['content-type'] = type
  if (type === 'application/vnd.kubernetes.protobuf') return { body: garbage(random) }
  if (type === 'application/yaml') return { body: spoiled(random, yamlText(random, subject)) }
  return { body: spoiled(random, JSON.stringify(subject)) }
}

function yamlText(random: Random, object: Plain): string {
  const text = stringify(object)
  return oneOf(random, [
    text,
    text,
    `${text}---\n${text}`,
    `a: &a [*a]\n${text}`,
    `!!js/function x\n${text}`,
    `<<: {a: 1}\n${text}`,
    `\t${text}`,
  ])
}

function patchText(random: Random, object: Plain, type: string): string {
  if (type.includes('json-patch')) {
    const pointers = [
      '/metadata/labels/a',
      '/spec/replicas',
      '/spec/template/spec/containers/0/image',
      '/spec',
      '',
      '/spec/ports/-',
      '/a~2b',
      '/__proto__/x',
      'x',
      '/constructor/prototype/polluted',
      '/status/phase',
    ]
    const operations = Array.from({ length: 1 + random.below(3) }, () => ({
      op: oneOf(random, ['add', 'replace', 'remove', 'test', 'move', 'copy', 'x']),
      path: oneOf(random, pointers),
      from: oneOf(random, pointers),
      value: oneOf<unknown>(random, ['x', 1, null, {}, [], true, object['spec']]),
    }))
    return JSON.stringify(bent(random, operations, random.below(2)))
  }
  const part = bent(random, object, oneOf(random, [1, 1, 1, 2, 3]))
  if (random.below(3) === 0) {
    const spec = part['spec'] as Plain | undefined
    if (spec && typeof spec === 'object') {
      const directive = oneOf(random, ['$patch', '$retainKeys', '$setElementOrder/ports', '$deleteFromPrimitiveList/finalizers', '$patch'])
      spec[directive] = oneOf<unknown>(random, ['delete', 'replace', 'merge', ['type'], [{ port: 80 }], 5, null])
    }
  }
  return JSON.stringify(part)
}

/** Usually as it is; else cut off, deeply nested, or with names that a careless merge would write into every object. */
function spoiled(random: Random, text: string): string {
  switch (random.below(40)) {
    case 0:
      return text.slice(0, random.below(text.length))
    case 1:
      return text.replace('{', '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},')
    case 2:
      return text.replace('"metadata":{', '"metadata":{"labels":{"__proto__":"polluted","constructor":"x","toString":"x"},')
    case 3: {
      const depth = 10 ** (1 + random.below(5))
      return oneOf(random, [
        '['.repeat(depth),
        `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
        `{"metadata":{"name":"x"},"data":${'['.repeat(depth)}${']'.repeat(depth)}}`,
      ])
    }
    case 4:
      return text.replace(/:(\d+)/, ':1e400').replace(/"(\w)"/, '"\\ud800$1"')
    case 5:
      return oneOf(random, [
        'null',
        '[]',
        '""',
        '5',
        'true',
        '\ufeff{}',
        '{"kind":5}',
        '{"metadata":[]}',
        '{"metadata":{"name":{}}}',
        '{"items":[]}',
      ])
    default:
      return text
  }
}

function garbage(random: Random): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(random.below(200))
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256)
  // The magic number of the envelope, so that what follows is looked at.
  if (random.below(4) > 0) bytes.set([0x6b, 0x38, 0x73, 0].slice(0, bytes.length))
  return bytes
}

function nonsense(random: Random, method: string): FuzzedRequest {
  const path = oneOf(random, [
    '/',
    '/api',
    '/apis',
    '/api/v1',
    '/api/v2/pods',
    '/apis/apps',
    '/apis/apps/v1',
    '/apis/apps/v9/deployments',
    '/openapi/v2',
    '/openapi/v3',
    '/openapi/v3/apis/apps/v1',
    '/openapi/v3/nonsense',
    '/version',
    '/healthz',
    '/readyz/ping',
    '/livez/nonsense',
    '/metrics',
    '/logs',
    '/api/v1/namespaces',
    '/api/v1/namespaces/x/finalize',
    '/api/v1/namespaces//pods',
    '/api/v1/%',
    '/api/v1/%00',
    '/api/v1/namespaces/%ff/pods',
    '/api/v1/watch/pods',
    '/api/v1/namespaces/odd-0/pods/x/log/more/and/more',
    `/api/v1/${'a/'.repeat(500)}`,
    `/${'x'.repeat(5000)}`,
    '/apis/__proto__/v1/x',
    '/api/v1/constructor',
    '/api/v1/__proto__',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    '/api/v1/namespaces/odd-0/bindings',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    '/apis/authorization.k8s.io/v1/namespaces/odd-0/localsubjectaccessreviews',
    '/api/v1/namespaces/odd-0/serviceaccounts/x/token',
    '/api/v1/nodes/fuzz-worker/proxy',
    '/api/v1/日本/ü',
    '/..%2f..%2fetc/passwd',
    '/api/v1/../../x',
    '/.well-known/openid-configuration',
  ])
  const headers: Record<string, string> = { accept: oneOf(random, accepts), 'content-type': oneOf(random, bodyTypes) }
  if (random.below(5) === 0) headers['authorization'] = oneOf(random, ['Bearer x', 'Bearer ', 'Basic eDp5', 'x'])
  const body =
    method === 'GET' || method === 'HEAD' ? undefined : spoiled(random, JSON.stringify(bent(random, oneOf(random, validObjects), 2)))
  return { method, path: path + queryText(random, method), headers, body }
}
