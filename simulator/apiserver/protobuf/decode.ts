import { encodeBase64 } from '../../base64.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { badRequest, unsupportedMediaType } from '../status.ts'
import { messageOf, numberedFields } from './wire-types.ts'

/** The envelope of apimachinery's protobuf serializer: `k8s\0`, then a runtime.Unknown. */
const magic = [0x6b, 0x38, 0x73, 0x00]
const utf8 = new TextDecoder('utf-8', { fatal: true })
/** Deeper nesting is no API object but an attack on the stack. */
const deepest = 64

/**
 * A request body in `application/vnd.kubernetes.protobuf` as the object that its JSON form would be. Throws BadRequest for broken bytes and
 * UnsupportedMediaType for kinds that this decoder does not know.
 */
export function decodeProtobuf(bytes: Uint8Array): KubeObject {
  if (magic.some((byte, i) => bytes[i] !== byte))
    throw badRequest('provided data does not appear to be a protobuf message, expected prefix "k8s\\0"')
  try {
    return unwrapped(bytes.subarray(magic.length))
  } catch (error) {
    if (error instanceof Malformed || error instanceof TypeError) throw badRequest(`unable to decode the protobuf body: ${error.message}`)
    throw error
  }
}

class Malformed extends Error {}

function unwrapped(envelope: Uint8Array): KubeObject {
  let apiVersion = ''
  let kind = ''
  let raw: Uint8Array = new Uint8Array()
  for (const [number, value] of wire(envelope)) {
    if (number === 1) {
      for (const [part, text] of wire(bytesOf(value))) {
        if (part === 1) apiVersion = utf8.decode(bytesOf(text))
        else if (part === 2) kind = utf8.decode(bytesOf(text))
      }
    } else if (number === 2) raw = bytesOf(value)
  }
  const message = messageOf(apiVersion, kind)
  if (!message) {
    throw unsupportedMediaType(
      `the simulated API server does not decode ${kind || 'an unnamed kind'} of ${apiVersion} from protobuf; send application/json`,
    )
  }
  return { apiVersion, kind, ...decodeMessage(message, raw, 0) }
}

type WireValue = Uint8Array | bigint | number

/** Field numbers and raw values; the value of a fixed64 field is its double. */
function* wire(bytes: Uint8Array): Generator<[number, WireValue]> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined || shift > 63n) throw new Malformed('unexpected end of a number')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new Malformed('unexpected end of the message')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const number = Math.floor(tag / 8)
    switch (tag & 7) {
      case 0:
        yield [number, varint()]
        break
      case 1: {
        const eight = take(8)
        yield [number, new DataView(eight.buffer, eight.byteOffset, 8).getFloat64(0, true)]
        break
      }
      case 2:
        yield [number, take(Number(varint()))]
        break
      case 5:
        take(4)
        break
      default:
        throw new Malformed(`wire type ${tag & 7} is not used by Kubernetes`)
    }
  }
}

function bytesOf(value: WireValue): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new Malformed('a number stands where bytes are expected')
}

function decodeMessage(message: string, bytes: Uint8Array, depth: number): Record<string, unknown> {
  if (depth > deepest) throw new Malformed('the message is nested too deeply')
  const fields = numberedFields(message)
  const result: Record<string, unknown> = {}
  for (const [number, value] of wire(bytes)) {
    const field = fields.get(number)
    // Fields newer than this table are unknown ones, which protobuf readers skip.
    if (!field) continue
    if (field.map) {
      const [key, entry] = mapEntry(field.type, bytesOf(value), depth)
      result[field.name] = { ...(result[field.name] as object), [key]: entry }
    } else if (field.list) {
      const list = (result[field.name] ??= []) as unknown[]
      list.push(decodeValue(field.type, value, depth))
    } else if (field.name === '.') {
      Object.assign(result, decodeMessage(field.type, bytesOf(value), depth + 1))
    } else {
      const decoded = decodeValue(field.type, value, depth)
      if (field.keepsZero || !isZero(decoded)) result[field.name] = decoded
    }
  }
  return result
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false || value === null
}

function mapEntry(type: string, bytes: Uint8Array, depth: number): [string, unknown] {
  let key = ''
  // An entry without a value has the zero one.
  let entry: WireValue = new Uint8Array()
  for (const [number, value] of wire(bytes)) {
    if (number === 1) key = utf8.decode(bytesOf(value))
    else if (number === 2) entry = value
  }
  return [key, decodeValue(type, entry, depth)]
}

function decodeValue(type: string, value: WireValue, depth: number): unknown {
  switch (type) {
    case 's':
      return utf8.decode(bytesOf(value))
    case 'b':
      return integer(value) !== 0
    case 'i':
      return integer(value)
    case 'd':
      return Number(value)
    case 'y':
      return encodeBase64(bytesOf(value))
    case 'T':
    case 'U':
      return time(bytesOf(value), type === 'U')
    case 'Q':
      return [...wire(bytesOf(value))].map(([, text]) => utf8.decode(bytesOf(text)))[0] ?? '0'
    case 'I':
      return intOrString(bytesOf(value))
    case 'R':
    case 'F': {
      const raw = [...wire(bytesOf(value))].find(([number]) => number === 1)
      return raw ? json(bytesOf(raw[1])) : null
    }
    case 'J': {
      const raw = [...wire(bytesOf(value))].find(([number]) => number === 1)
      return raw ? json(bytesOf(raw[1])) : null
    }
    case 'S':
      return schemaOrOther(bytesOf(value), depth)
    case 'E':
      return [...wire(bytesOf(value))].map(([, text]) => utf8.decode(bytesOf(text)))
    default:
      return decodeMessage(type, bytesOf(value), depth + 1)
  }
}

/** JSONSchemaPropsOrBool, …OrArray and …OrStringArray: told apart by what is set. */
function schemaOrOther(bytes: Uint8Array, depth: number): unknown {
  const list: unknown[] = []
  let allows = false
  let schema: unknown
  for (const [, value] of wire(bytes)) {
    if (typeof value === 'bigint') {
      allows = value !== 0n
      continue
    }
    const decoded = decodeMessage('apiextensions.JSONSchemaProps', bytesOf(value), depth + 1)
    if (schema === undefined) schema = decoded
    else list.push(decoded)
  }
  return schema === undefined ? allows : list.length > 0 ? [schema, ...list] : schema
}

function integer(value: WireValue): number {
  if (typeof value !== 'bigint') throw new Malformed('bytes stand where a number is expected')
  return Number(BigInt.asIntN(64, value))
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    throw new Malformed('an embedded document is not JSON')
  }
}

function time(bytes: Uint8Array, micro: boolean): string | null {
  let seconds = 0
  let nanos = 0
  let given = false
  for (const [number, value] of wire(bytes)) {
    given = true
    if (number === 1) seconds = integer(value)
    else if (number === 2) nanos = integer(value)
  }
  // Go's zero time, which JSON writes as null.
  if (!given || seconds <= -62_135_596_800) return null
  if (Math.abs(seconds) > 8.64e12) throw new Malformed('a time is out of range')
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19)
  return micro ? `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${whole}Z`
}

function intOrString(bytes: Uint8Array): number | string {
  let isText = false
  let number = 0
  let text = ''
  for (const [field, value] of wire(bytes)) {
    if (field === 1) isText = integer(value) === 1
    else if (field === 2) number = integer(value)
    else if (field === 3) text = utf8.decode(bytesOf(value))
  }
  return isText ? text : number
}
