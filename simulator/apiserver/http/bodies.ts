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

function parseJson(body: string, what: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    throw badRequest(`${what}: ${(error as Error).message}`)
  }
  if (body.length > 2 * deepest && nestsTooDeep(value)) throw badRequest(`${what}: exceeded max depth`)
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

function parseYaml(body: string, what: string): unknown {
  try {
    // Warnings (an unknown tag) would go to the process's own log.
    return parse(body, { version: '1.1', maxAliasCount: 100, logLevel: 'error' })
  } catch (error) {
    throw badRequest(`${what}: ${(error as Error).message.split('\n')[0]}`)
  }
}

/** The body as an object; undefined where there is none. JSON, YAML, and protobuf as typed Go clients send it. */
export async function readObject(request: Request): Promise<Record<string, unknown> | undefined> {
  const type = mediaType(request)
  if (type === 'application/vnd.kubernetes.protobuf') {
    const bytes = await bytesOf(request)
    return bytes.length === 0 ? undefined : { ...decodeProtobuf(bytes) }
  }
  if (type !== '' && type !== 'application/json' && type !== 'application/yaml' && type !== 'text/plain') {
    throw unsupportedMediaType(
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    )
  }
  const body = await text(request)
  if (body.trim() === '') return undefined
  const what = `couldn't get version/kind; ${type === 'application/yaml' ? 'yaml' : 'json'} parse error`
  const value = type === 'application/yaml' ? parseYaml(body, what) : parseJson(body, what)
  if (!isObject(value)) throw badRequest(`${what}: an object is expected`)
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
  return { type, patch: type === 'apply' ? parseYaml(body, 'error decoding YAML') : parseJson(body, 'error decoding patch') }
}
