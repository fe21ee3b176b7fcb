import type { OpenapiSchema } from './schema.ts'
import type { OpenapiV2 } from './v2.ts'

const encoder = new TextEncoder()

/** The document as gnostic's openapi.v2.Document (OpenAPIv2.proto of google/gnostic-models), the only form that client-go reads. */
export function encodeOpenapiV2({ swagger, info, definitions }: OpenapiV2): Uint8Array<ArrayBuffer> {
  const named = Object.entries(definitions).map(([name, schema]) => message(1, [text(1, name), message(2, schemaParts(schema))]))
  return joined([
    text(1, swagger),
    message(2, [text(1, info.title), text(2, info.version)]),
    message(8, []),
    ...(named.length > 0 ? [message(9, named)] : []),
  ])
}

function schemaParts(schema: OpenapiSchema): Uint8Array<ArrayBuffer>[] {
  const parts: Uint8Array<ArrayBuffer>[] = []
  if (schema.$ref) parts.push(text(1, schema.$ref))
  if (schema.format) parts.push(text(2, schema.format))
  if (schema.description) parts.push(text(4, schema.description))
  if (schema.default !== undefined) parts.push(any(5, schema.default))
  for (const name of schema.required ?? []) parts.push(text(19, name))
  for (const value of schema.enum ?? []) parts.push(any(20, value))
  if (typeof schema.additionalProperties === 'object') parts.push(message(21, [message(1, schemaParts(schema.additionalProperties))]))
  if (schema.additionalProperties === true) parts.push(message(21, [Uint8Array.of((2 << 3) | 0, 1)]))
  if (schema.type) parts.push(message(22, [text(1, schema.type)]))
  if (schema.items) parts.push(message(23, [message(1, schemaParts(schema.items))]))
  for (const inner of schema.allOf ?? []) parts.push(message(24, schemaParts(inner)))
  if (schema.properties) {
    const named = Object.entries(schema.properties).map(([name, inner]) => message(1, [text(1, name), message(2, schemaParts(inner))]))
    parts.push(message(25, named))
  }
  for (const [name, value] of Object.entries(schema)) {
    if (name.startsWith('x-')) parts.push(message(31, [text(1, name), any(2, value)]))
  }
  return parts
}

/** openapi.v2.Any holds YAML, which JSON is. */
function any(field: number, value: unknown): Uint8Array<ArrayBuffer> {
  return message(field, [text(2, JSON.stringify(value))])
}

function text(field: number, value: string): Uint8Array<ArrayBuffer> {
  return message(field, [encoder.encode(value)])
}

/** A field of wire type 2: its key, the length, the content. */
function message(field: number, parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const content = joined(parts)
  return joined([varint((field << 3) | 2), varint(content.length), content])
}

function varint(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = []
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128)
  return Uint8Array.of(...bytes, value)
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
