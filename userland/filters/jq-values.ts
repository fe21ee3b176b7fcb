import type { Json } from './jq-syntax.ts'

/** An error of the running filter: what `try` catches. */
export class JqError extends Error {
  readonly value: Json
  constructor(value: Json) {
    super(typeof value === 'string' ? value : `${JSON.stringify(value)} (not a string)`)
    this.value = value
  }
}

export function typeOf(value: Json): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

/** A value as jq's messages show it: shortened. */
export function shown(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > 11 ? `${text.slice(0, 10)}...` : text
}

export function describe(value: Json): string {
  return value === null ? 'null (null)' : `${typeOf(value)} (${shown(value)})`
}

export function isTrue(value: Json): boolean {
  return value !== null && value !== false
}

const order = ['null', 'false', 'true', 'number', 'string', 'array', 'object']
const rank = (value: Json) => order.indexOf(typeof value === 'boolean' ? `${value}` : typeOf(value))

/** jq's total order of values. */
export function compare(a: Json, b: Json): number {
  const difference = rank(a) - rank(b)
  if (difference !== 0) return difference
  if (typeof a === 'number') return a - (b as number)
  if (typeof a === 'string') return a < (b as string) ? -1 : a > (b as string) ? 1 : 0
  if (Array.isArray(a)) {
    const other = b as Json[]
    for (let index = 0; index < Math.min(a.length, other.length); index++) {
      const result = compare(a[index] as Json, other[index] as Json)
      if (result !== 0) return result
    }
    return a.length - other.length
  }
  if (a !== null && typeof a === 'object') {
    const other = b as { [key: string]: Json }
    const keys = Object.keys(a).sort()
    const keysOrder = compare(keys, Object.keys(other).sort())
    if (keysOrder !== 0) return keysOrder
    for (const key of keys) {
      const result = compare(a[key] as Json, other[key] as Json)
      if (result !== 0) return result
    }
  }
  return 0
}

export function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key] as Json)]),
  )
}

/** `a op b` for the arithmetic operators. Throws `JqError` in jq's words. */
export function arithmetic(operator: string, a: Json, b: Json): Json {
  if (typeof a === 'number' && typeof b === 'number') {
    switch (operator) {
      case '+':
        return a + b
      case '-':
        return a - b
      case '*':
        return a * b
      default:
        if (b === 0 || (operator === '%' && Math.trunc(b) === 0))
          throw new JqError(`${describe(a)} and ${describe(b)} cannot be divided because the divisor is zero`)
        return operator === '/' ? a / b : Math.trunc(a) % Math.trunc(b)
    }
  }
  if (operator === '+') {
    if (a === null) return b
    if (b === null) return a
    if (typeof a === 'string' && typeof b === 'string') return a + b
    if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b]
    if (isObject(a) && isObject(b)) return { ...a, ...b }
    throw new JqError(`${describe(a)} and ${describe(b)} cannot be added`)
  }
  if (operator === '-') {
    if (Array.isArray(a) && Array.isArray(b)) return a.filter((item) => !b.some((other) => compare(item, other) === 0))
    throw new JqError(`${describe(a)} and ${describe(b)} cannot be subtracted`)
  }
  if (operator === '*') {
    if (typeof a === 'string' && typeof b === 'number') return b > 0 ? a.repeat(Math.max(1, Math.floor(b))) : null
    if (isObject(a) && isObject(b)) return merge(a, b)
    throw new JqError(`${describe(a)} and ${describe(b)} cannot be multiplied`)
  }
  if (operator === '/' && typeof a === 'string' && typeof b === 'string') return a === '' ? [] : a.split(b)
  throw new JqError(`${describe(a)} and ${describe(b)} cannot be divided`)
}

