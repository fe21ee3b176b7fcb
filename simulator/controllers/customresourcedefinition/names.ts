import type { Condition, CustomResourceDefinition, Names } from '../../resources/customresourcedefinition/types.ts'

/** What a definition may call itself, and whether that is all that it wants. */
export interface Naming {
  readonly accepted: Partial<Names>
  readonly condition: Omit<Condition, 'lastTransitionTime'>
}

/**
 * The names that a definition gets: those it wants, as far as no other of its group (`others`) has them
 * (pkg/controller/status/naming_controller.go).
 */
export function namingOf(definition: CustomResourceDefinition, others: readonly CustomResourceDefinition[]): Naming {
  const wanted = definition.spec.names
  const held = definition.status?.acceptedNames ?? {}
  const taken = others.filter(({ spec }) => spec.group === definition.spec.group).map(({ status }) => status?.acceptedNames ?? {})
  const words = new Set(taken.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular, ...shortNames]))
  const kinds = new Set(taken.flatMap(({ kind, listKind }) => [kind, listKind]))
  const accepted: { -readonly [K in keyof Names]?: Names[K] } = { ...held }
  let conflict: { reason: string; message: string } | undefined
  const inUse = (name: string) => `${JSON.stringify(name)} is already in use`
  const take = (field: 'plural' | 'singular' | 'kind' | 'listKind', among: ReadonlySet<string | undefined>) => {
    const name = wanted[field]
    if (name === undefined) return
    if (name !== held[field] && among.has(name)) {
      conflict = { reason: `${field.charAt(0).toUpperCase()}${field.slice(1)}Conflict`, message: inUse(name) }
    } else accepted[field] = name
  }
  take('plural', words)
  take('singular', words)
  const short = wanted.shortNames ?? []
  const clashing = short.filter((name) => !held.shortNames?.includes(name) && words.has(name))
  if (clashing.length > 0) {
    const sentences = clashing.map(inUse)
    conflict = { reason: 'ShortNamesConflict', message: sentences.length === 1 ? sentences[0]! : `[${sentences.join(', ')}]` }
  } else if (wanted.shortNames) accepted.shortNames = short
  else delete accepted.shortNames
  take('kind', kinds)
  take('listKind', kinds)
  if (wanted.categories) accepted.categories = wanted.categories
  else delete accepted.categories
  const type = 'NamesAccepted'
  return {
    accepted,
    condition: conflict
      ? { type, status: 'False', ...conflict }
      : { type, status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
  }
}
