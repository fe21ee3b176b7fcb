/** Text in cells that end in tabs, aligned by column: Go's text/tabwriter, with the widths remembered between flushes where asked for. */
export interface TabWriter {
  write(text: string): void
  /** The aligned text of everything written since the last flush. */
  flush(): string
  /** Forgets the widths of earlier flushes. */
  forget(): void
}

interface Settings {
  readonly minimum: number
  readonly padding: number
  readonly remember: boolean
}

/** What kubectl's tables use (cli-runtime printers.GetNewTabWriter). */
export const tableSettings: Settings = { minimum: 6, padding: 3, remember: true }
/** What `describe` uses: minimum 0, padding 2. */
export const describeSettings: Settings = { minimum: 0, padding: 2, remember: false }

export function createTabWriter(settings: Settings = tableSettings): TabWriter {
  let pending = ''
  let remembered: number[] = []

  function format(lines: readonly (readonly string[])[]): string {
    const out: string[] = []
    block(lines, 0, lines.length, [], out)
    return out.join('')
  }

  /** Formats lines [from, to) whose first `widths.length` columns are settled; after tabwriter's `format`. */
  function block(lines: readonly (readonly string[])[], from: number, to: number, widths: readonly number[], out: string[]): void {
    const column = widths.length
    let at = from
    let start = from
    while (at < to) {
      if (column >= (lines[at] as readonly string[]).length - 1) {
        at++
        continue
      }
      writeLines(lines, start, at, widths, out)
      start = at
      let width = settings.minimum
      if (settings.remember && remembered[column] !== undefined) width = Math.max(width, remembered[column])
      while (at < to && column < (lines[at] as readonly string[]).length - 1) {
        width = Math.max(width, widthOf((lines[at] as readonly string[])[column] as string) + settings.padding)
        at++
      }
      const own = [...widths, width]
      if (settings.remember) remembered[column] = Math.max(remembered[column] ?? 0, width)
      block(lines, start, at, own, out)
      start = at
    }
    writeLines(lines, start, to, widths, out)
  }

  return {
    write(text) {
      pending += text
    },
    flush() {
      if (pending === '') return ''
      const ended = pending.endsWith('\n')
      const lines = pending.split('\n')
      if (ended) lines.pop()
      pending = ''
      const text = format(lines.map((line) => line.split('\t')))
      return ended ? text : text.slice(0, -1)
    },
    forget() {
      remembered = []
    },
  }
}

function writeLines(lines: readonly (readonly string[])[], from: number, to: number, widths: readonly number[], out: string[]): void {
  for (let at = from; at < to; at++) {
    const cells = lines[at] as readonly string[]
    let text = ''
    cells.forEach((cell, column) => {
      const width = widths[column]
      const last = column === cells.length - 1
      // The last cell is not ended by a tab: it belongs to no column.
      text += last || width === undefined ? cell : cell + ' '.repeat(Math.max(0, width - widthOf(cell)))
    })
    out.push(`${text}\n`)
  }
}

function widthOf(text: string): number {
  let width = 0
  for (const _ of text) width++
  return width
}

/** Rows of cells, aligned at once. */
export function alignRows(rows: readonly (readonly string[])[], settings: Settings = tableSettings): string {
  const writer = createTabWriter(settings)
  writer.write(rows.map((row) => `${row.join('\t')}\n`).join(''))
  return writer.flush()
}
