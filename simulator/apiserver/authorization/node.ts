import type { Pod, PodSpec } from 'kubernetes-types/core/v1'
import type { PolicyRule } from 'kubernetes-types/rbac/v1'
import { nodeRules } from '../../bootstrap/rbac/node-rules.ts'
import type { KubeObject } from '../../kubernetes.ts'
import type { UserInfo } from '../api.ts'
import type { Attributes, Authorize, Decision } from '../http/reviews.ts'
import type { RbacReader } from './role-index.ts'
import { ruleAllows } from './rules.ts'

/** What a list or watch selects, where the request says so; upstream's authorizer reads it for pods. */
export type SelectingAttributes = Attributes & { readonly fieldSelector?: string }

/**
 * Beyond upstream's rules: the simulated kubelet reads an event before it counts it up, which the real one keeps in memory.
 */
const kubeletRules: readonly PolicyRule[] = [...nodeRules, { apiGroups: [''], resources: ['events'], verbs: ['get'] }]

/** The name of the node whose kubelet the user is; undefined for others. Empty where the name is (DefaultNodeIdentifier). */
export function nodeOf(user: UserInfo): string | undefined {
  if (!user.username.startsWith('system:node:') || !user.groups.includes('system:nodes')) return undefined
  return user.username.slice('system:node:'.length)
}

/**
 * What kubelets may do (plugin/pkg/auth/authorizer/node): their own Node and Lease, pods of their node, and what those pods refer to.
 * Reduced: relations come from the pods alone (volumes of claims lead no further), and one watch on all ConfigMaps or Secrets is
 * allowed, because the simulated kubelet keeps one where the real one keeps one per object. Everybody else: no opinion.
 */
export function nodeAuthorizer(reader: RbacReader): Authorize {
  return (user, attributes) => {
    const node = nodeOf(user)
    if (node === undefined) return refused()
    if (!node) return refused(`unknown node for user ${JSON.stringify(user.username)}`)
    if (attributes.path === undefined) {
      const decision = ofResource(reader, node, attributes)
      if (decision) return decision
    }
    return kubeletRules.some((rule) => ruleAllows(rule, attributes)) ? { allowed: true } : refused()
  }
}

function refused(reason?: string): Decision {
  return { allowed: false, ...(reason && { reason }) }
}

const allowed: Decision = { allowed: true }

/** Undefined for resources that are not divided among nodes. */
function ofResource(reader: RbacReader, node: string, attributes: SelectingAttributes): Decision | undefined {
  const { group = '', resource = '', subresource = '', verb, namespace = '', name = '' } = attributes
  const related = (kind: Referred) => {
    if (!name) return refused('No Object name found')
    const pods = reader.list('pods', namespace || undefined) as readonly (Pod & KubeObject)[]
    const found = pods.some((pod) => pod.spec?.nodeName === node && refersTo(pod, kind, name))
    return found ? allowed : refused(`no relationship found between node '${node}' and this object`)
  }
  switch (group ? `${resource}.${group}` : resource) {
    case 'secrets':
    case 'configmaps':
      if (!isRead(verb)) return refused('can only read resources of this type')
      if (subresource) return refused('cannot read subresource')
      if (verb === 'watch' && !name) return allowed
      if (!namespace) return refused('can only read namespaced object of this type')
      return related(resource === 'secrets' ? 'secret' : 'configMap')
    case 'persistentvolumeclaims':
      if (verb !== 'get') return refused('can only get individual resources of this type')
      if (subresource) return refused('cannot get subresource')
      return related('claim')
    case 'serviceaccounts':
      if (verb !== 'create' || !name) return refused('can only create tokens for individual service accounts')
      if (subresource !== 'token') return refused('can only create token subresource of service account')
      return related('account')
    case 'leases.coordination.k8s.io':
      if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb)) {
        return refused('can only get, create, update, patch, or delete a node lease')
      }
      if (namespace !== 'kube-node-lease') return refused('can only access leases in the "kube-node-lease" system namespace')
      if (verb !== 'create' && name !== node) return refused('can only access node lease with the same name as the requesting node')
      return allowed
    case 'nodes':
      if (subresource || !isRead(verb)) return undefined
      if (name === node) return allowed
      if (!name) return refused(`node '${node}' cannot read all nodes, only its own Node object`)
      return refused(`node '${node}' cannot read '${name}', only its own Node object`)
    case 'pods': {
      if (subresource) return undefined
      if (verb === 'list' || verb === 'watch') {
        const own = (attributes.fieldSelector ?? '').split(',').some((term) => /^spec\.nodeName==?(.*)$/.exec(term)?.[1] === node)
        return own ? allowed : refused('can only list/watch pods with spec.nodeName field selector')
      }
      if (verb !== 'get' && verb !== 'delete') return undefined
      const pod = reader.get('pods', namespace, name) as (Pod & KubeObject) | undefined
      // A pod that is gone shows nothing; the registry then says so.
      if (!pod || pod.spec?.nodeName === node) return allowed
      return refused(`no relationship found between node '${node}' and this object`)
    }
    default:
      return undefined
  }
}

function isRead(verb: string): boolean {
  return verb === 'get' || verb === 'list' || verb === 'watch'
}

type Referred = 'secret' | 'configMap' | 'claim' | 'account'

function refersTo(pod: Pod, kind: Referred, name: string): boolean {
  const { spec } = pod
  if (!spec) return false
  if (kind === 'account') return (spec.serviceAccountName ?? 'default') === name
  if (kind === 'claim') return spec.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === name) ?? false
  return namesIn(spec, kind).has(name)
}

function namesIn(spec: PodSpec, kind: 'secret' | 'configMap'): Set<string | undefined> {
  const names = new Set<string | undefined>()
  for (const volume of spec.volumes ?? []) {
    names.add(kind === 'secret' ? volume.secret?.secretName : volume.configMap?.name)
    for (const source of volume.projected?.sources ?? []) names.add(source[kind]?.name)
  }
  if (kind === 'secret') for (const { name } of spec.imagePullSecrets ?? []) names.add(name)
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const source of container.envFrom ?? []) names.add(source[`${kind}Ref`]?.name)
    for (const variable of container.env ?? []) names.add(variable.valueFrom?.[`${kind}KeyRef`]?.name)
  }
  return names
}
