import type { ClusterRole, RoleBinding } from 'kubernetes-types/rbac/v1'
import { expect, test } from 'vitest'
import type { KubeObject } from '../../kubernetes.ts'
import { rbacObjects } from './rbac-objects.ts'

const objects = rbacObjects({ cni: 'kindnet' })
const named = (kind: string, name: string) => objects.find((object) => object.kind === kind && object.metadata?.name === name)

test('names are unique and every binding leads to a role', () => {
  const keys = objects.map(({ kind, metadata }) => `${kind} ${metadata?.namespace ?? ''}/${metadata?.name}`)
  expect(new Set(keys).size).toBe(keys.length)
  for (const object of objects as (RoleBinding & KubeObject)[]) {
    if (!object.roleRef) continue
    const { kind, name } = object.roleRef
    expect(keys).toContain(`${kind} ${kind === 'Role' ? object.metadata?.namespace : ''}/${name}`)
  }
})

test('defaults carry the label and the annotation, what kubeadm and plugins add does not', () => {
  const isDefault = ({ metadata }: KubeObject) => metadata?.labels?.['kubernetes.io/bootstrapping'] === 'rbac-defaults'
  for (const object of objects.filter(isDefault)) {
    expect(object.metadata?.annotations).toEqual({ 'rbac.authorization.kubernetes.io/autoupdate': 'true' })
  }
  const own = objects.filter((object) => !isDefault(object)).map(({ metadata }) => metadata?.name)
  expect(own.every((name) => /^(kubeadm:|system:coredns|kube-proxy|kindnet)/.test(name!))).toBe(true)
  expect(own).toHaveLength(19)
})

test('aggregates stand as the aggregation controller leaves them', () => {
  const size = (name: string) => (named('ClusterRole', name) as ClusterRole).rules!.length
  expect(size('view')).toBe(size('system:aggregate-to-view'))
  expect(size('edit')).toBe(size('view') + size('system:aggregate-to-edit'))
  expect(size('admin')).toBe(size('edit') + size('system:aggregate-to-admin'))
  expect(named('ClusterRole', 'view')?.metadata?.labels).toMatchObject({ 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' })
})

test('every plugin has its own, and none is none', () => {
  const names = (cni: 'flannel' | 'none') => rbacObjects({ cni }).map(({ metadata }) => metadata?.name)
  expect(names('flannel').filter((name) => name === 'flannel')).toHaveLength(2)
  expect(names('none').length).toBe(objects.length - 2)
})
