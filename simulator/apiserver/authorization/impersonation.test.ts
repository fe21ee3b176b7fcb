import { expect, test } from 'vitest'
import { clusterBinding, clusterRole, user } from '../../bootstrap/rbac/objects.ts'
import { rule } from '../../bootstrap/rbac/rule.ts'
import { effectiveUser } from './impersonation.ts'
import { administrator, person, rbacWorld } from './testing/rbac-world.ts'

const world = rbacWorld()
world.apply(
  clusterRole('actor', [
    rule('impersonate', '', 'users', 'jane'),
    rule('impersonate', '', 'groups', 'developers'),
    rule('impersonate', 'authentication.k8s.io', 'userextras/scopes', 'view'),
  ]),
  clusterBinding('actor', [user('actor')]),
)
const actor = person('actor')
const { authorize } = world.authorizer
const as = (headers: [string, string][], who = administrator) => effectiveUser(new Headers(headers), who, authorize)

test('without headers one is oneself', () => {
  expect(as([['Accept', '*/*']], actor)).toBe(actor)
})

test('a user gets system:authenticated, a service account its groups, the anonymous theirs', () => {
  expect(as([['Impersonate-User', 'jane']])).toEqual({ username: 'jane', groups: ['system:authenticated'] })
  expect(as([['Impersonate-User', 'system:serviceaccount:team:web']])).toEqual({
    username: 'system:serviceaccount:team:web',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:team', 'system:authenticated'],
  })
  expect(as([['Impersonate-User', 'system:anonymous']]).groups).toEqual(['system:unauthenticated'])
})

test('groups, extras and the uid come along', () => {
  const headers: [string, string][] = [
    ['Impersonate-User', 'jane'],
    ['Impersonate-Group', 'developers'],
    ['Impersonate-Group', 'admins'],
    ['Impersonate-Extra-Acme.com%2fproject', 'alpha'],
    ['Impersonate-Uid', '42'],
  ]
  expect(as(headers)).toEqual({
    username: 'jane',
    groups: ['developers', 'admins', 'system:authenticated'],
    uid: '42',
    extra: { 'acme.com/project': ['alpha'] },
  })
})

test('each part must be allowed', () => {
  const jane: [string, string] = ['Impersonate-User', 'jane']
  expect(as([jane, ['Impersonate-Group', 'developers'], ['Impersonate-Extra-Scopes', 'view']], actor).username).toBe('jane')
  expect(() => as([['Impersonate-User', 'root']], actor)).toThrow(
    'users "root" is forbidden: User "actor" cannot impersonate resource "users" in API group "" at the cluster scope',
  )
  expect(() => as([jane, ['Impersonate-Group', 'system:masters']], actor)).toThrow(
    'groups "system:masters" is forbidden: User "actor" cannot impersonate resource "groups" in API group "" at the cluster scope',
  )
  expect(() => as([jane, ['Impersonate-Extra-Scopes', 'edit']], actor)).toThrow(
    'userextras.authentication.k8s.io "edit" is forbidden: User "actor" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
  )
  expect(() => as([['Impersonate-User', 'system:serviceaccount:team:web']], actor)).toThrow('in the namespace "team"')
})

test('groups alone are nobody', () => {
  expect(() => as([['Impersonate-Group', 'developers']])).toThrow('requested [{Group  developers    }] without impersonating a user')
})
