import type { KubeObject } from '../kubernetes.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { badRequest } from './status.ts'

export type Predicate = (object: KubeObject) => boolean

interface Requirement {
  key: string
  operator: '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<'
  values: string[]
}

/** A label selector in its string form (`app=web,tier notin (db, cache),!legacy`). Throws BadRequest. */
export function labelPredicate(text: string): Predicate {
  const requirements = parseLabels(text)
  return (object) => {
    const labels = object.metadata?.labels ?? {}
    return requirements.every((requirement) => meets(requirement, labels))
  }
}

function meets({ key, operator, values }: Requirement, labels: Record<string, string>): boolean {
  const value = labels[key]
  switch (operator) {
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case '=':
    case 'in':
      return value !== undefined && values.includes(value)
    // An absent label differs from every value (labels.Requirement.Matches).
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case '>':
      return value !== undefined && Number(value) > Number(values[0])
    case '<':
      return value !== undefined && Number(value) < Number(values[0])
  }
}

const requirementPattern =
  /^\s*(?:(!)\s*([^\s=!,()<>]+)|([^\s=!,()<>]+)\s*(?:(==|=|!=|>|<)\s*([^\s=!,()<>]*)|\s(in|notin)\s*\(([^()]*)\)|))\s*(?:,|$)/

function parseLabels(text: string): Requirement[] {
  const requirements: Requirement[] = []
  let rest = text
  while (rest.trim() !== '') {
    const match = requirementPattern.exec(rest)
    if (!match) throw badRequest(`unable to parse requirement: found '${rest.trim()}', expected: a comma-separated label selector`)
    const [whole, not, notKey, key, operator, value, set, list] = match
    if (not) requirements.push({ key: notKey!, operator: '!', values: [] })
    else if (operator) requirements.push({ key: key!, operator: operator === '==' ? '=' : (operator as '='), values: [value ?? ''] })
    else if (set) requirements.push({ key: key!, operator: set as 'in', values: list!.split(',').map((item) => item.trim()) })
    else requirements.push({ key: key!, operator: 'exists', values: [] })
    rest = rest.slice(whole.length)
  }
  return requirements
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
