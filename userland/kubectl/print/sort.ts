import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure } from '../cli/failure.ts'
import { lookUp, relaxedPath } from './jsonpath.ts'
import type { Table, TableRow } from './table.ts'

/** `--sort-by` over objects: stable, numbers by value, missing fields first. */
export function sortObjects(objects: readonly KubeObject[], path: string): KubeObject[] {
  return sortedBy(objects, path, (object) => object)
}

/** The same over the rows of tables; rows of several pages of one type become one table. */
export function sortRows<T extends { table: Table }>(fetched: readonly T[], path: string): T[] {
  const [first, ...rest] = fetched
  if (!first) return []
  const rows = fetched.flatMap(({ table }) => table.rows ?? [])
  // A path that is none finds nothing, and kubectl keeps to itself why.
  if (!isPath(path)) return []
  // kubectl itself shows nothing where no row has the field.
  if (rows.every((row) => lookUp(path, row.object).length === 0)) return []
  const ordered: TableRow[] = sortedBy(rows, path, (row) => row.object as KubeObject)
  return rest.every((one) => JSON.stringify(one.table.columnDefinitions) === JSON.stringify(first.table.columnDefinitions))
    ? [{ ...first, table: { ...first.table, rows: ordered } }]
    : fetched.map((one) => ({
        ...one,
        table: { ...one.table, rows: sortedBy(one.table.rows ?? [], path, (row) => row.object as KubeObject) },
      }))
}

function sortedBy<T>(items: readonly T[], path: string, objectOf: (item: T) => KubeObject): T[] {
  const keyed = items.map((item) => ({ item, key: lookUp(path, objectOf(item))[0] }))
  if (items.length > 0 && keyed.every(({ key }) => key === undefined))
    throw new Failure(`couldn't find any field with path "${braced(path)}" in the list of objects`)
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ item }) => item)
}

/** RelaxedJSONPathExpression of kubectl's get package: with both braces or none. */
function isPath(path: string): boolean {
  if (!/^\{\.?[^{}]+\}$|^\.?[^{}]+$/.test(path)) return false
  try {
    relaxedPath(path)
    return true
  } catch (error) {
    if (error instanceof Failure) return false
    throw error
  }
}

export function braced(path: string): string {
  const bare = path.replace(/^\{/, '').replace(/\}$/, '')
  return `{${bare.startsWith('.') ? bare : `.${bare}`}}`
}

const quantity = /^(\d+(?:\.\d+)?)(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/
const factors: Record<string, number> = { m: 1e-3, k: 1e3, Ki: 2 ** 10, M: 1e6, Mi: 2 ** 20, G: 1e9, Gi: 2 ** 30, T: 1e12, Ti: 2 ** 40 }

function compare(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [x, y] = [quantity.exec(String(a)), quantity.exec(String(b))]
  if (x && y) return Number(x[1]) * (factors[x[2] ?? ''] ?? 1) - Number(y[1]) * (factors[y[2] ?? ''] ?? 1)
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0
}
