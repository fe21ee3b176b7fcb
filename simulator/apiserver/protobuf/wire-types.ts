import { extensionKinds, extensionMessages } from './extension-messages.ts'
import { kinds } from './kinds.ts'
import { messages } from './messages.ts'

/**
 * The fields and wire numbers of the Kubernetes API types serve to decode the protobuf of typed Go clients, to validate fields, and to know
 * how lists and objects merge. messages.ts has a line per message and an entry per field: `number:jsonName:type`, where `.` as the
 * name is an inlined struct, `[]` before the type a list, `{}` a map from strings, and a trailing `!` a field that JSON shows even when it is
 * zero. Types: s string, b boolean, i integer, d double, y bytes, T Time, U MicroTime, D Duration, Q Quantity, I IntOrString,
 * R RawExtension, F FieldsV1, E a list of strings as a message of its own, J any JSON (as a message of its bytes), S a schema or in its
 * place a boolean or a list of schemas; anything else is a message of the table. After `|` stand the
 * merge tags: `merge` or `merge=KEY` and `retainKeys` (strategic merge patch), `set`, `keys=A+B` and `atomic` (server-side apply), and
 * `default=VALUE`.
 */
export interface WireField {
  /** JSON name; `.` for an inlined struct. */
  readonly name: string
  readonly number: number
  readonly type: string
  readonly list: boolean
  readonly map: boolean
  /** JSON shows it even when it is zero. */
  readonly keepsZero: boolean
  /** Name of the Go struct that declares it. */
  readonly owner: string
  /** The merge tags, as they stand: `merge=name,keys=name`; strategies.ts reads them. */
  readonly tags: string
}

/** The message of a kind, undefined where the kind is not in the table. */
export function messageOf(apiVersion: string, kind: string): string | undefined {
  if (kind === 'DeleteOptions') return 'meta.DeleteOptions'
  const key = `${apiVersion}/${kind}`
  return kinds[key] ?? extensionKinds[key]
}

/** By `apiVersion/kind`. */
export const messagesByKind: ReadonlyMap<string, string> = new Map(Object.entries({ ...kinds, ...extensionKinds }))

/** Whether a field's type is a message of the table. */
export function isMessage(type: string): boolean {
  return messages[type] !== undefined || extensionMessages[type] !== undefined
}

const byNumber = new Map<string, ReadonlyMap<number, WireField>>()

export function numberedFields(message: string): ReadonlyMap<number, WireField> {
  let fields = byNumber.get(message)
  if (!fields) byNumber.set(message, (fields = new Map(parse(message).map((field) => [field.number, field]))))
  return fields
}

const byName = new Map<string, ReadonlyMap<string, WireField>>()

/** By JSON name, those of inlined structs included. */
export function messageFields(message: string): ReadonlyMap<string, WireField> {
  let fields = byName.get(message)
  if (!fields) {
    const all = parse(message).flatMap((field) => (field.name === '.' ? [...messageFields(field.type).values()] : [field]))
    byName.set(message, (fields = new Map(all.map((field) => [field.name, field]))))
  }
  return fields
}

function parse(message: string): WireField[] {
  const owner = message.slice(message.indexOf('.') + 1)
  const entries = (messages[message] ?? extensionMessages[message])!.split(' ').filter((entry) => entry !== '')
  return entries.map((entry) => {
    const [, number, name, shape, type, keep, tags = ''] = /^(\d+):([^:]+):(\[\]|\{\})?([^!|]+)(!?)(?:\|(.*))?$/.exec(entry)!
    const keepsZero = keep === '!'
    return { number: Number(number), name: name!, type: type!, list: shape === '[]', map: shape === '{}', keepsZero, owner, tags }
  })
}
