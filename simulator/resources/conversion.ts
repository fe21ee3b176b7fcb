import type { KubeObject } from '../kubernetes.ts'
import type { Column, ResourceDefinition } from './definition.ts'

/** How the objects of one version of a built-in kind become those of the version that the store holds, and back. */
export interface Conversion<T extends KubeObject = any, Stored extends KubeObject = any> {
  readonly stored: ResourceDefinition<Stored>
  fromStored(object: Stored): T
  /** Throws an Error where what the object carries cannot be read. */
  toStored(object: T): Stored
}

/** Another version of a kind: what defaults, validates and shows an object is the stored version's. */
export function convertedVersion<T extends KubeObject, Stored extends KubeObject>(
  stored: ResourceDefinition<Stored>,
  { version, fromStored, toStored }: Omit<Conversion<T, Stored>, 'stored'> & { readonly version: string },
): ResourceDefinition<T> {
  const { group, kind, plural, singular, shortNames, categories, namespaced, status } = stored
  const shown = new WeakMap<Stored, T>()
  const present = (object: Stored): T => {
    let known = shown.get(object)
    if (!known) shown.set(object, (known = fromStored(object)))
    return known
  }
  const columns = stored.columns.map(
    (column): Column<T> => ({ ...column, value: (object, context) => column.value(toStored(object), context) }),
  )
  return {
    group,
    version,
    kind,
    plural,
    singular,
    namespaced,
    ...(shortNames && { shortNames }),
    ...(categories && { categories }),
    ...(status && { status }),
    columns,
    conversion: { stored, fromStored: present, toStored },
  }
}
