import type { FieldError } from './definition.ts'

/**
 * Constructors for one cause each of an `Invalid` Status, after apimachinery's util/validation/field: the same prefixes, and the bad
 * value rendered as Go does (numbers and booleans bare, strings quoted, everything else as JSON with Go's HTML escapes).
 */
export function required(field: string, detail = ''): FieldError {
  return { reason: 'FieldValueRequired', field, message: withDetail('Required value', detail) }
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: withDetail(`Invalid value: ${renderValue(value)}`, detail) }
}

export function duplicate(field: string, value: unknown, detail = ''): FieldError {
  return { reason: 'FieldValueDuplicate', field, message: withDetail(`Duplicate value: ${renderValue(value)}`, detail) }
}

export function notFound(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueNotFound', field, message: `Not found: ${renderValue(value)}` }
}

export function forbidden(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: withDetail('Forbidden', detail) }
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length ? `supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}` : ''
  return { reason: 'FieldValueNotSupported', field, message: withDetail(`Unsupported value: ${renderValue(value)}`, detail) }
}

export function tooLong(field: string, limit: number): FieldError {
  return { reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${limit} ${limit === 1 ? 'byte' : 'bytes'}` }
}

export function tooMany(field: string, actual: number, limit: number): FieldError {
  return {
    reason: 'FieldValueTooMany',
    field,
    message: `Too many: ${actual}: must have at most ${limit} ${limit === 1 ? 'item' : 'items'}`,
  }
}

/** One `Invalid` for every sentence that a name check gave. */
export function invalidEach(field: string, value: unknown, sentences: readonly string[]): FieldError[] {
  return sentences.map((sentence) => invalid(field, value, sentence))
}

const isNegative = 'must be greater than or equal to 0'

export function nonNegative(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, isNegative)] : []
}

export const immutable = 'field is immutable'

/** Refuses any difference. Absent, empty and null count as the same, as in Go's semantic equality. */
export function unchanged(field: string, value: unknown, previous: unknown): FieldError[] {
  return sameValue(value, previous) ? [] : [invalid(field, value, immutable)]
}

/** Deep equality over JSON, with absent, null, `[]` and `{}` alike (apimachinery's Semantic.DeepEqual on nil and empty). */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b)
  if (typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => sameValue(item, b[index]))
  }
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  for (const key in left) if (!sameValue(left[key], right[key])) return false
  for (const key in right) if (!(key in left) && !isEmpty(right[key])) return false
  return true
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return value.length === 0
  for (const key in value) if (!isEmpty((value as Record<string, unknown>)[key])) return false
  return true
}

function renderValue(value: unknown): string {
  if (value === undefined || value === null) return 'null'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  return goJson(value)
}

/** JSON as Go's encoder writes it: `<`, `>` and `&` escaped, maps of strings in key order. */
export function goJson(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (isStringMap(item) ? sortedByKey(item) : item)).replace(
    /[<>&]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  )
}

function isStringMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((item) => typeof item === 'string')
}

function sortedByKey(map: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function withDetail(prefix: string, detail: string): string {
  return detail ? `${prefix}: ${detail}` : prefix
}
