/** How many bytes a value takes as JSON, near enough to hold a limit against: characters of strings count as one byte each. */
export function jsonBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return value.length + 2
    case 'number':
      return String(value).length
    case 'boolean':
      return value ? 4 : 5
    case 'object':
      break
    default:
      return 0
  }
  if (value === null) return 4
  let bytes = 2
  if (Array.isArray(value)) {
    for (const item of value) bytes += jsonBytes(item) + 1
    return bytes
  }
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key]
    if (inner !== undefined) bytes += key.length + 4 + jsonBytes(inner)
  }
  return bytes
}
