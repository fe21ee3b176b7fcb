import type { Schema } from './schema.ts'
import { fieldOf, itemsOf } from './schema.ts'

/** How a list of a custom resource merges in server-side apply; undefined where it is owned as a whole. */
export interface ListMerge {
  /** Names of the keys that tell elements apart; undefined for a set. */
  readonly keys: readonly string[] | undefined
  /** Values for keys that an element leaves out. */
  readonly defaults: Readonly<Record<string, unknown>>
}

/** The schema at a path of field names, list indexes left out. */
export function schemaAt(root: Schema, path: readonly string[]): Schema | undefined {
  let schema: Schema | undefined = root
  for (const name of path) {
    let holder: Schema | undefined = schema
    while (holder?.items) holder = itemsOf(holder)
    schema = fieldOf(holder, name)
  }
  return schema
}

export function listMergeAt(root: Schema, path: readonly string[]): ListMerge | undefined {
  const schema = schemaAt(root, path)
  const type = schema?.['x-kubernetes-list-type']
  if (type === 'set') return { keys: undefined, defaults: {} }
  if (type !== 'map') return undefined
  const keys = schema?.['x-kubernetes-list-map-keys'] ?? []
  const properties = itemsOf(schema)?.properties ?? {}
  const defaults = Object.fromEntries(
    keys.filter((key) => properties[key]?.default !== undefined).map((key) => [key, properties[key]?.default]),
  )
  return { keys, defaults }
}
