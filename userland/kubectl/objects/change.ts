import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, StatusFailure } from '../cli/failure.ts'
import type { Flag } from '../cli/flags.ts'
import { text } from '../cli/flags.ts'
import type { Call } from '../cli/verb.ts'
import type { ResourceType } from '../client/discovery.ts'
import { apiVersionOf, namedObject, pathOf } from '../client/discovery.ts'
import { mergePatch } from '../patch/json-merge.ts'
import { patchesStrategically } from '../patch/merge-keys.ts'
import { twoWayPatch } from '../patch/strategic.ts'
import { compactJson } from '../print/json.ts'
import { markOwn, objectPrinter } from '../print/printer.ts'
import type { Info } from './targets.ts'
import { quoted } from './text.ts'

export type DryRun = 'none' | 'client' | 'server'

export const dryRunFlag: Flag = {
  name: 'dry-run',
  kind: 'string',
  value: 'none',
  bare: 'unchanged',
  about: 'none, server (send, do not keep) or client (only print what would be sent).',
}
export const fieldManagerFlag = (name: string): Flag =>
  text('field-manager', 'Name under which the changed fields are owned.', undefined, name)
export const validateFlag: Flag = {
  name: 'validate',
  kind: 'string',
  value: 'strict',
  bare: 'strict',
  about: 'strict, warn or ignore unknown and repeated fields.',
}

export function dryRunOf(call: Call): DryRun {
  const value = call.flags.text('dry-run')
  if (value === 'none' || value === 'client' || value === 'server') return value
  if (value === 'false' || value === 'true' || value === 'unchanged') return value === 'false' ? 'none' : 'client'
  throw new Failure(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`)
}

/** The query of a write: who writes, whether it is kept, how strictly fields are checked. */
export function writeQuery(call: Call, options: { validate?: boolean } = {}): Record<string, string> {
  const query: Record<string, string> = {}
  if (call.flags.has('dry-run') && dryRunOf(call) === 'server') query['dryRun'] = 'All'
  if (call.flags.has('field-manager')) query['fieldManager'] = call.flags.text('field-manager')
  if (options.validate) query['fieldValidation'] = validation(call)
  return query
}

export function validation(call: Call): string {
  const value = call.flags.has('validate') ? call.flags.text('validate') : 'strict'
  const known: Record<string, string> = { strict: 'Strict', true: 'Strict', warn: 'Warn', ignore: 'Ignore', false: 'Ignore' }
  const found = known[value]
  if (!found) throw new Failure(`invalid - validate option ${quoted(value)}; must be one of: strict (or true), warn, ignore (or false)`)
  return found
}

export function createObject(call: Call, type: ResourceType, namespace: string | undefined, object: KubeObject): Promise<KubeObject> {
  return call.client().json('POST', pathOf(type, namespace), { body: object, query: writeQuery(call, { validate: true }) })
}

export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

export function sendPatch(
  call: Call,
  info: Info,
  kind: keyof typeof patchTypes,
  patch: unknown,
  subresource?: string,
): Promise<KubeObject> {
  const path = pathOf(info.type, info.namespace, info.name, subresource)
  const query = writeQuery(call, { validate: call.flags.has('validate') })
  return call.client().json('PATCH', path, { body: patch, contentType: patchTypes[kind], query })
}

/** Sends what makes `changed` of the object; undefined where nothing differs. With a client dry run nothing is sent. */
export async function sendChange(call: Call, info: Info, changed: KubeObject): Promise<KubeObject | undefined> {
  const strategic = patchesStrategically(info.type)
  const patch = strategic ? twoWayPatch(info.object, changed) : mergePatch(info.object, changed)
  if (Object.keys(patch).length === 0) return undefined
  if (call.flags.has('dry-run') && dryRunOf(call) === 'client') return changed
  return sendPatch(call, info, strategic ? 'strategic' : 'merge', patch)
}

/** `deployment.apps/web scaled`, or the object in the form that `-o` asks for. */
export async function report(call: Call, type: ResourceType, object: KubeObject, done: string, mark = dryRunMark(call)): Promise<void> {
  const whole = withType(type, object)
  const printer = printerOf(call)
  if (printer) return call.out(printer.print(whole) + printer.done())
  await call.out(`${namedObject(type, object.metadata?.name ?? '<unknown>')} ${done}${mark}\n`)
}

/** One printer for all objects of a run: it divides them. */
const printers = new WeakMap<Call, { readonly printer: ReturnType<typeof objectPrinter> }>()
function printerOf(call: Call): ReturnType<typeof objectPrinter> {
  const known = printers.get(call)
  if (known) return known.printer
  const printer = objectPrinter(call)
  printers.set(call, { printer })
  return printer
}

export function dryRunMark(call: Call): string {
  if (!call.flags.has('dry-run')) return ''
  const run = dryRunOf(call)
  return run === 'client' ? ' (dry run)' : run === 'server' ? ' (server dry run)' : ''
}

function withType(type: ResourceType, object: KubeObject): KubeObject {
  if (object.apiVersion && object.kind) return object
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind }
}

/** A new object in the order of Go's struct fields: JSON output keeps it. */
export function own(kind: string, apiVersion: string, rest: Record<string, unknown>): KubeObject {
  return markOwn({ kind, apiVersion, ...rest })
}

/** Names the step and the file in a refusal: `error when creating "web.yaml": …`. */
export function withSource(error: unknown, doing: string, source: string): unknown {
  if (error instanceof StatusFailure)
    return new StatusFailure({ ...error.status, message: `error when ${doing} ${quoted(source)}: ${error.status.message}` })
  if (error instanceof Failure && error.constructor === Failure)
    return new Failure(`error when ${doing} ${quoted(source)}: ${error.message}`)
  return error
}

export const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

/** The object with itself written into the last-applied annotation, as client-side apply and --save-config do. */
export function withLastApplied(object: KubeObject, namespace: string | undefined): KubeObject {
  const { [lastApplied]: _, ...annotations } = (object.metadata?.annotations ?? {}) as Record<string, string>
  const metadata = { ...object.metadata, annotations, ...(namespace ? { namespace } : {}) }
  const bare = { ...object, metadata }
  const recorded = `${compactJson(bare)}\n`
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [lastApplied]: recorded } } }
}
