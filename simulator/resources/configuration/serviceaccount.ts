import type { ServiceAccount } from 'kubernetes-types/core/v1'
import { ageColumn, nameColumn } from '../columns.ts'
import type { ResourceDefinition } from '../definition.ts'
import type { Plain } from '../plain.ts'

export const serviceaccounts: ResourceDefinition<Plain<ServiceAccount>> = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  connects: [{ name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] }],
  columns: [nameColumn, ageColumn],
}
