import type { KubeObject } from '../../kubernetes.ts'
import type { PrinterColumn } from '../../resources/customresourcedefinition/types.ts'
import type { Column } from '../../resources/definition.ts'
import { age } from '../../resources/duration.ts'
import { goJson } from '../../resources/fields.ts'
import { firstAt, parsePath } from '../../resources/schema/jsonpath.ts'

const name: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique within its namespace.',
  priority: 0,
  value: (object) => object.metadata?.name ?? '',
}
const ageOnly: readonly PrinterColumn[] = [
  { name: 'Age', type: 'date', description: 'When the object was created.', jsonPath: '.metadata.creationTimestamp' },
]

/** The table of a custom kind: its name, then what its definition says, or its age (pkg/registry/customresource/tableconvertor). */
export function columnsOf(columns: readonly PrinterColumn[] | undefined): Column<KubeObject>[] {
  return [name, ...(columns?.length ? columns : ageOnly).map(columnOf)]
}

function columnOf({ name, type, format, description, priority = 0, jsonPath }: PrinterColumn): Column<KubeObject> {
  const steps = parsePath(jsonPath) ?? []
  return {
    name,
    type: type as Column<KubeObject>['type'],
    ...(format && { format }),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority,
    value: (object, { now }) => cell(firstAt(object, steps), type, now),
  }
}

function cell(value: unknown, type: string, now: number): string | number | boolean | null {
  if (value === undefined || value === null) return null
  switch (type) {
    case 'string':
      return typeof value === 'object' ? goJson(sorted(value)) : String(value)
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      if (typeof value !== 'string') return null
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : age(value, now)
    default:
      return null
  }
}

/** Go's encoder writes maps in the order of their keys. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}
