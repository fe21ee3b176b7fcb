import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from 'kubernetes-types/rbac/v1'
import type { Describe } from './describe.ts'
import { annotationsBlock, pairsBlock } from './page.ts'

export const describeRole: Describe<Role | ClusterRole> = async ({ metadata = {}, rules }, page) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, 'PolicyRule:\n')
  page.write(1, 'Resources\tNon-Resource URLs\tResource Names\tVerbs\n')
  page.write(1, '---------\t-----------------\t--------------\t-----\n')
  for (const rule of compactedRules(rules ?? []))
    page.write(1, `${resourceText(rule)}\t${listText(rule.nonResourceURLs)}\t${listText(rule.resourceNames)}\t${listText(rule.verbs)}\n`)
}

export const describeBinding: Describe<RoleBinding | ClusterRoleBinding> = async ({ metadata = {}, roleRef, subjects }, page) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, 'Role:\n')
  page.write(1, `Kind:\t${roleRef.kind}\n`)
  page.write(1, `Name:\t${roleRef.name}\n`)
  page.write(0, 'Subjects:\n')
  page.write(1, 'Kind\tName\tNamespace\n')
  page.write(1, '----\t----\t---------\n')
  for (const one of subjects ?? []) page.write(1, `${one.kind}\t${one.name}\t${one.namespace ?? ''}\n`)
}

export const listText = (values: readonly string[] | undefined) => `[${(values ?? []).join(' ')}]`

/** A rule as rules of one verb and one resource each; after kubectl's BreakdownRule. */
function brokenDown(rule: PolicyRule): PolicyRule[] {
  const named = rule.resourceNames?.length ? rule.resourceNames.map((name) => ({ resourceNames: [name] })) : [{}]
  const resources = (rule.apiGroups ?? []).flatMap((group) =>
    (rule.resources ?? []).flatMap((resource) =>
      rule.verbs.flatMap((verb) => named.map((names) => ({ apiGroups: [group], resources: [resource], verbs: [verb], ...names }))),
    ),
  )
  return [
    ...resources,
    ...(rule.nonResourceURLs ?? []).flatMap((url) => rule.verbs.map((verb) => ({ nonResourceURLs: [url], verbs: [verb] }))),
  ]
}

/** Rules broken down, those about one resource put together again with all their verbs, in the order of their texts; after CompactRules. */
export function compactedRules(given: readonly PolicyRule[]): PolicyRule[] {
  const rules = given.flatMap(brokenDown)
  const whole: PolicyRule[] = []
  const byResource = new Map<string, PolicyRule>()
  for (const rule of rules) {
    if (!rule.resources) {
      whole.push(rule)
      continue
    }
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames ?? []])
    const known = byResource.get(key)
    if (!known) byResource.set(key, { ...rule, verbs: [...rule.verbs] })
    else if (!known.verbs.includes(rule.verbs[0] as string)) known.verbs.push(rule.verbs[0] as string)
  }
  const text = (rule: PolicyRule) =>
    `&PolicyRule{Verbs:${listText(rule.verbs)},APIGroups:${listText(rule.apiGroups)},Resources:${listText(rule.resources)},ResourceNames:${listText(rule.resourceNames)},NonResourceURLs:${listText(rule.nonResourceURLs)},}`
  const keyed = [...whole, ...byResource.values()].map((rule) => ({ rule, key: text(rule) }))
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ rule }) => rule)
}

/** `deployments.apps/scale` */
export function resourceText(rule: PolicyRule): string {
  const [resource, ...subresource] = (rule.resources?.[0] ?? '').split('/')
  const group = rule.apiGroups?.[0] ? `.${rule.apiGroups[0]}` : ''
  return [`${resource}${group}`, ...subresource].join('/')
}
