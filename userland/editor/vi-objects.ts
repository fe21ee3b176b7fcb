import type { Text } from './text.ts'

/** The columns of a text object in the cursor's line: `iw`, `aw`, `i"`, `i(` and the like; undefined where there is none. */
export function textObject(text: Text, kind: 'i' | 'a', key: string): { from: number; to: number } | undefined {
  const { line, column } = text
  let from = -1
  let to = -1
  if (key === 'w') {
    const type = (char: string | undefined) => (char === undefined || /\s/.test(char) ? 0 : /\w/.test(char) ? 1 : 2)
    from = to = column
    while (from > 0 && type(line[from - 1]) === type(line[column])) from--
    while (to < line.length && type(line[to]) === type(line[column])) to++
    if (kind === 'a') while (to < line.length && /\s/.test(line[to] as string)) to++
  } else if (/["'`]/.test(key)) {
    const quotes = [...line.matchAll(new RegExp(key, 'g'))].map((match) => match.index)
    for (let index = 0; index + 1 < quotes.length; index += 2) {
      if (column > (quotes[index + 1] as number)) continue
      from = quotes[index] as number
      to = (quotes[index + 1] as number) + 1
      break
    }
    if (kind === 'i' && from >= 0) {
      from++
      to--
    }
  } else if (/[()[\]{}]/.test(key)) {
    const [open, close] = { '(': '()', ')': '()', '[': '[]', ']': '[]', '{': '{}', '}': '{}' }[key] as unknown as [string, string]
    from = line.lastIndexOf(open, column)
    to = line.indexOf(close, column) + 1
    if (from < 0 || to === 0) return undefined
    if (kind === 'i') {
      from++
      to--
    }
  }
  return from < 0 ? undefined : { from, to }
}
