import { sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { notAcceptable, unknownResource } from '../status.ts'
import { openapiDocument } from './document.ts'
import type { PublishedKind } from './paths.ts'
import type { OpenapiSchemas } from './schema.ts'
import { openapiV2 } from './v2.ts'
import { encodeOpenapiV2 } from './v2-protobuf.ts'

export interface OpenapiSource {
  /** What is served now: kinds and reviews. */
  kinds(): readonly PublishedKind[]
  /** Kubernetes' own schemas; undefined where nobody gave them, and documents then name kinds without their fields. */
  readonly schemas: (() => OpenapiSchemas) | undefined
  readonly gitVersion: string
  /** ms since the epoch. */
  now(): number
}

/** A media type that is asked for (clients write `@` where no parser of media types takes a dot's place) and what is sent. */
const json = { asked: ['application/json'], sent: 'application/json' }
const protobufV2 = {
  asked: ['application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'],
  sent: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
}

const yearMs = 365 * 24 * 60 * 60 * 1000

/**
 * Answers `/openapi/…` (`parts` is what follows) as kube-openapi's handlers do: an ETag that is the hash of the document, `304` to who has
 * it, and with `?hash=` an answer that may be kept for a year, or the way to the document of the present hash. Throws NotFound and
 * NotAcceptable (v3 is offered as JSON alone, which is what client-go asks for).
 */
export function serveOpenapi(source: OpenapiSource, request: Request, parts: readonly string[]): Response {
  const [form, root, ...rest] = parts
  if (form === 'v2' && root === undefined) return serveV2(source, request)
  if (form !== 'v3') throw unknownResource()
  if (root === undefined) return serveIndex(source, request)
  const [group, version, more] = root === 'api' ? ['', ...rest] : rest
  if ((root !== 'api' && root !== 'apis') || group === undefined || version === undefined || more !== undefined) throw unknownResource()
  const kinds = source.kinds().filter((kind) => kind.group === group && kind.version === version)
  if (kinds.length === 0) throw unknownResource()

  negotiated(request, [json])
  const hash = hashOf(source, kinds)
  const asked = new URL(request.url).searchParams.get('hash')
  // Relative, since whoever serves several clusters has a path in front of this one.
  if (asked && asked !== hash) return new Response(undefined, { status: 301, headers: { Location: `?hash=${hash}`, Vary: 'Accept' } })
  const kept = { 'Cache-Control': 'public, immutable', Expires: new Date(source.now() + yearMs).toUTCString() }
  return answer(request, hash, json.sent, asked ? kept : {}, () =>
    remembered(source, `v3 ${hash}`, () => utf8ToBytes(JSON.stringify(openapiDocument(kinds, source.schemas?.(), source.gitVersion)))),
  )
}

function serveIndex(source: OpenapiSource, request: Request): Response {
  negotiated(request, [json])
  const byVersion = new Map<string, PublishedKind[]>()
  for (const kind of source.kinds()) {
    const key = `${kind.group}/${kind.version}`
    byVersion.set(key, [...(byVersion.get(key) ?? []), kind])
  }
  const paths = [...byVersion.values()].map((kinds) => {
    const { group, version } = kinds[0]!
    return [pathOf(group, version), { serverRelativeURL: documentUrl(group, version, hashOf(source, kinds)) }] as const
  })
  const body = utf8ToBytes(JSON.stringify({ paths: Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1))) }))
  return answer(request, hashed(body), json.sent, {}, () => body)
}

function serveV2(source: OpenapiSource, request: Request): Response {
  const form = negotiated(request, [json, protobufV2])
  const kinds = source.kinds()
  const hash = hashOf(source, kinds)
  return answer(request, hash, form.sent, {}, () =>
    remembered(source, `v2 ${form.sent} ${hash}`, () => {
      const document = openapiV2(kinds, source.schemas?.(), source.gitVersion)
      return form === json ? utf8ToBytes(JSON.stringify(document)) : encodeOpenapiV2(document)
    }),
  )
}

function negotiated<T extends { readonly asked: readonly string[]; readonly sent: string }>(request: Request, forms: readonly T[]): T {
  for (const one of (request.headers.get('accept') || '*/*').split(',')) {
    const type = one.split(';')[0]!.trim()
    const form = type === '*/*' || type === 'application/*' ? forms[0] : forms.find(({ asked }) => asked.includes(type))
    if (form) return form
  }
  throw notAcceptable(forms.map(({ sent }) => sent).join(', '))
}

function answer(request: Request, hash: string, type: string, more: Record<string, string>, body: () => Uint8Array<ArrayBuffer>): Response {
  const headers: Record<string, string> = { ETag: `"${hash}"`, Vary: 'Accept', ...more }
  const known = (request.headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (known.includes('*') || known.includes(`"${hash}"`)) return new Response(undefined, { status: 304, headers })
  const bytes = body()
  return new Response(bytes, { headers: { ...headers, 'Content-Type': type, 'Content-Length': String(bytes.length) } })
}

function pathOf(group: string, version: string): string {
  return group ? `apis/${group}/${version}` : `api/${version}`
}

function documentUrl(group: string, version: string, hash: string): string {
  return `/openapi/v3/${pathOf(group, version)}?hash=${hash}`
}

/** Of all that the document is a function of, so that it need not be made to name it. */
function hashOf({ schemas, gitVersion }: OpenapiSource, kinds: readonly PublishedKind[]): string {
  const said = kinds.map(({ group, version, kind, plural, namespaced, verbs, status, scale, openapi }) => [
    [group, version, kind, plural, namespaced, verbs, status, scale !== undefined],
    openapi,
  ])
  return hashed(utf8ToBytes(JSON.stringify([schemas?.().version, gitVersion, said])))
}

function hashed(bytes: Uint8Array): string {
  return bytesToHex(sha512(bytes)).toUpperCase()
}

/** Documents that were made, shared by the clusters that share the schemas; custom resources make more of them, so that the oldest go. */
const made = new WeakMap<OpenapiSchemas, Map<string, Uint8Array<ArrayBuffer>>>()
const madeAtMost = 40

function remembered({ schemas }: OpenapiSource, key: string, make: () => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const owner = schemas?.()
  if (!owner) return make()
  let documents = made.get(owner)
  if (!documents) made.set(owner, (documents = new Map()))
  let document = documents.get(key)
  if (document) return document
  document = make()
  if (documents.size >= madeAtMost) documents.delete(documents.keys().next().value!)
  documents.set(key, document)
  return document
}
