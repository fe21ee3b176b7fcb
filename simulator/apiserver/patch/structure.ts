import type { ResourceDefinition } from '../../resources/definition.ts'
import { listMergeAt, schemaAt } from '../../resources/schema/merging.ts'
import type { Schema } from '../../resources/schema/schema.ts'
import { applyStrategy, isAtomic, isMap, type ListStrategy } from './strategies.ts'

/** How the fields of a kind are owned and merged in server-side apply. Paths are field names, list indexes left out. */
export interface Structure {
  /** Undefined where the list is owned as a whole. */
  list(path: readonly string[]): ListStrategy | undefined
  /** Whether an object is owned as a whole. */
  atomic(path: readonly string[]): boolean
  /** Whether an object is a field of its own beside those in it. */
  counted(path: readonly string[]): boolean
}

const builtIn = new Map<string, Structure>()
const custom = new WeakMap<Schema, Structure>()

export function structureOf({ kind, custom: own }: ResourceDefinition): Structure {
  let known = own ? custom.get(own.schema) : builtIn.get(kind)
  if (known) return known
  if (own) custom.set(own.schema, (known = customStructure(own.schema)))
  else {
    known = {
      list: (path) => applyStrategy(kind, path),
      atomic: (path) => isAtomic(kind, path),
      counted: (path) => isMap(kind, path),
    }
    builtIn.set(kind, known)
  }
  return known
}

/** As the schema of a custom kind has it; its metadata is everybody's. */
function customStructure(schema: Schema): Structure {
  const ofMetadata = (path: readonly string[]) => path[0] === 'metadata'
  return {
    list: (path) => {
      if (ofMetadata(path)) return applyStrategy('', path)
      const merge = listMergeAt(schema, path)
      if (!merge) return undefined
      const { keys, defaults } = merge
      return keys ? { key: keys[0], applyKeys: keys, keyDefaults: defaults } : { key: undefined }
    },
    atomic: (path) => (ofMetadata(path) ? isAtomic('', path) : schemaAt(schema, path)?.['x-kubernetes-map-type'] === 'atomic'),
    counted: (path) => (ofMetadata(path) ? isMap('', path) : true),
  }
}
