/** The difference of two values as a unified diff (three lines of context) of their indented JSON: one hunk from first to last change. */
export function unifiedDiff(a: unknown, b: unknown): string {
  const before = JSON.stringify(sorted(a), null, 1).split('\n')
  const after = JSON.stringify(sorted(b), null, 1).split('\n')
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let tail = 0
  while (tail < before.length - start && tail < after.length - start && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  const from = Math.max(0, start - 3)
  const context = Math.min(3, tail)
  const endBefore = before.length - tail
  const endAfter = after.length - tail
  const lines = [
    `@@ -${from + 1},${endBefore + context - from} +${from + 1},${endAfter + context - from} @@`,
    ...before.slice(from, start).map((line) => ` ${line}`),
    ...before.slice(start, endBefore).map((line) => `-${line}`),
    ...after.slice(start, endAfter).map((line) => `+${line}`),
    ...before.slice(endBefore, endBefore + context).map((line) => ` ${line}`),
  ]
  return `${lines.join('\n')}\n`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}
