import type { KubeObject } from '../kubernetes.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { matchesRequirements, parseSelector, type Requirement } from '../resources/selectors.ts'
import { badRequest } from './status.ts'

export type Predicate = (object: KubeObject) => boolean

/** A label selector in its string form (`app=web,tier notin (db, cache),!legacy`). Throws BadRequest. */
export function labelPredicate(text: string): Predicate {
  let requirements: readonly Requirement[]
  try {
    requirements = parseSelector(text)
  } catch (error) {
    throw badRequest((error as Error).message)
  }
  return (object) => matchesRequirements(requirements, object.metadata?.labels)
}

/** A field selector (`status.phase!=Running,metadata.name=web`) for one kind. Throws BadRequest for fields the kind does not offer. */
export function fieldPredicate(text: string, definition: ResourceDefinition): Predicate {
  const terms = text
    .split(',')
    .filter((term) => term.trim() !== '')
    .map((term) => {
      const match = /^\s*([^=!]+?)\s*(==|!=|=)\s*(.*?)\s*$/.exec(term)
      if (!match) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`)
      return { field: match[1]!, negated: match[2] === '!=', value: match[3]! }
    })
  const known = new Set(['metadata.name', 'metadata.namespace'])
  if (definition.selectableFields) {
    for (const field of Object.keys(definition.selectableFields({ metadata: {}, spec: {}, status: {} }))) known.add(field)
  }
  for (const { field } of terms) {
    if (known.has(field)) continue
    throw badRequest(
      definition.selectableFields
        ? `field label not supported: ${field}`
        : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
    )
  }
  return (object) => {
    let extra: Record<string, string> | undefined
    return terms.every(({ field, negated, value }) => {
      let actual: string
      if (field === 'metadata.name') actual = object.metadata?.name ?? ''
      else if (field === 'metadata.namespace') actual = object.metadata?.namespace ?? ''
      else actual = (extra ??= definition.selectableFields!(object))[field] ?? ''
      return (actual === value) !== negated
    })
  }
}

/** Both selectors as one predicate, or undefined where everything matches. */
export function selectorPredicate(
  options: { labelSelector?: string; fieldSelector?: string },
  definition: ResourceDefinition,
): Predicate | undefined {
  const labels = options.labelSelector ? labelPredicate(options.labelSelector) : undefined
  const fields = options.fieldSelector ? fieldPredicate(options.fieldSelector, definition) : undefined
  if (labels && fields) return (object) => labels(object) && fields(object)
  return labels ?? fields
}
