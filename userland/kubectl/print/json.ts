/**
 * JSON with 4 spaces as kubectl prints it, `<`, `>` and `&` escaped as Go does. Keys are sorted, as those of objects that came from the
 * server are; `inOrder` keeps them as they stand, as for objects that kubectl itself has put together.
 */
export function jsonText(value: unknown, inOrder = false): string {
  return `${escapeHtml(JSON.stringify(inOrder ? value : sorted(value), null, 4) ?? 'null')}\n`
}

/** One line, keys sorted, escaped: what Go's json.Marshal makes of a map. */
export function compactJson(value: unknown): string {
  return escapeHtml(JSON.stringify(sorted(value)) ?? 'null')
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
