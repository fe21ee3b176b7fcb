/** Columns as Go's tabwriter lays them out (minimum width 5, padding 3), the last cell of a row as long as it is. */
export function table(rows: readonly (readonly string[])[], minimum = 5, padding = 3): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, minimum, cell.length === 0 ? 0 : cell.length + padding)
  }
  return rows.map((row) => `${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('')}\n`).join('')
}
