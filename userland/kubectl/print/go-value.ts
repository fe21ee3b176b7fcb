/** Go's `%v` of what JSON can hold. Whole numbers are int64, or `floats` as to whoever decoded without a schema. */
export function goText(value: unknown, floats = false): string {
  if (value === undefined || value === null) return '<nil>'
  if (Array.isArray(value)) return `[${value.map((item) => goText(item, floats)).join(' ')}]`
  if (typeof value === 'number') return floats ? goFloat(value) : goNumber(value)
  if (typeof value !== 'object') return String(value)
  return `map[${sortedEntries(value)
    .map(([key, one]) => `${key}:${goText(one, floats)}`)
    .join(' ')}]`
}

/** Go's `%#v` of decoded JSON: what the messages about JSONPath show. */
export function goSyntax(value: unknown): string {
  if (value === undefined || value === null) return 'interface {}(nil)'
  if (typeof value === 'string') return goQuoted(value)
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (typeof value === 'number') return goNumber(value)
  if (typeof value !== 'object') return String(value)
  return `map[string]interface {}{${sortedEntries(value)
    .map(([key, one]) => `${goQuoted(key)}:${goSyntax(one)}`)
    .join(', ')}}`
}

/** strconv.Quote. */
export function goQuoted(text: string): string {
  const short: Record<string, string> = { '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' }
  let quoted = ''
  for (const letter of text) {
    const code = letter.codePointAt(0) as number
    if (letter === '"' || letter === '\\') quoted += `\\${letter}`
    else if (code < 0x20 || code === 0x7f) quoted += short[letter] ?? `\\x${code.toString(16).padStart(2, '0')}`
    else quoted += letter
  }
  return `"${quoted}"`
}

/** `%v` of an int64, or of a float64 that is no whole number. */
function goNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : goFloat(value)
}

/** `%v` of a float64: an exponent from a million on, as strconv's shortest form has it. */
function goFloat(value: number): string {
  const [digits = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return value.toString()
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

function sortedEntries(value: object): [string, unknown][] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
}