export function isObject(value: Json): value is { [key: string]: Json } {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function merge(a: { [key: string]: Json }, b: { [key: string]: Json }): Json {
  const merged = { ...a }
  for (const [key, value] of Object.entries(b)) {
    const before = merged[key]
    merged[key] = before !== undefined && isObject(before) && isObject(value) ? merge(before, value) : value
  }
  return merged
}

/** `.[key]`. Throws `JqError`. */
export function index(value: Json, key: Json): Json {
  if (value === null) return null
  if (isObject(value) && typeof key === 'string') return Object.hasOwn(value, key) ? (value[key] as Json) : null
  if (Array.isArray(value) && typeof key === 'number') return value.at(Math.floor(key)) ?? null
  if (Array.isArray(value) && isObject(key)) return slice(value, key['start'] ?? null, key['end'] ?? null)
  if (typeof key === 'string') throw new JqError(`Cannot index ${typeOf(value)} with "${key}"`)
  throw new JqError(`Cannot index ${typeOf(value)} with ${typeOf(key)}`)
}

export function slice(value: Json, from: Json, to: Json): Json {
  if (value === null) return null
  const start = from === null ? 0 : Math.floor(from as number)
  const end = to === null ? undefined : Math.ceil(to as number)
  if (typeof value === 'string') return [...value].slice(start, end).join('')
  if (Array.isArray(value)) return value.slice(start, end)
  throw new JqError(`Cannot index ${typeOf(value)} with object`)
}

/** A copy of `value` with `replacement` at `path`. */
export function setPath(value: Json, path: readonly Json[], replacement: Json): Json {
  if (path.length === 0) return replacement
  const [key, ...rest] = path as [Json, ...Json[]]
  if (isObject(key)) {
    const items = (value ?? []) as Json[]
    const start = (key['start'] as number | null) ?? 0
    const end = (key['end'] as number | null) ?? items.length
    const part = setPath(items.slice(start, end), rest, replacement)
    return [...items.slice(0, start), ...(part as Json[]), ...items.slice(end)]
  }
  if (typeof key === 'number') {
    if (value !== null && !Array.isArray(value)) throw new JqError(`Cannot index ${typeOf(value)} with number`)
    const copy = [...(value ?? [])]
    const at = key < 0 ? copy.length + key : key
    if (at < 0) throw new JqError('Out of bounds negative array index')
    while (copy.length < at) copy.push(null)
    copy[at] = setPath(copy[at] ?? null, rest, replacement)
    return copy
  }
  if (value !== null && !isObject(value)) throw new JqError(`Cannot index ${typeOf(value)} with "${key}"`)
  return { ...value, [key as string]: setPath(value?.[key as string] ?? null, rest, replacement) }
}

export function deletePath(value: Json, path: readonly Json[]): Json {
  if (value === null || path.length === 0) return null
  const [key, ...rest] = path as [Json, ...Json[]]
  if (rest.length > 0) {
    const child = index(value, key)
    return child === null ? value : setPath(value, [key], deletePath(child, rest))
  }
  if (Array.isArray(value) && typeof key === 'number') return value.filter((_, at) => at !== (key < 0 ? value.length + key : key))
  if (Array.isArray(value) && isObject(key)) {
    const removed = new Set(
      slice(
        value.map((_, at) => at),
        key['start'] ?? null,
        key['end'] ?? null,
      ) as number[],
    )
    return value.filter((_, at) => !removed.has(at))
  }
  if (isObject(value) && typeof key === 'string') {
    const { [key]: _, ...others } = value
    return others
  }
  throw new JqError(`Cannot delete field at ${typeOf(value)} index of ${typeOf(value)}`)
}

const escapesHtml: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&#39;', '"': '&quot;' }

/** `@base64` and its like applied to a value. Throws `JqError`. */
export function applyFormat(name: string, value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const row = (what: string): Json[] => {
    if (!Array.isArray(value)) throw new JqError(`${describe(value)} cannot be ${what}-formatted, only an array can be`)
    return value
  }
  const cell = (item: Json, what: string): string => {
    if (item === null) return ''
    if (typeof item === 'object') throw new JqError(`${describe(item)} is not valid in a ${what} row`)
    return `${item}`
  }
  switch (name) {
    case '@text':
      return text
    case '@json':
      return JSON.stringify(value)
    case '@tsv':
      return row('tsv')
        .map((item) => cell(item, 'tsv').replace(/\\/g, '\\\\').replace(/\t/g, '\\t').replace(/\n/g, '\\n').replace(/\r/g, '\\r'))
        .join('\t')
    case '@csv':
      return row('csv')
        .map((item) => (typeof item === 'string' ? `"${item.replace(/"/g, '""')}"` : cell(item, 'csv')))
        .join(',')
    case '@sh':
      return (Array.isArray(value) ? value : [value])
        .map((item) => (typeof item === 'string' ? `'${item.replace(/'/g, "'\\''")}'` : JSON.stringify(item)))
        .join(' ')
    case '@html':
      return text.replace(/[<>&'"]/g, (char) => escapesHtml[char] as string)
    case '@uri':
      return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    case '@base64': {
      let binary = ''
      for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte)
      return btoa(binary)
    }
    case '@base64d':
      try {
        return new TextDecoder().decode(Uint8Array.from(atob(text.replace(/=+$/, '')), (char) => char.charCodeAt(0)))
      } catch {
        throw new JqError(`${describe(value)} is not valid base64 data`)
      }
    default:
      throw new JqError(`${name.slice(1)} is not a valid format`)
  }
}
