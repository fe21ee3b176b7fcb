/** As Go's tabwriter with a least width of 5 and three spaces between: every cell is filled up, the last one too. */
export function tabbed(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(5, ...rows.map((row) => (row[column] ?? '').length + 3)))
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('')}\n`).join('')
}

/** As the tablewriter library: a frame, headings in the middle, numbers to the right. */
export function framed(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)))
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`
  const line = (cells: readonly string[]) => `|${cells.map((cell) => ` ${cell} `).join('|')}|\n`
  const middle = (text: string, width: number) => text.padStart(text.length + Math.floor((width - text.length) / 2)).padEnd(width)
  const aligned = (text: string, width: number) => (/^-?\d+(\.\d+)?$/.test(text) ? text.padStart(width) : text.padEnd(width))
  return [
    rule,
    line(headings.map((heading, column) => middle(heading, widths[column]!))),
    rule,
    ...rows.map((row) => line(headings.map((_, column) => aligned(row[column] ?? '', widths[column]!)))),
    rows.length > 0 ? rule : '',
  ].join('')
}
