/**
 * Columns as Go's tabwriter lays them out: a cell is as wide as the widest among its neighbours above and below that have one behind them;
 * the last of a row is as long as it is.
 */
export function table(rows: readonly (readonly string[])[], minimum = 5, padding = 3): string {
  const lines = rows.map(() => '')
  const columns = Math.max(0, ...rows.map((row) => row.length))
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < rows.length; ) {
      let last = first
      while (last < rows.length && rows[last]!.length > column + 1) last++
      const block = rows.slice(first, last)
      const width = Math.max(minimum, ...block.map((row) => row[column]!.length + padding))
      for (const [index, row] of block.entries()) lines[first + index] = `${lines[first + index]}${row[column]!.padEnd(width)}`
      if (last < rows.length && rows[last]!.length === column + 1) lines[last] = `${lines[last]}${rows[last]![column]}`
      first = last + 1
    }
  }
  return lines.map((line) => `${line}\n`).join('')
}
