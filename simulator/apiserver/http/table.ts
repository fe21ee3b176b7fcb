import { type KubeObject, timestamp } from '../../kubernetes.ts'
import type { Column, ResourceDefinition } from '../../resources/definition.ts'

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

/** A Table as JSON text. */
export function tableText(
  objects: readonly KubeObject[],
  listMeta: Record<string, unknown>,
  options: TableOptions,
  withColumns = true,
): string {
  const columns = columnsOf(options.definition)
  const rows = objects.map((object) => `${cellsText(object, columns, options)}${objectText(object, options)}}`)
  return `${headText(columns, listMeta, options, withColumns)},"rows":[${rows.join(',')}]}`
}

/**
 * A Table as JSON in UTF-8. Metadata is the bulk of a large table and immutable, so its bytes are made once per object: a table of a
 * thousand pods is then little more than copying.
 */
export function tableBytes(
  objects: readonly KubeObject[],
  listMeta: Record<string, unknown>,
  options: TableOptions,
): Uint8Array<ArrayBuffer> {
  const columns = columnsOf(options.definition)
  const output = new ByteWriter(objects.length * 2048 + 8192)
  output.text(`${headText(columns, listMeta, options, true)},"rows":[`)
  for (const [index, object] of objects.entries()) {
    output.text((index === 0 ? '' : ',') + cellsText(object, columns, options))
    if (options.include === 'Metadata') output.bytes(partialBytes(object, options.version))
    else output.text(objectText(object, options))
    output.text('}')
  }
  output.text(']}')
  return output.written()
}

function headText(
  columns: readonly Column<any>[],
  listMeta: Record<string, unknown>,
  { version }: TableOptions,
  withColumns: boolean,
): string {
  const definitions = columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format: format ?? '',
    description,
    priority,
  }))
  return `{"kind":"Table","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(listMeta)},"columnDefinitions":${withColumns ? JSON.stringify(definitions) : 'null'}`
}

/** The first part of a row, which wants its object and a brace. */
function cellsText(object: KubeObject, columns: readonly Column<any>[], { now }: TableOptions): string {
  const context = { now }
  return `{"cells":${JSON.stringify(columns.map((column) => column.value(object, context)))},"object":`
}

function objectText(object: KubeObject, { include, version }: TableOptions): string {
  if (include === 'None') return 'null'
  return include === 'Object' ? JSON.stringify(object) : partialText(object, version)
}

const encoder = new TextEncoder()
const metadataBytes = new WeakMap<object, { readonly version: string; readonly bytes: Uint8Array }>()

function partialBytes(object: KubeObject, version: string): Uint8Array {
  const key = object.metadata ?? object
  let known = metadataBytes.get(key)
  if (known?.version !== version) metadataBytes.set(key, (known = { version, bytes: encoder.encode(partialText(object, version)) }))
  return known.bytes
}

/** Bytes one after the other, in a buffer that doubles. */
class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>
  #length = 0
  constructor(size: number) {
    this.#buffer = new Uint8Array(size)
  }

  text(text: string): void {
    // UTF-8 takes at most three bytes for one UTF-16 code unit.
    this.#reserve(text.length * 3)
    this.#length += encoder.encodeInto(text, this.#buffer.subarray(this.#length)).written
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  written(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + more))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}

const metadataTexts = new WeakMap<object, string>()

/** A PartialObjectMetadata as JSON text. */
export function partialText(object: KubeObject, version: string): string {
  const metadata = object.metadata ?? {}
  let text = metadataTexts.get(metadata)
  if (text === undefined) metadataTexts.set(metadata, (text = JSON.stringify(metadata)))
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":${text}}`
}
