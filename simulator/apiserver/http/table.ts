import type { KubeObject } from '../../kubernetes.ts'
import type { Column, ResourceDefinition } from '../../resources/definition.ts'
import { timestamp } from '../registry/metadata.ts'

/** For kinds that declare no columns of their own (rest.DefaultTableConvertor). */
const defaultColumns: readonly Column<KubeObject>[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description:
      'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.',
    priority: 0,
    value: (object) => object.metadata?.name ?? '',
  },
  {
    name: 'Created At',
    type: 'date',
    description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
    priority: 0,
    value: (object) => object.metadata?.creationTimestamp ?? timestamp(0),
  },
]

export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface TableOptions {
  readonly definition: ResourceDefinition
  readonly include: IncludeObject
  /** `v1` or `v1beta1` of meta.k8s.io. */
  readonly version: string
  /** ms since the epoch, for ages. */
  readonly now: number
}

function columnsOf(definition: ResourceDefinition): readonly Column<any>[] {
  return definition.columns.length > 0 ? definition.columns : defaultColumns
}

/**
 * A Table as JSON text. Metadata is the bulk of a large table and immutable, so its text is made once per object: a table of a thousand
 * pods is then little more than joining strings.
 */
export function tableText(
  objects: readonly KubeObject[],
  listMeta: Record<string, unknown>,
  options: TableOptions,
  withColumns = true,
): string {
  const columns = columnsOf(options.definition)
  const definitions = columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format: format ?? '',
    description,
    priority,
  }))
  const head = `{"kind":"Table","apiVersion":"meta.k8s.io/${options.version}","metadata":${JSON.stringify(listMeta)},"columnDefinitions":${withColumns ? JSON.stringify(definitions) : 'null'}`
  const rows = objects.map((object) => rowText(object, columns, options))
  return `${head},"rows":[${rows.join(',')}]}`
}

function rowText(object: KubeObject, columns: readonly Column<any>[], { include, version, now }: TableOptions): string {
  const cells = JSON.stringify(columns.map((column) => column.value(object, { now })))
  if (include === 'None') return `{"cells":${cells},"object":null}`
  const body = include === 'Object' ? JSON.stringify(object) : partialText(object, version)
  return `{"cells":${cells},"object":${body}}`
}

const metadataTexts = new WeakMap<object, string>()

/** A PartialObjectMetadata as JSON text. */
export function partialText(object: KubeObject, version: string): string {
  const metadata = object.metadata ?? {}
  let text = metadataTexts.get(metadata)
  if (text === undefined) metadataTexts.set(metadata, (text = JSON.stringify(metadata)))
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":${text}}`
}
