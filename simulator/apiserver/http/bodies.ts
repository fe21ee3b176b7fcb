import { parse } from 'yaml'
import type { PatchOptions } from '../api.ts'
import { isObject } from '../patch/merge.ts'
import { decodeProtobuf } from '../protobuf/decode.ts'
import { badRequest, requestEntityTooLarge, unsupportedMediaType } from '../status.ts'

/** As kube-apiserver's default (3 MiB). */
const limit = 3 * 1024 * 1024

function mediaType(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
}

async function bytesOf(request: Request): Promise<Uint8Array> {
  const bytes = new Uint8Array(await request.arrayBuffer())
  if (bytes.length > limit) throw requestEntityTooLarge(`limit is ${limit}`)
  return bytes
}

async function text(request: Request): Promise<string> {
  const bytes = await bytesOf(request)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badRequest('the body of the request is not valid UTF-8')
  }
}

function parseJson(body: string, cannotRead: (why: string) => Error): unknown {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    const why = (error as Error).message
    throw cannotRead(/end of JSON input/.test(why) ? 'unexpected end of JSON input' : why)
  }
  if (body.length > 2 * deepest && nestsTooDeep(value)) throw cannotRead('exceeded max depth')
  return value
}

/** Go's decoder takes 10,000 levels. What walks objects here is recursive, and no API type comes near a tenth of that. */
const deepest = 1_000

/** Level by level, since this is what recursion could not do. */
function nestsTooDeep(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return true
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return false
}

function parseYaml(body: string, cannotRead: (why: string) => Error): unknown {
  try {
    // Warnings (an unknown tag) would go to the process's own log.
    return parse(body, { version: '1.1', maxAliasCount: 100, logLevel: 'error' })
  } catch (error) {
    throw cannotRead((error as Error).message.split('\n')[0]!)
  }
}

/** What upstream shows of a body that it cannot read: the beginning, as text where it looks like JSON. */
function beginning(body: string): string {
  if (body === '') return '<empty>'
  const bytes = new TextEncoder().encode(body)
  const shown = bytes.subarray(0, 30)
  const text = body.startsWith('{')
    ? new TextDecoder().decode(shown)
    : [...shown].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return bytes.length > shown.length ? `${text} ...` : text
}

/**
 * The body as an object; JSON, YAML, and protobuf as typed Go clients send it. Without a `kind` that it has to be, undefined where there is none.
 * Throws BadRequest (with upstream's transformDecodeError's words where the kind is known), UnsupportedMediaType, RequestEntityTooLarge.
 */
export async function readObject(request: Request, kind: string): Promise<Record<string, unknown>>
export async function readObject(request: Request): Promise<Record<string, unknown> | undefined>
export async function readObject(request: Request, kind?: string): Promise<Record<string, unknown> | undefined> {
  const type = mediaType(request)
  if (type === 'application/vnd.kubernetes.protobuf') {
    const bytes = await bytesOf(request)
    if (bytes.length === 0 && kind === undefined) return undefined
    return { ...decodeProtobuf(bytes) }
  }
  if (type !== '' && type !== 'application/json' && type !== 'application/yaml' && type !== 'text/plain') {
    throw unsupportedMediaType(
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    )
  }
  const body = await text(request)
  if (body.trim() === '' && kind === undefined) return undefined
  const cannotRead = (why: string) => {
    const cause = `couldn't get version/kind; ${type === 'application/yaml' ? 'yaml' : 'json'} parse error: ${why}`
    return badRequest(
      kind === undefined ? cause : `the object provided is unrecognized (must be of type ${kind}): ${cause} (${beginning(body)})`,
    )
  }
  const value = type === 'application/yaml' ? parseYaml(body, cannotRead) : parseJson(body, cannotRead)
  if (!isObject(value)) throw cannotRead('an object is expected')
  if (value.metadata !== undefined && value.metadata !== null && !isObject(value.metadata)) throw badRequest('metadata must be an object')
  if (value.metadata === null) delete value.metadata
  return value
}

const patchTypes: ReadonlyMap<string, PatchOptions['type']> = new Map([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
])

export async function readPatch(request: Request): Promise<{ type: PatchOptions['type']; patch: unknown }> {
  const type = patchTypes.get(mediaType(request))
  if (!type) {
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${[...patchTypes.keys()].join(', ')}`,
    )
  }
  const body = await text(request)
  const cannotRead = (why: string) => badRequest(`error decoding ${type === 'apply' ? 'YAML' : 'patch'}: ${why}`)
  return { type, patch: type === 'apply' ? parseYaml(body, cannotRead) : parseJson(body, cannotRead) }
}
