import { expect, test } from 'vitest'
import { binding, clusterBinding, clusterRole, role, user } from '../../bootstrap/rbac/objects.ts'
import { read, rule } from '../../bootstrap/rbac/rule.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { person, rbacWorld, resourceOf } from './testing/rbac-world.ts'

const ada = person('ada')

function setUp(...more: KubeObject[]) {
  const { api, apply } = rbacWorld()
  apply(
    role('team', 'granter', [rule('create get list update', 'rbac.authorization.k8s.io', 'roles rolebindings'), rule(read, '', 'pods')]),
    binding('team', 'granter', [user('ada')]),
    clusterRole('granter', [rule('create update', 'rbac.authorization.k8s.io', 'clusterroles clusterrolebindings')]),
    clusterBinding('granter', [user('ada')]),
    ...more,
  )
  const own = api.as(ada)
  return { api, create: (object: KubeObject) => own.create(resourceOf[object.kind!]!, object), own }
}

test('nobody writes a role with more than they have', () => {
  const { create, own } = setUp()
  const made = create(role('team', 'pods', [rule('get list', '', 'pods')]))
  expect(made.metadata?.name).toBe('pods')
  const refusal =
    'roles.rbac.authorization.k8s.io "more" is forbidden: user "ada" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
    '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n' +
    '{APIGroups:[""], Resources:["secrets"], ResourceNames:["key"], Verbs:["get"]}\n' +
    '{APIGroups:["apps"], Resources:["deployments"], Verbs:["create" "get"]}'
  const rules = [rule('delete get', '', 'pods'), rule('create get', 'apps', 'deployments'), rule('get', '', 'secrets', 'key')]
  expect(() => create(role('team', 'more', rules))).toThrow(refusal)
  expect(() => own.update(resourceOf['Role']!, { ...made, rules: [rule('*', '*', '*')] })).toThrow(
    '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
  )
  // What is held in one namespace is not held in the cluster.
  expect(() => create(clusterRole('pods', [rule('get', '', 'pods')]))).toThrow('permissions not currently held')
})

test('nor binds one, unless they may bind it', () => {
  const { create } = setUp()
  expect(create(binding('team', 'again', [user('bob')], 'granter')).metadata?.name).toBe('again')
  expect(() => create(clusterBinding('root', [user('ada')], 'cluster-admin'))).toThrow(
    'clusterrolebindings.rbac.authorization.k8s.io "root" is forbidden: user "ada" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
      '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}',
  )
  expect(() => create(binding('team', 'lost', [user('bob')], 'gone'))).toThrow('roles.rbac.authorization.k8s.io "gone" not found')

  const binder = setUp(
    clusterRole('binder', [rule('bind', 'rbac.authorization.k8s.io', 'clusterroles', 'view')]),
    clusterBinding('binder', [user('ada')]),
  )
  expect(binder.create(clusterBinding('viewers', [user('bob')], 'view')).metadata?.name).toBe('viewers')
  expect(() => binder.create(clusterBinding('editors', [user('bob')], 'edit'))).toThrow('permissions not currently held')
})

test('escalate lifts it, administrators are free, and an aggregate takes everything', () => {
  const { create } = setUp(
    clusterRole('escalator', [rule('escalate', 'rbac.authorization.k8s.io', 'roles')]),
    clusterBinding('escalator', [user('ada')]),
  )
  expect(create(role('team', 'all', [rule('*', '*', '*')])).metadata?.name).toBe('all')
  const aggregate = { ...clusterRole('sum', []), aggregationRule: { clusterRoleSelectors: [{ matchLabels: { sum: 'true' } }] } }
  expect(() => create(aggregate)).toThrow(
    'clusterroles.rbac.authorization.k8s.io "sum" is forbidden: must have cluster-admin privileges to use the aggregationRule',
  )
  const { api } = setUp()
  expect(api.create(resourceOf['ClusterRole']!, aggregate).metadata?.name).toBe('sum')
})
