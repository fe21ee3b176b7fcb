import type { PolicyRule } from 'kubernetes-types/rbac/v1'

export const read = 'get list watch'
export const write = 'create delete deletecollection patch update'

/**
 * A rule from words with blanks between them: `rule('get list', '', 'pods services')`, sorted as upstream's builder does.
 * Several groups as an array; `names` are the objects that it is limited to.
 */
export function rule(verbs: string, groups: string | readonly string[], resources: string, names?: string): PolicyRule {
  return {
    ...(names && { resourceNames: words(names) }),
    apiGroups: typeof groups === 'string' ? [groups] : [...groups].sort(),
    resources: words(resources),
    verbs: words(verbs),
  }
}

/** A rule about paths that are no resources. */
export function urls(paths: string, verbs = 'get'): PolicyRule {
  return { nonResourceURLs: words(paths), verbs: words(verbs) }
}

/** Every component may report events, in either of their groups. */
export const events: PolicyRule = rule('create patch update', ['', 'events.k8s.io'], 'events')

function words(text: string): string[] {
  return text.split(' ').sort()
}
