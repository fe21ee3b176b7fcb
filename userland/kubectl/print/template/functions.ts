import { goQuoted, goText as textOf } from '../go-value.ts'

const goText = (value: unknown) => textOf(value, true)

/** A call that fails; the text follows `error calling NAME: `. */
export class CallError extends Error {}

type Run = (values: readonly unknown[]) => unknown

/** Go's idea of truth in templates: everything but the zero value. */
export function truth(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (value && typeof value === 'object') return Object.keys(value).length > 0
  return Boolean(value)
}

function sameKind(a: unknown, b: unknown): boolean {
  if (a === undefined || a === null || b === undefined || b === null) return true
  return typeof a === typeof b
}

function equal(a: unknown, b: unknown): boolean {
  for (const one of [a, b]) if (one !== null && typeof one === 'object') throw new CallError(`non-comparable type ${one}: ${typeName(one)}`)
  if (!sameKind(a, b)) throw new CallError('incompatible types for comparison')
  return (a ?? null) === (b ?? null)
}

function less(a: unknown, b: unknown): boolean {
  const basic = (value: unknown) => typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
  if (!basic(a) || !basic(b)) throw new CallError('invalid type for comparison')
  if (!sameKind(a, b)) throw new CallError('incompatible types for comparison')
  return (a as number) < (b as number)
}

export function typeName(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}'
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'object') return 'map[string]interface {}'
  if (typeof value === 'boolean') return 'bool'
  return { bigint: 'int64', number: 'float64' }[typeof value as string] ?? 'string'
}

function length(value: unknown): bigint {
  if (typeof value === 'string') return BigInt(new TextEncoder().encode(value).length)
  if (Array.isArray(value)) return BigInt(value.length)
  if (value && typeof value === 'object') return BigInt(Object.keys(value).length)
  throw new CallError(value === null || value === undefined ? 'len of nil pointer' : `len of type ${typeName(value)}`)
}

function index([item, ...keys]: readonly unknown[]): unknown {
  if (item === null || item === undefined) throw new CallError('index of untyped nil')
  return keys.reduce((value: any, key) => {
    if (Array.isArray(value) || typeof value === 'string') {
      if (typeof key !== 'bigint') throw new CallError(`cannot index slice/array with type ${typeName(key)}`)
      if (key < 0 || key >= value.length) throw new CallError(`index out of range: ${key}`)
      return typeof value === 'string' ? BigInt(value.charCodeAt(Number(key))) : value[Number(key)]
    }
    if (value === null || value === undefined) throw new CallError('index of nil pointer')
    if (typeof value !== 'object') throw new CallError(`can't index item of type ${typeName(value)}`)
    if (typeof key !== 'string') throw new CallError(`value has type ${key === undefined ? 'nil' : typeName(key)}; should be string`)
    return value[key]
  }, item)
}

function slice([item, from = 0, to]: readonly unknown[]): unknown {
  if (typeof item !== 'string' && !Array.isArray(item)) throw new CallError(`can't slice item of type ${typeName(item)}`)
  const [start, end] = [Number(from), Number(to ?? item.length)]
  for (const at of [start, end]) if (at < 0 || at > item.length) throw new CallError(`index out of range: ${at}`)
  if (start > end) throw new CallError(`invalid slice index: ${start} > ${end}`)
  return item.slice(start, end)
}

/** fmt.Sprint: blanks between operands of which neither is a string. */
function sprint(values: readonly unknown[]): string {
  return values.reduce<string>((text, value, at) => {
    const blank = at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string'
    return text + (blank ? ' ' : '') + goText(value)
  }, '')
}

