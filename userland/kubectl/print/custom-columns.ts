import { Failure } from '../cli/failure.ts'
import { goText } from './go-value.ts'
import { lookUp } from './jsonpath.ts'
import { escapeTerminal } from './table.ts'

interface Column {
  readonly header: string
  readonly path: string
}

/** `NAME:.metadata.name,IP:.status.podIP`; throws in kubectl's words. */
export function parseColumns(spec: string): Column[] {
  if (spec === '') throw new Failure('custom-columns format specified but no custom columns given')
  return spec.split(',').map((part) => {
    const colon = part.indexOf(':')
    if (colon < 0) throw new Failure(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`)
    return { header: part.slice(0, colon), path: part.slice(colon + 1) }
  })
}

/** `-o custom-columns-file`: headers in one line, paths in the next. */
export function parseColumnsFile(text: string): Column[] {
  const format = 'Expected format is one line of space separated headers, one line of space separated column specs.'
  const [headers, paths] = text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => line.trim())
  if (!headers) throw new Failure(`invalid template, missing header line. ${format}`)
  if (paths === undefined) throw new Failure(`invalid template, missing spec line. ${format}`)
  const names = headers.split(/\s+/).filter((word) => word !== '')
  const specs = paths.split(/\s+/).filter((word) => word !== '')
  if (names.length !== specs.length)
    throw new Failure(`number of headers (${names.length}) and field specifications (${specs.length}) don't match`)
  return names.map((header, at) => ({ header, path: specs[at] as string }))
}

export function columnHeaders(columns: readonly Column[]): string {
  return `${columns.map((column) => column.header).join('\t')}\n`
}

export function columnRow(columns: readonly Column[], object: unknown): string {
  const cells = columns.map((column) => {
    const found = lookUp(column.path, object).filter((value) => value !== null && value !== undefined)
    return found.length === 0 ? '<none>' : found.map((value) => escapeTerminal(goText(value))).join(',')
  })
  return `${cells.join('\t')}\n`
}
