import type { ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject } from 'kubernetes-types/rbac/v1'
import type { KubeObject, ResourceName } from '../../kubernetes.ts'
import type { UserInfo } from '../api.ts'
import { aggregatedRules, type ClusterRoleObject } from './aggregation.ts'

/**
 * Where roles and bindings are read from; the Store is one. A list is taken to be unchanged as long as it is the same array,
 * so `list` must hand out the same one until something in it was written.
 */
export interface RbacReader {
  list(resource: ResourceName, namespace?: string): readonly KubeObject[]
  get(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined
}

type BindingObject = (ClusterRoleBinding | RoleBinding) & KubeObject

/** A binding as it applies to one of its subjects. */
export interface Grant {
  readonly binding: BindingObject
  readonly subject: Subject
}

/** Rules, or the sentence of why there are none. */
export type RoleRules = readonly PolicyRule[] | { readonly missing: string }

export interface RoleIndex {
  /** Bindings that apply to the user: of the whole cluster, and, with a namespace, those in it. Each once. */
  grants(user: UserInfo, namespace: string | undefined): readonly Grant[]
  /** What a role reference means for a binding in `namespace` (undefined or empty: a ClusterRoleBinding). */
  rules(ref: RoleRef, namespace: string | undefined): RoleRules
}

/** Grants by subject, in the order of the bindings. */
type Grants = ReadonlyMap<string, readonly Grant[]>

const none: readonly Grant[] = []

/** Looks that are remembered until the list that they were made from is another array. */
export function createRoleIndex(reader: RbacReader): RoleIndex {
  const clusterGrants = remembered(() => reader.list('clusterrolebindings.rbac.authorization.k8s.io'), grantsOfCluster)
  const namespacedGrants = remembered(() => reader.list('rolebindings.rbac.authorization.k8s.io'), grantsOfNamespaces)
  const clusterRules = remembered(() => reader.list('clusterroles.rbac.authorization.k8s.io'), rulesOfRoles)

  return {
    grants(user, namespace) {
      const found = [...find(clusterGrants(), user), ...(namespace ? find(namespacedGrants().get(namespace), user) : none)]
      return found
    },
    rules(ref, namespace) {
      if (ref.kind === 'Role') {
        const role = reader.get('roles.rbac.authorization.k8s.io', namespace, ref.name) as (Role & KubeObject) | undefined
        return role ? (role.rules ?? []) : { missing: `role.rbac.authorization.k8s.io ${JSON.stringify(ref.name)} not found` }
      }
      if (ref.kind !== 'ClusterRole') return { missing: `unsupported role reference kind: ${JSON.stringify(ref.kind)}` }
      const known = clusterRules()
      let rules = known.get(ref.name)
      if (!rules) known.set(ref.name, (rules = rulesOfClusterRole(reader, ref.name)))
      return rules
    },
  }
}

// By list, for all clusters of the thread: the forks of a template begin with its lists, and need not look through them again.
const grantsOfCluster = perList<Grants>(grantsBySubject)
const grantsOfNamespaces = perList<ReadonlyMap<string, Grants>>(
  (bindings) => new Map([...byNamespace(bindings)].map(([namespace, list]) => [namespace, grantsBySubject(list)])),
)
const rulesOfRoles = perList<Map<string, RoleRules>>(() => new Map())

function perList<T>(make: (objects: readonly KubeObject[]) => T): (objects: readonly KubeObject[]) => T {
  const known = new WeakMap<readonly KubeObject[], { readonly made: T }>()
  return (objects) => {
    let found = known.get(objects)
    if (!found) known.set(objects, (found = { made: make(objects) }))
    return found.made
  }
}

function rulesOfClusterRole(reader: RbacReader, name: string): RoleRules {
  const role = reader.get('clusterroles.rbac.authorization.k8s.io', undefined, name) as ClusterRoleObject | undefined
  if (!role) return { missing: `clusterrole.rbac.authorization.k8s.io ${JSON.stringify(name)} not found` }
  return aggregatedRules(role, reader.list('clusterroles.rbac.authorization.k8s.io') as readonly ClusterRoleObject[])
}

function remembered<T>(list: () => readonly KubeObject[], make: (objects: readonly KubeObject[]) => T): () => T {
  let of: readonly KubeObject[] | undefined
  let made: T
  return () => {
    const now = list()
    if (now !== of) {
      made = make(now)
      of = now
    }
    return made
  }
}

function byNamespace(objects: readonly KubeObject[]): Map<string, KubeObject[]> {
  const spaces = new Map<string, KubeObject[]>()
  for (const object of objects) {
    const namespace = object.metadata?.namespace ?? ''
    const list = spaces.get(namespace)
    if (list) list.push(object)
    else spaces.set(namespace, [object])
  }
  return spaces
}

function grantsBySubject(bindings: readonly KubeObject[]): Grants {
  const grants = new Map<string, Grant[]>()
  for (const binding of bindings as readonly BindingObject[]) {
    for (const subject of binding.subjects ?? []) {
      const key = keyOf(subject, binding.metadata?.namespace)
      if (!key) continue
      const list = grants.get(key)
      if (!list) grants.set(key, [{ binding, subject }])
      else if (list.at(-1)!.binding !== binding) list.push({ binding, subject })
    }
  }
  return grants
}

/** A service account is the user that its tokens stand for; without a namespace it is of the binding's own. */
function keyOf({ kind, name, namespace }: Subject, bindingNamespace: string | undefined): string | undefined {
  if (kind === 'User') return userKey(name)
  if (kind === 'Group') return groupKey(name)
  const home = namespace || bindingNamespace
  return kind === 'ServiceAccount' && home ? userKey(`system:serviceaccount:${home}:${name}`) : undefined
}

const userKey = (name: string) => `user ${name}`
const groupKey = (name: string) => `group ${name}`

function find(grants: Grants | undefined, user: UserInfo): readonly Grant[] {
  if (!grants) return none
  let found = grants.get(userKey(user.username)) ?? none
  for (const group of user.groups) {
    const more = grants.get(groupKey(group))
    if (!more) continue
    found = found.length === 0 ? more : [...found, ...more.filter(({ binding }) => !found.some((grant) => grant.binding === binding))]
  }
  return found
}