/** fmt.Sprintf for the verbs that values of JSON have. */
function sprintf([format, ...values]: readonly unknown[]): string {
  let at = 0
  const text = String(format).replace(
    /%([-+# 0]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%'
      if (at >= values.length) return `%!${verb}(MISSING)`
      const shown = formatted(verb, flags, precision, values[at++])
      if (flags.includes('-')) return shown.padEnd(Number(width || 0))
      return shown.padStart(Number(width || 0), flags.includes('0') && /[dfx]/.test(verb) ? '0' : ' ')
    },
  )
  const extra = values.slice(at)
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.map((one) => `${typeName(one)}=${goText(one)}`).join(', ')})`
}

function formatted(verb: string, flags: string, precision: string | undefined, value: unknown): string {
  if (verb === 'v') return goText(value)
  if (verb === 'T') return typeName(value)
  if (verb === 's' && typeof value === 'string') return precision === undefined ? value : value.slice(0, Number(precision))
  if (verb === 's' && value !== null && typeof value === 'object') return goText(value)
  if (verb === 'q' && typeof value === 'string') return goQuoted(value)
  if (verb === 'd' && typeof value === 'bigint') return flags.includes('+') && value >= 0 ? `+${value}` : String(value)
  if (verb === 'x' && typeof value === 'bigint') return value.toString(16)
  if (verb === 'f' && typeof value === 'number') return value.toFixed(Number(precision ?? 6))
  if (verb === 't' && typeof value === 'boolean') return String(value)
  return value === null || value === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${typeName(value)}=${goText(value)})`
}

const html: Record<string, string> = { '"': '&#34;', "'": '&#39;', '&': '&amp;', '<': '&lt;', '>': '&gt;', '\0': '\ufffd' }
const script: Record<string, string> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
  '\n': '\\u000A',
}

/** text/template's own functions, and kubectl's `exists` and `base64decode`. `and` and `or` are asked operand by operand and stand elsewhere. */
export const functions: Readonly<Record<string, { readonly least: number; readonly most?: number; readonly run: Run }>> = {
  not: { least: 1, most: 1, run: ([value]) => !truth(value) },
  eq: {
    least: 1,
    run: ([first, ...rest]) => {
      if (rest.length === 0) throw new CallError('missing argument for comparison')
      return rest.some((one) => equal(first, one))
    },
  },
  ne: { least: 2, most: 2, run: ([a, b]) => !equal(a, b) },
  lt: { least: 2, most: 2, run: ([a, b]) => less(a, b) },
  le: { least: 2, most: 2, run: ([a, b]) => less(a, b) || equal(a, b) },
  gt: { least: 2, most: 2, run: ([a, b]) => !(less(a, b) || equal(a, b)) },
  ge: { least: 2, most: 2, run: ([a, b]) => !less(a, b) },
  len: { least: 1, most: 1, run: ([value]) => length(value) },
  index: { least: 1, run: index },
  slice: { least: 1, run: slice },
  print: { least: 0, run: sprint },
  println: { least: 0, run: (values) => `${values.map((one) => goText(one)).join(' ')}\n` },
  printf: { least: 1, run: sprintf },
  html: { least: 0, run: (values) => sprint(values).replace(/["'&<>\0]/g, (letter) => html[letter] as string) },
  js: { least: 0, run: (values) => sprint(values).replace(/[\\'"<>&=\n]/g, (letter) => script[letter] as string) },
  urlquery: { least: 0, run: (values) => new URLSearchParams([['', sprint(values)]]).toString().slice(1) },
  exists: {
    least: 1,
    run: ([item, ...keys]) => {
      try {
        const found = index([item, ...keys])
        return found !== undefined && found !== null
      } catch (error) {
        if (error instanceof CallError) return false
        throw error
      }
    },
  },
  base64decode: {
    least: 1,
    most: 1,
    run: ([value]) => {
      if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(String(value)))
        throw new CallError('base64 decode failed: illegal base64 data at input byte 0')
      return new TextDecoder().decode(Uint8Array.from(atob(String(value)), (letter) => letter.charCodeAt(0)))
    },
  },
}

export const functionNames: ReadonlySet<string> = new Set([...Object.keys(functions), 'and', 'or', 'call'])
