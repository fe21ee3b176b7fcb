/**
 * JSON with 4 spaces as kubectl prints it, `<`, `>` and `&` escaped as Go does. Keys are sorted, as those of objects that came from the
 * server are; `inOrder` keeps them as they stand, as for objects that kubectl itself has put together.
 */
export function jsonText(value: unknown, inOrder = false): string {
  return `${stringify(value, 4, !inOrder, '\n')}\n`
}

/** One line, keys sorted, escaped: what Go's json.Marshal makes of a map. */
export function compactJson(value: unknown): string {
  return stringify(value, 0, true, '')
}

// Own code, since a JavaScript object cannot keep keys that look like numbers in any other order than theirs.
function stringify(value: unknown, indent: number, sort: boolean, newline: string): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return escapeHtml(JSON.stringify(value))
  if (typeof value !== 'object') return String(value)
  const inner = newline === '' ? '' : newline + ' '.repeat(indent)
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    return `[${inner}${value.map((item) => stringify(item, indent, sort, inner)).join(`,${inner}`)}${newline}]`
  }
  const object = value as Record<string, unknown>
  const keys = Object.keys(object).filter((key) => object[key] !== undefined)
  if (keys.length === 0) return '{}'
  if (sort) keys.sort((a, b) => (a < b ? -1 : 1))
  const colon = newline === '' ? ':' : ': '
  return `{${inner}${keys.map((key) => escapeHtml(JSON.stringify(key)) + colon + stringify(object[key], indent, sort, inner)).join(`,${inner}`)}${newline}}`
}

const unsafe: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' }

function escapeHtml(text: string): string {
  return text.replace(/[<>&\u2028\u2029]/g, (letter) => unsafe[letter] as string)
}

export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const object = value as Record<string, unknown>
  return Object.fromEntries(
    Object.keys(object)
      .sort((a, b) => (a < b ? -1 : 1))
      .map((key) => [key, sorted(object[key])]),
  )
}
