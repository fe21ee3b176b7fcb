import type { PolicyRule } from 'kubernetes-types/rbac/v1'
import type { Attributes } from '../http/reviews.ts'

export const rbacGroup = 'rbac.authorization.k8s.io'

/** Whether one rule allows one request (RuleAllows of plugin/pkg/auth/authorizer/rbac, helpers of pkg/apis/rbac/v1). */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!allOrOne(rule.verbs, attributes.verb)) return false
  if (attributes.path !== undefined) return pathMatches(rule.nonResourceURLs, attributes.path)
  const { resource = '', subresource = '', name = '' } = attributes
  return (
    allOrOne(rule.apiGroups, attributes.group ?? '') &&
    resourceMatches(rule.resources, resource, subresource) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(name))
  )
}

function allOrOne(allowed: readonly string[] | undefined, wanted: string): boolean {
  return allowed !== undefined && (allowed.includes(wanted) || allowed.includes('*'))
}

function resourceMatches(allowed: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (!allowed) return false
  if (!subresource) return allOrOne(allowed, resource)
  return allowed.includes('*') || allowed.includes(`${resource}/${subresource}`) || allowed.includes(`*/${subresource}`)
}

function pathMatches(allowed: readonly string[] | undefined, path: string): boolean {
  return allowed?.some((one) => pathCovers(one, path)) ?? false
}

/** A trailing `*` stands for any rest, the empty one too. */
function pathCovers(owner: string, path: string): boolean {
  return owner === path || (owner.endsWith('*') && path.startsWith(owner.replace(/\*+$/, '')))
}

/**
 * What `wanted` grants beyond `held`, broken down to one group, resource, verb and name each; empty where nothing
 * (Covers of component-helpers/auth/rbac/validation). No single rule has to cover a whole wanted one.
 */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(brokenDown).filter((one) => !held.some((rule) => covers(rule, one)))
}

function brokenDown({ apiGroups = [], resources = [], verbs, resourceNames = [], nonResourceURLs = [] }: PolicyRule): PolicyRule[] {
  const rules: PolicyRule[] = []
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const rule = { apiGroups: [group], resources: [resource], verbs: [verb] }
        if (resourceNames.length === 0) rules.push(rule)
        for (const name of resourceNames) rules.push({ ...rule, resourceNames: [name] })
      }
    }
  }
  for (const url of nonResourceURLs) for (const verb of verbs) rules.push({ nonResourceURLs: [url], verbs: [verb] })
  return rules
}

/** Whether `owner` holds all of `part`, which names at most one of everything. */
function covers(owner: PolicyRule, part: PolicyRule): boolean {
  const all = (own: readonly string[] | undefined, parts: readonly string[] | undefined) =>
    own?.includes('*') || (parts ?? []).every((one) => own?.includes(one))
  const resource = (one: string) => {
    const slash = one.indexOf('/')
    return owner.resources?.includes(one) || (slash >= 0 && owner.resources?.includes(`*${one.slice(slash)}`))
  }
  return Boolean(
    all(owner.verbs, part.verbs) &&
      all(owner.apiGroups, part.apiGroups) &&
      (owner.resources?.includes('*') || (part.resources ?? []).every(resource)) &&
      (part.nonResourceURLs ?? []).every((url) => owner.nonResourceURLs?.some((own) => pathCovers(own, url))) &&
      (!owner.resourceNames?.length ||
        (part.resourceNames?.length && part.resourceNames.every((one) => owner.resourceNames!.includes(one)))),
  )
}

/** One line per group and resource, verbs together, as refusals list what is missing (CompactRules, CompactString). Sorted. */
export function describeRules(rules: readonly PolicyRule[]): string[] {
  const simple = new Map<string, PolicyRule>()
  const compact: PolicyRule[] = []
  for (const rule of rules) {
    const isSimple =
      !rule.resourceNames?.length && !rule.nonResourceURLs?.length && rule.apiGroups?.length === 1 && rule.resources?.length === 1
    if (!isSimple) {
      compact.push(rule)
      continue
    }
    const key = `${rule.resources![0]}.${rule.apiGroups![0]}`
    const known = simple.get(key)
    simple.set(key, known ? { ...known, verbs: [...known.verbs, ...rule.verbs] } : rule)
  }
  return [...new Set([...compact, ...simple.values()].map(describe))].sort()
}

function describe(rule: PolicyRule): string {
  const parts = (
    [
      ['APIGroups', rule.apiGroups],
      ['Resources', rule.resources],
      ['NonResourceURLs', rule.nonResourceURLs],
      ['ResourceNames', rule.resourceNames],
      ['Verbs', rule.verbs],
    ] as const
  ).flatMap(([name, values]) => (values?.length ? [`${name}:${quotedList(values)}`] : []))
  return `{${parts.join(', ')}}`
}

/** As Go's `%q` prints a slice of strings: `["a" "b"]`. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
}
