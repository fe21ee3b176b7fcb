import type { KubeObject } from '../../../simulator/kubernetes.ts'
import type { ResourceType } from '../client/discovery.ts'

/** A `meta.k8s.io/v1` Table. */
export interface Table {
  kind: 'Table'
  metadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number }
  columnDefinitions?: ColumnDefinition[] | null
  rows?: TableRow[] | null
}
/** What a client asks for to get a table. */
export const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'

export interface ColumnDefinition {
  name: string
  type: string
  format: string
  description?: string
  priority: number
}
export interface TableRow {
  cells: unknown[]
  object?: KubeObject
}

export interface TableOptions {
  readonly wide: boolean
  readonly noHeaders: boolean
  readonly withNamespace: boolean
  /** Prefixes names with `pod/`. */
  readonly withKind: ResourceType | undefined
  readonly showLabels: boolean
  readonly labelColumns: readonly string[]
}

/** Prints tables as lines of tab-separated cells, with headers once per set of columns; after cli-runtime's TablePrinter. */
export function createTablePrinter(options: TableOptions): (table: Table, event?: string) => string {
  let printedHeaders = false
  let lastColumns: ColumnDefinition[] = []
  return (table, event) => {
    const rows = table.rows ?? []
    const given = table.columnDefinitions ?? []
    const same = given.length === 0 || JSON.stringify(given) === JSON.stringify(lastColumns)
    const headers = !options.noHeaders && !(printedHeaders && same)
    if (!same) {
      lastColumns = given
      printedHeaders = false
    }
    if (rows.length > 0) printedHeaders = true
    const columns = decorated(lastColumns, options, event !== undefined)
    const lines: string[] = []
    if (headers && rows.length > 0) lines.push(visible(columns, options).join('\t'))
    for (const row of rows) {
      const cells = decoratedCells(row, lastColumns, options, event)
      lines.push(cells.filter((_, at) => shown(columns[at], options)).join('\t'))
    }
    return lines.map((line) => `${line}\n`).join('')
  }
}

function shown(column: ColumnDefinition | undefined, options: TableOptions): boolean {
  return column !== undefined && (options.wide || column.priority === 0)
}

function visible(columns: readonly ColumnDefinition[], options: TableOptions): string[] {
  return columns.filter((column) => shown(column, options)).map((column) => column.name.toUpperCase())
}

const own = (name: string): ColumnDefinition => ({ name, type: 'string', format: '', priority: 0 })

function decorated(columns: readonly ColumnDefinition[], options: TableOptions, event: boolean): ColumnDefinition[] {
  return [
    ...(event ? [own('Event')] : []),
    ...(options.withNamespace ? [own('Namespace')] : []),
    ...columns,
    ...options.labelColumns.map((label) => own(label.slice(label.lastIndexOf('/') + 1))),
    ...(options.showLabels ? [own('Labels')] : []),
  ]
}

function decoratedCells(row: TableRow, columns: readonly ColumnDefinition[], options: TableOptions, event: string | undefined): string[] {
  const metadata = row.object?.metadata
  const labels = (metadata?.labels ?? {}) as Record<string, string>
  const kind = options.withKind
  const cells = columns.map((column, at) => {
    const cell = cellText(row.cells[at])
    if (!kind || column.format !== 'name' || column.type !== 'string') return cell
    return `${kind.kind.toLowerCase()}${kind.group ? `.${kind.group}` : ''}/${cell}`
  })
  return [
    ...(event === undefined ? [] : [event]),
    ...(options.withNamespace ? [metadata?.namespace ?? ''] : []),
    ...cells,
    ...options.labelColumns.map((label) => labels[label] ?? ''),
    ...(options.showLabels ? [formatLabels(labels)] : []),
  ]
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return ''
  if (typeof cell !== 'string') return escapeTerminal(String(cell))
  const end = cell.search(/[\f\n\r]/)
  return end < 0 ? escapeTerminal(cell) : `${escapeTerminal(cell.slice(0, end))}...`
}

/** Escape sequences of an attacker's making must not reach the terminal. */
export function escapeTerminal(text: string): string {
  return text.replaceAll('\x1b', '^[').replaceAll('\r', '\\r')
}

export function formatLabels(labels: Record<string, string> | undefined): string {
  const pairs = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return pairs.length === 0 ? '<none>' : pairs.map(([key, value]) => `${key}=${value}`).join(',')
}
