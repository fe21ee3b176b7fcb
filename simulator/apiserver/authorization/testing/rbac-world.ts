import { rbacObjects } from '../../../bootstrap/rbac/rbac-objects.ts'
import type { Plugin } from '../../../bootstrap/spec.ts'
import { EventLoop, HeldTime } from '../../../clock.ts'
import type { KubeObject } from '../../../kubernetes.ts'
import { Random } from '../../../random.ts'
import { resources } from '../../../resources/catalogue.ts'
import { Store } from '../../../store/store.ts'
import { defaultAdmission } from '../../admission/defaults.ts'
import type { UserInfo } from '../../api.ts'
import { createApi } from '../../registry/api.ts'
import { createApiServer } from '../../server.ts'
import { clusterAuthorizer } from '../authorizer.ts'
import { escalationCheck } from '../escalation.ts'

export const administrator: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

export function person(name: string, ...groups: string[]): UserInfo {
  return { username: name, groups: [...groups, 'system:authenticated'] }
}

export function serviceAccount(namespace: string, name: string): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  }
}

export function kubelet(node: string): UserInfo {
  return { username: `system:node:${node}`, groups: ['system:nodes', 'system:authenticated'] }
}

export const resourceOf: Readonly<Record<string, string>> = {
  Role: 'roles.rbac.authorization.k8s.io',
  ClusterRole: 'clusterroles.rbac.authorization.k8s.io',
  RoleBinding: 'rolebindings.rbac.authorization.k8s.io',
  ClusterRoleBinding: 'clusterrolebindings.rbac.authorization.k8s.io',
}

/** A real registry and API server with the default roles, authorized and kept from escalation as a cluster wires them. */
export function rbacWorld(cni: Plugin | 'none' = 'kindnet') {
  const clock = new EventLoop(new HeldTime(Date.UTC(2026, 0, 1)), (error) => {
    throw error
  })
  const store = new Store({ clock })
  const authorizer = clusterAuthorizer(store)
  const world = {
    store,
    definitions: resources,
    clock,
    random: new Random(1),
    serviceCidr: '10.96.0.0/16',
    admission: [...defaultAdmission, escalationCheck(authorizer)],
  }
  const api = createApi({ ...world, user: administrator })
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease', 'kube-flannel', 'team']) {
    api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    api.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } })
  }
  const apply = (...objects: KubeObject[]) => objects.map((object) => api.create(resourceOf[object.kind!]!, object))
  apply(...rbacObjects({ cni }))
  let caller: UserInfo = administrator
  const server = createApiServer({
    ...world,
    nodes: { kubelet: () => undefined },
    authenticate: () => caller,
    authorize: authorizer.authorize,
  })
  /** One HTTP request as `user`: the code and the body. */
  async function call(user: UserInfo, method: string, path: string, body?: unknown) {
    caller = user
    const request = new Request(`https://cluster.local${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const response = await server.fetch(request)
    return { code: response.status, body: (await response.json()) as { message?: string; status?: any } }
  }
  return { store, api, authorizer, apply, call }
}

export type RbacWorld = ReturnType<typeof rbacWorld>
