import type { Screen } from './screen.ts'
import { renderLine, screenColumn } from './screen.ts'
import type { Position, Text } from './text.ts'
import { isYaml, tintYaml } from './tint.ts'

export type Mode = 'normal' | 'insert' | 'replace' | 'visual' | 'visual-line'

/** What vi's screen shows. */
export interface ViView {
  readonly text: Text
  readonly name: string | undefined
  readonly mode: Mode
  /** The first line in the window. */
  readonly top: number
  readonly numbers: boolean
  readonly message: string
  readonly failed: boolean
  readonly commandLine: { mark: string; text: string } | undefined
  /** Where the selection began. */
  readonly visual: Position
}

export function isVisual(mode: Mode): boolean {
  return mode === 'visual' || mode === 'visual-line'
}

/** Draws the window and returns the first line in it, which follows the cursor. */
export function drawVi(screen: Screen, view: ViView): number {
  let { top } = view
  const { columns } = screen
  const { text } = view
  const height = Math.max(1, screen.rows - 1)
  if (text.row < top) top = text.row < top - height ? Math.max(0, text.row - Math.floor(height / 2)) : text.row
  if (text.row >= top + height) top = text.row > top + 2 * height ? text.row - Math.floor(height / 2) : text.row - height + 1
  const gutter = view.numbers ? Math.max(3, `${text.lines.length}`.length) + 1 : 0
  const width = columns - gutter
  const at = screenColumn(text.line, text.column)
  const shift = at < width ? 0 : at - (at % Math.max(1, width - 8))
  const rows: string[] = []
  for (let index = 0; index < height; index++) {
    const row = top + index
    const line = text.lines[row]
    if (line === undefined) {
      rows.push('\x1b[94m~\x1b[0m')
      continue
    }
    const codes = paint(view, line, row)
    const number = gutter ? `\x1b[33m${`${row + 1}`.padStart(gutter - 1)} \x1b[0m` : ''
    rows.push(number + renderLine(line, shift, width, codes))
  }
  rows.push(bottom(view, columns))
  const typed = view.commandLine
  const cursor = typed
    ? { row: height, column: Math.min(columns - 1, typed.text.length + 1) }
    : { row: text.row - top, column: at - shift + gutter }
  screen.paint(rows, cursor)
  return top
}

function paint(view: ViView, line: string, row: number): string[] | undefined {
  const codes = isYaml(view.name) ? tintYaml(line) : undefined
  if (!isVisual(view.mode)) return codes
  const here = { row: view.text.row, column: view.text.column }
  const ahead = here.row > view.visual.row || (here.row === view.visual.row && here.column >= view.visual.column)
  const [from, to] = ahead ? [view.visual, here] : [here, view.visual]
  if (row < from.row || row > to.row) return codes
  const lines = view.mode === 'visual-line'
  const start = lines || row > from.row ? 0 : from.column
  const end = lines || row < to.row ? line.length : to.column + 1
  const marked = codes ?? new Array<string>(line.length).fill('')
  return marked.map((code, column) => (column >= start && column < end ? '7' : code))
}

function bottom(view: ViView, columns: number): string {
  if (view.commandLine) return (view.commandLine.mark + view.commandLine.text).slice(-columns)
  const mode = {
    insert: '-- INSERT --',
    replace: '-- REPLACE --',
    visual: '-- VISUAL --',
    'visual-line': '-- VISUAL LINE --',
    normal: '',
  }[view.mode]
  const place = `${view.text.row + 1},${screenColumn(view.text.line, view.text.column) + 1}`
  const room = columns - 18
  if (room < 20) return (mode || view.message).slice(0, columns)
  const left = (mode || view.message).slice(0, room)
  const shown = view.failed && !mode ? `\x1b[97;41m${left}\x1b[0m` : mode ? `\x1b[1m${left}\x1b[0m` : left
  return `${shown}${' '.repeat(room - left.length)}${place}`
}
