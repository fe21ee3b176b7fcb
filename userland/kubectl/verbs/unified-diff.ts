/** Lines of context around a change. */
const context = 3

/** `diff -u` of two texts, headers without times. */
export function unifiedDiff(before: string, after: string, from: string, to: string): string {
  const a = before === '' ? [] : before.replace(/\n$/, '').split('\n')
  const b = after === '' ? [] : after.replace(/\n$/, '').split('\n')
  const edits = compare(a, b)
  let out = `--- ${from}\n+++ ${to}\n`
  let at = 0
  while (at < edits.length) {
    while (at < edits.length && edits[at]?.kind === ' ') at++
    if (at >= edits.length) break
    const start = Math.max(0, at - context)
    let end = at
    let quiet = 0
    for (let next = at; next < edits.length && quiet <= 2 * context; next++) {
      if (edits[next]?.kind === ' ') quiet++
      else {
        quiet = 0
        end = next
      }
    }
    const hunk = edits.slice(start, Math.min(edits.length, end + context + 1))
    const before = hunk.filter((edit) => edit.kind !== '+')
    const after = hunk.filter((edit) => edit.kind !== '-')
    const first = edits.slice(0, start)
    const place = (side: '+' | '-', lines: number) => {
      const skipped = first.filter((edit) => edit.kind === ' ' || edit.kind === side).length
      return lines === 1 ? `${skipped + 1}` : `${lines === 0 ? skipped : skipped + 1},${lines}`
    }
    out += `@@ -${place('-', before.length)} +${place('+', after.length)} @@\n${hunk.map((edit) => `${edit.kind}${edit.line}\n`).join('')}`
    at = end + 1
  }
  return out
}

interface Edit {
  kind: ' ' | '-' | '+'
  line: string
}

/** By the longest common subsequence; the texts are objects, a few hundred lines. */
function compare(a: readonly string[], b: readonly string[]): Edit[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--) {
    const row = table[i] as Uint32Array
    const below = table[i + 1] as Uint32Array
    for (let j = b.length - 1; j >= 0; j--)
      row[j] = a[i] === b[j] ? (below[j + 1] as number) + 1 : Math.max(below[j] as number, row[j + 1] as number)
  }
  const edits: Edit[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push({ kind: ' ', line: a[i] as string })
      i++
      j++
    } else if (i < a.length && (j >= b.length || (table[i + 1]?.[j] as number) >= (table[i]?.[j + 1] as number)))
      edits.push({ kind: '-', line: a[i++] as string })
    else edits.push({ kind: '+', line: b[j++] as string })
  }
  return edits
}
